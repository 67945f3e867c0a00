/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_HELPER_SERVE_CLOSER_H
#define PRM_HELPER_SERVE_CLOSER_H

/*
 * Threads that close what may block for ever when it is closed.
 *
 * That is every descriptor a client sent which is no SCSI device, and every
 * socket in which such descriptors may still lie unread.  What waits for its
 * close is the pile; how high it can get is fixed, and places on it are
 * reserved before anything is received, so that there is always one.
 *
 * Everybody who brings something has a queue of his own and a share of the
 * pile, and no more than one thread at a time: whose descriptors hang waits for
 * himself alone.
 *
 * Threads: everything may be called from any thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include "base/cleanup.h"
#include "helper/serve/list.h"

struct prm_closer;

/* What is called, by a closer's thread, when an item has been closed. */
typedef void (*prm_closed)(void *opaque);

/**
 * struct prm_closer_config - what a closer is made of
 * @places:  places on the pile
 * @beside:  places beside it, for prm_closer_put_beside()
 * @threads: that there may be; the first one is always there, others are
 *           started when all are busy
 */
struct prm_closer_config {
	size_t places;
	size_t beside;
	unsigned int threads;
};

/**
 * struct prm_closer_queue - what waits for its close, of one who brings it
 * @link:     among those that have something and no thread
 * @items:    in the order in which they came
 * @share:    how many places of the pile it may have
 * @pile:     how many it has
 * @reserved: how many are reserved for it
 * @attended: a thread is closing something of it
 *
 * All of it is the closer's. A queue outlives what is in it.
 */
struct prm_closer_queue {
	struct prm_link link;
	struct prm_link items;
	size_t share;
	size_t pile;
	size_t reserved;
	bool attended;
};

/**
 * prm_closer_new() - make a closer; no thread runs yet
 * @config:     copied
 * @ret_closer: released with prm_closer_free()
 *
 * Return: 0, or -ENOMEM.
 */
int prm_closer_new(const struct prm_closer_config *config,
		   struct prm_closer **ret_closer);

/* Start a thread, with the caller's signal mask. Returns 0 or -errno. */
int prm_closer_start(struct prm_closer *closer);

/**
 * prm_closer_stop() - close what is on the pile and end the threads
 * @closer:      a closer, whether started or not
 * @patience_ms: how long one close may take, in milliseconds
 *
 * Return: whether all threads have ended; if not some are stuck, and neither
 * the closer nor what its items point at may be freed.
 */
bool prm_closer_stop(struct prm_closer *closer, unsigned int patience_ms);

/* Free a closer that has no threads; NULL is a no-op. Returns NULL. */
struct prm_closer *prm_closer_free(struct prm_closer *closer);
DEFINE_CLEANUP(struct prm_closer *, prm_closer_free)

/* An empty queue that may have @share places. */
void prm_closer_queue_init(struct prm_closer_queue *queue, size_t share);

/**
 * prm_closer_reserve() - keep places on the pile
 * @closer: the closer
 * @queue:  for whom
 * @count:  how many
 *
 * Waits while others have reserved and will soon give back; never for a close.
 *
 * Return: whether there are as many, within the share; each is used up by
 * prm_closer_put() or given back by prm_closer_release().
 */
bool prm_closer_reserve(struct prm_closer *closer,
			struct prm_closer_queue *queue, size_t count);

/* Give @count reserved places back. */
void prm_closer_release(struct prm_closer *closer,
			struct prm_closer_queue *queue, size_t count);

/* Make a place reserved for @from one reserved for @to, whatever its share. */
void prm_closer_move(struct prm_closer *closer, struct prm_closer_queue *from,
		     struct prm_closer_queue *to);

/**
 * prm_closer_has_room() - would prm_closer_reserve() succeed?
 * @closer: the closer
 * @queue:  for whom
 * @count:  how many
 *
 * Return: whether it would, once everybody has given back what he has reserved;
 * what has been said stays true until something more is put.
 */
bool prm_closer_has_room(struct prm_closer *closer,
			 const struct prm_closer_queue *queue, size_t count);

/**
 * prm_closer_put() - have something closed, on a place that was reserved
 * @closer: the closer
 * @queue:  whose it is
 * @fd:     descriptor, taken
 * @closed: called afterwards, when the place is free again; must not block.
 *          NULL for none
 * @opaque: for @closed
 */
void prm_closer_put(struct prm_closer *closer, struct prm_closer_queue *queue,
		    int fd, prm_closed closed, void *opaque);

/**
 * prm_closer_put_beside() - have something closed, on a place beside the pile
 * @closer: the closer
 * @queue:  as for prm_closer_put()
 * @fd:     as for prm_closer_put()
 * @closed: as for prm_closer_put()
 * @opaque: as for prm_closer_put()
 *
 * The callers have no more of these on their way than the closer was made for.
 */
void prm_closer_put_beside(struct prm_closer *closer,
			   struct prm_closer_queue *queue, int fd,
			   prm_closed closed, void *opaque);

/* Whether more than half of the places are taken by what is not closed yet. */
bool prm_closer_is_crowded(struct prm_closer *closer);

#endif
