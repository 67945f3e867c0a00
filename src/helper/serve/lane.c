/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Lanes: a device that hangs may have a few threads and no more.
 *
 * A lane exists as long as a job is in it.  Whether a lane is in the ready
 * list follows from its counters alone and is settled after every change
 * (settle()), so that no lane can be forgotten: not when a place becomes free,
 * and not when workers were scarce while a job came and are not any more.
 */
#include <errno.h>
#include <stdlib.h>
#include "helper/serve/lane.h"
#include "helper/serve/limits.h"

struct prm_lane {
	struct prm_link bucket;
	struct prm_link ready;
	struct prm_lane_id id;
	unsigned int running;
	bool closing;
	size_t retired_count;
	struct prm_link parked;
	struct prm_link retired;
};

static struct prm_link *bucket_of(const struct prm_lanes *lanes,
				  struct prm_lane_id id)
{
	uint64_t hash = ((uint64_t)id.number << 1 | id.block) *
			UINT64_C(0x9e3779b97f4a7c15);

	return (struct prm_link *)&lanes
		->buckets[(hash >> 32) % PRM_LANE_BUCKETS];
}

static struct prm_lane *find_lane(const struct prm_lanes *lanes,
				  struct prm_lane_id id)
{
	struct prm_link *bucket = bucket_of(lanes, id);

	prm_list_each(at, following, bucket)
	{
		struct prm_lane *lane =
			prm_container(at, struct prm_lane, bucket);

		if (lane->id.number == id.number && lane->id.block == id.block)
			return lane;
	}
	return NULL;
}

/* The lane of @id, made if there is none; NULL without memory. */
static struct prm_lane *get_lane(struct prm_lanes *lanes, struct prm_lane_id id)
{
	struct prm_lane *lane = find_lane(lanes, id);

	if (lane)
		return lane;
	lane = calloc(1, sizeof(*lane));
	if (!lane)
		return NULL;
	lane->id = id;
	prm_list_init(&lane->bucket);
	prm_list_init(&lane->ready);
	prm_list_init(&lane->parked);
	prm_list_init(&lane->retired);
	prm_list_append(bucket_of(lanes, id), &lane->bucket);
	lanes->count++;
	return lane;
}

static bool has_place(const struct prm_lane *lane)
{
	return lane->running < (lane->id.single ? 1 : PRM_LANE_RUNNING_MAX);
}

static bool can_run(const struct prm_lane *lane)
{
	return !prm_list_empty(&lane->parked) && has_place(lane);
}

static bool can_close(const struct prm_lane *lane)
{
	return !prm_list_empty(&lane->retired) && !lane->closing;
}

static bool is_busy(const struct prm_lane *lane)
{
	return lane->running || lane->closing;
}

/* Whether @supply has a thread for this lane. */
static bool is_allowed(const struct prm_lane *lane, enum prm_supply supply)
{
	switch (supply) {
	case PRM_SUPPLY_PLENTY: return true;
	case PRM_SUPPLY_SCARCE: return !is_busy(lane);
	default: return false;
	}
}

/* After a change: forget the lane, or have it in the ready list or not. */
static void settle(struct prm_lanes *lanes, struct prm_lane *lane)
{
	bool listed = !prm_list_empty(&lane->ready);
	bool ready = can_run(lane) || can_close(lane);

	if (listed && !ready)
		prm_list_remove(&lane->ready);
	if (!listed && ready)
		prm_list_append(&lanes->ready, &lane->ready);
	if (is_busy(lane) || !prm_list_empty(&lane->parked) ||
	    !prm_list_empty(&lane->retired))
		return;
	prm_list_remove(&lane->bucket);
	lanes->count--;
	free(lane);
}

void prm_lanes_init(struct prm_lanes *lanes)
{
	for (size_t i = 0; i < PRM_LANE_BUCKETS; i++)
		prm_list_init(&lanes->buckets[i]);
	prm_list_init(&lanes->ready);
	lanes->count = 0;
	lanes->parked = 0;
}

void prm_job_init(struct prm_job *job)
{
	*job = (struct prm_job){ .state = PRM_JOB_OUTSIDE };
	prm_list_init(&job->link);
}

int prm_lane_enter(struct prm_lanes *lanes, struct prm_lane_id id,
		   struct prm_job *job, enum prm_supply supply)
{
	struct prm_lane *lane = get_lane(lanes, id);

	if (!lane)
		return -ENOMEM;
	job->lane = lane;
	if (prm_list_empty(&lane->parked) && has_place(lane) &&
	    is_allowed(lane, supply)) {
		job->state = PRM_JOB_RUNNING;
		lane->running++;
	} else {
		job->state = PRM_JOB_PARKED;
		prm_list_append(&lane->parked, &job->link);
		lanes->parked++;
	}
	settle(lanes, lane);
	return 0;
}

/* Take a parked job out of its queue; the lane is still to be settled. */
static void unpark(struct prm_lanes *lanes, struct prm_job *job)
{
	prm_list_remove(&job->link);
	lanes->parked--;
}

void prm_lane_withdraw(struct prm_lanes *lanes, struct prm_job *job)
{
	struct prm_lane *lane = job->lane;

	unpark(lanes, job);
	job->lane = NULL;
	job->state = PRM_JOB_OUTSIDE;
	settle(lanes, lane);
}

int prm_lane_retire(struct prm_lanes *lanes, struct prm_lane_id id,
		    struct prm_job *job)
{
	struct prm_lane *lane = get_lane(lanes, id);

	if (!lane)
		return -ENOMEM;
	if (lane->retired_count == PRM_LANE_CLOSING_MAX)
		return -EBUSY;
	job->lane = lane;
	job->state = PRM_JOB_RETIRED;
	lane->retired_count++;
	prm_list_append(&lane->retired, &job->link);
	settle(lanes, lane);
	return 0;
}

static struct prm_job *start_closing(struct prm_lane *lane)
{
	struct prm_job *job = prm_container(prm_list_first(&lane->retired),
					    struct prm_job, link);

	prm_list_remove(&job->link);
	lane->retired_count--;
	lane->closing = true;
	job->state = PRM_JOB_CLOSING;
	return job;
}

static struct prm_job *start_running(struct prm_lanes *lanes,
				     struct prm_lane *lane)
{
	struct prm_job *job = prm_container(prm_list_first(&lane->parked),
					    struct prm_job, link);

	unpark(lanes, job);
	lane->running++;
	job->state = PRM_JOB_RUNNING;
	return job;
}

/* The lane whose turn it is, or NULL. */
static struct prm_lane *next_lane(const struct prm_lanes *lanes,
				  enum prm_supply supply)
{
	prm_list_each(at, following, &lanes->ready)
	{
		struct prm_lane *lane =
			prm_container(at, struct prm_lane, ready);

		if (is_allowed(lane, supply))
			return lane;
	}
	return NULL;
}

struct prm_job *prm_lane_next(struct prm_lanes *lanes, enum prm_supply supply)
{
	struct prm_lane *lane = next_lane(lanes, supply);
	struct prm_job *job;

	if (!lane)
		return NULL;
	job = can_close(lane) ? start_closing(lane)
			      : start_running(lanes, lane);
	/* To the end of the list, where settle() puts it if it has more. */
	prm_list_remove(&lane->ready);
	settle(lanes, lane);
	return job;
}

bool prm_lane_has_next(const struct prm_lanes *lanes, enum prm_supply supply)
{
	return next_lane(lanes, supply) != NULL;
}

void prm_lane_leave(struct prm_lanes *lanes, struct prm_job *job)
{
	struct prm_lane *lane = job->lane;

	if (job->state == PRM_JOB_CLOSING)
		lane->closing = false;
	else
		lane->running--;
	job->lane = NULL;
	job->state = PRM_JOB_OUTSIDE;
	settle(lanes, lane);
}

static struct prm_job *find_parked(const struct prm_lane *lane, uint64_t ticket)
{
	prm_list_each(at, following, &lane->parked)
	{
		struct prm_job *job = prm_container(at, struct prm_job, link);

		if (job->ticket == ticket)
			return job;
	}
	return NULL;
}

struct prm_job *prm_lane_find(const struct prm_lanes *lanes, uint64_t ticket)
{
	for (size_t i = 0; i < PRM_LANE_BUCKETS; i++) {
		prm_list_each(at, following, &lanes->buckets[i])
		{
			struct prm_job *job = find_parked(
				prm_container(at, struct prm_lane, bucket),
				ticket);

			if (job)
				return job;
		}
	}
	return NULL;
}
