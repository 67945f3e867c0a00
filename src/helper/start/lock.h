/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_HELPER_START_LOCK_H
#define PRM_HELPER_START_LOCK_H

/*
 * The lock on a socket's name: PATH.lock, there only while someone holds it.
 *
 * Errors: 0 or a negative errno with words in the fault.
 */

#include "base/cleanup.h"
#include "helper/start/fault.h"

struct prm_lock;

/**
 * prm_lock_new() - be the only one who creates or removes a socket file
 * @path:     of the socket; the lock is that name with ".lock" behind it
 * @wait_ms:  how long to wait for one that holds it, in milliseconds
 * @fault:    says what is wrong
 * @ret_lock: released with prm_lock_free()
 *
 * Return: 0; -EAGAIN when another process held the lock all the time; -ENOMEM;
 * or the error of a system call.
 */
int prm_lock_new(const char *path, unsigned int wait_ms,
		 struct prm_fault *fault, struct prm_lock **ret_lock);

/**
 * prm_lock_join() - take the lock that somebody may have left behind
 * @path:     of the socket
 * @ret_lock: released with prm_lock_free(); NULL if there is no lock to take
 *
 * Creates nothing, and waits for nobody.
 *
 * Return: 0; -EAGAIN when another process holds the lock; -ENOMEM; or the error
 * of a system call.
 */
int prm_lock_join(const char *path, struct prm_lock **ret_lock);

/* Remove the file, then release; NULL is a no-op. Returns NULL. */
struct prm_lock *prm_lock_free(struct prm_lock *lock);
DEFINE_CLEANUP(struct prm_lock *, prm_lock_free)

#endif
