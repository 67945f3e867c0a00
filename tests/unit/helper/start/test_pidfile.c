/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A pid file belongs to one process, which may not be the one that left it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <cmocka.h>
#include "helper/start/pidfile.h"
#include "folder.h"

static struct prm_fault fault;

static const char *own_pid(void)
{
	static char line[16];

	(void)snprintf(line, sizeof(line), "%d\n", (int)getpid());
	return line;
}

static void refuse(const char *path, const char *part)
{
	struct prm_pidfile *pidfile = (struct prm_pidfile *)&fault;

	assert_true(prm_pidfile_new(path, &fault, &pidfile) < 0);
	assert_ptr_equal(pidfile, &fault);
	if (!strstr(fault.text, part))
		assert_string_equal(fault.text, part);
}

static void holds_this_process_for_its_owner_only(void **state)
{
	struct prm_pidfile *pidfile;
	struct stat st;

	(void)umask(0);
	assert_int_equal(prm_pidfile_new(in("p"), &fault, &pidfile), 0);
	assert_file_holds(in("p"), "");
	assert_int_equal(prm_pidfile_write(pidfile, &fault), 0);
	assert_file_holds(in("p"), own_pid());
	assert_int_equal(stat(in("p"), &st), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0600);
	assert_null(prm_pidfile_free(pidfile));
	assert_file_holds(in("p"), own_pid());
}

static void takes_over_what_a_dead_process_left(void **state)
{
	struct prm_pidfile *pidfile;
	struct stat st;

	put_file(in("p"), "12345678 and more than we write\n");
	assert_int_equal(chmod(in("p"), 0644), 0);
	assert_int_equal(prm_pidfile_new(in("p"), &fault, &pidfile), 0);
	assert_file_holds(in("p"), "12345678 and more than we write\n");
	assert_int_equal(prm_pidfile_write(pidfile, &fault), 0);
	assert_file_holds(in("p"), own_pid());
	assert_int_equal(stat(in("p"), &st), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0600);
	assert_null(prm_pidfile_free(pidfile));
}

/* fcntl(2) locks are per process, so the other has to be one. */
static void leaves_a_locked_one_alone_and_names_who_has_it(void **state)
{
	struct prm_pidfile *pidfile;
	char part[64];
	pid_t child;
	int status;

	assert_int_equal(prm_pidfile_new(in("p"), &fault, &pidfile), 0);
	assert_int_equal(prm_pidfile_write(pidfile, &fault), 0);
	(void)snprintf(part, sizeof(part),
		       "is locked by process %d:", (int)getpid());
	child = fork();
	if (child == 0) {
		struct prm_pidfile *second;
		int error = prm_pidfile_new(in("p"), &fault, &second);

		_exit(error == -EAGAIN && strstr(fault.text, part) ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_file_holds(in("p"), own_pid());
	assert_null(prm_pidfile_free(pidfile));
}

static void follows_no_link_and_takes_no_other_kind(void **state)
{
	put_file(in("real"), "precious");
	assert_int_equal(symlink(in("real"), in("link")), 0);
	refuse(in("link"), "it is a symbolic link");
	assert_file_holds(in("real"), "precious");
	assert_int_equal(mkdir(in("folder"), 0700), 0);
	refuse(in("folder"), "Is a directory");
	assert_int_equal(mkfifo(in("pipe"), 0600), 0);
	refuse(in("pipe"), "is not a regular file");
	refuse(in("nowhere/p"), "No such file or directory");
}

static void abandoned_means_removed(void **state)
{
	struct prm_pidfile *pidfile;

	assert_int_equal(prm_pidfile_new(in("p"), &fault, &pidfile), 0);
	prm_pidfile_abandon(pidfile);
	assert_int_equal(access(in("p"), F_OK), -1);

	put_file(in("p"), "somebody else's");
	prm_pidfile_abandon(pidfile);
	assert_file_holds(in("p"), "somebody else's");
	assert_null(prm_pidfile_free(pidfile));
}

static void what_another_left_is_abandoned_only_once_overwritten(void **state)
{
	struct prm_pidfile *pidfile;

	put_file(in("p"), "1234567\n");
	assert_int_equal(prm_pidfile_new(in("p"), &fault, &pidfile), 0);
	prm_pidfile_abandon(pidfile);
	assert_file_holds(in("p"), "1234567\n");
	assert_int_equal(prm_pidfile_write(pidfile, &fault), 0);
	prm_pidfile_abandon(pidfile);
	assert_int_equal(access(in("p"), F_OK), -1);
	assert_null(prm_pidfile_free(pidfile));
}

static void relative_path_outlives_the_folder_it_is_relative_to(void **state)
{
	struct prm_pidfile *pidfile;

	assert_int_equal(chdir(folder), 0);
	assert_int_equal(prm_pidfile_new("p", &fault, &pidfile), 0);
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(access(in("p"), F_OK), 0);
	prm_pidfile_abandon(pidfile);
	assert_int_equal(access(in("p"), F_OK), -1);
	assert_null(prm_pidfile_free(pidfile));
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(holds_this_process_for_its_owner_only),
		TEST(takes_over_what_a_dead_process_left),
		TEST(leaves_a_locked_one_alone_and_names_who_has_it),
		TEST(follows_no_link_and_takes_no_other_kind),
		TEST(abandoned_means_removed),
		TEST(what_another_left_is_abandoned_only_once_overwritten),
		TEST(relative_path_outlives_the_folder_it_is_relative_to),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
