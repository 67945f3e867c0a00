/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The watcher: the one thread that never goes near a device.
 *
 * It answers requests whose deadline has passed, shuts out clients that hold
 * something up, adds a worker when all are stuck, resumes accepting, and ends
 * the server.  In ordinary times it sleeps: nothing wakes it for a request,
 * and it looks at the deadlines no later than the shortest of them takes, so
 * that none set meanwhile can pass unseen.
 */
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/lock.h"
#include "helper/log/log.h"
#include "helper/log/rate.h"
#include "helper/log/trace.h"
#include "helper/serve/listener.h"
#include "helper/serve/serve.h"
#include "helper/serve/watcher.h"
#include "helper/serve/worker.h"

/* Events that the watcher takes before it looks at the deadlines again. */
#define STAND_IN_EVENTS 16

/* A client that is paused for so long is worth a line in the log. */
#define LONG_PAUSE_NS (PRM_SPELL_CALM_MS * PRM_NS_PER_MS)

/* What the watcher waits for; the last only while all workers are stuck. */
enum {
	AT_WAKE,
	AT_SIGNAL,
	AT_WATCH,
	AT_EPOLL,
	AT_COUNT,
};

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Whether, and when, somebody may have been paused for long. */
static int64_t next_late_ns(const struct prm_desk *desk)
{
	const struct prm_client *client;

	if (prm_list_empty(&desk->paused))
		return PRM_DEADLINE_NEVER;
	client = prm_container(prm_list_first(&desk->paused), struct prm_client,
			       pausing);
	return client->is_late ? PRM_DEADLINE_NEVER
			       : client->paused_ns + LONG_PAUSE_NS;
}

/* When there is something to do at the latest, whatever happens until then. */
static int64_t next_ns(struct prm_server *server, int64_t now)
{
	struct prm_desk *desk = &server->desk;
	int64_t next =
		now + earlier(desk->replies.span_ns, desk->patience.span_ns);

	next = earlier(next, prm_listener_resume_ns(server));
	next = earlier(next, prm_spells_next(&server->spells));
	if (server->retry_ns)
		next = earlier(next, server->retry_ns);
	if (server->stop_ns)
		next = earlier(next, server->stop_ns);
	if (server->look_ns)
		next = earlier(next, server->look_ns);
	if (server->config.alive_ms)
		next = earlier(next, server->alive_ns);
	LOCK_SCOPE(&desk->lock);
	next = earlier(next, prm_deadlines_next(&desk->replies));
	next = earlier(next, prm_deadlines_next(&desk->patience));
	next = earlier(next, next_late_ns(desk));
	if (prm_crew_is_watched(&desk->crew, now) &&
	    !prm_crew_is_stuck(&desk->crew, now))
		next = earlier(next, now + PRM_STUCK_MS * PRM_NS_PER_MS);
	return next;
}

/* Milliseconds to sleep, rounded up: waking too early would be in vain. */
static int sleep_ms(int64_t now, int64_t next)
{
	int64_t ms = (next - now + PRM_NS_PER_MS - 1) / PRM_NS_PER_MS;

	if (ms < 0)
		return 0;
	return ms < INT_MAX ? (int)ms : INT_MAX;
}

static bool is_stuck(struct prm_server *server, int64_t now)
{
	struct prm_desk *desk = &server->desk;
	LOCK_SCOPE(&desk->lock);

	return prm_crew_is_stuck(&desk->crew, now);
}

/* Whether one more worker would have something to do. */
static bool is_help_wanted(struct prm_server *server)
{
	struct pollfd at = { .fd = server->epoll_fd, .events = POLLIN };
	struct prm_desk *desk = &server->desk;
	LOCK_SCOPE(&desk->lock);

	return prm_lane_has_next(&desk->lanes, prm_crew_supply(&desk->crew)) ||
	       poll(&at, 1, 0) > 0;
}

static bool is_full(struct prm_server *server)
{
	struct prm_desk *desk = &server->desk;
	LOCK_SCOPE(&desk->lock);

	return prm_crew_is_full(&desk->crew);
}

/*
 * No worker is left, nor may there be one more: the watcher lets clients in
 * and reads their requests.  It parks them, so that they are answered at their
 * deadline at the latest.
 */
static void stand_in(struct prm_server *server)
{
	struct epoll_event event;

	for (int i = 0; i < STAND_IN_EVENTS; i++) {
		if (epoll_wait(server->epoll_fd, &event, 1, 0) <= 0)
			return;
		prm_desk_sync(&server->desk);
		prm_worker_take(server, NULL, event.data.u64);
	}
}

/* All workers stuck: one more if there is something to do. */
static void help_out(struct prm_server *server, int64_t now)
{
	int r;

	server->retry_ns = 0;
	if (!is_stuck(server, now))
		return;
	if (is_full(server)) {
		stand_in(server);
		return;
	}
	if (!is_help_wanted(server))
		return;
	r = prm_worker_start(server);
	if (r == 0)
		return;
	if (prm_server_spell(server, PRM_SPELL_WORKERS))
		prm_log(PRM_LOG_WARNING, "cannot start a worker: %s",
			strerror(-r));
	server->retry_ns = now + PRM_RETRY_MS * PRM_NS_PER_MS;
	stand_in(server);
}

/* Let nobody in any more, and wait for those who are in. */
static void drain(struct prm_server *server, bool last)
{
	atomic_store(&server->draining, true);
	prm_listener_close(server, last);
}

static void stop(struct prm_server *server, int64_t now)
{
	if (server->stop_ns)
		return;
	PRM_TRACE(stop, prm_desk_connected(&server->desk));
	prm_log(PRM_LOG_INFO, "stopping");
	server->stop_ns = now + server->desk.replies.span_ns;
	if (server->config.stopping)
		server->config.stopping(server->config.opaque);
	atomic_store(&server->stopping, true);
	drain(server, false);
	prm_serve_dismiss(server);
}

static bool is_taken_over(struct prm_server *server)
{
	struct statx stx;

	return statx(server->config.path_fd, "",
		     AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_NLINK,
		     &stx) == 0 &&
	       stx.stx_nlink == 0;
}

/* Look whether the name of the socket leads to somebody else by now. */
static void look_for_take_over(struct prm_server *server, int64_t now)
{
	if (server->config.path_fd < 0 || server->taken_over || server->stop_ns)
		return;
	if (server->config.watch_fd < 0)
		server->look_ns = now + PRM_TAKE_OVER_POLL_MS * PRM_NS_PER_MS;
	if (!is_taken_over(server))
		return;
	PRM_TRACE(taken_over, prm_desk_connected(&server->desk));
	prm_log(PRM_LOG_INFO, "the socket was removed or replaced: ending with "
			      "the last client");
	server->taken_over = true;
	server->look_ns = 0;
	drain(server, true);
}

/*
 * Tell that we live, if the last kick was taken, and kick again.  When every
 * worker is inside a device, that makes the watcher start one more, or take the
 * kick in their place: what it takes of clients, too.
 */
static void show_life(struct prm_server *server, int64_t now)
{
	if (!server->config.alive_ms || now < server->alive_ns)
		return;
	server->alive_ns = now + server->config.alive_ms * PRM_NS_PER_MS;
	if (atomic_exchange(&server->pulse, false))
		server->config.alive(server->config.opaque);
	prm_server_kick(server);
}

static void swallow(int fd)
{
	char buf[4096] __attribute__((aligned(8)));

	while (read(fd, buf, sizeof(buf)) == (ssize_t)sizeof(buf))
		;
}

/* Sleep until something happens or is due. */
static void sleep_until(struct prm_server *server, int64_t now,
			struct pollfd at[AT_COUNT])
{
	at[AT_WAKE] = (struct pollfd){ server->wake_fd, POLLIN, 0 };
	at[AT_SIGNAL] = (struct pollfd){
		server->stop_ns ? -1 : server->config.signal_fd, POLLIN, 0
	};
	at[AT_WATCH] = (struct pollfd){ server->config.watch_fd, POLLIN, 0 };
	at[AT_EPOLL] =
		(struct pollfd){ is_stuck(server, now) ? server->epoll_fd : -1,
				 POLLIN, 0 };
	(void)poll(at, AT_COUNT, sleep_ms(now, next_ns(server, now)));
	if (at[AT_WAKE].revents)
		swallow(server->wake_fd);
	if (at[AT_WATCH].revents)
		swallow(server->config.watch_fd);
}

/*
 * Clients are paused for a moment now and then. What lasts is told: it is the
 * client's own doing, or too many others have done so.
 */
static void look_at_paused(struct prm_server *server, int64_t now)
{
	struct prm_desk *desk = &server->desk;
	LOCK_SCOPE(&desk->lock);

	prm_list_each(at, following, &desk->paused)
	{
		struct prm_client *client =
			prm_container(at, struct prm_client, pausing);

		if (now < client->paused_ns + LONG_PAUSE_NS)
			return;
		if (client->is_late)
			prm_spell_lasts(&server->spells, PRM_SPELL_PAUSED, now);
		else if (prm_spell_begins(&server->spells, PRM_SPELL_PAUSED,
					  now))
			prm_serve_complain(client, "not read from until what "
						   "it sent is closed");
		client->is_late = true;
	}
}

static bool is_over(struct prm_server *server, int64_t now)
{
	if (!server->stop_ns && !server->taken_over)
		return false;
	if (!prm_desk_connected(&server->desk))
		return true;
	return server->stop_ns && now >= server->stop_ns;
}

enum prm_server_end prm_watch(struct prm_server *server)
{
	int64_t now = prm_clock_ns();

	look_for_take_over(server, now);
	while (!is_over(server, now)) {
		struct pollfd at[AT_COUNT];

		sleep_until(server, now, at);
		now = prm_clock_ns();
		prm_serve_overdue(server, now);
		prm_serve_impatient(server, now);
		prm_listener_resume(server, now);
		look_at_paused(server, now);
		prm_spells_look(&server->spells, now);
		prm_audit_rate_tell(now);
		if (at[AT_SIGNAL].revents)
			stop(server, now);
		look_for_take_over(server, now);
		show_life(server, now);
		help_out(server, now);
	}
	/* One that was begun in time may have been read whole only later. */
	prm_serve_overdue(server, PRM_DEADLINE_NEVER);
	prm_audit_rate_tell(PRM_DEADLINE_NEVER);
	return server->taken_over ? PRM_SERVER_TAKEN_OVER : PRM_SERVER_STOPPED;
}
