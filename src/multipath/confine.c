/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What libmpathpersist and the libraries below it ask of the kernel.
 *
 * It is a large library: it reads its configuration, sysfs and udev's data,
 * loads checkers as shared objects, opens every path for itself, and talks to
 * device-mapper and to multipathd.  So the list is longer than the daemon's, and
 * what it leaves out is what CAP_SYS_ADMIN would be dangerous for.
 */

#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <linux/fs.h>
#include <sched.h>
#include <scsi/sg.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include "multipath/confine.h"

#define NAMESPACES                                                             \
	(CLONE_NEWCGROUP | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWNS |         \
	 CLONE_NEWPID | CLONE_NEWUSER | CLONE_NEWUTS)

#ifdef __s390x__
#define CLONE_FLAGS 1
#else
#define CLONE_FLAGS 0
#endif

static const struct prm_sandbox_rule command[] = {
	/* Shared objects, at the start and later. */
	{ "mmap" },
	{ "mmap2" },
	{ "mprotect" },
	{ "pread64" },
	{ "access" },
	{ "faccessat" },
	{ "faccessat2" },

	/* Configuration, sysfs, udev's data; the file of keys is also written. */
	{ "openat" },
	{ "newfstatat" },
	{ "fstatat64" },
	{ "stat" },
	{ "stat64" },
	{ "lstat" },
	{ "lstat64" },
	{ "statx" },
	{ "statfs" },
	{ "statfs64" },
	{ "fstatfs" },
	{ "fstatfs64" },
	{ "getdents64" },
	{ "readlink" },
	{ "readlinkat" },
	{ "mkdir" },
	{ "mkdirat" },
	{ "umask" },
	{ "fcntl" },
	{ "fcntl64" },
	{ "flock" },
	{ "ftruncate" },
	{ "ftruncate64" },
	{ "fsync" },
	{ "fdatasync" },
	{ "pwrite64" },

	/* Paths, and their checkers. */
	{ "ioctl", { PRM_SANDBOX_IS(1, SG_IO) } },
	{ "ioctl", { PRM_SANDBOX_IS(1, SG_GET_VERSION_NUM) } },
	{ "ioctl", { PRM_SANDBOX_IS(1, BLKGETSIZE) } },
	{ "ioctl", { PRM_SANDBOX_IS(1, BLKGETSIZE64) } },
	{ "ioctl", { PRM_SANDBOX_IS(1, BLKSSZGET) } },
	{ "io_setup" },
	{ "io_submit" },
	{ "io_getevents" },
	{ "io_pgetevents" },
	{ "io_cancel" },
	{ "io_destroy" },

	/* Maps, to be looked at only. */
	{ "ioctl", { PRM_SANDBOX_IS(1, DM_VERSION) } },
	{ "ioctl", { PRM_SANDBOX_IS(1, DM_LIST_DEVICES) } },
	{ "ioctl", { PRM_SANDBOX_IS(1, DM_LIST_VERSIONS) } },
	{ "ioctl", { PRM_SANDBOX_IS(1, DM_DEV_STATUS) } },
	{ "ioctl", { PRM_SANDBOX_IS(1, DM_TABLE_STATUS) } },
	{ "ioctl", { PRM_SANDBOX_IS(1, DM_TABLE_DEPS) } },
	{ "semget" },
	{ "semctl" },
	{ "semop" },
	{ "semtimedop" },

	/* The daemon, multipathd, the log. */
	{ "socket", { PRM_SANDBOX_IS(0, AF_UNIX) } },
	{ "connect" },
	{ "getsockopt" },
	{ "setsockopt" },
	{ "recvfrom" },
	{ "recvmsg" },
	{ "sendto" },
	{ "sendmsg" },
	{ "shutdown" },
	{ "poll" },
	{ "ppoll" },
	{ "ppoll_time64" },
	{ "eventfd2" },

	/* Who and where we are, and for how long. */
	{ "alarm" },
	{ "setitimer" },
	{ "uname" },
	{ "getuid" },
	{ "getuid32" },
	{ "geteuid" },
	{ "geteuid32" },
	{ "getgid" },
	{ "getgid32" },
	{ "getegid" },
	{ "getegid32" },
	{ "getppid" },
	{ "getcpu" },
	{ "membarrier" },
	{ "capget" },
	{ "capset" },

	/* It asks for more descriptors, and is told that it may not. */
	{ "prlimit64", { PRM_SANDBOX_IS(0, 0) } },
	{ "setrlimit" },
	{ NULL },
};

static const struct prm_sandbox_rule broker[] = {
	/* Processes, how they begin, and that they have ended. */
	{ "clone", { PRM_SANDBOX_LACKS(CLONE_FLAGS, NAMESPACES) } },
	{ "execveat" },
	{ "wait4" },
	{ "signalfd4" },
	{ "dup2" },
	{ "dup3" },
	{ "arch_prctl" },
	{ "set_thread_area" },
	{ "set_tid_address" },

	/* libcap and libcap-ng look around when they are loaded. */
	{ "prctl", { PRM_SANDBOX_IS(0, PR_CAPBSET_READ) } },
	{ "prctl", { PRM_SANDBOX_IS(0, PR_GET_SECUREBITS) } },
	{ "prctl",
	  { PRM_SANDBOX_IS(0, PR_CAP_AMBIENT),
	    PRM_SANDBOX_IS(1, PR_CAP_AMBIENT_IS_SET) } },

	/* The filter of the process itself. */
	{ "prctl", { PRM_SANDBOX_IS(0, PR_GET_NO_NEW_PRIVS) } },
	{ "prctl", { PRM_SANDBOX_IS(0, PR_SET_NO_NEW_PRIVS) } },
	{ "prctl", { PRM_SANDBOX_IS(0, PR_GET_SECCOMP) } },
	{ "prctl", { PRM_SANDBOX_IS(0, PR_SET_SECCOMP) } },
	{ "seccomp" },
	{ NULL },
};

int prm_confine_broker(enum prm_sandbox_mode mode)
{
	const struct prm_sandbox_rule *const tables[] = { prm_sandbox_c_library,
							  command, broker,
							  NULL };

	return prm_sandbox_apply(mode, tables);
}

int prm_confine_command(enum prm_sandbox_mode mode)
{
	const struct prm_sandbox_rule *const tables[] = { prm_sandbox_c_library,
							  command, NULL };

	return prm_sandbox_apply(mode, tables);
}
