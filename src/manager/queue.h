/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_MANAGER_QUEUE_H
#define PRM_MANAGER_QUEUE_H

/* How whatever runs commands puts completions into a queue. */

#include <prmanager/manager.h>

struct prm_queue_entry;

/**
 * prm_queue_begin() - make room for the completion of a command
 * @queue:     the queue
 * @opaque:    comes back in the completion
 * @ret_entry: the room; passed on to exactly one of the functions below
 *
 * Return: 0, -EINVAL without a queue, or -ENOMEM.
 */
int prm_queue_begin(struct prm_queue *queue, void *opaque,
		    struct prm_queue_entry **ret_entry);

/* The command was not accepted: there will be no completion. */
void prm_queue_cancel(struct prm_queue_entry *entry);

/* The command has ended; a prm_complete, @opaque being the entry. */
void prm_queue_complete(void *opaque, int error, const struct prm_reply *reply);

#endif
