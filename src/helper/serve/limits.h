/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_HELPER_SERVE_LIMITS_H
#define PRM_HELPER_SERVE_LIMITS_H

/*
 * What the daemon allows itself and its clients, in one place.
 */

#include <stdbool.h>
#include <stddef.h>

/* Default of --timeout: what a client waits for its reply. */
#define PRM_TIMEOUT_MS 30000

/* Default of --max-sessions: one for each VM of a host, and then some. */
#define PRM_MAX_SESSIONS 1024

/* Default of --max-workers: threads inside devices at a time. */
#define PRM_MAX_WORKERS 256

/* Fewer workers could all be waiting for each other's device. */
#define PRM_MIN_WORKERS 2

/* One in so many workers serves only devices that have nothing running. */
#define PRM_SPARE_WORKERS 4

/* Commands that run on one device at a time; on a multipath map, one. */
#define PRM_LANE_RUNNING_MAX 4

/* Descriptors of one device that may wait for their close in its lane. */
#define PRM_LANE_CLOSING_MAX 64

/* A worker that has been in a device for so long is taken for stuck. */
#define PRM_STUCK_MS 5

/* How long the watcher keeps looking once workers were scarce. */
#define PRM_WATCH_MS 1000

/* A worker above the usual number ends after so long without work. */
#define PRM_WORKER_IDLE_MS 60000

/*
 * How long a client may take over its half of the handshake, the rest of a
 * request, or the fetching of a reply.  Twice the default timeout: a client
 * that is merely slow loses nothing, one that is stuck does not stay for ever.
 */
#define PRM_PATIENCE_MS 60000

/* How often a client is told of that it shares its I_T nexus. */
#define PRM_SHARED_TOLD_MAX 8

/*
 * Clients that are accepted before others have their turn.  Without an end to
 * it a crowd that comes and goes would be let in faster than it is let out.
 */
#define PRM_ACCEPTS_AT_ONCE 16

/* How long to wait with accepting after the kernel ran out of something. */
#define PRM_ACCEPT_PAUSE_MS 200

/* How long to wait before trying again to start a worker. */
#define PRM_RETRY_MS 200

/* How often to look for a take-over where inotify is not to be had. */
#define PRM_TAKE_OVER_POLL_MS 1000

/* Descriptors of the daemon itself: log, listener, epoll and so on. */
#define PRM_OWN_FDS 64

/* Descriptors for sysfs and for programs that run a command. */
#define PRM_WORKER_FDS 2

/* The most descriptors that may wait for the closer. */
#define PRM_PILE_MAX 65536

/* What must be possible: two messages full of descriptors at a time. */
#define PRM_PILE_MIN 512

/*
 * Of the descriptors that may wait for their close, one tenant (tenant.h) has
 * one in so many, or two messages full, or half of what there is.
 */
#define PRM_PILE_SHARES 32

/* Threads that close: so many tenants may hang before others have to wait. */
#define PRM_CLOSERS_MAX 16

/* One in so many sessions is only for tenants that have few. */
#define PRM_SPARE_SESSIONS 4

/* As many sessions are few. */
#define PRM_FEW_SESSIONS 8

/**
 * struct prm_limits - what fits into the process
 * @sessions: clients at a time
 * @workers:  threads that run commands
 * @base:     of these, how many are always there
 * @pile:     descriptors that may be on their way to be closed, those of the
 *            messages being received included
 * @share:    of these, those of one tenant
 */
struct prm_limits {
	size_t sessions;
	unsigned int workers;
	unsigned int base;
	size_t pile;
	size_t share;
};

/**
 * prm_limits_init() - divide the process's descriptors up
 * @limits:       receives the result; undefined on failure
 * @max_sessions: what was asked for, at least 1
 * @max_workers:  what was asked for, at least 1
 * @cpus:         of the machine
 * @nofile:       RLIMIT_NOFILE
 *
 * A session needs two: its socket, and the descriptor of its request, so that
 * no request fails for want of one. A worker that is stuck keeps the one of a
 * client that has gone. What is left is for what clients should not have sent.
 * Where there are few, fewer workers and sessions than asked for have to do.
 *
 * Return: 0; -EINVAL for a zero; -EMFILE if not even one session fits.
 */
int prm_limits_init(struct prm_limits *limits, size_t max_sessions,
		    unsigned int max_workers, long cpus, size_t nofile);

/**
 * prm_limits_admit() - may a tenant have one session more?
 * @limits: of the process
 * @all:    sessions that there are
 * @own:    of these, those of the tenant
 *
 * Return: whether it may. Who has few is only stopped where there are as many
 * sessions as there may be; who has more leaves some to others.
 */
bool prm_limits_admit(const struct prm_limits *limits, size_t all, size_t own);

#endif
