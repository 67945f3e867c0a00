/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Deadlines, under a clock that the test moves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/clock.h"
#include "helper/serve/deadline.h"

#define MS PRM_NS_PER_MS

static struct prm_deadlines queue;
static struct prm_deadline a, b, c;

static int set_up(void **state)
{
	prm_deadlines_init(&queue, 10);
	prm_deadline_init(&a);
	prm_deadline_init(&b);
	prm_deadline_init(&c);
	return 0;
}

static void they_pass_in_order_and_not_before(void **state)
{
	assert_true(prm_deadlines_next(&queue) == PRM_DEADLINE_NEVER);
	prm_deadline_set(&queue, &a, 1 * MS);
	prm_deadline_set(&queue, &b, 2 * MS);
	assert_true(prm_deadlines_next(&queue) == 11 * MS);
	assert_null(prm_deadlines_passed(&queue, 11 * MS - 1));
	assert_ptr_equal(prm_deadlines_passed(&queue, 11 * MS), &a);
	assert_false(prm_deadline_is_set(&a));
	assert_null(prm_deadlines_passed(&queue, 11 * MS));
	assert_ptr_equal(prm_deadlines_passed(&queue, 50 * MS), &b);
	assert_null(prm_deadlines_passed(&queue, 50 * MS));
}

static void a_cleared_one_never_passes(void **state)
{
	prm_deadline_set(&queue, &a, 0);
	prm_deadline_set(&queue, &b, 0);
	prm_deadline_clear(&a);
	prm_deadline_clear(&a);
	assert_false(prm_deadline_is_set(&a));
	assert_ptr_equal(prm_deadlines_passed(&queue, 10 * MS), &b);
	assert_null(prm_deadlines_passed(&queue, 10 * MS));
}

static void setting_again_starts_anew(void **state)
{
	prm_deadline_set(&queue, &a, 0);
	prm_deadline_set(&queue, &b, 1 * MS);
	prm_deadline_set(&queue, &a, 5 * MS);
	assert_ptr_equal(prm_deadlines_passed(&queue, 11 * MS), &b);
	assert_null(prm_deadlines_passed(&queue, 14 * MS));
	assert_ptr_equal(prm_deadlines_passed(&queue, 15 * MS), &a);
}

/* Two threads may read the clock in one order and set in the other. */
static void an_older_now_keeps_the_order(void **state)
{
	prm_deadline_set(&queue, &a, 5 * MS);
	prm_deadline_set(&queue, &b, 4 * MS);
	prm_deadline_set(&queue, &c, 6 * MS);
	assert_true(b.due_ns == a.due_ns);
	assert_ptr_equal(prm_deadlines_passed(&queue, 15 * MS), &a);
	assert_ptr_equal(prm_deadlines_passed(&queue, 15 * MS), &b);
	assert_null(prm_deadlines_passed(&queue, 15 * MS));
	assert_ptr_equal(prm_deadlines_passed(&queue, 16 * MS), &c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(they_pass_in_order_and_not_before,
				       set_up),
		cmocka_unit_test_setup(a_cleared_one_never_passes, set_up),
		cmocka_unit_test_setup(setting_again_starts_anew, set_up),
		cmocka_unit_test_setup(an_older_now_keeps_the_order, set_up),
	};

	return cmocka_run_group_tests_name("deadline", tests, NULL, NULL);
}
