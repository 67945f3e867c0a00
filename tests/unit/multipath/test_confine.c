/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* I7: what a broker and a command's process that were taken over can do. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "attack.h"
#include "multipath/confine.h"

/* What neither of them may do, whatever it is the library's turn to do. */
static const char *const never[] = {
	"change_mode",     "change_owner",
	"remove_folder",   "make_node",
	"make_symlink",    "make_link",
	"rename",          "make_memory_file",
	"open_by_struct",  "execute",
	"signal_process",  "signal_thread",
	"trace",           "read_memory",
	"write_memory",    "take_descriptor",
	"socket_inet",     "socket_inet6",
	"socket_netlink",  "bind",
	"listen",          "set_uid",
	"set_gid",         "set_groups!",
	"set_fs_uid",      "keep_capabilities",
	"be_dumpable",     "make_namespace",
	"enter_namespace", "change_root",
	"mount!",          "load_module!",
	"watch_events",    "use_keys",
	"use_rings!",      "other_ioctl",
	"fork_aside",      "set_limit_of_another",
};

/* And what a process for a command has no need of, other than the broker. */
static const char *const in_commands[] = { "execute_at", "fork",
					   "load_filter" };

static char report[8192];

static void note(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void note(const char *format, ...)
{
	size_t used = strlen(report);
	va_list args;

	va_start(args, format);
	(void)vsnprintf(report + used, sizeof(report) - used, format, args);
	va_end(args);
}

static bool is_refused(const char *name)
{
	char line[64];

	(void)snprintf(line, sizeof(line), "attack %s %d\n", name, EPERM);
	if (strstr(report, line))
		return true;
	(void)fprintf(stderr, "%s is not refused\n", name);
	return false;
}

static bool are_refused(const char *const *names, size_t count)
{
	bool all = true;

	for (size_t i = 0; i < count; i++)
		all = is_refused(names[i]) && all;
	return all;
}

#define ARE_REFUSED(names) are_refused(names, sizeof(names) / sizeof(*(names)))

/* In a process of its own; 0 if all is as it has to be. */
static int attack_in_child(int (*confine)(enum prm_sandbox_mode),
			   bool (*judge)(void))
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		if (confine(PRM_SANDBOX_ON) < 0)
			_exit(100);
		attack("/etc/passwd", note);
		_exit(judge() ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

static bool judge_command(void)
{
	return ARE_REFUSED(never) && ARE_REFUSED(in_commands);
}

static void a_command_that_was_taken_over_is_refused(void **state)
{
	if (prm_sandbox_obstacle())
		skip();
	assert_int_equal(attack_in_child(prm_confine_command, judge_command),
			 0);
}

static bool judge_broker(void)
{
	bool starts = true;

	/* That is what it is for. */
	for (size_t i = 0; i < 2; i++)
		starts = !is_refused(in_commands[i]) && starts;
	return ARE_REFUSED(never) && starts;
}

static void a_broker_that_was_taken_over_is_refused(void **state)
{
	if (prm_sandbox_obstacle())
		skip();
	assert_int_equal(attack_in_child(prm_confine_broker, judge_broker), 0);
}

static int confine_twice(enum prm_sandbox_mode mode)
{
	int r = prm_confine_broker(mode);

	return r < 0 ? r : prm_confine_command(mode);
}

static void a_command_narrows_what_it_inherits(void **state)
{
	if (prm_sandbox_obstacle())
		skip();
	assert_int_equal(attack_in_child(confine_twice, judge_command), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_command_that_was_taken_over_is_refused),
		cmocka_unit_test(a_broker_that_was_taken_over_is_refused),
		cmocka_unit_test(a_command_narrows_what_it_inherits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
