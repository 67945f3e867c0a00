/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Closing what blocks, and not running out of places for it. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/lock.h"
#include "helper/serve/closer.h"

/* Long enough for any machine: only what hangs gets this far. */
#define PATIENCE_MS 120000

#define PLACES 4

static const struct prm_closer_config config = {
	.places = PLACES,
	.beside = 2,
	.threads = 2,
};

static struct prm_closer *closer;
static struct prm_closer_queue queue, other;

/* A close of one of these hangs until the gate is opened. */
#define HANGING_FD 900

/* What holds the closer up. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned int held;
	bool open;
	bool stopped;
} gate = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER };

int __real_close(int fd);
int __wrap_close(int fd);

int __wrap_close(int fd)
{
	if (fd < HANGING_FD)
		return __real_close(fd);
	LOCK_SCOPE(&gate.lock);
	gate.held++;
	(void)pthread_cond_broadcast(&gate.changed);
	while (!gate.open)
		(void)pthread_cond_wait(&gate.changed, &gate.lock);
	return 0;
}

static void wait_until_held(unsigned int count)
{
	LOCK_SCOPE(&gate.lock);

	while (gate.held < count)
		(void)pthread_cond_wait(&gate.changed, &gate.lock);
}

static void open_gate(void)
{
	LOCK_SCOPE(&gate.lock);

	gate.open = true;
	(void)pthread_cond_broadcast(&gate.changed);
}

static int set_up(void **state)
{
	gate.held = 0;
	gate.open = false;
	gate.stopped = false;
	prm_closer_queue_init(&queue, PLACES);
	prm_closer_queue_init(&other, PLACES);
	return prm_closer_new(&config, &closer) || prm_closer_start(closer);
}

static int tear_down(void **state)
{
	open_gate();
	if (!gate.stopped && !prm_closer_stop(closer, PATIENCE_MS))
		return -1;
	closer = prm_closer_free(closer);
	return 0;
}

static void put(struct prm_closer_queue *of, int fd)
{
	assert_true(prm_closer_reserve(closer, of, 1));
	prm_closer_put(closer, of, fd, NULL, NULL);
}

static void hold_up(void)
{
	put(&queue, HANGING_FD);
	wait_until_held(1);
}

/* A pipe tells when its other end is closed. */
static int closing(int *ret_seen)
{
	int fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	*ret_seen = fds[0];
	return fds[1];
}

static void assert_closed(int seen)
{
	uint8_t byte;

	assert_int_equal(read(seen, &byte, 1), 0);
	(void)close(seen);
}

static void what_is_put_is_closed(void **state)
{
	int seen;

	assert_true(prm_closer_reserve(closer, &queue, 1));
	prm_closer_put(closer, &queue, closing(&seen), NULL, NULL);
	assert_closed(seen);
}

static void what_is_stuck_does_not_hold_up_who_puts(void **state)
{
	int seen[2];

	hold_up();
	assert_true(prm_closer_reserve(closer, &queue, 1));
	prm_closer_put(closer, &queue, closing(&seen[0]), NULL, NULL);
	prm_closer_put_beside(closer, &queue, closing(&seen[1]), NULL, NULL);
	open_gate();
	assert_closed(seen[0]);
	assert_closed(seen[1]);
}

static void places_run_out_and_come_back(void **state)
{
	assert_false(prm_closer_reserve(closer, &queue, 5));
	hold_up();
	assert_false(prm_closer_is_crowded(closer));
	/* The one being closed still takes its place. */
	assert_false(prm_closer_reserve(closer, &queue, 4));
	assert_true(prm_closer_reserve(closer, &queue, 3));
	prm_closer_release(closer, &queue, 1);
	prm_closer_put(closer, &queue, -1, NULL, NULL);
	prm_closer_put(closer, &queue, -1, NULL, NULL);
	assert_true(prm_closer_is_crowded(closer));
	assert_false(prm_closer_reserve(closer, &queue, 2));
	open_gate();
	assert_true(prm_closer_stop(closer, PATIENCE_MS));
	gate.stopped = true;
	assert_true(prm_closer_reserve(closer, &queue, 4));
	prm_closer_release(closer, &queue, 4);
}

static void *reserve_later(void *opaque)
{
	atomic_int *result = opaque;

	atomic_store(result, prm_closer_reserve(closer, &queue, 2));
	return NULL;
}

/* Who waits for places that others have reserved gets an answer either way. */
static void a_reserver_waits_for_others_only(bool give_back)
{
	atomic_int result = -1;
	pthread_t thread;

	hold_up();
	assert_true(prm_closer_reserve(closer, &queue, 3));
	assert_int_equal(pthread_create(&thread, NULL, reserve_later, &result),
			 0);
	for (int i = 0; i < 3; i++)
		if (give_back)
			prm_closer_release(closer, &queue, 1);
		else
			prm_closer_put(closer, &queue, -1, NULL, NULL);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(atomic_load(&result), give_back);
	if (give_back)
		prm_closer_release(closer, &queue, 2);
}

static void a_reserver_waits_until_others_give_back(void **state)
{
	a_reserver_waits_for_others_only(true);
}

static void a_reserver_does_not_wait_for_a_close(void **state)
{
	a_reserver_waits_for_others_only(false);
}

static void put_another_socket(void *opaque)
{
	int *fd = opaque;

	prm_closer_put_beside(closer, &queue, *fd, NULL, NULL);
}

/* Its owner may bring the next one as soon as it hears of it. */
static void a_socket_leaves_its_place_before_its_owner_hears(void **state)
{
	int seen[3], next = closing(&seen[2]);

	hold_up();
	prm_closer_put_beside(closer, &queue, closing(&seen[0]),
			      put_another_socket, &next);
	prm_closer_put_beside(closer, &queue, closing(&seen[1]), NULL, NULL);
	open_gate();
	for (int i = 0; i < 3; i++)
		assert_closed(seen[i]);
}

static void who_hangs_holds_up_himself_alone(void **state)
{
	int seen[2];

	hold_up();
	put(&queue, closing(&seen[0]));
	put(&other, closing(&seen[1]));
	assert_closed(seen[1]);
	assert_false(prm_closer_has_room(closer, &queue, 3));
	open_gate();
	assert_closed(seen[0]);
}

/* There are two: the third has to wait, and is not forgotten. */
static void threads_run_out_and_come_back(void **state)
{
	struct prm_closer_queue third;
	int seen[2];

	prm_closer_queue_init(&third, PLACES);
	hold_up();
	put(&other, HANGING_FD + 1);
	wait_until_held(2);
	put(&third, closing(&seen[0]));
	prm_closer_put_beside(closer, &third, closing(&seen[1]), NULL, NULL);
	open_gate();
	assert_closed(seen[0]);
	assert_closed(seen[1]);
	assert_true(prm_closer_stop(closer, PATIENCE_MS));
	gate.stopped = true;
}

static void nobody_has_more_than_his_share(void **state)
{
	struct prm_closer_queue small;

	prm_closer_queue_init(&small, 2);
	assert_true(prm_closer_has_room(closer, &small, 2));
	assert_false(prm_closer_has_room(closer, &small, 3));
	assert_false(prm_closer_reserve(closer, &small, 3));
	put(&small, HANGING_FD);
	wait_until_held(1);
	assert_false(prm_closer_reserve(closer, &small, 2));
	assert_true(prm_closer_reserve(closer, &other, 3));
	prm_closer_release(closer, &other, 3);
	put(&small, -1);
	assert_false(prm_closer_has_room(closer, &small, 1));
	assert_false(prm_closer_reserve(closer, &small, 1));
	/* What was let in at the door is put there all the same. */
	assert_true(prm_closer_reserve(closer, &other, 1));
	prm_closer_move(closer, &other, &small);
	prm_closer_put(closer, &small, -1, NULL, NULL);
	assert_true(prm_closer_has_room(closer, &other, 1));
	assert_false(prm_closer_has_room(closer, &other, 2));
	open_gate();
	assert_true(prm_closer_stop(closer, PATIENCE_MS));
	gate.stopped = true;
	assert_true(prm_closer_has_room(closer, &small, 2));
}

static void a_stuck_closer_is_left_alone(void **state)
{
	static struct prm_closer *volatile left_behind;

	hold_up();
	assert_false(prm_closer_stop(closer, 1));
	left_behind = closer;
	assert_non_null(left_behind);
	assert_int_equal(prm_closer_new(&config, &closer), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_put_is_closed, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(
			what_is_stuck_does_not_hold_up_who_puts, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(places_run_out_and_come_back,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_reserver_waits_until_others_give_back, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			a_reserver_does_not_wait_for_a_close, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			a_socket_leaves_its_place_before_its_owner_hears,
			set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			who_hangs_holds_up_himself_alone, set_up, tear_down),
		cmocka_unit_test_setup_teardown(threads_run_out_and_come_back,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(nobody_has_more_than_his_share,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_stuck_closer_is_left_alone,
						set_up, tear_down),
	};

	return cmocka_run_group_tests_name("closer", tests, NULL, NULL);
}
