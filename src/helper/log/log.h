/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_HELPER_LOG_LOG_H
#define PRM_HELPER_LOG_LOG_H

/*
 * The daemon's log.
 *
 * A reader of the log that stalls (a full pipe, a stopped journal) must not
 * stall the daemon.  So callers only put a record in a bounded queue; one
 * thread takes them out and may block for as long as it likes.  When the
 * queue is full, records are dropped, counted, and the count is logged as
 * soon as there is room.
 *
 * One log for the process.  prm_log() and its kind may be called from any
 * thread at any time, before prm_log_open() and after prm_log_close() too
 * (then they write to stderr by themselves); open, start and close belong to
 * the main thread.  The program must ignore SIGPIPE.
 */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/* The most records that wait for the writer. */
#define PRM_LOG_QUEUE_RECORDS 1024

/* The most bytes that wait for the writer. */
#define PRM_LOG_QUEUE_BYTES (256 * 1024)

/* The longest text of a record in bytes; the rest is cut off. */
#define PRM_LOG_TEXT_MAX 1024

/* The most bytes that prm_log_bytes() prints. */
#define PRM_LOG_BYTES_MAX 256

/**
 * enum prm_log_level - how much a record matters
 * @PRM_LOG_ERROR:   something is broken; all that -q leaves
 * @PRM_LOG_WARNING: something may be
 * @PRM_LOG_NOTICE:  audit lines; the default
 * @PRM_LOG_INFO:    sessions and decisions; -v
 * @PRM_LOG_DEBUG:   bytes; -vv
 */
enum prm_log_level {
	PRM_LOG_ERROR,
	PRM_LOG_WARNING,
	PRM_LOG_NOTICE,
	PRM_LOG_INFO,
	PRM_LOG_DEBUG,
};

/**
 * enum prm_log_sink - where records go
 * @PRM_LOG_SINK_AUTO:    the journal when stderr leads there (JOURNAL_STREAM),
 *                        else stderr, and syslog once stderr is gone
 * @PRM_LOG_SINK_STDERR:  stderr, and syslog once it is gone
 * @PRM_LOG_SINK_JOURNAL: the journal
 * @PRM_LOG_SINK_SYSLOG:  syslog; for a daemon in the background
 */
enum prm_log_sink {
	PRM_LOG_SINK_AUTO,
	PRM_LOG_SINK_STDERR,
	PRM_LOG_SINK_JOURNAL,
	PRM_LOG_SINK_SYSLOG,
};

/**
 * struct prm_log_config - what to log and where
 * @name:  of the program, in front of each line; borrowed for ever
 * @level: records above it are not made
 * @sink:  where to
 */
struct prm_log_config {
	const char *name;
	enum prm_log_level level;
	enum prm_log_sink sink;
};

/**
 * struct prm_log_field - something to search the journal for
 * @name:  upper-case letters, digits and underscores
 * @value: text; control characters are replaced
 */
struct prm_log_field {
	const char *name;
	const char *value;
};

/**
 * prm_log_open() - set the log up
 * @config: copied
 *
 * Connects to the journal or syslog while names can still be reached, so call
 * it before privileges are dropped. Records keep going straight to stderr
 * until prm_log_start(). May be called again before that, with another level
 * or sink.
 *
 * Return: 0, or the error of connecting to the sink that was asked for;
 * stderr is then used.
 */
int prm_log_open(const struct prm_log_config *config);

/**
 * prm_log_start() - hand records to the writer from now on
 *
 * Starts the writer's thread, with every signal blocked. Call it after the
 * last fork, and after capabilities and filters, which are per thread.
 *
 * Return: 0, or the error of pthread_create(3); records then keep going
 * straight to stderr.
 */
int prm_log_start(void);

/**
 * prm_log_flush() - wait until all records queued so far are written
 * @timeout_ms: how long at the most, in milliseconds
 *
 * Return: 0; -ETIMEDOUT when the writer is stuck.
 */
int prm_log_flush(unsigned int timeout_ms);

/**
 * prm_log_close() - flush, end the writer and close what was opened
 * @timeout_ms: how long to wait for the writer, in milliseconds
 *
 * A writer that is stuck is left behind, for the exit of the process to end.
 */
void prm_log_close(unsigned int timeout_ms);

/* Whether a record of @level would be made: to save costly arguments. */
bool prm_log_enabled(enum prm_log_level level);

/**
 * prm_log() - log one line; never blocks, keeps errno
 * @level:  how much it matters
 * @format: as of printf(3), without a newline at the end
 * @...:    its arguments
 *
 * Control characters in the text are replaced, so that a record is one line
 * whatever a client made it say.
 */
void prm_log(enum prm_log_level level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/**
 * prm_log_fields() - log one line with fields for the journal
 * @level:  how much it matters
 * @fields: @count of them, borrowed for the call; other sinks leave them out
 * @count:  at least 0
 * @format: as for prm_log()
 * @...:    its arguments
 */
void prm_log_fields(enum prm_log_level level,
		    const struct prm_log_field *fields, size_t count,
		    const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/**
 * prm_log_keep() - log one line that must not get lost for others
 * @level:  how much it matters
 * @fields: as for prm_log_fields()
 * @count:  as for prm_log_fields()
 * @format: as for prm_log()
 * @...:    its arguments
 *
 * The last quarter of the queue is kept for such records.
 */
void prm_log_keep(enum prm_log_level level, const struct prm_log_field *fields,
		  size_t count, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/**
 * prm_log_bytes() - log bytes in hexadecimal, at PRM_LOG_DEBUG
 * @what:  to be put in front
 * @bytes: @len of them, of which the first PRM_LOG_BYTES_MAX are printed
 * @len:   their number, which is printed too
 */
void prm_log_bytes(const char *what, const void *bytes, size_t len);

/* Records dropped so far because the queue was full; any thread. */
unsigned long prm_log_dropped(void);

#endif
