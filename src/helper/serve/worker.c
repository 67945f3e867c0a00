/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A worker: take what comes, do it to the end, wait for the next.
 *
 * What comes is an event of epoll, or a request whose turn has come in its
 * lane.  The two alternate where there are both, so that neither a busy device
 * nor busy clients can keep the other waiting.
 *
 * The last idle worker to get up, be it to work or to end, sees to it that the
 * watcher looks after those events that then nobody waits for.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/lock.h"
#include "device/device.h"
#include "helper/log/trace.h"
#include "helper/serve/listener.h"
#include "helper/serve/serve.h"
#include "helper/serve/worker.h"

/* Deep enough for every manager; the default would be eight megabytes. */
#define STACK_SIZE ((size_t)1024 * 1024)

struct thread {
	struct prm_worker worker;
	struct prm_server *server;
};

void prm_worker_take(struct prm_server *server, struct prm_worker *worker,
		     uint64_t event)
{
	uint64_t count;

	if (prm_event_is_ticket(event))
		prm_serve_hangup(server, prm_event_to_ticket(event));
	else if (event == prm_event_of(&server->listener))
		prm_listener_accept(server);
	else if (event == prm_event_of(&server->kick_fd)) {
		(void)!read(server->kick_fd, &count, sizeof(count));
		atomic_store(&server->pulse, true);
	} else if (event != prm_event_of(&server->end_fd))
		prm_serve_event(server, worker,
				(struct prm_client *)(uintptr_t)event);
}

/*
 * Up from waiting, perhaps with an event: the lock also shows all that was done
 * before the client was armed. Or off with a request; either way perhaps for
 * long. If nobody is left waiting, the watcher must know; if somebody is and
 * there is a request for him, he must: the event that was meant to tell him may
 * have gone to another, or have been one for two requests.
 */
static void get_up(struct prm_server *server, struct prm_worker *worker)
{
	struct prm_desk *desk = &server->desk;
	int64_t now = prm_clock_ns();
	bool wake, left;

	{
		LOCK_SCOPE(&desk->lock);

		if (worker->idle)
			prm_crew_rise(&desk->crew, worker);
		wake = prm_crew_needs_watcher(&desk->crew, now);
		left = prm_desk_is_left(desk);
	}
	if (wake)
		prm_server_wake(server);
	if (left)
		prm_server_kick(server);
}

/* How long to wait for an event, in milliseconds; -1 for ever. */
static int waiting_time(struct prm_server *server,
			const struct prm_worker *worker)
{
	struct prm_desk *desk = &server->desk;

	if (!worker->idle)
		return 0;
	LOCK_SCOPE(&desk->lock);
	return prm_crew_is_large(&desk->crew) ? PRM_WORKER_IDLE_MS : -1;
}

/* Whether an idle worker is needed no more, or none is. Under the lock. */
static bool may_leave(struct prm_server *server)
{
	struct prm_desk *desk = &server->desk;

	if (!atomic_load(&server->ending))
		return prm_crew_is_large(&desk->crew);
	/* What clients left behind is still to be closed. */
	return !prm_lane_has_next(&desk->lanes, prm_crew_supply(&desk->crew));
}

/* Leave the crew, if that is possible: the server may be gone afterwards. */
static bool leave(struct thread *thread)
{
	struct prm_server *server = thread->server;
	struct prm_desk *desk = &server->desk;
	int64_t now = prm_clock_ns();
	LOCK_SCOPE(&desk->lock);

	if (!may_leave(server))
		return false;
	prm_crew_leave(&desk->crew, &thread->worker);
	PRM_TRACE(worker_end, desk->crew.total);
	/* All others may be stuck, and none of them to say so. */
	if (prm_crew_needs_watcher(&desk->crew, now))
		prm_server_wake(server);
	(void)pthread_cond_broadcast(&desk->left);
	free(thread);
	return true;
}

/* Serve once: a request, if there is one, then an event. False: has left. */
static bool serve_once(struct thread *thread)
{
	struct prm_server *server = thread->server;
	struct prm_worker *worker = &thread->worker;
	struct prm_request *request =
		prm_desk_next(&server->desk, worker, true);
	struct epoll_event event;
	int count;

	if (request) {
		get_up(server, worker);
		prm_serve_request(server, worker, request);
	}
	count = epoll_wait(server->epoll_fd, &event, 1,
			   waiting_time(server, worker));
	if (count == 0 && !request && leave(thread))
		return false;
	get_up(server, worker);
	if (count > 0)
		prm_worker_take(server, worker, event.data.u64);
	return !atomic_load(&server->ending) || !leave(thread);
}

static void *worker_main(void *opaque)
{
	prm_device_prepare_thread();
	while (serve_once(opaque))
		;
	return NULL;
}

static int start_thread(struct thread *thread)
{
	pthread_attr_t attr;
	pthread_t id;
	int r;

	(void)pthread_attr_init(&attr);
	(void)pthread_attr_setstacksize(&attr, STACK_SIZE);
	(void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	r = pthread_create(&id, &attr, worker_main, thread);
	(void)pthread_attr_destroy(&attr);
	return -r;
}

int prm_worker_start(struct prm_server *server)
{
	struct prm_desk *desk = &server->desk;
	struct thread *thread = calloc(1, sizeof(*thread));
	int r;

	if (!thread)
		return -ENOMEM;
	thread->server = server;
	LOCK_SCOPE(&desk->lock);
	prm_crew_join(&desk->crew, &thread->worker);
	r = start_thread(thread);
	if (r < 0) {
		prm_crew_leave(&desk->crew, &thread->worker);
		free(thread);
		return r;
	}
	PRM_TRACE(worker_start, desk->crew.total);
	return 0;
}

static struct timespec after_ms(unsigned int ms)
{
	return prm_clock_timespec(prm_clock_ns() + (int64_t)ms * PRM_NS_PER_MS);
}

bool prm_workers_end(struct prm_server *server, unsigned int patience_ms)
{
	struct prm_desk *desk = &server->desk;
	const uint64_t one = 1;
	LOCK_SCOPE(&desk->lock);

	atomic_store(&server->ending, true);
	(void)!write(server->end_fd, &one, sizeof(one));
	while (desk->crew.total) {
		struct timespec until = after_ms(patience_ms);
		unsigned int total = desk->crew.total;

		if (pthread_cond_timedwait(&desk->left, &desk->lock, &until) ==
			    ETIMEDOUT &&
		    desk->crew.inside == desk->crew.total &&
		    total == desk->crew.total)
			return false;
	}
	return true;
}
