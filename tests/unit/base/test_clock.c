/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Time that only goes forward. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/clock.h"

static void time_never_goes_back(void **state)
{
	int64_t before = prm_clock_ns(), now;

	for (int i = 0; i < 10000; i++) {
		now = prm_clock_ns();
		assert_true(now >= before);
		before = now;
	}
}

static void units_are_nanoseconds_of_the_monotonic_clock(void **state)
{
	struct timespec a, b;
	int64_t ns;

	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &a), 0);
	ns = prm_clock_ns();
	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &b), 0);
	assert_true(ns >= a.tv_sec * PRM_NS_PER_S + a.tv_nsec);
	assert_true(ns <= b.tv_sec * PRM_NS_PER_S + b.tv_nsec);
	assert_true(PRM_NS_PER_S == 1000 * PRM_NS_PER_MS);
	assert_true(PRM_NS_PER_MS == 1000 * PRM_NS_PER_US);
}

static void any_time_is_seconds_and_a_rest(void **state)
{
	static const struct {
		int64_t ns;
		time_t seconds;
		long rest;
	} cases[] = {
		{ 0, 0, 0 },
		{ 999999999, 0, 999999999 },
		{ 1000000000, 1, 0 },
		{ 2147483647 * PRM_NS_PER_S + 7, 2147483647, 7 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct timespec time = prm_clock_timespec(cases[i].ns);

		assert_true(time.tv_sec == cases[i].seconds);
		assert_true(time.tv_nsec == cases[i].rest);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(time_never_goes_back),
		cmocka_unit_test(units_are_nanoseconds_of_the_monotonic_clock),
		cmocka_unit_test(any_time_is_seconds_and_a_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
