/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Migration from nexus "source" to nexus "target", with whatever "third" does
 * before each of the commands of the take-over in turn.
 *
 * In the end either the guest has on the target what it had on the source, or
 * it has nothing because another initiator took it away; and a fence that was
 * granted holds.
 */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "lu_manager.h"

#define KEY   UINT64_C(0x6775657374)
#define THIRD UINT64_C(0x7468697264)

/* No take-over needs as many commands. */
#define COMMANDS_MAX 64

static const uint8_t types[] = { 0, 1, 3, 5, 6, 7, 8 };

#define TYPES (sizeof(types) / sizeof(types[0]))

static struct prm_manager *managers[2];
static struct prm_passthrough *source, *target;

/* What the third initiator does, and what became of it. */
static uint8_t third_type;
static int third_status;
static bool third_acted;

static int set_up(void **state)
{
	if (lu_manager_set_up(state))
		return -1;
	managers[0] = lu_manager_new("source");
	managers[1] = lu_manager_new("target");
	return 0;
}

static int tear_down(void **state)
{
	(void)prm_manager_unref(managers[0]);
	(void)prm_manager_unref(managers[1]);
	return 0;
}

/* The guest registers and reserves on the source; its state. */
static struct prm_passthrough_state begin(uint8_t type, bool third_is_there)
{
	struct prm_passthrough_state state = PRM_PASSTHROUGH_STATE_INIT;

	(void)lu_manager_begin(NULL);
	source = lu_device_new("source", ",migrate-pr=on");
	target = lu_device_new("target", ",migrate-pr=on");
	assert_int_equal(lu_device_out(source, 6, 0, 0, KEY), 0);
	if (type)
		assert_int_equal(lu_device_out(source, 1, type, KEY, 0), 0);
	if (third_is_there)
		assert_int_equal(lu_out("third", 6, 0, 0, THIRD), 0);
	assert_int_equal(prm_passthrough_export(source, &state), 0);
	assert_int_equal(state.key, KEY);
	assert_int_equal(state.type, type);
	assert_int_equal(state.uncertain, 0);
	third_acted = false;
	third_type = type ? type : 5;
	return state;
}

static void end(void)
{
	source = prm_passthrough_close(source);
	target = prm_passthrough_close(target);
	lu_script.nexus = NULL;
}

static void assert_holds(const char *holder, const char *other, uint8_t type)
{
	uint64_t key;
	uint8_t held;

	assert_true(lu_is_registered(holder, KEY));
	assert_false(lu_is_registered(other, KEY));
	assert_int_equal(lu_count(KEY), 1);
	if (!type)
		return;
	lu_reservation(&held, &key);
	assert_int_equal(held, type);
	assert_int_equal(key, type >= 7 ? 0 : KEY);
}

static void assert_exported(struct prm_passthrough *device, uint8_t type)
{
	struct prm_passthrough_state state = PRM_PASSTHROUGH_STATE_INIT;

	assert_int_equal(prm_passthrough_export(device, &state), 0);
	assert_int_equal(state.key, KEY);
	assert_int_equal(state.type, type);
}

static void what_the_guest_had_moves(void **state)
{
	size_t i, there;

	for (i = 0; i < TYPES; i++) {
		for (there = 0; there < 2; there++) {
			struct prm_passthrough_state had =
				begin(types[i], there);

			assert_int_equal(prm_passthrough_take_over(target, &had,
								   NULL),
					 0);
			assert_holds("target", "source", types[i]);
			assert_exported(target, types[i]);
			end();
		}
	}
}

static void it_moves_past_a_reservation_of_another(void **state)
{
	struct prm_passthrough_state had = begin(0, true);
	uint64_t key;
	uint8_t type;

	assert_int_equal(lu_out("third", 1, 1, THIRD, 0), 0);
	assert_int_equal(prm_passthrough_take_over(target, &had, NULL), 0);
	assert_holds("target", "source", 0);
	lu_reservation(&type, &key);
	assert_int_equal(type, 1);
	assert_int_equal(key, THIRD);
	end();
}

/* A reservation of all registrants is the guest's too, whoever made it. */
static void it_keeps_a_reservation_of_all_registrants(void **state)
{
	struct prm_passthrough_state had = begin(0, true);
	uint64_t key;
	uint8_t type;

	assert_int_equal(lu_out("third", 1, 7, THIRD, 0), 0);
	assert_int_equal(lu_out("third", 6, 0, 0, 0), 0);
	assert_int_equal(prm_passthrough_take_over(target, &had, NULL), 0);
	lu_reservation(&type, &key);
	assert_int_equal(type, 7);
	assert_holds("target", "source", 7);
	end();
}

static void nothing_moves_without_a_registration(void **state)
{
	struct prm_passthrough_state nothing = PRM_PASSTHROUGH_STATE_INIT;

	(void)begin(1, true);
	assert_int_equal(prm_passthrough_take_over(target, &nothing, NULL), 0);
	assert_holds("source", "target", 1);
	end();
}

static void source_and_target_may_be_one_nexus(void **state)
{
	struct prm_passthrough *same;
	size_t i;

	for (i = 0; i < TYPES; i++) {
		struct prm_passthrough_state had = begin(types[i], true);

		same = lu_device_new("source", "");
		assert_int_equal(prm_passthrough_take_over(same, &had, NULL),
				 0);
		assert_holds("source", "target", types[i]);
		assert_exported(same, types[i]);
		(void)prm_passthrough_close(same);
		end();
	}
}

static void an_old_registration_of_the_target_does_not_matter(void **state)
{
	static const uint64_t keys[] = { KEY, THIRD + 1 };
	size_t i, j;

	for (i = 0; i < TYPES; i++) {
		for (j = 0; j < 2; j++) {
			struct prm_passthrough_state had =
				begin(types[i], false);

			assert_int_equal(lu_out("target", 6, 0, 0, keys[j]), 0);
			assert_int_equal(prm_passthrough_take_over(target, &had,
								   NULL),
					 0);
			assert_holds("target", "source", types[i]);
			assert_int_equal(lu_count(0), 1);
			end();
		}
	}
}

static void states_that_cannot_be_are_refused(void **state)
{
	struct prm_passthrough_state bad = PRM_PASSTHROUGH_STATE_INIT;
	char *error = NULL;

	(void)begin(1, false);
	bad.type = 1;
	assert_int_equal(prm_passthrough_take_over(target, &bad, &error),
			 -EINVAL);
	assert_string_equal(error, "a reservation without a key");
	free(error);
	bad.key = KEY;
	bad.type = 2;
	assert_int_equal(prm_passthrough_take_over(target, &bad, NULL),
			 -EINVAL);
	bad.type = 1;
	bad.size--;
	assert_int_equal(prm_passthrough_take_over(target, &bad, NULL),
			 -EINVAL);
	assert_int_equal(prm_passthrough_take_over(target, NULL, NULL),
			 -EINVAL);
	assert_int_equal(prm_passthrough_export(source, &bad), -EINVAL);
	assert_holds("source", "target", 1);
	end();
}

/* What others may do meanwhile */

static void third_preempts(void)
{
	third_acted = true;
	third_status = lu_out("third", 4, third_type, THIRD, KEY);
}

static void third_registers_and_preempts(void)
{
	(void)lu_out("third", 6, 0, 0, THIRD);
	third_preempts();
}

static void third_preempts_all(void)
{
	third_acted = true;
	third_status = lu_out("third", 4, third_type, THIRD, 0);
}

static void third_clears(void)
{
	third_acted = true;
	third_status = lu_out("third", 3, 0, THIRD, 0);
}

static void third_registers_and_clears(void)
{
	(void)lu_out("third", 6, 0, 0, THIRD);
	third_clears();
}

/* No fence: the guest has nothing to do with it. */
static void third_registers(void)
{
	(void)lu_out("third", 6, 0, 0, THIRD);
}

static void third_and_fourth_register(void)
{
	(void)lu_out("third", 6, 0, 0, THIRD);
	(void)lu_out("fourth", 6, 0, 0, THIRD);
}

static const struct {
	void (*act)(void);
	bool third_is_there;
	bool all_registrants_only;
} acts[] = {
	{ third_preempts, true, false },
	{ third_registers_and_preempts, false, false },
	{ third_preempts_all, true, true },
	{ third_clears, true, false },
	{ third_registers_and_clears, false, false },
	{ third_registers, false, false },
	{ third_and_fourth_register, false, false },
};

#define ACTS (sizeof(acts) / sizeof(acts[0]))

static void assert_allowed(int r, uint8_t type, const char *error)
{
	bool fenced = third_acted && third_status == PRM_STATUS_GOOD;

	if (r == 0)
		assert_holds("target", "source", type);
	if (fenced)
		assert_int_equal(lu_count(KEY), 0);
	/* Whoever was not fenced has no reason to fail. */
	if (r != (fenced ? -ESTALE : 0))
		fail_msg("type %u, before command %u: %d (%s), third got %02x",
			 type, lu_script.at, r, error ? error : "",
			 (unsigned int)third_status);
}

/* One order of events; false when there is no such command any more. */
static bool try_order(size_t act, uint8_t type, unsigned int at, bool mute)
{
	struct prm_passthrough_state had =
		begin(type, acts[act].third_is_there);
	char *error = NULL;
	bool reached;
	int r;

	lu_script = (struct lu_script){
		.nexus = "target",
		.at = at,
		.act = acts[act].act,
		.mute = mute,
	};
	r = prm_passthrough_take_over(target, &had, &error);
	reached = lu_script.commands > at;
	lu_script.nexus = NULL;
	assert_allowed(r, type, error);
	free(error);
	end();
	return reached;
}

static void a_fence_that_was_granted_holds_in_all_orders(void **state)
{
	unsigned int at, orders = 0;
	size_t act, i, mute;

	for (act = 0; act < ACTS; act++) {
		for (i = 0; i < TYPES; i++) {
			if (acts[act].all_registrants_only && types[i] < 7)
				continue;
			for (mute = 0; mute < 2; mute++) {
				for (at = 0; at < COMMANDS_MAX; at++) {
					orders++;
					if (!try_order(act, types[i], at, mute))
						break;
				}
				assert_true(at > 4 && at < COMMANDS_MAX);
			}
		}
	}
	print_message("%u orders of events\n", orders);
}

/* What may fail, and the way back */

static const struct {
	int fail;
	bool carry_out, refuse;
} failures[] = {
	{ -ENOTCONN, false, false },
	{ -ETIMEDOUT, true, false },
	{ -ETIMEDOUT, false, false },
	{ 0, false, true },
};

#define FAILURES (sizeof(failures) / sizeof(failures[0]))

/* One failure on the target, after which the source takes all back. */
static bool try_failure(size_t failure, uint8_t type, unsigned int at)
{
	struct prm_passthrough_state had = begin(type, true);
	char *error = NULL;
	int r;

	lu_script = (struct lu_script){
		.nexus = "target",
		.at = at,
		.fail = failures[failure].fail,
		.carry_out = failures[failure].carry_out,
		.refuse = failures[failure].refuse,
	};
	r = prm_passthrough_take_over(target, &had, &error);
	lu_script.nexus = NULL;
	if (r == 0) {
		assert_null(error);
		assert_holds("target", "source", type);
		end();
		return false;
	}
	assert_non_null(error);
	free(error);
	r = prm_passthrough_take_over(source, &had, NULL);
	/* The device had dropped it, and the target could not restore it. */
	if (r == -ESTALE)
		assert_true((type == 0 || type >= 7) && !lu_count(KEY));
	else
		assert_int_equal(r, 0);
	if (r == 0)
		assert_holds("source", "target", type);
	end();
	return true;
}

static void the_source_takes_everything_back_after_a_failure(void **state)
{
	unsigned int at;
	size_t i, j;

	for (i = 0; i < FAILURES; i++) {
		for (j = 0; j < TYPES; j++) {
			at = 0;
			while (try_failure(i, types[j], at))
				at++;
			assert_true(at > 4);
		}
	}
}

static void a_failure_before_the_move_leaves_no_registration(void **state)
{
	struct prm_passthrough_state had;
	char *error = NULL;

	/* 0: READ KEYS, 1: READ RESERVATION, 2: REGISTER, 3: READ KEYS */
	had = begin(5, true);
	lu_script = (struct lu_script){ .nexus = "target",
					.at = 3,
					.refuse = true };
	assert_int_equal(prm_passthrough_take_over(target, &had, &error), -EIO);
	assert_non_null(strstr(error, "READ KEYS failed"));
	free(error);
	assert_holds("source", "target", 5);
	end();

	/* 4: PREEMPT */
	had = begin(5, true);
	lu_script = (struct lu_script){ .nexus = "target",
					.at = 4,
					.refuse = true };
	assert_int_equal(prm_passthrough_take_over(target, &had, &error), -EIO);
	assert_non_null(strstr(error, "PREEMPT failed"));
	free(error);
	assert_holds("source", "target", 5);
	end();
}

/* Whichever of the commands it is busy for. */
static void a_device_that_is_busy_is_asked_again(void **state)
{
	unsigned int at = 0;

	do {
		struct prm_passthrough_state had = begin(5, true);

		lu_script = (struct lu_script){ .nexus = "target",
						.at = at,
						.busy = 1 };
		assert_int_equal(prm_passthrough_take_over(target, &had, NULL),
				 0);
		assert_holds("target", "source", 5);
		at++;
		end();
	} while (at < lu_script.commands - 1);
	assert_true(at > 4);
}

static void a_device_that_stays_busy_is_given_up(void **state)
{
	struct prm_passthrough_state had = begin(5, true);
	char *error = NULL;

	lu_script = (struct lu_script){ .nexus = "target",
					.at = 2,
					.busy = UINT_MAX };
	assert_int_equal(prm_passthrough_take_over(target, &had, &error), -EIO);
	assert_non_null(strstr(error, "failed: BUSY"));
	free(error);
	assert_holds("source", "target", 5);
	end();
}

static void what_was_lost_before_is_not_taken_over(void **state)
{
	struct prm_passthrough_state had = begin(5, true);
	char *error = NULL;

	assert_int_equal(lu_out("third", 4, 5, THIRD, KEY), 0);
	assert_int_equal(prm_passthrough_take_over(target, &had, &error),
			 -ESTALE);
	assert_non_null(strstr(error, "not registered any more"));
	free(error);
	assert_int_equal(lu_count(KEY), 0);
	end();

	had = begin(5, true);
	assert_int_equal(lu_device_out(source, 2, 5, KEY, 0), 0);
	assert_int_equal(prm_passthrough_take_over(target, &had, &error),
			 -ESTALE);
	assert_non_null(strstr(error, "not held any more"));
	free(error);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_guest_had_moves),
		cmocka_unit_test(it_moves_past_a_reservation_of_another),
		cmocka_unit_test(it_keeps_a_reservation_of_all_registrants),
		cmocka_unit_test(nothing_moves_without_a_registration),
		cmocka_unit_test(source_and_target_may_be_one_nexus),
		cmocka_unit_test(
			an_old_registration_of_the_target_does_not_matter),
		cmocka_unit_test(states_that_cannot_be_are_refused),
		cmocka_unit_test(a_fence_that_was_granted_holds_in_all_orders),
		cmocka_unit_test(
			the_source_takes_everything_back_after_a_failure),
		cmocka_unit_test(
			a_failure_before_the_move_leaves_no_registration),
		cmocka_unit_test(a_device_that_is_busy_is_asked_again),
		cmocka_unit_test(a_device_that_stays_busy_is_given_up),
		cmocka_unit_test(what_was_lost_before_is_not_taken_over),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
