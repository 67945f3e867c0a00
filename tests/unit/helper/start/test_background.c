/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The parent of a daemon knows how its child fared. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "helper/start/background.h"

static struct prm_fault fault;

/* The status that the parent of a child which ends by @end would exit with. */
static int status_after(void (*end)(struct prm_background *))
{
	struct prm_background background;

	assert_int_equal(prm_background_fork(&fault, &background), 0);
	if (!background.parent) {
		end(&background);
		_exit(99);
	}
	return prm_background_wait(&background);
}

static void end_up(struct prm_background *background)
{
	if (prm_background_detach(background, &fault) < 0)
		_exit(98);
	_exit(97); /* too late to matter */
}

static void end_with_three(struct prm_background *background)
{
	_exit(3);
}

static void end_with_zero(struct prm_background *background)
{
	_exit(0);
}

static void end_by_signal(struct prm_background *background)
{
	(void)raise(SIGKILL);
}

static void parent_leaves_with_0_when_the_child_is_up(void **state)
{
	assert_int_equal(status_after(end_up), 0);
	(void)wait(NULL);
}

static void parent_leaves_with_the_status_of_a_child_that_failed(void **state)
{
	assert_int_equal(status_after(end_with_three), 3);
}

/* Whatever ends before it is up has failed. */
static void parent_never_takes_an_early_end_for_success(void **state)
{
	assert_int_equal(status_after(end_with_zero), EXIT_FAILURE);
	assert_int_equal(status_after(end_by_signal), EXIT_FAILURE);
}

static int leads_to_null(int fd)
{
	struct stat st, null;

	return fstat(fd, &st) == 0 && stat("/dev/null", &null) == 0 &&
	       S_ISCHR(st.st_mode) && st.st_rdev == null.st_rdev;
}

/* Reports by its exit status, which the parent of the test awaits. */
static void check_detached(struct prm_background *background, int kept)
{
	char cwd[8];

	if (getsid(0) != getpid())
		_exit(1);
	if (prm_background_detach(background, &fault) < 0)
		_exit(2);
	for (int fd = 0; fd <= 2; fd++)
		if (!leads_to_null(fd) || fcntl(fd, F_GETFD) != 0)
			_exit(3);
	if (!getcwd(cwd, sizeof(cwd)) || strcmp(cwd, "/") != 0)
		_exit(4);
	if (fcntl(kept, F_GETFD) < 0)
		_exit(5);
	if (prm_background_fill() < 0)
		_exit(6);
	_exit(0);
}

static void child_lets_go_of_all_but_inherited_descriptors(void **state)
{
	struct prm_background background;
	int kept = open("/dev/zero", O_RDONLY);
	int status;

	assert_int_equal(prm_background_fork(&fault, &background), 0);
	if (!background.parent)
		check_detached(&background, kept);
	(void)prm_background_wait(&background);
	assert_int_equal(waitpid(background.child, &status, 0),
			 background.child);
	assert_int_equal(status, 0);
	(void)close(kept);
}

/* In a process of its own: cmocka needs its standard descriptors. */
static void closed_standard_descriptors_are_filled(void **state)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		int kept = open("/dev/zero", O_RDONLY);

		for (int fd = 0; fd <= 2; fd++)
			(void)close(fd);
		if (prm_background_fill() < 0)
			_exit(1);
		for (int fd = 0; fd <= 2; fd++)
			if (!leads_to_null(fd))
				_exit(2);
		_exit(leads_to_null(kept) || fcntl(kept, F_GETFD) < 0 ? 3 : 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parent_leaves_with_0_when_the_child_is_up),
		cmocka_unit_test(
			parent_leaves_with_the_status_of_a_child_that_failed),
		cmocka_unit_test(parent_never_takes_an_early_end_for_success),
		cmocka_unit_test(
			child_lets_go_of_all_but_inherited_descriptors),
		cmocka_unit_test(closed_standard_descriptors_are_filled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
