/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_TESTS_LOG_TEST_H
#define PRM_TESTS_LOG_TEST_H

/* What the tests of the log have in common. */

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/fd.h"
#include "ipc/address.h"

/*
 * stderr as a pipe.  No assertion may fail in between: its message would go
 * into the pipe.
 */
struct capture {
	int stderr_was;
	int reader;
};

static inline struct capture capture_begin(void)
{
	struct capture capture;
	int fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	fflush(stderr);
	capture.stderr_was = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10);
	capture.reader = fds[0];
	(void)dup2(fds[1], STDERR_FILENO);
	prm_fd_close(fds[1]);
	return capture;
}

/* Put stderr back; what is in the pipe can still be read to its end. */
static inline void capture_restore(struct capture *capture)
{
	(void)dup2(capture->stderr_was, STDERR_FILENO);
	capture->stderr_was = prm_fd_close(capture->stderr_was);
}

/* All of a stream to its end, terminated; closes it. */
static inline size_t read_all(int fd, char *text, size_t size)
{
	size_t len = 0;
	ssize_t got;

	do {
		got = read(fd, text + len, size - 1 - len);
		if (got > 0)
			len += (size_t)got;
	} while (got > 0);
	text[len] = '\0';
	prm_fd_close(fd);
	return len;
}

static inline size_t capture_end(struct capture *capture, char *text,
				 size_t size)
{
	capture_restore(capture);
	return read_all(capture->reader, text, size);
}

/* A datagram socket bound at @path. */
static inline int bind_datagram(const char *path)
{
	struct prm_ipc_address address;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(prm_ipc_address_path(path, &address), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address.un, address.len),
			 0);
	return fd;
}

/* The next datagram, terminated; it must be there already. */
static inline void receive_text(int fd, char *text, size_t size)
{
	ssize_t len = recv(fd, text, size - 1, MSG_DONTWAIT);

	assert_true(len > 0);
	text[len] = '\0';
}

static inline bool has_text(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK) >= 0;
}

static inline bool ends_in(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

#endif
