/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the command line means, and what is said of one that means nothing. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "helper/serve/limits.h"
#include "helper/start/arguments.h"
#include "ipc/listen.h"

#define ARGS_MAX 72

static struct prm_arguments options;
static struct prm_fault fault;

static int parse_list(const char *first, va_list more)
{
	char *argv[ARGS_MAX + 1] = { (char *)"pr-helper" };
	int argc = 1;

	for (const char *arg = first; arg; arg = va_arg(more, const char *))
		argv[argc++] = (char *)arg;
	fault.text[0] = '\0';
	return prm_arguments_parse(argc, argv, &fault, &options);
}

/* Parse, and see that it is accepted. */
static void accept(const char *first, ...)
{
	va_list more;
	int error;

	va_start(more, first);
	error = parse_list(first, more);
	va_end(more);
	assert_string_equal(fault.text, "");
	assert_int_equal(error, 0);
}

/* Parse, and see that it is refused with words that hold @part. */
static void refuse(const char *part, const char *first, ...)
{
	struct prm_arguments before = options;
	va_list more;
	int error;

	va_start(more, first);
	error = parse_list(first, more);
	va_end(more);
	assert_int_equal(error, -EINVAL);
	if (!strstr(fault.text, part))
		assert_string_equal(fault.text, part);
	assert_null(strchr(fault.text, '\n'));
	assert_memory_equal(&before, &options, sizeof(options));
}

static void nothing_given_means_what_qemu_means(void **state)
{
	accept(NULL);
	assert_int_equal(options.action, PRM_ARGUMENTS_SERVE);
	assert_string_equal(options.socket, "/var/run/qemu-pr-helper.sock");
	assert_false(options.socket_given);
	assert_null(options.pidfile);
	assert_false(options.daemonize);
	assert_false(options.quiet);
	assert_int_equal(options.verbosity, 0);
	assert_int_equal(options.mode, PRM_LISTEN_MODE_UMASK);
	assert_false(options.owner_given);
	assert_int_equal(options.owner.uid, (uid_t)-1);
	assert_int_equal(options.owner.gid, (uid_t)-1);
	assert_int_equal(options.identity.uid, (uid_t)-1);
	assert_int_equal(options.identity.gid, (uid_t)-1);
	assert_int_equal(options.timeout_ms, PRM_TIMEOUT_MS);
	assert_int_equal(options.max_sessions, PRM_MAX_SESSIONS);
	assert_int_equal(options.max_workers, PRM_MAX_WORKERS);
	assert_int_equal(options.traces_count, 0);
}

static void short_options_of_qemu_are_taken(void **state)
{
	accept("-d", "-f", "/run/x.pid", "-k", "/run/x.sock", "-T", "a*", "-u",
	       "root", "-g", "0", "-v", "-q", NULL);
	assert_true(options.daemonize);
	assert_string_equal(options.pidfile, "/run/x.pid");
	assert_string_equal(options.socket, "/run/x.sock");
	assert_true(options.socket_given);
	assert_int_equal(options.traces_count, 1);
	assert_string_equal(options.traces[0], "a*");
	assert_int_equal(options.identity.uid, 0);
	assert_int_equal(options.identity.gid, 0);
	assert_int_equal(options.verbosity, 1);
	assert_true(options.quiet);
}

static void long_options_of_qemu_are_taken(void **state)
{
	accept("--daemon", "--pidfile=/run/x.pid", "--socket=/run/x.sock",
	       "--trace", "a*", "--user", "root", "--group=0", "--verbose",
	       "--quiet", NULL);
	assert_true(options.daemonize);
	assert_string_equal(options.pidfile, "/run/x.pid");
	assert_string_equal(options.socket, "/run/x.sock");
	assert_int_equal(options.traces_count, 1);
	assert_int_equal(options.identity.uid, 0);
	assert_int_equal(options.identity.gid, 0);
	assert_int_equal(options.verbosity, 1);
	assert_true(options.quiet);
}

static void help_and_version_win_over_what_follows(void **state)
{
	accept("-h", "--nonsense", NULL);
	assert_int_equal(options.action, PRM_ARGUMENTS_HELP);
	accept("--help", "nonsense", NULL);
	assert_int_equal(options.action, PRM_ARGUMENTS_HELP);
	accept("-V", "-k", "relative", NULL);
	assert_int_equal(options.action, PRM_ARGUMENTS_VERSION);
	accept("--version", NULL);
	assert_int_equal(options.action, PRM_ARGUMENTS_VERSION);
	accept("-T", "help", NULL);
	assert_int_equal(options.action, PRM_ARGUMENTS_EVENTS);
}

static void daemon_has_a_pid_file_even_if_none_is_named(void **state)
{
	accept("-d", NULL);
	assert_string_equal(options.pidfile, "/var/run/qemu-pr-helper.pid");
}

static void pid_file_is_written_without_daemon_too(void **state)
{
	accept("-f", "some.pid", NULL);
	assert_string_equal(options.pidfile, "some.pid");
	assert_false(options.daemonize);
	refuse("pid file is empty", "-f", "", NULL);
}

static void socket_path_is_absolute_and_fits(void **state)
{
	char path[109];

	memset(path, 'x', sizeof(path));
	path[0] = '/';
	path[108] = '\0';
	refuse("it has 108 bytes, and the kernel allows 107", "-k", path, NULL);
	path[107] = '\0';
	accept("-k", path, NULL);
	refuse("'relative.sock' is not absolute", "-k", "relative.sock", NULL);
	refuse("'' is not absolute", "-k", "", NULL);
	refuse("'/run/' names a folder", "-k", "/run/", NULL);
}

static void users_and_groups_are_names_or_numbers(void **state)
{
	accept("-u", "12345", "-g", "54321", NULL);
	assert_int_equal(options.identity.uid, 12345);
	assert_int_equal(options.identity.gid, 54321);
	accept("-g", "root", NULL);
	assert_int_equal(options.identity.uid, (uid_t)-1);
	assert_int_equal(options.identity.gid, 0);
	refuse("there is no user 'no such user'", "-u", "no such user", NULL);
	refuse("there is no user ''", "-u", "", NULL);
	refuse("there is no user '-1'", "-u", "-1", NULL);
	refuse("there is no user '4294967295'", "-u", "4294967295", NULL);
	refuse("there is no user '12345x'", "-u", "12345x", NULL);
	refuse("there is no group 'no such group'", "-g", "no such group",
	       NULL);
	accept("-u", "4294967294", "-g", "4294967294", NULL);
	assert_int_equal(options.identity.uid, 4294967294);
}

static void user_brings_its_own_group(void **state)
{
	accept("-u", "daemon", NULL);
	assert_int_not_equal(options.identity.uid, 0);
	assert_int_not_equal(options.identity.gid, 0);
	assert_int_not_equal(options.identity.gid, (uid_t)-1);
	accept("-g", "7", "-u", "daemon", NULL);
	assert_int_equal(options.identity.gid, 7);
	refuse("name one with -g", "-u", "3999999999", NULL);
}

static void mode_is_octal(void **state)
{
	accept("--socket-mode", "0660", NULL);
	assert_int_equal(options.mode, 0660);
	assert_true(options.owner_given);
	accept("--socket-mode=0", NULL);
	assert_int_equal(options.mode, 0);
	accept("--socket-mode=777", NULL);
	assert_int_equal(options.mode, 0777);
	refuse("'1777' is not an octal mode", "--socket-mode", "1777", NULL);
	refuse("'680' is not an octal mode", "--socket-mode", "680", NULL);
	refuse("'' is not an octal mode", "--socket-mode=", NULL);
	refuse("'u=rw' is not an octal mode", "--socket-mode=u=rw", NULL);
}

static void owner_is_a_user_and_perhaps_a_group(void **state)
{
	accept("--socket-owner", "107", NULL);
	assert_int_equal(options.owner.uid, 107);
	assert_int_equal(options.owner.gid, (uid_t)-1);
	assert_true(options.owner_given);
	accept("--socket-owner", "root:108", NULL);
	assert_int_equal(options.owner.uid, 0);
	assert_int_equal(options.owner.gid, 108);
	refuse("':108' is not USER", "--socket-owner", ":108", NULL);
	refuse("'root:' is not USER", "--socket-owner", "root:", NULL);
	refuse("there is no user 'x y'", "--socket-owner", "x y:0", NULL);
	refuse("there is no group '1:2'", "--socket-owner", "0:1:2", NULL);
}

static void limits_have_limits(void **state)
{
	accept("--timeout=1", "--max-sessions=1", "--max-workers=2", NULL);
	assert_int_equal(options.timeout_ms, 1000);
	assert_int_equal(options.max_sessions, 1);
	assert_int_equal(options.max_workers, 2);
	assert_int_equal(options.sandbox, prm_sandbox_default());
	accept("--sandbox=off", NULL);
	assert_int_equal(options.sandbox, PRM_SANDBOX_OFF);
	accept("--timeout=3600", "--max-sessions=65536", "--max-workers=4096",
	       NULL);
	assert_int_equal(options.timeout_ms, 3600000);
	assert_int_equal(options.max_sessions, 65536);
	assert_int_equal(options.max_workers, 4096);
	refuse("--timeout '0' is not a number from 1 to 3600", "--timeout=0",
	       NULL);
	refuse("'3601'", "--timeout=3601", NULL);
	refuse("'30s'", "--timeout=30s", NULL);
	refuse("' 1'", "--timeout= 1", NULL);
	refuse("'99999999999999999999'", "--timeout=99999999999999999999",
	       NULL);
	refuse("from 1 to 65536", "--max-sessions=0", NULL);
	refuse("from 1 to 65536", "--max-sessions=65537", NULL);
	refuse("from 2 to 4096", "--max-workers=1", NULL);
	refuse("from 2 to 4096", "--max-workers=4097", NULL);
	refuse("is not on, log or off", "--sandbox=yes", NULL);
}

static void traces_add_up_to_a_limit(void **state)
{
	char *argv[2 * PRM_ARGUMENTS_TRACES_MAX + 4] = { (char *)"pr-helper" };
	int argc = 1;

	while (argc <= 2 * PRM_ARGUMENTS_TRACES_MAX) {
		argv[argc++] = (char *)"-T";
		argv[argc++] = (char *)"x";
	}
	assert_int_equal(prm_arguments_parse(argc, argv, &fault, &options), 0);
	assert_int_equal(options.traces_count, PRM_ARGUMENTS_TRACES_MAX);
	argv[argc++] = (char *)"-T";
	argv[argc++] = (char *)"y";
	assert_int_equal(prm_arguments_parse(argc, argv, &fault, &options),
			 -EINVAL);
}

static void verbose_counts(void **state)
{
	accept("-vv", "--verbose", NULL);
	assert_int_equal(options.verbosity, 3);
}

static void what_is_no_option_is_refused_by_its_name(void **state)
{
	refuse("'-x' is not an option", "-x", NULL);
	refuse("'-x' is not an option", "--daemon", "-vx", NULL);
	refuse("'--nonsense' is not an option", "--nonsense", NULL);
	refuse("'--max=3' is not an option", "--max=3", NULL);
	refuse("is not an option, or takes no value", "--daemon=yes", NULL);
	refuse("option '-k' needs a value", "-k", NULL);
	refuse("option '--timeout' needs a value", "--timeout", NULL);
	refuse("'surplus' is not an option", "-v", "surplus", NULL);
	refuse("'-v' is not an option", "--", "-v", NULL);
}

static void help_fits_a_screen_and_names_every_option(void **state)
{
	static const char *const names[] = {
		"-h, --help",    "-V, --version", "-d, --daemon",
		"-f, --pidfile", "-k, --socket",  "-T, --trace",
		"-u, --user",    "-g, --group",   "-v, --verbose",
		"-q, --quiet",   "--socket-mode", "--socket-owner",
		"--timeout",     "--max-workers", "--max-sessions",
		"(default: 30)",
	};
	char *text = NULL;
	size_t size = 0, width = 0;
	FILE *out = open_memstream(&text, &size);

	prm_arguments_help(out, "some-name");
	assert_int_equal(fclose(out), 0);
	assert_ptr_equal(strstr(text, "Usage: some-name "), text);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strstr(text, names[i]))
			assert_string_equal(text, names[i]);
	for (const char *at = text; *at; at++) {
		width = *at == '\n' ? 0 : width + 1;
		assert_in_range(width, 0, 79);
	}
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_given_means_what_qemu_means),
		cmocka_unit_test(short_options_of_qemu_are_taken),
		cmocka_unit_test(long_options_of_qemu_are_taken),
		cmocka_unit_test(help_and_version_win_over_what_follows),
		cmocka_unit_test(daemon_has_a_pid_file_even_if_none_is_named),
		cmocka_unit_test(pid_file_is_written_without_daemon_too),
		cmocka_unit_test(socket_path_is_absolute_and_fits),
		cmocka_unit_test(users_and_groups_are_names_or_numbers),
		cmocka_unit_test(user_brings_its_own_group),
		cmocka_unit_test(mode_is_octal),
		cmocka_unit_test(owner_is_a_user_and_perhaps_a_group),
		cmocka_unit_test(limits_have_limits),
		cmocka_unit_test(traces_add_up_to_a_limit),
		cmocka_unit_test(verbose_counts),
		cmocka_unit_test(what_is_no_option_is_refused_by_its_name),
		cmocka_unit_test(help_fits_a_screen_and_names_every_option),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
