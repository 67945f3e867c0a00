/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where records end up: stderr, the journal, syslog, or the file for traces.
 *
 * The journal and syslog are datagram sockets with formats simple enough to
 * write by hand.  One socket is opened for both, at the start, and never
 * connected: a helper that serves may neither open nor connect another.
 *
 * Whoever starts us may take stderr away later (libvirt does right after the
 * start), so records move on to syslog when it fails.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#include "base/cleanup.h"
#include "base/fd.h"
#include "helper/log/sink.h"
#include "ipc/address.h"

/* syslog(3): daemon. */
#define FACILITY 3

/* Room for what is put in front of a text. */
#define PREFIX_SIZE 160

const struct prm_log_sink_paths prm_log_sink_system = {
	.journal = "/run/systemd/journal/socket",
	/* A private /dev, such as that of a virtual machine, has no log. */
	.syslog = { "/dev/log", "/run/systemd/journal/dev-log", NULL },
};

static const struct {
	const char *name;
	int priority; /* of syslog(3) */
} levels[] = {
	[PRM_LOG_ERROR] = { "error", 3 },
	[PRM_LOG_WARNING] = { "warning", 4 },
	[PRM_LOG_NOTICE] = { "notice", 5 },
	[PRM_LOG_INFO] = { "info", 6 },
	[PRM_LOG_DEBUG] = { "debug", 7 },
};

static int open_socket(struct prm_log_sink_state *sink)
{
	if (sink->socket_fd < 0)
		sink->socket_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return sink->socket_fd < 0 ? -errno : 0;
}

/* Whether somebody reads at @path: 0 or why not. */
static int reach(struct prm_log_sink_state *sink, const char *path)
{
	const struct sockaddr nobody = { .sa_family = AF_UNSPEC };
	struct prm_ipc_address address;
	int r = prm_ipc_address_path(path, &address);

	if (r == 0)
		r = open_socket(sink);
	if (r < 0)
		return r;
	if (connect(sink->socket_fd, (const struct sockaddr *)&address.un,
		    address.len) < 0)
		return -errno;
	/* Each record finds its way anew: the reader may be started again. */
	return connect(sink->socket_fd, &nobody, sizeof(nobody)) < 0 ? -errno
								     : 0;
}

static int reach_syslog(struct prm_log_sink_state *sink)
{
	int r = -ENOENT;

	for (const char *const *path = sink->paths->syslog; *path; path++) {
		r = reach(sink, *path);
		if (r == 0)
			break;
	}
	return r;
}

/* Whether the service manager says that stderr leads to the journal. */
static bool stderr_is_journal(void)
{
	const char *text = getenv("JOURNAL_STREAM");
	uintmax_t dev, ino;
	struct stat st;
	char end;

	if (!text || sscanf(text, "%ju:%ju%c", &dev, &ino, &end) != 2)
		return false;
	return fstat(STDERR_FILENO, &st) == 0 && st.st_dev == dev &&
	       st.st_ino == ino;
}

static bool fill_closed_stderr(void)
{
	CLEANUP(prm_fd_closep) int fd = -1;

	if (fcntl(STDERR_FILENO, F_GETFD) >= 0 || errno != EBADF)
		return false;
	fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (fd == STDERR_FILENO)
		(void)steal_fd(&fd);
	else if (fd >= 0)
		(void)dup3(fd, STDERR_FILENO, O_CLOEXEC);
	return true;
}

static int open_kind(struct prm_log_sink_state *sink, enum prm_log_sink kind)
{
	int r = 0;

	switch (kind) {
	case PRM_LOG_SINK_JOURNAL: r = reach(sink, sink->paths->journal); break;
	case PRM_LOG_SINK_SYSLOG: r = reach_syslog(sink); break;
	default:
		kind = PRM_LOG_SINK_STDERR;
		/* For later, when stderr may be gone; not having it is fine. */
		(void)open_socket(sink);
		break;
	}
	if (r == 0)
		sink->kind = kind;
	return r;
}

int prm_log_sink_open(struct prm_log_sink_state *sink, enum prm_log_sink wanted)
{
	bool was_closed = fill_closed_stderr();

	sink->kind = PRM_LOG_SINK_STDERR;
	sink->in_journal = stderr_is_journal();
	if (wanted == PRM_LOG_SINK_AUTO && sink->in_journal &&
	    open_kind(sink, PRM_LOG_SINK_JOURNAL) == 0)
		return 0;
	if (wanted == PRM_LOG_SINK_AUTO && was_closed)
		wanted = PRM_LOG_SINK_SYSLOG;
	return open_kind(sink, wanted);
}

static int wait_writable(int fd)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLOUT };

	if (poll(&pollfd, 1, -1) < 0 && errno != EINTR)
		return -errno;
	return 0;
}

/*
 * Write all of @line to the stream @fd, which may be non-blocking. How much of
 * it has been written is known on failure too.
 */
static int write_line(int fd, const char *line, size_t len, size_t *ret_written)
{
	ssize_t done;
	int r;

	*ret_written = 0;
	while (len) {
		done = write(fd, line, len);
		if (done >= 0) {
			line += done;
			len -= (size_t)done;
			*ret_written += (size_t)done;
			continue;
		}
		if (errno != EINTR && errno != EAGAIN)
			return -errno;
		r = errno == EAGAIN ? wait_writable(fd) : 0;
		if (r < 0)
			return r;
	}
	return 0;
}

static void append_time(char *line, size_t size, const struct timespec *time)
{
	struct tm tm;
	size_t len;

	if (!gmtime_r(&time->tv_sec, &tm))
		return;
	len = strftime(line, size, "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(line + len, size - len, ".%06ldZ ",
		       time->tv_nsec / 1000);
}

/* "PREFIXname: level: text\n" to the stream @fd. */
static int write_stream(const struct prm_log_sink_state *sink, int fd,
			const char *prefix, const struct prm_log_record *record,
			size_t *ret_written)
{
	char line[PREFIX_SIZE + PRM_LOG_TEXT_MAX + 1];
	int len;

	len = snprintf(line, sizeof(line), "%.40s%.64s: %s%s%.*s\n", prefix,
		       sink->name,
		       record->trace ? "" : levels[record->level].name,
		       record->trace ? "" : ": ", (int)record->text_len,
		       record->text);
	return write_line(fd, line, (size_t)len, ret_written);
}

static int write_stderr(const struct prm_log_sink_state *sink,
			const struct prm_log_record *record, bool timed,
			size_t *ret_written)
{
	char prefix[40] = "";

	if (sink->in_journal)
		(void)snprintf(prefix, sizeof(prefix), "<%d>",
			       levels[record->level].priority);
	else if (timed)
		append_time(prefix, sizeof(prefix), &record->time);
	return write_stream(sink, STDERR_FILENO, prefix, record, ret_written);
}

static int write_trace(const struct prm_log_sink_state *sink,
		       const struct prm_log_record *record)
{
	char prefix[40] = "";
	size_t written;

	append_time(prefix, sizeof(prefix), &record->time);
	return write_stream(sink, sink->trace_fd, prefix, record, &written);
}

static int send_to(const struct prm_log_sink_state *sink, const char *path,
		   struct iovec *iov, size_t iov_count)
{
	struct prm_ipc_address address;
	struct msghdr msg = { .msg_name = &address.un,
			      .msg_iov = iov,
			      .msg_iovlen = iov_count };
	int r = prm_ipc_address_path(path, &address);

	if (r < 0)
		return r;
	msg.msg_namelen = address.len;
	if (sendmsg(sink->socket_fd, &msg, MSG_NOSIGNAL) < 0)
		return -errno;
	return 0;
}

/* One datagram of the journal's native protocol. */
static int send_journal(const struct prm_log_sink_state *sink,
			const struct prm_log_record *record)
{
	char head[PREFIX_SIZE];
	int len = snprintf(head, sizeof(head),
			   "PRIORITY=%d\nSYSLOG_FACILITY=%d\n"
			   "SYSLOG_IDENTIFIER=%.64s\nMESSAGE=",
			   levels[record->level].priority, FACILITY,
			   sink->name);
	struct iovec iov[] = {
		{ head, (size_t)len },
		{ (void *)record->text, record->text_len },
		{ (void *)"\n", 1 },
		{ (void *)record->fields, record->fields_len },
	};

	return send_to(sink, sink->paths->journal, iov, 4);
}

/* One datagram as syslog(3) sends it. */
static int send_syslog(const struct prm_log_sink_state *sink,
		       const struct prm_log_record *record)
{
	char line[PREFIX_SIZE + PRM_LOG_TEXT_MAX];
	char when[32] = "";
	struct iovec iov = { .iov_base = line };
	struct tm tm;
	int len, r = -ENOENT;

	if (localtime_r(&record->time.tv_sec, &tm))
		(void)strftime(when, sizeof(when), "%b %e %H:%M:%S ", &tm);
	len = snprintf(line, sizeof(line), "<%d>%s%.64s[%d]: %.*s",
		       FACILITY << 3 | levels[record->level].priority, when,
		       sink->name, (int)getpid(), (int)record->text_len,
		       record->text);
	iov.iov_len = (size_t)len;
	for (const char *const *path = sink->paths->syslog; *path && r < 0;
	     path++)
		r = send_to(sink, *path, &iov, 1);
	return r;
}

/* Whether there is no room for now: in the disk, or for this user or file. */
static bool is_full(int error)
{
	return error == -ENOSPC || error == -EDQUOT || error == -EFBIG;
}

/* End the line that a full disk has cut off. */
static bool end_cut_line(struct prm_log_sink_state *sink)
{
	size_t written;

	if (sink->is_cut && write_line(STDERR_FILENO, "\n", 1, &written) == 0)
		sink->is_cut = false;
	return !sink->is_cut;
}

static bool try_stderr(struct prm_log_sink_state *sink,
		       const struct prm_log_record *record)
{
	size_t written = 0;
	int r;

	if (!end_cut_line(sink))
		return false;
	r = write_stderr(sink, record, true, &written);
	if (r == 0)
		return true;
	sink->is_cut = written > 0;
	/* A full disk passes; anything else means that nobody reads it. */
	if (is_full(r) || send_syslog(sink, record) < 0)
		return false;
	sink->kind = PRM_LOG_SINK_SYSLOG;
	return true;
}

/* Say how many are missing, as soon as that can be said. */
static bool tell_missed(struct prm_log_sink_state *sink)
{
	struct prm_log_record record;

	if (!sink->missed)
		return true;
	prm_log_record_init(&record, PRM_LOG_WARNING);
	record.text_len = (size_t)snprintf(
		record.text, sizeof(record.text),
		"%lu log records could not be written", sink->missed);
	if (!try_stderr(sink, &record))
		return false;
	sink->missed = 0;
	return true;
}

static void to_stderr(struct prm_log_sink_state *sink,
		      const struct prm_log_record *record)
{
	if (!tell_missed(sink) || !try_stderr(sink, record))
		sink->missed++;
}

static void write_one(struct prm_log_sink_state *sink,
		      const struct prm_log_record *record)
{
	int r = -ENOTCONN;

	if (record->trace && sink->trace_fd >= 0 &&
	    write_trace(sink, record) == 0)
		return;
	if (sink->kind == PRM_LOG_SINK_JOURNAL)
		r = send_journal(sink, record);
	else if (sink->kind == PRM_LOG_SINK_SYSLOG)
		r = send_syslog(sink, record);
	if (r < 0)
		to_stderr(sink, record);
}

static void write_lost(struct prm_log_sink_state *sink, unsigned long lost)
{
	struct prm_log_record record;

	prm_log_record_init(&record, PRM_LOG_WARNING);
	record.text_len = (size_t)snprintf(
		record.text, sizeof(record.text),
		"%lu log records were dropped: the log is not read fast enough",
		lost);
	write_one(sink, &record);
}

void prm_log_sink_write(struct prm_log_sink_state *sink,
			const struct prm_log_record *record)
{
	if (record->lost)
		write_lost(sink, record->lost);
	if (record->text_len)
		write_one(sink, record);
}

void prm_log_sink_write_direct(const struct prm_log_sink_state *sink,
			       const struct prm_log_record *record)
{
	size_t written;

	if (record->trace && sink->trace_fd >= 0 &&
	    write_trace(sink, record) == 0)
		return;
	if (write_stderr(sink, record, false, &written) < 0)
		(void)send_syslog(sink, record);
}

void prm_log_sink_close(struct prm_log_sink_state *sink)
{
	sink->socket_fd = prm_fd_close(sink->socket_fd);
	sink->trace_fd = prm_fd_close(sink->trace_fd);
	sink->kind = PRM_LOG_SINK_STDERR;
}
