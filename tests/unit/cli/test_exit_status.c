/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Exit statuses against sg3_utils(8), section EXIT STATUS. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "cli/exit_status.h"
#include "scsi/sense.h"

static struct prm_reply check_condition(uint32_t code)
{
	struct prm_reply reply = PRM_REPLY_INIT;

	prm_sense_encode_code(code, reply.sense);
	reply.sense_len = PRM_SENSE_FIXED_LEN;
	return reply;
}

static void every_sense_key_has_its_status(void **state)
{
	static const int expected[16] = { 20, 0,  2,  3,  3,  5,  6,  7,
					  3,  98, 10, 11, 98, 98, 14, 98 };

	(void)state;
	for (uint32_t key = 0; key < 16; key++) {
		struct prm_reply reply = check_condition(key << 16 | 0x2400);

		assert_int_equal(prm_exit_of_reply(&reply), expected[key]);
	}
}

static void an_invalid_opcode_has_its_own(void **state)
{
	struct prm_reply reply = check_condition(PRM_SENSE_INVALID_OPCODE);

	(void)state;
	assert_int_equal(prm_exit_of_reply(&reply), PRM_EXIT_INVALID_OPCODE);
}

static void an_earlier_command_s_recovery_is_no_success(void **state)
{
	struct prm_reply reply = check_condition(0x011701);

	(void)state;
	assert_int_equal(prm_exit_of_reply(&reply), 0);
	reply.sense[0] = 0x71;
	assert_int_equal(prm_exit_of_reply(&reply), PRM_EXIT_OTHER_SENSE);
}

static void only_good_and_recovered_are_success(void **state)
{
	(void)state;
	for (int status = 0; status < 256; status++) {
		struct prm_reply reply = PRM_REPLY_INIT;

		reply.status = status;
		assert_int_equal(prm_exit_of_reply(&reply) == 0, status == 0);
	}
	assert_int_equal(prm_exit_of_reply(&(struct prm_reply)PRM_REPLY_INIT),
			 PRM_EXIT_OTHER_SENSE);
}

static void whether_the_command_left_can_be_told(void **state)
{
	(void)state;
	assert_int_equal(prm_exit_of_errno(-ENOTCONN), 50);
	assert_int_equal(prm_exit_of_errno(-EINVAL), 50 + EINVAL);
	assert_int_equal(prm_exit_of_errno(-EBADF), 50 + EBADF);
	assert_int_equal(prm_exit_of_errno(-ETIMEDOUT), 33);
	assert_int_equal(prm_exit_of_errno(-EIO), 99);
	assert_int_equal(prm_exit_of_errno(-ECONNRESET), 99);
	assert_int_equal(prm_exit_of_errno(-EPROTO), 99);
	assert_int_equal(prm_exit_of_errno(-ENOMEM), 99);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_sense_key_has_its_status),
		cmocka_unit_test(an_invalid_opcode_has_its_own),
		cmocka_unit_test(an_earlier_command_s_recovery_is_no_success),
		cmocka_unit_test(only_good_and_recovered_are_success),
		cmocka_unit_test(whether_the_command_left_can_be_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
