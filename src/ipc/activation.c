/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Socket activation, as sd_listen_fds(3) describes it.
 *
 * It is three environment variables and a few checks, which is too little to
 * need a library for.  What it takes care of: the variables may be somebody
 * else's, and what is handed over is not trusted to be a listener just
 * because it should be.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include "ipc/activation.h"

/* The decimal number that all of @text is, above 0; no sign, no blanks. */
static int parse_number(const char *text, long *ret_number)
{
	char *end;
	long number;

	if (!isdigit((unsigned char)text[0]))
		return -EINVAL;
	errno = 0;
	number = strtol(text, &end, 10);
	if (errno || *end || number < 1 || number > INT_MAX)
		return -EINVAL;
	*ret_number = number;
	return 0;
}

/* How many descriptors the environment announces to this process. */
static int announced(long *ret_count)
{
	const char *pid_text = getenv("LISTEN_PID");
	const char *fds_text = getenv("LISTEN_FDS");
	long pid;
	int r;

	*ret_count = 0;
	if (!pid_text || !fds_text)
		return 0;
	r = parse_number(pid_text, &pid);
	if (r < 0)
		return r;
	if (pid != getpid())
		return 0;
	return parse_number(fds_text, ret_count);
}

static int check_option(int fd, int option, int wanted, int error)
{
	int value;
	socklen_t len = sizeof(value);

	if (getsockopt(fd, SOL_SOCKET, option, &value, &len) < 0)
		return -errno;
	return value == wanted ? 0 : error;
}

static int check_listener(int fd)
{
	int r;

	r = check_option(fd, SO_DOMAIN, AF_UNIX, -EAFNOSUPPORT);
	if (r == 0)
		r = check_option(fd, SO_TYPE, SOCK_STREAM, -EPROTOTYPE);
	if (r == 0)
		r = check_option(fd, SO_ACCEPTCONN, 1, -EPROTOTYPE);
	return r;
}

static int make_ours(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return -errno;
	return 0;
}

int prm_activation_take(int *ret_fd)
{
	long count;
	int r;

	r = announced(&count);
	(void)unsetenv("LISTEN_PID");
	(void)unsetenv("LISTEN_FDS");
	(void)unsetenv("LISTEN_FDNAMES");
	(void)unsetenv("LISTEN_PIDFDID");
	if (r < 0)
		return r;
	if (count == 0) {
		*ret_fd = -1;
		return 0;
	}
	if (count > 1)
		return -E2BIG;
	r = check_listener(PRM_ACTIVATION_FD);
	if (r == 0)
		r = make_ours(PRM_ACTIVATION_FD);
	if (r < 0)
		return r;
	*ret_fd = PRM_ACTIVATION_FD;
	return 0;
}
