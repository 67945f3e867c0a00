/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_DEVICE_H
#define PRM_DEVICE_H

/*
 * A device received from a client: an open descriptor proven to be one that
 * SCSI commands may be sent to.
 *
 * Ownership: a device owns its descriptor from prm_device_new() until free.
 * Threads:   immutable once created; any thread may use it.
 * Errors:    0 or a negative errno. On failure no out-parameter is written
 *            and no ownership changes hands.
 */

#include <scsi/sg.h>
#include <stdbool.h>
#include <sys/types.h>
#include "base/cleanup.h"

struct prm_device;

/**
 * enum prm_device_kind - which way commands for a device have to go
 * @PRM_DEVICE_SCSI:         not device-mapper; whether it is a SCSI device at
 *                           all is prm_device_verdict()'s to say
 * @PRM_DEVICE_MAPPED:       device-mapper, and no multipath map below; the
 *                           verdict says whether it is a whole SCSI device
 * @PRM_DEVICE_MULTIPATH:    a multipath map: SG_IO would use one path of many
 * @PRM_DEVICE_ON_MULTIPATH: device-mapper over a multipath map (a partition by
 *                           kpartx, a logical volume): never sent a command
 * @PRM_DEVICE_UNKNOWN:      sysfs does not tell: it may be a multipath map, so
 *                           no PERSISTENT RESERVE OUT
 */
enum prm_device_kind {
	PRM_DEVICE_SCSI,
	PRM_DEVICE_MAPPED,
	PRM_DEVICE_MULTIPATH,
	PRM_DEVICE_ON_MULTIPATH,
	PRM_DEVICE_UNKNOWN,
};

/* Room for the longest name of a device, and its NUL. */
#define PRM_DEVICE_NAME_SIZE sizeof("4294967295:4294967295")

/**
 * struct prm_device_info - what can be told about a descriptor
 * @number:   device number
 * @name:     "major:minor", for log lines
 * @block:    a block device; else a character device, with numbers of its own
 * @kind:     which way commands have to go
 * @writable: whether the descriptor was opened for writing
 */
struct prm_device_info {
	dev_t number;
	bool block;
	char name[PRM_DEVICE_NAME_SIZE];
	enum prm_device_kind kind;
	bool writable;
};

/**
 * prm_device_inspect() - tell what a descriptor is open on
 * @fd:       borrowed
 * @ret_info: what it is
 *
 * Only block devices and the character devices of SCSI (sg, st, osst, sch)
 * pass. Blocks for nobody: a file of a client's own FUSE server is told by its
 * type alone, and sysfs answers at once.
 *
 * Return: 0; -ENOTBLK if no SCSI command can be sent to @fd, an O_PATH
 * descriptor and a bsg node included; or the error of statx(2) or fcntl(2).
 */
int prm_device_inspect(int fd, struct prm_device_info *ret_info);

/**
 * prm_device_new() - take in a client's descriptor
 * @fd:      descriptor to take; set to -1 once the device owns it. On failure
 *           it stays with the caller, and closing it may block for ever
 * @ret_dev: the new device, released with prm_device_free()
 *
 * Return: 0; -ENOMEM; or the errors of prm_device_inspect().
 */
int prm_device_new(int *fd, struct prm_device **ret_dev);

/* Close and free; NULL is a no-op. Returns NULL, for `d = ..._free(d)`. */
struct prm_device *prm_device_free(struct prm_device *dev);
DEFINE_CLEANUP(struct prm_device *, prm_device_free)

/* Take the descriptor out of @dev, which is only to be freed afterwards. */
int prm_device_take_fd(struct prm_device *dev);

/* The descriptor; borrowed from @dev. */
int prm_device_fd(const struct prm_device *dev);

/* "major:minor", for log lines; borrowed from @dev. */
const char *prm_device_name(const struct prm_device *dev);

/* The device number: what shares it, and its class, shares a queue. */
dev_t prm_device_number(const struct prm_device *dev);

/* Whether it is a block device; character devices have numbers of their own. */
bool prm_device_is_block(const struct prm_device *dev);

/* Which way commands for @dev have to go. */
enum prm_device_kind prm_device_kind(const struct prm_device *dev);

/* Whether PERSISTENT RESERVE OUT may be sent: the client could write. */
bool prm_device_is_writable(const struct prm_device *dev);

/**
 * prm_device_verdict() - ask the kernel whether this is a whole SCSI device
 * @dev: the device
 *
 * The kernel's own rule for callers without CAP_SYS_RAWIO: disks, maps of a
 * whole disk and sg nodes pass; partitions, parts of a disk and whatever is no
 * SCSI device do not. May block for as long as SG_IO itself.
 *
 * Return: 0; -ENOTTY if this is no (whole) SCSI device, which a multipath map
 * is told without asking the kernel: without a path the question waits for
 * ever; any other -errno says that the device cannot be reached now.
 */
int prm_device_verdict(const struct prm_device *dev);

/* prm_device_verdict() for a descriptor that the caller has inspected. */
int prm_device_verdict_fd(int fd, const struct prm_device_info *info);

/**
 * prm_device_prepare_thread() - settle once what each call would settle anew
 *
 * Blocks signals in the calling thread for good, and looks whether it has
 * CAP_SYS_RAWIO effective. Afterwards prm_device_sg_io() leaves the mask as it
 * is, and prm_device_verdict() lowers nothing where there is nothing to lower:
 * three system calls less for a command. So the thread is never to raise the
 * capability but within the sg_io of its table (kernel.h).
 *
 * Not blocked are the signals that a process does not outlive, and those that
 * the C library sends itself, for setuid(2) and pthread_cancel(3): the program
 * uses neither while such a thread is there.
 */
void prm_device_prepare_thread(void);

/**
 * prm_device_sg_io() - send a SCSI command
 * @fd:  borrowed
 * @hdr: the command, see <scsi/sg.h>; its outcome is stored here on success
 *
 * All signals are blocked during the call: one that interrupts it makes the
 * kernel send the command a second time, or lose its outcome. May block for
 * longer than the timeout in @hdr.
 *
 * Return: 0 when @hdr holds an outcome, which may be any failure of the
 * device or of the way to it; else a negative errno.
 */
int prm_device_sg_io(int fd, struct sg_io_hdr *hdr);

#endif
