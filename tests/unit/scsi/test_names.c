/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include "support.h"
#include "scsi/cdb.h"
#include "scsi/names.h"
#include "scsi/transport_id.h"

static const uint8_t types[] = { 1, 3, 5, 6, 7, 8 };

static void every_number_has_a_name(void **state)
{
	(void)state;
	for (int i = 0; i < 256; i++) {
		uint8_t n = (uint8_t)i;

		assert_true(*prm_pr_action_name(false, n));
		assert_true(*prm_pr_action_name(true, n));
		assert_true(*prm_pr_type_name(n));
		assert_true(*prm_pr_type_word(n));
		assert_true(*prm_status_name(i));
		assert_true(*prm_protocol_name(n));
		assert_true(*prm_allow_commands_text(n));
	}
	assert_string_equal(prm_status_name(-1), "unknown status");
}

static void actions_end_where_spc_ends_them(void **state)
{
	static const char reserved[] = "reserved service action";

	(void)state;
	assert_string_equal(prm_pr_action_name(false, 0), "READ KEYS");
	assert_string_equal(prm_pr_action_name(false, 3), "READ FULL STATUS");
	assert_string_equal(prm_pr_action_name(false, 4), reserved);
	assert_string_equal(prm_pr_action_name(true, 0), "REGISTER");
	assert_string_equal(prm_pr_action_name(true, 5), "PREEMPT AND ABORT");
	assert_string_equal(prm_pr_action_name(true, 8),
			    "REPLACE LOST RESERVATION");
	assert_string_equal(prm_pr_action_name(true, 9), reserved);
}

static void types_that_cannot_be_reserved_say_so(void **state)
{
	(void)state;
	assert_string_equal(prm_pr_type_name(0), "no type");
	assert_string_equal(prm_pr_type_name(2), "obsolete type");
	assert_string_equal(prm_pr_type_name(4), "obsolete type");
	assert_string_equal(prm_pr_type_name(9), "reserved type");
	assert_string_equal(prm_pr_type_word(0), "none");
	assert_string_equal(prm_pr_type_word(9), "reserved");
}

static void assert_parses(const char *text, uint8_t expected)
{
	uint8_t type = 99;

	assert_int_equal(prm_pr_type_parse(text, &type), 0);
	assert_int_equal(type, expected);
}

static void names_and_words_of_types_are_read_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(types); i++) {
		assert_parses(prm_pr_type_name(types[i]), types[i]);
		assert_parses(prm_pr_type_word(types[i]), types[i]);
	}
}

static void types_are_read_as_people_type_them(void **state)
{
	(void)state;
	assert_parses("1", 1);
	assert_parses("8", 8);
	assert_parses("we", 1);
	assert_parses("EA", 3);
	assert_parses("wero", 5);
	assert_parses("EARO", 6);
	assert_parses("we-ro", 5);
	assert_parses("EA_AR", 8);
	assert_parses("wear", 7);
	assert_parses("eaar", 8);
	assert_parses("WRITE_EXCLUSIVE", 1);
	assert_parses("Write Exclusive - registrants only", 5);
	assert_parses("exclusive access all-registrants", 8);
}

static void what_is_no_type_is_refused(void **state)
{
	static const char *const texts[] = { "",
					     "0",
					     "2",
					     "4",
					     "9",
					     "15",
					     "10",
					     "1 ",
					     "-1",
					     "0x1",
					     "writeexclusive",
					     "wer",
					     "write-exclusive-",
					     "-" };
	uint8_t type = 99;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(prm_pr_type_parse(texts[i], &type), -EINVAL);
	assert_int_equal(type, 99);
}

static void statuses_and_protocols_have_their_names(void **state)
{
	(void)state;
	assert_string_equal(prm_status_name(0), "GOOD");
	assert_string_equal(prm_status_name(2), "CHECK CONDITION");
	assert_string_equal(prm_status_name(0x18), "RESERVATION CONFLICT");
	assert_string_equal(prm_status_name(0x40), "TASK ABORTED");
	assert_string_equal(prm_protocol_name(PRM_PROTOCOL_FCP), "FCP");
	assert_string_equal(prm_protocol_name(PRM_PROTOCOL_ISCSI), "iSCSI");
	assert_string_equal(prm_protocol_name(0xc), "reserved protocol");
	assert_string_equal(prm_protocol_name(16), "reserved protocol");
	assert_string_equal(prm_allow_commands_text(6), "reserved");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_number_has_a_name),
		cmocka_unit_test(actions_end_where_spc_ends_them),
		cmocka_unit_test(types_that_cannot_be_reserved_say_so),
		cmocka_unit_test(names_and_words_of_types_are_read_back),
		cmocka_unit_test(types_are_read_as_people_type_them),
		cmocka_unit_test(what_is_no_type_is_refused),
		cmocka_unit_test(statuses_and_protocols_have_their_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
