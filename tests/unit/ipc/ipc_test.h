/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_TESTS_IPC_TEST_H
#define PRM_TESTS_IPC_TEST_H

/* What the tests of sockets have in common. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

/* How many descriptors this process has open. */
static inline int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	assert_non_null(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	/* Without ".", ".." and the folder itself. */
	return count - 3;
}

static inline bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static inline bool is_cloexec(int fd)
{
	return fcntl(fd, F_GETFD) & FD_CLOEXEC;
}

static inline bool is_nonblocking(int fd)
{
	return fcntl(fd, F_GETFL) & O_NONBLOCK;
}

/* From now on not one more can be opened; returns what was allowed before. */
static inline struct rlimit allow_no_more_fds(void)
{
	struct rlimit before, now;
	int next = open("/dev/null", O_RDONLY | O_CLOEXEC);

	assert_true(next >= 0);
	close(next);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	now = before;
	now.rlim_cur = (rlim_t)next;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &now), 0);
	return before;
}

/* A folder of the test's own, short enough for the name of a socket. */
struct scratch {
	char dir[32];
	char path[64];
	int fds; /* open before the test */
};

static inline int scratch_setup(void **state)
{
	static struct scratch scratch;

	strcpy(scratch.dir, "/tmp/prm-ipc-XXXXXX");
	if (!mkdtemp(scratch.dir))
		return -1;
	snprintf(scratch.path, sizeof(scratch.path), "%s/socket", scratch.dir);
	scratch.fds = count_fds();
	*state = &scratch;
	return 0;
}

static inline int scratch_teardown(void **state)
{
	struct scratch *scratch = *state;
	int leaked = count_fds() - scratch->fds;

	(void)unlink(scratch->path);
	if (rmdir(scratch->dir) < 0) {
		fprintf(stderr, "%s is not empty\n", scratch->dir);
		return -1;
	}
	if (leaked)
		fprintf(stderr, "%d descriptors leaked\n", leaked);
	return leaked ? -1 : 0;
}

/* A test with a folder of its own that leaks neither files nor descriptors. */
#define scratch_test(f)                                                        \
	cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

#endif
