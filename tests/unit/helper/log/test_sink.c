/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where records end up, and where when that is gone. */
#include <pthread.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include "log_test.h"
#include "helper/log/sink.h"

static struct {
	char dir[32];
	char journal[64], syslog[64], other[64], trace[64];
	struct prm_log_sink_paths paths;
	struct prm_log_sink_state sink;
} t;

static int setup(void **state)
{
	strcpy(t.dir, "/tmp/prm-log-XXXXXX");
	if (!mkdtemp(t.dir))
		return -1;
	snprintf(t.journal, sizeof(t.journal), "%s/journal", t.dir);
	snprintf(t.syslog, sizeof(t.syslog), "%s/syslog", t.dir);
	snprintf(t.other, sizeof(t.other), "%s/other", t.dir);
	snprintf(t.trace, sizeof(t.trace), "%s/trace", t.dir);
	t.paths = (struct prm_log_sink_paths){
		.journal = t.journal,
		.syslog = { t.syslog, t.other, NULL },
	};
	t.sink = (struct prm_log_sink_state)PRM_LOG_SINK_INIT("prog");
	t.sink.paths = &t.paths;
	(void)unsetenv("JOURNAL_STREAM");
	return 0;
}

static int teardown(void **state)
{
	prm_log_sink_close(&t.sink);
	(void)unlink(t.journal);
	(void)unlink(t.syslog);
	(void)unlink(t.other);
	(void)unlink(t.trace);
	return rmdir(t.dir);
}

static struct prm_log_record make_record(enum prm_log_level level,
					 const char *text)
{
	struct prm_log_record record;

	prm_log_record_init(&record, level);
	/* 2001-09-09T01:46:40Z */
	record.time = (struct timespec){ 1000000000, 123456789 };
	record.text_len = strlen(text);
	memcpy(record.text, text, strlen(text));
	return record;
}

static void write_text(enum prm_log_level level, const char *text)
{
	struct prm_log_record record = make_record(level, text);

	prm_log_sink_write(&t.sink, &record);
}

static void stderr_gets_time_name_and_level(void **state)
{
	struct capture capture = capture_begin();
	char text[256];
	int r;

	r = prm_log_sink_open(&t.sink, PRM_LOG_SINK_AUTO);
	write_text(PRM_LOG_WARNING, "hello");
	write_text(PRM_LOG_NOTICE, "again");
	capture_end(&capture, text, sizeof(text));
	assert_int_equal(r, 0);
	assert_string_equal(
		text, "2001-09-09T01:46:40.123456Z prog: warning: hello\n"
		      "2001-09-09T01:46:40.123456Z prog: notice: again\n");
}

static void at_the_start_stderr_gets_no_time(void **state)
{
	struct capture capture = capture_begin();
	struct prm_log_record record = make_record(PRM_LOG_ERROR, "no socket");
	char text[256];

	(void)prm_log_sink_open(&t.sink, PRM_LOG_SINK_AUTO);
	prm_log_sink_write_direct(&t.sink, &record);
	capture_end(&capture, text, sizeof(text));
	assert_string_equal(text, "prog: error: no socket\n");
}

static void lost_records_are_told_of_first(void **state)
{
	struct capture capture = capture_begin();
	struct prm_log_record record = make_record(PRM_LOG_ERROR, "next");
	char text[512];

	(void)prm_log_sink_open(&t.sink, PRM_LOG_SINK_AUTO);
	record.lost = 42;
	prm_log_sink_write(&t.sink, &record);
	record.text_len = 0;
	prm_log_sink_write(&t.sink, &record);
	capture_end(&capture, text, sizeof(text));
	assert_non_null(strstr(text, "warning: 42 log records were dropped"));
	assert_true(strstr(text, "dropped") < strstr(text, "error: next"));
	assert_true(ends_in(text, "not read fast enough\n"));
}

/* JOURNAL_STREAM as the service manager sets it for this stderr. */
static void announce_journal(void)
{
	struct stat st;
	char stream[64];

	(void)fstat(STDERR_FILENO, &st);
	snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev,
		 (uintmax_t)st.st_ino);
	(void)setenv("JOURNAL_STREAM", stream, 1);
}

static void the_journal_gets_fields(void **state)
{
	struct prm_log_record record = make_record(PRM_LOG_NOTICE, "hello");
	struct prm_log_field field = { "PRM_KEY", "0x1" };
	struct capture capture;
	int journal = bind_datagram(t.journal), r;
	char text[512], leftover[64];

	capture = capture_begin();
	announce_journal();
	r = prm_log_sink_open(&t.sink, PRM_LOG_SINK_AUTO);
	prm_log_record_field(&record, &field);
	prm_log_sink_write(&t.sink, &record);
	capture_end(&capture, leftover, sizeof(leftover));
	assert_int_equal(r, 0);
	assert_string_equal(leftover, "");
	receive_text(journal, text, sizeof(text));
	assert_string_equal(text, "PRIORITY=5\nSYSLOG_FACILITY=3\n"
				  "SYSLOG_IDENTIFIER=prog\nMESSAGE=hello\n"
				  "PRM_KEY=0x1\n");
	prm_fd_close(journal);
}

/* Half of it right is not right. */
static void spoil_journal_stream(bool dev, bool ino)
{
	struct stat st;
	char stream[64];

	(void)fstat(STDERR_FILENO, &st);
	snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev + dev,
		 (uintmax_t)st.st_ino + ino);
	(void)setenv("JOURNAL_STREAM", stream, 1);
}

static void another_stream_than_stderr_is_not_it(void **state)
{
	int journal = bind_datagram(t.journal);
	struct capture capture;
	char text[256];

	for (int i = 0; i < 2; i++) {
		capture = capture_begin();
		spoil_journal_stream(i == 0, i == 1);
		(void)prm_log_sink_open(&t.sink, PRM_LOG_SINK_AUTO);
		write_text(PRM_LOG_ERROR, "hello");
		capture_end(&capture, text, sizeof(text));
		assert_true(ends_in(text, "Z prog: error: hello\n"));
		assert_false(has_text(journal));
	}
	prm_fd_close(journal);
}

static void a_foreign_journal_stream_is_not_ours(void **state)
{
	static const char *const streams[] = { "1:2", "", "x", "1:", "1:2x" };
	int journal = bind_datagram(t.journal);
	struct capture capture;
	char text[256];

	for (size_t i = 0; i < sizeof(streams) / sizeof(streams[0]); i++) {
		capture = capture_begin();
		(void)setenv("JOURNAL_STREAM", streams[i], 1);
		(void)prm_log_sink_open(&t.sink, PRM_LOG_SINK_AUTO);
		write_text(PRM_LOG_ERROR, "hello");
		capture_end(&capture, text, sizeof(text));
		assert_true(ends_in(text, "Z prog: error: hello\n"));
		assert_false(has_text(journal));
	}
	prm_fd_close(journal);
}

/* Without the native protocol the stream still takes priorities. */
static void a_stream_to_the_journal_gets_priorities(void **state)
{
	struct prm_log_record record = make_record(PRM_LOG_ERROR, "early");
	struct capture capture = capture_begin();
	char text[256];

	announce_journal();
	(void)prm_log_sink_open(&t.sink, PRM_LOG_SINK_AUTO);
	write_text(PRM_LOG_INFO, "hello");
	prm_log_sink_write_direct(&t.sink, &record);
	capture_end(&capture, text, sizeof(text));
	assert_string_equal(text, "<6>prog: info: hello\n"
				  "<3>prog: error: early\n");
}

static void a_journal_that_was_restarted_is_found_again(void **state)
{
	int journal = bind_datagram(t.journal);
	char text[512];

	assert_int_equal(prm_log_sink_open(&t.sink, PRM_LOG_SINK_JOURNAL), 0);
	prm_fd_close(journal);
	assert_int_equal(unlink(t.journal), 0);
	journal = bind_datagram(t.journal);
	write_text(PRM_LOG_ERROR, "hello");
	receive_text(journal, text, sizeof(text));
	assert_true(ends_in(text, "MESSAGE=hello\n"));
	prm_fd_close(journal);
}

static void without_the_journal_there_is_stderr(void **state)
{
	struct capture capture = capture_begin();
	char text[256];
	int r;

	r = prm_log_sink_open(&t.sink, PRM_LOG_SINK_JOURNAL);
	write_text(PRM_LOG_ERROR, "hello");
	capture_end(&capture, text, sizeof(text));
	assert_int_equal(r, -ENOENT);
	assert_true(ends_in(text, "prog: error: hello\n"));
}

static void syslog_gets_priority_name_and_pid(void **state)
{
	int syslog = bind_datagram(t.syslog);
	char text[256], end[64];

	assert_int_equal(prm_log_sink_open(&t.sink, PRM_LOG_SINK_SYSLOG), 0);
	write_text(PRM_LOG_WARNING, "hello");
	receive_text(syslog, text, sizeof(text));
	/* Facility daemon, severity warning. */
	assert_memory_equal(text, "<28>Sep  9 ", 11);
	snprintf(end, sizeof(end), " prog[%d]: hello", (int)getpid());
	assert_true(ends_in(text, end));
	prm_fd_close(syslog);
}

static void syslog_may_be_elsewhere(void **state)
{
	int other = bind_datagram(t.other);
	char text[256];

	assert_int_equal(prm_log_sink_open(&t.sink, PRM_LOG_SINK_SYSLOG), 0);
	write_text(PRM_LOG_ERROR, "hello");
	receive_text(other, text, sizeof(text));
	assert_true(ends_in(text, ": hello"));
	prm_fd_close(other);
}

/* libvirt reads stderr while the daemon starts, then closes the pipe. */
static void when_stderr_breaks_syslog_takes_over(void **state)
{
	int syslog = bind_datagram(t.syslog);
	struct capture capture = capture_begin();
	char text[256];
	enum prm_log_sink kind;

	(void)prm_log_sink_open(&t.sink, PRM_LOG_SINK_AUTO);
	capture.reader = prm_fd_close(capture.reader);
	write_text(PRM_LOG_ERROR, "first");
	write_text(PRM_LOG_ERROR, "second");
	kind = t.sink.kind;
	capture_restore(&capture);
	assert_int_equal(kind, PRM_LOG_SINK_SYSLOG);
	receive_text(syslog, text, sizeof(text));
	assert_true(ends_in(text, ": first"));
	receive_text(syslog, text, sizeof(text));
	assert_true(ends_in(text, ": second"));
	prm_fd_close(syslog);
}

static void at_the_start_syslog_takes_over_too(void **state)
{
	struct prm_log_record record = make_record(PRM_LOG_ERROR, "early");
	int syslog = bind_datagram(t.syslog);
	struct capture capture = capture_begin();
	char text[256];

	(void)prm_log_sink_open(&t.sink, PRM_LOG_SINK_AUTO);
	capture.reader = prm_fd_close(capture.reader);
	prm_log_sink_write_direct(&t.sink, &record);
	capture_restore(&capture);
	receive_text(syslog, text, sizeof(text));
	assert_true(ends_in(text, ": early"));
	prm_fd_close(syslog);
}

/*
 * The next file that is opened gets the number of a closed stderr.  It could
 * be a disk, and the log would be written over it.
 */
static void a_closed_stderr_is_no_free_number(void **state)
{
	int syslog = bind_datagram(t.syslog), r, flags, opened;
	struct capture capture = capture_begin();
	char text[256];

	(void)close(STDERR_FILENO);
	r = prm_log_sink_open(&t.sink, PRM_LOG_SINK_AUTO);
	flags = fcntl(STDERR_FILENO, F_GETFL);
	opened = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	write_text(PRM_LOG_ERROR, "hello");
	capture_restore(&capture);
	prm_fd_close(capture.reader);
	assert_int_equal(r, 0);
	assert_true(flags >= 0);
	assert_true(opened > STDERR_FILENO);
	prm_fd_close(opened);
	receive_text(syslog, text, sizeof(text));
	assert_true(ends_in(text, ": hello"));
	prm_fd_close(syslog);
}

static void with_nobody_to_tell_nothing_breaks(void **state)
{
	struct capture capture = capture_begin();

	(void)prm_log_sink_open(&t.sink, PRM_LOG_SINK_AUTO);
	capture.reader = prm_fd_close(capture.reader);
	write_text(PRM_LOG_ERROR, "hello");
	write_text(PRM_LOG_ERROR, "again");
	capture_restore(&capture);
}

static void set_file_limit(rlim_t bytes)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* A file that may not grow looks like a full disk, and syslog is no remedy. */
static void what_a_full_disk_swallows_is_counted(void **state)
{
	int syslog = bind_datagram(t.syslog);
	struct capture capture = capture_begin();
	int file = open(t.trace, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	char text[1024];

	(void)signal(SIGXFSZ, SIG_IGN);
	(void)prm_log_sink_open(&t.sink, PRM_LOG_SINK_AUTO);
	(void)dup2(file, STDERR_FILENO);
	set_file_limit(70);
	write_text(PRM_LOG_ERROR, "first");
	write_text(PRM_LOG_ERROR, "second, which is cut");
	write_text(PRM_LOG_ERROR, "third");
	write_text(PRM_LOG_ERROR, "fourth");
	set_file_limit(RLIM_INFINITY);
	write_text(PRM_LOG_ERROR, "fifth");
	write_text(PRM_LOG_ERROR, "sixth");
	capture_restore(&capture);
	prm_fd_close(capture.reader);
	assert_false(has_text(syslog));
	prm_fd_close(syslog);
	(void)lseek(file, 0, SEEK_SET);
	read_all(file, text, sizeof(text));
	assert_memory_equal(text,
			    "2001-09-09T01:46:40.123456Z prog: error: first\n"
			    "2001-09-09T01:46:40.123\n",
			    71);
	assert_non_null(strstr(text, "warning: 3 log records could not be "
				     "written\n2001-09-09T01:46:40.123456Z "
				     "prog: error: fifth\n"));
	assert_true(ends_in(text, "prog: error: sixth\n"));
	assert_null(strstr(text, "fourth"));
}

static void syslog_that_comes_late_is_found(void **state)
{
	struct capture capture = capture_begin();
	char text[256];
	int syslog;

	(void)prm_log_sink_open(&t.sink, PRM_LOG_SINK_AUTO);
	capture.reader = prm_fd_close(capture.reader);
	write_text(PRM_LOG_ERROR, "nobody");
	syslog = bind_datagram(t.syslog);
	write_text(PRM_LOG_ERROR, "hello");
	capture_restore(&capture);
	receive_text(syslog, text, sizeof(text));
	assert_true(ends_in(text, ": 1 log records could not be written"));
	receive_text(syslog, text, sizeof(text));
	assert_true(ends_in(text, ": hello"));
	assert_false(has_text(syslog));
	prm_fd_close(syslog);
}

static void *drain(void *arg)
{
	int fd = *(int *)arg;
	static char text[1 << 20];

	return (void *)read_all(fd, text, sizeof(text));
}

/* Somebody who shares stderr may have made it non-blocking. */
static void a_nonblocking_stderr_loses_nothing(void **state)
{
	struct capture capture = capture_begin();
	pthread_t reader;
	void *len;
	int fd = capture.reader, r;

	(void)fcntl(STDERR_FILENO, F_SETFL, O_NONBLOCK);
	(void)prm_log_sink_open(&t.sink, PRM_LOG_SINK_AUTO);
	r = pthread_create(&reader, NULL, drain, &fd);
	for (int i = 0; r == 0 && i < 5000; i++)
		write_text(PRM_LOG_ERROR, "0123456789");
	capture_restore(&capture);
	assert_int_equal(r, 0);
	assert_int_equal(pthread_join(reader, &len), 0);
	assert_int_equal((uintptr_t)len,
			 5000 * strlen("2001-09-09T01:46:40.123456Z "
				       "prog: error: 0123456789\n"));
}

static void trace_events_go_to_their_file(void **state)
{
	struct prm_log_record record = make_record(PRM_LOG_DEBUG, "park x=1");
	struct capture capture = capture_begin();
	char text[256], file[256];
	int fd;

	(void)prm_log_sink_open(&t.sink, PRM_LOG_SINK_AUTO);
	record.trace = true;
	prm_log_sink_write(&t.sink, &record);
	t.sink.trace_fd = open(t.trace, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	prm_log_sink_write(&t.sink, &record);
	prm_log_sink_write_direct(&t.sink, &record);
	write_text(PRM_LOG_ERROR, "hello");
	capture_end(&capture, text, sizeof(text));
	assert_string_equal(text,
			    "2001-09-09T01:46:40.123456Z prog: park x=1\n"
			    "2001-09-09T01:46:40.123456Z prog: error: hello\n");
	fd = open(t.trace, O_RDONLY | O_CLOEXEC);
	read_all(fd, file, sizeof(file));
	assert_string_equal(file,
			    "2001-09-09T01:46:40.123456Z prog: park x=1\n"
			    "2001-09-09T01:46:40.123456Z prog: park x=1\n");
}

static void the_longest_text_is_not_cut_again(void **state)
{
	struct prm_log_record record = make_record(PRM_LOG_ERROR, "");
	int syslog = bind_datagram(t.syslog);
	static char text[4096];

	memset(record.text, 'x', sizeof(record.text));
	record.text_len = sizeof(record.text);
	assert_int_equal(prm_log_sink_open(&t.sink, PRM_LOG_SINK_SYSLOG), 0);
	prm_log_sink_write(&t.sink, &record);
	receive_text(syslog, text, sizeof(text));
	assert_int_equal(strlen(strchr(text, 'x')), PRM_LOG_TEXT_MAX);
	prm_fd_close(syslog);
}

#define sink_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		sink_test(stderr_gets_time_name_and_level),
		sink_test(at_the_start_stderr_gets_no_time),
		sink_test(lost_records_are_told_of_first),
		sink_test(the_journal_gets_fields),
		sink_test(another_stream_than_stderr_is_not_it),
		sink_test(a_foreign_journal_stream_is_not_ours),
		sink_test(a_stream_to_the_journal_gets_priorities),
		sink_test(a_journal_that_was_restarted_is_found_again),
		sink_test(without_the_journal_there_is_stderr),
		sink_test(syslog_gets_priority_name_and_pid),
		sink_test(syslog_may_be_elsewhere),
		sink_test(when_stderr_breaks_syslog_takes_over),
		sink_test(at_the_start_syslog_takes_over_too),
		sink_test(a_closed_stderr_is_no_free_number),
		sink_test(with_nobody_to_tell_nothing_breaks),
		sink_test(what_a_full_disk_swallows_is_counted),
		sink_test(syslog_that_comes_late_is_found),
		sink_test(a_nonblocking_stderr_loses_nothing),
		sink_test(trace_events_go_to_their_file),
		sink_test(the_longest_text_is_not_cut_again),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	(void)setenv("TZ", "UTC", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
