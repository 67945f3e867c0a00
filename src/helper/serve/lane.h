/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_HELPER_SERVE_LANE_H
#define PRM_HELPER_SERVE_LANE_H

/*
 * One lane for each device: how many commands may be in it at a time, and who
 * waits for it.
 *
 * A job enters the lane of its device and is either told to go at once or
 * parked; a parked job costs no thread.  It leaves the lane when it is done
 * with the device, its descriptor closed.  A job nobody waits for any more is
 * retired: it only has its descriptor closed, one of those at a time, beside
 * the commands, so that it is not held up by four that hang.
 *
 * Threads:   no lock; the owner has one.
 * Ownership: jobs belong to the caller and are borrowed while in a lane.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "helper/serve/list.h"

/* Lanes are found by hashing into so many lists. */
#define PRM_LANE_BUCKETS 256

struct prm_lane;

/**
 * struct prm_lane_id - which device
 * @number: its device number
 * @block:  block device; else character device, whose numbers are others
 * @single: takes one command at a time; the same for all jobs of a device
 */
struct prm_lane_id {
	dev_t number;
	bool block;
	bool single;
};

/**
 * enum prm_job_state - where a job is
 * @PRM_JOB_OUTSIDE: in no lane
 * @PRM_JOB_PARKED:  waits for its turn
 * @PRM_JOB_RUNNING: has one of the lane's places
 * @PRM_JOB_RETIRED: waits for its descriptor's close
 * @PRM_JOB_CLOSING: has the lane's place for that
 */
enum prm_job_state {
	PRM_JOB_OUTSIDE,
	PRM_JOB_PARKED,
	PRM_JOB_RUNNING,
	PRM_JOB_RETIRED,
	PRM_JOB_CLOSING,
};

/**
 * enum prm_supply - how many threads there are to go into devices
 * @PRM_SUPPLY_PLENTY: enough
 * @PRM_SUPPLY_SCARCE: few: only devices with nothing running get one
 * @PRM_SUPPLY_NONE:   none at all
 */
enum prm_supply {
	PRM_SUPPLY_PLENTY,
	PRM_SUPPLY_SCARCE,
	PRM_SUPPLY_NONE,
};

/**
 * struct prm_job - one job in a lane
 * @link:   among the parked or the retired ones
 * @lane:   its lane; NULL outside
 * @state:  where it is
 * @ticket: the caller's mark, to find a parked job with
 */
struct prm_job {
	struct prm_link link;
	struct prm_lane *lane;
	enum prm_job_state state;
	uint64_t ticket;
};

/**
 * struct prm_lanes - all lanes
 * @buckets: those that have jobs, by device
 * @ready:   those with a job that waits and a place for it, in fair order
 * @count:   how many there are
 * @parked:  jobs that wait for their turn, in all lanes
 */
struct prm_lanes {
	struct prm_link buckets[PRM_LANE_BUCKETS];
	struct prm_link ready;
	size_t count;
	size_t parked;
};

/* No lanes. */
void prm_lanes_init(struct prm_lanes *lanes);

/* A job that is in no lane. */
void prm_job_init(struct prm_job *job);

/**
 * prm_lane_enter() - bring a job to its device
 * @lanes:  all lanes
 * @id:     the device
 * @job:    in no lane
 * @supply: of threads
 *
 * The job goes at once (PRM_JOB_RUNNING) if the lane has a place, nobody waits
 * before it and @supply allows it; else it is parked (PRM_JOB_PARKED).
 *
 * Return: 0, or -ENOMEM, with @job as it was.
 */
int prm_lane_enter(struct prm_lanes *lanes, struct prm_lane_id id,
		   struct prm_job *job, enum prm_supply supply);

/* Take a parked job out of its lane, before its turn. */
void prm_lane_withdraw(struct prm_lanes *lanes, struct prm_job *job);

/**
 * prm_lane_retire() - nobody waits for this job any more
 * @lanes: all lanes
 * @id:    the device
 * @job:   in no lane
 *
 * Return: 0; -EBUSY if too many wait for their close already, -ENOMEM; @job is
 * in no lane then, and the caller closes its descriptor elsewhere.
 */
int prm_lane_retire(struct prm_lanes *lanes, struct prm_lane_id id,
		    struct prm_job *job);

/**
 * prm_lane_next() - whose turn is it?
 * @lanes:  all lanes
 * @supply: of threads
 *
 * Devices take turns; within one, jobs go in the order in which they came.
 *
 * Return: a job, now PRM_JOB_RUNNING or PRM_JOB_CLOSING; NULL if none can go.
 */
struct prm_job *prm_lane_next(struct prm_lanes *lanes, enum prm_supply supply);

/* Whether prm_lane_next() would find a job. */
bool prm_lane_has_next(const struct prm_lanes *lanes, enum prm_supply supply);

/* @job, running or closing, is done with its device. */
void prm_lane_leave(struct prm_lanes *lanes, struct prm_job *job);

/* The parked job with this ticket, or NULL. */
struct prm_job *prm_lane_find(const struct prm_lanes *lanes, uint64_t ticket);

#endif
