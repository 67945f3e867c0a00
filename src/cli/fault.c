/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What went wrong: said once, for people and for programs.
 *
 * A message says what happened to which object; advice says what to do about
 * it.  Whether the command may have been carried out is always part of it: that
 * is what whoever fences has to know.
 */
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include "cli/command.h"
#include "cli/exit_status.h"
#include "cli/fault.h"
#include "scsi/names.h"
#include "scsi/sense.h"

int prm_cli_fault_set(struct prm_cli_fault *fault, int exit, const char *format,
		      ...)
{
	va_list args;

	*fault = (struct prm_cli_fault){ .exit = exit };
	va_start(args, format);
	(void)vsnprintf(fault->message, sizeof(fault->message), format, args);
	va_end(args);
	return exit;
}

void prm_cli_fault_advise(struct prm_cli_fault *fault, const char *format, ...)
{
	size_t len = strlen(fault->advice);
	va_list args;

	/* Room for the newline, whatever has to be cut. */
	va_start(args, format);
	(void)vsnprintf(fault->advice + len, sizeof(fault->advice) - len - 1,
			format, args);
	va_end(args);
	strcat(fault->advice, "\n");
}

int prm_cli_fault_of_errno(struct prm_cli_fault *fault, int error)
{
	int exit = prm_exit_of_errno(error);

	switch (error) {
	case -ENOTCONN:
		prm_cli_fault_set(fault, exit,
				  "the helper cannot be reached; the command "
				  "was not sent");
		break;
	case -EINVAL:
	case -EBADF:
		prm_cli_fault_set(fault, exit, "the command was not sent: %s",
				  strerror(-error));
		break;
	case -ETIMEDOUT:
		prm_cli_fault_set(fault, exit,
				  "no answer in time; the command may or may "
				  "not have been carried out");
		break;
	default:
		prm_cli_fault_set(fault, exit,
				  "no answer (%s); the command may or may not "
				  "have been carried out",
				  strerror(-error));
		break;
	}
	return exit;
}

static void advise_on_sense(struct prm_cli_fault *fault,
			    const struct prm_sense *sense)
{
	if (sense->key == PRM_SENSE_KEY_UNIT_ATTENTION)
		prm_cli_fault_advise(
			fault, "the device reports an earlier event this way, "
			       "once, instead of carrying out\nthe command: "
			       "run it again");
	else if (prm_sense_code(sense) == PRM_SENSE_INVALID_OPCODE)
		prm_cli_fault_advise(
			fault, "this is no device with persistent "
			       "reservations, or it cannot be written to");
	else if (prm_sense_code(sense) == PRM_SENSE_INVALID_RELEASE)
		prm_cli_fault_advise(
			fault, "--type is not that of the reservation; see "
			       "prmctl reservation");
}

int prm_cli_fault_of_reply(struct prm_cli_fault *fault,
			   const struct prm_reply *reply)
{
	char text[PRM_SENSE_TEXT_ROOM];
	struct prm_sense sense;
	int exit = prm_exit_of_reply(reply);
	bool has_sense = reply->status == PRM_STATUS_CHECK_CONDITION &&
			 prm_sense_decode(reply->sense, reply->sense_len,
					  &sense) == PRM_DECODE_OK;

	if (has_sense) {
		prm_sense_text(&sense, text);
		prm_cli_fault_set(fault, exit, "%s", text);
		advise_on_sense(fault, &sense);
	} else if (reply->status == PRM_STATUS_CHECK_CONDITION) {
		prm_cli_fault_set(fault, exit,
				  "CHECK CONDITION without a reason");
	} else {
		prm_cli_fault_set(fault, exit, "%s (status %02xh)",
				  prm_status_name(reply->status),
				  (unsigned int)reply->status & 0xff);
	}
	fault->has_reply = true;
	fault->reply = *reply;
	return exit;
}

static void sense_json(const struct prm_reply *reply, struct prm_json *json)
{
	struct prm_sense sense;
	const char *name;

	if (reply->status != PRM_STATUS_CHECK_CONDITION ||
	    prm_sense_decode(reply->sense, reply->sense_len, &sense) !=
		    PRM_DECODE_OK) {
		prm_json_null(json, "sense");
		return;
	}
	name = prm_sense_additional_name(sense.asc, sense.ascq);
	prm_json_begin_object(json, "sense");
	prm_json_number(json, "key", sense.key);
	prm_json_number(json, "asc", sense.asc);
	prm_json_number(json, "ascq", sense.ascq);
	prm_json_string(json, "key-name", prm_sense_key_name(sense.key));
	prm_json_string(json, "name", name ? name : "");
	prm_json_end_object(json);
}

void prm_cli_fault_json(const struct prm_cli_fault *fault,
			struct prm_json *json)
{
	prm_json_number(json, "exit", (uint64_t)fault->exit);
	prm_json_string(json, "message", fault->message);
	if (!fault->has_reply)
		return;
	prm_json_string(json, "status", prm_status_name(fault->reply.status));
	sense_json(&fault->reply, json);
}

/* Each line of advice, set off from the message. */
static void print_advice(const char *advice)
{
	while (*advice) {
		size_t len = strcspn(advice, "\n");

		fprintf(stderr, "  %.*s\n", (int)len, advice);
		advice += len + (advice[len] == '\n');
	}
}

void prm_cli_fault_print(const struct prm_cli_fault *fault,
			 const struct prm_cli_arguments *arguments)
{
	fprintf(stderr, "prmctl: %s%s%s: %s\n", arguments->command->name,
		arguments->device ? " " : "",
		arguments->device ? arguments->device : "", fault->message);
	print_advice(fault->advice);
}

void prm_cli_json_begin(struct prm_json *json,
			const struct prm_cli_arguments *arguments)
{
	prm_json_begin_object(json, NULL);
	prm_json_string(json, "command", arguments->command->name);
	if (arguments->device)
		prm_json_string(json, "device", arguments->device);
}

int prm_cli_report(const struct prm_cli_fault *fault,
		   const struct prm_cli_arguments *arguments)
{
	struct prm_json json = { .file = stdout };

	if (!(arguments->given & PRM_CLI_JSON)) {
		prm_cli_fault_print(fault, arguments);
		return fault->exit;
	}
	prm_cli_json_begin(&json, arguments);
	prm_json_begin_object(&json, "error");
	prm_cli_fault_json(fault, &json);
	prm_json_end_object(&json);
	prm_json_end_object(&json);
	prm_json_end_line(&json);
	return fault->exit;
}
