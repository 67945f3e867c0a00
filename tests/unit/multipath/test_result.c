/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every result of libmpathpersist, against a second copy of the table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "multipath/library.h"
#include "multipath/result.h"
#include "scsi/sense.h"

static uint32_t code_of(int result)
{
	struct prm_reply reply = PRM_REPLY_INIT;
	struct prm_sense sense;

	prm_result_reply(result, &reply);
	assert_int_equal(reply.status, PRM_STATUS_CHECK_CONDITION);
	assert_int_equal(prm_sense_decode(reply.sense, reply.sense_len, &sense),
			 PRM_DECODE_OK);
	return prm_sense_code(&sense);
}

static void good_only_on_success(void **state)
{
	(void)state;
	for (int result = -300; result < 300; result++) {
		struct prm_reply reply = PRM_REPLY_INIT;

		prm_result_reply(result, &reply);
		assert_int_equal(reply.status == PRM_STATUS_GOOD, result == 0);
	}
}

static void a_conflict_is_a_conflict(void **state)
{
	struct prm_reply reply = PRM_REPLY_INIT;

	(void)state;
	prm_result_reply(11, &reply);
	assert_int_equal(reply.status, PRM_STATUS_RESERVATION_CONFLICT);
	assert_int_equal(reply.sense_len, 0);
}

static void each_result_has_its_sense(void **state)
{
	static const struct {
		int result;
		uint32_t code;
	} rows[] = {
		{ -1, 0x0b0800 }, { 1, 0x0b0800 },  { 2, 0x020400 },
		{ 3, 0x031100 },  { 4, 0x044400 },  { 5, 0x052600 },
		{ 6, 0x062902 },  { 7, 0x052000 },  { 8, 0x0b0006 },
		{ 9, 0x0b0006 },  { 10, 0x0b0800 }, { 12, 0x0b0800 },
		{ 13, 0x0b0800 }, { 14, 0x0b0800 }, { 15, 0x0b0800 },
		{ 16, 0x0b0800 }, { 17, 0x0b0800 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_int_equal(code_of(rows[i].result), rows[i].code);
}

static void what_can_be_mended_is_said(void **state)
{
	(void)state;
	assert_non_null(strstr(prm_result_advice(PRM_MPATH_SYNTAX_ERROR),
			       "reservation_key file"));
	assert_non_null(
		strstr(prm_result_advice(PRM_MPATH_FILE_ERROR), "/dev"));
	assert_non_null(
		strstr(prm_result_advice(PRM_MPATH_MAP_ERROR), "multipathd"));
	assert_non_null(
		strstr(prm_result_advice(PRM_MPATH_THREAD_ERROR), "threads"));
	assert_non_null(strstr(prm_result_advice(PRM_MPATH_OTHER),
			       "multipath.conf can be read"));
	assert_non_null(prm_result_advice(-1));
	assert_non_null(prm_result_advice(99));
	assert_null(prm_result_advice(PRM_MPATH_SUCCESS));
	assert_null(prm_result_advice(PRM_MPATH_CONFLICT));
}

static void only_lasting_states_are_asked_for_again(void **state)
{
	(void)state;
	for (int result = -1; result < 20; result++)
		assert_int_equal(prm_result_may_last(result),
				 result == 2 || result == 3 || result == 4 ||
					 result == 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_only_on_success),
		cmocka_unit_test(a_conflict_is_a_conflict),
		cmocka_unit_test(each_result_has_its_sense),
		cmocka_unit_test(what_can_be_mended_is_said),
		cmocka_unit_test(only_lasting_states_are_asked_for_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
