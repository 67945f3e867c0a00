/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_MULTIPATH_DM_H
#define PRM_MULTIPATH_DM_H

/*
 * What device-mapper says about the paths of a multipath map.
 *
 * sysfs tells which devices a map stands on; only the map's own status tells
 * which of them the kernel would send commands to.
 *
 * Errors: 0 or a negative errno; out-parameters are written on success only.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Room for a map's status line, in bytes: some 40 for each of 256 paths. */
#define PRM_DM_STATUS_SIZE 16384

/**
 * prm_dm_status() - read the status line of a multipath map
 * @number:     device number of the map
 * @ret_status: the line, as the target "multipath" writes it
 *
 * Needs CAP_SYS_ADMIN. Asks without flushing, so it does not wait for a
 * suspended map (linux/dm-ioctl.h, DM_NOFLUSH_FLAG).
 *
 * Return: 0; -ENXIO if there is no such map; -EMEDIUMTYPE if its target is
 * another one, or more than one; -ENOBUFS if the line is too long; -EACCES
 * without the capability; or the error of open(2) or ioctl(2).
 */
int prm_dm_status(dev_t number, char ret_status[PRM_DM_STATUS_SIZE]);

/**
 * prm_dm_each_path() - walk over the paths in a status line
 * @status: from prm_dm_status()
 * @fn:     called for each path: its device number, and whether the kernel
 *          uses it ("A", active) or has given it up ("F", failed)
 * @opaque: handed to @fn
 *
 * Format: drivers/md/dm-mpath.c, multipath_status(), STATUSTYPE_INFO.
 *
 * Return: 0; -EBADMSG if the line is not of that form (@fn may have been
 * called for paths before the place).
 */
int prm_dm_each_path(const char *status,
		     void (*fn)(void *opaque, dev_t number, bool active),
		     void *opaque);

#endif
