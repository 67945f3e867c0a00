/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* I6: one path, one helper, and nothing else is harmed. */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <cmocka.h>
#include "helper/start/claim.h"
#include "helper/start/lock.h"
#include "folder.h"

static const struct prm_listen_config anybody = {
	.mode = PRM_LISTEN_MODE_UMASK,
	.uid = (uid_t)-1,
	.gid = (gid_t)-1,
};
static struct prm_fault fault;

static struct prm_claim *claim_path(void)
{
	struct prm_claim *claim = NULL;

	fault.text[0] = '\0';
	(void)prm_claim_new(in("s"), &fault, &claim);
	assert_string_equal(fault.text, "");
	assert_non_null(claim);
	return claim;
}

static int bind_claim(struct prm_claim *claim)
{
	int fd = -1;

	assert_int_equal(prm_claim_bind(claim, &anybody, &fault, &fd), 0);
	assert_true(fd >= 0);
	return fd;
}

static void refuse(int error, const char *part)
{
	struct prm_claim *claim = (struct prm_claim *)&fault;

	assert_int_equal(prm_claim_new(in("s"), &fault, &claim), error);
	assert_ptr_equal(claim, &fault);
	if (!strstr(fault.text, part))
		assert_string_equal(fault.text, part);
	assert_int_equal(access(in("s.lock"), F_OK), -1);
}

static nlink_t links(const struct prm_claim *claim)
{
	struct stat st;

	assert_int_equal(fstat(prm_claim_path_fd(claim), &st), 0);
	return st.st_nlink;
}

static void lock_is_there_for_the_start_only(void **state)
{
	struct prm_claim *claim = claim_path();
	struct stat st;
	int fd;

	assert_int_equal(stat(in("s.lock"), &st), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0600);
	fd = bind_claim(claim);
	prm_claim_unlock(claim);
	assert_int_equal(access(in("s.lock"), F_OK), -1);
	assert_int_equal(links(claim), 1);
	prm_claim_remove(claim);
	assert_int_equal(files_in_folder(), 0);
	assert_int_equal(links(claim), 0);
	assert_null(prm_claim_free(claim));
	(void)close(fd);
}

static void claim_that_was_not_used_leaves_nothing(void **state)
{
	assert_null(prm_claim_free(claim_path()));
	assert_int_equal(files_in_folder(), 0);
}

static void stale_socket_is_replaced_but_not_before_bind(void **state)
{
	struct prm_claim *claim;
	struct stat before, after;
	int fd;

	(void)close(put_socket(in("s"), SOCK_STREAM, 1));
	assert_int_equal(stat(in("s"), &before), 0);
	claim = claim_path();
	assert_int_equal(stat(in("s"), &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	fd = bind_claim(claim);
	assert_int_equal(fstat(prm_claim_path_fd(claim), &after), 0);
	assert_int_equal(after.st_nlink, 1);
	assert_null(prm_claim_free(claim));
	(void)close(fd);
}

static void socket_that_changed_meanwhile_is_left_alone(void **state)
{
	struct prm_claim *claim;
	int other, fd = -1;

	(void)close(put_socket(in("s"), SOCK_STREAM, 1));
	assert_int_equal(link(in("s"), in("kept")), 0); /* keep its number */
	claim = claim_path();
	assert_int_equal(unlink(in("s")), 0);
	other = put_socket(in("s"), SOCK_STREAM, 1);
	assert_int_equal(prm_claim_bind(claim, &anybody, &fault, &fd),
			 -EADDRINUSE);
	assert_int_equal(fd, -1);
	assert_int_equal(access(in("s"), F_OK), 0);
	prm_claim_remove(claim);
	assert_int_equal(access(in("s"), F_OK), 0);
	assert_null(prm_claim_free(claim));
	(void)close(other);
}

static void files_of_other_kinds_are_left_alone(void **state)
{
	int fd;

	put_file(in("s"), "precious");
	refuse(-EEXIST, "is a regular file");
	assert_file_holds(in("s"), "precious");
	assert_int_equal(rename(in("s"), in("real")), 0);

	assert_int_equal(symlink(in("real"), in("s")), 0);
	refuse(-EEXIST, "is a symbolic link");
	assert_int_equal(unlink(in("s")), 0);

	/* Even one that leads to a socket which is stale. */
	(void)close(put_socket(in("stale"), SOCK_STREAM, 1));
	assert_int_equal(symlink(in("stale"), in("s")), 0);
	refuse(-EEXIST, "is a symbolic link");
	assert_int_equal(unlink(in("s")), 0);

	assert_int_equal(mkdir(in("s"), 0700), 0);
	refuse(-EEXIST, "is a folder");
	assert_int_equal(rmdir(in("s")), 0);

	assert_int_equal(mkfifo(in("s"), 0600), 0);
	refuse(-EEXIST, "is a named pipe");
	assert_int_equal(unlink(in("s")), 0);

	fd = put_socket(in("s"), SOCK_DGRAM, -1);
	refuse(-EEXIST, "is a socket of another type");
	assert_int_equal(access(in("s"), F_OK), 0);
	(void)close(fd);
}

/* Four bytes in the backlog are as good as a helper that lives. */
static void live_helper_is_left_alone(void **state)
{
	int fd = put_socket(in("s"), SOCK_STREAM, 8);
	pid_t child = fork();

	if (child == 0) {
		int client;

		/* Also when the test fails before it can end this. */
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		client = accept(fd, NULL, NULL);
		(void)send(client, "\0\0\0\0", 4, 0);
		for (;;)
			(void)pause();
	}
	refuse(-EADDRINUSE, "a helper is serving");
	assert_int_equal(access(in("s"), F_OK), 0);
	(void)kill(child, SIGKILL);
	(void)waitpid(child, NULL, 0);
	(void)close(fd);
}

static void folder_that_is_not_there_is_named(void **state)
{
	struct prm_claim *claim;

	assert_int_equal(prm_claim_new(in("no/s"), &fault, &claim), -ENOENT);
	assert_non_null(strstr(fault.text, "No such file or directory"));
	assert_non_null(strstr(fault.text, in("no/s")));
}

static void lock_is_waited_for_and_not_taken_by_force(void **state)
{
	struct prm_lock *first, *second = NULL;

	assert_int_equal(prm_lock_new(in("s"), 0, &fault, &first), 0);
	assert_int_equal(prm_lock_new(in("s"), 30, &fault, &second), -EAGAIN);
	assert_null(second);
	assert_non_null(strstr(fault.text, "another pr-helper is starting"));
	assert_int_equal(access(in("s.lock"), F_OK), 0);
	assert_null(prm_lock_free(first));
	assert_int_equal(prm_lock_new(in("s"), 0, &fault, &second), 0);
	assert_null(prm_lock_free(second));
}

static void lock_that_was_left_behind_is_no_obstacle(void **state)
{
	put_file(in("s.lock"), "");
	assert_null(prm_claim_free(claim_path()));
	assert_int_equal(files_in_folder(), 0);
}

static void lock_follows_no_link(void **state)
{
	struct prm_claim *claim;

	put_file(in("real"), "precious");
	assert_int_equal(symlink(in("real"), in("s.lock")), 0);
	assert_true(prm_claim_new(in("s"), &fault, &claim) < 0);
	assert_non_null(strstr(fault.text, "it is a symbolic link"));
	assert_file_holds(in("real"), "precious");
	assert_int_equal(unlink(in("s.lock")), 0);

	assert_int_equal(mkfifo(in("s.lock"), 0600), 0);
	assert_int_equal(prm_claim_new(in("s"), &fault, &claim), -EINVAL);
	assert_int_equal(access(in("s.lock"), F_OK), 0);
}

static void taking_over_shows_on_the_descriptors(void **state)
{
	struct prm_claim *claim = claim_path();
	int fd = bind_claim(claim);
	struct pollfd watch = { .fd = prm_claim_watch_fd(claim),
				.events = POLLIN };

	prm_claim_unlock(claim);
	assert_true(watch.fd >= 0);
	assert_int_equal(poll(&watch, 1, 0), 0);
	put_file(in("new"), "another helper's");
	assert_int_equal(rename(in("new"), in("s")), 0);
	assert_int_equal(links(claim), 0);
	assert_int_equal(poll(&watch, 1, 60000), 1);

	/* And then the name is not ours to remove. */
	prm_claim_remove(claim);
	assert_file_holds(in("s"), "another helper's");
	assert_null(prm_claim_free(claim));
	(void)close(fd);
}

static void name_is_left_to_a_helper_that_is_starting(void **state)
{
	struct prm_claim *claim = claim_path();
	int fd = bind_claim(claim);
	struct prm_lock *other;

	prm_claim_unlock(claim);
	assert_int_equal(prm_lock_new(in("s"), 0, &fault, &other), 0);
	prm_claim_remove(claim);
	assert_int_equal(access(in("s"), F_OK), 0);
	assert_null(prm_lock_free(other));
	assert_null(prm_claim_free(claim));
	(void)close(fd);
}

static void lock_that_nobody_holds_does_not_keep_the_name(void **state)
{
	struct prm_claim *claim = claim_path();
	int fd = bind_claim(claim);

	prm_claim_unlock(claim);
	put_file(in("s.lock"), "");
	prm_claim_remove(claim);
	assert_int_equal(access(in("s"), F_OK), -1);
	assert_int_equal(access(in("s.lock"), F_OK), -1);
	assert_null(prm_claim_free(claim));
	(void)close(fd);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(lock_is_there_for_the_start_only),
		TEST(claim_that_was_not_used_leaves_nothing),
		TEST(stale_socket_is_replaced_but_not_before_bind),
		TEST(socket_that_changed_meanwhile_is_left_alone),
		TEST(files_of_other_kinds_are_left_alone),
		TEST(live_helper_is_left_alone),
		TEST(folder_that_is_not_there_is_named),
		TEST(lock_is_waited_for_and_not_taken_by_force),
		TEST(lock_that_was_left_behind_is_no_obstacle),
		TEST(lock_follows_no_link),
		TEST(taking_over_shows_on_the_descriptors),
		TEST(name_is_left_to_a_helper_that_is_starting),
		TEST(lock_that_nobody_holds_does_not_keep_the_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
