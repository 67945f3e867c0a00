/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How a server ends: what has begun is finished, and nothing is begun. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "base/lock.h"
#include "helper/serve/client.h"
#include "helper/serve/state.h"
#include "rig.h"

#define TIMED_OUT 0x0b2e02

static int set_up(void **state)
{
	rig_set_up();
	return 0;
}

static int tear_down(void **state)
{
	rig_tear_down();
	return 0;
}

static void start(struct rig *rig)
{
	*rig = (struct rig){ 0 };
	rig_start(rig, (struct prm_server_config){ 0 });
}

static void signal_stop(struct rig *rig)
{
	const uint64_t one = 1;

	assert_int_equal(write(rig->signal_fd, &one, sizeof(one)), sizeof(one));
}

static bool is_stopping(void *opaque)
{
	struct rig *rig = opaque;

	return atomic_load(&rig->server->stopping);
}

/* Whether a client that connects now would be refused. */
static bool refuses(void *opaque)
{
	struct rig *rig = opaque;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool refused;

	(void)strcpy(address.sun_path, rig->path);
	refused = connect(sock, (void *)&address, sizeof(address)) < 0;
	(void)close(sock);
	return refused;
}

static void idle_clients_are_dismissed(void **state)
{
	struct rig rig;
	int sock[3];

	start(&rig);
	for (int i = 0; i < 3; i++)
		sock[i] = rig_client(&rig);
	rig_stop(&rig);
	for (int i = 0; i < 3; i++) {
		rig_expect_end(sock[i]);
		(void)close(sock[i]);
	}
}

static void a_server_that_nobody_uses_ends(void **state)
{
	struct rig rig;

	start(&rig);
	rig_stop(&rig);
}

static void half_a_request_is_dropped(void **state)
{
	struct rig rig;
	struct rig_device disk = rig_disk(0);
	int fd = rig_open(&disk, true), sock;
	uint8_t cdb[16];

	start(&rig);
	sock = rig_client(&rig);
	rig_cdb(cdb, false, 0, 8);
	rig_send(sock, cdb, 10, &fd, 1);
	rig_stop(&rig);
	rig_expect_end(sock);
	assert_int_equal(rig_runs(), 0);
	(void)close(sock);
	(void)close(fd);
}

static void what_runs_or_waits_is_finished(void **state)
{
	struct rig rig;
	struct rig_device hung = rig_disk(0);
	int fd, sock[7];

	start(&rig);
	hung.gate = 1;
	fd = rig_open(&hung, true);
	for (int i = 0; i < 7; i++) {
		sock[i] = rig_client(&rig);
		rig_send_in(sock[i], fd);
	}
	rig_wait_at_gate(1, 4);
	rig_wait_parked(&rig, 3);
	signal_stop(&rig);
	rig_wait(refuses, &rig);
	rig_open_gate(1);
	for (int i = 0; i < 7; i++) {
		rig_expect_status(sock[i], 0);
		rig_expect_end(sock[i]);
		(void)close(sock[i]);
	}
	(void)close(fd);
	assert_int_equal(rig_join(&rig), PRM_SERVER_STOPPED);
}

/* The CDB was read: the parameter list is waited for. */
static void a_request_whose_cdb_was_read_is_finished(void **state)
{
	struct rig rig;
	struct rig_device disk = rig_disk(0);
	int fd = rig_open(&disk, true), sock;
	uint8_t bytes[16 + 24] = { 0 };

	start(&rig);
	sock = rig_client(&rig);
	rig_cdb(bytes, true, 0, 24);
	rig_send(sock, bytes, 16, &fd, 1);
	rig_wait_list(&rig);
	signal_stop(&rig);
	rig_wait(is_stopping, &rig);
	rig_send(sock, bytes + 16, 24, NULL, 0);
	rig_expect_status(sock, 0);
	rig_expect_end(sock);
	(void)close(sock);
	(void)close(fd);
	assert_int_equal(rig_join(&rig), PRM_SERVER_STOPPED);
	assert_int_equal(rig_runs(), 1);
}

static void requests_sent_ahead_are_not_begun(void **state)
{
	struct rig rig;
	struct rig_device hung = rig_disk(0);
	int fd, sock;

	start(&rig);
	hung.gate = 1;
	fd = rig_open(&hung, true);
	sock = rig_client(&rig);
	for (int i = 0; i < 5; i++)
		rig_send_in(sock, fd);
	rig_wait_at_gate(1, 1);
	signal_stop(&rig);
	rig_wait(is_stopping, &rig);
	rig_open_gate(1);
	rig_expect_status(sock, 0);
	assert_int_equal(rig_join(&rig), PRM_SERVER_STOPPED);
	assert_int_equal(rig_runs(), 1);
	(void)close(sock);
	(void)close(fd);
}

/* The only client has been answered once, and is read from again. */
static bool is_armed_again(void *opaque)
{
	struct prm_desk *desk = opaque;
	LOCK_SCOPE(&desk->lock);
	const struct prm_client *first;

	if (prm_list_empty(&desk->clients))
		return false;
	first = prm_container(prm_list_first(&desk->clients), struct prm_client,
			      link);
	return first->progress == (1 << 3 | PRM_PHASE_HEAD << 1);
}

/* Its CDB comes after the end has begun, and before it is told to go. */
static void a_request_that_comes_late_is_not_begun(void **state)
{
	struct rig rig;
	struct rig_device disk = rig_disk(0);
	int fd = rig_open(&disk, true), sock;

	start(&rig);
	sock = rig_client(&rig);
	rig_send_in(sock, fd);
	rig_expect_status(sock, 0);
	rig_wait(is_armed_again, &rig.server->desk);
	atomic_store(&rig.server->stopping, true);
	rig_send_in(sock, fd);
	rig_expect_end(sock);
	assert_int_equal(rig_runs(), 1);
	(void)close(sock);
	(void)close(fd);
	rig_stop(&rig);
}

/* The only test with a timeout that passes: it has to. */
static void a_device_that_hangs_cannot_hold_the_end_up(void **state)
{
	struct rig rig = { .left_behind = true };
	struct rig_device hung = rig_disk(0);
	int fd, sock;

	rig_start(&rig, (struct prm_server_config){ .timeout_ms = 50 });
	hung.verdict_gate = 1;
	fd = rig_open(&hung, true);
	sock = rig_client(&rig);
	rig_send_out(sock, fd, 1);
	rig_wait_at_gate(1, 1);
	signal_stop(&rig);
	rig_expect_sense(sock, TIMED_OUT);
	assert_int_equal(rig_join(&rig), PRM_SERVER_STOPPED);
	rig_open_gate(1);
	(void)close(sock);
	(void)close(fd);
}

static bool is_empty(void *opaque)
{
	struct prm_desk *desk = opaque;
	LOCK_SCOPE(&desk->lock);

	return desk->crew.total == 0;
}

/* Its list came late, and so its own deadline is behind that of the end. */
static void nobody_is_left_without_an_answer_at_the_end(void **state)
{
	struct rig rig = { .left_behind = true };
	struct rig_device hung = rig_disk(0);
	const struct prm_audit *audit;
	uint8_t bytes[16 + 24] = { 0 };
	int fd, sock;

	rig_start(&rig, (struct prm_server_config){ 0 });
	hung.gate = 1;
	fd = rig_open(&hung, true);
	sock = rig_client(&rig);
	rig_cdb(bytes, true, 0, 24);
	rig_send(sock, bytes, 16, &fd, 1);
	rig_wait_list(&rig);
	signal_stop(&rig);
	rig_wait(is_stopping, &rig);
	rig_send(sock, bytes + 16, 24, NULL, 0);
	rig_wait_at_gate(1, 1);
	atomic_store(&rig.server->stop_ns, 1);
	prm_server_wake(rig.server);
	rig_expect_sense(sock, TIMED_OUT);
	audit = rig_audit(1);
	assert_string_equal(audit->status, "CHECK CONDITION");
	assert_false(audit->late);
	rig_open_gate(1);
	rig_wait(is_empty, &rig.server->desk);
	assert_int_equal(rig_join(&rig), PRM_SERVER_STOPPED);
	(void)close(sock);
	(void)close(fd);
}

static void a_server_taken_over_serves_its_clients_to_the_end(void **state)
{
	struct rig rig;
	struct rig_device disk = rig_disk(0);
	int fd = rig_open(&disk, true), sock;

	start(&rig);
	sock = rig_client(&rig);
	rig_send_in(sock, fd);
	rig_expect_status(sock, 0);
	assert_int_equal(unlink(rig.path), 0);
	for (int i = 0; i < 20; i++) {
		rig_send_in(sock, fd);
		rig_expect_status(sock, 0);
	}
	(void)close(sock);
	assert_int_equal(rig_join(&rig), PRM_SERVER_TAKEN_OVER);
	(void)close(fd);
}

static void who_waited_at_the_door_is_let_in_before_it_closes(void **state)
{
	struct rig rig;
	struct rig_device disk = rig_disk(0);
	int fd = rig_open(&disk, true), sock[10];

	start(&rig);
	for (int i = 0; i < 10; i++)
		sock[i] = rig_connect(&rig);
	assert_int_equal(unlink(rig.path), 0);
	for (int i = 0; i < 10; i++) {
		rig_send_in(rig_greet(sock[i]), fd);
		rig_expect_status(sock[i], 0);
		(void)close(sock[i]);
	}
	assert_int_equal(rig_join(&rig), PRM_SERVER_TAKEN_OVER);
	(void)close(fd);
}

static void a_server_taken_over_can_be_stopped(void **state)
{
	struct rig rig;
	int sock;

	start(&rig);
	sock = rig_client(&rig);
	assert_int_equal(unlink(rig.path), 0);
	signal_stop(&rig);
	rig_expect_end(sock);
	(void)close(sock);
	(void)rig_join(&rig);
}

static void bad_limits_are_refused(void **state)
{
	struct prm_server_config config = {
		.path_fd = -1,
		.watch_fd = -1,
		.signal_fd = -1,
		.max_sessions = 1,
		.max_workers = 1,
	};
	struct prm_server *server = NULL;
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(prm_server_new(&config, &listener, &server), -EINVAL);
	config.timeout_ms = 1;
	config.max_sessions = 0;
	assert_int_equal(prm_server_new(&config, &listener, &server), -EINVAL);
	assert_true(listener >= 0);
	assert_null(server);
	(void)close(listener);
}

#define CLAIM(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM(idle_clients_are_dismissed),
		CLAIM(a_server_that_nobody_uses_ends),
		CLAIM(half_a_request_is_dropped),
		CLAIM(what_runs_or_waits_is_finished),
		CLAIM(a_request_whose_cdb_was_read_is_finished),
		CLAIM(requests_sent_ahead_are_not_begun),
		CLAIM(a_request_that_comes_late_is_not_begun),
		CLAIM(a_server_taken_over_serves_its_clients_to_the_end),
		CLAIM(who_waited_at_the_door_is_let_in_before_it_closes),
		CLAIM(a_server_taken_over_can_be_stopped),
		CLAIM(bad_limits_are_refused),
		CLAIM(nobody_is_left_without_an_answer_at_the_end),
		/* Last, as it leaves a thread behind. */
		CLAIM(a_device_that_hangs_cannot_hold_the_end_up),
	};

	return cmocka_run_group_tests_name("stop", tests, NULL, NULL);
}
