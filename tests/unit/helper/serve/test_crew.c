/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When one more worker is needed, under a clock that the test moves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/clock.h"
#include "helper/serve/crew.h"
#include "helper/serve/limits.h"

#define STUCK (PRM_STUCK_MS * PRM_NS_PER_MS)
#define WATCH (PRM_WATCH_MS * PRM_NS_PER_MS)

static struct prm_crew crew;
static struct prm_worker workers[8];

static int set_up(void **state)
{
	prm_crew_init(&crew, 2, 8);
	prm_crew_join(&crew, &workers[0]);
	prm_crew_join(&crew, &workers[1]);
	return 0;
}

static void being_busy_is_no_reason_to_grow(void **state)
{
	prm_crew_enter(&crew, &workers[0], 1);
	/* The other one reads, or answers: it will soon be back. */
	assert_false(prm_crew_is_stuck(&crew, 1000 * STUCK));
}

static void being_stuck_is(void **state)
{
	prm_crew_enter(&crew, &workers[0], 1);
	prm_crew_enter(&crew, &workers[1], 5);
	assert_false(prm_crew_is_stuck(&crew, STUCK + 4));
	assert_true(prm_crew_is_stuck(&crew, STUCK + 5));
	prm_crew_exit(&crew, &workers[0]);
	assert_false(prm_crew_is_stuck(&crew, STUCK + 5));
}

static void not_while_somebody_waits(void **state)
{
	prm_crew_enter(&crew, &workers[0], 1);
	prm_crew_rest(&crew, &workers[1]);
	assert_false(prm_crew_is_stuck(&crew, 1000 * STUCK));
}

static void it_is_full_at_its_limit(void **state)
{
	for (size_t i = 2; i < 8; i++) {
		assert_false(prm_crew_is_full(&crew));
		prm_crew_join(&crew, &workers[i]);
	}
	assert_true(prm_crew_is_full(&crew));
}

static void the_last_quarter_is_scarce(void **state)
{
	for (size_t i = 2; i < 8; i++)
		prm_crew_join(&crew, &workers[i]);
	for (size_t i = 0; i < 5; i++)
		prm_crew_enter(&crew, &workers[i], 1);
	assert_int_equal(prm_crew_supply(&crew), PRM_SUPPLY_PLENTY);
	prm_crew_enter(&crew, &workers[5], 1);
	assert_int_equal(prm_crew_supply(&crew), PRM_SUPPLY_SCARCE);
	prm_crew_exit(&crew, &workers[0]);
	assert_int_equal(prm_crew_supply(&crew), PRM_SUPPLY_PLENTY);
}

static void the_last_one_up_wakes_the_watcher_once(void **state)
{
	prm_crew_rest(&crew, &workers[0]);
	assert_false(prm_crew_needs_watcher(&crew, 1));
	prm_crew_rise(&crew, &workers[0]);
	assert_true(prm_crew_needs_watcher(&crew, 1));
	assert_false(prm_crew_needs_watcher(&crew, 2));
	assert_true(prm_crew_is_watched(&crew, 2));
}

static void the_last_one_to_end_wakes_the_watcher(void **state)
{
	prm_crew_join(&crew, &workers[2]);
	prm_crew_enter(&crew, &workers[0], 1);
	prm_crew_enter(&crew, &workers[1], 1);
	prm_crew_rest(&crew, &workers[2]);
	assert_false(prm_crew_needs_watcher(&crew, 1));
	prm_crew_leave(&crew, &workers[2]);
	assert_int_equal(crew.idle, 0);
	assert_true(prm_crew_needs_watcher(&crew, 1));
	assert_true(prm_crew_is_stuck(&crew, 1 + STUCK));
}

static void watching_ends_once_somebody_waits_again(void **state)
{
	assert_true(prm_crew_needs_watcher(&crew, 1));
	assert_true(prm_crew_is_watched(&crew, 10 * WATCH));
	prm_crew_rest(&crew, &workers[0]);
	assert_true(prm_crew_is_watched(&crew, WATCH));
	assert_false(prm_crew_is_watched(&crew, 10 * WATCH));
	prm_crew_rise(&crew, &workers[0]);
	assert_true(prm_crew_needs_watcher(&crew, 10 * WATCH));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(being_busy_is_no_reason_to_grow, set_up),
		cmocka_unit_test_setup(being_stuck_is, set_up),
		cmocka_unit_test_setup(not_while_somebody_waits, set_up),
		cmocka_unit_test_setup(it_is_full_at_its_limit, set_up),
		cmocka_unit_test_setup(the_last_quarter_is_scarce, set_up),
		cmocka_unit_test_setup(the_last_one_up_wakes_the_watcher_once,
				       set_up),
		cmocka_unit_test_setup(the_last_one_to_end_wakes_the_watcher,
				       set_up),
		cmocka_unit_test_setup(watching_ends_once_somebody_waits_again,
				       set_up),
	};

	return cmocka_run_group_tests_name("crew", tests, NULL, NULL);
}
