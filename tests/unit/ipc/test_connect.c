/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Connecting ends, one way or the other. */
#include <pthread.h>
#include "ipc_test.h"
#include "base/fd.h"
#include "ipc/address.h"
#include "ipc/connect.h"

/* Long enough never to pass on a loaded machine. */
#define LONG_MS 120000

static const unsigned int timeouts_ms[] = { 0, LONG_MS };

static int listen_with_backlog(const char *path, int backlog)
{
	struct prm_ipc_address address;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(prm_ipc_address_path(path, &address), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address.un, address.len),
			 0);
	assert_int_equal(listen(fd, backlog), 0);
	return fd;
}

/* Connect until the backlog is full; returns how many got in. */
static int fill_backlog(const char *path, int *fds, int max)
{
	int count = 0, r;

	do {
		assert_true(count < max);
		r = prm_connect(path, 0, &fds[count]);
		if (r == 0)
			count++;
	} while (r == 0);
	assert_int_equal(r, -EAGAIN);
	return count;
}

static void close_all(int *fds, int count)
{
	while (count)
		prm_fd_close(fds[--count]);
}

static void a_connection_is_nonblocking_and_cloexec(void **state)
{
	struct scratch *scratch = *state;
	int listener = listen_with_backlog(scratch->path, 8);

	for (size_t i = 0; i < 2; i++) {
		struct timeval tv = { .tv_sec = 1 };
		socklen_t len = sizeof(tv);
		int fd;

		assert_int_equal(
			prm_connect(scratch->path, timeouts_ms[i], &fd), 0);
		assert_true(is_nonblocking(fd) && is_cloexec(fd));
		/* And no time-out of connecting limits what is sent. */
		assert_int_equal(
			getsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, &len), 0);
		assert_true(tv.tv_sec == 0 && tv.tv_usec == 0);
		prm_fd_close(fd);
	}
	prm_fd_close(listener);
}

static void nobody_there_is_told_apart(void **state)
{
	struct scratch *scratch = *state;
	int fd = 77, listener;

	for (size_t i = 0; i < 2; i++)
		assert_int_equal(prm_connect(scratch->path, timeouts_ms[i],
					     &fd),
				 -ENOENT);
	listener = listen_with_backlog(scratch->path, 8);
	prm_fd_close(listener);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(prm_connect(scratch->path, timeouts_ms[i],
					     &fd),
				 -ECONNREFUSED);
	assert_int_equal(fd, 77);
}

static void a_path_that_is_no_name_is_refused(void **state)
{
	char path[128] = { 0 };
	int fd = 77;

	assert_int_equal(prm_connect("", 0, &fd), -EINVAL);
	memset(path, 'x', 108);
	assert_int_equal(prm_connect(path, 0, &fd), -ENAMETOOLONG);
	assert_int_equal(fd, 77);
}

static void a_full_backlog_is_told_at_once(void **state)
{
	struct scratch *scratch = *state;
	int listener = listen_with_backlog(scratch->path, 2);
	int fds[64], count;

	count = fill_backlog(scratch->path, fds, 64);
	assert_true(count > 0);
	close_all(fds, count);
	prm_fd_close(listener);
}

static void a_full_backlog_ends_in_a_timeout(void **state)
{
	struct scratch *scratch = *state;
	int listener = listen_with_backlog(scratch->path, 0);
	int fds[64], count, fd = 77;

	count = fill_backlog(scratch->path, fds, 64);
	assert_int_equal(prm_connect(scratch->path, 20, &fd), -ETIMEDOUT);
	assert_int_equal(fd, 77);
	close_all(fds, count);
	prm_fd_close(listener);
}

static void *accept_one(void *arg)
{
	const int *listener = arg;

	return (void *)(intptr_t)accept4(*listener, NULL, NULL, SOCK_CLOEXEC);
}

static void room_in_the_backlog_ends_the_wait(void **state)
{
	struct scratch *scratch = *state;
	int listener = listen_with_backlog(scratch->path, 0);
	int fds[64], count, fd;
	pthread_t thread;
	void *accepted;

	count = fill_backlog(scratch->path, fds, 64);
	assert_int_equal(pthread_create(&thread, NULL, accept_one, &listener),
			 0);
	assert_int_equal(prm_connect(scratch->path, LONG_MS, &fd), 0);
	assert_int_equal(pthread_join(thread, &accepted), 0);
	prm_fd_close((int)(intptr_t)accepted);
	prm_fd_close(fd);
	close_all(fds, count);
	prm_fd_close(listener);
}

static void without_descriptors_there_is_no_connection(void **state)
{
	struct scratch *scratch = *state;
	struct rlimit before = allow_no_more_fds();
	int fd = 77;

	assert_int_equal(prm_connect(scratch->path, 0, &fd), -EMFILE);
	assert_int_equal(fd, 77);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(a_connection_is_nonblocking_and_cloexec),
		scratch_test(nobody_there_is_told_apart),
		scratch_test(a_path_that_is_no_name_is_refused),
		scratch_test(a_full_backlog_is_told_at_once),
		scratch_test(a_full_backlog_ends_in_a_timeout),
		scratch_test(room_in_the_backlog_ends_the_wait),
		scratch_test(without_descriptors_there_is_no_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
