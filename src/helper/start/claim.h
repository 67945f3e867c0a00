/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_HELPER_START_CLAIM_H
#define PRM_HELPER_START_CLAIM_H

/*
 * One path, one helper (I6): the right to a socket's name.
 *
 *	prm_claim_new()    nobody lives there, and nobody else may move in
 *	prm_claim_bind()   the socket is there, with its mode and owner
 *	prm_claim_unlock() others may look again, and find us
 *	prm_claim_remove() at the end, if the name is still ours
 *
 * Ownership: a claim owns its descriptors and copies the path; the listener is
 * handed out.
 * Threads:   one, before there are others.
 * Errors:    0 or a negative errno with words in the fault.
 */

#include "helper/start/fault.h"
#include "ipc/listen.h"
#include "base/cleanup.h"

struct prm_claim;

/**
 * prm_claim_new() - make sure that a path is free, and keep it so
 * @path:      absolute, of the socket
 * @fault:     says who or what is in the way, and what to do
 * @ret_claim: the claim, released with prm_claim_free()
 *
 * A stale socket counts as free, and is not touched yet. Takes seconds when
 * somebody is there who says nothing.
 *
 * Return: 0; -EADDRINUSE if a helper lives there; -EEXIST for anything that is
 * not a socket of our kind; -EAGAIN if another helper is starting there;
 * -ENOMEM; or the error of a system call.
 */
int prm_claim_new(const char *path, struct prm_fault *fault,
		  struct prm_claim **ret_claim);

/**
 * prm_claim_bind() - replace a stale socket, bind and listen
 * @claim:        not bound yet
 * @config:       mode and owner; its path is not looked at
 * @fault:        says what failed
 * @ret_listener: the listening socket, the caller's
 *
 * Return: 0, or the error of a system call; then there is no socket of ours.
 */
int prm_claim_bind(struct prm_claim *claim,
		   const struct prm_listen_config *config,
		   struct prm_fault *fault, int *ret_listener);

/* Let others look at the path; needs the rights that made the lock. */
void prm_claim_unlock(struct prm_claim *claim);

/* O_PATH descriptor of the bound socket file, borrowed; its st_nlink tells. */
int prm_claim_path_fd(const struct prm_claim *claim);

/* inotify descriptor for that file, borrowed; -1 if there is none. */
int prm_claim_watch_fd(const struct prm_claim *claim);

/**
 * prm_claim_remove() - remove the socket file if it is ours
 * @claim: bound
 *
 * Leaves it where the folder does not let us, and where another helper is
 * starting, which will take care of it. While the socket still listens: that is
 * what keeps others from the name, since a helper that serves may create no
 * lock.
 */
void prm_claim_remove(struct prm_claim *claim);

/* Unlock, close and free; NULL is a no-op. Returns NULL. */
struct prm_claim *prm_claim_free(struct prm_claim *claim);
DEFINE_CLEANUP(struct prm_claim *, prm_claim_free)

#endif
