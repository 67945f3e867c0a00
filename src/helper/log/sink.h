/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_HELPER_LOG_SINK_H
#define PRM_HELPER_LOG_SINK_H

/*
 * Inside this folder: where records end up.
 *
 * One thread at a time.  Writing may block for as long as the reader likes.
 */

#include <stdbool.h>
#include "helper/log/record.h"

/**
 * struct prm_log_sink_paths - where the sockets of the system's logs are
 * @journal: the journal's own protocol
 * @syslog:  syslog's, in the order to try them; ends with NULL
 */
struct prm_log_sink_paths {
	const char *journal;
	const char *syslog[3];
};

/* Where they are on every system. */
extern const struct prm_log_sink_paths prm_log_sink_system;

/**
 * struct prm_log_sink_state - where records go now
 * @name:       of the program
 * @paths:      where to send to
 * @kind:       STDERR, JOURNAL or SYSLOG
 * @in_journal: stderr leads to the journal: priorities instead of times
 * @socket_fd:  for datagrams to journal or syslog, not connected; or -1
 * @trace_fd:   file for trace events, or -1 to treat them like the others
 * @missed:     records that could not be written since the last that could
 * @is_cut:     stderr ends within a line: its disk became full there
 */
struct prm_log_sink_state {
	const char *name;
	const struct prm_log_sink_paths *paths;
	enum prm_log_sink kind;
	bool in_journal;
	int socket_fd;
	int trace_fd;
	unsigned long missed;
	bool is_cut;
};

/* A sink that writes to stderr and has nothing open. */
#define PRM_LOG_SINK_INIT(name_)                                               \
	{                                                                      \
		.name = (name_), .paths = &prm_log_sink_system,                \
		.kind = PRM_LOG_SINK_STDERR, .socket_fd = -1, .trace_fd = -1,  \
	}

/**
 * prm_log_sink_open() - find where records are to go
 * @sink:   initialised; it keeps its name, paths and trace file
 * @wanted: which sink
 *
 * A stderr that is closed becomes /dev/null, lest a device be opened as
 * descriptor 2 and the log be written over it; the sink is then syslog.
 *
 * Return: 0, or why nobody can be reached there; the sink is then stderr.
 */
int prm_log_sink_open(struct prm_log_sink_state *sink,
		      enum prm_log_sink wanted);

/* Write @record, and in front of it how many were lost. */
void prm_log_sink_write(struct prm_log_sink_state *sink,
			const struct prm_log_record *record);

/* Write @record to stderr without a time, or to syslog when that fails. */
void prm_log_sink_write_direct(const struct prm_log_sink_state *sink,
			       const struct prm_log_record *record);

/* Close what is open; the sink is stderr then. */
void prm_log_sink_close(struct prm_log_sink_state *sink);

#endif
