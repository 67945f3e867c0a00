/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The budget of descriptors.
 *
 * Running out of descriptors is worse here than elsewhere: the kernel then
 * closes what it cannot deliver in the thread that receives, and closing what
 * a client sent can block for ever.  So the table of descriptors is divided
 * up at the start, such that no number of clients can fill it.
 */
#include <errno.h>
#include "helper/serve/limits.h"

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

static unsigned int base_workers(unsigned int workers, long cpus)
{
	unsigned int base = cpus > PRM_MIN_WORKERS ? (unsigned int)cpus
						   : PRM_MIN_WORKERS;

	return base < workers ? base : workers;
}

int prm_limits_init(struct prm_limits *limits, size_t max_sessions,
		    unsigned int max_workers, long cpus, size_t nofile)
{
	size_t fixed, left;

	if (!max_sessions || !max_workers)
		return -EINVAL;
	if (max_workers < PRM_MIN_WORKERS)
		max_workers = PRM_MIN_WORKERS;
	fixed = PRM_OWN_FDS + (size_t)max_workers * PRM_WORKER_FDS +
		PRM_PILE_MIN;
	if (nofile < fixed + 2)
		return -EMFILE;
	left = nofile - fixed;
	limits->workers = max_workers;
	limits->base = base_workers(max_workers, cpus);
	limits->sessions = smaller(max_sessions, left / 2);
	left -= 2 * limits->sessions;
	limits->pile = smaller(PRM_PILE_MIN + left, PRM_PILE_MAX);
	return 0;
}
