/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether the descriptors handed out ever exceed those there are. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "helper/serve/limits.h"
#include "ipc/pass.h"

static void what_is_asked_for_is_given_where_there_is_room(void **state)
{
	struct prm_limits limits;

	assert_int_equal(prm_limits_init(&limits, PRM_MAX_SESSIONS,
					 PRM_MAX_WORKERS, 2, 524288),
			 0);
	assert_int_equal(limits.sessions, PRM_MAX_SESSIONS);
	assert_int_equal(limits.workers, PRM_MAX_WORKERS);
	assert_int_equal(limits.pile, PRM_PILE_MAX);
}

static void no_division_needs_more_than_there_is(void **state)
{
	for (size_t nofile = 0; nofile < 4096; nofile++) {
		struct prm_limits limits;
		size_t needed;
		int r = prm_limits_init(&limits, 300, 16, 2, nofile);

		if (r < 0) {
			assert_int_equal(r, -EMFILE);
			continue;
		}
		needed = PRM_OWN_FDS + 2 * limits.sessions + limits.pile +
			 (size_t)limits.workers * PRM_WORKER_FDS;
		assert_in_range(needed, 1, nofile);
		assert_in_range(limits.sessions, 1, 300);
		assert_true(limits.pile >= PRM_PILE_MIN);
	}
}

static void a_usual_soft_limit_will_do(void **state)
{
	struct prm_limits limits;

	assert_int_equal(prm_limits_init(&limits, PRM_MAX_SESSIONS,
					 PRM_MAX_WORKERS, 2, 1024),
			 0);
	assert_true(limits.sessions > 100);
	assert_true(limits.workers > 50);
}

static void there_are_as_many_workers_as_processors(void **state)
{
	struct prm_limits limits;

	assert_int_equal(prm_limits_init(&limits, 1, 256, 16, 9999), 0);
	assert_int_equal(limits.base, 16);
	assert_int_equal(prm_limits_init(&limits, 1, 256, 1, 9999), 0);
	assert_int_equal(limits.base, PRM_MIN_WORKERS);
	assert_int_equal(prm_limits_init(&limits, 1, 4, 16, 9999), 0);
	assert_int_equal(limits.base, 4);
	assert_int_equal(prm_limits_init(&limits, 1, 1, 16, 9999), 0);
	assert_int_equal(limits.workers, PRM_MIN_WORKERS);
}

/* However few there are: one who takes his share leaves a message to others. */
static void a_share_leaves_something_to_others(void **state)
{
	struct prm_limits limits;

	for (size_t nofile = 700; nofile < 20000; nofile++) {
		if (prm_limits_init(&limits, 300, 16, 2, nofile) < 0)
			continue;
		assert_true(limits.share >= PRM_PASS_FDS_MAX);
		assert_true(limits.pile - limits.share >= PRM_PASS_FDS_MAX);
	}
	assert_int_equal(prm_limits_init(&limits, PRM_MAX_SESSIONS,
					 PRM_MAX_WORKERS, 2, 524288),
			 0);
	assert_int_equal(limits.share, PRM_PILE_MAX / PRM_PILE_SHARES);
}

static void who_has_many_sessions_leaves_some_to_others(void **state)
{
	const struct prm_limits limits = { .sessions = 100 };

	for (size_t own = 0; own < PRM_FEW_SESSIONS; own++) {
		assert_true(prm_limits_admit(&limits, 99, own));
		assert_false(prm_limits_admit(&limits, 100, own));
	}
	assert_true(prm_limits_admit(&limits, 74, PRM_FEW_SESSIONS));
	assert_false(prm_limits_admit(&limits, 75, PRM_FEW_SESSIONS));
	assert_true(prm_limits_admit(&limits, 74, 74));
	assert_false(prm_limits_admit(&limits, 75, 75));
}

static void zero_is_refused(void **state)
{
	struct prm_limits limits;

	assert_int_equal(prm_limits_init(&limits, 0, 1, 1, 9999), -EINVAL);
	assert_int_equal(prm_limits_init(&limits, 1, 0, 1, 9999), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			what_is_asked_for_is_given_where_there_is_room),
		cmocka_unit_test(no_division_needs_more_than_there_is),
		cmocka_unit_test(a_usual_soft_limit_will_do),
		cmocka_unit_test(there_are_as_many_workers_as_processors),
		cmocka_unit_test(a_share_leaves_something_to_others),
		cmocka_unit_test(who_has_many_sessions_leaves_some_to_others),
		cmocka_unit_test(zero_is_refused),
	};

	return cmocka_run_group_tests_name("limits", tests, NULL, NULL);
}
