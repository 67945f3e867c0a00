/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The calls to the kernel behind struct prm_kernel.
 *
 * They carry the three rules that are easily forgotten at a call: a file may
 * belong to a client's own FUSE server, so nothing may be asked of the server;
 * the kernel answers SG_GET_VERSION_NUM for partitions too when the caller
 * holds CAP_SYS_RAWIO, which would make its verdict worthless; and a signal
 * that interrupts SG_IO on /dev/sgN makes the kernel send the command a second
 * time or lose its outcome.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include "base/cleanup.h"
#include "base/fd.h"
#include "base/signals.h"
#include "device/device.h"
#include "device/kernel.h"

#define RAWIO CAP_TO_MASK(CAP_SYS_RAWIO)

/* A device at the end of as many links as are looked through (mapping.c). */
#define SYSFS_PATH_SIZE 1024

/* What prm_device_prepare_thread() has settled for the calling thread. */
static _Thread_local struct {
	bool has_signals_blocked;
	bool lacks_rawio;
} thread;

static int kernel_stat(int fd, mode_t *ret_type, dev_t *ret_number)
{
	struct statx stx;

	/* fstat(2) would wait for the server of a client's own FUSE file. */
	if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE,
		  &stx) < 0)
		return -errno;
	*ret_type = stx.stx_mode & S_IFMT;
	*ret_number = makedev(stx.stx_rdev_major, stx.stx_rdev_minor);
	return 0;
}

static int kernel_flags(int fd, int *ret_flags)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return -errno;
	*ret_flags = flags;
	return 0;
}

/* The calls themselves: libcap-ng keeps its state for the whole process. */
static int set_caps(const struct __user_cap_data_struct caps[2])
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3,
						 0 };

	return syscall(SYS_capset, &head, caps) < 0 ? -errno : 0;
}

static int get_caps(struct __user_cap_data_struct ret_caps[2])
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3,
						 0 };

	return syscall(SYS_capget, &head, ret_caps) < 0 ? -errno : 0;
}

static int sg_version(int fd)
{
	int version;

	return ioctl(fd, SG_GET_VERSION_NUM, &version) < 0 ? -errno : 0;
}

static int kernel_sg_version(int fd)
{
	/* Filled, because valgrind knows of one element only. */
	struct __user_cap_data_struct caps[2] = { 0 };
	int r, restored;

	if (thread.lacks_rawio)
		return sg_version(fd);
	r = get_caps(caps);
	if (r < 0)
		return r;
	if (!(caps[0].effective & RAWIO))
		return sg_version(fd);

	caps[0].effective &= ~RAWIO;
	r = set_caps(caps);
	if (r < 0)
		return r;
	r = sg_version(fd);
	caps[0].effective |= RAWIO;
	restored = set_caps(caps);
	return restored < 0 ? restored : r;
}

static int kernel_sg_io(int fd, struct sg_io_hdr *hdr)
{
	return ioctl(fd, SG_IO, hdr) < 0 ? -errno : 0;
}

static int open_sysfs(const char *path, int flags)
{
	char full[SYSFS_PATH_SIZE];
	int len = snprintf(full, sizeof(full), "/sys/%s", path);
	int fd;

	if (len < 0 || (size_t)len >= sizeof(full))
		return -ENAMETOOLONG;
	fd = open(full, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int kernel_read(const char *path, char *buf, size_t size)
{
	CLEANUP(prm_fd_closep) int fd = -1;
	ssize_t len;

	fd = open_sysfs(path, O_RDONLY);
	if (fd < 0)
		return fd;
	len = read(fd, buf, size - 1);
	if (len < 0)
		return -errno;
	if (len > 0 && buf[len - 1] == '\n')
		len--;
	buf[len] = '\0';
	return 0;
}

static void close_folder(DIR **slot)
{
	if (*slot)
		(void)closedir(*slot);
}

static int kernel_list(const char *path, char (*names)[PRM_KERNEL_NAME_SIZE],
		       size_t max)
{
	CLEANUP(close_folder) DIR *folder = NULL;
	const struct dirent *entry;
	size_t n = 0;
	int fd;

	fd = open_sysfs(path, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return fd;
	folder = fdopendir(fd);
	if (!folder) {
		prm_fd_close(fd);
		return -ENOMEM;
	}
	for (errno = 0; (entry = readdir(folder)); errno = 0) {
		if (entry->d_name[0] == '.')
			continue;
		if (strlen(entry->d_name) >= PRM_KERNEL_NAME_SIZE)
			return -ENAMETOOLONG;
		if (n < max)
			strcpy(names[n], entry->d_name);
		n++;
	}
	return errno ? -errno : (int)n;
}

static int kernel_exists(const char *path)
{
	int fd = open_sysfs(path, O_PATH);

	if (fd < 0)
		return fd;
	prm_fd_close(fd);
	return 0;
}

static const struct prm_kernel kernel_native = {
	.stat = kernel_stat,
	.flags = kernel_flags,
	.sg_version = kernel_sg_version,
	.sg_io = kernel_sg_io,
	.read = kernel_read,
	.list = kernel_list,
	.exists = kernel_exists,
};

static const struct prm_kernel *kernel_in_use = &kernel_native;

const struct prm_kernel *prm_kernel(void)
{
	return kernel_in_use;
}

const struct prm_kernel *prm_kernel_use(const struct prm_kernel *kernel)
{
	const struct prm_kernel *was = kernel_in_use;

	kernel_in_use = kernel ? kernel : &kernel_native;
	return was;
}

/*
 * The C library never blocks the signals that it uses itself (it sends them
 * for setuid(2) and pthread_cancel(3)), but they interrupt SG_IO as well.
 */
static int set_signal_mask(uint64_t mask, uint64_t *ret_old)
{
	long r = syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, ret_old,
			 sizeof(mask));

	return r < 0 ? -errno : 0;
}

void prm_device_prepare_thread(void)
{
	struct __user_cap_data_struct caps[2] = { 0 };
	sigset_t set;

	prm_signals_to_block(&set);
	(void)pthread_sigmask(SIG_SETMASK, &set, NULL);
	thread.has_signals_blocked = true;
	thread.lacks_rawio = get_caps(caps) == 0 &&
			     !(caps[0].effective & RAWIO);
}

int prm_device_sg_io(int fd, struct sg_io_hdr *hdr)
{
	uint64_t old = 0;
	int r, restored;

	if (thread.has_signals_blocked)
		return kernel_in_use->sg_io(fd, hdr);
	r = set_signal_mask(UINT64_MAX, &old);
	if (r < 0)
		return r;
	r = kernel_in_use->sg_io(fd, hdr);
	restored = set_signal_mask(old, NULL);
	return r < 0 ? r : restored;
}
