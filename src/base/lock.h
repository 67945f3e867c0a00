/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_BASE_LOCK_H
#define PRM_BASE_LOCK_H

/*
 * Mutexes that are released by leaving scope, so that no path forgets to.
 */

#include <pthread.h>
#include "base/cleanup.h"

/* Lock @mutex. Returns it, for the guard that unlocks it. */
static inline pthread_mutex_t *prm_lock(pthread_mutex_t *mutex)
{
	(void)pthread_mutex_lock(mutex);
	return mutex;
}

/* For CLEANUP(): unlock what prm_lock() returned. */
static inline void prm_unlockp(pthread_mutex_t **mutex)
{
	if (*mutex)
		(void)pthread_mutex_unlock(*mutex);
}

/* Hold @mutex from here to the end of the scope; once in a scope. */
#define LOCK_SCOPE(mutex)                                                      \
	CLEANUP(prm_unlockp)                                                   \
	pthread_mutex_t *scope_lock_ = prm_lock(mutex);                        \
	(void)scope_lock_

#endif
