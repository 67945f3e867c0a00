/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * prmctl watch: keys and reservation, read again and again.
 *
 * The protocol has no way to be told, so this polls.  What cannot be read is
 * said once, and watching goes on: whoever watches a fencing device does not
 * want to be left when a helper is restarted.  A unit attention is news, too.
 */
#include <inttypes.h>
#include <string.h>
#include <time.h>
#include "base/clock.h"
#include "cli/command.h"
#include "cli/exit_status.h"
#include "cli/fault.h"
#include "cli/print.h"
#include "cli/session.h"
#include "cli/snapshot.h"
#include "scsi/names.h"

/* How often to try for one generation in both answers. */
#define ATTEMPTS 10

struct watch {
	const struct prm_cli_arguments *arguments;
	struct prm_cli_session session;
	struct prm_json json;
};

/* Now, in UTC, to the millisecond. */
static void now_text(char text[40])
{
	struct timespec now;
	struct tm tm;
	size_t len;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	(void)gmtime_r(&now.tv_sec, &tm);
	len = strftime(text, 40, "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(text + len, 40 - len, ".%03ldZ", now.tv_nsec / 1000000);
}

static bool wants_json(const struct watch *watch)
{
	return watch->arguments->given & PRM_CLI_JSON;
}

/* Begin a line; in JSON, with its event. */
static void begin_line(struct watch *watch, const char *event)
{
	char now[40];

	now_text(now);
	if (!wants_json(watch)) {
		printf("%s  ", now);
		return;
	}
	prm_cli_json_begin(&watch->json, watch->arguments);
	prm_json_string(&watch->json, "time", now);
	prm_json_string(&watch->json, "event", event);
}

static void end_line(struct watch *watch)
{
	if (wants_json(watch))
		prm_json_end_object(&watch->json);
	prm_json_end_line(&watch->json);
}

static void print_reserved(const struct prm_reservation *reservation)
{
	if (reservation->key)
		printf("reserved by " PRM_KEY_FORMAT, reservation->key);
	else
		printf("reserved by every registrant");
	printf(", %s (type %u)", prm_pr_type_name(reservation->type),
	       reservation->type);
}

static void print_change(const struct prm_change *change)
{
	switch (change->kind) {
	case PRM_CHANGE_GENERATION:
		printf("generation %" PRIu32, change->generation);
		break;
	case PRM_CHANGE_UNREGISTERED:
		printf("key " PRM_KEY_FORMAT " unregistered", change->key);
		break;
	case PRM_CHANGE_REGISTERED:
		printf("key " PRM_KEY_FORMAT " registered", change->key);
		break;
	case PRM_CHANGE_RELEASED: printf("reservation released"); break;
	case PRM_CHANGE_RESERVED:
		print_reserved(&change->after->reservation);
		break;
	}
}

static void json_change(struct prm_json *json, const struct prm_change *change)
{
	prm_json_number(json, "generation", change->generation);
	if (change->kind == PRM_CHANGE_REGISTERED ||
	    change->kind == PRM_CHANGE_UNREGISTERED)
		prm_json_key(json, "key", change->key);
	if (change->kind == PRM_CHANGE_RESERVED)
		prm_print_reservation_json(json, &change->after->reservation);
}

static void tell_change(const struct prm_change *change, void *opaque)
{
	static const char *const events[] = {
		[PRM_CHANGE_GENERATION] = "generation",
		[PRM_CHANGE_UNREGISTERED] = "unregistered",
		[PRM_CHANGE_REGISTERED] = "registered",
		[PRM_CHANGE_RELEASED] = "released",
		[PRM_CHANGE_RESERVED] = "reserved",
	};
	struct watch *watch = opaque;

	begin_line(watch, events[change->kind]);
	if (wants_json(watch))
		json_change(&watch->json, change);
	else
		print_change(change);
	end_line(watch);
}

static void tell_start(struct watch *watch, const struct prm_snapshot *first)
{
	begin_line(watch, "start");
	if (wants_json(watch)) {
		prm_json_number(&watch->json, "generation", first->generation);
		prm_json_begin_array(&watch->json, "keys");
		for (size_t i = 0; i < first->key_count; i++)
			prm_json_key(&watch->json, NULL, first->keys[i]);
		prm_json_end_array(&watch->json);
		prm_print_reservation_json(&watch->json, &first->reservation);
	} else {
		printf("generation %" PRIu32 ", %zu keys, ", first->generation,
		       first->key_count);
		if (first->reservation.held)
			print_reserved(&first->reservation);
		else
			printf("not reserved");
	}
	end_line(watch);
}

static void tell_fault(struct watch *watch, const struct prm_cli_fault *fault)
{
	begin_line(watch, "error");
	if (wants_json(watch)) {
		prm_json_begin_object(&watch->json, "error");
		prm_cli_fault_json(fault, &watch->json);
		prm_json_end_object(&watch->json);
	} else {
		printf("%s", fault->message);
	}
	end_line(watch);
}

/* What could not be read can be: or silence would be taken for the fault. */
static void tell_recovery(struct watch *watch)
{
	begin_line(watch, "recovered");
	if (!wants_json(watch))
		printf("can be read again");
	end_line(watch);
}

static int read_both(struct watch *watch, struct prm_snapshot *snapshot,
		     struct prm_cli_fault *fault)
{
	uint8_t data[PRM_DATA_SIZE];
	struct prm_keys keys;
	int exit;

	memset(snapshot, 0, sizeof(*snapshot));
	exit = prm_cli_read_keys(&watch->session, data, &keys, fault);
	if (exit != PRM_EXIT_GOOD)
		return exit;
	prm_snapshot_set_keys(snapshot, &keys);
	return prm_cli_read_reservation(&watch->session, &snapshot->reservation,
					fault);
}

/* Keys and reservation of the same moment, as far as the device lets us. */
static int take_snapshot(struct watch *watch, struct prm_snapshot *snapshot,
			 struct prm_cli_fault *fault)
{
	int exit;

	for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
		exit = read_both(watch, snapshot, fault);
		if (exit != PRM_EXIT_GOOD ||
		    snapshot->generation == snapshot->reservation.generation)
			break;
	}
	return exit;
}

static void wait_interval(const struct watch *watch)
{
	struct timespec time = prm_clock_timespec(
		watch->arguments->interval_ms * PRM_NS_PER_MS);

	(void)nanosleep(&time, NULL);
}

/* Until standard output is gone. Returns the exit status. */
static int watch_on(struct watch *watch)
{
	static struct prm_snapshot snapshots[2];
	struct prm_snapshot *now = &snapshots[0], *last = NULL;
	char said[PRM_CLI_MESSAGE_ROOM] = "";
	struct prm_cli_fault fault;
	bool lost = false;

	for (; !ferror(stdout); wait_interval(watch)) {
		if (take_snapshot(watch, now, &fault) != PRM_EXIT_GOOD) {
			if (strcmp(fault.message, said) != 0)
				tell_fault(watch, &fault);
			strcpy(said, fault.message);
			/* A unit attention is over once it is told. */
			lost |= fault.exit != PRM_EXIT_UNIT_ATTENTION;
			continue;
		}
		if (last && lost)
			tell_recovery(watch);
		if (last)
			prm_snapshot_compare(last, now, tell_change, watch);
		else
			tell_start(watch, now);
		said[0] = '\0';
		lost = false;
		last = now;
		now = &snapshots[last == &snapshots[0]];
	}
	return PRM_EXIT_FILE;
}

int prm_cli_run_watch(const struct prm_cli_arguments *arguments)
{
	struct watch watch = {
		.arguments = arguments,
		.json = { .file = stdout },
	};
	struct prm_cli_fault fault;
	int exit;

	exit = prm_cli_session_open(&watch.session, arguments, false, &fault);
	if (exit == PRM_EXIT_GOOD)
		exit = watch_on(&watch);
	else
		exit = prm_cli_report(&fault, arguments);
	prm_cli_session_close(&watch.session);
	return exit;
}
