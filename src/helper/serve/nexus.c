/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Clients that have registered through the same path: a list, as they are few,
 * and looked through when somebody registers.
 */
#include <stdlib.h>
#include "base/cursor.h"
#include "helper/serve/client.h"
#include "helper/serve/nexus.h"
#include "scsi/cdb.h"

/* Where a REGISTER says what to register (SPC-4, 6.16.3). */
#define NEW_KEY_AT  8
#define NEW_KEY_END 16

struct nexus {
	struct prm_link link;
	struct prm_lane_id lane;
	const struct prm_client *client;
};

static bool is_at(const struct nexus *nexus, struct prm_lane_id lane)
{
	return nexus->lane.number == lane.number &&
	       nexus->lane.block == lane.block;
}

/* A process is known by its pid, if that is; it may have several connections. */
static bool is_same(const struct prm_client *a, const struct prm_client *b)
{
	return a == b || (a->tenant == b->tenant && a->who.pid &&
			  a->who.pid == b->who.pid);
}

static void drop(struct nexus *nexus)
{
	prm_list_remove(&nexus->link);
	free(nexus);
}

/* CLEAR has removed all registrations of the device, an unregister its own. */
static void unregister(struct prm_link *nexuses, struct prm_lane_id lane,
		       const struct prm_client *client)
{
	prm_list_each(at, following, nexuses)
	{
		struct nexus *nexus = prm_container(at, struct nexus, link);

		if (is_at(nexus, lane) &&
		    (!client || is_same(nexus->client, client)))
			drop(nexus);
	}
}

static const struct prm_client *enter(struct prm_link *nexuses,
				      struct prm_lane_id lane,
				      const struct prm_client *client)
{
	const struct prm_client *other = NULL;
	struct nexus *nexus;

	prm_list_each(at, following, nexuses)
	{
		nexus = prm_container(at, struct nexus, link);
		if (!is_at(nexus, lane))
			continue;
		if (is_same(nexus->client, client))
			return NULL;
		other = nexus->client;
	}
	nexus = malloc(sizeof(*nexus));
	if (!nexus)
		return other;
	*nexus = (struct nexus){ .lane = lane, .client = client };
	prm_list_init(&nexus->link);
	prm_list_append(nexuses, &nexus->link);
	return other;
}

const struct prm_client *prm_nexus_note(struct prm_link *nexuses,
					struct prm_client *client,
					struct prm_lane_id lane,
					const struct prm_request *request)
{
	switch (request->head.action) {
	case PRM_PR_OUT_CLEAR: unregister(nexuses, lane, NULL); return NULL;
	case PRM_PR_OUT_REGISTER:
	case PRM_PR_OUT_REGISTER_AND_IGNORE: break;
	default: return NULL;
	}
	if (request->head.length < NEW_KEY_END)
		return NULL;
	if (prm_get_be64(request->data + NEW_KEY_AT))
		return enter(nexuses, lane, client);
	unregister(nexuses, lane, client);
	return NULL;
}

void prm_nexus_forget(struct prm_link *nexuses, const struct prm_client *client)
{
	prm_list_each(at, following, nexuses)
	{
		struct nexus *nexus = prm_container(at, struct nexus, link);

		if (nexus->client == client)
			drop(nexus);
	}
}
