/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "cli/values.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void keys_are_hexadecimal(void **state)
{
	uint64_t key;

	(void)state;
	assert_int_equal(prm_cli_parse_key("10", &key), 0);
	assert_true(key == 0x10);
	assert_int_equal(prm_cli_parse_key("0XaBc", &key), 0);
	assert_true(key == 0xabc);
	assert_int_equal(prm_cli_parse_key("ffffffffffffffff", &key), 0);
	assert_true(key == UINT64_MAX);
	assert_int_equal(prm_cli_parse_key("0", &key), 0);
	assert_true(key == 0);
}

static void what_is_no_key_is_refused(void **state)
{
	static const char *const texts[] = { "",
					     "0x",
					     " 1",
					     "1 ",
					     "-1",
					     "+1",
					     "g",
					     "0x0x1",
					     "1h",
					     "1,2",
					     "10000000000000000" };
	uint64_t key = 77;

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++)
		assert_int_equal(prm_cli_parse_key(texts[i], &key), -EINVAL);
	assert_true(key == 77);
}

static void ports_have_16_bits(void **state)
{
	uint16_t port;

	(void)state;
	assert_int_equal(prm_cli_parse_port("0", &port), 0);
	assert_int_equal(port, 0);
	assert_int_equal(prm_cli_parse_port("65535", &port), 0);
	assert_int_equal(port, 65535);
	assert_int_equal(prm_cli_parse_port("0xffff", &port), 0);
	assert_int_equal(port, 65535);
	assert_int_equal(prm_cli_parse_port("65536", &port), -EINVAL);
	assert_int_equal(prm_cli_parse_port("0x10000", &port), -EINVAL);
	assert_int_equal(prm_cli_parse_port("", &port), -EINVAL);
	assert_int_equal(prm_cli_parse_port("1a", &port), -EINVAL);
}

static void seconds_have_three_decimals(void **state)
{
	static const struct {
		const char *text;
		unsigned int ms;
	} good[] = { { "1", 1000 },   { "0.001", 1 },        { "2.5", 2500 },
		     { "0.25", 250 }, { "86400", 86400000 }, { "00001", 1000 } };
	unsigned int ms;

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		assert_int_equal(prm_cli_parse_seconds(good[i].text, &ms), 0);
		assert_int_equal(ms, good[i].ms);
	}
}

static void what_is_no_time_is_refused(void **state)
{
	static const char *const texts[] = {
		"",   "0",   "0.0",   "0.0001", "1.",        ".5",    "-1",
		"1s", "1e3", "1.5.1", "1,5",    "86400.001", "86401", "100000"
	};
	unsigned int ms = 77;

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++)
		assert_int_equal(prm_cli_parse_seconds(texts[i], &ms), -EINVAL);
	assert_int_equal(ms, 77);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_hexadecimal),
		cmocka_unit_test(what_is_no_key_is_refused),
		cmocka_unit_test(ports_have_16_bits),
		cmocka_unit_test(seconds_have_three_decimals),
		cmocka_unit_test(what_is_no_time_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
