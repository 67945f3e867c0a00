/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who goes into a device, who waits, and that nobody is forgotten. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/sysmacros.h>
#include <cmocka.h>
#include "helper/serve/lane.h"
#include "helper/serve/limits.h"

#define MAX PRM_LANE_RUNNING_MAX

static struct prm_lane_id disk(unsigned int index)
{
	return (struct prm_lane_id){ .number = makedev(8, index),
				     .block = true };
}

static struct prm_lanes lanes;
static struct prm_job jobs[256];

static int set_up(void **state)
{
	prm_lanes_init(&lanes);
	for (size_t i = 0; i < 256; i++)
		prm_job_init(&jobs[i]);
	return 0;
}

static void assert_runs(struct prm_lane_id id, struct prm_job *job)
{
	assert_int_equal(prm_lane_enter(&lanes, id, job, PRM_SUPPLY_PLENTY), 0);
	assert_int_equal(job->state, PRM_JOB_RUNNING);
}

static void assert_parks(struct prm_lane_id id, struct prm_job *job)
{
	assert_int_equal(prm_lane_enter(&lanes, id, job, PRM_SUPPLY_PLENTY), 0);
	assert_int_equal(job->state, PRM_JOB_PARKED);
}

/* Fill the lane of @id with the first jobs from @first on. */
static void fill(struct prm_lane_id id, size_t first)
{
	for (size_t i = 0; i < MAX; i++)
		assert_runs(id, &jobs[first + i]);
}

static void empty(size_t first)
{
	for (size_t i = 0; i < MAX; i++)
		prm_lane_leave(&lanes, &jobs[first + i]);
}

static void four_run_and_the_fifth_waits(void **state)
{
	fill(disk(0), 0);
	assert_parks(disk(0), &jobs[10]);
	assert_null(prm_lane_next(&lanes, PRM_SUPPLY_PLENTY));
	prm_lane_leave(&lanes, &jobs[2]);
	assert_ptr_equal(prm_lane_next(&lanes, PRM_SUPPLY_PLENTY), &jobs[10]);
	assert_int_equal(jobs[10].state, PRM_JOB_RUNNING);
	assert_null(prm_lane_next(&lanes, PRM_SUPPLY_PLENTY));
	jobs[2] = jobs[10];
	empty(0);
	assert_int_equal(lanes.count, 0);
}

static void devices_do_not_wait_for_each_other(void **state)
{
	struct prm_lane_id tape = { .number = makedev(8, 0) };

	fill(disk(0), 0);
	assert_runs(disk(1), &jobs[10]);
	/* A character device of the same number is another device. */
	assert_runs(tape, &jobs[11]);
	assert_int_equal(lanes.count, 3);
	prm_lane_leave(&lanes, &jobs[10]);
	prm_lane_leave(&lanes, &jobs[11]);
	empty(0);
	assert_int_equal(lanes.count, 0);
}

static void those_who_wait_go_in_order(void **state)
{
	fill(disk(0), 0);
	for (size_t i = 10; i < 20; i++)
		assert_parks(disk(0), &jobs[i]);
	prm_lane_leave(&lanes, &jobs[0]);
	/* Not past those who wait, though there is a place. */
	assert_parks(disk(0), &jobs[20]);
	for (size_t i = 10; i <= 20; i++) {
		assert_ptr_equal(prm_lane_next(&lanes, PRM_SUPPLY_PLENTY),
				 &jobs[i]);
		prm_lane_leave(&lanes, &jobs[i]);
	}
	for (size_t i = 1; i < MAX; i++)
		prm_lane_leave(&lanes, &jobs[i]);
	assert_int_equal(lanes.count, 0);
}

static void devices_take_turns(void **state)
{
	fill(disk(0), 0);
	fill(disk(1), 4);
	for (size_t i = 10; i < 14; i++)
		assert_parks(disk(0), &jobs[i]);
	assert_parks(disk(1), &jobs[20]);
	empty(0);
	empty(4);
	assert_ptr_equal(prm_lane_next(&lanes, PRM_SUPPLY_PLENTY), &jobs[10]);
	assert_ptr_equal(prm_lane_next(&lanes, PRM_SUPPLY_PLENTY), &jobs[20]);
	assert_ptr_equal(prm_lane_next(&lanes, PRM_SUPPLY_PLENTY), &jobs[11]);
	assert_ptr_equal(prm_lane_next(&lanes, PRM_SUPPLY_PLENTY), &jobs[12]);
	assert_ptr_equal(prm_lane_next(&lanes, PRM_SUPPLY_PLENTY), &jobs[13]);
	assert_null(prm_lane_next(&lanes, PRM_SUPPLY_PLENTY));
	for (size_t i = 10; i < 14; i++)
		prm_lane_leave(&lanes, &jobs[i]);
	prm_lane_leave(&lanes, &jobs[20]);
	assert_int_equal(lanes.count, 0);
}

static void scarce_workers_go_to_idle_devices_only(void **state)
{
	assert_int_equal(prm_lane_enter(&lanes, disk(0), &jobs[0],
					PRM_SUPPLY_SCARCE),
			 0);
	assert_int_equal(jobs[0].state, PRM_JOB_RUNNING);
	assert_int_equal(prm_lane_enter(&lanes, disk(0), &jobs[1],
					PRM_SUPPLY_SCARCE),
			 0);
	assert_int_equal(jobs[1].state, PRM_JOB_PARKED);
	assert_false(prm_lane_has_next(&lanes, PRM_SUPPLY_SCARCE));
	assert_null(prm_lane_next(&lanes, PRM_SUPPLY_SCARCE));
	prm_lane_leave(&lanes, &jobs[0]);
	assert_true(prm_lane_has_next(&lanes, PRM_SUPPLY_SCARCE));
	assert_ptr_equal(prm_lane_next(&lanes, PRM_SUPPLY_SCARCE), &jobs[1]);
	prm_lane_leave(&lanes, &jobs[1]);
	assert_int_equal(lanes.count, 0);
}

static void who_waited_for_want_of_workers_is_not_forgotten(void **state)
{
	assert_runs(disk(0), &jobs[0]);
	assert_int_equal(prm_lane_enter(&lanes, disk(0), &jobs[1],
					PRM_SUPPLY_SCARCE),
			 0);
	assert_int_equal(jobs[1].state, PRM_JOB_PARKED);
	/* Nothing happens in that lane; workers have come back. */
	assert_true(prm_lane_has_next(&lanes, PRM_SUPPLY_PLENTY));
	assert_ptr_equal(prm_lane_next(&lanes, PRM_SUPPLY_PLENTY), &jobs[1]);
	prm_lane_leave(&lanes, &jobs[0]);
	prm_lane_leave(&lanes, &jobs[1]);
	assert_int_equal(lanes.count, 0);
}

static void without_threads_all_wait(void **state)
{
	assert_int_equal(
		prm_lane_enter(&lanes, disk(0), &jobs[0], PRM_SUPPLY_NONE), 0);
	assert_int_equal(jobs[0].state, PRM_JOB_PARKED);
	assert_null(prm_lane_next(&lanes, PRM_SUPPLY_NONE));
	assert_ptr_equal(prm_lane_next(&lanes, PRM_SUPPLY_SCARCE), &jobs[0]);
	prm_lane_leave(&lanes, &jobs[0]);
}

static void a_withdrawn_job_never_runs(void **state)
{
	fill(disk(0), 0);
	assert_parks(disk(0), &jobs[10]);
	assert_parks(disk(0), &jobs[11]);
	prm_lane_withdraw(&lanes, &jobs[10]);
	assert_int_equal(jobs[10].state, PRM_JOB_OUTSIDE);
	assert_int_equal(lanes.parked, 1);
	prm_lane_leave(&lanes, &jobs[0]);
	assert_ptr_equal(prm_lane_next(&lanes, PRM_SUPPLY_PLENTY), &jobs[11]);
	assert_null(prm_lane_next(&lanes, PRM_SUPPLY_PLENTY));
	jobs[0] = jobs[11];
	empty(0);
	assert_int_equal(lanes.count, 0);
}

static void parked_jobs_are_found_by_ticket(void **state)
{
	fill(disk(0), 0);
	jobs[10].ticket = 77;
	jobs[0].ticket = 78;
	assert_parks(disk(0), &jobs[10]);
	assert_ptr_equal(prm_lane_find(&lanes, 77), &jobs[10]);
	assert_null(prm_lane_find(&lanes, 78));
	prm_lane_leave(&lanes, &jobs[1]);
	assert_ptr_equal(prm_lane_next(&lanes, PRM_SUPPLY_PLENTY), &jobs[10]);
	assert_null(prm_lane_find(&lanes, 77));
	jobs[1] = jobs[10];
	empty(0);
}

static void a_retired_job_does_not_wait_for_hung_commands(void **state)
{
	fill(disk(0), 0);
	assert_parks(disk(0), &jobs[10]);
	assert_int_equal(prm_lane_retire(&lanes, disk(0), &jobs[20]), 0);
	assert_int_equal(prm_lane_retire(&lanes, disk(0), &jobs[21]), 0);
	assert_ptr_equal(prm_lane_next(&lanes, PRM_SUPPLY_PLENTY), &jobs[20]);
	assert_int_equal(jobs[20].state, PRM_JOB_CLOSING);
	/* One at a time: closing may hang as well. */
	assert_null(prm_lane_next(&lanes, PRM_SUPPLY_PLENTY));
	prm_lane_leave(&lanes, &jobs[20]);
	assert_ptr_equal(prm_lane_next(&lanes, PRM_SUPPLY_PLENTY), &jobs[21]);
	prm_lane_leave(&lanes, &jobs[21]);
	prm_lane_withdraw(&lanes, &jobs[10]);
	empty(0);
	assert_int_equal(lanes.count, 0);
}

static void so_many_may_be_retired_and_no_more(void **state)
{
	for (size_t i = 0; i < PRM_LANE_CLOSING_MAX; i++)
		assert_int_equal(prm_lane_retire(&lanes, disk(0), &jobs[i]), 0);
	assert_int_equal(prm_lane_retire(&lanes, disk(0),
					 &jobs[PRM_LANE_CLOSING_MAX]),
			 -EBUSY);
	assert_int_equal(jobs[PRM_LANE_CLOSING_MAX].state, PRM_JOB_OUTSIDE);
	for (size_t i = 0; i < PRM_LANE_CLOSING_MAX; i++) {
		assert_ptr_equal(prm_lane_next(&lanes, PRM_SUPPLY_PLENTY),
				 &jobs[i]);
		prm_lane_leave(&lanes, &jobs[i]);
	}
	assert_int_equal(lanes.count, 0);
}

/* Random steps, and after each: what must be true of every lane. */

#define DISKS 5
#define JOBS  64

static unsigned int where[JOBS];

struct tally {
	unsigned int running, closing, parked, retired;
};

static struct tally tally_of(unsigned int index)
{
	struct tally tally = { 0 };

	for (size_t i = 0; i < JOBS; i++) {
		if (where[i] != index)
			continue;
		tally.running += jobs[i].state == PRM_JOB_RUNNING;
		tally.closing += jobs[i].state == PRM_JOB_CLOSING;
		tally.parked += jobs[i].state == PRM_JOB_PARKED;
		tally.retired += jobs[i].state == PRM_JOB_RETIRED;
	}
	return tally;
}

static void check_all(void)
{
	bool next = false, next_scarce = false;
	size_t count = 0, parked = 0;

	for (unsigned int i = 0; i < DISKS; i++) {
		struct tally t = tally_of(i);
		bool ready = (t.parked && t.running < MAX) ||
			     (t.retired && !t.closing);

		assert_in_range(t.running, 0, MAX);
		assert_in_range(t.closing, 0, 1);
		next |= ready;
		next_scarce |= ready && !t.running && !t.closing;
		count += t.running || t.closing || t.parked || t.retired;
		parked += t.parked;
	}
	assert_int_equal(lanes.count, count);
	assert_int_equal(lanes.parked, parked);
	assert_int_equal(prm_lane_has_next(&lanes, PRM_SUPPLY_PLENTY), next);
	assert_int_equal(prm_lane_has_next(&lanes, PRM_SUPPLY_SCARCE),
			 next_scarce);
}

static void step(unsigned int random)
{
	struct prm_job *job = &jobs[random % JOBS];
	unsigned int index = random / JOBS % DISKS;
	enum prm_supply supply = random >> 16 & 1;

	switch (job->state) {
	case PRM_JOB_OUTSIDE:
		where[job - jobs] = index;
		if (random & 0x60000)
			assert_int_equal(prm_lane_enter(&lanes, disk(index),
							job, supply),
					 0);
		else
			assert_int_equal(
				prm_lane_retire(&lanes, disk(index), job), 0);
		break;
	case PRM_JOB_PARKED:
		if (random & 0x20000)
			prm_lane_withdraw(&lanes, job);
		else
			(void)prm_lane_next(&lanes, supply);
		break;
	case PRM_JOB_RETIRED: (void)prm_lane_next(&lanes, supply); break;
	default: prm_lane_leave(&lanes, job);
	}
}

static void any_steps_keep_the_rules(void **state)
{
	uint64_t random = 1;

	for (unsigned int i = 0; i < 1u << 18; i++) {
		random = random * UINT64_C(6364136223846793005) + 1442695041;
		step((unsigned int)(random >> 33));
		check_all();
	}
	for (bool more = true; more;) {
		struct prm_job *job = prm_lane_next(&lanes, PRM_SUPPLY_PLENTY);

		more = job != NULL;
		for (size_t i = 0; i < JOBS; i++)
			if (jobs[i].state == PRM_JOB_RUNNING ||
			    jobs[i].state == PRM_JOB_CLOSING) {
				prm_lane_leave(&lanes, &jobs[i]);
				more = true;
			}
	}
	assert_int_equal(lanes.count, 0);
	assert_int_equal(lanes.parked, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(four_run_and_the_fifth_waits, set_up),
		cmocka_unit_test_setup(devices_do_not_wait_for_each_other,
				       set_up),
		cmocka_unit_test_setup(those_who_wait_go_in_order, set_up),
		cmocka_unit_test_setup(devices_take_turns, set_up),
		cmocka_unit_test_setup(scarce_workers_go_to_idle_devices_only,
				       set_up),
		cmocka_unit_test_setup(
			who_waited_for_want_of_workers_is_not_forgotten,
			set_up),
		cmocka_unit_test_setup(without_threads_all_wait, set_up),
		cmocka_unit_test_setup(a_withdrawn_job_never_runs, set_up),
		cmocka_unit_test_setup(parked_jobs_are_found_by_ticket, set_up),
		cmocka_unit_test_setup(
			a_retired_job_does_not_wait_for_hung_commands, set_up),
		cmocka_unit_test_setup(so_many_may_be_retired_and_no_more,
				       set_up),
		cmocka_unit_test_setup(any_steps_keep_the_rules, set_up),
	};

	return cmocka_run_group_tests_name("lane", tests, NULL, NULL);
}
