/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The closer: a queue for each who brings something, a few threads that each
 * attend one queue at a time, a count of places.
 *
 * close(2) of a descriptor from a client can wait for as long as the client
 * likes: a file of its own FUSE file system, a TCP socket that lingers, a tape
 * that rewinds.  So can closing a Unix socket in which such a descriptor lies
 * unread.  Whoever can put up with that is a thread that nobody waits for but
 * others of the same client.
 *
 * Items that are allocated at the start cannot fail later, when failing would
 * leave nothing to do but block or leak.
 */
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include "base/clock.h"
#include "base/fd.h"
#include "base/lock.h"
#include "helper/serve/closer.h"

/* Closing and a few frees; as much as the tools for tests need. */
#define STACK_SIZE ((size_t)256 * 1024)

struct item {
	struct prm_link link;
	int fd;
	bool on_pile;
	prm_closed closed;
	void *opaque;
};

struct prm_closer {
	struct prm_closer_config config;
	pthread_mutex_t lock;
	pthread_cond_t work; /* for a thread: a queue, or stop */
	pthread_cond_t room; /* for others: places, or the end */
	unsigned int threads;
	unsigned int idle;
	bool stopping;
	size_t pile;
	size_t reserved;
	size_t beside;
	size_t taken;            /* items that were begun with, ever */
	struct prm_link waiting; /* queues with items and no thread */
	unsigned int queued;     /* how many these are */
	struct prm_link spare;   /* items that were used before */
	size_t fresh;            /* items that never were begin here */
	struct item *items;
};

/* None of these allocates or can fail on Linux. */
static void init_lock(struct prm_closer *closer)
{
	pthread_condattr_t attr;

	(void)pthread_mutex_init(&closer->lock, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&closer->work, &attr);
	(void)pthread_cond_init(&closer->room, &attr);
	(void)pthread_condattr_destroy(&attr);
}

int prm_closer_new(const struct prm_closer_config *config,
		   struct prm_closer **ret_closer)
{
	struct prm_closer *closer = calloc(1, sizeof(*closer));

	if (!closer)
		return -ENOMEM;
	closer->config = *config;
	closer->items =
		calloc(config->places + config->beside, sizeof(*closer->items));
	if (!closer->items) {
		free(closer);
		return -ENOMEM;
	}
	prm_list_init(&closer->waiting);
	prm_list_init(&closer->spare);
	init_lock(closer);
	*ret_closer = closer;
	return 0;
}

struct prm_closer *prm_closer_free(struct prm_closer *closer)
{
	if (!closer)
		return NULL;
	assert(!closer->threads);
	(void)pthread_cond_destroy(&closer->work);
	(void)pthread_cond_destroy(&closer->room);
	(void)pthread_mutex_destroy(&closer->lock);
	free(closer->items);
	free(closer);
	return NULL;
}

void prm_closer_queue_init(struct prm_closer_queue *queue, size_t share)
{
	*queue = (struct prm_closer_queue){ .share = share };
	prm_list_init(&queue->link);
	prm_list_init(&queue->items);
}

static struct item *first_item(const struct prm_closer_queue *queue)
{
	return prm_container(prm_list_first(&queue->items), struct item, link);
}

static void *closer_main(void *opaque);

/* One more thread; with the lock held. */
static int start_thread(struct prm_closer *closer)
{
	pthread_attr_t attr;
	pthread_t id;
	int r;

	(void)pthread_attr_init(&attr);
	(void)pthread_attr_setstacksize(&attr, STACK_SIZE);
	(void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	r = pthread_create(&id, &attr, closer_main, closer);
	(void)pthread_attr_destroy(&attr);
	if (r == 0)
		closer->threads++;
	return -r;
}

/* Start a thread if there is nobody for what waits; else it has to wait. */
static void help_out(struct prm_closer *closer)
{
	if (closer->queued > closer->idle && closer->threads &&
	    closer->threads < closer->config.threads)
		(void)start_thread(closer);
}

static void wait_for_thread(struct prm_closer *closer,
			    struct prm_closer_queue *queue)
{
	prm_list_append(&closer->waiting, &queue->link);
	closer->queued++;
}

/* The thread ends, with the lock held: the closer may be gone afterwards. */
static struct prm_closer_queue *end_thread(struct prm_closer *closer)
{
	closer->threads--;
	(void)pthread_cond_broadcast(&closer->room);
	return NULL;
}

/* Wait for a queue to attend; NULL when there is none and none will come. */
static struct prm_closer_queue *take_queue(struct prm_closer *closer)
{
	struct prm_closer_queue *queue;
	LOCK_SCOPE(&closer->lock);

	while (prm_list_empty(&closer->waiting) && !closer->stopping) {
		closer->idle++;
		(void)pthread_cond_wait(&closer->work, &closer->lock);
		closer->idle--;
	}
	if (prm_list_empty(&closer->waiting))
		return end_thread(closer);
	queue = prm_container(prm_list_first(&closer->waiting),
			      struct prm_closer_queue, link);
	prm_list_remove(&queue->link);
	closer->queued--;
	queue->attended = true;
	closer->taken++;
	help_out(closer);
	return queue;
}

/* The first item has been closed: its place is free, the next may follow. */
static struct item leave(struct prm_closer *closer,
			 struct prm_closer_queue *queue)
{
	LOCK_SCOPE(&closer->lock);
	struct item *item = first_item(queue), copy = *item;

	prm_list_remove(&item->link);
	prm_list_append(&closer->spare, &item->link);
	if (item->on_pile) {
		queue->pile--;
		closer->pile--;
	} else {
		closer->beside--;
	}
	queue->attended = false;
	if (!prm_list_empty(&queue->items))
		wait_for_thread(closer, queue);
	(void)pthread_cond_broadcast(&closer->room);
	return copy;
}

static void *closer_main(void *opaque)
{
	struct prm_closer *closer = opaque;
	struct prm_closer_queue *queue;

	while ((queue = take_queue(closer))) {
		/* Nobody else takes it out as long as the queue is attended. */
		int fd = first_item(queue)->fd;
		struct item item;

		(void)prm_fd_close(fd);
		item = leave(closer, queue);
		/* Last: it may take what the queue is part of along. */
		if (item.closed)
			item.closed(item.opaque);
	}
	return NULL;
}

int prm_closer_start(struct prm_closer *closer)
{
	LOCK_SCOPE(&closer->lock);

	return start_thread(closer);
}

static struct timespec after_ms(unsigned int ms)
{
	return prm_clock_timespec(prm_clock_ns() + (int64_t)ms * PRM_NS_PER_MS);
}

bool prm_closer_stop(struct prm_closer *closer, unsigned int patience_ms)
{
	LOCK_SCOPE(&closer->lock);

	closer->stopping = true;
	(void)pthread_cond_broadcast(&closer->work);
	while (closer->threads) {
		struct timespec until = after_ms(patience_ms);
		size_t taken = closer->taken;
		unsigned int threads = closer->threads;

		if (pthread_cond_timedwait(&closer->room, &closer->lock,
					   &until) == ETIMEDOUT &&
		    threads == closer->threads && taken == closer->taken)
			return false;
	}
	return true;
}

bool prm_closer_has_room(struct prm_closer *closer,
			 const struct prm_closer_queue *queue, size_t count)
{
	LOCK_SCOPE(&closer->lock);

	return queue->pile + count <= queue->share &&
	       closer->pile + count <= closer->config.places;
}

bool prm_closer_reserve(struct prm_closer *closer,
			struct prm_closer_queue *queue, size_t count)
{
	LOCK_SCOPE(&closer->lock);

	for (;;) {
		bool fits = queue->pile + queue->reserved + count <=
			    queue->share;
		bool fits_all = closer->pile + closer->reserved + count <=
				closer->config.places;

		if (fits && fits_all)
			break;
		if ((!fits && !queue->reserved) ||
		    (!fits_all && !closer->reserved))
			return false;
		(void)pthread_cond_wait(&closer->room, &closer->lock);
	}
	queue->reserved += count;
	closer->reserved += count;
	return true;
}

/* Places are reserved no more; who waits for them must see what came of it. */
static void unreserve(struct prm_closer *closer, struct prm_closer_queue *queue,
		      size_t count)
{
	assert(count <= queue->reserved && count <= closer->reserved);
	queue->reserved -= count;
	closer->reserved -= count;
	(void)pthread_cond_broadcast(&closer->room);
}

void prm_closer_release(struct prm_closer *closer,
			struct prm_closer_queue *queue, size_t count)
{
	LOCK_SCOPE(&closer->lock);

	unreserve(closer, queue, count);
}

void prm_closer_move(struct prm_closer *closer, struct prm_closer_queue *from,
		     struct prm_closer_queue *to)
{
	LOCK_SCOPE(&closer->lock);

	unreserve(closer, from, 1);
	to->reserved++;
	closer->reserved++;
}

static struct item *new_item(struct prm_closer *closer)
{
	if (!prm_list_empty(&closer->spare)) {
		struct prm_link *link = prm_list_first(&closer->spare);

		prm_list_remove(link);
		return prm_container(link, struct item, link);
	}
	assert(closer->fresh < closer->config.places + closer->config.beside);
	return &closer->items[closer->fresh++];
}

static void append(struct prm_closer *closer, struct prm_closer_queue *queue,
		   struct item what)
{
	struct item *item = new_item(closer);

	*item = what;
	prm_list_init(&item->link);
	prm_list_append(&queue->items, &item->link);
	if (queue->attended || !prm_list_empty(&queue->link))
		return;
	wait_for_thread(closer, queue);
	help_out(closer);
	(void)pthread_cond_signal(&closer->work);
}

void prm_closer_put(struct prm_closer *closer, struct prm_closer_queue *queue,
		    int fd, prm_closed closed, void *opaque)
{
	LOCK_SCOPE(&closer->lock);

	unreserve(closer, queue, 1);
	queue->pile++;
	closer->pile++;
	append(closer, queue,
	       (struct item){ .fd = fd,
			      .on_pile = true,
			      .closed = closed,
			      .opaque = opaque });
}

void prm_closer_put_beside(struct prm_closer *closer,
			   struct prm_closer_queue *queue, int fd,
			   prm_closed closed, void *opaque)
{
	LOCK_SCOPE(&closer->lock);

	assert(closer->beside < closer->config.beside);
	closer->beside++;
	append(closer, queue,
	       (struct item){ .fd = fd, .closed = closed, .opaque = opaque });
}

bool prm_closer_is_crowded(struct prm_closer *closer)
{
	LOCK_SCOPE(&closer->lock);

	return closer->pile > closer->config.places / 2;
}
