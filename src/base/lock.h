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

/*
 * Hold a static mutex over every fork(2), so that a child does not find it
 * locked by a thread that it does not have.
 */
#define LOCK_OVER_FORK(mutex)                                                  \
	static void mutex##_before_fork(void)                                  \
	{                                                                      \
		(void)pthread_mutex_lock(&(mutex));                            \
	}                                                                      \
	static void mutex##_after_fork(void)                                   \
	{                                                                      \
		(void)pthread_mutex_unlock(&(mutex));                          \
	}                                                                      \
	__attribute__((constructor)) static void mutex##_over_fork(void)       \
	{                                                                      \
		(void)pthread_atfork(mutex##_before_fork, mutex##_after_fork,  \
				     mutex##_after_fork);                      \
	}

#endif
