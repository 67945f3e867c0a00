/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * CDBs against SPC-4, tables "PERSISTENT RESERVE IN command" (6.15.1) and
 * "PERSISTENT RESERVE OUT command" (6.16.1).
 */
#include "support.h"
#include "scsi/cdb.h"

static void only_5e_and_5f_are_pr(void **state)
{
	(void)state;
	for (unsigned int opcode = 0; opcode < 256; opcode++)
		assert_int_equal(prm_cdb_is_pr((uint8_t)opcode),
				 opcode == 0x5e || opcode == 0x5f);
}

static void six_types_can_be_reserved(void **state)
{
	static const bool valid[16] = { [1] = true, [3] = true, [5] = true,
					[6] = true, [7] = true, [8] = true };

	(void)state;
	for (unsigned int type = 0; type < 256; type++) {
		assert_int_equal(prm_pr_type_is_valid((uint8_t)type),
				 type < 16 && valid[type]);
		assert_int_equal(prm_pr_type_is_all_registrants((uint8_t)type),
				 type == 7 || type == 8);
	}
}

static void in_has_its_length_in_bytes_7_and_8(void **state)
{
	static const uint8_t bytes[10] = { 0x5e, 0xe3, 0xff, 0xff, 0xff,
					   0xff, 0xff, 0x12, 0x34, 0xff };
	struct prm_pr_cdb cdb;

	(void)state;
	assert_int_equal(prm_pr_cdb_decode(bytes, 10, &cdb), PRM_DECODE_OK);
	assert_false(cdb.out);
	assert_int_equal(cdb.action, PRM_PR_IN_READ_FULL_STATUS);
	assert_int_equal(cdb.scope, 0);
	assert_int_equal(cdb.type, 0);
	assert_int_equal(cdb.length, 0x1234);
}

static void out_has_its_length_in_bytes_5_to_8(void **state)
{
	static const uint8_t bytes[10] = { 0x5f, 0xe5, 0x25, 0xff, 0xff,
					   0x12, 0x34, 0x56, 0x78, 0xff };
	struct prm_pr_cdb cdb;

	(void)state;
	assert_int_equal(prm_pr_cdb_decode(bytes, 10, &cdb), PRM_DECODE_OK);
	assert_true(cdb.out);
	assert_int_equal(cdb.action, PRM_PR_OUT_PREEMPT_AND_ABORT);
	assert_int_equal(cdb.scope, 2);
	assert_int_equal(cdb.type, PRM_PR_TYPE_WRITE_EXCLUSIVE_RO);
	assert_int_equal(cdb.length, 0x12345678);
}

static void encoding_zeroes_what_holds_nothing(void **state)
{
	static const uint8_t in[16] = { 0x5e, 0x02, 0, 0, 0, 0, 0, 0x20, 0 };
	static const uint8_t out[16] = { 0x5f, 0x01, 0x08, 0, 0, 0, 0, 0, 24 };
	struct prm_pr_cdb cdb = { .action = 2, .length = 8192, .type = 8 };
	uint8_t bytes[16];

	(void)state;
	memset(bytes, 0xee, sizeof(bytes));
	prm_pr_cdb_encode(&cdb, bytes);
	assert_memory_equal(bytes, in, sizeof(bytes));
	memset(bytes, 0xee, sizeof(bytes));
	cdb = (struct prm_pr_cdb){ true, PRM_PR_OUT_RESERVE, 0, 8, 24 };
	prm_pr_cdb_encode(&cdb, bytes);
	assert_memory_equal(bytes, out, sizeof(bytes));
}

static void assert_round_trip(const struct prm_pr_cdb *cdb)
{
	struct prm_pr_cdb back;
	uint8_t bytes[16];

	prm_pr_cdb_encode(cdb, bytes);
	assert_int_equal(prm_pr_cdb_decode(bytes, 16, &back), PRM_DECODE_OK);
	assert_int_equal(back.out, cdb->out);
	assert_int_equal(back.action, cdb->action);
	assert_int_equal(back.scope, cdb->scope);
	assert_int_equal(back.type, cdb->type);
	assert_int_equal(back.length, cdb->length);
}

static void every_field_survives_a_round_trip(void **state)
{
	static const uint32_t lengths[] = { 0, 1, 24, 8192, 8193, 0xffff };

	(void)state;
	for (uint8_t action = 0; action < 32; action++)
		for (size_t i = 0; i < 6; i++)
			assert_round_trip(&(struct prm_pr_cdb){
				.action = action, .length = lengths[i] });
	for (uint8_t type = 0; type < 16; type++)
		for (uint8_t scope = 0; scope < 16; scope++)
			assert_round_trip(&(struct prm_pr_cdb){
				true, 31, scope, type, UINT32_MAX });
}

static void a_shorter_cdb_is_incomplete(void **state)
{
	struct prm_pr_cdb cdb = { .length = 77 };
	uint8_t bytes[16] = { 0x5e };

	(void)state;
	for (size_t len = 0; len < 10; len++) {
		uint8_t *copy = exact_copy(bytes, len);

		assert_int_equal(prm_pr_cdb_decode(copy, len, &cdb),
				 PRM_DECODE_INCOMPLETE);
		free(copy);
	}
	assert_int_equal(cdb.length, 77);
	assert_int_equal(prm_pr_cdb_decode(bytes, 10, &cdb), PRM_DECODE_OK);
}

static void another_opcode_is_malformed(void **state)
{
	struct prm_pr_cdb cdb = { .length = 77 };
	uint8_t bytes[16] = { 0x12 };

	(void)state;
	assert_int_equal(prm_pr_cdb_decode(bytes, 16, &cdb),
			 PRM_DECODE_MALFORMED);
	assert_int_equal(prm_pr_cdb_decode(bytes, 1, &cdb),
			 PRM_DECODE_MALFORMED);
	assert_int_equal(cdb.length, 77);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_5e_and_5f_are_pr),
		cmocka_unit_test(six_types_can_be_reserved),
		cmocka_unit_test(in_has_its_length_in_bytes_7_and_8),
		cmocka_unit_test(out_has_its_length_in_bytes_5_to_8),
		cmocka_unit_test(encoding_zeroes_what_holds_nothing),
		cmocka_unit_test(every_field_survives_a_round_trip),
		cmocka_unit_test(a_shorter_cdb_is_incomplete),
		cmocka_unit_test(another_opcode_is_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
