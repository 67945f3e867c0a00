/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Connecting to a Unix socket within a bounded time.
 *
 * Such a connect(2) succeeds or fails at once unless the listener's backlog
 * is full.  Non-blocking it then says EAGAIN, and there is nothing to poll
 * for; the only wait that the kernel offers is a blocking connect under
 * SO_SNDTIMEO.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/time.h>
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "ipc/address.h"
#include "ipc/connect.h"

static int set_send_timeout(int fd, int64_t timeout_ns)
{
	int64_t us = (timeout_ns + PRM_NS_PER_US - 1) / PRM_NS_PER_US;
	struct timeval tv = {
		.tv_sec = (time_t)(us / 1000000),
		.tv_usec = (suseconds_t)(us % 1000000),
	};

	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)) < 0)
		return -errno;
	return 0;
}

static int connect_once(int fd, const struct prm_ipc_address *address)
{
	if (connect(fd, (const struct sockaddr *)&address->un, address->len) <
	    0)
		return -errno;
	return 0;
}

static int connect_until(int fd, const struct prm_ipc_address *address,
			 int64_t deadline_ns)
{
	int64_t left_ns;
	int r;

	for (;;) {
		/* 0 would mean for ever. */
		left_ns = deadline_ns - prm_clock_ns();
		if (left_ns <= 0)
			return -ETIMEDOUT;
		r = set_send_timeout(fd, left_ns);
		if (r < 0)
			return r;
		r = connect_once(fd, address);
		if (r != -EINTR && r != -EAGAIN)
			return r;
	}
}

static int make_nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	return 0;
}

static int connect_blocking(int fd, const struct prm_ipc_address *address,
			    unsigned int timeout_ms)
{
	int64_t deadline_ns = prm_clock_ns() + timeout_ms * PRM_NS_PER_MS;
	int r;

	r = connect_until(fd, address, deadline_ns);
	if (r < 0)
		return r;
	r = set_send_timeout(fd, 0);
	if (r < 0)
		return r;
	return make_nonblocking(fd);
}

static int connect_now(int fd, const struct prm_ipc_address *address)
{
	int r = make_nonblocking(fd);

	return r < 0 ? r : connect_once(fd, address);
}

int prm_connect(const char *path, unsigned int timeout_ms, int *ret_fd)
{
	CLEANUP(prm_fd_closep) int fd = -1;
	struct prm_ipc_address address;
	int r;

	r = prm_ipc_address_path(path, &address);
	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (timeout_ms)
		r = connect_blocking(fd, &address, timeout_ms);
	else
		r = connect_now(fd, &address);
	if (r < 0)
		return r;
	*ret_fd = steal_fd(&fd);
	return 0;
}
