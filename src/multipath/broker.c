/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Receive a descriptor, fork, execute, forget.
 *
 * Nobody waits for the children: each holds its end of a socket pair, and the
 * daemon sees at the other end when it is gone.  The kernel reaps them.
 *
 * A terminal and a service manager send the signals that end the daemon to all
 * of its processes.  The daemon then finishes what it has begun, and what it has
 * begun here is not cut off between two paths: those signals are ignored, by
 * the children too, and the end of the daemon is the end of the broker.
 */

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
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

/* What children are started with. */
struct launch {
	int program;
	char timeout[sizeof("--timeout=4294967295")];
	char sandbox[sizeof("--sandbox=off")];
};

static void become_child(struct launch *launch, int sock)
{
	char *const argv[] = { (char *)PROGRAM_NAME, launch->timeout,
			       launch->sandbox, NULL };

	(void)signal(SIGCHLD, SIG_DFL);
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

int prm_broker_run(int channel, int program, unsigned int timeout_s,
		   enum prm_sandbox_mode sandbox)
{
	const struct sigaction ignore = {
		.sa_handler = SIG_IGN,
		.sa_flags = SA_NOCLDWAIT,
	};
	struct launch launch = { .program = program };

	(void)snprintf(launch.timeout, sizeof(launch.timeout), "--timeout=%u",
		       timeout_s);
	(void)snprintf(launch.sandbox, sizeof(launch.sandbox), "--sandbox=%s",
		       prm_sandbox_name(sandbox));

	if (sigaction(SIGCHLD, &ignore, NULL) < 0)
		return -errno;
	ignore_ends();
	for (;;) {
		struct prm_received_fds fds;
		uint8_t message;
		size_t len = 0;
		int r = prm_pass_receive(channel, &message, sizeof(message),
					 &len, &fds);

		if (r < 0 || len == 0)
			return r;
		if (fds.count == 1 && !fds.truncated)
			start_child(&launch, fds.fds[0]);
		prm_received_fds_close(&fds);
	}
}
