/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The daemon's log: one for the process.
 *
 * It has two lives.  While the daemon starts there is one thread, somebody
 * watches stderr, and a message must be out before the next step; so records
 * are written on the spot.  From prm_log_start() on nothing may wait for a
 * reader any more, and records only go to the queue.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include "base/cleanup.h"
#include "base/fd.h"
#include "helper/log/queue.h"
#include "helper/log/sink.h"

/* Who takes the records that are made. */
enum mode {
	MODE_DIRECT, /* nobody: they are written on the spot */
	MODE_QUEUED, /* the writer */
	MODE_STUCK,  /* a writer that does not come back: they are lost */
};

static struct {
	atomic_int level;
	atomic_int mode;
	pthread_t writer;
	struct prm_log_sink_state sink;
	struct prm_log_queue queue;
} the_log = {
	.level = PRM_LOG_NOTICE,
	.mode = MODE_DIRECT,
	.sink = PRM_LOG_SINK_INIT("pr-helper"),
};

int prm_log_open(const struct prm_log_config *config)
{
	the_log.sink.name = config->name;
	atomic_store(&the_log.level, config->level);
	return prm_log_sink_open(&the_log.sink, config->sink);
}

static void *write_records(void *arg)
{
	struct prm_log_record record;

	/* By itself: for another thread it would take a file of /proc. */
	(void)prctl(PR_SET_NAME, "log");
	while (prm_log_queue_pop(&the_log.queue, &record))
		prm_log_sink_write(&the_log.sink, &record);
	return NULL;
}

int prm_log_start(void)
{
	sigset_t all, before;
	int r;

	if (atomic_load(&the_log.mode) != MODE_DIRECT)
		return 0;
	prm_log_queue_init(&the_log.queue);
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&the_log.writer, NULL, write_records, NULL);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r)
		return -r;
	atomic_store(&the_log.mode, MODE_QUEUED);
	return 0;
}

int prm_log_flush(unsigned int timeout_ms)
{
	if (atomic_load(&the_log.mode) != MODE_QUEUED)
		return 0;
	return prm_log_queue_flush(&the_log.queue, timeout_ms) ? 0 : -ETIMEDOUT;
}

void prm_log_close(unsigned int timeout_ms)
{
	int mode = atomic_load(&the_log.mode);

	if (mode == MODE_QUEUED &&
	    !prm_log_queue_close(&the_log.queue, timeout_ms)) {
		atomic_store(&the_log.mode, MODE_STUCK);
		(void)pthread_detach(the_log.writer);
		return;
	}
	if (mode == MODE_STUCK)
		return;
	if (mode == MODE_QUEUED)
		(void)pthread_join(the_log.writer, NULL);
	atomic_store(&the_log.mode, MODE_DIRECT);
	prm_log_sink_close(&the_log.sink);
}

void prm_log_submit(struct prm_log_record *record)
{
	switch (atomic_load(&the_log.mode)) {
	case MODE_QUEUED:
		(void)prm_log_queue_push(&the_log.queue, record);
		break;
	case MODE_DIRECT:
		prm_log_sink_write_direct(&the_log.sink, record);
		break;
	default: break;
	}
}

void prm_log_set_trace_fd(int fd)
{
	the_log.sink.trace_fd = prm_fd_close(the_log.sink.trace_fd);
	the_log.sink.trace_fd = fd;
}

bool prm_log_enabled(enum prm_log_level level)
{
	return (int)level <=
	       atomic_load_explicit(&the_log.level, memory_order_relaxed);
}

static void restore_errno(const int *saved)
{
	errno = *saved;
}

void prm_log(enum prm_log_level level, const char *format, ...)
{
	CLEANUP(restore_errno) const int saved = errno;
	struct prm_log_record record;
	va_list args;

	if (!prm_log_enabled(level))
		return;
	prm_log_record_init(&record, level);
	va_start(args, format);
	prm_log_record_text(&record, format, args);
	va_end(args);
	prm_log_submit(&record);
}

/* What prm_log_fields() and prm_log_keep() have in common. */
__attribute__((format(printf, 3, 0))) static void
submit(struct prm_log_record *record, const struct prm_log_field *fields,
       const char *format, va_list args, size_t count)
{
	for (size_t i = 0; i < count; i++)
		prm_log_record_field(record, &fields[i]);
	prm_log_record_text(record, format, args);
	prm_log_submit(record);
}

void prm_log_fields(enum prm_log_level level,
		    const struct prm_log_field *fields, size_t count,
		    const char *format, ...)
{
	CLEANUP(restore_errno) const int saved = errno;
	struct prm_log_record record;
	va_list args;

	if (!prm_log_enabled(level))
		return;
	prm_log_record_init(&record, level);
	va_start(args, format);
	submit(&record, fields, format, args, count);
	va_end(args);
}

void prm_log_keep(enum prm_log_level level, const struct prm_log_field *fields,
		  size_t count, const char *format, ...)
{
	CLEANUP(restore_errno) const int saved = errno;
	struct prm_log_record record;
	va_list args;

	if (!prm_log_enabled(level))
		return;
	prm_log_record_init(&record, level);
	record.kept = true;
	va_start(args, format);
	submit(&record, fields, format, args, count);
	va_end(args);
}

void prm_log_bytes(const char *what, const void *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	char text[2 * PRM_LOG_BYTES_MAX + 1];
	size_t shown = len < PRM_LOG_BYTES_MAX ? len : PRM_LOG_BYTES_MAX;
	const uint8_t *byte = bytes;

	if (!prm_log_enabled(PRM_LOG_DEBUG))
		return;
	for (size_t i = 0; i < shown; i++) {
		text[2 * i] = digits[byte[i] >> 4];
		text[2 * i + 1] = digits[byte[i] & 0xf];
	}
	text[2 * shown] = '\0';
	prm_log(PRM_LOG_DEBUG, "%s: %zu bytes: %s%s", what, len, text,
		shown < len ? "..." : "");
}

unsigned long prm_log_dropped(void)
{
	if (atomic_load(&the_log.mode) == MODE_DIRECT)
		return 0;
	return prm_log_queue_dropped(&the_log.queue);
}
