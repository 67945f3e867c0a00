/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The handshake: four bytes each way, and no feature so far. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "wire/hello.h"

static void features_survive_a_round_trip(void **state)
{
	uint8_t bytes[PRM_WIRE_HELLO_SIZE];
	uint32_t features;

	for (int bit = 0; bit < 32; bit++) {
		prm_wire_hello_encode(UINT32_C(1) << bit, bytes);
		assert_int_equal(prm_wire_hello_decode(bytes, 4, &features),
				 PRM_DECODE_OK);
		assert_true(features == UINT32_C(1) << bit);
	}
}

static void the_word_is_big_endian(void **state)
{
	static const uint8_t expected[] = { 0x12, 0x34, 0x56, 0x78 };
	uint8_t bytes[PRM_WIRE_HELLO_SIZE];

	prm_wire_hello_encode(0x12345678, bytes);
	assert_memory_equal(bytes, expected, sizeof(expected));
}

static void other_lengths_are_told_apart(void **state)
{
	static const uint8_t bytes[5] = { 0 };
	uint32_t features = 7;

	for (size_t len = 0; len < PRM_WIRE_HELLO_SIZE; len++)
		assert_int_equal(prm_wire_hello_decode(bytes, len, &features),
				 PRM_DECODE_INCOMPLETE);
	assert_int_equal(prm_wire_hello_decode(bytes, 5, &features),
			 PRM_DECODE_TRAILING);
	assert_int_equal(features, 7);
}

static void we_offer_no_feature(void **state)
{
	assert_int_equal(PRM_WIRE_FEATURES, 0);
}

static void only_what_was_offered_may_be_requested(void **state)
{
	assert_true(prm_wire_hello_is_subset(0, 0));
	assert_true(prm_wire_hello_is_subset(0, 3));
	assert_true(prm_wire_hello_is_subset(2, 3));
	assert_true(prm_wire_hello_is_subset(3, 3));
	assert_false(prm_wire_hello_is_subset(4, 3));
	assert_false(prm_wire_hello_is_subset(5, 3));
	for (int bit = 0; bit < 32; bit++)
		assert_false(prm_wire_hello_is_subset(UINT32_C(1) << bit,
						      PRM_WIRE_FEATURES));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(features_survive_a_round_trip),
		cmocka_unit_test(the_word_is_big_endian),
		cmocka_unit_test(other_lengths_are_told_apart),
		cmocka_unit_test(we_offer_no_feature),
		cmocka_unit_test(only_what_was_offered_may_be_requested),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
