/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What somebody would try who has taken over the daemon.
 *
 * Linked into pr-helper-scripted only.  It runs in a worker of a daemon that
 * serves, in the place of SG_IO, where CAP_SYS_RAWIO is effective: nobody who is
 * in the process has more.  Each call is one that does no harm, and that the
 * kernel itself answers by anything but EPERM; where it may, the name ends in
 * '!', and the kernel is never to do it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "attack.h"

#define AT(address) ((long)(intptr_t)(address))
#define NOWHERE     AT("/nonexistent/file")
#define PASSWD      AT("/etc/passwd")
#define PAGE        4096
#define PRIVATE     (MAP_PRIVATE | MAP_ANONYMOUS)

/* In place of an argument. */
#define PARENT (-1000)
#define SECRET (-1001)

/* The kernel takes no file system away from one who shares it. */
#define ASIDE (SIGCHLD | CLONE_NEWNS | CLONE_FS)

#ifdef __s390x__
#define CLONE(flags)                                                           \
	{                                                                      \
		0, flags                                                       \
	}
#else
#define CLONE(flags)                                                           \
	{                                                                      \
		flags, 0                                                       \
	}
#endif

static struct rlimit limit;
static uint64_t how[3]; /* of openat2: for reading */
static struct __user_cap_header_struct header = {
	.version = _LINUX_CAPABILITY_VERSION_3,
};
static struct __user_cap_data_struct sets[2] = {
	{ .permitted = 1u << CAP_SYS_RAWIO | 1u << CAP_DAC_OVERRIDE },
};

static const struct attempt {
	const char *name;
	long call;
	long arguments[6];
} attempts[] = {
	/* clang-format off */
	/* Files: writing and creating, then other changes. */
	{ "open_write", SYS_openat, { AT_FDCWD, PASSWD, O_WRONLY } },
	{ "open_both", SYS_openat, { AT_FDCWD, PASSWD, O_RDWR } },
	{ "open_neither", SYS_openat, { AT_FDCWD, PASSWD, O_ACCMODE } },
	{ "open_append", SYS_openat, { AT_FDCWD, PASSWD, O_APPEND } },
	{ "open_memory", SYS_openat, { AT_FDCWD, AT("/proc/self/mem"), O_RDWR } },
	{ "open_create", SYS_openat, { AT_FDCWD, NOWHERE, O_CREAT, 0600 } },
	{ "open_truncate", SYS_openat, { AT_FDCWD, NOWHERE, O_TRUNC } },
	{ "open_nameless", SYS_openat, { AT_FDCWD, AT("/tmp"), O_TMPFILE | O_RDWR, 0600 } },
	{ "open_by_struct", SYS_openat2, { AT_FDCWD, AT("/"), AT(how), sizeof(how) } },
	{ "make_memory_file", SYS_memfd_create, { AT("x") } },
	{ "make_folder", SYS_mkdirat, { AT_FDCWD, NOWHERE, 0700 } },
	{ "make_node", SYS_mknodat, { AT_FDCWD, NOWHERE, 0100600 } },
	{ "make_symlink", SYS_symlinkat, { AT("x"), AT_FDCWD, NOWHERE } },
	{ "make_link", SYS_linkat, { AT_FDCWD, NOWHERE, AT_FDCWD, NOWHERE } },
	{ "rename", SYS_renameat2, { AT_FDCWD, NOWHERE, AT_FDCWD, NOWHERE } },
	{ "truncate", SYS_truncate, { NOWHERE } },
	{ "change_mode", SYS_fchmodat, { AT_FDCWD, NOWHERE, 0777 } },
	{ "change_owner", SYS_fchownat, { AT_FDCWD, NOWHERE } },
	{ "remove_folder", SYS_unlinkat, { AT_FDCWD, NOWHERE, AT_REMOVEDIR } },

	/* Programs and processes. */
	{ "execute", SYS_execve, { NOWHERE } },
	{ "execute_at", SYS_execveat, { AT_FDCWD, NOWHERE } },
	{ "fork", SYS_clone, CLONE(SIGCHLD) },
	{ "fork_aside", SYS_clone, CLONE(ASIDE) },
	{ "signal_process", SYS_kill, { PARENT } },
	{ "signal_thread", SYS_tgkill, { PARENT, PARENT } },
	{ "signal_by_io", SYS_fcntl, { 0, F_SETOWN, PARENT } },
	{ "trace", SYS_ptrace, { PTRACE_ATTACH, 0 } },
	{ "read_memory", SYS_process_vm_readv, { 0, 0, 0, 0, 0, 1 } },
	{ "write_memory", SYS_process_vm_writev, { 0, 0, 0, 0, 0, 1 } },
	{ "take_descriptor", SYS_pidfd_getfd, { -1 } },
	{ "make_code", SYS_mprotect, { 0, PAGE, PROT_READ | PROT_EXEC } },
#ifndef __s390x__
	{ "map_code", SYS_mmap, { 0, 0, PROT_READ | PROT_EXEC, PRIVATE, -1 } },
#endif

	/* Sockets, of its own and those that a client has passed. */
	{ "socket_inet", SYS_socket, { AF_INET, SOCK_STREAM } },
	{ "socket_inet6", SYS_socket, { AF_INET6, SOCK_DGRAM } },
	{ "socket_netlink", SYS_socket, { AF_NETLINK, SOCK_RAW } },
	{ "socket_unix", SYS_socket, { AF_UNIX, SOCK_STREAM } },
	{ "socket_pair_inet", SYS_socketpair, { AF_INET, SOCK_STREAM } },
	{ "connect", SYS_connect, { -1 } },
	{ "bind", SYS_bind, { -1 } },
	{ "listen", SYS_listen, { -1, 1 } },

	/* Who it is, and where. */
	{ "set_uid", SYS_setresuid, { -1, -1, -1 } },
	{ "set_gid", SYS_setresgid, { -1, -1, -1 } },
	{ "set_groups!", SYS_setgroups, { 0 } },
	{ "set_fs_uid", SYS_setfsuid, { -1 } },
	{ "set_capabilities!", SYS_capset, { AT(&header), AT(sets) } },
	{ "keep_capabilities", SYS_prctl, { PR_SET_KEEPCAPS, 0 } },
	{ "be_dumpable", SYS_prctl, { PR_SET_DUMPABLE, 1 } },
	{ "make_namespace", SYS_unshare, { -1 } },
	{ "enter_namespace", SYS_setns, { -1 } },
	{ "change_root", SYS_chroot, { NOWHERE } },
	{ "mount!", SYS_mount, { AT("x"), AT("/"), AT("none") } },
	{ "set_limit", SYS_prlimit64, { 0, RLIMIT_CORE, AT(&limit) } },
	{ "set_limit_of_another", SYS_prlimit64, { PARENT, -1, AT(&limit) } },

	/* The kernel itself. */
	{ "load_filter", SYS_seccomp, { -1 } },
	{ "load_module!", SYS_finit_module, { -1 } },
	{ "watch_events", SYS_perf_event_open, { 0 } },
	{ "use_keys", SYS_keyctl, { -1 } },
	{ "use_rings!", SYS_io_uring_setup, { 0 } },
	{ "other_ioctl", SYS_ioctl, { -1, TIOCSTI } },
#ifdef SYS_iopl
	/* CAP_SYS_RAWIO is enough for it, and opens the hardware. */
	{ "use_ports", SYS_iopl, { 0 } },
#endif

	/* Refused to nobody, but as far as the uid goes. */
	{ "read_secret", SYS_openat, { AT_FDCWD, SECRET, O_RDONLY } },
	/* clang-format on */
};

static int try_one(const struct attempt *attempt, const char *secret)
{
	long a[6], r;

	for (size_t i = 0; i < 6; i++) {
		a[i] = attempt->arguments[i];
		if (a[i] == PARENT)
			a[i] = getppid();
		else if (a[i] == SECRET)
			a[i] = AT(secret);
	}
	r = syscall(attempt->call, a[0], a[1], a[2], a[3], a[4], a[5]);
	if (r < 0)
		return errno;
	if (attempt->call == SYS_clone && r == 0)
		_exit(0);
	/* A descriptor, if it is any. */
	if (attempt->call != SYS_clone && r > STDERR_FILENO)
		(void)close((int)r);
	return 0;
}

void attack(const char *secret, void (*say)(const char *format, ...))
{
	for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++) {
		int error = try_one(&attempts[i], secret);

		say("attack %s %d\n", attempts[i].name, error);
	}
	say("attack over 0\n");
}
