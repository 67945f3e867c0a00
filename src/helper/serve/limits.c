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
#include "ipc/pass.h"

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

/* As many as asked for, if they leave three quarters of @nofile to others. */
static unsigned int fitting_workers(unsigned int max_workers, size_t nofile)
{
	size_t most = nofile / 4 / PRM_WORKER_FDS;
	size_t workers = smaller(max_workers, most);

	return workers > PRM_MIN_WORKERS ? (unsigned int)workers
					 : PRM_MIN_WORKERS;
}

static size_t share_of(size_t pile)
{
	const size_t messages = 2 * PRM_PASS_FDS_MAX;
	size_t share = pile / PRM_PILE_SHARES;

	return smaller(share > messages ? share : messages, pile / 2);
}

int prm_limits_init(struct prm_limits *limits, size_t max_sessions,
		    unsigned int max_workers, long cpus, size_t nofile)
{
	const size_t own = PRM_OWN_FDS + PRM_PILE_MIN;
	size_t left = nofile > own ? nofile - own : 0;

	if (!max_sessions || !max_workers)
		return -EINVAL;
	limits->workers = fitting_workers(max_workers, left);
	limits->base = base_workers(limits->workers, cpus);
	if (left < limits->workers * PRM_WORKER_FDS + 2)
		return -EMFILE;
	left -= limits->workers * PRM_WORKER_FDS;
	limits->sessions = smaller(max_sessions, left / 2);
	left -= 2 * limits->sessions;
	limits->pile = smaller(PRM_PILE_MIN + left, PRM_PILE_MAX);
	limits->share = share_of(limits->pile);
	return 0;
}

bool prm_limits_admit(const struct prm_limits *limits, size_t all, size_t own)
{
	size_t spare = limits->sessions / PRM_SPARE_SESSIONS;

	if (own >= PRM_FEW_SESSIONS)
		return all + spare < limits->sessions;
	return all < limits->sessions;
}
