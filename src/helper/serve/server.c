/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A server: the parts, put together and taken apart.
 *
 *      listener ---.                             .--- closer
 *      client -----+-- epoll -- worker, worker, worker ... --- device
 *      client -----'                 |           |
 *                                  desk ------ watcher --- signals, deadlines
 *
 * The thread that runs the server is the watcher.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/fd.h"
#include "helper/log/log.h"
#include "helper/serve/client.h"
#include "helper/serve/listener.h"
#include "helper/serve/state.h"
#include "helper/serve/watcher.h"
#include "helper/serve/worker.h"

/* How long to wait, at the end, for a thread that seems stuck. */
#define END_PATIENCE_MS 1000

static void notify(int fd)
{
	const uint64_t one = 1;

	(void)!write(fd, &one, sizeof(one));
}

void prm_server_wake(struct prm_server *server)
{
	notify(server->wake_fd);
}

void prm_server_kick(struct prm_server *server)
{
	notify(server->kick_fd);
}

bool prm_server_spell(struct prm_server *server, enum prm_spell spell)
{
	if (!prm_spell_begins(&server->spells, spell, prm_clock_ns()))
		return false;
	prm_server_wake(server);
	return true;
}

static void retired(void *opaque)
{
	struct prm_client *owner = opaque;

	atomic_store(&owner->lingers, false);
	prm_clients_resume(owner->server);
	(void)prm_client_unref(owner);
}

void prm_server_retire(struct prm_server *server, struct prm_request *request)
{
	struct prm_client *owner = request->owner;
	int fd;

	if (prm_desk_retire(&server->desk, request) == 0) {
		prm_server_kick(server);
		return;
	}
	/* One for each client at the most, so there is a place beside the pile. */
	fd = prm_device_take_fd(request->device);
	(void)prm_request_free(request);
	atomic_store(&owner->lingers, true);
	prm_closer_put_beside(server->closer, &owner->tenant->queue, fd,
			      retired, owner);
}

static int open_fds(struct prm_server *server)
{
	const int flags = EFD_CLOEXEC | EFD_NONBLOCK;

	server->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	server->kick_fd = eventfd(0, flags);
	server->end_fd = eventfd(0, flags);
	server->wake_fd = eventfd(0, flags);
	if (server->epoll_fd < 0 || server->kick_fd < 0 || server->end_fd < 0 ||
	    server->wake_fd < 0)
		return -errno;
	return 0;
}

static int add(struct prm_server *server, const int *fd, uint32_t events)
{
	struct epoll_event event = { .events = events,
				     .data.u64 = prm_event_of(fd) };

	return epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, *fd, &event) < 0
		       ? -errno
		       : 0;
}

/* What workers wait for, from the start. */
static int fill_epoll(struct prm_server *server)
{
	int r = add(server, &server->kick_fd, EPOLLIN | EPOLLET);

	if (r == 0)
		r = add(server, &server->end_fd, EPOLLIN);
	if (r == 0)
		r = add(server, &server->listener, EPOLLIN | EPOLLONESHOT);
	return r;
}

/* A number of 64 bits wherever it comes from. */
static size_t to_size(rlim_t number)
{
	return number < SIZE_MAX ? (size_t)number : SIZE_MAX;
}

static int init_limits(struct prm_server *server,
		       const struct prm_server_config *config)
{
	struct rlimit nofile;

	if (!config->timeout_ms)
		return -EINVAL;
	if (getrlimit(RLIMIT_NOFILE, &nofile) < 0)
		return -errno;
	return prm_limits_init(&server->limits, config->max_sessions,
			       config->max_workers,
			       sysconf(_SC_NPROCESSORS_ONLN),
			       to_size(nofile.rlim_cur));
}

static int set_nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	return 0;
}

/* Allocate and open what a server needs; what it got is freed on failure. */
static int build(struct prm_server *server, int listener)
{
	const struct prm_closer_config config = {
		.places = server->limits.pile,
		/* Sockets, what lingers of a request, and the listener. */
		.beside = 2 * server->limits.sessions + 1,
		.threads = PRM_CLOSERS_MAX,
	};
	int r = prm_closer_new(&config, &server->closer);

	if (r == 0)
		r = open_fds(server);
	if (r == 0)
		r = set_nonblocking(listener);
	if (r < 0)
		return r;
	server->listener = listener;
	r = fill_epoll(server);
	if (r < 0)
		server->listener = -1;
	return r;
}

static struct prm_server *new_server(const struct prm_server_config *config)
{
	struct prm_server *server = calloc(1, sizeof(*server));

	if (!server)
		return NULL;
	server->config = *config;
	server->managers.scsi = config->scsi;
	server->managers.multipath = config->multipath;
	server->listener = -1;
	server->epoll_fd = server->kick_fd = -1;
	server->end_fd = server->wake_fd = -1;
	atomic_init(&server->accepting, true);
	(void)pthread_mutex_init(&server->accepting_lock, NULL);
	prm_spells_init(&server->spells);
	prm_closer_queue_init(&server->door, SIZE_MAX);
	return server;
}

int prm_server_new(const struct prm_server_config *config, int *listener,
		   struct prm_server **ret_server)
{
	CLEANUP(prm_server_freep)
	struct prm_server *server = new_server(config);
	int r;

	if (!server)
		return -ENOMEM;
	prm_desk_init(&server->desk, config->timeout_ms, 1, 1);
	r = init_limits(server, config);
	if (r < 0)
		return r;
	server->desk.crew.base = server->limits.base;
	server->desk.crew.max = server->limits.workers;
	r = build(server, *listener);
	if (r < 0)
		return r;
	*listener = -1;
	*ret_server = steal_ptr(&server);
	return 0;
}

/* Start as many workers as there always are, or at least one. */
static int start_workers(struct prm_server *server)
{
	int r = 0;

	for (unsigned int i = 0; i < server->limits.base && r == 0; i++)
		r = prm_worker_start(server);
	return server->desk.crew.total ? 0 : r;
}

/*
 * Threads in devices cannot be ended.  What they may touch stays, and where a
 * tool that looks for lost memory finds it.
 */
static void leave_behind(struct prm_server *server)
{
	static struct prm_server *first;

	server->left_behind = first;
	first = server;
	server->stuck = true;
}

int prm_server_run(struct prm_server *server, enum prm_server_end *ret_end)
{
	enum prm_server_end end;
	bool ended;
	int r = prm_closer_start(server->closer);

	if (r < 0)
		return r;
	r = start_workers(server);
	if (r < 0)
		return r;
	if (server->limits.sessions < server->config.max_sessions)
		prm_log(PRM_LOG_WARNING,
			"RLIMIT_NOFILE leaves room for %zu clients, not %u",
			server->limits.sessions, server->config.max_sessions);
	end = prm_watch(server);
	ended = prm_workers_end(server, END_PATIENCE_MS);
	if (!prm_closer_stop(server->closer, END_PATIENCE_MS) || !ended)
		leave_behind(server);
	*ret_end = end;
	return 0;
}

struct prm_server *prm_server_free(struct prm_server *server)
{
	if (!server || server->stuck)
		return NULL;
	(void)prm_fd_close(server->listener);
	(void)prm_fd_close(server->epoll_fd);
	(void)prm_fd_close(server->kick_fd);
	(void)prm_fd_close(server->end_fd);
	(void)prm_fd_close(server->wake_fd);
	(void)prm_closer_free(server->closer);
	(void)pthread_mutex_destroy(&server->accepting_lock);
	prm_spells_deinit(&server->spells);
	prm_desk_deinit(&server->desk);
	free(server);
	return NULL;
}
