/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Big-endian bytes: both directions, and nothing past the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/cursor.h"

static const uint8_t counting[15] = { 1, 2,  3,  4,  5,  6,  7, 8,
				      9, 10, 11, 12, 13, 14, 15 };

static void integers_are_most_significant_byte_first(void **state)
{
	uint8_t bytes[8];

	assert_int_equal(prm_get_be16(counting), 0x0102);
	assert_int_equal(prm_get_be32(counting), 0x01020304);
	assert_int_equal(prm_get_be64(counting), UINT64_C(0x0102030405060708));
	prm_put_be16(bytes, 0x0102);
	assert_memory_equal(bytes, counting, 2);
	prm_put_be32(bytes, 0x01020304);
	assert_memory_equal(bytes, counting, 4);
	prm_put_be64(bytes, UINT64_C(0x0102030405060708));
	assert_memory_equal(bytes, counting, 8);
}

static void the_top_bit_is_no_sign(void **state)
{
	static const uint8_t ones[8] = {
		255, 255, 255, 255, 255, 255, 255, 254
	};

	assert_true(prm_get_be16(ones) == UINT16_MAX);
	assert_true(prm_get_be32(ones) == UINT32_MAX);
	assert_true(prm_get_be64(ones) == UINT64_MAX - 1);
}

static void integers_may_lie_at_odd_addresses(void **state)
{
	uint8_t bytes[9] = { 0 };

	prm_put_be64(bytes + 1, UINT64_C(0x1122334455667788));
	assert_true(prm_get_be64(bytes + 1) == UINT64_C(0x1122334455667788));
	assert_int_equal(prm_get_be32(bytes + 1), 0x11223344);
	assert_int_equal(prm_get_be16(bytes + 3), 0x3344);
	assert_int_equal(bytes[0], 0);
}

static void a_reader_walks_over_its_input(void **state)
{
	struct prm_reader reader = prm_reader(counting, sizeof(counting));

	assert_int_equal(prm_read_u8(&reader), 0x01);
	assert_int_equal(prm_read_be16(&reader), 0x0203);
	assert_int_equal(prm_read_be32(&reader), 0x04050607);
	assert_true(prm_read_be64(&reader) == UINT64_C(0x08090a0b0c0d0e0f));
	assert_int_equal(reader.left, 0);
	assert_false(reader.overrun);
}

static void a_reader_stops_for_good_at_the_end(void **state)
{
	struct prm_reader reader = prm_reader(counting, 3);

	assert_int_equal(prm_read_be32(&reader), 0);
	assert_true(reader.overrun);
	assert_int_equal(prm_read_u8(&reader), 0);
	assert_null(prm_read_bytes(&reader, 0));
	assert_int_equal(reader.left, 3);
}

/* Each integer, for every number of bytes that is too small for it. */
static void no_integer_is_read_from_fewer_bytes(void **state)
{
	for (size_t len = 0; len < 8; len++) {
		struct prm_reader reader = prm_reader(counting, len);

		assert_true(prm_read_be64(&reader) == 0);
		assert_true(reader.overrun);
		reader = prm_reader(counting, len);
		assert_int_equal(prm_read_be32(&reader) != 0, len >= 4);
		assert_int_equal(reader.overrun, len < 4);
		reader = prm_reader(counting, len);
		assert_int_equal(prm_read_be16(&reader) != 0, len >= 2);
		assert_int_equal(reader.overrun, len < 2);
		reader = prm_reader(counting, len);
		assert_int_equal(prm_read_u8(&reader), len >= 1);
		assert_int_equal(reader.overrun, len < 1);
	}
}

static void skipping_is_bounded_too(void **state)
{
	struct prm_reader reader = prm_reader(counting, 4);

	prm_read_skip(&reader, 2);
	assert_int_equal(prm_read_u8(&reader), 3);
	prm_read_skip(&reader, 1);
	assert_false(reader.overrun);
	prm_read_skip(&reader, 1);
	assert_true(reader.overrun);
}

static void huge_lengths_do_not_wrap(void **state)
{
	struct prm_reader reader = prm_reader(counting + 8, 4);
	uint8_t bytes[4];
	struct prm_writer writer = prm_writer(bytes, sizeof(bytes));

	assert_null(prm_read_bytes(&reader, SIZE_MAX));
	assert_true(reader.overrun);
	assert_null(prm_write_room(&writer, SIZE_MAX));
	assert_true(writer.overrun);
}

static void a_writer_appends(void **state)
{
	uint8_t bytes[18];
	struct prm_writer writer = prm_writer(bytes, sizeof(bytes));

	memset(bytes, 0xaa, sizeof(bytes));
	prm_write_u8(&writer, 0x01);
	prm_write_be16(&writer, 0x0203);
	prm_write_be32(&writer, 0x04050607);
	prm_write_be64(&writer, UINT64_C(0x08090a0b0c0d0e0f));
	prm_write_zeros(&writer, 2);
	assert_memory_equal(bytes, counting, sizeof(counting));
	assert_int_equal(bytes[15], 0);
	assert_int_equal(bytes[16], 0);
	assert_int_equal(bytes[17], 0xaa);
	assert_int_equal(writer.done, 17);
	assert_int_equal(writer.left, 1);
	assert_false(writer.overrun);
}

static void a_writer_writes_whole_or_not_at_all(void **state)
{
	uint8_t bytes[4] = { 0xaa, 0xaa, 0xaa, 0xaa };
	struct prm_writer writer = prm_writer(bytes, 3);

	prm_write_be32(&writer, 0x01020304);
	assert_true(writer.overrun);
	assert_int_equal(writer.done, 0);
	prm_write_u8(&writer, 1);
	prm_write_zeros(&writer, 1);
	prm_write_bytes(&writer, counting, 1);
	assert_int_equal(writer.done, 0);
	for (size_t i = 0; i < sizeof(bytes); i++)
		assert_int_equal(bytes[i], 0xaa);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integers_are_most_significant_byte_first),
		cmocka_unit_test(the_top_bit_is_no_sign),
		cmocka_unit_test(integers_may_lie_at_odd_addresses),
		cmocka_unit_test(a_reader_walks_over_its_input),
		cmocka_unit_test(a_reader_stops_for_good_at_the_end),
		cmocka_unit_test(no_integer_is_read_from_fewer_bytes),
		cmocka_unit_test(skipping_is_bounded_too),
		cmocka_unit_test(huge_lengths_do_not_wrap),
		cmocka_unit_test(a_writer_appends),
		cmocka_unit_test(a_writer_writes_whole_or_not_at_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
