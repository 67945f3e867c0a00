/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * pr-manager-helper: forwards commands to a helper at a Unix socket.
 *
 * The protocol knows one command at a time on a connection, so callers take
 * turns.  Whoever has the turn owns the connection; nobody else looks at it,
 * and the lock is never held over a wait.  A caller whose turn does not come
 * before its deadline leaves with its command unsent.
 *
 * The policy is QEMU's: connect when created, and fail if that fails; later
 * make up to five attempts, one second apart, while there is no connection; try
 * at once where a connection that looked alive turns out dead.  A command whose
 * CDB was sent whole is never sent again, whatever happens then: the device may
 * have acted on it.  That is also the border between -ENOTCONN and the other
 * errors.
 *
 * An answer that comes after the deadline would be taken for that of the next
 * command, so a time-out costs the connection, like every other failure after
 * the command has left.
 *
 * In a child of fork(2) the connection is the parent's: the child closes its
 * copy, without shutting the connection down, and makes one of its own.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "backend/client.h"
#include "backend/helper.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/lock.h"
#include "ipc/connect.h"
#include "manager/error.h"

/* QEMU's own policy of reconnecting. */
#define ATTEMPTS 5
#define DELAY_MS 1000

/* What a command may take by default, in seconds; above a helper's own 30. */
#define TIMEOUT_S 60

/* A live helper accepts and offers its features at once; in milliseconds. */
#define CONNECT_MS 1000
#define HELLO_MS   5000

struct helper {
	struct prm_manager *manager;
	char *path;
	unsigned int attempts;
	int64_t delay_ns;
	int64_t timeout_ns;

	pthread_mutex_t lock;
	pthread_cond_t changed;
	_Atomic pid_t pid;        /* whose connection and lock these are */
	bool busy;                /* somebody has the turn */
	bool ended;               /* no more waiting */
	unsigned int interrupted; /* counts interrupts */
	int greeting;             /* socket being connected, or -1 */

	int sock; /* owned by who has the turn; -1 without connection */
	atomic_bool connected;
};

/* A command on its way: until when, and since which interrupt. */
struct trip {
	int64_t deadline_ns;
	unsigned int interrupted;
};

/* Whether, after a failed attempt, another may be made. */
enum again { AGAIN_NEVER, AGAIN_NOW, AGAIN_LATER };

static const struct prm_property properties[] = {
	{ "path", PRM_PROPERTY_STRING, true, 0, 0 },
	{ "timeout", PRM_PROPERTY_NUMBER, false, 1, 86400 },
	{ "reconnect-attempts", PRM_PROPERTY_NUMBER, false, 1, 1000000 },
	{ "reconnect-delay-ms", PRM_PROPERTY_NUMBER, false, 0, 3600000 },
};

static void init_locks(struct helper *helper)
{
	pthread_condattr_t attr;

	(void)pthread_mutex_init(&helper->lock, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&helper->changed, &attr);
	(void)pthread_condattr_destroy(&attr);
}

/* Held by the first thread of a child that gets here. */
static pthread_mutex_t fork_lock = PTHREAD_MUTEX_INITIALIZER;
LOCK_OVER_FORK(fork_lock)

/* In a child of fork(2), which may have threads of its own by now. */
static void notice_fork(struct helper *helper)
{
	if (atomic_load(&helper->pid) == getpid())
		return;
	LOCK_SCOPE(&fork_lock);
	if (atomic_load(&helper->pid) == getpid())
		return;
	init_locks(helper);
	helper->busy = false;
	helper->greeting = prm_fd_close(helper->greeting);
	helper->sock = prm_fd_close(helper->sock);
	atomic_store(&helper->connected, false);
	atomic_store(&helper->pid, getpid());
}

/* Whether a command has to leave unsent. */
static bool is_over_locked(const struct helper *helper, const struct trip *trip)
{
	return helper->ended || helper->interrupted != trip->interrupted ||
	       prm_clock_ns() >= trip->deadline_ns;
}

static void wait_locked(struct helper *helper, int64_t until_ns)
{
	struct timespec until = prm_clock_timespec(until_ns);

	(void)pthread_cond_timedwait(&helper->changed, &helper->lock, &until);
}

static struct trip begin_trip(struct helper *helper, unsigned int timeout_ms)
{
	LOCK_SCOPE(&helper->lock);
	int64_t timeout_ns = timeout_ms ? timeout_ms * PRM_NS_PER_MS
					: helper->timeout_ns;

	return (struct trip){
		.deadline_ns = prm_clock_ns() + timeout_ns,
		.interrupted = helper->interrupted,
	};
}

static int take_turn(struct helper *helper, const struct trip *trip)
{
	LOCK_SCOPE(&helper->lock);

	while (helper->busy && !is_over_locked(helper, trip))
		wait_locked(helper, trip->deadline_ns);
	if (is_over_locked(helper, trip))
		return -ENOTCONN;
	helper->busy = true;
	return 0;
}

static void give_turn(struct helper *helper)
{
	LOCK_SCOPE(&helper->lock);

	helper->busy = false;
	(void)pthread_cond_broadcast(&helper->changed);
}

/* Between two attempts others have their turn: they may fare better. */
static int pause_trip(struct helper *helper, const struct trip *trip)
{
	int64_t until_ns = prm_clock_ns() + helper->delay_ns;

	give_turn(helper);
	(void)pthread_mutex_lock(&helper->lock);
	if (until_ns > trip->deadline_ns)
		until_ns = trip->deadline_ns;
	while (prm_clock_ns() < until_ns && !is_over_locked(helper, trip))
		wait_locked(helper, until_ns);
	(void)pthread_mutex_unlock(&helper->lock);
	return take_turn(helper, trip);
}

/* Show the socket to interrupt(), unless that has been called already. */
static int show_greeting(struct helper *helper, const struct trip *trip,
			 int sock)
{
	LOCK_SCOPE(&helper->lock);

	if (sock >= 0 && is_over_locked(helper, trip))
		return -ENOTCONN;
	helper->greeting = sock;
	return 0;
}

/* How long an attempt may wait for a backlog that is full. */
static unsigned int connect_ms(const struct trip *trip)
{
	int64_t left_ms = (trip->deadline_ns - prm_clock_ns()) / PRM_NS_PER_MS;

	if (left_ms < 1)
		return 1;
	return left_ms < CONNECT_MS ? (unsigned int)left_ms : CONNECT_MS;
}

/* One attempt, by who has the turn. */
static int connect_once(struct helper *helper, const struct trip *trip)
{
	CLEANUP(prm_fd_closep) int sock = -1;
	int64_t deadline_ns;
	int r;

	r = prm_connect(helper->path, connect_ms(trip), &sock);
	if (r < 0)
		return r;
	r = show_greeting(helper, trip, sock);
	if (r < 0)
		return r;
	deadline_ns = prm_clock_ns() + HELLO_MS * PRM_NS_PER_MS;
	if (deadline_ns > trip->deadline_ns)
		deadline_ns = trip->deadline_ns;
	r = prm_client_hello(sock, deadline_ns);
	(void)show_greeting(helper, trip, -1);
	if (r < 0)
		return r;
	helper->sock = steal_fd(&sock);
	atomic_store(&helper->connected, true);
	return 0;
}

static void disconnect(struct helper *helper, int error)
{
	helper->sock = prm_fd_close(helper->sock);
	atomic_store(&helper->connected, false);
	prm_manager_notify(helper->manager, PRM_EVENT_DISCONNECTED, error);
}

/* Have a connection that looks alive, by who has the turn. */
static int make_ready(struct helper *helper, const struct trip *trip)
{
	int r;

	if (helper->sock >= 0) {
		r = prm_client_check_idle(helper->sock);
		if (r == 0)
			return 0;
		disconnect(helper, r);
	}
	r = connect_once(helper, trip);
	prm_manager_notify(
		helper->manager,
		r < 0 ? PRM_EVENT_RECONNECT_FAILED : PRM_EVENT_CONNECTED, r);
	return r;
}

/* An error after which nobody knows: it must not look like a promise. */
static int unknown(int error)
{
	return error == -ENOTCONN || error == -EINVAL || error == -EBADF
		       ? -EIO
		       : error;
}

/* One attempt to get a request out, by who has the turn. */
static int send_once(struct helper *helper, const struct trip *trip,
		     const struct prm_wire_request *request, const void *params,
		     int device, enum again *ret_again)
{
	bool left;
	int r;

	*ret_again = AGAIN_LATER;
	r = make_ready(helper, trip);
	if (r < 0)
		return -ENOTCONN;
	*ret_again = AGAIN_NEVER;
	r = prm_client_send(helper->sock, request, params, device,
			    trip->deadline_ns, &left);
	if (r == 0 || (!left && (r == -EBADF || r == -EINVAL)))
		return r;
	disconnect(helper, r);
	if (left)
		return unknown(r);
	*ret_again = AGAIN_NOW;
	return -ENOTCONN;
}

/* Get the request out. On failure the turn has been given up. */
static int send_request(struct helper *helper, const struct trip *trip,
			const struct prm_wire_request *request,
			const void *params, int device)
{
	unsigned int attempt;
	enum again again;
	int r;

	r = take_turn(helper, trip);
	if (r < 0)
		return r;
	for (attempt = 1;; attempt++) {
		r = send_once(helper, trip, request, params, device, &again);
		if (r == 0)
			return 0;
		if (again == AGAIN_NEVER || attempt >= helper->attempts)
			break;
		if (again == AGAIN_NOW)
			continue;
		r = pause_trip(helper, trip);
		if (r < 0)
			return r;
	}
	give_turn(helper);
	return r;
}

static int helper_run(void *instance, int fd, const struct prm_command *command,
		      struct prm_reply *ret_reply)
{
	struct helper *helper = instance;
	struct prm_wire_request request;
	struct trip trip;
	int r;

	if (prm_wire_request_init(&request, command->cdb, command->cdb_len) < 0)
		return -EINVAL;
	notice_fork(helper);
	trip = begin_trip(helper, command->timeout_ms);
	r = send_request(helper, &trip, &request, command->data, fd);
	if (r < 0)
		return r;
	r = prm_client_receive(helper->sock, &request, command->data,
			       trip.deadline_ns, ret_reply);
	if (r < 0)
		disconnect(helper, r);
	give_turn(helper);
	return r < 0 ? unknown(r) : 0;
}

static bool helper_is_connected(void *instance)
{
	struct helper *helper = instance;

	return atomic_load(&helper->pid) == getpid() &&
	       atomic_load(&helper->connected);
}

static void helper_interrupt(void *instance, bool for_good)
{
	struct helper *helper = instance;

	notice_fork(helper);
	LOCK_SCOPE(&helper->lock);
	helper->interrupted++;
	helper->ended |= for_good;
	if (helper->greeting >= 0)
		(void)shutdown(helper->greeting, SHUT_RDWR);
	(void)pthread_cond_broadcast(&helper->changed);
}

static void helper_destroy(void *instance)
{
	struct helper *helper = instance;

	if (!helper)
		return;
	(void)prm_fd_close(helper->greeting);
	(void)prm_fd_close(helper->sock);
	(void)pthread_cond_destroy(&helper->changed);
	(void)pthread_mutex_destroy(&helper->lock);
	free(helper->path);
	free(helper);
}
DEFINE_CLEANUP(struct helper *, helper_destroy)

static struct helper *helper_new(struct prm_manager *manager,
				 const struct prm_options *options)
{
	CLEANUP(helper_destroyp) struct helper *helper = NULL;

	helper = calloc(1, sizeof(*helper));
	if (!helper)
		return NULL;
	init_locks(helper);
	helper->manager = manager;
	atomic_init(&helper->pid, getpid());
	helper->sock = -1;
	helper->greeting = -1;
	helper->attempts = (unsigned int)prm_options_number(
		options, "reconnect-attempts", ATTEMPTS);
	helper->delay_ns = PRM_NS_PER_MS *
			   (int64_t)prm_options_number(
				   options, "reconnect-delay-ms", DELAY_MS);
	helper->timeout_ns =
		PRM_NS_PER_S *
		(int64_t)prm_options_number(options, "timeout", TIMEOUT_S);
	helper->path = strdup(prm_options_string(options, "path", ""));
	return helper->path ? steal_ptr(&helper) : NULL;
}

static int helper_create(struct prm_manager *manager,
			 const struct prm_options *options, void **ret_instance,
			 char **ret_error)
{
	CLEANUP(helper_destroyp) struct helper *helper = NULL;
	struct trip trip;
	int r;

	helper = helper_new(manager, options);
	if (!helper)
		return -ENOMEM;
	trip = begin_trip(helper, 0);
	r = connect_once(helper, &trip);
	if (r < 0)
		return prm_fail(ret_error, r,
				"cannot connect to a helper at '%s': %s",
				helper->path, strerror(-r));
	*ret_instance = steal_ptr(&helper);
	return 0;
}

const struct prm_manager_class prm_helper_class = {
	.size = sizeof(prm_helper_class),
	.name = "pr-manager-helper",
	.properties = properties,
	.property_count = sizeof(properties) / sizeof(properties[0]),
	.create = helper_create,
	.destroy = helper_destroy,
	.run = helper_run,
	.is_connected = helper_is_connected,
	.interrupt = helper_interrupt,
	.max_parallel = 1,
};
