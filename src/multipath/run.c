/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Every path, or an error.
 *
 * A registration on some paths of a map is worse than none: the guest believes
 * that it can write, and can, until the kernel takes another path.  The library
 * reports success for it when a path's node is missing from /dev.  So the nodes
 * are looked for before the call; after it the keys are counted, and each path
 * is asked.
 *
 * PERSISTENT RESERVE IN is a question to the target and goes to the map
 * itself: the device's own sense and unit attentions come back unchanged,
 * which the library would swallow.
 */

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "backend/status.h"
#include "base/fd.h"
#include "device/device.h"
#include "multipath/library.h"
#include "multipath/map.h"
#include "multipath/node.h"
#include "multipath/result.h"
#include "multipath/run.h"
#include "multipath/say.h"
#include "multipath/target.h"
#include "scsi/cdb.h"
#include "scsi/pr_out.h"
#include "scsi/sense.h"

/* The highest service action that the library carries. */
#define OUT_ACTION_MAX PRM_PR_OUT_REGISTER_AND_IGNORE

static void free_map(struct prm_map **slot)
{
	free(*slot);
}

static int read_map(const struct prm_device_info *device,
		    struct prm_map **ret_map)
{
	CLEANUP(free_map) struct prm_map *map = calloc(1, sizeof(*map));
	int r;

	if (!map)
		return -ENOMEM;
	r = prm_map_read(device->number, map);
	if (r < 0) {
		prm_say("map %s: cannot tell its paths: %s", device->name,
			strerror(-r));
		return r;
	}
	*ret_map = steal_ptr(&map);
	return 0;
}

static void run_in(int fd, const struct prm_device_info *device,
		   const struct prm_wire_request *request, uint8_t *data,
		   struct prm_reply *reply)
{
	CLEANUP(free_map) struct prm_map *map = NULL;
	struct prm_command command = PRM_COMMAND_INIT;

	if (request->action > PRM_PR_IN_READ_FULL_STATUS) {
		prm_status_set_sense(reply, PRM_SENSE_INVALID_FIELD_IN_CDB);
		return;
	}
	memcpy(command.cdb, request->cdb, sizeof(command.cdb));
	command.cdb_len = request->cdb_len;
	command.data = data;
	command.data_len = request->length;
	(void)read_map(device, &map); /* without it the map is asked once */
	if (prm_target_in(fd, 1 + (map ? map->count : 0), &command, reply) < 0)
		prm_status_set_sense(reply, PRM_SENSE_INVALID_FIELD_IN_CDB);
}

static bool uses_scope(uint8_t action)
{
	return action == PRM_PR_OUT_RESERVE || action == PRM_PR_OUT_RELEASE ||
	       action == PRM_PR_OUT_PREEMPT ||
	       action == PRM_PR_OUT_PREEMPT_AND_ABORT;
}

static bool cdb_is_carried(const struct prm_pr_cdb *cdb)
{
	if (cdb->action > OUT_ACTION_MAX)
		return false;
	if (uses_scope(cdb->action) && cdb->scope != PRM_PR_SCOPE_LU)
		return false;
	if (cdb->action == PRM_PR_OUT_RESERVE ||
	    cdb->action == PRM_PR_OUT_RELEASE)
		return prm_pr_type_is_valid(cdb->type);
	return true;
}

static bool list_is_carried(const struct prm_pr_cdb *cdb,
			    const struct prm_pr_out *list)
{
	struct prm_reader ids = list->transport_ids;
	struct prm_transport_id id;

	if (list->spec_i_pt && cdb->action != PRM_PR_OUT_REGISTER)
		return false;
	while (list->spec_i_pt && prm_transport_ids_next(&ids, &id))
		if (!prm_library_carries(&id))
			return false;
	return true;
}

/* Whether the library may see the command; if not, @reply says why. */
static bool check_out(const struct prm_device_info *device,
		      const struct prm_wire_request *request,
		      const uint8_t *data, struct prm_pr_cdb *ret_cdb,
		      struct prm_pr_out *ret_list, struct prm_reply *reply)
{
	enum prm_decode result;

	if (!device->writable) {
		prm_status_set_sense(reply, PRM_SENSE_INVALID_OPCODE);
		return false;
	}
	if (prm_pr_cdb_decode(request->cdb, request->cdb_len, ret_cdb) !=
		    PRM_DECODE_OK ||
	    !cdb_is_carried(ret_cdb)) {
		prm_status_set_sense(reply, PRM_SENSE_INVALID_FIELD_IN_CDB);
		return false;
	}
	result = prm_pr_out_decode(ret_cdb->action, data, request->length,
				   ret_list);
	if (result != PRM_DECODE_OK) {
		prm_status_set_sense(reply, prm_pr_out_sense(result));
		return false;
	}
	if (!list_is_carried(ret_cdb, ret_list)) {
		prm_status_set_sense(reply,
				     PRM_SENSE_INVALID_FIELD_IN_PARAMETER_LIST);
		return false;
	}
	return true;
}

static bool nodes_are_there(const struct prm_device_info *device,
			    const struct prm_map *map)
{
	const struct prm_map_path *path = prm_map_missing_node(map);

	if (!path)
		return true;
	prm_say("map %s: its path %s has no node in /dev here, so it would be "
		"left out: nothing was sent; make /dev/%s visible to "
		"pr-helper (a container or mount namespace may hide it)",
		device->name, path->name, path->name);
	return false;
}

static void call_library(int fd, const struct prm_device_info *device,
			 const struct prm_pr_cdb *cdb,
			 const struct prm_pr_out *list, struct prm_reply *reply)
{
	int result = prm_library_out(fd, cdb, list);
	const char *advice = prm_result_advice(result);
	struct prm_reply unit = PRM_REPLY_INIT;

	if (advice)
		prm_say("map %s: libmpathpersist result %d: %s", device->name,
			result, advice);
	prm_result_reply(result, reply);
	if (!prm_result_may_last(result))
		return;
	prm_target_test_ready(fd, &unit);
	if (unit.status != PRM_STATUS_GOOD)
		*reply = unit;
}

/* Paths that were usable before the call and still are. */
static struct prm_map *keep_common(struct prm_map *after,
				   const struct prm_map *before)
{
	for (size_t i = 0; i < after->count; i++) {
		bool was = false;

		for (size_t j = 0; j < before->count; j++)
			was = was ||
			      (before->paths[j].number ==
				       after->paths[i].number &&
			       prm_map_path_is_usable(&before->paths[j]));
		after->paths[i].active = after->paths[i].active && was;
	}
	return after;
}

/* How many registrations cover every path of @map. */
static size_t needed(const struct prm_map *map, bool all_target_ports)
{
	size_t count = all_target_ports ? prm_map_usable_hosts(map)
					: prm_map_usable(map);

	return count ? count : 1;
}

/*
 * The list of keys says how many nexuses have one, and not which: another host
 * may have taken the same.  So each path is asked as well.
 */
static bool path_has_key(const struct prm_device_info *device,
			 const struct prm_map_path *path,
			 const struct prm_pr_out *list)
{
	CLEANUP(prm_fd_closep) int fd = -1;
	int r = prm_node_open(path->name, path->number, &fd);

	if (r == 0)
		r = prm_target_has_registered(fd, list);
	if (r == -ENOKEY)
		prm_say("map %s: its path %s is not registered, though the "
			"library said so and another nexus has the same key: "
			"give each host a key of its own; see the log of "
			"multipathd, then register again",
			device->name, path->name);
	else if (r < 0)
		prm_say("map %s: its path %s does not confirm that it is "
			"registered: %s",
			device->name, path->name, strerror(-r));
	return r == 0;
}

static bool paths_have_key(const struct prm_device_info *device,
			   const struct prm_map *map,
			   const struct prm_pr_out *list)
{
	for (size_t i = 0; i < map->count; i++)
		if (prm_map_path_is_usable(&map->paths[i]) &&
		    !path_has_key(device, &map->paths[i], list))
			return false;
	return true;
}

static bool key_is_on_every_path(int fd, const struct prm_device_info *device,
				 const struct prm_map *before,
				 const struct prm_pr_out *list)
{
	CLEANUP(free_map) struct prm_map *after = NULL;
	size_t want, have = 0;
	int r;

	if (read_map(device, &after) < 0)
		return false;
	/* The key is registered for the nexuses of SPEC_I_PT as well. */
	want = needed(keep_common(after, before), list->all_target_ports) +
	       list->transport_id_count;
	r = prm_target_count_key(fd, 1 + after->count, list->new_key, &have);
	if (r < 0)
		prm_say("map %s: the target does not say which keys are "
			"registered (%s): the registration is not confirmed",
			device->name, strerror(-r));
	else if (have < want)
		prm_say("map %s: the target lists the key %zu times for %zu "
			"nexuses: some path is not registered; see the log of "
			"multipathd, then register again",
			device->name, have, want);
	return r == 0 && have >= want && paths_have_key(device, after, list);
}

static bool registers(const struct prm_pr_cdb *cdb,
		      const struct prm_pr_out *list)
{
	return list->new_key != 0 &&
	       (cdb->action == PRM_PR_OUT_REGISTER ||
		cdb->action == PRM_PR_OUT_REGISTER_AND_IGNORE);
}

/* With REGISTER AND IGNORE, nobody has said which key is given up. */
static bool unregisters(const struct prm_pr_cdb *cdb,
			const struct prm_pr_out *list)
{
	return cdb->action == PRM_PR_OUT_REGISTER && list->new_key == 0 &&
	       list->key != 0;
}

/*
 * A path that the library left out keeps its key.  One that does not answer is
 * no reason to say so: the command itself was carried out.
 */
static bool path_gave_key_up(const struct prm_device_info *device,
			     const struct prm_map_path *path,
			     const struct prm_pr_out *list)
{
	const struct prm_pr_out before = {
		.new_key = list->key,
		.aptpl = list->aptpl,
		.all_target_ports = list->all_target_ports,
	};
	CLEANUP(prm_fd_closep) int fd = -1;

	if (prm_node_open(path->name, path->number, &fd) < 0 ||
	    prm_target_has_registered(fd, &before) < 0)
		return true;
	prm_say("map %s: its path %s is still registered, though the library "
		"said otherwise: see the log of multipathd, then unregister "
		"with REGISTER AND IGNORE EXISTING KEY",
		device->name, path->name);
	return false;
}

static bool key_is_on_no_path(const struct prm_device_info *device,
			      const struct prm_map *map,
			      const struct prm_pr_out *list)
{
	bool all = true;

	for (size_t i = 0; i < map->count; i++)
		if (prm_map_path_is_usable(&map->paths[i]))
			all = path_gave_key_up(device, &map->paths[i], list) &&
			      all;
	return all;
}

/* Whether what the library said is also what the target says. */
static bool is_confirmed(int fd, const struct prm_device_info *device,
			 const struct prm_map *map,
			 const struct prm_pr_cdb *cdb,
			 const struct prm_pr_out *list)
{
	if (registers(cdb, list))
		return key_is_on_every_path(fd, device, map, list);
	if (unregisters(cdb, list))
		return key_is_on_no_path(device, map, list);
	return true;
}

/* Who would register a path that comes back? */
static bool multipathd_is_there(const struct prm_device_info *device)
{
	if (prm_library_has_multipathd())
		return true;
	prm_say("map %s: multipathd cannot be reached, so a path that comes "
		"back would not be registered: nothing was sent; check that "
		"multipathd runs and that its socket can be reached from here",
		device->name);
	return false;
}

static void run_out(int fd, const struct prm_device_info *device,
		    const struct prm_wire_request *request, const uint8_t *data,
		    struct prm_reply *reply)
{
	CLEANUP(free_map) struct prm_map *map = NULL;
	struct prm_pr_cdb cdb;
	struct prm_pr_out list;

	if (!check_out(device, request, data, &cdb, &list, reply))
		return;
	prm_status_set_sense(reply, PRM_SENSE_LUN_COMMUNICATION_FAILURE);
	if (read_map(device, &map) < 0 || !nodes_are_there(device, map))
		return;
	if (registers(&cdb, &list) && !multipathd_is_there(device))
		return;
	call_library(fd, device, &cdb, &list, reply);
	if (reply->status == PRM_STATUS_GOOD &&
	    !is_confirmed(fd, device, map, &cdb, &list))
		prm_status_set_sense(reply,
				     PRM_SENSE_LUN_COMMUNICATION_FAILURE);
}

void prm_multipath_run(int fd, const struct prm_wire_request *request,
		       uint8_t *data, struct prm_reply *reply)
{
	struct prm_device_info device;
	int r = prm_device_inspect(fd, &device);

	if (r == 0 && device.kind != PRM_DEVICE_MULTIPATH)
		r = -ENOTBLK;
	if (r < 0) {
		prm_say("a descriptor that is no multipath map was refused: %s",
			strerror(-r));
		prm_status_from_verdict(reply, r);
		return;
	}
	if (request->out)
		run_out(fd, &device, request, data, reply);
	else
		run_in(fd, &device, request, data, reply);
}
