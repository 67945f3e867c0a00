/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>
#include "cli/preload_memory.h"

static void good_addresses_are_copied(void **state)
{
	char from[] = "bytes", to[sizeof(from)] = "";

	(void)state;
	assert_int_equal(prm_copy_from(to, from, sizeof(from)), 0);
	assert_string_equal(to, "bytes");
	assert_int_equal(prm_copy_to(to, "other", 6), 0);
	assert_string_equal(to, "other");
}

static void bad_addresses_are_efault(void **state)
{
	char byte = 'x';

	(void)state;
	assert_int_equal(prm_copy_from(&byte, NULL, 1), -EFAULT);
	assert_int_equal(prm_copy_to(NULL, &byte, 1), -EFAULT);
	assert_int_equal(prm_copy_from(&byte, (const void *)8, 1), -EFAULT);
	assert_int_equal(byte, 'x');
}

static void half_good_is_efault(void **state)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char bytes[16] = "", *pages;

	(void)state;
	pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(pages != MAP_FAILED);
	assert_int_equal(munmap(pages + page, page), 0);
	assert_int_equal(prm_copy_from(bytes, pages + page - 8, 8), 0);
	assert_int_equal(prm_copy_from(bytes, pages + page - 8, 16), -EFAULT);
	assert_int_equal(prm_copy_to(pages + page - 8, bytes, 16), -EFAULT);
	assert_int_equal(munmap(pages, page), 0);
}

static void memory_that_may_not_be_written_is_efault(void **state)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char byte = 'x', *memory;

	(void)state;
	memory =
		mmap(NULL, page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(memory != MAP_FAILED);
	assert_int_equal(prm_copy_to(memory, &byte, 1), -EFAULT);
	assert_int_equal(prm_copy_from(&byte, memory, 1), 0);
	assert_int_equal(munmap(memory, page), 0);
}

static void nothing_may_be_anywhere(void **state)
{
	(void)state;
	assert_int_equal(prm_copy_from(NULL, NULL, 0), 0);
	assert_int_equal(prm_copy_to(NULL, NULL, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_addresses_are_copied),
		cmocka_unit_test(bad_addresses_are_efault),
		cmocka_unit_test(half_good_is_efault),
		cmocka_unit_test(memory_that_may_not_be_written_is_efault),
		cmocka_unit_test(nothing_may_be_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
