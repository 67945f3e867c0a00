/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_HELPER_LOG_QUEUE_H
#define PRM_HELPER_LOG_QUEUE_H

/*
 * Inside this folder: the bounded queue between those who log and the one
 * who writes.
 *
 * Any number of threads push, one pops.  Pushing never waits for the popper:
 * a record that does not fit is dropped and counted.
 */

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "helper/log/record.h"

/**
 * struct prm_log_queue - records as bytes, in a ring
 * @lock:    guards all the others
 * @pushed:  signalled when there is something to pop, or nothing ever more
 * @popped:  signalled when the popper is done with a record, or at all
 * @start:   where in @bytes the oldest record begins
 * @used:    bytes of @bytes that hold records
 * @count:   records in it
 * @in:      records ever pushed
 * @out:     records ever popped
 * @done:    those of them that the popper is done with
 * @lost:    records dropped since the last that tells of it
 * @dropped: records ever dropped
 * @closed:  nothing more is taken in
 * @ended:   the popper was told that there is nothing more
 * @bytes:   the ring
 */
struct prm_log_queue {
	pthread_mutex_t lock;
	pthread_cond_t pushed;
	pthread_cond_t popped;
	size_t start;
	size_t used;
	size_t count;
	uint64_t in;
	uint64_t out;
	uint64_t done;
	unsigned long lost;
	unsigned long dropped;
	bool closed;
	bool ended;
	uint8_t bytes[PRM_LOG_QUEUE_BYTES];
};

/* Make @queue empty and open. It owns nothing that needs to be given back. */
void prm_log_queue_init(struct prm_log_queue *queue);

/**
 * prm_log_queue_push() - append a record
 * @queue:  the queue
 * @record: copied, with @lost filled in
 *
 * The last quarter of the queue is for records that are @kept, and the one
 * before that for those up to PRM_LOG_NOTICE: neither chatter nor what clients
 * can make us complain of must push out the audit.
 *
 * Return: whether there was room; a queue that is closed has none.
 */
bool prm_log_queue_push(struct prm_log_queue *queue,
			struct prm_log_record *record);

/**
 * prm_log_queue_pop() - wait for the oldest record and take it
 * @queue:  the queue
 * @record: filled on success. Its @text_len is 0 when it only tells of
 *          records that were dropped
 *
 * Says by being called that the caller is done with the record before.
 *
 * Return: false when the queue is closed and empty.
 */
bool prm_log_queue_pop(struct prm_log_queue *queue,
		       struct prm_log_record *record);

/**
 * prm_log_queue_flush() - wait until the popper is done with what is queued
 * @queue:      the queue
 * @timeout_ms: how long at the most, in milliseconds
 *
 * Return: whether it is.
 */
bool prm_log_queue_flush(struct prm_log_queue *queue, unsigned int timeout_ms);

/**
 * prm_log_queue_close() - take no more, and wait until the popper has ended
 * @queue:      the queue
 * @timeout_ms: how long at the most, in milliseconds
 *
 * Return: whether it has: prm_log_queue_pop() returned false.
 */
bool prm_log_queue_close(struct prm_log_queue *queue, unsigned int timeout_ms);

/* Records ever dropped. */
unsigned long prm_log_queue_dropped(struct prm_log_queue *queue);

#endif
