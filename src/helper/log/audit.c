/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One line for each PERSISTENT RESERVE OUT.
 *
 * The line and the journal's fields are made from one table of keys, so that
 * they cannot say different things.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "base/clock.h"
#include "helper/log/audit.h"
#include "helper/log/log.h"
#include "helper/log/rate.h"

/* Room for the longest value: the name of a unit, with its NUL. */
#define VALUE_SIZE 256

/* Sense key of what was refused for what it said (SPC-4, 4.5.6). */
#define ILLEGAL_REQUEST 5

enum value {
	VALUE_PID,
	VALUE_UID,
	VALUE_UNIT,
	VALUE_DEVICE,
	VALUE_ACTION,
	VALUE_KEY,
	VALUE_SA_KEY,
	VALUE_TYPE,
	VALUE_STATUS,
	VALUE_SENSE,
	VALUE_DURATION,
	VALUE_LATE,
	VALUE_DROPPED,
	VALUE_COUNT,
};

/* What the journal calls them; the line has them without "PRM_", in small. */
static const char *const field_names[VALUE_COUNT] = {
	"PRM_PID",     "PRM_UID",   "PRM_UNIT",        "PRM_DEVICE",
	"PRM_ACTION",  "PRM_KEY",   "PRM_SA_KEY",      "PRM_TYPE",
	"PRM_STATUS",  "PRM_SENSE", "PRM_DURATION_US", "PRM_LATE",
	"PRM_DROPPED",
};

/* @text as one word: blanks and whatever could be taken for one are "_". */
static void put_word(char *value, const char *text, const char *otherwise)
{
	(void)snprintf(value, VALUE_SIZE, "%s",
		       text && text[0] ? text : otherwise);
	for (; *value; value++) {
		if ((unsigned char)*value <= ' ' || *value == '\x7f')
			*value = '_';
	}
}

static void put_client(char (*values)[VALUE_SIZE],
		       const struct prm_audit *audit)
{
	if (audit->pid)
		(void)snprintf(values[VALUE_PID], VALUE_SIZE, "%ld",
			       (long)audit->pid);
	else
		put_word(values[VALUE_PID], "?", "?");
	(void)snprintf(values[VALUE_UID], VALUE_SIZE, "%lu",
		       (unsigned long)audit->uid);
	put_word(values[VALUE_UNIT], audit->unit, "?");
}

static void put_key(char *value, uint64_t key, bool is_known)
{
	if (is_known)
		(void)snprintf(value, VALUE_SIZE, "0x%016" PRIx64, key);
	else
		put_word(value, "?", "?");
}

static void put_command(char (*values)[VALUE_SIZE],
			const struct prm_audit *audit)
{
	put_word(values[VALUE_DEVICE], audit->device, "?");
	put_word(values[VALUE_ACTION], audit->action, "?");
	put_key(values[VALUE_KEY], audit->key, audit->has_keys);
	put_key(values[VALUE_SA_KEY], audit->sa_key, audit->has_keys);
	(void)snprintf(values[VALUE_TYPE], VALUE_SIZE, "%u", audit->type);
}

static void put_outcome(char (*values)[VALUE_SIZE],
			const struct prm_audit *audit)
{
	put_word(values[VALUE_STATUS], audit->status, "-");
	if (audit->has_sense)
		(void)snprintf(values[VALUE_SENSE], VALUE_SIZE, "%x/%02x/%02x",
			       audit->sense_key, audit->asc, audit->ascq);
	else
		put_word(values[VALUE_SENSE], "-", "-");
	(void)snprintf(values[VALUE_DURATION], VALUE_SIZE, "%" PRId64,
		       audit->duration_ns / PRM_NS_PER_US);
	put_word(values[VALUE_LATE], audit->late ? "yes" : "no", "-");
	put_word(values[VALUE_DROPPED], audit->dropped ? "yes" : "no", "-");
}

/*
 * What was refused can be had by the thousand, from a client that wants other
 * lines to get lost.  What the device may have done cannot.
 */
static bool may_have_changed(const struct prm_audit *audit)
{
	return !audit->dropped && !audit->is_conflict &&
	       !(audit->has_sense && audit->sense_key == ILLEGAL_REQUEST);
}

/* The line, as prm_log_keep() and prm_log_fields() take it. */
#define LINE(values)                                                           \
	"audit pid=%s uid=%s unit=%s device=%s action=%s key=%s sa_key=%s "    \
	"type=%s status=%s sense=%s duration_us=%s late=%s dropped=%s",        \
		values[VALUE_PID], values[VALUE_UID], values[VALUE_UNIT],      \
		values[VALUE_DEVICE], values[VALUE_ACTION], values[VALUE_KEY], \
		values[VALUE_SA_KEY], values[VALUE_TYPE],                      \
		values[VALUE_STATUS], values[VALUE_SENSE],                     \
		values[VALUE_DURATION], values[VALUE_LATE],                    \
		values[VALUE_DROPPED]

void prm_audit_log(const struct prm_audit *audit)
{
	char values[VALUE_COUNT][VALUE_SIZE];
	struct prm_log_field fields[VALUE_COUNT];
	int64_t now = prm_clock_ns();

	if (!prm_log_enabled(PRM_LOG_NOTICE))
		return;
	prm_audit_rate_tell(now);
	if (!may_have_changed(audit) && !prm_audit_rate_take(now))
		return;
	put_client(values, audit);
	put_command(values, audit);
	put_outcome(values, audit);
	for (size_t i = 0; i < VALUE_COUNT; i++)
		fields[i] = (struct prm_log_field){ field_names[i], values[i] };
	if (may_have_changed(audit))
		prm_log_keep(PRM_LOG_NOTICE, fields, VALUE_COUNT, LINE(values));
	else
		prm_log_fields(PRM_LOG_NOTICE, fields, VALUE_COUNT,
			       LINE(values));
}
