/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANY_DEVICE_H
#define ANY_DEVICE_H

/*
 * A kernel that takes every descriptor for a disk, or none: for what looks at
 * descriptors and never goes as far as a command.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include "device/kernel.h"

/* Which of the two it is now. */
static bool any_is_device;

static int any_stat(int fd, mode_t *ret_type, dev_t *ret_number)
{
	*ret_type = any_is_device ? S_IFBLK : S_IFREG;
	*ret_number = makedev(8, 0);
	return 0;
}

static int any_flags(int fd, int *ret_flags)
{
	*ret_flags = O_RDWR;
	return 0;
}

static int any_read(const char *path, char *buf, size_t size)
{
	return -ENOENT;
}

static int any_list(const char *path, char (*names)[PRM_KERNEL_NAME_SIZE],
		    size_t max)
{
	return 0;
}

static int any_exists(const char *path)
{
	return 0;
}

static const struct prm_kernel any_device = {
	.stat = any_stat,
	.flags = any_flags,
	.read = any_read,
	.list = any_list,
	.exists = any_exists,
};

#endif
