/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Telling the service manager how we are: a datagram of text to the socket
 * named in NOTIFY_SOCKET, a path or, with a leading '@', an abstract name.
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "ipc/address.h"
#include "ipc/notify.h"

/* Far above what a busy manager needs; one that is stuck gets no more. */
#define SEND_TIMEOUT_MS 5000

#define US_PER_MS 1000

static int parse_address(const char *text, struct prm_ipc_address *ret_address)
{
	if (text[0] == '/')
		return prm_ipc_address_path(text, ret_address);
	if (text[0] == '@')
		return prm_ipc_address_abstract(text + 1, ret_address);
	return -EAFNOSUPPORT;
}

static int open_address(const char *text, int *ret_fd)
{
	CLEANUP(prm_fd_closep) int fd = -1;
	struct prm_ipc_address address;
	int r;

	r = parse_address(text, &address);
	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&address.un, address.len) < 0)
		return -errno;
	*ret_fd = steal_fd(&fd);
	return 0;
}

int prm_notify_open(int *ret_fd)
{
	const char *text = getenv("NOTIFY_SOCKET");
	int r = 0;

	if (text && text[0])
		r = open_address(text, ret_fd);
	else
		*ret_fd = -1;
	(void)unsetenv("NOTIFY_SOCKET");
	return r;
}

/* A decimal number in @name, without signs and blanks; 0 if there is none. */
static unsigned long long number_in(const char *name)
{
	const char *text = getenv(name);
	unsigned long long number;
	char *end;

	if (!text || !isdigit((unsigned char)text[0]))
		return 0;
	errno = 0;
	number = strtoull(text, &end, 10);
	return errno || *end ? 0 : number;
}

unsigned int prm_notify_watchdog_ms(void)
{
	unsigned long long usec = number_in("WATCHDOG_USEC");
	unsigned long long ms = usec / US_PER_MS;

	if (getenv("WATCHDOG_PID") &&
	    number_in("WATCHDOG_PID") != (unsigned long long)getpid())
		usec = 0;
	(void)unsetenv("WATCHDOG_USEC");
	(void)unsetenv("WATCHDOG_PID");
	if (!usec)
		return 0;
	return ms > UINT_MAX ? UINT_MAX : ms ? (unsigned int)ms : 1;
}

/* Wait until @fd takes more. */
static int wait_writable(int fd, int64_t deadline_ns)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLOUT };
	int64_t left_ns = deadline_ns - prm_clock_ns();

	if (left_ns <= 0)
		return -ETIMEDOUT;
	/* Rounded up, so that the last wait is none of 0 ms. */
	if (poll(&pollfd, 1, (int)(left_ns / PRM_NS_PER_MS) + 1) < 0 &&
	    errno != EINTR)
		return -errno;
	return 0;
}

int prm_notify_try(int fd, const char *state)
{
	if (fd < 0)
		return 0;
	return send(fd, state, strlen(state), MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int prm_notify_send(int fd, const char *state)
{
	int64_t deadline_ns = prm_clock_ns() + SEND_TIMEOUT_MS * PRM_NS_PER_MS;
	int r = prm_notify_try(fd, state);

	while (r == -EAGAIN || r == -EINTR) {
		int waited = wait_writable(fd, deadline_ns);

		if (waited < 0)
			return waited;
		r = prm_notify_try(fd, state);
	}
	return r;
}
