/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Receive a descriptor, fork, execute, count.
 *
 * Nobody asks how a child ended: each holds its end of a socket pair, and the
 * daemon sees at the other end when it is gone.  They are counted here all the
 * same.  The daemon starts no more than it may, but it is the one that reads
 * clients' bytes: whoever has taken it over is not to fill the machine with
 * processes of root's.
 *
 * A terminal and a service manager send the signals that end the daemon to all
 * of its processes.  The daemon then finishes what it has begun, and what it has
 * begun here is not cut off between two paths: those signals are ignored, by
 * the children too, and the end of the daemon is the end of the broker.
 */

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/fd.h"
#include "ipc/pass.h"
#include "multipath/broker.h"
#include "multipath/say.h"

#define PROGRAM_NAME "pr-helper-multipath"

int prm_broker_drop(void)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return -errno;
	if (!capng_have_capability(CAPNG_PERMITTED, CAP_SYS_RAWIO) ||
	    !capng_have_capability(CAPNG_PERMITTED, CAP_SYS_ADMIN))
		return -EPERM;
	capng_clear(CAPNG_SELECT_BOTH);
	if (capng_updatev(CAPNG_ADD,
			  CAPNG_EFFECTIVE | CAPNG_PERMITTED |
				  CAPNG_BOUNDING_SET,
			  CAP_SYS_RAWIO, CAP_SYS_ADMIN, -1) < 0)
		return -EINVAL;
	if (capng_apply(CAPNG_SELECT_BOTH) != 0)
		return -EPERM;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

/* What children are started with, and how many there are. */
struct launch {
	int program;
	int ends; /* signalfd: a child has ended */
	unsigned int children;
	char timeout[sizeof("--timeout=4294967295")];
	char sandbox[sizeof("--sandbox=off")];
};

static void become_child(struct launch *launch, int sock)
{
	char *const argv[] = { (char *)PROGRAM_NAME, launch->timeout,
			       launch->sandbox, NULL };

	sigset_t none;

	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if (dup2(sock, STDIN_FILENO) < 0)
		return;
	(void)execveat(launch->program, "", argv, environ, AT_EMPTY_PATH);
}

static void start_child(struct launch *launch, int sock)
{
	pid_t pid = fork();

	if (pid < 0)
		prm_say("cannot start a process for a command: %s",
			strerror(errno));
	if (pid > 0)
		launch->children++;
	if (pid != 0)
		return;
	become_child(launch, sock);
	prm_say("cannot execute %s: %s", PROGRAM_NAME, strerror(errno));
	_exit(1);
}

/* Those that mean an end to the daemon; execve(2) keeps that. */
static void ignore_ends(void)
{
	(void)signal(SIGTERM, SIG_IGN);
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
}

static void close_ends(struct launch *launch)
{
	(void)prm_fd_close(launch->ends);
}

static int open_ends(struct launch *launch)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGCHLD);
	/* Ignored, as whoever started us may have it, there would be none. */
	(void)signal(SIGCHLD, SIG_DFL);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	launch->ends = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return launch->ends < 0 ? -errno : 0;
}

static void count_ends(struct launch *launch)
{
	struct signalfd_siginfo waste;

	/* One signal may stand for many. */
	while (read(launch->ends, &waste, sizeof(waste)) > 0)
		;
	while (launch->children && waitpid(-1, NULL, WNOHANG) > 0)
		launch->children--;
}

/* Wait for a message; while there is no room for a child, it has to wait. */
static bool wait_for_message(struct launch *launch, int channel)
{
	bool room = launch->children < PRM_BROKER_CHILDREN_MAX;
	struct pollfd fds[] = {
		{ .fd = launch->ends, .events = POLLIN },
		{ .fd = room ? channel : -1, .events = POLLIN },
	};

	(void)poll(fds, 2, -1);
	if (fds[0].revents)
		count_ends(launch);
	return fds[1].revents;
}

/* What a child can talk over; it looks for itself, too. */
static bool is_unix_stream(int fd)
{
	int domain = 0, type = 0;
	socklen_t len = sizeof(int);

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 &&
	       getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 &&
	       domain == AF_UNIX && type == SOCK_STREAM;
}

/* Whether this means "start one", and no more and no less. */
static bool is_order(const struct prm_received_fds *fds, const uint8_t *message,
		     size_t len)
{
	return len == 1 && message[0] == 0 && fds->count == 1 &&
	       !fds->truncated && is_unix_stream(fds->fds[0]);
}

int prm_broker_run(int channel, int program, unsigned int timeout_s,
		   enum prm_sandbox_mode sandbox)
{
	CLEANUP(close_ends)
	struct launch launch = { .program = program, .ends = -1 };
	int r;

	(void)snprintf(launch.timeout, sizeof(launch.timeout), "--timeout=%u",
		       timeout_s);
	(void)snprintf(launch.sandbox, sizeof(launch.sandbox), "--sandbox=%s",
		       prm_sandbox_name(sandbox));
	r = open_ends(&launch);
	if (r < 0)
		return r;
	ignore_ends();
	for (;;) {
		struct prm_received_fds fds;
		uint8_t message[2];
		size_t len = 0;

		if (!wait_for_message(&launch, channel))
			continue;
		r = prm_pass_receive(channel, message, sizeof(message), &len,
				     &fds);
		if (r < 0 || len == 0)
			return r;
		if (is_order(&fds, message, len))
			start_child(&launch, fds.fds[0]);
		else
			prm_say("a message that is none was refused");
		prm_received_fds_close(&fds);
	}
}
