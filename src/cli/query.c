/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Commands that only ask: keys, reservation, capabilities, status.
 *
 * Each has a printer for people and one for programs; what is asked for and how
 * failures are reported is the same for all.
 */
#include <inttypes.h>
#include "cli/command.h"
#include "cli/exit_status.h"
#include "cli/fault.h"
#include "cli/print.h"
#include "cli/session.h"
#include "scsi/names.h"

/* Decodes and prints an answer; the exit status is 0 or of a fault. */
typedef int (*answer)(const struct prm_cli_arguments *arguments,
		      struct prm_cli_session *session,
		      struct prm_cli_fault *fault);

static int query(const struct prm_cli_arguments *arguments, answer tell)
{
	struct prm_cli_session session;
	struct prm_cli_fault fault;
	int exit;

	exit = prm_cli_session_open(&session, arguments, false, &fault);
	if (exit == PRM_EXIT_GOOD)
		exit = tell(arguments, &session, &fault);
	prm_cli_session_close(&session);
	return exit == PRM_EXIT_GOOD ? exit : prm_cli_report(&fault, arguments);
}

static bool wants_json(const struct prm_cli_arguments *arguments)
{
	return arguments->given & PRM_CLI_JSON;
}

static void end_json(struct prm_json *json)
{
	prm_json_end_object(json);
	prm_json_end_line(json);
}

static void print_keys(struct prm_keys *keys)
{
	uint64_t key;

	printf("generation   %" PRIu32 "\n", keys->generation);
	printf("keys         %" PRIu32 "%s\n", keys->count,
	       keys->complete ? "" : ", not all of them here");
	while (prm_keys_next(keys, &key))
		printf("  " PRM_KEY_FORMAT "\n", key);
}

static void json_keys(const struct prm_cli_arguments *arguments,
		      struct prm_keys *keys)
{
	struct prm_json json = { .file = stdout };
	uint64_t key;

	prm_cli_json_begin(&json, arguments);
	prm_json_number(&json, "generation", keys->generation);
	prm_json_number(&json, "count", keys->count);
	prm_json_bool(&json, "complete", keys->complete);
	prm_json_begin_array(&json, "keys");
	while (prm_keys_next(keys, &key))
		prm_json_key(&json, NULL, key);
	prm_json_end_array(&json);
	end_json(&json);
}

static int answer_keys(const struct prm_cli_arguments *arguments,
		       struct prm_cli_session *session,
		       struct prm_cli_fault *fault)
{
	uint8_t data[PRM_DATA_SIZE];
	struct prm_keys keys;
	int exit;

	exit = prm_cli_read_keys(session, data, &keys, fault);
	if (exit != PRM_EXIT_GOOD)
		return exit;
	if (wants_json(arguments))
		json_keys(arguments, &keys);
	else
		print_keys(&keys);
	return PRM_EXIT_GOOD;
}

int prm_cli_run_keys(const struct prm_cli_arguments *arguments)
{
	return query(arguments, answer_keys);
}

static int answer_reservation(const struct prm_cli_arguments *arguments,
			      struct prm_cli_session *session,
			      struct prm_cli_fault *fault)
{
	struct prm_json json = { .file = stdout };
	struct prm_reservation reservation;
	int exit;

	exit = prm_cli_read_reservation(session, &reservation, fault);
	if (exit != PRM_EXIT_GOOD)
		return exit;
	if (!wants_json(arguments)) {
		printf("generation   %" PRIu32 "\n", reservation.generation);
		prm_print_reservation(stdout, &reservation);
		return PRM_EXIT_GOOD;
	}
	prm_cli_json_begin(&json, arguments);
	prm_json_number(&json, "generation", reservation.generation);
	prm_print_reservation_json(&json, &reservation);
	end_json(&json);
	return PRM_EXIT_GOOD;
}

int prm_cli_run_reservation(const struct prm_cli_arguments *arguments)
{
	return query(arguments, answer_reservation);
}

/* A capability: its name in JSON, and what people call it. */
struct capability {
	const char *name;
	const char *text;
	bool value;
};

#define CAPABILITY_COUNT 6

static void list_capabilities(const struct prm_capabilities *from,
			      struct capability to[CAPABILITY_COUNT])
{
	const struct capability list[CAPABILITY_COUNT] = {
		{ "persist-capable", "survives power loss, if asked (aptpl)",
		  from->persist_capable },
		{ "persist-active", "survives power loss, now",
		  from->persist_active },
		{ "all-target-ports", "registers all target ports at once",
		  from->all_target_ports },
		{ "transport-ids", "registers other initiators",
		  from->initiator_ports },
		{ "compatible-reserve", "tolerates RESERVE(6) of registrants",
		  from->compatible_reserve },
		{ "replace-lost", "replaces lost reservations",
		  from->replace_lost },
	};

	for (size_t i = 0; i < CAPABILITY_COUNT; i++)
		to[i] = list[i];
}

static void print_capabilities(const struct prm_capabilities *capabilities)
{
	struct capability list[CAPABILITY_COUNT];

	list_capabilities(capabilities, list);
	for (size_t i = 0; i < CAPABILITY_COUNT; i++)
		printf("%-38s  %s\n", list[i].text,
		       list[i].value ? "yes" : "no");
	printf("%-38s  %u: %s\n", "allow commands",
	       capabilities->allow_commands,
	       prm_allow_commands_text(capabilities->allow_commands));
	printf("types%s\n",
	       capabilities->types_valid ? "" : "  the device does not say");
	for (uint8_t type = 0; type < 16; type++)
		if (capabilities->types >> type & 1)
			printf("  %u  %s\n", type, prm_pr_type_name(type));
}

static void json_capabilities(const struct prm_cli_arguments *arguments,
			      const struct prm_capabilities *capabilities)
{
	struct prm_json json = { .file = stdout };
	struct capability list[CAPABILITY_COUNT];

	prm_cli_json_begin(&json, arguments);
	list_capabilities(capabilities, list);
	for (size_t i = 0; i < CAPABILITY_COUNT; i++)
		prm_json_bool(&json, list[i].name, list[i].value);
	prm_json_number(&json, "allow-commands", capabilities->allow_commands);
	prm_json_bool(&json, "types-valid", capabilities->types_valid);
	prm_json_begin_array(&json, "types");
	for (uint8_t type = 0; type < 16; type++)
		if (capabilities->types >> type & 1)
			prm_json_string(&json, NULL, prm_pr_type_word(type));
	prm_json_end_array(&json);
	end_json(&json);
}

static int answer_capabilities(const struct prm_cli_arguments *arguments,
			       struct prm_cli_session *session,
			       struct prm_cli_fault *fault)
{
	struct prm_capabilities capabilities;
	int exit;

	exit = prm_cli_read_capabilities(session, &capabilities, fault);
	if (exit != PRM_EXIT_GOOD)
		return exit;
	if (wants_json(arguments))
		json_capabilities(arguments, &capabilities);
	else
		print_capabilities(&capabilities);
	return PRM_EXIT_GOOD;
}

int prm_cli_run_capabilities(const struct prm_cli_arguments *arguments)
{
	return query(arguments, answer_capabilities);
}

static void print_registrant(const struct prm_registrant *registrant)
{
	char initiator[PRM_TRANSPORT_ID_TEXT_ROOM], port[16] = "all";

	if (!registrant->all_target_ports)
		(void)snprintf(port, sizeof(port), "%u",
			       registrant->relative_target_port);
	prm_print_initiator(registrant, initiator);
	printf(PRM_KEY_FORMAT "  %-6s  %-5s  %s\n", registrant->key,
	       registrant->holder ? "yes" : "no", port, initiator);
}

/* Holders all say the same, so it is said once. */
static void print_held(struct prm_full_status status)
{
	struct prm_registrant registrant;

	while (prm_full_status_next(&status, &registrant)) {
		if (!registrant.holder)
			continue;
		printf("reservation  %s (type %u)\n",
		       prm_pr_type_name(registrant.type), registrant.type);
		return;
	}
	if (status.complete)
		printf("reservation  none\n");
}

static void print_status(struct prm_full_status *status)
{
	struct prm_registrant registrant;
	uint32_t count = 0;

	printf("generation   %" PRIu32 "\n", status->generation);
	print_held(*status);
	while (prm_full_status_next(status, &registrant)) {
		if (count++ == 0)
			printf("\n%-18s  %-6s  %-5s  %s\n", "KEY", "HOLDER",
			       "PORT", "INITIATOR");
		print_registrant(&registrant);
	}
	if (count == 0)
		printf("registrants  none\n");
	if (!status->complete)
		printf("there are more, for which the answer had no room\n");
}

static void json_registrant(struct prm_json *json,
			    const struct prm_registrant *registrant)
{
	char initiator[PRM_TRANSPORT_ID_TEXT_ROOM];

	prm_print_initiator(registrant, initiator);
	prm_json_begin_object(json, NULL);
	prm_json_key(json, "key", registrant->key);
	prm_json_bool(json, "holder", registrant->holder);
	if (registrant->holder) {
		prm_json_number(json, "type", registrant->type);
		prm_json_string(json, "type-name",
				prm_pr_type_word(registrant->type));
		prm_json_number(json, "scope", registrant->scope);
	}
	prm_json_bool(json, "all-target-ports", registrant->all_target_ports);
	if (!registrant->all_target_ports)
		prm_json_number(json, "relative-target-port",
				registrant->relative_target_port);
	prm_json_string(json, "transport-id", initiator);
	prm_json_end_object(json);
}

static void json_status(const struct prm_cli_arguments *arguments,
			struct prm_full_status *status)
{
	struct prm_json json = { .file = stdout };
	struct prm_registrant registrant;

	prm_cli_json_begin(&json, arguments);
	prm_json_number(&json, "generation", status->generation);
	prm_json_bool(&json, "complete", status->complete);
	prm_json_begin_array(&json, "registrants");
	while (prm_full_status_next(status, &registrant))
		json_registrant(&json, &registrant);
	prm_json_end_array(&json);
	end_json(&json);
}

static int answer_status(const struct prm_cli_arguments *arguments,
			 struct prm_cli_session *session,
			 struct prm_cli_fault *fault)
{
	struct prm_full_status status;
	uint8_t data[PRM_DATA_SIZE];
	int exit;

	exit = prm_cli_read_full_status(session, data, &status, fault);
	if (exit == PRM_EXIT_ILLEGAL_REQUEST)
		prm_cli_fault_advise(fault,
				     "it cannot tell its full status; prmctl "
				     "keys and prmctl reservation work "
				     "everywhere");
	if (exit != PRM_EXIT_GOOD)
		return exit;
	if (wants_json(arguments))
		json_status(arguments, &status);
	else
		print_status(&status);
	return PRM_EXIT_GOOD;
}

int prm_cli_run_status(const struct prm_cli_arguments *arguments)
{
	return query(arguments, answer_status);
}
