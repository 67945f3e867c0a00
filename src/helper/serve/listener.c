/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The listener, in the same set of epoll as the clients.
 *
 * One worker at a time accepts a few, and has the listener wait for its next
 * turn.  When the kernel has run out of something, waiting clients cannot be
 * accepted for now, and being told of them again and again would not help: the
 * listener is left alone and armed again by the watcher.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include "base/clock.h"
#include "base/fd.h"
#include "base/lock.h"
#include "helper/log/log.h"
#include "helper/log/trace.h"
#include "helper/log/unit.h"
#include "helper/serve/listener.h"
#include "helper/serve/serve.h"
#include "ipc/peer.h"

static void arm(struct prm_server *server)
{
	struct epoll_event event = {
		.events = EPOLLIN | EPOLLONESHOT,
		.data.u64 = prm_event_of(&server->listener),
	};

	if (atomic_load(&server->accepting))
		(void)epoll_ctl(server->epoll_fd, EPOLL_CTL_MOD,
				server->listener, &event);
}

static void pause_accepting(struct prm_server *server, int error)
{
	PRM_TRACE(accept_pause, error);
	atomic_store(&server->resume_ns,
		     prm_clock_ns() + PRM_ACCEPT_PAUSE_MS * PRM_NS_PER_MS);
	if (prm_server_spell(server, PRM_SPELL_ACCEPT))
		prm_log(PRM_LOG_WARNING, "cannot accept clients for now: %s",
			strerror(error));
	prm_server_wake(server);
}

/* Whose connection this is, with a reference; NULL if that cannot be noted. */
static struct prm_tenant *identify(struct prm_server *server, int sock,
				   pid_t *ret_pid)
{
	struct prm_desk *desk = &server->desk;
	char unit[PRM_UNIT_SIZE];
	struct prm_peer peer;

	if (prm_peer_get(sock, &peer) < 0)
		return NULL;
	(void)prm_unit_of_pid(peer.pid, unit);
	*ret_pid = peer.pid;
	LOCK_SCOPE(&desk->lock);
	return prm_tenant_get(&desk->tenants, server, peer.uid, unit,
			      server->limits.share);
}

static void forget(void *opaque)
{
	struct prm_tenant *tenant = opaque;
	struct prm_desk *desk = &tenant->server->desk;

	prm_clients_resume(tenant->server);
	LOCK_SCOPE(&desk->lock);
	prm_tenant_put(tenant);
}

/* Show a client out, who may have left something that hangs. */
static void turn_away(struct prm_server *server, int sock,
		      struct prm_tenant *tenant, const char *why)
{
	char name[PRM_UNIT_SIZE + 32] = "nobody knows whose";

	if (tenant)
		prm_tenant_name(tenant, name, sizeof(name));
	if (prm_server_spell(server, PRM_SPELL_TURNED))
		prm_log(PRM_LOG_WARNING, "turned a client away, %s: %s", name,
			why);
	if (!prm_socket_shut(sock)) {
		(void)prm_fd_close(sock);
		prm_closer_release(server->closer, &server->door, 1);
		if (tenant)
			forget(tenant);
	} else if (tenant) {
		/* Its own affair, even where it has no share left. */
		prm_closer_move(server->closer, &server->door, &tenant->queue);
		prm_closer_put(server->closer, &tenant->queue, sock, forget,
			       tenant);
	} else {
		prm_closer_put(server->closer, &server->door, sock, NULL, NULL);
	}
}

/* Let in one client; a place on the pile is reserved in case it cannot stay. */
static void let_in(struct prm_server *server, int sock)
{
	struct prm_client *client = NULL;
	struct prm_tenant *tenant;
	const int on = 1;
	int r = -ENOMEM;
	pid_t pid = 0;

	/* Else bytes sent out of band would hold descriptors unseen. */
	(void)setsockopt(sock, SOL_SOCKET, SO_OOBINLINE, &on, sizeof(on));
	tenant = identify(server, sock, &pid);
	if (tenant)
		r = prm_client_new(server, &sock, pid, tenant, &client);
	if (r < 0) {
		turn_away(server, sock, tenant,
			  r == -EBUSY ? "too many connections" : strerror(-r));
		return;
	}
	prm_closer_release(server->closer, &server->door, 1);
	prm_serve_new(client);
}

/* Accept one; 0, -EAGAIN when nobody waits, or why accepting is to pause. */
static int accept_one(struct prm_server *server)
{
	int sock;

	/* Who is turned away must not take the places of who is not. */
	if (prm_closer_is_crowded(server->closer) ||
	    !prm_closer_reserve(server->closer, &server->door, 1))
		return -ENOBUFS;
	sock = accept4(server->listener, NULL, NULL,
		       SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (sock >= 0) {
		let_in(server, sock);
		return 0;
	}
	prm_closer_release(server->closer, &server->door, 1);
	/* The client may be gone again; that says nothing about the next. */
	return errno == ECONNABORTED || errno == EINTR ? 0 : -errno;
}

/* Accept @most at most: 0, or why there are no more for now. */
static int accept_some(struct prm_server *server, size_t most)
{
	int r = 0;

	for (size_t i = 0; i < most && !r; i++)
		r = atomic_load(&server->accepting) ? accept_one(server)
						    : -EAGAIN;
	return r;
}

void prm_listener_accept(struct prm_server *server)
{
	LOCK_SCOPE(&server->accepting_lock);
	int r = accept_some(server, PRM_ACCEPTS_AT_ONCE);

	if (r == 0 || r == -EAGAIN)
		arm(server);
	else
		pause_accepting(server, -r);
}

int64_t prm_listener_resume_ns(struct prm_server *server)
{
	int64_t at = atomic_load(&server->resume_ns);

	return at ? at : PRM_DEADLINE_NEVER;
}

void prm_listener_resume(struct prm_server *server, int64_t now_ns)
{
	if (now_ns < prm_listener_resume_ns(server))
		return;
	LOCK_SCOPE(&server->accepting_lock);
	atomic_store(&server->resume_ns, 0);
	PRM_TRACE(accept_resume, prm_desk_connected(&server->desk));
	arm(server);
}

void prm_listener_close(struct prm_server *server, bool last)
{
	if (!last)
		atomic_store(&server->accepting, false);
	LOCK_SCOPE(&server->accepting_lock);
	if (last)
		(void)accept_some(server, SIZE_MAX);
	atomic_store(&server->accepting, false);
	atomic_store(&server->resume_ns, 0);
	if (server->listener < 0)
		return;
	(void)epoll_ctl(server->epoll_fd, EPOLL_CTL_DEL, server->listener,
			NULL);
	/* Clients that were not accepted may have sent descriptors. */
	prm_closer_put_beside(server->closer, &server->door,
			      steal_fd(&server->listener), NULL, NULL);
}
