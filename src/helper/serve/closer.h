/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_HELPER_SERVE_CLOSER_H
#define PRM_HELPER_SERVE_CLOSER_H

/*
 * The thread that closes what may block for ever when it is closed.
 *
 * That is every descriptor a client sent which is no SCSI device, and every
 * socket in which such descriptors may still lie unread.  What waits for its
 * close is the pile; how high it can get is fixed, and places on it are
 * reserved before anything is received, so that there is always one.
 *
 * Threads: everything may be called from any thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include "base/cleanup.h"

struct prm_closer;

/* What is called, by the closer's thread, when an item has been closed. */
typedef void (*prm_closed)(void *opaque);

/**
 * prm_closer_new() - make a closer; its thread does not run yet
 * @places:     places on the pile
 * @sockets:    places beside it, for prm_closer_put_socket()
 * @ret_closer: released with prm_closer_free()
 *
 * Return: 0, or -ENOMEM.
 */
int prm_closer_new(size_t places, size_t sockets,
		   struct prm_closer **ret_closer);

/* Start the thread, with the caller's signal mask. Returns 0 or -errno. */
int prm_closer_start(struct prm_closer *closer);

/**
 * prm_closer_stop() - close what is on the pile and end the thread
 * @closer:      a closer, whether started or not
 * @patience_ms: how long one close may take, in milliseconds
 *
 * Return: whether the thread has ended; if not it is stuck, and neither the
 * closer nor what its items point at may be freed.
 */
bool prm_closer_stop(struct prm_closer *closer, unsigned int patience_ms);

/* Free a closer whose thread does not run; NULL is a no-op. Returns NULL. */
struct prm_closer *prm_closer_free(struct prm_closer *closer);
DEFINE_CLEANUP(struct prm_closer *, prm_closer_free)

/**
 * prm_closer_reserve() - keep places on the pile
 * @closer: the closer
 * @count:  how many
 *
 * Waits while others have reserved and will soon give back; never for a close.
 *
 * Return: whether there are as many; each is used up by prm_closer_put() or
 * given back by prm_closer_release().
 */
bool prm_closer_reserve(struct prm_closer *closer, size_t count);

/* Give @count reserved places back. */
void prm_closer_release(struct prm_closer *closer, size_t count);

/**
 * prm_closer_put() - have something closed, on a place that was reserved
 * @closer: the closer
 * @fd:     descriptor, taken; -1 if @closed does all that is to be done
 * @closed: called afterwards, and may block as well; NULL for none
 * @opaque: for @closed
 */
void prm_closer_put(struct prm_closer *closer, int fd, prm_closed closed,
		    void *opaque);

/**
 * prm_closer_put_socket() - have a socket closed, on a place beside the pile
 * @closer: the closer
 * @fd:     descriptor, taken
 * @closed: as for prm_closer_put()
 * @opaque: as for prm_closer_put()
 *
 * The caller has no more sockets on their way than the closer was made for.
 */
void prm_closer_put_socket(struct prm_closer *closer, int fd, prm_closed closed,
			   void *opaque);

/* Whether more than half of the places are taken by what is not closed yet. */
bool prm_closer_is_crowded(struct prm_closer *closer);

#endif
