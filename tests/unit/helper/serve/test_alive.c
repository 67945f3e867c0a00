/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The watchdog hears of a server that can take requests, and of no other. */
#include <stdatomic.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>
#include "helper/serve/state.h"
#include "rig.h"

static struct {
	struct rig rig;
	atomic_uint told;
	unsigned int wanted;
} t;

static int set_up(void **state)
{
	memset(&t, 0, sizeof(t));
	rig_set_up();
	return 0;
}

static int tear_down(void **state)
{
	rig_tear_down();
	return 0;
}

static void tell(void *opaque)
{
	(void)atomic_fetch_add((atomic_uint *)opaque, 1);
}

static void start(unsigned int max_workers)
{
	rig_start(&t.rig, (struct prm_server_config){
				  .max_workers = max_workers,
				  .alive = tell,
				  .alive_ms = 1,
				  .opaque = &t.told,
			  });
}

static bool is_told(void *opaque)
{
	return atomic_load(&t.told) >= t.wanted;
}

static void wait_for_more(unsigned int count)
{
	t.wanted = atomic_load(&t.told) + count;
	rig_wait(is_told, NULL);
}

static void an_idle_server_lives(void **state)
{
	start(2);
	wait_for_more(3);
	rig_stop(&t.rig);
}

static void a_server_whose_devices_all_hang_lives(void **state)
{
	int sock[8];

	start(8);
	for (unsigned int i = 0; i < 8; i++) {
		struct rig_device hung = rig_disk(i);
		int fd;

		hung.gate = 1;
		fd = rig_open(&hung, false);
		sock[i] = rig_client(&t.rig);
		rig_send_in(sock[i], fd);
		(void)close(fd);
		rig_wait_at_gate(1, i + 1);
	}
	/* Who takes the kicks now is the watcher. */
	wait_for_more(3);
	rig_open_gate(1);
	for (unsigned int i = 0; i < 8; i++) {
		rig_expect_status(sock[i], 0);
		(void)close(sock[i]);
	}
	rig_stop(&t.rig);
}

/* As many as were not taken. */
static bool has_three_kicks(void *opaque)
{
	uint64_t count = 0;

	if (read(t.rig.server->kick_fd, &count, sizeof(count)) > 0)
		t.wanted += (unsigned int)count;
	return t.wanted >= 3;
}

static void a_server_that_takes_nothing_does_not(void **state)
{
	struct prm_server *server;
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	unsigned int told;

	start(2);
	server = t.rig.server;
	wait_for_more(1);
	assert_int_equal(epoll_ctl(server->epoll_fd, EPOLL_CTL_DEL,
				   server->kick_fd, NULL),
			 0);
	/* One that was on its way may still arrive. */
	t.wanted = 0;
	rig_wait(has_three_kicks, NULL);
	told = atomic_load(&t.told);
	t.wanted = 0;
	rig_wait(has_three_kicks, NULL);
	assert_int_equal(atomic_load(&t.told), told);

	event.data.u64 = prm_event_of(&server->kick_fd);
	assert_int_equal(epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD,
				   server->kick_fd, &event),
			 0);
	wait_for_more(1);
	rig_stop(&t.rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_idle_server_lives, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(
			a_server_whose_devices_all_hang_lives, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			a_server_that_takes_nothing_does_not, set_up,
			tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
