/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The desk: every change of hands happens here, under one lock.
 *
 * One lock is enough: all that is done under it takes less than a microsecond,
 * and a command takes hundreds.  What it buys is that the questions which make
 * such a daemon hard (who answers, who closes, who may still touch this?) have
 * their answers in one file.
 */
#include <assert.h>
#include <errno.h>
#include "base/clock.h"
#include "base/lock.h"
#include "helper/log/trace.h"
#include "helper/serve/client.h"
#include "helper/serve/desk.h"
#include "helper/serve/limits.h"

static void init_lock(struct prm_desk *desk)
{
	pthread_mutexattr_t brief;
	pthread_condattr_t monotonic;

	/* It is soon free again: trying for a moment is less than sleeping. */
	(void)pthread_mutexattr_init(&brief);
	(void)pthread_mutexattr_settype(&brief, PTHREAD_MUTEX_ADAPTIVE_NP);
	(void)pthread_mutex_init(&desk->lock, &brief);
	(void)pthread_mutexattr_destroy(&brief);

	(void)pthread_condattr_init(&monotonic);
	(void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&desk->left, &monotonic);
	(void)pthread_condattr_destroy(&monotonic);
}

void prm_desk_init(struct prm_desk *desk, unsigned int timeout_ms,
		   unsigned int base, unsigned int max)
{
	*desk = (struct prm_desk){ .connected = 0 };
	init_lock(desk);
	prm_lanes_init(&desk->lanes);
	prm_deadlines_init(&desk->replies, timeout_ms);
	prm_deadlines_init(&desk->patience, PRM_PATIENCE_MS);
	prm_crew_init(&desk->crew, base, max);
	prm_list_init(&desk->clients);
	prm_list_init(&desk->paused);
	prm_list_init(&desk->tenants);
	prm_list_init(&desk->nexuses);
}

void prm_desk_deinit(struct prm_desk *desk)
{
	(void)pthread_cond_destroy(&desk->left);
	(void)pthread_mutex_destroy(&desk->lock);
}

static struct prm_request *request_of(struct prm_job *job)
{
	return job ? prm_container(job, struct prm_request, job) : NULL;
}

int prm_desk_submit(struct prm_desk *desk, struct prm_worker *worker,
		    struct prm_request *request, struct prm_client *client,
		    prm_arm_parked arm)
{
	int64_t now = prm_clock_ns();
	LOCK_SCOPE(&desk->lock);
	enum prm_supply supply = worker ? prm_crew_supply(&desk->crew)
					: PRM_SUPPLY_NONE;
	int r = prm_lane_enter(&desk->lanes, prm_request_lane(request),
			       &request->job, supply);

	if (r < 0)
		return r;
	request->waiting = client;
	/* From here on it is the client who needs patience. */
	prm_deadline_clear(&client->patience);
	client->minded = false;
	prm_deadline_set(&desk->replies, &request->deadline, now);
	if (request->job.state == PRM_JOB_RUNNING) {
		prm_crew_enter(&desk->crew, worker, now);
		return 0;
	}
	PRM_TRACE(park, request->owner->who.session, request->name);
	request->job.ticket = ++desk->tickets;
	arm(client, request->job.ticket);
	return 1;
}

struct prm_request *prm_desk_next(struct prm_desk *desk,
				  struct prm_worker *worker, bool rest)
{
	LOCK_SCOPE(&desk->lock);
	struct prm_job *job =
		prm_lane_next(&desk->lanes, prm_crew_supply(&desk->crew));

	if (job)
		prm_crew_enter(&desk->crew, worker, prm_clock_ns());
	else if (rest)
		prm_crew_rest(&desk->crew, worker);
	return request_of(job);
}

size_t prm_desk_connected(struct prm_desk *desk)
{
	LOCK_SCOPE(&desk->lock);

	return desk->connected;
}

bool prm_desk_is_left(const struct prm_desk *desk)
{
	return desk->crew.idle &&
	       prm_lane_has_next(&desk->lanes, prm_crew_supply(&desk->crew));
}

bool prm_desk_is_wanted(struct prm_desk *desk, struct prm_request *request)
{
	LOCK_SCOPE(&desk->lock);

	return request->waiting != NULL;
}

struct prm_client *prm_desk_desert(struct prm_desk *desk,
				   struct prm_request *request,
				   bool (*is_gone)(struct prm_client *client))
{
	LOCK_SCOPE(&desk->lock);

	/* Nobody else can close its socket as long as it waits here. */
	if (!request->waiting || !is_gone(request->waiting))
		return NULL;
	prm_deadline_clear(&request->deadline);
	return steal_ptr(&request->waiting);
}

struct prm_client *prm_desk_finish(struct prm_desk *desk,
				   struct prm_worker *worker,
				   struct prm_request *request)
{
	LOCK_SCOPE(&desk->lock);

	prm_crew_exit(&desk->crew, worker);
	prm_lane_leave(&desk->lanes, &request->job);
	prm_deadline_clear(&request->deadline);
	return steal_ptr(&request->waiting);
}

struct prm_request *prm_desk_claim(struct prm_desk *desk, uint64_t ticket,
				   struct prm_client **ret_client)
{
	LOCK_SCOPE(&desk->lock);
	struct prm_request *request =
		request_of(prm_lane_find(&desk->lanes, ticket));

	if (!request)
		return NULL;
	prm_lane_withdraw(&desk->lanes, &request->job);
	prm_deadline_clear(&request->deadline);
	*ret_client = steal_ptr(&request->waiting);
	return request;
}

struct prm_client *prm_desk_overdue(struct prm_desk *desk, int64_t now_ns,
				    const struct prm_reply *reply,
				    struct prm_wire_request *ret_head,
				    struct prm_request **ret_parked)
{
	LOCK_SCOPE(&desk->lock);
	struct prm_deadline *deadline =
		prm_deadlines_passed(&desk->replies, now_ns);
	struct prm_request *request;

	if (!deadline)
		return NULL;
	request = prm_container(deadline, struct prm_request, deadline);
	*ret_head = request->head;
	*ret_parked = NULL;
	if (request->job.state == PRM_JOB_PARKED) {
		prm_lane_withdraw(&desk->lanes, &request->job);
		*ret_parked = request;
	}
	/* Here, as a running request is its worker's and may end any time. */
	prm_request_record(request, &request->owner->who, reply,
			   PRM_OUTCOME_SENT);
	return steal_ptr(&request->waiting);
}

int prm_desk_retire(struct prm_desk *desk, struct prm_request *request)
{
	LOCK_SCOPE(&desk->lock);

	return prm_lane_retire(&desk->lanes, prm_request_lane(request),
			       &request->job);
}

void prm_desk_sync(struct prm_desk *desk)
{
	LOCK_SCOPE(&desk->lock);
}
