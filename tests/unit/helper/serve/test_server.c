/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A whole server, with its threads, seen through its socket. */
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/cursor.h"
#include "base/lock.h"
#include "helper/serve/client.h"
#include "helper/serve/limits.h"
#include "helper/serve/listener.h"
#include "helper/serve/state.h"
#include "rig.h"

#define TIMED_OUT  0x0b2e02
#define NO_SUCH    0x052000
#define NO_MEMORY  0x044400
#define TERMINATED 0x0b0006

#define MAX PRM_LANE_RUNNING_MAX

static unsigned int fds_before;

static int set_up(void **state)
{
	rig_set_up();
	fds_before = rig_count_fds();
	return 0;
}

static int tear_down(void **state)
{
	rig_tear_down();
	return rig_count_fds() == fds_before ? 0 : -1;
}

static void start(struct rig *rig)
{
	*rig = (struct rig){ 0 };
	rig_start(rig, (struct prm_server_config){ 0 });
}

static void a_request_is_answered(void **state)
{
	struct rig rig;
	struct rig_device disk = rig_disk(0);
	struct rig_reply reply;
	int sock, fd;

	disk.data_len = 100;
	start(&rig);
	fd = rig_open(&disk, true);
	sock = rig_client(&rig);
	for (int i = 0; i < 3; i++) {
		rig_send_in(sock, fd);
		assert_true(rig_receive(sock, &reply));
		assert_int_equal(reply.status, 0);
		assert_int_equal(reply.size, 100);
		assert_int_equal(reply.data[99], 'd');
	}
	rig_send_out(sock, fd, 7);
	assert_true(rig_receive(sock, &reply));
	assert_int_equal(reply.status, 0);
	assert_int_equal(reply.size, 0);
	assert_int_equal(rig_run_key(3), 7);
	(void)close(sock);
	(void)close(fd);
	rig_stop(&rig);
}

/* Ask once about a device of its own; returns the connection. */
static int ask(struct rig *rig, const struct rig_device *device, bool out,
	       bool writable)
{
	int sock = rig_client(rig), fd = rig_open(device, writable);

	if (out)
		rig_send_out(sock, fd, 1);
	else
		rig_send_in(sock, fd);
	(void)close(fd);
	return sock;
}

static void expect(struct rig *rig, const struct rig_device *device, bool out,
		   bool writable, uint32_t sense)
{
	int sock = ask(rig, device, out, writable);

	if (sense)
		rig_expect_sense(sock, sense);
	else
		rig_expect_status(sock, 0);
	(void)close(sock);
}

static void changing_needs_a_writable_descriptor(void **state)
{
	struct rig rig;
	struct rig_device disk = rig_disk(0);

	start(&rig);
	expect(&rig, &disk, false, false, 0);
	expect(&rig, &disk, true, true, 0);
	assert_int_equal(rig_runs(), 2);
	expect(&rig, &disk, true, false, NO_SUCH);
	assert_int_equal(rig_runs(), 2);
	rig_stop(&rig);
}

static void multipath_is_never_sent_down_one_path(void **state)
{
	struct rig rig;
	struct rig_device map = rig_mapped(RIG_MULTIPATH);

	start(&rig);
	expect(&rig, &map, false, true, NO_SUCH);
	expect(&rig, &map, true, true, NO_SUCH);
	assert_int_equal(rig_runs(), 0);
	rig_stop(&rig);
}

static void an_unknown_mapping_is_only_read(void **state)
{
	struct rig rig;
	struct rig_device unknown = rig_mapped(RIG_UNKNOWN);

	start(&rig);
	expect(&rig, &unknown, false, true, 0);
	assert_int_equal(rig_runs(), 1);
	expect(&rig, &unknown, true, true, NO_SUCH);
	assert_int_equal(rig_runs(), 1);
	rig_stop(&rig);
}

static void the_kernels_verdict_counts(void **state)
{
	struct rig rig;
	struct rig_device disk = rig_disk(0);

	start(&rig);
	disk.verdict = -ENOTTY;
	expect(&rig, &disk, false, true, NO_SUCH);
	disk.verdict = -ENODEV;
	expect(&rig, &disk, true, true, 0x044400);
	disk.verdict = -EIO;
	expect(&rig, &disk, true, true, TERMINATED);
	assert_int_equal(rig_runs(), 0);
	rig_stop(&rig);
}

static void a_manager_that_fails_is_a_check_condition(void **state)
{
	struct rig rig;
	struct rig_device disk = rig_disk(0);

	start(&rig);
	disk.error = -ENOTCONN;
	expect(&rig, &disk, false, true, TERMINATED);
	rig_stop(&rig);
}

static void what_the_device_said_arrives_unchanged(void **state)
{
	struct rig rig;
	struct rig_device disk = rig_disk(0);
	int sock;

	start(&rig);
	disk.status = PRM_STATUS_CHECK_CONDITION;
	disk.sense = 0x062a05;
	expect(&rig, &disk, false, true, 0x062a05);
	disk.status = PRM_STATUS_RESERVATION_CONFLICT;
	sock = ask(&rig, &disk, true, true);
	rig_expect_status(sock, PRM_STATUS_RESERVATION_CONFLICT);
	assert_string_equal(rig_audit(1)->status, "RESERVATION CONFLICT");
	(void)close(sock);
	rig_stop(&rig);
}

/* Clients whose requests hang on a device; @sock gets @count connections. */
static void hang(struct rig *rig, const struct rig_device *device, bool out,
		 int *sock, unsigned int count)
{
	unsigned int before = rig_held_at_gate(device->gate);

	for (unsigned int i = 0; i < count; i++)
		sock[i] = ask(rig, device, out, true);
	rig_wait_at_gate(device->gate, before + (count < MAX ? count : MAX));
}

static void finish(int *sock, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		rig_expect_status(sock[i], 0);
		(void)close(sock[i]);
	}
}

static void a_hung_device_has_four_and_stalls_nobody(void **state)
{
	struct rig rig;
	struct rig_device hung = rig_disk(0), disk = rig_disk(1);
	int sock[20];

	start(&rig);
	hung.gate = 1;
	hang(&rig, &hung, false, sock, 20);
	for (int i = 0; i < 20; i++)
		expect(&rig, &disk, false, true, 0);
	assert_int_equal(rig_held_at_gate(1), MAX);
	rig_open_gate(1);
	finish(sock, 20);
	assert_int_equal(rig_held_at_gate(1), 20);
	rig_stop(&rig);
}

static void many_hung_devices_stall_nobody(void **state)
{
	struct rig rig;
	struct rig_device disk = rig_disk(100);
	int sock[10][6];

	start(&rig);
	for (unsigned int i = 0; i < 10; i++) {
		struct rig_device hung = rig_disk(i);

		hung.gate = 1 + i;
		hang(&rig, &hung, false, sock[i], 6);
	}
	expect(&rig, &disk, false, true, 0);
	for (unsigned int i = 0; i < 10; i++) {
		rig_open_gate(1 + i);
		finish(sock[i], 6);
	}
	rig_stop(&rig);
}

static void the_last_workers_are_for_idle_devices(void **state)
{
	struct rig rig = { 0 };
	struct rig_device disk = rig_disk(100);
	int sock[4][MAX];

	rig_start(&rig, (struct prm_server_config){ .max_workers = 8 });
	for (unsigned int i = 0; i < 3; i++) {
		struct rig_device hung = rig_disk(i);

		hung.gate = 1;
		for (unsigned int j = 0; j < MAX; j++)
			sock[i][j] = ask(&rig, &hung, false, true);
		/* Four, two, and then there are two workers left. */
		rig_wait_at_gate(1, i < 2 ? 4 + 2 * i : 7);
	}
	for (int i = 0; i < 50; i++)
		expect(&rig, &disk, false, true, 0);
	assert_int_equal(rig_held_at_gate(1), 7);
	rig_open_gate(1);
	for (unsigned int i = 0; i < 3; i++)
		finish(sock[i], MAX);
	rig_stop(&rig);
}

static void with_all_workers_stuck_deadlines_are_kept(void **state)
{
	struct rig rig = { 0 };
	struct rig_device nothing = { .number = 0 };
	int sock[8], late;

	rig_start(&rig, (struct prm_server_config){ .max_workers = 8 });
	for (unsigned int i = 0; i < 8; i++) {
		struct rig_device hung = rig_disk(i);

		hung.gate = 1;
		hang(&rig, &hung, false, &sock[i], 1);
	}
	/* Nobody is left to let it in but the watcher. */
	expect(&rig, &nothing, false, true, NO_SUCH);
	for (unsigned int i = 0; i < 2; i++) {
		struct rig_device disk = rig_disk(100 + i);

		late = ask(&rig, &disk, true, true);
		rig_overdue(&rig, late);
		rig_expect_sense(late, TIMED_OUT);
		(void)close(late);
	}
	rig_open_gate(1);
	for (unsigned int i = 0; i < 8; i++) {
		rig_expect_sense(sock[i], TIMED_OUT);
		(void)close(sock[i]);
	}
	rig_stop(&rig);
	assert_int_equal(rig_runs(), 8);
}

static void parked_requests_go_in_order(void **state)
{
	struct rig rig;
	struct rig_device hung = rig_disk(0), disk = rig_disk(0);
	int sock[MAX], parked[8];

	start(&rig);
	hung.gate = 1;
	hang(&rig, &hung, false, sock, MAX - 1);
	hung.gate = 2;
	hang(&rig, &hung, false, sock + MAX - 1, 1);
	for (unsigned int i = 0; i < 8; i++) {
		int fd = rig_open(&disk, true);

		parked[i] = rig_client(&rig);
		rig_send_out(parked[i], fd, 100 + i);
		rig_wait_parked(&rig, i + 1);
		(void)close(fd);
	}
	assert_int_equal(rig_runs(), MAX);
	/* One place only, so that one ends before the next begins. */
	rig_open_gate(2);
	finish(parked, 8);
	for (unsigned int i = 0; i < 8; i++)
		assert_int_equal(rig_run_key(MAX + i), 100 + i);
	rig_open_gate(1);
	finish(sock, MAX);
	rig_stop(&rig);
}

static void a_dead_clients_command_never_runs(void **state)
{
	struct rig rig;
	struct rig_device hung = rig_disk(0);
	int sock[MAX], dead;
	const struct prm_audit *audit;

	start(&rig);
	hung.gate = 1;
	hang(&rig, &hung, false, sock, MAX);
	dead = ask(&rig, &hung, true, true);
	(void)close(dead);
	audit = rig_audit(1);
	assert_true(audit->dropped);
	assert_null(audit->status);
	assert_string_equal(audit->device, "8:0");
	rig_open_gate(1);
	finish(sock, MAX);
	assert_int_equal(rig_runs(), MAX);
	rig_stop(&rig);
	assert_int_equal(rig_audits(), 1);
}

/* Nobody is told any more what becomes of the client who came last. */
static void forget_last(struct rig *rig)
{
	struct prm_desk *desk = &rig->server->desk;
	LOCK_SCOPE(&desk->lock);
	const struct prm_client *client =
		prm_container(desk->clients.prev, struct prm_client, link);

	assert_int_equal(epoll_ctl(rig->server->epoll_fd, EPOLL_CTL_DEL,
				   client->sock, NULL),
			 0);
}

/* Its turn comes before its hang-up is told, and is the last chance to see. */
static void a_client_found_dead_at_its_turn_is_dropped(void **state)
{
	struct rig rig;
	struct rig_device hung = rig_disk(0);
	int sock[MAX], dead;

	start(&rig);
	hung.gate = 1;
	hang(&rig, &hung, false, sock, MAX);
	dead = ask(&rig, &hung, true, true);
	rig_wait_parked(&rig, 1);
	forget_last(&rig);
	(void)close(dead);
	rig_open_gate(1);
	finish(sock, MAX);
	assert_true(rig_audit(1)->dropped);
	assert_null(rig_audit(1)->status);
	rig_stop(&rig);
	assert_int_equal(rig_runs(), MAX);
	assert_int_equal(rig_audits(), 1);
}

static void
dead_clients_descriptors_are_closed_though_the_device_hangs(void **state)
{
	struct rig rig;
	struct rig_device hung = rig_disk(0);
	unsigned int before;
	int sock[MAX];

	start(&rig);
	hung.gate = 1;
	hang(&rig, &hung, false, sock, MAX);
	before = rig_count_fds();
	for (int i = 0; i < 100; i++)
		(void)close(ask(&rig, &hung, true, true));
	assert_true(rig_audit(100)->dropped);
	rig_wait_fds(before);
	rig_open_gate(1);
	finish(sock, MAX);
	rig_stop(&rig);
}

static void a_hung_command_is_answered_at_its_deadline(void **state)
{
	struct rig rig;
	struct rig_device hung = rig_disk(0), disk = rig_disk(1);
	int sock, fd;

	start(&rig);
	hung.gate = 1;
	hang(&rig, &hung, true, &sock, 1);
	rig_overdue(&rig, sock);
	rig_expect_sense(sock, TIMED_OUT);
	assert_false(rig_audit(1)->late);
	assert_int_equal(rig_audit(1)->asc, 0x2e);
	/* The session goes on. */
	fd = rig_open(&disk, true);
	rig_send_out(sock, fd, 5);
	rig_expect_status(sock, 0);
	assert_int_equal(rig_audits(), 2);
	rig_open_gate(1);
	assert_true(rig_audit(3)->late);
	assert_string_equal(rig_audit(3)->status, "GOOD");
	rig_send_out(sock, fd, 5);
	rig_expect_status(sock, 0);
	(void)close(fd);
	(void)close(sock);
	rig_stop(&rig);
}

static void nothing_is_sent_after_a_verdict_past_the_deadline(void **state)
{
	struct rig rig;
	struct rig_device hung = rig_disk(0);
	int sock;

	start(&rig);
	hung.verdict_gate = 1;
	sock = ask(&rig, &hung, true, true);
	rig_wait_at_gate(1, 1);
	rig_overdue(&rig, sock);
	rig_expect_sense(sock, TIMED_OUT);
	rig_open_gate(1);
	(void)close(sock);
	rig_stop(&rig);
	assert_int_equal(rig_runs(), 0);
	assert_int_equal(rig_audits(), 1);
}

static void a_parked_command_past_its_deadline_never_runs(void **state)
{
	struct rig rig;
	struct rig_device hung = rig_disk(0);
	unsigned int before;
	int sock[MAX], parked, fd;

	start(&rig);
	hung.gate = 1;
	hang(&rig, &hung, false, sock, MAX);
	fd = rig_open(&hung, true);
	before = rig_count_fds();
	parked = rig_client(&rig);
	for (int i = 0; i < 3 * PRM_LANE_CLOSING_MAX; i++) {
		rig_send_out(parked, fd, 1);
		rig_wait_parked(&rig, 1);
		rig_overdue(&rig, parked);
		rig_expect_sense(parked, TIMED_OUT);
		/* However often it asks, nothing piles up. */
		rig_wait_fds(before + 2);
	}
	for (int i = 0; i < MAX; i++) {
		rig_expect_sense(sock[i], TIMED_OUT);
		(void)close(sock[i]);
	}
	assert_int_equal(rig_runs(), MAX);
	rig_open_gate(1);
	rig_send_out(parked, fd, 1);
	rig_expect_status(parked, 0);
	assert_int_equal(rig_runs(), MAX + 1);
	(void)close(parked);
	(void)close(fd);
	rig_stop(&rig);
}

static void a_client_may_leave_while_its_command_runs(void **state)
{
	struct rig rig;
	struct rig_device hung = rig_disk(0);
	int sock;

	start(&rig);
	hung.gate = 1;
	hang(&rig, &hung, true, &sock, 1);
	(void)close(sock);
	rig_open_gate(1);
	assert_string_equal(rig_audit(1)->status, "GOOD");
	assert_false(rig_audit(1)->dropped);
	rig_stop(&rig);
}

static void requests_sent_ahead_are_answered_in_order(void **state)
{
	struct rig rig;
	struct rig_device disk = rig_disk(0), other = rig_disk(1);
	struct rig_reply reply;
	int sock, fds[2];

	disk.data_len = 1;
	other.data_len = 2;
	start(&rig);
	sock = rig_client(&rig);
	fds[0] = rig_open(&disk, true);
	fds[1] = rig_open(&other, true);
	for (int i = 0; i < 40; i++)
		rig_send_in(sock, fds[i % 2]);
	for (uint32_t i = 0; i < 40; i++) {
		assert_true(rig_receive(sock, &reply));
		assert_int_equal(reply.size, 1 + i % 2);
	}
	(void)close(fds[0]);
	(void)close(fds[1]);
	(void)close(sock);
	rig_stop(&rig);
}

static void a_client_that_takes_too_long_is_shut_out(void **state)
{
	struct rig rig;
	struct rig_device disk = rig_disk(0);
	int fd = rig_open(&disk, true), silent, half, idle;
	uint8_t cdb[16];

	start(&rig);
	idle = rig_client(&rig);
	rig_send_in(idle, fd);
	rig_expect_status(idle, 0);
	silent = rig_connect(&rig);
	half = rig_client(&rig);
	rig_cdb(cdb, false, 0, 8);
	rig_send(half, cdb, 5, &fd, 1);
	rig_expect_hello(silent);
	rig_impatient(&rig, silent);
	rig_expect_end(silent);
	rig_impatient(&rig, half);
	rig_expect_end(half);
	(void)close(silent);
	(void)close(half);
	/* Having nothing to say is no offence. */
	rig_send_in(idle, fd);
	rig_expect_status(idle, 0);
	(void)close(idle);
	(void)close(fd);
	rig_stop(&rig);
}

/* Wait until the server has read all that was sent. */
static bool is_all_read(void *opaque)
{
	const int *sock = opaque;
	int unread = 0;

	assert_int_equal(ioctl(*sock, SIOCOUTQ, &unread), 0);
	return !unread;
}

/* The patience that it had over its request ends with the request. */
static void a_client_that_waits_for_its_reply_is_not_shut_out(void **state)
{
	struct rig rig;
	struct rig_device disk = rig_disk(0);
	uint8_t cdb[16], list[24] = { 0 };
	int fd, sock;

	disk.gate = 1;
	fd = rig_open(&disk, true);
	start(&rig);
	sock = rig_client(&rig);
	rig_cdb(cdb, true, 0, sizeof(list));
	rig_send(sock, cdb, sizeof(cdb), &fd, 1);
	rig_wait(is_all_read, &sock);
	rig_send(sock, list, sizeof(list), NULL, 0);
	rig_wait_at_gate(1, 1);
	rig_impatient_once(&rig);
	rig_open_gate(1);
	rig_expect_status(sock, 0);
	(void)close(sock);
	(void)close(fd);
	rig_stop(&rig);
}

/* Clients in threads, each with its own device or all with one. */

#define CROWD 24

struct member {
	struct rig *rig;
	unsigned int index;
	unsigned int good;
};

static void *take_part(void *opaque)
{
	struct member *member = opaque;
	struct rig_device disk = rig_disk(member->index % 3);

	for (unsigned int i = 0; i < 40; i++) {
		int sock = rig_client(member->rig);
		int fd = rig_open(&disk, true);
		struct rig_reply reply;

		for (unsigned int j = 0; j < 5; j++) {
			if ((i + j) % 2)
				rig_send_out(sock, fd, 1);
			else
				rig_send_in(sock, fd);
			/* Every fourth leaves without its answer. */
			if (j == 4 && i % 4 == 0)
				break;
			member->good += rig_receive(sock, &reply) &&
					reply.status == 0;
		}
		(void)close(fd);
		(void)close(sock);
	}
	return NULL;
}

static void a_crowd_is_served(void **state)
{
	struct rig rig;
	struct member members[CROWD];
	pthread_t threads[CROWD];

	start(&rig);
	for (unsigned int i = 0; i < CROWD; i++) {
		members[i] = (struct member){ &rig, i, 0 };
		assert_int_equal(pthread_create(&threads[i], NULL, take_part,
						&members[i]),
				 0);
	}
	for (unsigned int i = 0; i < CROWD; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(members[i].good, 40 * 5 - 10);
	}
	rig_stop(&rig);
}

/* However many there are at the door: those inside have their turn. */
static void a_crowd_is_let_in_by_and_by(void **state)
{
	enum { COUNT = 2 * PRM_ACCEPTS_AT_ONCE + 1 };
	struct rig rig = { 0 };
	int sock[COUNT];

	rig_prepare(&rig, (struct prm_server_config){ 0 });
	for (unsigned int i = 0; i < COUNT; i++)
		sock[i] = rig_connect(&rig);
	for (unsigned int i = 1; i <= 2; i++) {
		prm_listener_accept(rig.server);
		assert_int_equal(prm_desk_connected(&rig.server->desk),
				 i * PRM_ACCEPTS_AT_ONCE);
	}
	rig_run(&rig);
	for (unsigned int i = 0; i < COUNT; i++) {
		rig_expect_hello(sock[i]);
		(void)close(sock[i]);
	}
	rig_stop(&rig);
}

static void who_is_too_many_is_turned_away(void **state)
{
	struct rig rig = { 0 };
	int sock[2], third;

	rig_start(&rig, (struct prm_server_config){ .max_sessions = 2 });
	sock[0] = rig_client(&rig);
	sock[1] = rig_client(&rig);
	third = rig_connect(&rig);
	rig_expect_end(third);
	(void)close(third);
	(void)close(sock[0]);
	/* Some time later there is a place again. */
	for (ssize_t n = 0; n <= 0;) {
		uint8_t hello[4];

		third = rig_connect(&rig);
		n = recv(third, hello, sizeof(hello), 0);
		(void)close(third);
	}
	(void)close(sock[1]);
	rig_stop(&rig);
}

static bool is_paused(void *opaque)
{
	struct rig *rig = opaque;

	return atomic_load(&rig->server->resume_ns) != 0;
}

static void without_descriptors_accepting_waits(void **state)
{
	struct rig rig;
	struct rlimit limit, low;
	int sock, first;

	/* Which has a limit of its own. */
	if (getenv("PRM_VALGRIND"))
		skip();
	start(&rig);
	first = rig_client(&rig);
	sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	low = limit;
	low.rlim_cur = (rlim_t)sock + 1;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	rig_connect_with(&rig, sock);
	rig_wait(is_paused, &rig);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	rig_greet(sock);
	(void)close(sock);
	(void)close(first);
	expect(&rig, &(struct rig_device){ 0 }, false, true, NO_SUCH);
	rig_stop(&rig);
}

/* No request goes unanswered for want of memory, and none is run by halves. */
static void without_memory_requests_are_answered(void **state)
{
	struct rig_device disk = rig_disk(0);
	int fd = rig_open(&disk, true), sock, turned_away;
	struct rig rig;

	disk.data_len = 10;
	start(&rig);
	sock = rig_client(&rig);
	rig_send_in(sock, fd);
	rig_expect_status(sock, 0);
	rig_starve(true);
	turned_away = rig_connect(&rig);
	rig_expect_end(turned_away);
	for (int i = 0; i < 10; i++) {
		rig_send_in(sock, fd);
		rig_expect_sense(sock, NO_MEMORY);
		rig_send_out(sock, fd, 1);
		rig_expect_sense(sock, NO_MEMORY);
	}
	rig_starve(false);
	rig_send_out(sock, fd, 2);
	rig_expect_status(sock, 0);
	assert_int_equal(rig_runs(), 2);
	assert_int_equal(rig_audits(), 11);
	(void)close(turned_away);
	(void)close(sock);
	(void)close(fd);
	rig_stop(&rig);
}

/* There is a request by then, with a device that has to be closed again. */
static void without_memory_for_a_lane_requests_are_answered(void **state)
{
	struct rig_device disk = rig_disk(0);
	int fd = rig_open(&disk, true), sock;
	uint8_t cdb[16];
	struct rig rig;

	start(&rig);
	sock = rig_client(&rig);
	rig_cdb(cdb, false, 0, 0);
	rig_starve_of_zeroed(true);
	for (int i = 0; i < 10; i++) {
		rig_send(sock, cdb, sizeof(cdb), &fd, 1);
		rig_expect_sense(sock, NO_MEMORY);
	}
	rig_starve_of_zeroed(false);
	rig_send(sock, cdb, sizeof(cdb), &fd, 1);
	rig_expect_status(sock, 0);
	assert_int_equal(rig_runs(), 1);
	(void)close(sock);
	(void)close(fd);
	rig_stop(&rig);
}

#define CLAIM(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM(a_request_is_answered),
		CLAIM(changing_needs_a_writable_descriptor),
		CLAIM(multipath_is_never_sent_down_one_path),
		CLAIM(an_unknown_mapping_is_only_read),
		CLAIM(the_kernels_verdict_counts),
		CLAIM(a_manager_that_fails_is_a_check_condition),
		CLAIM(what_the_device_said_arrives_unchanged),
		CLAIM(a_hung_device_has_four_and_stalls_nobody),
		CLAIM(many_hung_devices_stall_nobody),
		CLAIM(the_last_workers_are_for_idle_devices),
		CLAIM(with_all_workers_stuck_deadlines_are_kept),
		CLAIM(parked_requests_go_in_order),
		CLAIM(a_dead_clients_command_never_runs),
		CLAIM(a_client_found_dead_at_its_turn_is_dropped),
		CLAIM(dead_clients_descriptors_are_closed_though_the_device_hangs),
		CLAIM(a_hung_command_is_answered_at_its_deadline),
		CLAIM(nothing_is_sent_after_a_verdict_past_the_deadline),
		CLAIM(a_parked_command_past_its_deadline_never_runs),
		CLAIM(a_client_may_leave_while_its_command_runs),
		CLAIM(requests_sent_ahead_are_answered_in_order),
		CLAIM(a_client_that_takes_too_long_is_shut_out),
		CLAIM(a_client_that_waits_for_its_reply_is_not_shut_out),
		CLAIM(a_crowd_is_served),
		CLAIM(a_crowd_is_let_in_by_and_by),
		CLAIM(who_is_too_many_is_turned_away),
		CLAIM(without_memory_requests_are_answered),
		CLAIM(without_memory_for_a_lane_requests_are_answered),
		CLAIM(without_descriptors_accepting_waits),
	};

	return cmocka_run_group_tests_name("server", tests, NULL, NULL);
}
