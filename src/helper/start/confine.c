/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a serving daemon asks of the kernel.
 *
 * uid 0 without capabilities is still the owner of root's files, and whoever
 * listens on a socket takes it for root.  So what the daemon may do is said
 * here, call by call.  A change that needs another call adds a line; a test
 * that fails with EPERM, or the kernel's log, says which (doc/privileges.md).
 */

#include <fcntl.h>
#include <linux/sockios.h>
#include <scsi/sg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include "helper/start/confine.h"

/* Whatever makes open(2) more than a look; O_TMPFILE goes with O_ACCMODE. */
#define WRITES (O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND)

static const struct prm_sandbox_rule calls[] = {
	/* Clients, and the processes for multipath maps. */
	{ "accept4" },
	{ "recvfrom" },
	{ "recvmsg" },
	{ "sendmsg" },
	{ "sendto" },
	{ "shutdown" },
	{ "getsockopt" },
	{ "setsockopt" },
	{ "socketpair", { PRM_SANDBOX_IS(0, AF_UNIX) } },
	{ "ioctl", { PRM_SANDBOX_IS(1, SIOCINQ) } },

	/* Waiting for them. */
	{ "epoll_create1" },
	{ "epoll_ctl" },
	{ "epoll_wait" },
	{ "epoll_pwait" },
	{ "epoll_pwait2" },
	{ "eventfd2" },
	{ "poll" },
	{ "ppoll" },
	{ "ppoll_time64" },

	/* Their devices. */
	{ "statx" },
	{ "ioctl", { PRM_SANDBOX_IS(1, SG_IO) } },
	{ "ioctl", { PRM_SANDBOX_IS(1, SG_GET_VERSION_NUM) } },
	{ "capget" },
	{ "capset" },

	/* Reading: sysfs, control groups, the time zone. */
	{ "openat", { PRM_SANDBOX_LACKS(2, WRITES) } },
	{ "newfstatat" },
	{ "fstatat64" },
	{ "lstat" },
	{ "lstat64" },
	{ "getdents64" },

	/* Going to the background. */
	{ "chdir" },
	{ "dup2" },
	{ "dup3" },

	/* Removing the socket's file at the end. */
	{ "flock" },
	{ "unlink" },
	{ "unlinkat", { PRM_SANDBOX_IS(2, 0) } },
	{ NULL },
};

int prm_confine(enum prm_sandbox_mode mode, struct prm_fault *fault)
{
	const struct prm_sandbox_rule *const tables[] = { prm_sandbox_c_library,
							  calls, NULL };
	int error = prm_sandbox_apply(mode, tables);

	if (error < 0)
		return prm_fault(fault, error,
				 "cannot limit the system calls of this "
				 "process: %s; --sandbox=off does without it",
				 strerror(-error));
	return 0;
}
