/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Descriptors with an owner. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/fd.h"

static int open_one(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static int is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void closing_forgets_the_number(void **state)
{
	int fd = open_one(), was = fd;

	fd = prm_fd_close(fd);
	assert_int_equal(fd, -1);
	assert_false(is_open(was));
}

static void closing_nothing_is_nothing(void **state)
{
	errno = 0;
	assert_int_equal(prm_fd_close(-1), -1);
	assert_int_equal(errno, 0);
}

static void closing_keeps_errno(void **state)
{
	int was = open_one();

	prm_fd_close(was);
	errno = ENOTTY;
	(void)prm_fd_close(was); /* fails with EBADF */
	assert_int_equal(errno, ENOTTY);
}

static void a_scope_closes_what_it_holds(void **state)
{
	int was;

	{
		CLEANUP(prm_fd_closep) int fd = open_one();

		was = fd;
		assert_true(is_open(was));
	}
	assert_false(is_open(was));
}

static void a_scope_keeps_what_was_stolen(void **state)
{
	int kept;

	{
		CLEANUP(prm_fd_closep) int fd = open_one();

		kept = steal_fd(&fd);
		assert_int_equal(fd, -1);
	}
	assert_true(is_open(kept));
	prm_fd_close(kept);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(closing_forgets_the_number),
		cmocka_unit_test(closing_nothing_is_nothing),
		cmocka_unit_test(closing_keeps_errno),
		cmocka_unit_test(a_scope_closes_what_it_holds),
		cmocka_unit_test(a_scope_keeps_what_was_stolen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
