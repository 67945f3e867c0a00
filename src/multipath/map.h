/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_MULTIPATH_MAP_H
#define PRM_MULTIPATH_MAP_H

/*
 * A multipath map and the paths below it.
 *
 * Why it is looked at here and not left to libmpathpersist: that library skips
 * a path whose node it cannot find and reports success all the same.
 *
 * Errors: 0 or a negative errno; out-parameters are written on success only.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include "device/kernel.h"

/* Paths of a map that are handled; one with more is refused. */
#define PRM_MAP_PATHS_MAX 256

/**
 * struct prm_map_path - one path
 * @name:    the kernel's name for it, "sda"
 * @number:  its device number
 * @host:    number of the SCSI host it is reached through
 * @running: sysfs says that commands can be sent to it
 * @active:  the map would send commands to it
 */
struct prm_map_path {
	char name[PRM_KERNEL_NAME_SIZE];
	dev_t number;
	unsigned int host;
	bool running;
	bool active;
};

/**
 * struct prm_map - a map
 * @count: paths
 * @paths: the paths
 */
struct prm_map {
	size_t count;
	struct prm_map_path paths[PRM_MAP_PATHS_MAX];
};

/**
 * prm_map_read() - look at a map's paths
 * @number:  the map's device number
 * @ret_map: its paths
 *
 * Reads sysfs and asks device-mapper, see prm_dm_status().
 *
 * Return: 0; -E2BIG above PRM_MAP_PATHS_MAX paths; -ENODATA where sysfs does
 * not say a path's number or host; or the errors of prm_dm_status() and
 * prm_dm_each_path().
 */
int prm_map_read(dev_t number, struct prm_map *ret_map);

/* Whether the kernel may send a command to @path now. */
bool prm_map_path_is_usable(const struct prm_map_path *path);

/* How many paths of @map are usable. */
size_t prm_map_usable(const struct prm_map *map);

/* How many SCSI hosts the usable paths of @map go through. */
size_t prm_map_usable_hosts(const struct prm_map *map);

/*
 * The first running path of @map whose node /dev does not show, or NULL; see
 * prm_node_is_there().
 */
const struct prm_map_path *prm_map_missing_node(const struct prm_map *map);

#endif
