/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The log as a whole: nobody who logs waits for whoever reads. */
#include <ctype.h>
#include <pthread.h>
#include <sys/wait.h>
#include "log_test.h"
#include "helper/log/log.h"

/* Long enough never to pass on a loaded machine. */
#define LONG_MS 120000

static char captured[4 << 20];

static void open_log(enum prm_log_level level)
{
	struct prm_log_config config = {
		.name = "prog",
		.level = level,
		.sink = PRM_LOG_SINK_STDERR,
	};

	(void)prm_log_open(&config);
}

static int teardown(void **state)
{
	prm_log_close(LONG_MS);
	return 0;
}

static size_t count_lines(const char *text, const char *part)
{
	size_t count = 0;

	for (text = strstr(text, part); text; text = strstr(text + 1, part))
		count++;
	return count;
}

static void records_are_written_at_once_before_the_start(void **state)
{
	struct capture capture = capture_begin();

	open_log(PRM_LOG_NOTICE);
	prm_log(PRM_LOG_ERROR, "cannot open %s", "/dev/x");
	capture_end(&capture, captured, sizeof(captured));
	assert_string_equal(captured, "prog: error: cannot open /dev/x\n");
}

static void records_are_written_by_the_writer_after_it(void **state)
{
	struct capture capture = capture_begin();
	int started, flushed;

	open_log(PRM_LOG_NOTICE);
	started = prm_log_start();
	prm_log(PRM_LOG_NOTICE, "one");
	prm_log(PRM_LOG_ERROR, "two");
	flushed = prm_log_flush(LONG_MS);
	capture_end(&capture, captured, sizeof(captured));
	assert_int_equal(started, 0);
	assert_int_equal(flushed, 0);
	assert_non_null(strstr(captured, "Z prog: notice: one\n"));
	assert_true(ends_in(captured, "Z prog: error: two\n"));
}

static void closing_writes_what_is_left(void **state)
{
	struct capture capture = capture_begin();

	open_log(PRM_LOG_NOTICE);
	(void)prm_log_start();
	for (int i = 0; i < 500; i++)
		prm_log(PRM_LOG_NOTICE, "record %d", i);
	prm_log_close(LONG_MS);
	prm_log(PRM_LOG_NOTICE, "after the end");
	capture_end(&capture, captured, sizeof(captured));
	assert_int_equal(count_lines(captured, "record "), 500);
	assert_true(ends_in(captured, "prog: notice: after the end\n"));
}

static void the_level_decides_what_is_made(void **state)
{
	for (int level = PRM_LOG_ERROR; level <= PRM_LOG_DEBUG; level++) {
		struct capture capture = capture_begin();

		open_log((enum prm_log_level)level);
		for (int l = PRM_LOG_ERROR; l <= PRM_LOG_DEBUG; l++) {
			prm_log((enum prm_log_level)l, "a");
			prm_log_fields((enum prm_log_level)l, NULL, 0, "a");
			prm_log_keep((enum prm_log_level)l, NULL, 0, "a");
		}
		capture_end(&capture, captured, sizeof(captured));
		assert_int_equal(count_lines(captured, ": a\n"),
				 3 * (level + 1));
		for (int l = PRM_LOG_ERROR; l <= PRM_LOG_DEBUG; l++)
			assert_int_equal(prm_log_enabled((enum prm_log_level)l),
					 l <= level);
	}
}

static void errno_is_kept_and_can_be_printed(void **state)
{
	struct capture capture = capture_begin();
	int after;

	open_log(PRM_LOG_NOTICE);
	errno = ENOENT;
	prm_log(PRM_LOG_ERROR, "open: %m");
	prm_log(PRM_LOG_DEBUG, "not made");
	after = errno;
	capture_end(&capture, captured, sizeof(captured));
	assert_int_equal(after, ENOENT);
	assert_string_equal(captured,
			    "prog: error: open: No such file or directory\n");
}

static void errno_is_kept_when_writing_fails(void **state)
{
	struct capture capture = capture_begin();
	int after[2];

	open_log(PRM_LOG_NOTICE);
	capture.reader = prm_fd_close(capture.reader);
	errno = ENOENT;
	prm_log(PRM_LOG_ERROR, "nobody reads this");
	after[0] = errno;
	prm_log_fields(PRM_LOG_ERROR, NULL, 0, "nor this");
	after[1] = errno;
	capture_restore(&capture);
	assert_int_equal(after[0], ENOENT);
	assert_int_equal(after[1], ENOENT);
}

static void bytes_are_printed_to_a_limit(void **state)
{
	static const unsigned char bytes[PRM_LOG_BYTES_MAX + 1] = { 0x5e,
								    0x0f };
	struct capture capture = capture_begin();

	open_log(PRM_LOG_DEBUG);
	prm_log_bytes("CDB", bytes, 3);
	prm_log_bytes("none", bytes, 0);
	prm_log_bytes("all", bytes, PRM_LOG_BYTES_MAX);
	prm_log_bytes("more", bytes, sizeof(bytes));
	open_log(PRM_LOG_INFO);
	prm_log_bytes("quiet", bytes, 3);
	capture_end(&capture, captured, sizeof(captured));
	assert_non_null(strstr(captured, "debug: CDB: 3 bytes: 5e0f00\n"));
	assert_non_null(strstr(captured, "debug: none: 0 bytes: \n"));
	assert_non_null(strstr(captured, "all: 256 bytes: 5e0f00"));
	assert_non_null(strstr(captured, "more: 257 bytes: 5e0f00"));
	assert_true(ends_in(captured, "00...\n"));
	assert_int_equal(count_lines(captured, "..."), 1);
}

/* Fill the pipe that stderr is, so that the next write blocks. */
static void stall_stderr(void)
{
	static const char junk[4096];
	int flags = fcntl(STDERR_FILENO, F_GETFL);

	(void)fcntl(STDERR_FILENO, F_SETFL, flags | O_NONBLOCK);
	while (write(STDERR_FILENO, junk, sizeof(junk)) > 0)
		;
	while (write(STDERR_FILENO, junk, 1) > 0)
		;
	(void)fcntl(STDERR_FILENO, F_SETFL, flags);
}

static void *drain(void *arg)
{
	int fd = *(int *)arg;

	/* The junk is NULs: keep the rest. */
	size_t len = read_all(fd, captured, sizeof(captured)), kept = 0;

	for (size_t i = 0; i < len; i++) {
		if (captured[i])
			captured[kept++] = captured[i];
	}
	captured[kept] = '\0';
	return NULL;
}

/*
 * Records that were told to be lost. They are told in one line or in two: when
 * the writer gets its first record depends on when its thread runs.
 */
static unsigned long sum_of_dropped(const char *text)
{
	static const char words[] = " log records were dropped";
	unsigned long sum = 0;

	for (text = strstr(text, words); text; text = strstr(text + 1, words)) {
		const char *number = text;

		while (isdigit((unsigned char)number[-1]))
			number--;
		sum += strtoul(number, NULL, 10);
	}
	return sum;
}

#define MANY 5000

/* That it ends at all is the claim; whoever waited would wait for ever. */
static void a_stalled_reader_stalls_nobody(void **state)
{
	struct capture capture = capture_begin();
	unsigned long dropped;
	int flushed, fd = capture.reader;
	pthread_t reader;

	open_log(PRM_LOG_NOTICE);
	stall_stderr();
	(void)prm_log_start();
	for (int i = 0; i < MANY; i++)
		prm_log(PRM_LOG_NOTICE, "record %d", i);
	flushed = prm_log_flush(1);
	dropped = prm_log_dropped();
	if (pthread_create(&reader, NULL, drain, &fd))
		abort();
	/* With room again the count is told. */
	(void)prm_log_flush(LONG_MS);
	prm_log(PRM_LOG_NOTICE, "the end");
	prm_log_close(LONG_MS);
	capture_restore(&capture);
	assert_int_equal(pthread_join(reader, NULL), 0);
	assert_int_equal(flushed, -ETIMEDOUT);
	/* One more than the queue holds may be in the writer's hands. */
	assert_true(dropped >= MANY - PRM_LOG_QUEUE_RECORDS - 1);
	assert_int_equal(count_lines(captured, ": record "), MANY - dropped);
	assert_int_equal(sum_of_dropped(captured), dropped);
	assert_non_null(strstr(captured, "notice: the end\n"));
}

struct logger {
	int number;
};

static void *log_many(void *arg)
{
	const struct logger *logger = arg;

	for (int i = 0; i < 1000; i++)
		prm_log(PRM_LOG_NOTICE, "thread %d record %d", logger->number,
			i);
	return NULL;
}

#define LOGGERS 4

static void threads_log_whole_lines(void **state)
{
	struct capture capture = capture_begin();
	struct logger loggers[LOGGERS];
	pthread_t threads[LOGGERS], reader;
	int fd = capture.reader;
	size_t lines;
	unsigned long dropped;

	open_log(PRM_LOG_NOTICE);
	(void)prm_log_start();
	if (pthread_create(&reader, NULL, drain, &fd))
		abort();
	for (int i = 0; i < LOGGERS; i++) {
		loggers[i].number = i;
		if (pthread_create(&threads[i], NULL, log_many, &loggers[i]))
			abort();
	}
	for (int i = 0; i < LOGGERS; i++)
		(void)pthread_join(threads[i], NULL);
	dropped = prm_log_dropped();
	prm_log_close(LONG_MS);
	capture_restore(&capture);
	assert_int_equal(pthread_join(reader, NULL), 0);
	lines = count_lines(captured, "Z prog: notice: thread ");
	assert_int_equal(lines + dropped, LOGGERS * 1000);
}

static void the_writer_takes_no_signals(void **state)
{
	struct capture capture = capture_begin();
	sigset_t set;
	int pending;

	open_log(PRM_LOG_NOTICE);
	(void)prm_log_start();
	/* Blocked here: delivered to the writer if it were not there too. */
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	(void)pthread_sigmask(SIG_BLOCK, &set, NULL);
	(void)kill(getpid(), SIGUSR1);
	prm_log(PRM_LOG_NOTICE, "still here");
	(void)prm_log_flush(LONG_MS);
	(void)sigpending(&set);
	pending = sigismember(&set, SIGUSR1);
	(void)sigwait(&set, &(int){ 0 });
	capture_end(&capture, captured, sizeof(captured));
	assert_int_equal(pending, 1);
	assert_true(ends_in(captured, "still here\n"));
}

/*
 * In a child: a writer that is stuck must not keep the process from ending.
 * It is killed in the end so that no tool looks for what the writer still has.
 */
static void end_while_stalled(int done_fd)
{
	struct capture capture = capture_begin();

	open_log(PRM_LOG_NOTICE);
	stall_stderr();
	(void)prm_log_start();
	prm_log(PRM_LOG_NOTICE, "into the void");
	prm_log_close(1);
	/* Not even now. */
	prm_log(PRM_LOG_ERROR, "after the end");
	prm_log_close(1);
	if (prm_log_flush(1) == 0 && capture.reader >= 0)
		(void)!write(done_fd, "x", 1);
	(void)raise(SIGKILL);
}

static void a_stalled_reader_does_not_delay_the_exit(void **state)
{
	int fds[2];
	char byte = 0;
	pid_t pid;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		end_while_stalled(fds[1]);
	prm_fd_close(fds[1]);
	assert_int_equal(read(fds[0], &byte, 1), 1);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	prm_fd_close(fds[0]);
}

static void a_log_can_be_opened_again(void **state)
{
	for (int i = 0; i < 3; i++) {
		struct capture capture = capture_begin();

		open_log(PRM_LOG_NOTICE);
		(void)prm_log_start();
		prm_log(PRM_LOG_NOTICE, "round %d", i);
		prm_log_close(LONG_MS);
		capture_end(&capture, captured, sizeof(captured));
		assert_int_equal(count_lines(captured, "notice: round"), 1);
	}
}

#define log_test(f) cmocka_unit_test_teardown(f, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		log_test(records_are_written_at_once_before_the_start),
		log_test(records_are_written_by_the_writer_after_it),
		log_test(closing_writes_what_is_left),
		log_test(the_level_decides_what_is_made),
		log_test(errno_is_kept_and_can_be_printed),
		log_test(errno_is_kept_when_writing_fails),
		log_test(bytes_are_printed_to_a_limit),
		log_test(a_stalled_reader_stalls_nobody),
		log_test(threads_log_whole_lines),
		log_test(the_writer_takes_no_signals),
		log_test(a_stalled_reader_does_not_delay_the_exit),
		log_test(a_log_can_be_opened_again),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
