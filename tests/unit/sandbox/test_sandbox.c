/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A table of system calls, and a process that is held to it. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "sandbox/sandbox.h"

static const struct prm_sandbox_rule calls[] = {
	{ "openat", { PRM_SANDBOX_LACKS(2, O_ACCMODE | O_CREAT) } },
	{ "kill", { PRM_SANDBOX_IS(0, PRM_SANDBOX_OWN_PID) } },
	{ "socket",
	  { PRM_SANDBOX_IS(0, AF_UNIX), PRM_SANDBOX_HAS(1, SOCK_CLOEXEC) } },
	{ "there_is_no_such_call" },
	{ "getuid" },
	{ NULL },
};

static const struct prm_sandbox_rule more[] = {
	{ "getuid" },
	{ "getgid" },
	{ NULL },
};

/* In a process of its own: apply, and see what @claim returns (0: fine). */
static int status_under(enum prm_sandbox_mode mode, int (*claim)(void))
{
	const struct prm_sandbox_rule *const tables[] = { prm_sandbox_c_library,
							  calls, more, NULL };
	int status;
	pid_t child = fork();

	if (child == 0)
		_exit(prm_sandbox_apply(mode, tables) < 0 ? 100 : claim());
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

static void check(enum prm_sandbox_mode mode, int (*claim)(void))
{
	if (mode != PRM_SANDBOX_OFF && prm_sandbox_obstacle())
		skip();
	assert_int_equal(status_under(mode, claim), 0);
}

static bool is_refused(long r)
{
	return r < 0 && errno == EPERM;
}

static int call_the_listed(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || close(fd) < 0)
		return 1;
	(void)getuid();
	if (is_refused(syscall(SYS_getgid)))
		return 2;
	return kill(getpid(), 0) < 0 ? 3 : 0;
}

static void what_is_listed_works(void **state)
{
	check(PRM_SANDBOX_ON, call_the_listed);
}

static int call_the_others(void)
{
	if (!is_refused(syscall(SYS_getppid)))
		return 1;
	if (!is_refused(syscall(SYS_dup, 0)))
		return 2;
	return is_refused(syscall(SYS_execve, "/bin/true", NULL, NULL)) ? 0 : 3;
}

static void what_is_not_listed_is_refused(void **state)
{
	check(PRM_SANDBOX_ON, call_the_others);
}

static int call_with_other_arguments(void)
{
	if (!is_refused(open("/dev/null", O_WRONLY | O_CLOEXEC)))
		return 1;
	if (!is_refused(open("/dev/null", O_RDWR | O_CLOEXEC)))
		return 2;
	if (!is_refused(open("/tmp/prm-none", O_CREAT, 0600)))
		return 3;
	return is_refused(kill(1, 0)) ? 0 : 4;
}

static void arguments_count(void **state)
{
	check(PRM_SANDBOX_ON, call_with_other_arguments);
}

/* Where socketcall(2) hides them, arguments of sockets do not count. */
static int call_with_one_of_two_arguments(void)
{
#ifdef SYS_socketcall
	return 0;
#else
	if (!is_refused(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)))
		return 1;
	if (!is_refused(socket(AF_UNIX, SOCK_DGRAM, 0)))
		return 2;
	return socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0) < 0 ? 3 : 0;
#endif
}

static void all_checks_of_a_rule_count(void **state)
{
	check(PRM_SANDBOX_ON, call_with_one_of_two_arguments);
}

static void *see_that_it_is_refused(void *opaque)
{
	bool *refused = opaque;

	*refused = is_refused(syscall(SYS_getppid));
	return NULL;
}

static int call_from_a_thread(void)
{
	bool refused = false;
	pthread_t thread;

	if (pthread_create(&thread, NULL, see_that_it_is_refused, &refused))
		return 1;
	if (pthread_join(thread, NULL))
		return 2;
	return refused ? 0 : 3;
}

static void threads_start_and_inherit_it(void **state)
{
	check(PRM_SANDBOX_ON, call_from_a_thread);
}

static int start_a_process(void)
{
	return is_refused(fork()) ? 0 : 1;
}

static void a_thread_is_no_process(void **state)
{
	check(PRM_SANDBOX_ON, start_a_process);
}

static int make_code(void)
{
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS;
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, flags, -1, 0);

	if (page == MAP_FAILED)
		return 1;
	if (!is_refused(mprotect(page, 4096, PROT_READ | PROT_EXEC)))
		return 2;
#ifndef __s390x__
	if (mmap(NULL, 4096, PROT_READ | PROT_EXEC, flags, -1, 0) !=
		    MAP_FAILED ||
	    errno != EPERM)
		return 3;
#endif
	return 0;
}

static void no_memory_becomes_executable(void **state)
{
	check(PRM_SANDBOX_ON, make_code);
}

static int ask_for_no_new_privs(void)
{
	/* prctl(2) itself is for names of threads only. */
	return is_refused(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)) ? 0 : 1;
}

static void what_prctl_does_counts(void **state)
{
	check(PRM_SANDBOX_ON, ask_for_no_new_privs);
}

static int undo(void)
{
	const struct prm_sandbox_rule *const none[] = { calls, NULL };

	return prm_sandbox_apply(PRM_SANDBOX_ON, none) < 0 ? 0 : 1;
}

static void it_cannot_be_undone(void **state)
{
	check(PRM_SANDBOX_ON, undo);
}

#ifdef __x86_64__
/* getpid of x32, whose numbers are others than those of the table. */
static int call_by_another_abi(void)
{
	return syscall(0x40000000 | SYS_getpid) < 0 ? 1 : 2;
}

static void *call_by_another_abi_in_thread(void *opaque)
{
	(void)call_by_another_abi();
	return opaque;
}

/* A thread that is gone while others go on would be a lock that is held. */
static int call_by_another_abi_from_a_thread(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, call_by_another_abi_in_thread, NULL))
		return 1;
	return pthread_join(thread, NULL) ? 2 : 3;
}

static void another_abi_ends_the_process(void **state)
{
	int status;

	if (prm_sandbox_obstacle())
		skip();
	status = status_under(PRM_SANDBOX_ON, call_by_another_abi);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
	status =
		status_under(PRM_SANDBOX_ON, call_by_another_abi_from_a_thread);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
	/* Whether the kernel has it or not. */
	assert_true(
		WIFEXITED(status_under(PRM_SANDBOX_LOG, call_by_another_abi)));
}
#endif

static int call_everything(void)
{
	if (is_refused(syscall(SYS_getppid)))
		return 1;
	return open("/dev/null", O_RDWR | O_CLOEXEC) < 0 ? 2 : 0;
}

static void the_log_refuses_nothing(void **state)
{
	check(PRM_SANDBOX_LOG, call_everything);
}

static int look_for_a_filter(void)
{
	return prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == 0 &&
			       prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0
		       ? 0
		       : 1;
}

static void off_does_nothing(void **state)
{
	check(PRM_SANDBOX_OFF, look_for_a_filter);
}

static void words_are_modes(void **state)
{
	enum prm_sandbox_mode mode = PRM_SANDBOX_LOG;

	assert_int_equal(prm_sandbox_parse("off", &mode), 0);
	assert_int_equal(mode, PRM_SANDBOX_OFF);
	assert_int_equal(prm_sandbox_parse("On", &mode), -EINVAL);
	assert_int_equal(prm_sandbox_parse("", &mode), -EINVAL);
	assert_int_equal(mode, PRM_SANDBOX_OFF);
	assert_string_equal(prm_sandbox_name(PRM_SANDBOX_LOG), "log");
}

static void what_a_build_cannot_do_is_refused(void **state)
{
	enum prm_sandbox_mode mode = PRM_SANDBOX_OFF;
	int wanted = prm_sandbox_obstacle() ? -ENOTSUP : 0;

	assert_int_equal(prm_sandbox_parse("log", &mode), wanted);
	assert_int_equal(prm_sandbox_parse("on", &mode), wanted);
	assert_int_equal(mode, prm_sandbox_default());
	if (wanted)
		assert_int_equal(status_under(PRM_SANDBOX_ON,
					      look_for_a_filter),
				 100 << 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_listed_works),
		cmocka_unit_test(what_is_not_listed_is_refused),
		cmocka_unit_test(arguments_count),
		cmocka_unit_test(all_checks_of_a_rule_count),
		cmocka_unit_test(threads_start_and_inherit_it),
		cmocka_unit_test(a_thread_is_no_process),
		cmocka_unit_test(no_memory_becomes_executable),
		cmocka_unit_test(what_prctl_does_counts),
		cmocka_unit_test(it_cannot_be_undone),
#ifdef __x86_64__
		cmocka_unit_test(another_abi_ends_the_process),
#endif
		cmocka_unit_test(the_log_refuses_nothing),
		cmocka_unit_test(off_does_nothing),
		cmocka_unit_test(words_are_modes),
		cmocka_unit_test(what_a_build_cannot_do_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
