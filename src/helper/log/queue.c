/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The bounded queue between those who log and the one who writes.
 *
 * Records lie in a ring of bytes one behind the other, a fixed head and then
 * only as much text as there is, so that a thousand short lines need no more
 * than they are.  The lock is held for a copy of two kilobytes at the most,
 * never across a system call that could wait.
 */
#include <errno.h>
#include <string.h>
#include <time.h>
#include "base/cleanup.h"
#include "base/clock.h"
#include "helper/log/queue.h"

/* The part of a record that always has the same size. */
#define HEAD_SIZE offsetof(struct prm_log_record, text)

void prm_log_queue_init(struct prm_log_queue *queue)
{
	pthread_condattr_t attr;

	memset(queue, 0, sizeof(*queue));
	(void)pthread_mutex_init(&queue->lock, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&queue->pushed, &attr);
	(void)pthread_cond_init(&queue->popped, &attr);
	(void)pthread_condattr_destroy(&attr);
}

static void unlock(pthread_mutex_t **lock)
{
	(void)pthread_mutex_unlock(*lock);
}

/* Hold @queue's lock to the end of the scope. */
#define GUARD(queue)                                                           \
	CLEANUP(unlock) pthread_mutex_t *guard_ = &(queue)->lock;              \
	(void)pthread_mutex_lock(guard_)

static void put(struct prm_log_queue *queue, const void *bytes, size_t len)
{
	size_t at = (queue->start + queue->used) % sizeof(queue->bytes);
	size_t first = sizeof(queue->bytes) - at;

	if (first > len)
		first = len;
	memcpy(queue->bytes + at, bytes, first);
	memcpy(queue->bytes, (const uint8_t *)bytes + first, len - first);
	queue->used += len;
}

static void get(struct prm_log_queue *queue, void *bytes, size_t len)
{
	size_t first = sizeof(queue->bytes) - queue->start;

	if (first > len)
		first = len;
	memcpy(bytes, queue->bytes + queue->start, first);
	memcpy((uint8_t *)bytes + first, queue->bytes, len - first);
	queue->start = (queue->start + len) % sizeof(queue->bytes);
	queue->used -= len;
}

/* How much of the queue @record may fill, in quarters. */
static size_t share_of(const struct prm_log_record *record)
{
	if (record->kept)
		return 4;
	return record->level > PRM_LOG_NOTICE ? 2 : 3;
}

static bool has_room(const struct prm_log_queue *queue,
		     const struct prm_log_record *record)
{
	size_t share = share_of(record);
	size_t len = HEAD_SIZE + record->text_len + record->fields_len;

	return !queue->closed &&
	       queue->count < PRM_LOG_QUEUE_RECORDS / 4 * share &&
	       queue->used + len <= sizeof(queue->bytes) / 4 * share;
}

bool prm_log_queue_push(struct prm_log_queue *queue,
			struct prm_log_record *record)
{
	GUARD(queue);

	if (!has_room(queue, record)) {
		queue->lost++;
		queue->dropped++;
		return false;
	}
	record->lost = queue->lost;
	put(queue, record, HEAD_SIZE);
	put(queue, record->text, record->text_len);
	put(queue, record->fields, record->fields_len);
	queue->lost = 0;
	queue->count++;
	queue->in++;
	(void)pthread_cond_signal(&queue->pushed);
	return true;
}

/* With @queue locked: take the oldest record. */
static void take(struct prm_log_queue *queue, struct prm_log_record *record)
{
	get(queue, record, HEAD_SIZE);
	get(queue, record->text, record->text_len);
	get(queue, record->fields, record->fields_len);
	queue->count--;
	queue->out++;
}

bool prm_log_queue_pop(struct prm_log_queue *queue,
		       struct prm_log_record *record)
{
	GUARD(queue);

	queue->done = queue->out;
	(void)pthread_cond_broadcast(&queue->popped);
	while (!queue->count && !queue->lost && !queue->closed)
		(void)pthread_cond_wait(&queue->pushed, &queue->lock);
	if (queue->count) {
		take(queue, record);
		return true;
	}
	if (queue->lost) {
		prm_log_record_init(record, PRM_LOG_WARNING);
		record->lost = queue->lost;
		queue->lost = 0;
		return true;
	}
	queue->ended = true;
	(void)pthread_cond_broadcast(&queue->popped);
	return false;
}

static struct timespec deadline_in(unsigned int timeout_ms)
{
	return prm_clock_timespec(prm_clock_ns() + timeout_ms * PRM_NS_PER_MS);
}

bool prm_log_queue_flush(struct prm_log_queue *queue, unsigned int timeout_ms)
{
	struct timespec deadline = deadline_in(timeout_ms);
	uint64_t in;
	int r = 0;

	GUARD(queue);
	in = queue->in;
	while (queue->done < in && r != ETIMEDOUT)
		r = pthread_cond_timedwait(&queue->popped, &queue->lock,
					   &deadline);
	return queue->done >= in;
}

bool prm_log_queue_close(struct prm_log_queue *queue, unsigned int timeout_ms)
{
	struct timespec deadline = deadline_in(timeout_ms);
	int r = 0;

	GUARD(queue);
	queue->closed = true;
	(void)pthread_cond_broadcast(&queue->pushed);
	while (!queue->ended && r != ETIMEDOUT)
		r = pthread_cond_timedwait(&queue->popped, &queue->lock,
					   &deadline);
	return queue->ended;
}

unsigned long prm_log_queue_dropped(struct prm_log_queue *queue)
{
	GUARD(queue);
	return queue->dropped;
}
