/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A descriptor proven to be a device that SCSI commands may be sent to.
 *
 * The daemon holds CAP_SYS_RAWIO, with which the kernel lets a command through
 * on anything that reaches a SCSI device somehow.  The client holds no such
 * thing.  So what the kernel would have checked for the client is established
 * here once, when the descriptor comes in, where no later caller can forget to
 * ask: that it is the device of a whole disk, and how the client opened it.
 *
 * Only types and numbers that are known to be good go on.  Everything else
 * that a program can hold a descriptor of (a directory, an epoll set, a file
 * of a FUSE server that the client wrote itself) is refused without ever being
 * touched, and stays with the caller, as even close(2) may wait for ever.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/major.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include "base/fd.h"
#include "device/device.h"
#include "device/kernel.h"
#include "device/mapping.h"

struct prm_device {
	int fd; /* owned; -1 until construction can no longer fail */
	struct prm_device_info info;
};

/*
 * These majors are fixed in the kernel's ABI.  That of bsg is not and never
 * becomes one of them, so its nodes, which would take a command as well but
 * not in the form of struct sg_io_hdr, are refused like any other.
 */
static bool is_scsi_class(dev_t number)
{
	switch (major(number)) {
	case SCSI_GENERIC_MAJOR:
	case SCSI_TAPE_MAJOR:
	case OSST_MAJOR:
	case SCSI_CHANGER_MAJOR: return true;
	default: return false;
	}
}

int prm_device_inspect(int fd, struct prm_device_info *ret_info)
{
	struct prm_device_info info = { .kind = PRM_DEVICE_SCSI };
	mode_t type;
	int r, flags;

	r = prm_kernel()->stat(fd, &type, &info.number);
	if (r < 0)
		return r;
	if (!S_ISBLK(type) && !(S_ISCHR(type) && is_scsi_class(info.number)))
		return -ENOTBLK;

	r = prm_kernel()->flags(fd, &flags);
	if (r < 0)
		return r;
	if (flags & O_PATH)
		return -ENOTBLK;
	info.writable = (flags & O_ACCMODE) != O_RDONLY;

	info.block = S_ISBLK(type);
	if (info.block)
		info.kind = prm_mapping_kind(info.number);
	(void)snprintf(info.name, sizeof(info.name), "%u:%u",
		       major(info.number), minor(info.number));
	*ret_info = info;
	return 0;
}

int prm_device_new(int *fd, struct prm_device **ret_dev)
{
	CLEANUP(prm_device_freep) struct prm_device *dev = NULL;
	int r;

	assert(*fd >= 0);

	dev = malloc(sizeof(*dev));
	if (!dev)
		return -ENOMEM;
	dev->fd = -1;
	r = prm_device_inspect(*fd, &dev->info);
	if (r < 0)
		return r;

	dev->fd = steal_fd(fd);
	*ret_dev = steal_ptr(&dev);
	return 0;
}

struct prm_device *prm_device_free(struct prm_device *dev)
{
	if (!dev)
		return NULL;
	prm_fd_close(dev->fd);
	free(dev);
	return NULL;
}

int prm_device_take_fd(struct prm_device *dev)
{
	return steal_fd(&dev->fd);
}

int prm_device_fd(const struct prm_device *dev)
{
	return dev->fd;
}

const char *prm_device_name(const struct prm_device *dev)
{
	return dev->info.name;
}

dev_t prm_device_number(const struct prm_device *dev)
{
	return dev->info.number;
}

bool prm_device_is_block(const struct prm_device *dev)
{
	return dev->info.block;
}

enum prm_device_kind prm_device_kind(const struct prm_device *dev)
{
	return dev->info.kind;
}

bool prm_device_is_writable(const struct prm_device *dev)
{
	return dev->info.writable;
}

int prm_device_verdict_fd(int fd, const struct prm_device_info *info)
{
	/* Without a path the question would wait for ever. */
	if (info->kind == PRM_DEVICE_MULTIPATH ||
	    info->kind == PRM_DEVICE_ON_MULTIPATH)
		return -ENOTTY;
	return prm_kernel()->sg_version(fd);
}

int prm_device_verdict(const struct prm_device *dev)
{
	return prm_device_verdict_fd(dev->fd, &dev->info);
}
