/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The closer: one thread, one ring of items, a count of places.
 *
 * close(2) of a descriptor from a client can wait for as long as the client
 * likes: a file of its own FUSE file system, a TCP socket that lingers, a tape
 * that rewinds.  So can closing a Unix socket in which such a descriptor lies
 * unread.  Whoever can put up with that is a thread that nobody waits for.
 *
 * A ring that is allocated at the start cannot fail later, when failing would
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

struct item {
	int fd;
	bool on_pile;
	prm_closed closed;
	void *opaque;
};

struct prm_closer {
	pthread_mutex_t lock;
	pthread_cond_t work; /* for the thread: an item, or stop */
	pthread_cond_t room; /* for others: places, or the end */
	pthread_t thread;
	bool started;
	bool stopping;
	bool ended;
	size_t places;
	size_t pile;
	size_t reserved;
	size_t sockets;
	size_t taken; /* items the thread has begun with, ever */
	size_t size;
	size_t first;
	size_t count;
	struct item *ring;
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

int prm_closer_new(size_t places, size_t sockets,
		   struct prm_closer **ret_closer)
{
	struct prm_closer *closer = calloc(1, sizeof(*closer));

	if (!closer)
		return -ENOMEM;
	closer->places = places;
	closer->sockets = sockets;
	closer->size = places + sockets;
	closer->ring = calloc(closer->size, sizeof(*closer->ring));
	if (!closer->ring) {
		free(closer);
		return -ENOMEM;
	}
	init_lock(closer);
	*ret_closer = closer;
	return 0;
}

struct prm_closer *prm_closer_free(struct prm_closer *closer)
{
	if (!closer)
		return NULL;
	assert(!closer->started || closer->ended);
	(void)pthread_cond_destroy(&closer->work);
	(void)pthread_cond_destroy(&closer->room);
	(void)pthread_mutex_destroy(&closer->lock);
	free(closer->ring);
	free(closer);
	return NULL;
}

/* Wait for an item; false when there is none and none will come. */
static bool take_item(struct prm_closer *closer, struct item *ret_item)
{
	LOCK_SCOPE(&closer->lock);

	while (!closer->count && !closer->stopping)
		(void)pthread_cond_wait(&closer->work, &closer->lock);
	if (!closer->count) {
		closer->ended = true;
		(void)pthread_cond_broadcast(&closer->room);
		return false;
	}
	*ret_item = closer->ring[closer->first];
	closer->first = (closer->first + 1) % closer->size;
	closer->count--;
	closer->taken++;
	return true;
}

static void leave_pile(struct prm_closer *closer)
{
	LOCK_SCOPE(&closer->lock);

	closer->pile--;
	(void)pthread_cond_broadcast(&closer->room);
}

static void leave_sockets(struct prm_closer *closer)
{
	LOCK_SCOPE(&closer->lock);

	closer->sockets++;
}

static void close_item(struct prm_closer *closer, const struct item *item)
{
	(void)prm_fd_close(item->fd);
	/* Before its owner hears of it, who may then bring the next one. */
	if (!item->on_pile)
		leave_sockets(closer);
	if (item->closed)
		item->closed(item->opaque);
	if (item->on_pile)
		leave_pile(closer);
}

static void *closer_main(void *opaque)
{
	struct prm_closer *closer = opaque;
	struct item item;

	while (take_item(closer, &item))
		close_item(closer, &item);
	return NULL;
}

int prm_closer_start(struct prm_closer *closer)
{
	int r = pthread_create(&closer->thread, NULL, closer_main, closer);

	closer->started = !r;
	return -r;
}

static struct timespec after_ms(unsigned int ms)
{
	int64_t at = prm_clock_ns() + (int64_t)ms * PRM_NS_PER_MS;

	return (struct timespec){ .tv_sec = at / PRM_NS_PER_S,
				  .tv_nsec = at % PRM_NS_PER_S };
}

/* Wait for the end of the thread, as long as it gets on. */
static bool wait_for_end(struct prm_closer *closer, unsigned int patience_ms)
{
	LOCK_SCOPE(&closer->lock);

	closer->stopping = true;
	(void)pthread_cond_signal(&closer->work);
	while (!closer->ended) {
		struct timespec until = after_ms(patience_ms);
		size_t taken = closer->taken;

		if (pthread_cond_timedwait(&closer->room, &closer->lock,
					   &until) == ETIMEDOUT &&
		    !closer->ended && taken == closer->taken)
			return false;
	}
	return true;
}

bool prm_closer_stop(struct prm_closer *closer, unsigned int patience_ms)
{
	if (!closer->started)
		return true;
	if (!wait_for_end(closer, patience_ms)) {
		(void)pthread_detach(closer->thread);
		return false;
	}
	(void)pthread_join(closer->thread, NULL);
	return true;
}

bool prm_closer_reserve(struct prm_closer *closer, size_t count)
{
	LOCK_SCOPE(&closer->lock);

	while (closer->pile + closer->reserved + count > closer->places) {
		if (!closer->reserved)
			return false;
		(void)pthread_cond_wait(&closer->room, &closer->lock);
	}
	closer->reserved += count;
	return true;
}

void prm_closer_release(struct prm_closer *closer, size_t count)
{
	LOCK_SCOPE(&closer->lock);

	assert(count <= closer->reserved);
	closer->reserved -= count;
	(void)pthread_cond_broadcast(&closer->room);
}

static void append(struct prm_closer *closer, struct item item)
{
	assert(closer->count < closer->size);
	closer->ring[(closer->first + closer->count) % closer->size] = item;
	closer->count++;
	(void)pthread_cond_signal(&closer->work);
}

void prm_closer_put(struct prm_closer *closer, int fd, prm_closed closed,
		    void *opaque)
{
	LOCK_SCOPE(&closer->lock);

	assert(closer->reserved);
	closer->reserved--;
	closer->pile++;
	/* Who waits for others to give back must see that nobody will. */
	(void)pthread_cond_broadcast(&closer->room);
	append(closer, (struct item){ fd, true, closed, opaque });
}

void prm_closer_put_socket(struct prm_closer *closer, int fd, prm_closed closed,
			   void *opaque)
{
	LOCK_SCOPE(&closer->lock);

	assert(closer->sockets);
	closer->sockets--;
	append(closer, (struct item){ fd, false, closed, opaque });
}

bool prm_closer_is_crowded(struct prm_closer *closer)
{
	LOCK_SCOPE(&closer->lock);

	return closer->pile > closer->places / 2;
}
