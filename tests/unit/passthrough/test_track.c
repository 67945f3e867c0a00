/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is learnt from a guest's commands, by the rules of SPC-4, 5.13. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/cursor.h"
#include "passthrough/track.h"
#include "scsi/cdb.h"
#include "scsi/pr_in.h"
#include "scsi/sense.h"

#define KEY   UINT64_C(0x1122334455667788)
#define OTHER UINT64_C(0x99)

#define GOOD                                                                   \
	{                                                                      \
		sizeof(struct prm_reply), PRM_STATUS_GOOD, { 0 }, 0, 0         \
	}

static struct prm_reply with_sense(uint32_t code)
{
	struct prm_reply reply = PRM_REPLY_INIT;

	prm_sense_encode_code(code, reply.sense);
	reply.sense_len = PRM_SENSE_FIXED_LEN;
	return reply;
}

static void learn(struct prm_track *track, uint8_t action, uint8_t type,
		  uint64_t new_key, int error, const struct prm_reply *reply)
{
	struct prm_command command = PRM_COMMAND_INIT;
	struct prm_pr_cdb cdb = {
		.out = true, .action = action, .type = type, .length = 24
	};
	uint8_t list[24] = { 0 };

	prm_put_be64(list, track->key);
	prm_put_be64(list + 8, new_key);
	prm_pr_cdb_encode(&cdb, command.cdb);
	command.cdb_len = 10;
	command.data = list;
	command.data_len = sizeof(list);
	prm_track_out(track, &command, error, reply);
}

static void assert_has(const struct prm_track *track, uint64_t key,
		       uint8_t type)
{
	assert_int_equal(track->key, key);
	assert_int_equal(track->type, type);
}

static void executed_commands_change_what_is_held(void **state)
{
	static const struct {
		uint64_t key;
		uint8_t type;
		uint8_t action, cdb_type;
		uint64_t new_key;
		uint64_t then_key;
		uint8_t then_type;
	} rows[] = {
		{ 0, 0, PRM_PR_OUT_REGISTER, 0, KEY, KEY, 0 },
		{ 0, 0, PRM_PR_OUT_REGISTER_AND_IGNORE, 0, KEY, KEY, 0 },
		{ 0, 0, PRM_PR_OUT_REGISTER, 0, 0, 0, 0 },
		{ KEY, 0, PRM_PR_OUT_RESERVE, 5, 0, KEY, 5 },
		{ KEY, 1, PRM_PR_OUT_REGISTER, 0, OTHER, OTHER, 1 },
		{ KEY, 1, PRM_PR_OUT_REGISTER, 0, 0, 0, 0 },
		{ KEY, 8, PRM_PR_OUT_REGISTER_AND_IGNORE, 0, 0, 0, 0 },
		{ KEY, 3, PRM_PR_OUT_RELEASE, 3, 0, KEY, 0 },
		{ KEY, 0, PRM_PR_OUT_RELEASE, 3, 0, KEY, 0 },
		{ KEY, 6, PRM_PR_OUT_CLEAR, 0, 0, 0, 0 },
		{ KEY, 6, PRM_PR_OUT_REGISTER_AND_MOVE, 0, OTHER, KEY, 0 },
		{ 0, 0, PRM_PR_OUT_REPLACE_LOST, 1, KEY, KEY, 1 },
		{ KEY, 1, 0x1f, 3, OTHER, KEY, 1 },
	};
	const struct prm_reply good = GOOD;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct prm_track track = { rows[i].key, rows[i].type };

		learn(&track, rows[i].action, rows[i].cdb_type, rows[i].new_key,
		      0, &good);
		assert_has(&track, rows[i].then_key, rows[i].then_type);
		assert_false(track.uncertain);
		assert_false(track.ask);
	}
}

static void refused_commands_change_nothing(void **state)
{
	struct prm_reply conflict = GOOD;
	struct prm_reply refused = with_sense(PRM_SENSE_INVALID_FIELD_IN_CDB);
	struct prm_track track = { KEY, 5 };
	uint8_t action;

	conflict.status = PRM_STATUS_RESERVATION_CONFLICT;
	for (action = 0; action < 9; action++) {
		learn(&track, action, 1, 0, 0, &conflict);
		learn(&track, action, 1, 0, 0, &refused);
		learn(&track, action, 1, 0, -ENOTCONN, &refused);
		learn(&track, action, 1, 0, -EINVAL, &refused);
		learn(&track, action, 1, 0, -EBADF, &refused);
	}
	assert_has(&track, KEY, 5);
	assert_false(track.uncertain);
}

static void a_recovered_error_was_carried_out(void **state)
{
	struct prm_reply recovered = with_sense(0x011701);
	struct prm_track track = { 0 };

	learn(&track, PRM_PR_OUT_REGISTER, 0, KEY, 0, &recovered);
	assert_has(&track, KEY, 0);
}

static void no_answer_leaves_doubt(void **state)
{
	const struct prm_reply none = PRM_REPLY_INIT;
	struct prm_track track = { KEY, 5 };

	learn(&track, PRM_PR_OUT_CLEAR, 0, 0, -ETIMEDOUT, &none);
	assert_has(&track, KEY, 5);
	assert_true(track.uncertain);
}

static void moving_may_unregister(void **state)
{
	const struct prm_reply good = GOOD;
	struct prm_command command = PRM_COMMAND_INIT;
	struct prm_pr_cdb cdb = { .out = true,
				  .action = PRM_PR_OUT_REGISTER_AND_MOVE,
				  .length = 48 };
	uint8_t list[48] = { [17] = 0x02 };
	struct prm_track track = { KEY, 5 };

	prm_pr_cdb_encode(&cdb, command.cdb);
	command.cdb_len = 10;
	command.data = list;
	command.data_len = sizeof(list);
	prm_track_out(&track, &command, 0, &good);
	assert_has(&track, 0, 0);
}

static void the_device_is_asked_what_a_preempt_did(void **state)
{
	const struct prm_reply good = GOOD;
	struct prm_track track = { KEY, 0 };

	learn(&track, PRM_PR_OUT_PREEMPT, 5, OTHER, 0, &good);
	assert_true(track.ask);
	assert_false(track.ask_keys);
	learn(&track, PRM_PR_OUT_PREEMPT_AND_ABORT, 5, KEY, 0, &good);
	assert_true(track.ask_keys);
}

static void assert_learnt(uint64_t key, bool held, uint64_t holder,
			  uint8_t type, uint8_t expected)
{
	struct prm_reservation reservation = { .held = held,
					       .key = holder,
					       .type = type };
	struct prm_track track = { .key = key, .type = 3, .ask = true };
	uint8_t data[24];
	size_t len = prm_reservation_encode(&reservation, data, sizeof(data));

	prm_track_reservation(&track, data, len);
	assert_false(track.ask);
	assert_int_equal(track.type, expected);
}

static void the_reservation_is_ours_by_key_or_by_type(void **state)
{
	assert_learnt(KEY, false, 0, 0, 0);
	assert_learnt(KEY, true, KEY, 5, 5);
	assert_learnt(KEY, true, OTHER, 5, 0);
	assert_learnt(KEY, true, 0, 7, 7);
	assert_learnt(0, true, 0, 7, 0);
}

static void unreadable_answers_teach_nothing(void **state)
{
	struct prm_track track = {
		.key = KEY, .type = 3, .ask = true, .ask_keys = true
	};
	const uint8_t data[7] = { 0 };

	prm_track_reservation(&track, data, sizeof(data));
	prm_track_keys(&track, data, sizeof(data));
	assert_true(track.ask);
	assert_true(track.ask_keys);
	assert_has(&track, KEY, 3);
}

static void a_key_that_is_gone_is_forgotten(void **state)
{
	struct prm_track track = { .key = KEY, .type = 3, .ask_keys = true };
	const uint64_t keys[2] = { OTHER, KEY };
	uint8_t data[24];

	(void)prm_keys_encode(1, keys, 2, data, sizeof(data));
	prm_track_keys(&track, data, sizeof(data));
	assert_has(&track, KEY, 3);
	assert_false(track.ask_keys);
	/* Cut off: the key may be behind the end. */
	prm_track_keys(&track, data, 16);
	assert_has(&track, KEY, 3);
	(void)prm_keys_encode(1, keys, 1, data, sizeof(data));
	prm_track_keys(&track, data, 16);
	assert_has(&track, 0, 0);
}

static void attentions_tell_what_others_took(void **state)
{
	struct prm_track track = { KEY, 5 };
	struct prm_reply reply;

	reply = with_sense(PRM_SENSE_RESERVATIONS_RELEASED);
	prm_track_attention(&track, &reply);
	reply = with_sense(PRM_SENSE_POWER_ON_OR_RESET);
	prm_track_attention(&track, &reply);
	reply = with_sense(PRM_SENSE_INVALID_FIELD_IN_CDB);
	prm_track_attention(&track, &reply);
	assert_has(&track, KEY, 5);
	reply = with_sense(PRM_SENSE_REGISTRATIONS_PREEMPTED);
	prm_track_attention(&track, &reply);
	assert_has(&track, 0, 0);
	track = (struct prm_track){ KEY, 5 };
	reply = with_sense(PRM_SENSE_RESERVATIONS_PREEMPTED);
	learn(&track, PRM_PR_OUT_RESERVE, 5, 0, 0, &reply);
	assert_has(&track, 0, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(executed_commands_change_what_is_held),
		cmocka_unit_test(refused_commands_change_nothing),
		cmocka_unit_test(a_recovered_error_was_carried_out),
		cmocka_unit_test(no_answer_leaves_doubt),
		cmocka_unit_test(moving_may_unregister),
		cmocka_unit_test(the_device_is_asked_what_a_preempt_did),
		cmocka_unit_test(the_reservation_is_ours_by_key_or_by_type),
		cmocka_unit_test(unreadable_answers_teach_nothing),
		cmocka_unit_test(a_key_that_is_gone_is_forgotten),
		cmocka_unit_test(attentions_tell_what_others_took),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
