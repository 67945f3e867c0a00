/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * pr-manager-helper against helpers that plan_obey, that go away and come back, and
 * that misbehave in every way the protocol leaves open.
 *
 * Two promises are behind most of these: a command arrives at most once, and
 * -ENOTCONN means that it has not arrived.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include <prmanager/manager.h>
#include "helper_plan.h"

/* For commands that are meant to be answered: only a fault waits so long. */
#define PATIENCE_MS 120000

/* For those that are not. */
#define SOON_MS 50

/* Behind the room for data; must never change. */
#define GUARD 0xa5

/* Children that are forked in turn, to meet a race. */
#define CHILDREN 20

/* ThreadSanitizer ends a child that starts threads. */
#ifdef __SANITIZE_THREAD__
#define CHILD_MAY_HAVE_THREADS false
#else
#define CHILD_MAY_HAVE_THREADS true
#endif

/* A child of several threads may wait forever for a lock of qemu-user's own. */
static bool may_fork(void)
{
	return !getenv("PRM_EMULATED");
}

struct fixture {
	struct plan plan;
	struct fake_helper *helper;
	struct prm_manager *manager;
	int fd;
	uint8_t data[64 + 16];
	struct prm_reply reply;
	unsigned int events[8];
};

static struct fixture *begin(fake_session session)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->helper = fake_helper_start(session, &f->plan);
	f->fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	assert_true(f->fd >= 0);
	return f;
}

static void create(struct fixture *f, const char *more)
{
	char options[256];
	char *error = NULL;

	(void)snprintf(options, sizeof(options),
		       "pr-manager-helper,id=helper0,path=%s%s",
		       fake_helper_path(f->helper), more);
	if (prm_manager_new(options, &f->manager, &error) < 0)
		fail_msg("%s", error);
}

static void end(struct fixture *f)
{
	f->manager = prm_manager_unref(f->manager);
	if (f->helper)
		fake_helper_stop(f->helper);
	(void)close(f->fd);
	free(f);
}

/* A helper, and a manager connected to it that does not pause. */
static struct fixture *begin_connected(fake_session session)
{
	struct fixture *f = begin(session);

	create(f, ",reconnect-delay-ms=0");
	return f;
}

static int run_pr_in(struct fixture *f, unsigned int timeout_ms)
{
	struct prm_command command = PRM_COMMAND_INIT;

	memset(f->data, GUARD, sizeof(f->data));
	command.cdb[0] = 0x5e;
	command.cdb[8] = 64;
	command.cdb_len = 10;
	command.data = f->data;
	command.data_len = 64;
	command.timeout_ms = timeout_ms;
	f->reply = (struct prm_reply)PRM_REPLY_INIT;
	return prm_manager_run(f->manager, f->fd, &command, &f->reply);
}

static int run_pr_out(struct fixture *f, unsigned int timeout_ms)
{
	struct prm_command command = PRM_COMMAND_INIT;
	uint8_t list[24];
	size_t i;

	for (i = 0; i < sizeof(list); i++)
		list[i] = (uint8_t)(0x40 + i);
	command.cdb[0] = 0x5f;
	command.cdb[1] = 6;
	command.cdb[8] = sizeof(list);
	command.cdb_len = 10;
	command.data = list;
	command.data_len = sizeof(list);
	command.timeout_ms = timeout_ms;
	f->reply = (struct prm_reply)PRM_REPLY_INIT;
	return prm_manager_run(f->manager, f->fd, &command, &f->reply);
}

static void assert_guard_intact(const struct fixture *f)
{
	size_t i;

	for (i = 64; i < sizeof(f->data); i++)
		assert_int_equal(f->data[i], GUARD);
}

static void count_event(struct prm_manager *manager, enum prm_event event,
			int error, void *opaque)
{
	struct fixture *f = opaque;

	assert_ptr_equal(manager, f->manager);
	assert_int_equal(error == 0, event == PRM_EVENT_CONNECTED);
	f->events[event]++;
}

/* Obedience */

static void command_list_and_descriptor_arrive(void **state)
{
	struct fixture *f = begin_connected(plan_obey);
	struct stat own;
	size_t i;

	assert_int_equal(run_pr_out(f, PATIENCE_MS), 0);
	assert_int_equal(f->reply.status, PRM_STATUS_GOOD);
	assert_int_equal(f->reply.data_len, 0);
	assert_int_equal(f->plan.last.cdb[0], 0x5f);
	assert_int_equal(f->plan.last.cdb[1], 6);
	for (i = 0; i < 24; i++)
		assert_int_equal(f->plan.last.list[i], 0x40 + i);
	for (i = 10; i < 16; i++)
		assert_int_equal(f->plan.last.cdb[i], 0);
	assert_int_equal(fstat(f->fd, &own), 0);
	assert_int_equal(f->plan.device.st_rdev, own.st_rdev);
	end(f);
}

static void data_arrives_and_nothing_behind_it(void **state)
{
	struct fixture *f = begin_connected(plan_obey);
	size_t i;

	f->plan.size = 40;
	assert_int_equal(run_pr_in(f, PATIENCE_MS), 0);
	assert_int_equal(f->reply.status, PRM_STATUS_GOOD);
	assert_int_equal(f->reply.data_len, 40);
	for (i = 0; i < 40; i++)
		assert_int_equal(f->data[i], i);
	for (; i < sizeof(f->data); i++)
		assert_int_equal(f->data[i], GUARD);
	end(f);
}

static void status_and_sense_arrive_unchanged(void **state)
{
	struct fixture *f = begin_connected(plan_obey);

	f->plan.status = PRM_STATUS_CHECK_CONDITION;
	assert_int_equal(run_pr_out(f, PATIENCE_MS), 0);
	assert_int_equal(f->reply.status, PRM_STATUS_CHECK_CONDITION);
	assert_int_equal(f->reply.sense_len, 18);
	assert_int_equal(f->reply.sense[2], 0x05);
	assert_int_equal(f->reply.sense[12], 0x24);
	f->plan.status = PRM_STATUS_RESERVATION_CONFLICT;
	assert_int_equal(run_pr_out(f, PATIENCE_MS), 0);
	assert_int_equal(f->reply.status, PRM_STATUS_RESERVATION_CONFLICT);
	assert_int_equal(f->reply.sense_len, 0);
	end(f);
}

static void long_allocation_lengths_are_clamped(void **state)
{
	struct fixture *f = begin_connected(plan_obey);
	struct prm_command command = PRM_COMMAND_INIT;
	static uint8_t data[16384];

	command.cdb[0] = 0x5e;
	command.cdb[7] = 0x40;
	command.cdb_len = 10;
	command.data = data;
	command.data_len = sizeof(data);
	f->plan.size = PRM_DATA_SIZE;
	f->reply = (struct prm_reply)PRM_REPLY_INIT;
	assert_int_equal(
		prm_manager_run(f->manager, f->fd, &command, &f->reply), 0);
	assert_int_equal(f->plan.last.length, PRM_DATA_SIZE);
	assert_int_equal(f->reply.data_len, PRM_DATA_SIZE);
	end(f);
}

static void dribble(int sock, unsigned int number, void *opaque)
{
	uint8_t bytes[FAKE_HEAD_SIZE + 8];
	struct plan *plan = opaque;
	size_t i;

	for (i = 0; i < 4; i++)
		(void)fake_send(sock, "", 1);
	if (recv(sock, bytes, 4, MSG_WAITALL) != 4)
		return;
	fake_head(bytes, PRM_STATUS_GOOD, 8);
	memset(bytes + FAKE_HEAD_SIZE, 7, 8);
	while (plan_receive(sock, plan)) {
		for (i = 0; i < sizeof(bytes); i++)
			(void)fake_send(sock, bytes + i, 1);
	}
}

static void replies_in_single_bytes_are_put_together(void **state)
{
	struct fixture *f = begin_connected(dribble);

	assert_int_equal(run_pr_in(f, PATIENCE_MS), 0);
	assert_int_equal(f->reply.data_len, 8);
	assert_int_equal(f->data[7], 7);
	assert_int_equal(run_pr_in(f, PATIENCE_MS), 0);
	end(f);
}

static void offer_all(int sock, unsigned int number, void *opaque)
{
	uint8_t wanted[4] = { 1, 1, 1, 1 };

	(void)fake_send(sock, "\xff\xff\xff\xff", 4);
	if (recv(sock, wanted, 4, MSG_WAITALL) == 4 &&
	    !memcmp(wanted, "\0\0\0\0", 4))
		(void)atomic_fetch_add(&((struct plan *)opaque)->sessions, 1);
	fake_wait_closed(sock);
}

static void no_offered_feature_is_requested(void **state)
{
	struct fixture *f = begin_connected(offer_all);

	f->manager = prm_manager_unref(f->manager);
	fake_helper_stop(f->helper);
	f->helper = NULL;
	assert_int_equal(f->plan.sessions, 1);
	end(f);
}

/* Creation */

static void assert_not_created(fake_session session, int error)
{
	struct fixture *f = begin(session);
	char options[256], *message = NULL;

	(void)snprintf(options, sizeof(options),
		       "pr-manager-helper,id=helper0,timeout=1,path=%s",
		       fake_helper_path(f->helper));
	assert_int_equal(prm_manager_new(options, &f->manager, &message),
			 error);
	assert_non_null(strstr(message, fake_helper_path(f->helper)));
	free(message);
	assert_int_equal(prm_manager_lookup("helper0", &f->manager), -ENOENT);
	end(f);
}

static void creation_fails_without_a_whole_handshake(void **state)
{
	assert_not_created(plan_close_at_once, -ECONNRESET);
	assert_not_created(plan_greet_by_halves, -ECONNRESET);
	assert_not_created(plan_say_nothing, -ETIMEDOUT);
}

static void creation_fails_where_nobody_listens(void **state)
{
	struct prm_manager *manager;
	char *message = NULL;

	assert_int_equal(prm_manager_new("pr-manager-helper,id=helper0,"
					 "path=/nonexistent/sock",
					 &manager, &message),
			 -ENOENT);
	assert_non_null(strstr(message, "/nonexistent/sock"));
	free(message);
}

/* Broken promises of the helper */

static void assert_broken(fake_session session, const void *bytes, size_t len,
			  int error)
{
	struct fixture *f = begin(session);
	int r;

	f->plan.bytes = bytes;
	f->plan.len = len;
	create(f, ",reconnect-delay-ms=0");
	/* On a busy machine the time may be over before the command leaves. */
	do {
		r = run_pr_in(f, error == -ETIMEDOUT ? SOON_MS : PATIENCE_MS);
	} while (r == -ENOTCONN);
	assert_int_equal(r, error);
	assert_guard_intact(f);
	assert_int_equal(f->reply.status, PRM_STATUS_CHECK_CONDITION);
	assert_false(prm_manager_is_connected(f->manager));
	while (!atomic_load(&f->plan.cdbs))
		(void)sched_yield();
	assert_int_equal(f->plan.cdbs, 1);
	end(f);
}

static void a_reply_cut_at_any_byte_is_an_error(void **state)
{
	uint8_t bytes[FAKE_HEAD_SIZE + 8] = { 0 };
	size_t len;

	fake_head(bytes, PRM_STATUS_GOOD, 8);
	for (len = 0; len < sizeof(bytes); len++)
		assert_broken(plan_send_bytes_and_close, bytes, len,
			      -ECONNRESET);
}

static void silence_ends_with_the_timeout(void **state)
{
	uint8_t bytes[FAKE_HEAD_SIZE + 8] = { 0 };

	fake_head(bytes, PRM_STATUS_GOOD, 8);
	assert_broken(plan_send_bytes, bytes, 0, -ETIMEDOUT);
	assert_broken(plan_send_bytes, bytes, 50, -ETIMEDOUT);
	assert_broken(plan_send_bytes, bytes, FAKE_HEAD_SIZE, -ETIMEDOUT);
	assert_broken(plan_send_bytes, bytes, FAKE_HEAD_SIZE + 7, -ETIMEDOUT);
}

static void more_than_was_asked_for_is_refused(void **state)
{
	static uint8_t bytes[FAKE_HEAD_SIZE + 65536];

	fake_head(bytes, PRM_STATUS_GOOD, 65);
	assert_broken(plan_send_bytes, bytes, FAKE_HEAD_SIZE + 65, -EPROTO);
	fake_head(bytes, PRM_STATUS_GOOD, 65536);
	assert_broken(plan_send_bytes, bytes, sizeof(bytes), -EPROTO);
	fake_head(bytes, PRM_STATUS_GOOD, UINT32_MAX);
	assert_broken(plan_send_bytes, bytes, FAKE_HEAD_SIZE, -EPROTO);
	fake_head(bytes, PRM_STATUS_CHECK_CONDITION, 65);
	assert_broken(plan_send_bytes, bytes, FAKE_HEAD_SIZE + 65, -EPROTO);
}

static void a_status_that_is_no_byte_is_refused(void **state)
{
	uint8_t bytes[FAKE_HEAD_SIZE];

	fake_head(bytes, 0x100, 0);
	assert_broken(plan_send_bytes, bytes, sizeof(bytes), -EPROTO);
	fake_head(bytes, UINT32_MAX, 0);
	assert_broken(plan_send_bytes, bytes, sizeof(bytes), -EPROTO);
}

static void data_after_pr_out_is_refused(void **state)
{
	struct fixture *f = begin(plan_send_bytes);
	uint8_t bytes[FAKE_HEAD_SIZE + 1] = { 0 };

	fake_head(bytes, PRM_STATUS_GOOD, 1);
	f->plan.bytes = bytes;
	f->plan.len = sizeof(bytes);
	create(f, "");
	assert_int_equal(run_pr_out(f, PATIENCE_MS), -EPROTO);
	end(f);
}

static void data_with_a_bad_status_is_dropped(void **state)
{
	struct fixture *f = begin_connected(plan_obey);
	size_t i;

	f->plan.status = PRM_STATUS_CHECK_CONDITION;
	f->plan.size = 16;
	for (i = 0; i < 3; i++) {
		assert_int_equal(run_pr_in(f, PATIENCE_MS), 0);
		assert_int_equal(f->reply.status, PRM_STATUS_CHECK_CONDITION);
		assert_int_equal(f->reply.data_len, 0);
		assert_int_equal(f->data[0], GUARD);
	}
	assert_int_equal(f->plan.sessions, 1);
	end(f);
}

static void an_answer_nobody_asked_for_is_not_taken(void **state)
{
	struct fixture *f = begin(plan_send_bytes);
	uint8_t bytes[2 * FAKE_HEAD_SIZE];

	/* A reply, and another that would turn the next conflict into GOOD. */
	fake_head(bytes, PRM_STATUS_RESERVATION_CONFLICT, 0);
	fake_head(bytes + FAKE_HEAD_SIZE, PRM_STATUS_GOOD, 0);
	f->plan.bytes = bytes;
	f->plan.len = sizeof(bytes);
	create(f, ",reconnect-delay-ms=0");
	prm_manager_set_listener(f->manager, count_event, f);
	assert_int_equal(run_pr_out(f, PATIENCE_MS), 0);
	assert_int_equal(f->reply.status, PRM_STATUS_RESERVATION_CONFLICT);
	assert_int_equal(run_pr_out(f, PATIENCE_MS), 0);
	assert_int_equal(f->reply.status, PRM_STATUS_RESERVATION_CONFLICT);
	assert_int_equal(f->plan.sessions, 2);
	assert_int_equal(f->plan.cdbs, 2);
	assert_int_equal(f->events[PRM_EVENT_DISCONNECTED], 1);
	assert_int_equal(f->events[PRM_EVENT_CONNECTED], 1);
	end(f);
}

static void send_descriptors(int sock, unsigned int number, void *opaque)
{
	uint8_t head[FAKE_HEAD_SIZE];
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec part = { head, sizeof(head) };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	struct plan *plan = opaque;

	fake_head(head, PRM_STATUS_GOOD, 0);
	message.msg_control = control;
	message.msg_controllen = sizeof(control);
	CMSG_FIRSTHDR(&message)->cmsg_level = SOL_SOCKET;
	CMSG_FIRSTHDR(&message)->cmsg_type = SCM_RIGHTS;
	CMSG_FIRSTHDR(&message)->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(CMSG_FIRSTHDR(&message)), &sock, sizeof(sock));
	if (!plan_greet(sock, plan))
		return;
	while (plan_receive(sock, plan)) {
		if (sendmsg(sock, &message, MSG_NOSIGNAL) < 0)
			return;
	}
}

static unsigned int count_fds(void)
{
	unsigned int count = 0;
	DIR *folder = opendir("/proc/self/fd");

	assert_non_null(folder);
	while (readdir(folder))
		count++;
	(void)closedir(folder);
	return count;
}

static void descriptors_from_the_helper_are_dropped(void **state)
{
	struct fixture *f = begin_connected(send_descriptors);
	unsigned int before;

	assert_int_equal(run_pr_out(f, PATIENCE_MS), 0);
	before = count_fds();
	assert_int_equal(run_pr_out(f, PATIENCE_MS), 0);
	assert_int_equal(run_pr_out(f, PATIENCE_MS), 0);
	assert_int_equal(count_fds(), before);
	end(f);
}

/* Reconnecting */

static void a_dead_connection_is_replaced_unnoticed(void **state)
{
	struct fixture *f = begin_connected(plan_serve_one);
	unsigned int i;

	prm_manager_set_listener(f->manager, count_event, f);
	for (i = 0; i < 20; i++) {
		/* The end of the last session may come after the command. */
		int r = run_pr_out(f, PATIENCE_MS);

		assert_true(r == 0 || r == -ECONNRESET || r == -EPIPE);
		assert_true(f->plan.cdbs <= i + 1);
	}
	assert_int_equal(f->events[PRM_EVENT_RECONNECT_FAILED], 0);
	assert_true(f->events[PRM_EVENT_CONNECTED] > 0);
	end(f);
}

static void five_attempts_are_made_and_told_of(void **state)
{
	struct fixture *f = begin_connected(plan_obey);

	prm_manager_set_listener(f->manager, count_event, f);
	fake_helper_stop(f->helper);
	f->helper = NULL;
	assert_int_equal(run_pr_out(f, PATIENCE_MS), -ENOTCONN);
	assert_int_equal(f->events[PRM_EVENT_DISCONNECTED], 1);
	assert_int_equal(f->events[PRM_EVENT_RECONNECT_FAILED], 5);
	assert_false(prm_manager_is_connected(f->manager));
	assert_int_equal(run_pr_out(f, PATIENCE_MS), -ENOTCONN);
	assert_int_equal(f->events[PRM_EVENT_DISCONNECTED], 1);
	assert_int_equal(f->events[PRM_EVENT_RECONNECT_FAILED], 10);
	assert_int_equal(f->plan.cdbs, 0);
	end(f);
}

static void the_number_of_attempts_is_a_property(void **state)
{
	struct fixture *f = begin(plan_obey);

	create(f, ",reconnect-delay-ms=0,reconnect-attempts=2");
	prm_manager_set_listener(f->manager, count_event, f);
	fake_helper_stop(f->helper);
	f->helper = NULL;
	assert_int_equal(run_pr_in(f, PATIENCE_MS), -ENOTCONN);
	assert_int_equal(f->events[PRM_EVENT_RECONNECT_FAILED], 2);
	end(f);
}

static void a_helper_that_comes_back_is_used_again(void **state)
{
	struct fixture *f = begin_connected(plan_obey);
	char path[128], *slash;

	(void)snprintf(path, sizeof(path), "%s", fake_helper_path(f->helper));
	slash = strrchr(path, '/');
	prm_manager_set_listener(f->manager, count_event, f);
	fake_helper_stop(f->helper);
	f->helper = NULL;
	assert_int_equal(run_pr_out(f, PATIENCE_MS), -ENOTCONN);
	*slash = '\0';
	assert_int_equal(mkdir(path, 0700), 0);
	*slash = '/';
	f->helper = fake_helper_start_at(path, plan_obey, &f->plan);
	assert_int_equal(run_pr_out(f, PATIENCE_MS), 0);
	assert_int_equal(f->events[PRM_EVENT_CONNECTED], 1);
	assert_true(prm_manager_is_connected(f->manager));
	end(f);
	*slash = '\0';
	(void)rmdir(path);
}

static void a_command_without_answer_is_not_sent_again(void **state)
{
	struct fixture *f = begin_connected(plan_send_bytes_and_close);

	assert_int_equal(run_pr_out(f, PATIENCE_MS), -ECONNRESET);
	assert_int_equal(f->plan.cdbs, 1);
	assert_int_equal(f->plan.sessions, 1);
	end(f);
}

/* Leaves the connection half way through the parameter list. */
static void read_cdb_only(int sock, unsigned int number, void *opaque)
{
	struct plan *plan = opaque;

	struct fake_request request;

	if (!plan_greet(sock, plan) || !fake_receive_cdb(sock, &request))
		return;
	atomic_fetch_add(&plan->cdbs, 1);
	(void)close(request.fd);
}

static void a_cdb_that_arrived_is_not_sent_again(void **state)
{
	struct fixture *f = begin_connected(read_cdb_only);
	int r = run_pr_out(f, PATIENCE_MS);

	assert_true(r == -ECONNRESET || r == -EPIPE);
	assert_int_equal(f->plan.cdbs, 1);
	end(f);
}

/* Giving up */

struct waiter {
	struct fixture *f;
	pthread_t thread;
	int result;
};

static void *run_waiter(void *opaque)
{
	struct waiter *waiter = opaque;

	waiter->result = run_pr_out(waiter->f, PATIENCE_MS);
	return NULL;
}

/* Until no connection is left that only looks alive. */
static void *run_until_unconnected(void *opaque)
{
	struct waiter *waiter = opaque;

	do {
		waiter->result = run_pr_out(waiter->f, PATIENCE_MS);
	} while (waiter->result != -ENOTCONN);
	return NULL;
}

static void interrupt_on_failure(struct prm_manager *manager,
				 enum prm_event event, int error, void *opaque)
{
	if (event == PRM_EVENT_RECONNECT_FAILED)
		prm_manager_interrupt(manager);
}

static void an_interrupt_ends_the_pause(void **state)
{
	struct fixture *f = begin(plan_obey);

	create(f, ",reconnect-delay-ms=3600000");
	prm_manager_set_listener(f->manager, interrupt_on_failure, NULL);
	fake_helper_stop(f->helper);
	f->helper = NULL;
	assert_int_equal(run_pr_out(f, 0), -ENOTCONN);
	end(f);
}

static void hang_later(int sock, unsigned int number, void *opaque)
{
	if (number == 0)
		(void)fake_hello(sock);
	else
		(void)atomic_fetch_add(&((struct plan *)opaque)->sessions, 1);
	if (number > 0)
		fake_wait_closed(sock);
}

static void an_interrupt_ends_a_handshake(void **state)
{
	struct fixture *f = begin(hang_later);
	struct waiter waiter = { .f = f };

	create(f, ",reconnect-delay-ms=0,reconnect-attempts=1000");
	assert_int_equal(pthread_create(&waiter.thread, NULL,
					run_until_unconnected, &waiter),
			 0);
	while (!atomic_load(&f->plan.sessions))
		(void)sched_yield();
	prm_manager_interrupt(f->manager);
	assert_int_equal(pthread_join(waiter.thread, NULL), 0);
	assert_int_equal(waiter.result, -ENOTCONN);
	end(f);
}

static void deletion_ends_the_pause_and_later_commands(void **state)
{
	struct fixture *f = begin(plan_obey);
	struct waiter waiter = { .f = f };
	struct prm_manager *manager;

	create(f, ",reconnect-delay-ms=3600000");
	fake_helper_stop(f->helper);
	f->helper = NULL;
	manager = prm_manager_ref(f->manager);
	assert_int_equal(
		pthread_create(&waiter.thread, NULL, run_waiter, &waiter), 0);
	(void)prm_manager_delete(manager);
	assert_int_equal(pthread_join(waiter.thread, NULL), 0);
	assert_int_equal(waiter.result, -ENOTCONN);
	assert_int_equal(run_pr_out(f, PATIENCE_MS), -ENOTCONN);
	assert_int_equal(prm_manager_lookup("helper0", &manager), -ENOENT);
	end(f);
}

/* Refusals that nobody hears of */

static void a_closed_descriptor_is_refused_here(void **state)
{
	struct fixture *f = begin_connected(plan_obey);

	(void)close(f->fd);
	assert_int_equal(run_pr_out(f, PATIENCE_MS), -EBADF);
	f->fd = -1;
	assert_int_equal(run_pr_out(f, PATIENCE_MS), -EBADF);
	assert_true(prm_manager_is_connected(f->manager));
	assert_int_equal(f->plan.cdbs, 0);
	end(f);
}

/* One at a time */

struct turn {
	atomic_int inside;
	atomic_bool overlapped;
};

static void check_turns(int sock, unsigned int number, void *opaque)
{
	struct turn *turn = opaque;
	struct fake_request request;
	uint8_t byte;

	if (!fake_hello(sock))
		return;
	while (fake_receive(sock, &request)) {
		if (atomic_fetch_add(&turn->inside, 1))
			atomic_store(&turn->overlapped, true);
		/* Nothing may follow a request that is not answered. */
		if (recv(sock, &byte, 1, MSG_DONTWAIT | MSG_PEEK) >= 0)
			atomic_store(&turn->overlapped, true);
		atomic_fetch_sub(&turn->inside, 1);
		if (!fake_reply(sock, PRM_STATUS_GOOD, 0))
			return;
	}
}

static void *run_many(void *opaque)
{
	struct fixture copy = *(struct fixture *)opaque;
	unsigned int i;

	for (i = 0; i < 50; i++) {
		if (run_pr_out(&copy, PATIENCE_MS))
			return opaque;
	}
	return NULL;
}

static void commands_of_many_threads_take_turns(void **state)
{
	struct fixture f = { 0 };
	struct turn turn = { 0 };
	pthread_t threads[8];
	void *failed;
	size_t i;

	f.helper = fake_helper_start(check_turns, &turn);
	f.fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	create(&f, "");
	for (i = 0; i < 8; i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, run_many, &f), 0);
	for (i = 0; i < 8; i++) {
		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
	assert_false(turn.overlapped);
	(void)prm_manager_unref(f.manager);
	fake_helper_stop(f.helper);
	(void)close(f.fd);
}

/* fork(2) */

static void a_child_does_not_disturb_its_parent(void **state)
{
	struct fixture *f;
	int status;
	pid_t pid;

	if (!may_fork())
		skip();
	f = begin_connected(plan_obey);
	assert_int_equal(run_pr_out(f, PATIENCE_MS), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		bool ok = !prm_manager_is_connected(f->manager) &&
			  run_pr_out(f, PATIENCE_MS) == 0 &&
			  prm_manager_is_connected(f->manager);

		(void)prm_manager_unref(f->manager);
		_exit(ok ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(run_pr_out(f, PATIENCE_MS), 0);
	assert_int_equal(f->plan.sessions, 2);
	end(f);
}

/* Threads of a child, which get there at the same time. */
static struct fixture *inherited;
static pthread_barrier_t all_here;

static void *run_inherited(void *opaque)
{
	struct fixture f = { .manager = inherited->manager,
			     .fd = inherited->fd };

	(void)pthread_barrier_wait(&all_here);
	return run_pr_out(&f, PATIENCE_MS) == 0 ? NULL : opaque;
}

/* Ends the child with what is wrong. */
static void run_in_child(void)
{
	pthread_t threads[8];
	void *failed;
	int bad = 0;
	size_t i;

	(void)pthread_barrier_init(&all_here, NULL, 8);
	for (i = 0; i < 8; i++)
		if (pthread_create(&threads[i], NULL, run_inherited, &threads))
			_exit(2);
	for (i = 0; i < 8; i++) {
		(void)pthread_join(threads[i], &failed);
		bad |= failed != NULL;
	}
	_exit(bad);
}

static void a_child_with_threads_starts_over_once(void **state)
{
	struct fixture *f;
	int status, round;
	pid_t pid;

	if (!CHILD_MAY_HAVE_THREADS || !may_fork())
		skip();
	f = begin_connected(plan_obey);
	inherited = f;
	for (round = 0; round < CHILDREN; round++) {
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0)
			run_in_child();
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
	}
	assert_int_equal(f->plan.sessions, 1 + CHILDREN);
	assert_int_equal(f->plan.cdbs, 8 * CHILDREN);
	end(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(command_list_and_descriptor_arrive),
		cmocka_unit_test(data_arrives_and_nothing_behind_it),
		cmocka_unit_test(status_and_sense_arrive_unchanged),
		cmocka_unit_test(long_allocation_lengths_are_clamped),
		cmocka_unit_test(replies_in_single_bytes_are_put_together),
		cmocka_unit_test(no_offered_feature_is_requested),
		cmocka_unit_test(creation_fails_without_a_whole_handshake),
		cmocka_unit_test(creation_fails_where_nobody_listens),
		cmocka_unit_test(a_reply_cut_at_any_byte_is_an_error),
		cmocka_unit_test(silence_ends_with_the_timeout),
		cmocka_unit_test(more_than_was_asked_for_is_refused),
		cmocka_unit_test(a_status_that_is_no_byte_is_refused),
		cmocka_unit_test(data_after_pr_out_is_refused),
		cmocka_unit_test(data_with_a_bad_status_is_dropped),
		cmocka_unit_test(an_answer_nobody_asked_for_is_not_taken),
		cmocka_unit_test(descriptors_from_the_helper_are_dropped),
		cmocka_unit_test(a_dead_connection_is_replaced_unnoticed),
		cmocka_unit_test(five_attempts_are_made_and_told_of),
		cmocka_unit_test(the_number_of_attempts_is_a_property),
		cmocka_unit_test(a_helper_that_comes_back_is_used_again),
		cmocka_unit_test(a_command_without_answer_is_not_sent_again),
		cmocka_unit_test(a_cdb_that_arrived_is_not_sent_again),
		cmocka_unit_test(an_interrupt_ends_the_pause),
		cmocka_unit_test(an_interrupt_ends_a_handshake),
		cmocka_unit_test(deletion_ends_the_pause_and_later_commands),
		cmocka_unit_test(a_closed_descriptor_is_refused_here),
		cmocka_unit_test(commands_of_many_threads_take_turns),
		cmocka_unit_test(a_child_does_not_disturb_its_parent),
		cmocka_unit_test(a_child_with_threads_starts_over_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
