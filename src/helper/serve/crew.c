/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The crew: a fixed number of workers, and more of them only in need.
 *
 * A pool that grows whenever nobody waits, and shrinks when somebody does,
 * starts thousands of threads a second under plain load.  So being busy is no
 * reason to grow.  Being stuck is: nobody waits, and everybody has been in a
 * device for longer than a device takes.
 */
#include "base/clock.h"
#include "helper/serve/crew.h"
#include "helper/serve/limits.h"

void prm_crew_init(struct prm_crew *crew, unsigned int base, unsigned int max)
{
	*crew = (struct prm_crew){ .base = base, .max = max };
	prm_list_init(&crew->workers);
}

void prm_crew_join(struct prm_crew *crew, struct prm_worker *worker)
{
	*worker = (struct prm_worker){ 0 };
	prm_list_init(&worker->link);
	prm_list_append(&crew->workers, &worker->link);
	crew->total++;
}

void prm_crew_leave(struct prm_crew *crew, struct prm_worker *worker)
{
	if (worker->idle)
		prm_crew_rise(crew, worker);
	prm_list_remove(&worker->link);
	crew->total--;
}

void prm_crew_rest(struct prm_crew *crew, struct prm_worker *worker)
{
	worker->idle = true;
	crew->idle++;
}

void prm_crew_rise(struct prm_crew *crew, struct prm_worker *worker)
{
	worker->idle = false;
	crew->idle--;
}

void prm_crew_enter(struct prm_crew *crew, struct prm_worker *worker,
		    int64_t now_ns)
{
	worker->since_ns = now_ns;
	crew->inside++;
}

void prm_crew_exit(struct prm_crew *crew, struct prm_worker *worker)
{
	worker->since_ns = 0;
	crew->inside--;
}

enum prm_supply prm_crew_supply(const struct prm_crew *crew)
{
	return crew->inside < crew->max - crew->max / PRM_SPARE_WORKERS
		       ? PRM_SUPPLY_PLENTY
		       : PRM_SUPPLY_SCARCE;
}

bool prm_crew_is_full(const struct prm_crew *crew)
{
	return crew->total >= crew->max;
}

bool prm_crew_is_large(const struct prm_crew *crew)
{
	return crew->total > crew->base;
}

bool prm_crew_needs_watcher(struct prm_crew *crew, int64_t now_ns)
{
	bool watched = crew->watch_ns != 0;

	if (crew->idle)
		return false;
	crew->watch_ns = now_ns + PRM_WATCH_MS * PRM_NS_PER_MS;
	return !watched;
}

bool prm_crew_is_watched(struct prm_crew *crew, int64_t now_ns)
{
	/* As long as nobody waits, nobody would ask for the watcher again. */
	if (crew->idle && now_ns > crew->watch_ns)
		crew->watch_ns = 0;
	return crew->watch_ns != 0;
}

bool prm_crew_is_stuck(const struct prm_crew *crew, int64_t now_ns)
{
	if (crew->idle)
		return false;
	prm_list_each(at, following, &crew->workers)
	{
		const struct prm_worker *worker =
			prm_container(at, struct prm_worker, link);

		if (!worker->since_ns ||
		    now_ns - worker->since_ns < PRM_STUCK_MS * PRM_NS_PER_MS)
			return false;
	}
	return true;
}
