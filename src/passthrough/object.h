/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_PASSTHROUGH_OBJECT_H
#define PRM_PASSTHROUGH_OBJECT_H

/* What a passthrough device is made of, for the files of this folder. */

#include <prmanager/passthrough.h>
#include <pthread.h>
#include "manager/executor.h"
#include "passthrough/track.h"

/* Unit attentions kept for the guest; a device hardly queues as many. */
#define PRM_PENDING_MAX 8

/**
 * struct prm_passthrough - a device
 * @fd:          its descriptor, owned
 * @manager:     where PERSISTENT RESERVE IN and OUT go, a reference
 * @executor:    runs submitted commands
 * @pr_executor: runs those for the manager, so that a helper that hangs does
 *               not hold up reads and writes
 * @timeout_ms:  for commands without one
 * @hides:       whether SIP_C and ATP_C are hidden
 * @order:       held while a PERSISTENT RESERVE OUT is under way, so that what
 *               is remembered changes in the order in which the device does
 * @lock:        guards what follows; never held over a wait
 * @track:       what the guest has
 * @pending_count: unit attentions in @pending
 * @pending:     those that a command of our own ran into, for the guest
 */
struct prm_passthrough {
	int fd;
	struct prm_manager *manager;
	struct prm_executor *executor;
	struct prm_executor *pr_executor;
	unsigned int timeout_ms;
	bool hides;
	pthread_mutex_t order;
	pthread_mutex_t lock;
	struct prm_track track;
	size_t pending_count;
	struct prm_reply pending[PRM_PENDING_MAX];
};

#endif
