/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A connection: the socket below a session.
 *
 * Nothing here may block, which takes some care where descriptors come in and
 * where the socket goes.  Places on the closer's pile are reserved before a
 * message is received, as many as it can carry descriptors; without them the
 * client is not read from until there are.  And a socket in
 * which something lies unread is closed by the closer, for closing it closes
 * what lies in it; the client sees the end of the connection all the same, by
 * shutdown(2).
 */
#include <assert.h>
#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/fd.h"
#include "base/lock.h"
#include "helper/log/log.h"
#include "helper/log/trace.h"
#include "helper/serve/client.h"
#include "helper/serve/nexus.h"
#include "helper/serve/state.h"

static int receive(void *opaque, void *bytes, size_t len, size_t *ret_len,
		   struct prm_received_fds *ret_fds)
{
	struct prm_client *client = opaque;
	struct prm_closer *closer = client->server->closer;
	struct prm_closer_queue *queue = &client->tenant->queue;
	int r;

	if (atomic_load(&client->lingers) ||
	    !prm_closer_reserve(closer, queue, PRM_PASS_FDS_MAX))
		return -ENOBUFS;
	ret_fds->count = 0;
	r = prm_pass_receive(client->sock, bytes, len, ret_len, ret_fds);
	prm_closer_release(closer, queue, PRM_PASS_FDS_MAX - ret_fds->count);
	client->at_end = r == 0 && *ret_len == 0;
	return r;
}

static int send_parts(void *opaque, const void *head, size_t head_len,
		      const void *tail, size_t tail_len, size_t *ret_sent)
{
	struct prm_client *client = opaque;
	struct iovec parts[2] = {
		{ .iov_base = (void *)(uintptr_t)head, .iov_len = head_len },
		{ .iov_base = (void *)(uintptr_t)tail, .iov_len = tail_len },
	};
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
	ssize_t sent =
		sendmsg(client->sock, &message, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (sent < 0)
		return errno == EWOULDBLOCK ? -EAGAIN : -errno;
	*ret_sent = (size_t)sent;
	return 0;
}

static void keep(void *opaque)
{
	struct prm_client *client = opaque;

	prm_closer_release(client->server->closer, &client->tenant->queue, 1);
}

static void discarded(void *opaque)
{
	struct prm_client *client = opaque;

	prm_clients_resume(client->server);
	(void)prm_client_unref(client);
}

static void discard(void *opaque, int fd)
{
	struct prm_client *client = prm_client_ref(opaque);

	prm_closer_put(client->server->closer, &client->tenant->queue, fd,
		       discarded, client);
}

static const struct prm_session_io io = {
	.receive = receive,
	.send = send_parts,
	.keep = keep,
	.discard = discard,
};

/* The client joins those that are connected, unless there are too many. */
static bool join(struct prm_client *client)
{
	struct prm_server *server = client->server;
	struct prm_desk *desk = &server->desk;
	int64_t now = prm_clock_ns();
	LOCK_SCOPE(&desk->lock);

	if (!prm_limits_admit(&server->limits, desk->slots,
			      client->tenant->sessions))
		return false;
	client->who.session = ++desk->ids;
	client->tenant->sessions++;
	desk->slots++;
	desk->connected++;
	prm_list_append(&desk->clients, &client->link);
	prm_deadline_set(&desk->patience, &client->patience, now);
	return true;
}

static void init(struct prm_client *client, struct prm_server *server,
		 pid_t pid, struct prm_tenant *tenant)
{
	client->server = server;
	client->sock = -1;
	client->tenant = tenant;
	client->who.pid = pid;
	client->who.uid = tenant->uid;
	client->who.unit = tenant->unit;
	client->minded = true;
	atomic_init(&client->refs, 1);
	prm_list_init(&client->link);
	prm_list_init(&client->pausing);
	prm_deadline_init(&client->patience);
}

static void free_client(struct prm_client *client)
{
	prm_session_deinit(&client->session);
	free(client);
}

int prm_client_new(struct prm_server *server, int *sock, pid_t pid,
		   struct prm_tenant *tenant, struct prm_client **ret_client)
{
	struct prm_client *client = calloc(1, sizeof(*client));

	if (!client)
		return -ENOMEM;
	init(client, server, pid, tenant);
	if (prm_session_init(&client->session, &io, client) < 0 ||
	    !join(client)) {
		bool full = client->session.spare;

		free_client(client);
		return full ? -EBUSY : -ENOMEM;
	}
	client->session.id = client->who.session;
	client->sock = steal_fd(sock);
	PRM_TRACE(session_open, client->who.session, (int)client->who.pid,
		  (unsigned int)client->who.uid);
	prm_log(PRM_LOG_INFO, "session %" PRIu64 ": opened by pid %d, uid %u",
		client->who.session, (int)client->who.pid,
		(unsigned int)client->who.uid);
	*ret_client = client;
	return 0;
}

struct prm_client *prm_client_ref(struct prm_client *client)
{
	(void)atomic_fetch_add(&client->refs, 1);
	return client;
}

static void release(struct prm_client *client)
{
	struct prm_desk *desk = &client->server->desk;

	struct prm_tenant *tenant = client->tenant;

	assert(client->sock < 0);
	free_client(client);
	/* Last, as the server may go once nobody takes up a slot. */
	LOCK_SCOPE(&desk->lock);
	desk->slots--;
	tenant->sessions--;
	prm_tenant_put(tenant);
}

struct prm_client *prm_client_unref(struct prm_client *client)
{
	if (client && atomic_fetch_sub(&client->refs, 1) == 1)
		release(client);
	return NULL;
}

/* Whether something lies unread; nothing more can come after shutdown(2). */
static bool has_unread(int sock)
{
	int unread = 0;

	return ioctl(sock, SIOCINQ, &unread) < 0 || unread;
}

bool prm_socket_shut(int sock)
{
	(void)shutdown(sock, SHUT_RDWR);
	return has_unread(sock);
}

static void socket_closed(void *opaque)
{
	(void)prm_client_unref(opaque);
}

/* Whether something that was sent lies unread; after it, nothing can come. */
static bool holds_something(struct prm_client *client, int sock)
{
	if (client->at_end)
		return false;
	/* Shutting down is an event, which nobody is to take for its own. */
	(void)epoll_ctl(client->server->epoll_fd, EPOLL_CTL_DEL, sock, NULL);
	return prm_socket_shut(sock);
}

/* Close the socket, and drop the reference of who is connected. */
static void close_socket(struct prm_client *client)
{
	int sock = steal_fd(&client->sock);

	if (holds_something(client, sock)) {
		prm_closer_put_beside(client->server->closer,
				      &client->tenant->queue, sock,
				      socket_closed, client);
		return;
	}
	(void)prm_fd_close(sock);
	(void)prm_client_unref(client);
}

/* The client leaves those that are connected; the watcher may wait for that. */
static void leave(struct prm_client *client)
{
	struct prm_desk *desk = &client->server->desk;
	LOCK_SCOPE(&desk->lock);

	prm_list_remove(&client->link);
	prm_nexus_forget(&desk->nexuses, client);
	prm_deadline_clear(&client->patience);
	desk->connected--;
}

static void log_end(const struct prm_client *client, enum prm_session_step step)
{
	const char *reason = client->session.reason;

	if (atomic_load(&client->expired))
		reason = "took too long";
	if (step == PRM_STEP_BROKEN) {
		PRM_TRACE(session_refuse, client->who.session, reason);
		prm_log(PRM_LOG_INFO, "session %" PRIu64 ": closed on: %s",
			client->who.session, reason);
	} else {
		prm_log(PRM_LOG_INFO, "session %" PRIu64 ": ended",
			client->who.session);
	}
	PRM_TRACE(session_close, client->who.session, client->session.count);
}

void prm_client_end(struct prm_client *client, enum prm_session_step step)
{
	struct prm_server *server = client->server;
	struct prm_request *request =
		prm_session_take_request(&client->session);

	if (request && request->device) {
		request->owner = prm_client_ref(client);
		prm_server_retire(server, request);
	} else {
		(void)prm_request_free(request);
	}
	leave(client);
	log_end(client, step);
	close_socket(client);
	if (atomic_load(&server->draining))
		prm_server_wake(server);
}

/*
 * Not epoll_ctl(3): ThreadSanitizer would take it for a use of the socket that
 * nothing orders before its close by whoever is told of the event.
 */
static bool arm(int epoll_fd, int op, int sock, uint32_t events, uint64_t event)
{
	struct epoll_event armed = {
		.events = events | EPOLLONESHOT,
		.data.u64 = event,
	};

	return syscall(SYS_epoll_ctl, epoll_fd, op, sock, &armed) == 0;
}

/* How to arm it, the first time or again. Under the desk's lock. */
static int next_op(struct prm_client *client)
{
	int op = client->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

	client->watched = true;
	return op;
}

static bool arm_locked(struct prm_client *client, uint32_t events,
		       uint64_t event)
{
	return arm(client->server->epoll_fd, next_op(client), client->sock,
		   events, event);
}

bool prm_client_arm_parked(struct prm_client *client, uint64_t event)
{
	/* Hang-up alone is always reported: a client can do no more. */
	return arm_locked(client, 0, event);
}

/* Note whether the client has begun something, and since when. */
static void mind(struct prm_client *client)
{
	struct prm_deadlines *patience = &client->server->desk.patience;
	const struct prm_session *session = &client->session;
	bool halfway = prm_session_is_halfway(session);
	uint64_t progress = session->count << 3 | session->phase << 1 |
			    (session->out_len != 0);

	if (!halfway)
		prm_deadline_clear(&client->patience);
	else if (!client->minded || client->progress != progress)
		prm_deadline_set(patience, &client->patience, prm_clock_ns());
	client->minded = halfway;
	client->progress = progress;
}

bool prm_client_release(struct prm_client *client, uint32_t events)
{
	struct prm_server *server = client->server;
	uint64_t event = prm_event_of(client);
	int op, sock;

	{
		LOCK_SCOPE(&server->desk.lock);

		mind(client);
		op = next_op(client);
		sock = client->sock;
	}
	/* Out of the lock, which is what the thread that it wakes wants. */
	return arm(server->epoll_fd, op, sock, events, event);
}

/* Whether a message full of descriptors of it could be closed. */
static bool has_room(const struct prm_client *client)
{
	return !atomic_load(&client->lingers) &&
	       prm_closer_has_room(client->server->closer,
				   &client->tenant->queue, PRM_PASS_FDS_MAX);
}

bool prm_client_pause(struct prm_client *client)
{
	struct prm_desk *desk = &client->server->desk;
	LOCK_SCOPE(&desk->lock);

	/* What has been closed since is not told to who is not paused yet. */
	if (has_room(client)) {
		mind(client);
		return arm_locked(client, EPOLLIN, prm_event_of(client));
	}
	PRM_TRACE(pause, client->who.session);
	prm_deadline_clear(&client->patience);
	client->minded = false;
	client->ticket = ++desk->tickets;
	client->paused_ns = prm_clock_ns();
	client->is_late = false;
	/* Who has to know when the first of them has been paused for long. */
	if (prm_list_empty(&desk->paused))
		prm_server_wake(client->server);
	prm_list_append(&desk->paused, &client->pausing);
	if (arm_locked(client, 0, prm_event_of_ticket(client->ticket)))
		return true;
	prm_list_remove(&client->pausing);
	return false;
}

void prm_clients_resume(struct prm_server *server)
{
	struct prm_desk *desk = &server->desk;
	LOCK_SCOPE(&desk->lock);

	prm_list_each(at, following, &desk->paused)
	{
		struct prm_client *client =
			prm_container(at, struct prm_client, pausing);

		if (!has_room(client))
			continue;
		PRM_TRACE(resume, client->who.session);
		prm_list_remove(at);
		mind(client);
		/* It is in the set, and so this cannot fail. */
		(void)arm_locked(client, EPOLLIN, prm_event_of(client));
	}
}

struct prm_client *prm_client_claim(struct prm_server *server, uint64_t ticket)
{
	struct prm_desk *desk = &server->desk;
	LOCK_SCOPE(&desk->lock);

	prm_list_each(at, following, &desk->paused)
	{
		struct prm_client *client =
			prm_container(at, struct prm_client, pausing);

		if (client->ticket != ticket)
			continue;
		prm_list_remove(at);
		return client;
	}
	return NULL;
}

bool prm_client_is_gone(struct prm_client *client)
{
	struct pollfd at = { .fd = client->sock };

	return poll(&at, 1, 0) > 0 && (at.revents & (POLLHUP | POLLERR));
}
