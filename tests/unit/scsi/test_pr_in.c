/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The data of PERSISTENT RESERVE IN against SPC-4, 6.15.2 (READ KEYS), 6.15.3
 * (READ RESERVATION), 6.15.4 (REPORT CAPABILITIES), 6.15.5 (READ FULL STATUS)
 * and 4.3.5.6 (ALLOCATION LENGTH).
 */
#include "support.h"
#include "scsi/pr_in.h"
#include "scsi/transport_id.h"

static const uint64_t some_keys[3] = { 0x123abc, 0, UINT64_MAX };

static void keys_are_written_as_spc_has_them(void **state)
{
	static const uint8_t expected[24] = { 0, 0, 0, 7, 0, 0,    0,    16,
					      0, 0, 0, 0, 0, 0x12, 0x3a, 0xbc };
	uint8_t bytes[24];

	(void)state;
	memset(bytes, 0xee, sizeof(bytes));
	assert_int_equal(prm_keys_encode(7, some_keys, 2, bytes, 24), 24);
	assert_memory_equal(bytes, expected, sizeof(bytes));
}

/* Decode the first @cut bytes of all three keys. */
static void assert_keys(const uint8_t *bytes, size_t cut)
{
	uint8_t *copy = exact_copy(bytes, cut);
	struct prm_keys keys;
	uint64_t key = 99;
	size_t n = 0;

	assert_int_equal(prm_keys_decode(copy, cut, &keys), PRM_DECODE_OK);
	assert_int_equal(keys.generation, 0x01020304);
	assert_int_equal(keys.count, 3);
	assert_int_equal(keys.complete, cut >= 32);
	for (; prm_keys_next(&keys, &key); n++)
		assert_true(key == some_keys[n]);
	assert_int_equal(n, cut >= 32 ? 3 : (cut - 8) / 8);
	if (n == 0)
		assert_true(key == 99);
	free(copy);
}

static void keys_may_be_cut_off_anywhere(void **state)
{
	struct prm_keys keys = { .count = 77 };
	uint8_t bytes[40] = { 0 };

	(void)state;
	assert_int_equal(prm_keys_encode(0x01020304, some_keys, 3, bytes, 40),
			 32);
	for (size_t cut = 0; cut < 8; cut++)
		assert_int_equal(prm_keys_decode(bytes, cut, &keys),
				 PRM_DECODE_INCOMPLETE);
	assert_int_equal(keys.count, 77);
	for (size_t cut = 8; cut <= 40; cut++)
		assert_keys(bytes, cut);
}

static void encoders_cut_at_the_allocation_length(void **state)
{
	uint8_t whole[32], part[33];

	(void)state;
	prm_keys_encode(1, some_keys, 3, whole, sizeof(whole));
	for (size_t room = 0; room <= 32; room++) {
		memset(part, 0xee, sizeof(part));
		assert_int_equal(prm_keys_encode(1, some_keys, 3, part, room),
				 32);
		assert_memory_equal(part, whole, room);
		assert_int_equal(part[room], 0xee);
	}
}

static void no_keys_are_complete(void **state)
{
	struct prm_keys keys;
	uint8_t bytes[8];
	uint64_t key;

	(void)state;
	assert_int_equal(prm_keys_encode(5, NULL, 0, bytes, 8), 8);
	assert_int_equal(prm_keys_decode(bytes, 8, &keys), PRM_DECODE_OK);
	assert_int_equal(keys.count, 0);
	assert_true(keys.complete);
	assert_false(prm_keys_next(&keys, &key));
}

static void a_length_that_splits_a_key_is_malformed(void **state)
{
	uint8_t bytes[24] = { [7] = 12 };
	struct prm_keys keys;

	(void)state;
	assert_int_equal(prm_keys_decode(bytes, 24, &keys),
			 PRM_DECODE_MALFORMED);
}

static void the_greatest_length_does_no_harm(void **state)
{
	uint8_t bytes[16] = { [4] = 0xff, 0xff, 0xff, 0xf8 };
	struct prm_full_status status;
	struct prm_registrant registrant;
	struct prm_keys keys;
	uint64_t key;

	(void)state;
	assert_int_equal(prm_keys_decode(bytes, 16, &keys), PRM_DECODE_OK);
	assert_int_equal(keys.count, UINT32_MAX / 8);
	assert_false(keys.complete);
	assert_true(prm_keys_next(&keys, &key));
	assert_false(prm_keys_next(&keys, &key));
	assert_int_equal(prm_full_status_decode(bytes, 16, &status),
			 PRM_DECODE_OK);
	assert_false(status.complete);
	assert_false(prm_full_status_next(&status, &registrant));
}

static const struct prm_reservation held = {
	.generation = 9,
	.held = true,
	.key = 0x1122334455667788,
	.scope = 0,
	.type = 5,
};

static void a_reservation_is_written_as_spc_has_it(void **state)
{
	static const uint8_t expected[24] = {
		0,    0,    0,    9,    0, 0, 0, 16, 0x11, 0x22, 0x33, 0x44,
		0x55, 0x66, 0x77, 0x88, 0, 0, 0, 0,  0,    5,    0,    0
	};
	uint8_t bytes[24];

	(void)state;
	assert_int_equal(prm_reservation_encode(&held, bytes, 24), 24);
	assert_memory_equal(bytes, expected, sizeof(bytes));
}

static void a_reservation_needs_all_its_bytes(void **state)
{
	struct prm_reservation back = { .generation = 77 };
	uint8_t bytes[24];

	(void)state;
	prm_reservation_encode(&held, bytes, 24);
	for (size_t cut = 0; cut < 24; cut++) {
		uint8_t *copy = exact_copy(bytes, cut);

		assert_int_equal(prm_reservation_decode(copy, cut, &back),
				 PRM_DECODE_INCOMPLETE);
		free(copy);
	}
	assert_int_equal(back.generation, 77);
	assert_int_equal(prm_reservation_decode(bytes, 24, &back),
			 PRM_DECODE_OK);
	assert_true(back.held && back.key == held.key);
	assert_int_equal(back.generation, 9);
	assert_int_equal(back.type, 5);
	assert_int_equal(back.scope, 0);
}

static void no_reservation_is_told_apart_from_one(void **state)
{
	struct prm_reservation none = { .generation = 3 }, back = held;
	uint8_t bytes[24];

	(void)state;
	memset(bytes, 0xee, sizeof(bytes));
	assert_int_equal(prm_reservation_encode(&none, bytes, 24), 8);
	assert_int_equal(bytes[8], 0xee);
	assert_int_equal(prm_reservation_decode(bytes, 24, &back),
			 PRM_DECODE_OK);
	assert_false(back.held);
	assert_int_equal(back.generation, 3);
	assert_true(back.key == 0 && back.type == 0);
}

static void half_a_reservation_is_malformed(void **state)
{
	struct prm_reservation back;
	uint8_t bytes[24] = { 0 };

	(void)state;
	for (uint8_t len = 1; len < 16; len++) {
		bytes[7] = len;
		assert_int_equal(prm_reservation_decode(bytes, 24, &back),
				 PRM_DECODE_MALFORMED);
	}
}

static void capabilities_survive_a_round_trip(void **state)
{
	(void)state;
	for (unsigned int bit = 0; bit < 19; bit++) {
		struct prm_capabilities in = {
			.replace_lost = bit == 0,
			.compatible_reserve = bit == 1,
			.initiator_ports = bit == 2,
			.all_target_ports = bit == 3,
			.persist_capable = bit == 4,
			.persist_active = bit == 5,
			.types_valid = bit == 6,
			.allow_commands = bit < 8 ? (uint8_t)bit : 0,
			.types = (uint16_t)(1u << bit >> 9 & 0x1ea),
		};
		struct prm_capabilities back = { .allow_commands = 99 };
		uint8_t bytes[8];

		assert_int_equal(prm_capabilities_encode(&in, bytes, 8), 8);
		assert_int_equal(prm_capabilities_decode(bytes, 8, &back),
				 PRM_DECODE_OK);
		assert_memory_equal(&back, &in, sizeof(in));
	}
}

static void all_six_types_are_ea_01(void **state)
{
	static const uint8_t expected[8] = { 0, 8, 0x9d, 0xc1, 0xea, 1, 0, 0 };
	struct prm_capabilities all = { true, true, true, true,  true,
					true, true, 4,    0xffff };
	uint8_t bytes[8];

	(void)state;
	prm_capabilities_encode(&all, bytes, 8);
	assert_memory_equal(bytes, expected, 8);
}

static void capabilities_need_all_their_bytes(void **state)
{
	uint8_t bytes[8] = { 0, 8 };
	struct prm_capabilities back = { .allow_commands = 77 };

	(void)state;
	for (size_t cut = 0; cut < 8; cut++) {
		uint8_t *copy = exact_copy(bytes, cut);

		assert_int_equal(prm_capabilities_decode(copy, cut, &back),
				 PRM_DECODE_INCOMPLETE);
		free(copy);
	}
	bytes[1] = 9;
	assert_int_equal(prm_capabilities_decode(bytes, 8, &back),
			 PRM_DECODE_MALFORMED);
	assert_int_equal(back.allow_commands, 77);
}

/* Two registrants: a SAS port that holds, and one with a short TransportID. */
static size_t encode_two(uint8_t *bytes, size_t room)
{
	static const uint8_t sas[24] = { 0x06, 0, 0, 0, 0x50, 0, 0xc5 };
	static const uint8_t small[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	const struct prm_registrant two[2] = {
		{ .key = 0xabc,
		  .holder = true,
		  .scope = 0,
		  .type = 8,
		  .relative_target_port = 0x0102,
		  .transport_id = sas,
		  .transport_id_len = sizeof(sas) },
		{ .key = 0xdef,
		  .all_target_ports = true,
		  .type = 8,
		  .transport_id = small,
		  .transport_id_len = sizeof(small) },
	};

	return prm_full_status_encode(0x55, two, 2, bytes, room);
}

#define TWO_LEN (8 + 24 + 24 + 24 + 8)

static void full_status_is_written_as_spc_has_it(void **state)
{
	uint8_t bytes[TWO_LEN];

	(void)state;
	assert_int_equal(encode_two(bytes, sizeof(bytes)), TWO_LEN);
	assert_int_equal(prm_get_be32(bytes), 0x55);
	assert_int_equal(prm_get_be32(bytes + 4), TWO_LEN - 8);
	assert_true(prm_get_be64(bytes + 8) == 0xabc);
	assert_int_equal(bytes[8 + 12], 0x01);
	assert_int_equal(bytes[8 + 13], 0x08);
	assert_int_equal(prm_get_be16(bytes + 8 + 18), 0x0102);
	assert_int_equal(prm_get_be32(bytes + 8 + 20), 24);
	assert_int_equal(bytes[32], 0x06);
	assert_int_equal(bytes[56 + 12], 0x02);
	assert_int_equal(bytes[56 + 13], 0);
}

static void assert_two(const uint8_t *bytes, size_t cut)
{
	uint8_t *copy = exact_copy(bytes, cut);
	struct prm_full_status status;
	struct prm_registrant one = { .key = 77 };

	assert_int_equal(prm_full_status_decode(copy, cut, &status),
			 PRM_DECODE_OK);
	assert_int_equal(status.complete, cut == TWO_LEN);
	assert_int_equal(prm_full_status_next(&status, &one), cut >= 56);
	assert_true(one.key == (cut >= 56 ? 0xabc : 77));
	if (cut >= 56) {
		assert_true(one.holder && !one.all_target_ports);
		assert_int_equal(one.type, 8);
		assert_int_equal(one.relative_target_port, 0x0102);
		assert_int_equal(one.transport_id_len, 24);
		assert_ptr_equal(one.transport_id, copy + 32);
	}
	assert_int_equal(prm_full_status_next(&status, &one), cut == TWO_LEN);
	if (cut == TWO_LEN) {
		assert_true(one.all_target_ports && !one.holder);
		assert_int_equal(one.type, 0);
		assert_int_equal(one.transport_id_len, 8);
	}
	assert_false(prm_full_status_next(&status, &one));
	free(copy);
}

static void full_status_may_be_cut_off_anywhere(void **state)
{
	struct prm_full_status status = { .generation = 77 };
	uint8_t bytes[TWO_LEN];

	(void)state;
	encode_two(bytes, sizeof(bytes));
	for (size_t cut = 0; cut < 8; cut++)
		assert_int_equal(prm_full_status_decode(bytes, cut, &status),
				 PRM_DECODE_INCOMPLETE);
	assert_int_equal(status.generation, 77);
	for (size_t cut = 8; cut <= TWO_LEN; cut++)
		assert_two(bytes, cut);
}

static void full_status_is_encoded_up_to_its_room(void **state)
{
	uint8_t whole[TWO_LEN], part[TWO_LEN + 1];

	(void)state;
	encode_two(whole, sizeof(whole));
	for (size_t room = 0; room <= TWO_LEN; room++) {
		memset(part, 0xee, sizeof(part));
		assert_int_equal(encode_two(part, room), TWO_LEN);
		assert_memory_equal(part, whole, room);
		assert_int_equal(part[room], 0xee);
	}
}

static void type_means_nothing_without_holder(void **state)
{
	uint8_t bytes[TWO_LEN];
	struct prm_full_status status;
	struct prm_registrant one;

	(void)state;
	encode_two(bytes, sizeof(bytes));
	bytes[8 + 12] = 0;
	prm_full_status_decode(bytes, sizeof(bytes), &status);
	assert_true(prm_full_status_next(&status, &one));
	assert_int_equal(one.type, 0);
	assert_int_equal(one.scope, 0);
}

static void a_described_end_within_a_descriptor_leaves_a_rest(void **state)
{
	uint8_t bytes[TWO_LEN];
	struct prm_full_status status;
	struct prm_registrant one;

	(void)state;
	encode_two(bytes, sizeof(bytes));
	prm_put_be32(bytes + 4, 60);
	prm_full_status_decode(bytes, sizeof(bytes), &status);
	assert_true(status.complete);
	assert_true(prm_full_status_next(&status, &one));
	assert_false(prm_full_status_next(&status, &one));
	assert_int_equal(status.rest.left, 12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_written_as_spc_has_them),
		cmocka_unit_test(keys_may_be_cut_off_anywhere),
		cmocka_unit_test(encoders_cut_at_the_allocation_length),
		cmocka_unit_test(no_keys_are_complete),
		cmocka_unit_test(a_length_that_splits_a_key_is_malformed),
		cmocka_unit_test(the_greatest_length_does_no_harm),
		cmocka_unit_test(a_reservation_is_written_as_spc_has_it),
		cmocka_unit_test(a_reservation_needs_all_its_bytes),
		cmocka_unit_test(no_reservation_is_told_apart_from_one),
		cmocka_unit_test(half_a_reservation_is_malformed),
		cmocka_unit_test(capabilities_survive_a_round_trip),
		cmocka_unit_test(all_six_types_are_ea_01),
		cmocka_unit_test(capabilities_need_all_their_bytes),
		cmocka_unit_test(full_status_is_written_as_spc_has_it),
		cmocka_unit_test(full_status_may_be_cut_off_anywhere),
		cmocka_unit_test(full_status_is_encoded_up_to_its_room),
		cmocka_unit_test(type_means_nothing_without_holder),
		cmocka_unit_test(
			a_described_end_within_a_descriptor_leaves_a_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
