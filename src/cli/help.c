/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Help, made from the table of commands so that it is never out of step.
 */
#include <stdio.h>
#include "cli/command.h"
#include "cli/spec.h"

/* Options in the order in which help has them. */
static const struct {
	unsigned int option;
	const char *words;
	const char *text;
} options[] = {
	{ PRM_CLI_KEY, "-k, --key KEY", "this path's key, in hexadecimal" },
	{ PRM_CLI_NEW_KEY, "-n, --new-key KEY", "the key to be registered" },
	{ PRM_CLI_TYPE, "-t, --type TYPE",
	  "we, ea, wero, earo, wear, eaar, or 1, 3, 5 to 8" },
	{ PRM_CLI_APTPL, "    --aptpl", "survive a loss of power" },
	{ PRM_CLI_ALL_TARGET_PORTS, "    --all-target-ports",
	  "register on every port of the device" },
	{ PRM_CLI_TRANSPORT_ID, "    --transport-id ID",
	  "an initiator, as sg_persist(8) spells it" },
	{ PRM_CLI_RELATIVE_TARGET_PORT, "    --relative-target-port N",
	  "the device's port" },
	{ PRM_CLI_UNREG, "    --unreg", "remove this path's registration" },
	{ PRM_CLI_INTERVAL, "    --interval SECONDS",
	  "how often to look (default 1)" },
	{ PRM_CLI_MANAGER, "-m, --manager SPEC",
	  "a helper's socket, or CLASS,PROPERTY=VALUE,..." },
	{ PRM_CLI_DIRECT, "-d, --direct",
	  "without a helper, by SG_IO (needs root's rights)" },
	{ PRM_CLI_TIMEOUT, "    --timeout SECONDS",
	  "how long to wait for an answer" },
	{ PRM_CLI_JSON, "-j, --json", "an object on one line, for programs" },
};

static void print_option(FILE *file, const struct prm_cli_command *command,
			 size_t i)
{
	const char *words = options[i].words, *text = options[i].text;

	if (options[i].option == PRM_CLI_NEW_KEY &&
	    (command->required & PRM_CLI_TYPE)) {
		words = "    --victim KEY";
		text = "the key to remove (same as --new-key)";
	}
	fprintf(file, "  %-28s  %s\n", words, text);
}

static void print_options(FILE *file, const struct prm_cli_command *command,
			  unsigned int set)
{
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (options[i].option & set)
			print_option(file, command, i);
}

static void help_command(FILE *file, const struct prm_cli_command *command)
{
	static const char *const words[] = {
		[PRM_CLI_NOTHING] = "",
		[PRM_CLI_DEVICE] = " DEVICE",
		[PRM_CLI_PROGRAM] = " [--] PROGRAM [ARGUMENT]...",
	};

	fprintf(file, "Usage: prmctl %s [OPTION]...%s\n", command->name,
		words[command->positional]);
	fprintf(file, "%s: %s.\n\n", command->name, command->summary);
	if (command->required) {
		fprintf(file, "Needed:\n");
		print_options(file, command, command->required);
		fprintf(file, "Options:\n");
	}
	print_options(file, command, command->allowed & ~command->required);
	fprintf(file, "  %-28s  %s\n", "-h, --help", "print this help");
	if (command->details)
		fprintf(file, "\n%s", command->details);
	fprintf(file, "\nThe default manager is the helper at %s.\n",
		PRM_SPEC_DEFAULT_SOCKET);
}

void prm_cli_help(FILE *file, const struct prm_cli_command *command)
{
	if (command) {
		help_command(file, command);
		return;
	}
	fprintf(file, "Usage: prmctl COMMAND [OPTION]... [DEVICE]\n"
		      "SCSI persistent reservations, through a persistent "
		      "reservation manager.\n\n");
	for (size_t i = 0; i < prm_cli_command_count; i++)
		fprintf(file, "  %-16s  %s\n", prm_cli_commands[i].name,
			prm_cli_commands[i].summary);
	fprintf(file, "\n"
		      "prmctl COMMAND --help says more; prmctl(1) says all.\n"
		      "\nTo reserve a device for this machine alone:\n"
		      "  prmctl register --new-key 0x1234 /dev/sdX\n"
		      "  prmctl reserve --key 0x1234 --type wero /dev/sdX\n");
}
