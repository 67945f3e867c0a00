/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Commands that change something: one PERSISTENT RESERVE OUT each.
 */
#include <inttypes.h>
#include "cli/command.h"
#include "cli/conflict.h"
#include "cli/exit_status.h"
#include "cli/fault.h"
#include "cli/print.h"
#include "cli/session.h"
#include "scsi/cdb.h"
#include "scsi/names.h"

static void print_registered(const struct prm_cli_arguments *arguments)
{
	if (arguments->out.new_key == 0)
		printf("unregistered\n");
	else
		printf("registered " PRM_KEY_FORMAT "\n",
		       arguments->out.new_key);
}

/* What was done, in a line. */
static void print_done(const struct prm_cli_arguments *arguments)
{
	const struct prm_pr_out *out = &arguments->out;

	switch (arguments->command->action) {
	case PRM_PR_OUT_REGISTER:
	case PRM_PR_OUT_REGISTER_AND_IGNORE: print_registered(arguments); break;
	case PRM_PR_OUT_RESERVE:
		printf("reserved: %s (type %u)\n",
		       prm_pr_type_name(arguments->type), arguments->type);
		break;
	case PRM_PR_OUT_RELEASE:
		/* GOOD is also what a path hears that held nothing. */
		printf("released: this path holds no reservation now\n");
		break;
	case PRM_PR_OUT_CLEAR:
		printf("cleared: nothing is registered or reserved\n");
		break;
	case PRM_PR_OUT_REGISTER_AND_MOVE:
		printf("moved to " PRM_KEY_FORMAT "\n", out->new_key);
		break;
	default: printf("preempted " PRM_KEY_FORMAT "\n", out->new_key); break;
	}
}

static void json_done(const struct prm_cli_arguments *arguments)
{
	struct prm_json json = { .file = stdout };

	prm_cli_json_begin(&json, arguments);
	prm_json_string(&json, "status", prm_status_name(PRM_STATUS_GOOD));
	prm_json_end_object(&json);
	prm_json_end_line(&json);
}

static void json_conflict(const struct prm_cli_arguments *arguments,
			  const struct prm_cli_fault *fault,
			  const struct prm_cli_conflict *conflict)
{
	struct prm_json json = { .file = stdout };

	prm_cli_json_begin(&json, arguments);
	prm_json_begin_object(&json, "error");
	prm_cli_fault_json(fault, &json);
	prm_json_end_object(&json);
	if (conflict->known) {
		prm_print_reservation_json(&json, &conflict->reservation);
		if (*conflict->initiator)
			prm_json_string(&json, "holder-transport-id",
					conflict->initiator);
	}
	if (conflict->key_known)
		prm_json_bool(&json, "key-registered", conflict->key_there);
	if (conflict->key_known && prm_cli_conflict_has_victim(arguments))
		prm_json_bool(&json, "victim-registered",
			      conflict->victim_there);
	prm_json_end_object(&json);
	prm_json_end_line(&json);
}

static void report_conflict(const struct prm_cli_arguments *arguments,
			    struct prm_cli_session *session,
			    struct prm_cli_fault *fault)
{
	struct prm_cli_conflict conflict;

	prm_cli_conflict_ask(session, arguments, &conflict);
	if (arguments->given & PRM_CLI_JSON) {
		json_conflict(arguments, fault, &conflict);
		return;
	}
	prm_cli_conflict_advise(&conflict, arguments, fault);
	prm_cli_fault_print(fault, arguments);
}

static int change(const struct prm_cli_arguments *arguments,
		  struct prm_cli_session *session)
{
	struct prm_cli_fault fault;
	int exit;

	exit = prm_cli_session_open(session, arguments, true, &fault);
	if (exit == PRM_EXIT_GOOD)
		exit = prm_cli_out(session, arguments, &fault);
	if (exit == PRM_EXIT_RESERVATION_CONFLICT) {
		report_conflict(arguments, session, &fault);
		return exit;
	}
	if (exit != PRM_EXIT_GOOD)
		return prm_cli_report(&fault, arguments);
	/* RECOVERED ERROR: done, and the device has something to say. */
	if (fault.reply.status != PRM_STATUS_GOOD)
		prm_cli_fault_print(&fault, arguments);
	if (arguments->given & PRM_CLI_JSON)
		json_done(arguments);
	else
		print_done(arguments);
	return PRM_EXIT_GOOD;
}

int prm_cli_run_change(const struct prm_cli_arguments *arguments)
{
	struct prm_cli_session session;
	int exit = change(arguments, &session);

	prm_cli_session_close(&session);
	return exit;
}
