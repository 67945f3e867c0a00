/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_HELPER_LOG_TRACE_H
#define PRM_HELPER_LOG_TRACE_H

/*
 * Trace events, chosen by name on the command line as QEMU spells it:
 *
 *	-T [enable=]PATTERN[,events=FILE][,file=FILE]
 *
 * An event that is off costs a load and a branch.  One that is on becomes a
 * record of the log, whatever the log's level, or a line of FILE.  The table
 * of events is in events.h.
 *
 * Options are set before there are other threads; PRM_TRACE() is for any
 * thread and never blocks.
 */

#include <stdbool.h>
#include <stddef.h>
#include "helper/log/events.h"

/* PRM_TRACE_EVENT_session_open and so on, for PRM_TRACE(session_open, …). */
#define PRM_TRACE_ENUM_(name, format) PRM_TRACE_EVENT_##name,
enum prm_trace_event {
	PRM_TRACE_EVENTS(PRM_TRACE_ENUM_) PRM_TRACE_EVENT_COUNT
};

/* The formats where the compiler sees them, to check arguments against. */
#define PRM_TRACE_FORMAT_(name, format)                                        \
	__attribute__((unused)) static const char prm_trace_format_##name[] =  \
		format;
PRM_TRACE_EVENTS(PRM_TRACE_FORMAT_)

/* Which events are on; read it through PRM_TRACE_ENABLED(). */
extern bool prm_trace_on[PRM_TRACE_EVENT_COUNT];

/* Whether @event, a name of the table, is on. */
#define PRM_TRACE_ENABLED(event)                                               \
	__builtin_expect(prm_trace_on[PRM_TRACE_EVENT_##event], 0)

/* Trace @event, a name of the table, with the arguments its format takes. */
#define PRM_TRACE(event, ...)                                                  \
	do {                                                                   \
		if (PRM_TRACE_ENABLED(event))                                  \
			prm_trace_emit(PRM_TRACE_EVENT_##event,                \
				       prm_trace_format_##event, __VA_ARGS__); \
	} while (0)

/**
 * prm_trace_emit() - log one event; PRM_TRACE() calls it
 * @event:  which
 * @format: of the table
 * @...:    its arguments
 */
void prm_trace_emit(enum prm_trace_event event, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/**
 * prm_trace_option() - apply the argument of one -T
 * @option: comma-separated; "events=FILE" reads patterns from the lines of
 *          FILE, where '#' starts a comment; "file=FILE" appends the events
 *          to FILE, which is opened here
 *
 * A pattern may hold '*' and '?' and switches off with a leading '-'.  One
 * that names no event is warned about and ignored, as in QEMU.
 *
 * Return: 0; -EINVAL for an unknown key or an empty value; or the error of
 * opening or reading a file.
 */
int prm_trace_option(const char *option);

/**
 * prm_trace_set() - switch events on, or off with a leading '-'
 * @pattern: with '*' for any characters and '?' for one
 *
 * Return: how many events @pattern names.
 */
size_t prm_trace_set(const char *pattern);

/* The name of @event, below PRM_TRACE_EVENT_COUNT. */
const char *prm_trace_name(enum prm_trace_event event);

#endif
