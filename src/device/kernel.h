/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_DEVICE_KERNEL_H
#define PRM_DEVICE_KERNEL_H

/*
 * Everything that is asked of the kernel about a device, as one table.
 *
 * It is the one seam of the project: a test puts a table of its own in place
 * and plays devices that no machine has.  The daemon puts one in place whose
 * sg_io raises CAP_SYS_RAWIO around the call.
 *
 * Threads: the functions of a table are called by any thread at any time.
 * Errors:  0 or a negative errno; out-parameters are written on success only.
 */

#include <scsi/sg.h>
#include <stddef.h>
#include <sys/types.h>

/* Room for the name of a block device, in bytes (the kernel's own limit). */
#define PRM_KERNEL_NAME_SIZE 32

/**
 * struct prm_kernel - what the kernel is asked
 * @stat:       type (S_IFMT bits) and device number of an open file, without
 *              asking a server that the file may belong to
 * @flags:      the flags that it was opened with, as F_GETFL has them
 * @sg_version: SG_GET_VERSION_NUM as issued by a caller without CAP_SYS_RAWIO
 * @sg_io:      SG_IO; all signals are blocked when it is called.  An errno says
 *              nothing about whether the command reached the device
 * @read:       read the attribute at @path, relative to /sys, into a string of
 *              at most @size - 1 bytes without its final newline
 * @list:       names in the folder at @path, relative to /sys, but for those
 *              that begin with a dot; returns how many there are, of which at
 *              most @max were stored
 * @exists:     whether there is a file at @path, relative to /sys: 0 or -errno
 */
struct prm_kernel {
	int (*stat)(int fd, mode_t *ret_type, dev_t *ret_number);
	int (*flags)(int fd, int *ret_flags);
	int (*sg_version)(int fd);
	int (*sg_io)(int fd, struct sg_io_hdr *hdr);
	int (*read)(const char *path, char *buf, size_t size);
	int (*list)(const char *path, char (*names)[PRM_KERNEL_NAME_SIZE],
		    size_t max);
	int (*exists)(const char *path);
};

/* The table in use; at first the one that asks the kernel. Any thread. */
const struct prm_kernel *prm_kernel(void);

/**
 * prm_kernel_use() - put another table in place
 * @kernel: the table, borrowed for as long as it is in use; NULL for the one
 *          that asks the kernel
 *
 * Not while another thread may use the old one: before threads start.
 *
 * Return: the table that was in use, so that the new one can call it.
 */
const struct prm_kernel *prm_kernel_use(const struct prm_kernel *kernel);

#endif
