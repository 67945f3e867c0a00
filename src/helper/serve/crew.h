/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_HELPER_SERVE_CREW_H
#define PRM_HELPER_SERVE_CREW_H

/*
 * How many workers there are, what they are doing, and whether one more is
 * needed.
 *
 * Threads: no lock; the owner has one.
 */

#include <stdbool.h>
#include <stdint.h>
#include "helper/serve/lane.h"
#include "helper/serve/list.h"

/**
 * struct prm_worker - one thread that serves
 * @link:     among all workers
 * @since_ns: when it went into a device; 0 while it is not in one
 * @idle:     waits for something to do
 */
struct prm_worker {
	struct prm_link link;
	int64_t since_ns;
	bool idle;
};

/**
 * struct prm_crew - all workers
 * @workers:  each of them
 * @base:     how many stay, whatever happens
 * @max:      how many there may be
 * @total:    how many there are
 * @idle:     of these, how many wait for something to do
 * @inside:   of these, how many are in a device
 * @watch_ns: until when the watcher looks at them again and again; 0 if it
 *            does not
 */
struct prm_crew {
	struct prm_link workers;
	unsigned int base;
	unsigned int max;
	unsigned int total;
	unsigned int idle;
	unsigned int inside;
	int64_t watch_ns;
};

/* A crew of nobody that may become @max, of whom @base stay. */
void prm_crew_init(struct prm_crew *crew, unsigned int base, unsigned int max);

/* @worker joins; busy. */
void prm_crew_join(struct prm_crew *crew, struct prm_worker *worker);

/* @worker, idle or busy, but in no device, ends. */
void prm_crew_leave(struct prm_crew *crew, struct prm_worker *worker);

/* @worker, busy, waits for something to do from now on. */
void prm_crew_rest(struct prm_crew *crew, struct prm_worker *worker);

/* @worker, idle, has something to do. */
void prm_crew_rise(struct prm_crew *crew, struct prm_worker *worker);

/* @worker, busy, goes into a device at @now_ns, above 0. */
void prm_crew_enter(struct prm_crew *crew, struct prm_worker *worker,
		    int64_t now_ns);

/* @worker comes out of a device. */
void prm_crew_exit(struct prm_crew *crew, struct prm_worker *worker);

/* How many are left to go into devices; one of them is asking. */
enum prm_supply prm_crew_supply(const struct prm_crew *crew);

/* Whether there may not be one more. */
bool prm_crew_is_full(const struct prm_crew *crew);

/* Whether there are more than usual, so that an idle one may end. */
bool prm_crew_is_large(const struct prm_crew *crew);

/**
 * prm_crew_needs_watcher() - did nobody stay behind to take what comes next?
 * @crew:   the crew
 * @now_ns: the time
 *
 * To be asked whenever one has stopped waiting, to work or to end: if all
 * others are stuck, only the watcher can see that something has come.
 *
 * Return: whether the watcher must be woken; it then watches for a while.
 */
bool prm_crew_needs_watcher(struct prm_crew *crew, int64_t now_ns);

/* Whether the watcher is to look again in PRM_STUCK_MS. */
bool prm_crew_is_watched(struct prm_crew *crew, int64_t now_ns);

/**
 * prm_crew_is_stuck() - does it take somebody else to go on?
 * @crew:   the crew
 * @now_ns: the time
 *
 * Return: whether nobody waits, and everybody has been in a device for
 * PRM_STUCK_MS.
 */
bool prm_crew_is_stuck(const struct prm_crew *crew, int64_t now_ns);

#endif
