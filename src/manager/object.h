/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_MANAGER_OBJECT_H
#define PRM_MANAGER_OBJECT_H

/* What a manager is made of, for the files of this folder. */

#include <prmanager/manager.h>
#include <pthread.h>
#include <stdatomic.h>
#include "base/cleanup.h"
#include "manager/executor.h"

/**
 * struct prm_manager - a named object of a class
 * @next:          in the registry, in the order of creation
 * @refs:          references, guarded by the registry
 * @ready:         created: can be found; guarded by the registry
 * @listed:        whether it is in the registry, which guards this
 * @id:            its name, owned
 * @class:         its class
 * @instance:      what the class made of it
 * @deleted:       whether new commands are refused
 * @executor:      runs executed commands
 * @listener_lock: held while the listener runs; recursive, since a listener
 *                 may replace itself
 * @listener:      or NULL
 * @opaque:        passed to it
 */
struct prm_manager {
	struct prm_manager *next;
	unsigned int refs;
	bool ready;
	bool listed;
	char *id;
	const struct prm_manager_class *class;
	void *instance;
	atomic_bool deleted;
	struct prm_executor *executor;
	pthread_mutex_t listener_lock;
	prm_listener listener;
	void *opaque;
};

static inline void prm_manager_unrefp(struct prm_manager **manager)
{
	(void)prm_manager_unref(*manager);
}

#endif
