/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Descriptors that clients should not have sent, and where they go. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include "base/lock.h"
#include "helper/serve/client.h"
#include "helper/serve/limits.h"
#include "helper/serve/serve.h"
#include "helper/serve/state.h"
#include "rig.h"

#define NO_SUCH   0x052000
#define TIMED_OUT 0x0b2e02

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

/* A pipe whose end at @ret_seen tells when all copies of the other are gone. */
static int pipe_end(int *ret_seen)
{
	int fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	*ret_seen = fds[0];
	return fds[1];
}

/* Wait until nobody has the other end any more. */
static void expect_gone(int seen)
{
	struct pollfd at = { .fd = seen };

	assert_int_equal(poll(&at, 1, RIG_PATIENCE_MS), 1);
	assert_true(at.revents & POLLHUP);
	(void)close(seen);
}

static void expect_works(struct rig *rig)
{
	struct rig_device disk = rig_disk(7);
	int fd = rig_open(&disk, true), sock = rig_client(rig);

	rig_send_in(sock, fd);
	rig_expect_status(sock, 0);
	(void)close(sock);
	(void)close(fd);
}

static void what_is_no_device_is_refused_and_closed(void **state)
{
	struct rig rig;
	int sock, seen, fd = pipe_end(&seen);

	start(&rig);
	sock = rig_client(&rig);
	for (int i = 0; i < 3; i++) {
		rig_send_in(sock, fd);
		rig_expect_sense(sock, NO_SUCH);
		rig_send_out(sock, fd, 1);
		rig_expect_sense(sock, NO_SUCH);
	}
	assert_null(rig_audit(3)->device);
	(void)close(fd);
	expect_gone(seen);
	(void)close(sock);
	rig_stop(&rig);
}

static void a_heap_of_descriptors_ends_the_session_and_is_closed(void **state)
{
	struct rig rig;
	int sock, seen, fds[253];
	uint8_t cdb[16];

	start(&rig);
	fds[0] = pipe_end(&seen);
	for (int i = 1; i < 253; i++)
		fds[i] = fds[0];
	rig_cdb(cdb, false, 0, 8);
	for (int i = 0; i < 5; i++) {
		sock = rig_client(&rig);
		rig_send(sock, cdb, 16, fds, 253);
		rig_expect_end(sock);
		(void)close(sock);
	}
	(void)close(fds[0]);
	expect_gone(seen);
	expect_works(&rig);
	rig_stop(&rig);
}

/* Closing a socket closes what lies in it unread. */
static void what_lies_unread_is_closed_too(void **state)
{
	struct rig rig;
	int sock, seen, fd = pipe_end(&seen);

	start(&rig);
	sock = rig_connect(&rig);
	rig_expect_hello(sock);
	rig_send(sock, "\0\0\0\1", 4, NULL, 0);
	/* The server may have closed by now. */
	for (int i = 0; i < 3; i++) {
		struct iovec part = { .iov_base = &(char){ 0 }, .iov_len = 1 };
		union {
			struct cmsghdr cmsg;
			char bytes[CMSG_SPACE(sizeof(int))];
		} control = { .cmsg = { CMSG_LEN(sizeof(int)), SOL_SOCKET,
					SCM_RIGHTS } };
		struct msghdr message = { .msg_iov = &part,
					  .msg_iovlen = 1,
					  .msg_control = &control,
					  .msg_controllen = sizeof(control) };

		memcpy(CMSG_DATA(&control.cmsg), &fd, sizeof(fd));
		(void)!sendmsg(sock, &message, MSG_NOSIGNAL);
	}
	rig_expect_end(sock);
	(void)close(fd);
	expect_gone(seen);
	(void)close(sock);
	expect_works(&rig);
	rig_stop(&rig);
}

static void descriptors_with_the_hello_are_closed(void **state)
{
	struct rig rig;
	struct rig_device disk = rig_disk(0);
	int sock, seen, fd = pipe_end(&seen), fds[10], device;

	start(&rig);
	device = rig_open(&disk, true);
	for (int i = 0; i < 10; i++)
		fds[i] = fd;
	sock = rig_connect(&rig);
	rig_expect_hello(sock);
	rig_send(sock, "\0\0\0\0", 4, fds, 10);
	rig_send_in(sock, device);
	rig_expect_status(sock, 0);
	(void)close(fd);
	expect_gone(seen);
	(void)close(sock);
	(void)close(device);
	rig_stop(&rig);
}

/* A connection sent through itself would keep itself open for ever. */
static void a_client_cannot_keep_itself_alive(void **state)
{
	struct rig rig;
	struct rig_device disk = rig_disk(0);
	unsigned int before;
	int sock, device;
	uint8_t cdb[16];

	start(&rig);
	device = rig_open(&disk, true);
	rig_cdb(cdb, false, 0, 8);
	before = rig_count_fds();
	for (int i = 0; i < 4; i++) {
		sock = rig_connect(&rig);
		rig_expect_hello(sock);
		/* With the hello, half a CDB, a whole one, one sent ahead. */
		rig_send(sock, "\0\0\0\0", 4, &sock, i == 0);
		if (i == 3)
			rig_send(sock, cdb, 16, &device, 1);
		if (i > 0)
			rig_send(sock, cdb, i == 1 ? 5 : 16, &sock, 1);
		(void)close(sock);
		rig_wait_fds(before);
	}
	(void)close(device);
	rig_stop(&rig);
}

/*
 * A TCP socket that lingers: close(2) waits until its peer has taken in what
 * was sent, which is when the test likes.
 */
struct sticky {
	int sock;
	int peer;
};

static void make_sticky(struct sticky *sticky)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr = { htonl(INADDR_LOOPBACK) } };
	const struct linger option = { 1, 10 * RIG_PATIENCE_MS / 1000 };
	socklen_t len = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	static char bytes[65536];

	sticky->sock = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(listener, (void *)&address, len) < 0 ||
	    listen(listener, 1) < 0 ||
	    getsockname(listener, (void *)&address, &len) < 0 ||
	    connect(sticky->sock, (void *)&address, len) < 0) {
		(void)close(listener);
		(void)close(sticky->sock);
		print_message("no TCP here\n");
		skip();
	}
	sticky->peer = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	(void)close(listener);
	while (send(sticky->sock, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
	assert_int_equal(setsockopt(sticky->sock, SOL_SOCKET, SO_LINGER,
				    &option, sizeof(option)),
			 0);
}

/* Leave without taking anything in: the connection is reset, the close ends. */
static void let_go(struct sticky *sticky)
{
	(void)close(sticky->peer);
}

/*
 * Make the closer hang on @sticky. It has to be the last who has it, and so it
 * is sent ahead, behind a request that is held up until ours is closed.
 */
static int hang_closer(struct rig *rig, struct sticky *sticky)
{
	struct rig_device hung = rig_disk(0);
	int sock = rig_client(rig), fd;

	hung.gate = 9;
	fd = rig_open(&hung, true);
	rig_send_in(sock, fd);
	rig_wait_at_gate(9, 1);
	rig_send_in(sock, sticky->sock);
	(void)close(sticky->sock);
	rig_open_gate(9);
	rig_expect_status(sock, 0);
	rig_expect_sense(sock, NO_SUCH);
	(void)close(fd);
	return sock;
}

static void a_close_that_hangs_stalls_nobody(void **state)
{
	struct rig rig;
	struct sticky sticky;
	int sock, null, other;

	make_sticky(&sticky);
	start(&rig);
	sock = hang_closer(&rig, &sticky);
	for (int i = 0; i < 5; i++)
		expect_works(&rig);
	/* Others may err as well. */
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	other = rig_client(&rig);
	for (int i = 0; i < 5; i++) {
		rig_send_in(other, null);
		rig_expect_sense(other, NO_SUCH);
	}
	let_go(&sticky);
	(void)close(other);
	(void)close(sock);
	(void)close(null);
	rig_stop(&rig);
}

static void clients_come_and_go_while_a_close_hangs(void **state)
{
	struct rig rig = { 0 };
	struct sticky sticky;
	int sock;

	make_sticky(&sticky);
	rig_start(&rig, (struct prm_server_config){ .max_sessions = 3 });
	sock = hang_closer(&rig, &sticky);
	for (int i = 0; i < 20; i++) {
		unsigned int before = rig_count_fds();

		expect_works(&rig);
		/* Its socket does not wait for the closer, nor its place. */
		rig_wait_fds(before);
	}
	let_go(&sticky);
	(void)close(sock);
	rig_stop(&rig);
}

/* As many as there are workers at first, and more. */
#define UNREAD 5

static void what_lies_unread_may_hang_as_well(void **state)
{
	struct rig rig;
	struct rig_device hung = rig_disk(0);
	struct sticky sticky[UNREAD];
	int sock[UNREAD], fd;

	for (int i = 0; i < UNREAD; i++)
		make_sticky(&sticky[i]);
	start(&rig);
	hung.gate = 9;
	fd = rig_open(&hung, true);
	for (int i = 0; i < UNREAD; i++) {
		sock[i] = rig_client(&rig);
		rig_send_in(sock[i], fd);
		/* What breaks the protocol, and behind it what hangs. */
		rig_send(sock[i], "\0", 1, NULL, 0);
		rig_send(sock[i], "\0", 1, &sticky[i].sock, 1);
		(void)close(sticky[i].sock);
	}
	rig_open_gate(9);
	for (int i = 0; i < UNREAD; i++) {
		rig_expect_status(sock[i], 0);
		rig_expect_end(sock[i]);
	}
	expect_works(&rig);
	for (int i = 0; i < UNREAD; i++) {
		let_go(&sticky[i]);
		(void)close(sock[i]);
	}
	(void)close(fd);
	rig_stop(&rig);
}

/* Places of the closer that this test leaves to a tenant. */
#define SHARE PRM_PASS_FDS_MAX

/*
 * All clients of a test are one tenant. Those of another would be the same ones
 * with another unit: so they are given one.
 */
static struct prm_tenant *tenant_of(struct rig *rig)
{
	struct prm_desk *desk = &rig->server->desk;
	LOCK_SCOPE(&desk->lock);

	return prm_container(prm_list_first(&desk->tenants), struct prm_tenant,
			     link);
}

/* Whoever connects from now on is another tenant. */
static void become_another(struct rig *rig)
{
	struct prm_tenant *tenant = tenant_of(rig);
	struct prm_desk *desk = &rig->server->desk;
	LOCK_SCOPE(&desk->lock);

	tenant->uid++;
}

static bool is_paused(void *opaque)
{
	struct rig *rig = opaque;
	struct prm_desk *desk = &rig->server->desk;
	LOCK_SCOPE(&desk->lock);

	return !prm_list_empty(&desk->paused);
}

static void set_share(struct rig *rig)
{
	struct prm_desk *desk = &rig->server->desk;
	LOCK_SCOPE(&desk->lock);

	rig->server->limits.share = SHARE;
}

/* A session whose closes hang, with nothing left of its share. */
static int pause_one(struct rig *rig, struct sticky *sticky)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), sock;

	set_share(rig);
	sock = hang_closer(rig, sticky);
	rig_send_in(sock, null);
	rig_wait(is_paused, rig);
	(void)close(null);
	return sock;
}

static void who_fills_the_closer_waits_until_it_has_caught_up(void **state)
{
	struct rig rig;
	struct sticky sticky;
	int sock;

	make_sticky(&sticky);
	start(&rig);
	sock = pause_one(&rig, &sticky);
	let_go(&sticky);
	rig_expect_sense(sock, NO_SUCH);
	assert_false(is_paused(&rig));
	(void)close(sock);
	rig_stop(&rig);
}

static void who_fills_the_closer_waits_alone(void **state)
{
	struct rig rig;
	struct sticky sticky;
	int sock, null = open("/dev/null", O_RDWR | O_CLOEXEC), other;

	make_sticky(&sticky);
	start(&rig);
	sock = pause_one(&rig, &sticky);
	become_another(&rig);
	expect_works(&rig);
	other = rig_client(&rig);
	for (int i = 0; i < 300; i++) {
		rig_send_in(other, null);
		rig_expect_sense(other, NO_SUCH);
	}
	let_go(&sticky);
	rig_expect_sense(sock, NO_SUCH);
	(void)close(other);
	(void)close(sock);
	(void)close(null);
	rig_stop(&rig);
}

static bool nobody_is_connected(void *opaque)
{
	struct rig *rig = opaque;
	struct prm_desk *desk = &rig->server->desk;
	LOCK_SCOPE(&desk->lock);

	return !desk->connected;
}

static void who_is_paused_may_leave(void **state)
{
	struct rig rig;
	struct sticky sticky;
	int sock;

	make_sticky(&sticky);
	start(&rig);
	sock = pause_one(&rig, &sticky);
	(void)close(sock);
	rig_wait(nobody_is_connected, &rig);
	assert_false(is_paused(&rig));
	let_go(&sticky);
	rig_stop(&rig);
}

static void who_is_paused_does_not_hold_up_the_end(void **state)
{
	struct rig rig;
	struct sticky sticky;
	int sock;

	make_sticky(&sticky);
	start(&rig);
	sock = pause_one(&rig, &sticky);
	atomic_store(&rig.server->stopping, true);
	prm_serve_dismiss(rig.server);
	rig_expect_end(sock);
	let_go(&sticky);
	rig_stop(&rig);
	(void)close(sock);
}

/* Not because of what it waits for: that is not for it to end. */
static void who_is_paused_is_not_shut_out(void **state)
{
	struct rig rig;
	struct sticky sticky;
	int sock;

	make_sticky(&sticky);
	start(&rig);
	sock = pause_one(&rig, &sticky);
	rig_impatient_once(&rig);
	let_go(&sticky);
	rig_expect_sense(sock, NO_SUCH);
	(void)close(sock);
	rig_stop(&rig);
}

/* One more than may wait for their close in a lane. */
#define JOBS (PRM_LANE_CLOSING_MAX + 1)

/* A lane in which one close hangs, and as many wait as may. */
static void fill_lane(struct prm_desk *desk, struct prm_lane_id lane,
		      struct prm_job jobs[JOBS])
{
	LOCK_SCOPE(&desk->lock);

	for (int i = 0; i < JOBS; i++) {
		prm_job_init(&jobs[i]);
		assert_int_equal(prm_lane_retire(&desk->lanes, lane, &jobs[i]),
				 0);
		if (i == 0)
			assert_ptr_equal(prm_lane_next(&desk->lanes,
						       PRM_SUPPLY_PLENTY),
					 &jobs[0]);
	}
}

static void empty_lane(struct prm_desk *desk, struct prm_job jobs[JOBS])
{
	LOCK_SCOPE(&desk->lock);

	for (int i = 0; i < JOBS; i++) {
		prm_lane_leave(&desk->lanes, &jobs[i]);
		if (i < JOBS - 1)
			assert_ptr_equal(prm_lane_next(&desk->lanes,
						       PRM_SUPPLY_PLENTY),
					 &jobs[i + 1]);
	}
}

/*
 * Then the device is closed beside the pile, and until that is done its client
 * is answered but not read from.
 */
static void a_device_without_place_stalls_its_client_alone(void **state)
{
	const struct prm_lane_id lane = { .number = makedev(8, 2),
					  .block = true };
	struct rig_device hung = rig_disk(2), disk = rig_disk(1);
	struct prm_job jobs[JOBS];
	struct sticky sticky;
	struct rig rig;
	int sock[PRM_LANE_RUNNING_MAX + 1], first, fd, works, last;

	make_sticky(&sticky);
	start(&rig);
	first = hang_closer(&rig, &sticky);
	hung.gate = 8;
	fd = rig_open(&hung, true);
	works = rig_open(&disk, true);
	for (int i = 0; i <= PRM_LANE_RUNNING_MAX; i++) {
		sock[i] = rig_client(&rig);
		rig_send_in(sock[i], fd);
		if (i == PRM_LANE_RUNNING_MAX - 1)
			rig_wait_at_gate(8, PRM_LANE_RUNNING_MAX);
	}
	rig_wait_parked(&rig, 1);
	fill_lane(&rig.server->desk, lane, jobs);
	last = sock[PRM_LANE_RUNNING_MAX];
	rig_overdue(&rig, last);
	rig_expect_sense(last, TIMED_OUT);
	rig_send_in(last, works);
	rig_wait(is_paused, &rig);
	expect_works(&rig);
	let_go(&sticky);
	rig_expect_status(last, 0);
	empty_lane(&rig.server->desk, jobs);
	rig_open_gate(8);
	for (int i = 0; i <= PRM_LANE_RUNNING_MAX; i++)
		(void)close(sock[i]);
	(void)close(first);
	(void)close(fd);
	(void)close(works);
	rig_stop(&rig);
}

#define CLAIM(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM(what_is_no_device_is_refused_and_closed),
		CLAIM(a_heap_of_descriptors_ends_the_session_and_is_closed),
		CLAIM(what_lies_unread_is_closed_too),
		CLAIM(descriptors_with_the_hello_are_closed),
		CLAIM(a_client_cannot_keep_itself_alive),
		CLAIM(a_close_that_hangs_stalls_nobody),
		CLAIM(clients_come_and_go_while_a_close_hangs),
		CLAIM(what_lies_unread_may_hang_as_well),
		CLAIM(who_fills_the_closer_waits_until_it_has_caught_up),
		CLAIM(who_fills_the_closer_waits_alone),
		CLAIM(who_is_paused_may_leave),
		CLAIM(who_is_paused_does_not_hold_up_the_end),
		CLAIM(who_is_paused_is_not_shut_out),
		CLAIM(a_device_without_place_stalls_its_client_alone),
	};

	return cmocka_run_group_tests_name("descriptors", tests, NULL, NULL);
}
