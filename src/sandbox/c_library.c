/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a C library does by itself: glibc 2.31 to 2.41, on every architecture
 * that Debian has.  Calls with 64 or _time64 in their names are those of 32 bit
 * machines.
 */

#include <fcntl.h>
#include <sched.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include "sandbox/sandbox.h"

/* A new thread, and no process: what pthread_create(3) asks for. */
#define THREAD (CLONE_VM | CLONE_SIGHAND | CLONE_THREAD)

#ifdef __s390x__
#define CLONE_FLAGS 1
#else
#define CLONE_FLAGS 0
#endif

/* On s390x its arguments are in memory. */
#ifdef __s390x__
#define MMAP_RULE                                                              \
	{                                                                      \
		"mmap"                                                         \
	}
#else
#define MMAP_RULE                                                              \
	{                                                                      \
		"mmap",                                                        \
		{                                                              \
			PRM_SANDBOX_LACKS(2, PROT_EXEC)                        \
		}                                                              \
	}
#endif

const struct prm_sandbox_rule prm_sandbox_c_library[] = {
	/* Memory, none of it executable. */
	{ "brk" },
	MMAP_RULE,
	{ "mmap2", { PRM_SANDBOX_LACKS(2, PROT_EXEC) } },
	{ "mprotect", { PRM_SANDBOX_LACKS(2, PROT_EXEC) } },
	{ "munmap" },
	{ "mremap" },
	{ "madvise" },

	/* Threads. clone3(2) says ENOSYS, see seccomp.c. */
	{ "clone", { PRM_SANDBOX_HAS(CLONE_FLAGS, THREAD) } },
	{ "futex" },
	{ "futex_time64" },
	{ "set_robust_list" },
	{ "rseq" },
	{ "gettid" },
	{ "sched_yield" },
	{ "sched_getaffinity" },
	{ "exit" },
	{ "prctl", { PRM_SANDBOX_IS(0, PR_SET_NAME) } },

	/* Signals, to ourselves alone: abort(3) is one. */
	{ "rt_sigaction" },
	{ "rt_sigprocmask" },
	{ "rt_sigreturn" },
	{ "sigreturn" },
	{ "tgkill", { PRM_SANDBOX_IS(0, PRM_SANDBOX_OWN_PID) } },
	{ "getpid" },
	{ "exit_group" },

	/* Time. */
	{ "clock_gettime" },
	{ "clock_gettime64" },
	{ "clock_nanosleep" },
	{ "clock_nanosleep_time64" },
	{ "gettimeofday" },
	{ "nanosleep" },
	{ "time" },
	{ "restart_syscall" },

	/* What there is of something; nothing of it is changed. */
	{ "getrandom" },
	{ "getrlimit" },
	{ "ugetrlimit" },
	{ "prlimit64", { PRM_SANDBOX_LACKS(2, UINT64_MAX) } },
	{ "sysinfo" },

	/* Descriptors that there are. */
	{ "close" },
	{ "fcntl", { PRM_SANDBOX_IS(1, F_GETFD) } },
	{ "fcntl", { PRM_SANDBOX_IS(1, F_SETFD) } },
	{ "fcntl", { PRM_SANDBOX_IS(1, F_GETFL) } },
	{ "fcntl", { PRM_SANDBOX_IS(1, F_SETFL) } },
	{ "fcntl64", { PRM_SANDBOX_IS(1, F_GETFD) } },
	{ "fcntl64", { PRM_SANDBOX_IS(1, F_SETFD) } },
	{ "fcntl64", { PRM_SANDBOX_IS(1, F_GETFL) } },
	{ "fcntl64", { PRM_SANDBOX_IS(1, F_SETFL) } },
	{ "fstat" },
	{ "fstat64" },
	{ "lseek" },
	{ "_llseek" },
	{ "read" },
	{ "readv" },
	{ "write" },
	{ "writev" },
	{ NULL },
};
