/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether what is ready finds somebody who is idle. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "helper/serve/desk.h"
#include "helper/serve/limits.h"

static struct prm_desk desk;
static struct prm_worker workers[2];
static struct prm_job jobs[PRM_LANE_RUNNING_MAX + 1];

static const struct prm_lane_id disk = { .number = 8, .block = true };

/* Two workers; a disk with as many jobs as it may have, and one that waits. */
static int set_up(void **state)
{
	prm_desk_init(&desk, 1000, 2, 64);
	for (size_t i = 0; i < 2; i++)
		prm_crew_join(&desk.crew, &workers[i]);
	for (size_t i = 0; i <= PRM_LANE_RUNNING_MAX; i++) {
		prm_job_init(&jobs[i]);
		assert_int_equal(prm_lane_enter(&desk.lanes, disk, &jobs[i],
						PRM_SUPPLY_PLENTY),
				 0);
	}
	return 0;
}

static int tear_down(void **state)
{
	for (size_t i = 0; i <= PRM_LANE_RUNNING_MAX; i++) {
		if (jobs[i].state == PRM_JOB_RUNNING)
			prm_lane_leave(&desk.lanes, &jobs[i]);
		else if (jobs[i].state == PRM_JOB_PARKED)
			prm_lane_withdraw(&desk.lanes, &jobs[i]);
	}
	prm_desk_deinit(&desk);
	return 0;
}

/* Its worker may be taken up by another device before it looks again. */
static void a_place_that_becomes_free_is_for_who_is_idle(void **state)
{
	prm_crew_rest(&desk.crew, &workers[1]);
	assert_false(prm_desk_is_left(&desk));
	prm_lane_leave(&desk.lanes, &jobs[0]);
	assert_true(prm_desk_is_left(&desk));
	assert_non_null(prm_desk_next(&desk, &workers[0], true));
	assert_false(prm_desk_is_left(&desk));
	prm_crew_exit(&desk.crew, &workers[0]);
}

/* Then it is the next to look, or the watcher. */
static void without_anybody_idle_nobody_is_to_be_told(void **state)
{
	prm_lane_leave(&desk.lanes, &jobs[0]);
	assert_false(prm_desk_is_left(&desk));
}

#define CLAIM(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM(a_place_that_becomes_free_is_for_who_is_idle),
		CLAIM(without_anybody_idle_nobody_is_to_be_told),
	};

	return cmocka_run_group_tests_name("desk", tests, NULL, NULL);
}
