/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* So many in a second, and the others are counted. */
#include "log_test.h"
#include "base/clock.h"
#include "helper/log/rate.h"

static int64_t now = 1000 * PRM_NS_PER_S;

/* As many as there may be, and @more. */
static void take(unsigned int more)
{
	for (int i = 0; i < PRM_AUDIT_RATE_PER_S; i++)
		assert_true(prm_audit_rate_take(now));
	for (unsigned int i = 0; i < more; i++)
		assert_false(prm_audit_rate_take(now + PRM_NS_PER_S - 1));
}

static void there_are_so_many_in_a_second(void **state)
{
	take(0);
	assert_int_equal(prm_audit_rate_left_out(now + PRM_NS_PER_S), 0);
	now += PRM_NS_PER_S;
	take(1);
	now += PRM_NS_PER_S;
	take(0);
}

static void what_is_left_out_is_told_once(void **state)
{
	now += 10 * PRM_NS_PER_S;
	(void)prm_audit_rate_left_out(now);
	take(42);
	assert_int_equal(prm_audit_rate_left_out(now + PRM_NS_PER_S - 1), 0);
	assert_int_equal(prm_audit_rate_left_out(now + PRM_NS_PER_S), 42);
	assert_int_equal(prm_audit_rate_left_out(now + PRM_NS_PER_S), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_are_so_many_in_a_second),
		cmocka_unit_test(what_is_left_out_is_told_once),
	};

	return cmocka_run_group_tests_name("rate", tests, NULL, NULL);
}
