/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_HELPER_LOG_RECORD_H
#define PRM_HELPER_LOG_RECORD_H

/* Inside this folder: a record of the log, and how to make one. */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>
#include "helper/log/log.h"

/* Room for the fields of a record; those that do not fit are left out. */
#define PRM_LOG_FIELDS_SIZE 1024

/**
 * struct prm_log_record - one line, and what goes with it
 * @level:      how much it matters
 * @kept:       must not get lost for others
 * @trace:      a trace event; belongs in the trace file if there is one
 * @time:       when it was made (CLOCK_REALTIME)
 * @lost:       records that were dropped before this one
 * @text_len:   bytes of @text; 0 for a record that only tells of @lost
 * @fields_len: bytes of @fields
 * @text:       one line, not terminated
 * @fields:     "NAME=value\n" for each field, as the journal takes them
 */
struct prm_log_record {
	enum prm_log_level level;
	bool kept;
	bool trace;
	struct timespec time;
	unsigned long lost;
	size_t text_len;
	size_t fields_len;
	char text[PRM_LOG_TEXT_MAX];
	char fields[PRM_LOG_FIELDS_SIZE];
};

/**
 * prm_log_record_init() - an empty record of now
 * @record: to be initialised
 * @level:  how much it matters
 */
void prm_log_record_init(struct prm_log_record *record,
			 enum prm_log_level level);

/**
 * prm_log_record_text() - append to the text
 * @record: initialised
 * @format: as of vprintf(3)
 * @args:   its arguments
 *
 * Control characters are replaced; what does not fit becomes "...".
 */
void prm_log_record_text(struct prm_log_record *record, const char *format,
			 va_list args) __attribute__((format(printf, 2, 0)));

/**
 * prm_log_record_field() - append a field, whole or not at all
 * @record: initialised
 * @field:  borrowed for the call
 */
void prm_log_record_field(struct prm_log_record *record,
			  const struct prm_log_field *field);

/* Queue @record, or write it to stderr where nobody takes from the queue. */
void prm_log_submit(struct prm_log_record *record);

/* Send trace events to @fd, which the log owns from now on; before start. */
void prm_log_set_trace_fd(int fd);

#endif
