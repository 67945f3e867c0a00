/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which way commands for a block device have to go, read from sysfs.
 *
 * A command sent to a multipath map goes down one path of many, and so does
 * one sent to anything stacked on such a map: a reservation would be held by
 * one path, and the registration be missing on all others.  dm/uuid says what
 * a map is; it is world-readable, unlike the ioctls of /dev/mapper/control, and
 * libdevmapper's users have agreed on its prefixes.  For what is no multipath
 * map itself, everything below is looked through.
 */
#include <errno.h>
#include <linux/major.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include "device/kernel.h"
#include "device/mapping.h"

/* Levels looked through: LVM on LUKS on RAID on kpartx are 5. */
#define DEPTH_MAX 8

/* A map over more devices than this is not the whole of one of them. */
#define SLAVES_MAX 32

/* "dev/block/M:m", and "/slaves/NAME" for each level. */
#define PATH_SIZE 512

/* device-mapper allows 128 characters and a NUL. */
#define UUID_SIZE 130

static bool is_never_mapped(dev_t number)
{
	unsigned int major_number = major(number);

	/*
	 * sysfs costs as much as all the rest, and nearly all commands go to
	 * disks.  None of these drivers hands a command on to what lies below.
	 */
	return major_number == SCSI_DISK0_MAJOR ||
	       major_number == SCSI_CDROM_MAJOR || major_number == LOOP_MAJOR ||
	       (major_number >= SCSI_DISK1_MAJOR &&
		major_number <= SCSI_DISK7_MAJOR) ||
	       (major_number >= SCSI_DISK8_MAJOR &&
		major_number <= SCSI_DISK15_MAJOR);
}

static bool has_prefix(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* kpartx names its maps "part1-" and the uuid of the map below. */
static bool is_partition_of_multipath(const char *uuid)
{
	char *end;

	if (!has_prefix(uuid, "part"))
		return false;
	(void)strtoul(uuid + strlen("part"), &end, 10);
	return has_prefix(end, "-mpath-");
}

static int join(char *path, const char *base, const char *tail)
{
	int len = snprintf(path, PATH_SIZE, "%s/%s", base, tail);

	return len < 0 || len >= PATH_SIZE ? -ENAMETOOLONG : 0;
}

/* The uuid of the device at @base; "" if it is not device-mapper at all. */
static int read_uuid(const char *base, char uuid[UUID_SIZE], bool *ret_mapped)
{
	char path[PATH_SIZE];
	int r;

	r = join(path, base, "dm/uuid");
	if (r < 0)
		return r;
	r = prm_kernel()->read(path, uuid, UUID_SIZE);
	if (r == -ENOENT) {
		/* Only a device that sysfs knows is known not to be a map. */
		uuid[0] = '\0';
		*ret_mapped = false;
		return prm_kernel()->exists(base);
	}
	*ret_mapped = true;
	return r;
}

static int list_slaves(const char *base, char path[PATH_SIZE],
		       char (*names)[PRM_KERNEL_NAME_SIZE])
{
	int n = join(path, base, "slaves");

	if (n < 0)
		return n;
	n = prm_kernel()->list(path, names, SLAVES_MAX);
	/* Partitions of disks have no such folder. */
	return n == -ENOENT ? 0 : n;
}

static enum prm_device_kind kind_at(const char *base, unsigned int depth);

/* Whether a multipath map is below: MAPPED for no, ON_MULTIPATH or UNKNOWN. */
static enum prm_device_kind kind_below(const char *slaves,
				       char (*names)[PRM_KERNEL_NAME_SIZE],
				       int n, unsigned int depth)
{
	enum prm_device_kind kind, found = PRM_DEVICE_MAPPED;
	char path[PATH_SIZE];

	if (n > SLAVES_MAX || (n > 0 && depth == DEPTH_MAX))
		return PRM_DEVICE_UNKNOWN;
	for (int i = 0; i < n; i++) {
		if (join(path, slaves, names[i]) < 0)
			return PRM_DEVICE_UNKNOWN;
		kind = kind_at(path, depth + 1);
		if (kind == PRM_DEVICE_MULTIPATH ||
		    kind == PRM_DEVICE_ON_MULTIPATH)
			return PRM_DEVICE_ON_MULTIPATH;
		if (kind == PRM_DEVICE_UNKNOWN)
			found = PRM_DEVICE_UNKNOWN;
	}
	return found;
}

static enum prm_device_kind kind_at(const char *base, unsigned int depth)
{
	char names[SLAVES_MAX][PRM_KERNEL_NAME_SIZE], slaves[PATH_SIZE];
	enum prm_device_kind below;
	char uuid[UUID_SIZE];
	bool mapped;
	int n;

	if (read_uuid(base, uuid, &mapped) < 0)
		return PRM_DEVICE_UNKNOWN;
	if (has_prefix(uuid, "mpath-"))
		return PRM_DEVICE_MULTIPATH;
	if (is_partition_of_multipath(uuid))
		return PRM_DEVICE_ON_MULTIPATH;

	n = list_slaves(base, slaves, names);
	if (n < 0)
		return PRM_DEVICE_UNKNOWN;
	/* A map made by hand, with more than one device: who knows. */
	if (mapped && uuid[0] == '\0' && n > 1)
		return PRM_DEVICE_UNKNOWN;
	below = kind_below(slaves, names, n, depth);
	if (below == PRM_DEVICE_MAPPED && !mapped)
		return PRM_DEVICE_SCSI;
	return below;
}

enum prm_device_kind prm_mapping_kind(dev_t number)
{
	char base[PATH_SIZE];

	if (is_never_mapped(number))
		return PRM_DEVICE_SCSI;
	(void)snprintf(base, sizeof(base), "dev/block/%u:%u", major(number),
		       minor(number));
	return kind_at(base, 0);
}
