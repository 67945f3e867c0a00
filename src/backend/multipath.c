/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * pr-manager-multipath: a process for each command.
 *
 * libmpathpersist is not thread-safe, takes seconds at times, needs privileges
 * that the daemon has given up, and can hang in the kernel.  So the daemon is a
 * client of the ordinary helper protocol here: one end of a socket pair goes to
 * the broker and becomes descriptor 0 of a new process, the other end carries
 * one request and its answer.
 *
 * Once a process runs there is no deadline: the daemon's watcher answers clients
 * in time, and the process ends itself by alarm(2).  End of file is what says
 * that it is gone, whatever it did before.  A command that has to wait for a
 * process is another matter: when its client has lost patience, it is not sent.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include "backend/client.h"
#include "backend/multipath.h"
#include "backend/status.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/lock.h"
#include "ipc/pass.h"

#define FOREVER_NS INT64_MAX

/* Bytes of an answer nobody wants, thrown away at a time. */
#define WASTE_SIZE 512

struct multipath {
	int channel; /* borrowed */
	pthread_mutex_t lock;
	pthread_cond_t freed;
	unsigned int running; /* processes */
};

static const struct prm_property properties[] = {
	{ "channel", PRM_PROPERTY_NUMBER, true, 0, INT32_MAX },
};

static int create(struct prm_manager *manager,
		  const struct prm_options *options, void **ret_instance,
		  char **ret_error)
{
	struct multipath *multipath = calloc(1, sizeof(*multipath));
	pthread_condattr_t attr;

	if (!multipath)
		return -ENOMEM;
	multipath->channel = (int)prm_options_number(options, "channel", 0);
	(void)pthread_mutex_init(&multipath->lock, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&multipath->freed, &attr);
	(void)pthread_condattr_destroy(&attr);
	*ret_instance = multipath;
	return 0;
}

static void destroy(void *instance)
{
	struct multipath *multipath = instance;

	(void)pthread_cond_destroy(&multipath->freed);
	(void)pthread_mutex_destroy(&multipath->lock);
	free(multipath);
}

/* Wait for one of the places to be freed, until @until; whether it was. */
static bool wait_freed(struct multipath *multipath, int64_t until)
{
	struct timespec at = prm_clock_timespec(until);

	return pthread_cond_timedwait(&multipath->freed, &multipath->lock,
				      &at) != ETIMEDOUT;
}

/* Wait for a place, at most for @timeout_ms; -ETIMEDOUT if there was none. */
static int take_place(struct multipath *multipath, unsigned int timeout_ms)
{
	int64_t until = prm_clock_ns() + timeout_ms * PRM_NS_PER_MS;
	LOCK_SCOPE(&multipath->lock);

	while (multipath->running >= PRM_MULTIPATH_PROCESSES_MAX) {
		if (!timeout_ms)
			(void)pthread_cond_wait(&multipath->freed,
						&multipath->lock);
		else if (!wait_freed(multipath, until))
			return -ETIMEDOUT;
	}
	multipath->running++;
	return 0;
}

static void give_place(struct multipath *multipath)
{
	LOCK_SCOPE(&multipath->lock);

	multipath->running--;
	(void)pthread_cond_signal(&multipath->freed);
}

/* A socket to a process that is about to start. */
static int start_process(struct multipath *multipath, int *ret_sock)
{
	CLEANUP(prm_fd_closep) int ours = -1;
	CLEANUP(prm_fd_closep) int theirs = -1;
	int pair[2], r;
	size_t sent;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	ours = pair[0];
	theirs = pair[1];
	if (fcntl(ours, F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	r = prm_pass_send(multipath->channel, "", 1, theirs, &sent);
	if (r < 0)
		return r;
	*ret_sock = steal_fd(&ours);
	return 0;
}

static int converse(int sock, int fd, const struct prm_wire_request *request,
		    void *data, struct prm_reply *ret_reply)
{
	bool left;
	int r = prm_client_hello(sock, FOREVER_NS);

	if (r < 0)
		return r;
	r = prm_client_send(sock, request, data, fd, FOREVER_NS, &left);
	if (r < 0)
		return r;
	return prm_client_receive(sock, request, data, FOREVER_NS, ret_reply);
}

/*
 * Until the process has closed its end, which it does by ending; whether it
 * sent any more.
 */
static bool wait_for_end(int sock)
{
	uint8_t waste[WASTE_SIZE];
	struct pollfd pollfd = { .fd = sock, .events = POLLIN };
	bool more = false;
	ssize_t got;

	/* What the other end still waits for will not come. */
	(void)shutdown(sock, SHUT_WR);
	do {
		(void)poll(&pollfd, 1, -1);
		got = recv(sock, waste, sizeof(waste), 0);
		more = more || got > 0;
	} while (got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR)));
	return more;
}

/*
 * Have a process run it, and wait until that is gone.  One that says more than
 * its answer is out of its mind, and so may be the answer.
 */
static int run_in_process(struct multipath *multipath, int fd,
			  const struct prm_wire_request *request, void *data,
			  struct prm_reply *ret_reply)
{
	CLEANUP(prm_fd_closep) int sock = -1;
	int r = start_process(multipath, &sock);

	if (r < 0)
		return r;
	r = converse(sock, fd, request, data, ret_reply);
	if (wait_for_end(sock) && r == 0)
		return -EPROTO;
	return r;
}

static int run(void *instance, int fd, const struct prm_command *command,
	       struct prm_reply *ret_reply)
{
	struct multipath *multipath = instance;
	struct prm_reply reply = PRM_REPLY_INIT;
	struct prm_wire_request request;
	int r = prm_wire_request_init(&request, command->cdb, command->cdb_len);

	if (r < 0 || command->data_len < request.length)
		return -EINVAL;
	if (take_place(multipath, command->timeout_ms) < 0) {
		prm_status_set_sense(ret_reply, PRM_SENSE_COMMAND_TIMEOUT);
		return 0;
	}
	r = run_in_process(multipath, fd, &request, command->data, &reply);
	give_place(multipath);
	if (r < 0)
		prm_status_set_sense(&reply,
				     PRM_SENSE_LUN_COMMUNICATION_FAILURE);
	*ret_reply = reply;
	return 0;
}

const struct prm_manager_class prm_multipath_class = {
	.size = sizeof(prm_multipath_class),
	.name = "pr-manager-multipath",
	.properties = properties,
	.property_count = 1,
	.create = create,
	.destroy = destroy,
	.run = run,
};
