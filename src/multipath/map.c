/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The paths of a map, from the two places that know them.
 *
 * sysfs knows which devices the map was built on, what they are called, and
 * whether the SCSI layer would send a command at all; device-mapper knows which
 * of them it has given up.  A path counts as usable when both say so.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include "multipath/dm.h"
#include "multipath/map.h"
#include "multipath/node.h"

#define PATH_SIZE 128

static int read_number(const char *name, dev_t *ret_number)
{
	char path[PATH_SIZE], text[PRM_KERNEL_NAME_SIZE];
	unsigned int major_number, minor_number;
	int r;

	(void)snprintf(path, sizeof(path), "class/block/%s/dev", name);
	r = prm_kernel()->read(path, text, sizeof(text));
	if (r < 0)
		return r;
	if (sscanf(text, "%u:%u", &major_number, &minor_number) != 2)
		return -ENODATA;
	*ret_number = makedev(major_number, minor_number);
	return 0;
}

static int read_host(const char *name, unsigned int *ret_host)
{
	char path[PATH_SIZE], address[1][PRM_KERNEL_NAME_SIZE];
	int r;

	(void)snprintf(path, sizeof(path), "class/block/%s/device/scsi_device",
		       name);
	r = prm_kernel()->list(path, address, 1);
	if (r < 0)
		return r;
	if (r != 1 || sscanf(address[0], "%u:", ret_host) != 1)
		return -ENODATA;
	return 0;
}

static bool is_running(const char *name)
{
	char path[PATH_SIZE], text[PRM_KERNEL_NAME_SIZE];

	(void)snprintf(path, sizeof(path), "class/block/%s/device/state", name);
	return prm_kernel()->read(path, text, sizeof(text)) == 0 &&
	       strcmp(text, "running") == 0;
}

static int read_path(const char *name, struct prm_map_path *path)
{
	int r;

	*path = (struct prm_map_path){ .running = is_running(name) };
	(void)snprintf(path->name, sizeof(path->name), "%s", name);
	r = read_number(name, &path->number);
	if (r < 0)
		return r;
	return read_host(name, &path->host);
}

static void note_state(void *opaque, dev_t number, bool active)
{
	struct prm_map *map = opaque;

	for (size_t i = 0; i < map->count; i++)
		if (map->paths[i].number == number)
			map->paths[i].active = active;
}

static int read_states(dev_t number, struct prm_map *map)
{
	char status[PRM_DM_STATUS_SIZE];
	int r = prm_dm_status(number, status);

	if (r < 0)
		return r;
	return prm_dm_each_path(status, note_state, map);
}

int prm_map_read(dev_t number, struct prm_map *ret_map)
{
	char folder[PATH_SIZE];
	char names[PRM_MAP_PATHS_MAX][PRM_KERNEL_NAME_SIZE];
	struct prm_map map = { 0 };
	int r, count;

	(void)snprintf(folder, sizeof(folder), "dev/block/%u:%u/slaves",
		       major(number), minor(number));
	count = prm_kernel()->list(folder, names, PRM_MAP_PATHS_MAX);
	if (count < 0)
		return count;
	if (count > PRM_MAP_PATHS_MAX)
		return -E2BIG;
	for (; map.count < (size_t)count; map.count++) {
		r = read_path(names[map.count], &map.paths[map.count]);
		if (r < 0)
			return r;
	}
	r = read_states(number, &map);
	if (r < 0)
		return r;
	*ret_map = map;
	return 0;
}

bool prm_map_path_is_usable(const struct prm_map_path *path)
{
	return path->running && path->active;
}

size_t prm_map_usable(const struct prm_map *map)
{
	size_t usable = 0;

	for (size_t i = 0; i < map->count; i++)
		usable += prm_map_path_is_usable(&map->paths[i]);
	return usable;
}

static bool host_came_before(const struct prm_map *map, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (prm_map_path_is_usable(&map->paths[i]) &&
		    map->paths[i].host == map->paths[index].host)
			return true;
	return false;
}

size_t prm_map_usable_hosts(const struct prm_map *map)
{
	size_t hosts = 0;

	for (size_t i = 0; i < map->count; i++)
		hosts += prm_map_path_is_usable(&map->paths[i]) &&
			 !host_came_before(map, i);
	return hosts;
}

const struct prm_map_path *prm_map_missing_node(const struct prm_map *map)
{
	for (size_t i = 0; i < map->count; i++)
		if (map->paths[i].running &&
		    !prm_node_is_there(map->paths[i].name,
				       map->paths[i].number))
			return &map->paths[i];
	return NULL;
}
