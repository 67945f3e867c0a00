/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_HELPER_SERVE_DESK_H
#define PRM_HELPER_SERVE_DESK_H

/*
 * What threads share: one lock over the lanes, the deadlines, the crew and the
 * list of clients, held for a few stores at a time and never across anything
 * that may block.
 *
 * A client has exactly one owner at any time, who alone may touch it:
 *
 *     epoll          while it is armed, for something to read or to write
 *     a worker       from the event on
 *     its request    while request->waiting points to it: parked, or running
 *     the desk       while it is among the paused: nothing is read from it
 *
 * Whoever wants to answer a request takes the client from it, under the lock:
 * the worker that ran it, the watcher at the deadline, or the worker that is
 * told that the client has hung up. Who finds NULL there comes too late and
 * leaves the client alone.
 *
 * Who is parked or paused is armed for its hang-up, under a ticket. Whoever is
 * told of that has the client only if the ticket still leads to it; else it was
 * run, or goes on, and is somebody else's.
 */

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "helper/serve/crew.h"
#include "helper/serve/deadline.h"
#include "helper/serve/lane.h"
#include "helper/serve/request.h"

struct prm_client;

/**
 * struct prm_desk - what threads share
 * @lock:      protects everything below
 * @left:      told when a worker has ended
 * @lanes:     requests by device
 * @replies:   when requests have to be answered
 * @patience:  when clients that have begun something have to have ended it
 * @crew:      the workers
 * @clients:   those that are connected
 * @paused:    of these, those that are not read from for now
 * @tenants:   who they are (tenant.h)
 * @nexuses:   what they have registered (nexus.h)
 * @connected: how many
 * @slots:     how many clients still take up memory, connected or not
 * @ids:       the last client's number
 * @tickets:   the last one of a parked request or a paused client
 */
struct prm_desk {
	pthread_mutex_t lock;
	pthread_cond_t left;
	struct prm_lanes lanes;
	struct prm_deadlines replies;
	struct prm_deadlines patience;
	struct prm_crew crew;
	struct prm_link clients;
	struct prm_link paused;
	struct prm_link tenants;
	struct prm_link nexuses;
	size_t connected;
	size_t slots;
	uint64_t ids;
	uint64_t tickets;
};

/* Arms a client for its hang-up, under this ticket; must not block. */
typedef void (*prm_arm_parked)(struct prm_client *client, uint64_t ticket);

/**
 * prm_desk_init() - an empty desk
 * @desk:       to set up
 * @timeout_ms: what a client waits for a reply, in milliseconds
 * @base:       workers that are always there
 * @max:        workers that there may be
 */
void prm_desk_init(struct prm_desk *desk, unsigned int timeout_ms,
		   unsigned int base, unsigned int max);

/* Release an empty desk. */
void prm_desk_deinit(struct prm_desk *desk);

/**
 * prm_desk_submit() - bring a request to its device
 * @desk:    the desk
 * @worker:  who brings it, and is inside the device if it is to be run; NULL
 *           for one who never goes there: then it is parked
 * @request: with a device; its owner is set
 * @client:  who waits for it; the request owns it from now on
 * @arm:     called under the lock if the request is parked, as another thread
 *           may finish it as soon as the lock is released
 *
 * Return: 0 if the caller is to run it, 1 if it is parked (and may be gone
 * already), -ENOMEM with everything as it was.
 */
int prm_desk_submit(struct prm_desk *desk, struct prm_worker *worker,
		    struct prm_request *request, struct prm_client *client,
		    prm_arm_parked arm);

/**
 * prm_desk_next() - find something to do that is no event
 * @desk:   the desk
 * @worker: who asks; inside the device of the request that is returned
 * @rest:   he is idle from now on if there is nothing
 *
 * Return: a request, to be run or to be closed, or NULL.
 */
struct prm_request *prm_desk_next(struct prm_desk *desk,
				  struct prm_worker *worker, bool rest);

/* How many clients are connected. */
size_t prm_desk_connected(struct prm_desk *desk);

/*
 * Whether a request could go while somebody idle does not know of it. With the
 * lock held.
 */
bool prm_desk_is_left(const struct prm_desk *desk);

/* Whether the client of a request is there: still waiting, not hung up. */
bool prm_desk_is_wanted(struct prm_desk *desk, struct prm_request *request);

/**
 * prm_desk_desert() - take the client from a request if it has hung up
 * @desk:    the desk
 * @request: running
 * @is_gone: looks whether it has; must not block
 *
 * Return: the client, now the caller's, or NULL.
 */
struct prm_client *prm_desk_desert(struct prm_desk *desk,
				   struct prm_request *request,
				   bool (*is_gone)(struct prm_client *client));

/**
 * prm_desk_finish() - the worker is out of the device, which is closed
 * @desk:    the desk
 * @worker:  inside until now
 * @request: running or closing; now the caller's alone
 *
 * Return: who waits for the reply, now the caller's; NULL if nobody does.
 */
struct prm_client *prm_desk_finish(struct prm_desk *desk,
				   struct prm_worker *worker,
				   struct prm_request *request);

/**
 * prm_desk_claim() - a client hung up while its request was parked
 * @desk:       the desk
 * @ticket:     that it was armed under
 * @ret_client: the client, now the caller's
 *
 * Return: the request, now the caller's alone; NULL if it is parked no more,
 * and somebody else has the client.
 */
struct prm_request *prm_desk_claim(struct prm_desk *desk, uint64_t ticket,
				   struct prm_client **ret_client);

/**
 * prm_desk_overdue() - take the client from a request whose deadline is past
 * @desk:       the desk
 * @now_ns:     the time
 * @reply:      what it is to be told; goes on record for running requests
 * @ret_head:   the request's command
 * @ret_parked: the request if it was parked, now the caller's alone; else NULL
 *
 * Return: the client, now the caller's; NULL if no request is overdue.
 */
struct prm_client *prm_desk_overdue(struct prm_desk *desk, int64_t now_ns,
				    const struct prm_reply *reply,
				    struct prm_wire_request *ret_head,
				    struct prm_request **ret_parked);

/* See all that was done to a client before it was armed; after its event. */
void prm_desk_sync(struct prm_desk *desk);

/**
 * prm_desk_retire() - have the device of a request closed in its lane
 * @desk:    the desk
 * @request: with a device, in no lane
 *
 * Return: 0, the request to come back from prm_desk_next(); or a negative
 * errno: then it is still the caller's, and to be closed elsewhere.
 */
int prm_desk_retire(struct prm_desk *desk, struct prm_request *request);

#endif
