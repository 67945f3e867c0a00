/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What commands there are, and which options each of them takes and needs.
 *
 * The command line is checked against this table and help is printed from it,
 * so that the two agree.
 */
#include <string.h>
#include "cli/command.h"
#include "scsi/cdb.h"

#define COMMON                                                                 \
	(PRM_CLI_MANAGER | PRM_CLI_DIRECT | PRM_CLI_JSON | PRM_CLI_TIMEOUT)
#define REGISTER (PRM_CLI_NEW_KEY | PRM_CLI_APTPL | PRM_CLI_ALL_TARGET_PORTS)
#define RESERVE  (PRM_CLI_KEY | PRM_CLI_TYPE)
#define PREEMPT  (RESERVE | PRM_CLI_NEW_KEY)
#define MOVE                                                                   \
	(PRM_CLI_KEY | PRM_CLI_NEW_KEY | PRM_CLI_TRANSPORT_ID |                \
	 PRM_CLI_RELATIVE_TARGET_PORT)

const struct prm_cli_command prm_cli_commands[] = {
	{ "keys", "list the registered keys", NULL, PRM_CLI_DEVICE, COMMON, 0,
	  PRM_PR_IN_READ_KEYS, prm_cli_run_keys },
	{ "reservation", "show who holds the reservation", NULL, PRM_CLI_DEVICE,
	  COMMON, 0, PRM_PR_IN_READ_RESERVATION, prm_cli_run_reservation },
	{ "capabilities", "show what the device supports", NULL, PRM_CLI_DEVICE,
	  COMMON, 0, PRM_PR_IN_REPORT_CAPABILITIES, prm_cli_run_capabilities },
	{ "status", "list registrants with their initiators and the holder",
	  "Not every device, and no multipath map, can tell this; `keys' and\n"
	  "`reservation' work on all.\n",
	  PRM_CLI_DEVICE, COMMON, 0, PRM_PR_IN_READ_FULL_STATUS,
	  prm_cli_run_status },
	{ "register", "register, change or remove this path's key",
	  "Without --key, this path has no key yet.  --new-key 0 removes the\n"
	  "registration.\n",
	  PRM_CLI_DEVICE,
	  COMMON | REGISTER | PRM_CLI_KEY | PRM_CLI_TRANSPORT_ID,
	  PRM_CLI_NEW_KEY, PRM_PR_OUT_REGISTER, prm_cli_run_change },
	{ "register-ignore", "register, whatever key this path has now",
	  "--new-key 0 removes the registration.\n", PRM_CLI_DEVICE,
	  COMMON | REGISTER, PRM_CLI_NEW_KEY, PRM_PR_OUT_REGISTER_AND_IGNORE,
	  prm_cli_run_change },
	{ "reserve", "reserve the device",
	  "This path has to be registered, with KEY.\n", PRM_CLI_DEVICE,
	  COMMON | RESERVE, RESERVE, PRM_PR_OUT_RESERVE, prm_cli_run_change },
	{ "release", "release the reservation; keys stay registered",
	  "TYPE has to be that of the reservation.\n", PRM_CLI_DEVICE,
	  COMMON | RESERVE, RESERVE, PRM_PR_OUT_RELEASE, prm_cli_run_change },
	{ "clear", "remove the reservation and every registration", NULL,
	  PRM_CLI_DEVICE, COMMON | PRM_CLI_KEY, PRM_CLI_KEY, PRM_PR_OUT_CLEAR,
	  prm_cli_run_change },
	{ "preempt", "take over the reservation, or remove registrations",
	  "KEY is this path's own, --victim the key to remove.  If that is "
	  "the\n"
	  "holder's (0 for a reservation of all registrants), the reservation\n"
	  "becomes this path's, of type TYPE.\n",
	  PRM_CLI_DEVICE, COMMON | PREEMPT, PREEMPT, PRM_PR_OUT_PREEMPT,
	  prm_cli_run_change },
	{ "preempt-abort", "preempt, and abort the victim's commands",
	  "KEY is this path's own, --victim the key to remove.\n",
	  PRM_CLI_DEVICE, COMMON | PREEMPT, PREEMPT,
	  PRM_PR_OUT_PREEMPT_AND_ABORT, prm_cli_run_change },
	{ "register-move", "hand the reservation to another initiator",
	  "The initiator is named by --transport-id, the device's port it "
	  "uses\n"
	  "by --relative-target-port; it gets --new-key.  --unreg removes "
	  "this\n"
	  "path's own registration.\n",
	  PRM_CLI_DEVICE, COMMON | MOVE | PRM_CLI_APTPL | PRM_CLI_UNREG, MOVE,
	  PRM_PR_OUT_REGISTER_AND_MOVE, prm_cli_run_change },
	{ "watch", "print each change of keys and reservation as it happens",
	  "Ends when it is interrupted.\n", PRM_CLI_DEVICE,
	  COMMON | PRM_CLI_INTERVAL, 0, 0, prm_cli_run_watch },
	{ "ping", "tell whether the helper is alive, and how fast it answers",
	  NULL, PRM_CLI_NOTHING, PRM_CLI_MANAGER | PRM_CLI_JSON, 0, 0,
	  prm_cli_run_ping },
	{ "run", "run a program whose PR commands go through a manager",
	  "The program needs no privileges for them, only the right to open "
	  "the\n"
	  "device.  All its other commands are its own.  Programs that are\n"
	  "statically linked or set-user-ID cannot be run like this.\n",
	  PRM_CLI_PROGRAM, PRM_CLI_MANAGER | PRM_CLI_DIRECT, 0, 0,
	  prm_cli_run_program },
};

const size_t prm_cli_command_count =
	sizeof(prm_cli_commands) / sizeof(prm_cli_commands[0]);

const struct prm_cli_command *prm_cli_command_find(const char *name)
{
	for (size_t i = 0; i < prm_cli_command_count; i++)
		if (strcmp(prm_cli_commands[i].name, name) == 0)
			return &prm_cli_commands[i];
	return NULL;
}
