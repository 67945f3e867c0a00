/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a command line becomes; messages are the functional tests' to check. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "cli/arguments.h"
#include "cli/command.h"

#define WORDS_MAX 80

static struct prm_cli_arguments arguments;

/* Parse words that are separated by blanks. */
static int parse(const char *line)
{
	static char copy[2048], name[] = "prmctl";
	static char *words[WORDS_MAX];
	char error[PRM_CLI_ERROR_ROOM];
	int count = 1;

	assert_true(strlen(line) < sizeof(copy));
	strcpy(copy, line);
	memset(words, 0, sizeof(words));
	words[0] = name;
	for (char *word = strtok(copy, " "); word; word = strtok(NULL, " ")) {
		assert_true(count < WORDS_MAX - 1);
		words[count++] = word;
	}
	return prm_cli_parse(count, words, &arguments, error);
}

static void every_command_has_what_it_needs_in_its_set(void **state)
{
	(void)state;
	for (size_t i = 0; i < prm_cli_command_count; i++) {
		const struct prm_cli_command *command = &prm_cli_commands[i];

		assert_ptr_equal(prm_cli_command_find(command->name), command);
		assert_int_equal(command->required & ~command->allowed, 0);
		assert_non_null(command->run);
	}
	assert_null(prm_cli_command_find("help"));
}

static void values_arrive(void **state)
{
	(void)state;
	assert_int_equal(parse("register-move -k 1 -n 0xff --unreg --aptpl "
			       "--transport-id sas,5 --timeout 1.5 "
			       "--relative-target-port 0x10 /dev/x -j -m y"),
			 0);
	assert_int_equal(arguments.request, PRM_CLI_RUN);
	assert_string_equal(arguments.command->name, "register-move");
	assert_string_equal(arguments.device, "/dev/x");
	assert_string_equal(arguments.manager, "y");
	assert_int_equal(arguments.out.key, 1);
	assert_int_equal(arguments.out.new_key, 0xff);
	assert_true(arguments.out.unreg && arguments.out.aptpl);
	assert_int_equal(arguments.out.relative_target_port, 16);
	assert_int_equal(arguments.transport_id_count, 1);
	assert_int_equal(arguments.transport_ids[0].address, 5);
	assert_int_equal(arguments.timeout_ms, 1500);
	assert_true(arguments.given & PRM_CLI_JSON);
}

static void nothing_is_left_of_an_earlier_command_line(void **state)
{
	(void)state;
	assert_int_equal(parse("clear -k 5 --json /dev/x"), 0);
	assert_int_equal(parse("register -n 1 /dev/y"), 0);
	assert_int_equal(arguments.out.key, 0);
	assert_int_equal(arguments.given, PRM_CLI_NEW_KEY);
	assert_string_equal(arguments.device, "/dev/y");
}

static void a_wrong_command_line_writes_nothing(void **state)
{
	(void)state;
	assert_int_equal(parse("keys /dev/x"), 0);
	assert_true(parse("clear /dev/y") < 0);
	assert_true(parse("clear -k zz /dev/y") < 0);
	assert_string_equal(arguments.command->name, "keys");
}

static void the_words_of_a_program_are_its_own(void **state)
{
	(void)state;
	assert_int_equal(parse("run -m x prog --json -k keys --"), 0);
	assert_string_equal(arguments.program[0], "prog");
	assert_string_equal(arguments.program[1], "--json");
	assert_string_equal(arguments.program[4], "--");
	assert_null(arguments.program[5]);
	assert_int_equal(arguments.given, PRM_CLI_MANAGER);
	assert_int_equal(parse("run -- -prog --help"), 0);
	assert_string_equal(arguments.program[0], "-prog");
	assert_int_equal(arguments.request, PRM_CLI_RUN);
}

static void behind_two_hyphens_there_are_no_options(void **state)
{
	(void)state;
	assert_int_equal(parse("keys -- --json"), 0);
	assert_string_equal(arguments.device, "--json");
	assert_int_equal(arguments.given, 0);
	assert_int_equal(parse("-- keys -j"), 0);
	assert_string_equal(arguments.device, "-j");
}

static void help_needs_nothing_else(void **state)
{
	(void)state;
	assert_int_equal(parse("reserve --help"), 0);
	assert_int_equal(arguments.request, PRM_CLI_SHOW_HELP);
	assert_string_equal(arguments.command->name, "reserve");
	assert_int_equal(parse("help"), 0);
	assert_null(arguments.command);
	assert_int_equal(parse("help reserve"), 0);
	assert_string_equal(arguments.command->name, "reserve");
	assert_true(parse("help help") < 0);
	assert_int_equal(parse("--version"), 0);
	assert_int_equal(arguments.request, PRM_CLI_SHOW_VERSION);
}

static void transport_ids_end_at_their_maximum(void **state)
{
	char line[2048] = "register -n 1 /dev/x";

	(void)state;
	for (int i = 0; i < 32; i++)
		strcat(line, " --transport-id=sas,1");
	assert_int_equal(parse(line), 0);
	assert_int_equal(arguments.transport_id_count, 32);
	assert_true(arguments.out.spec_i_pt);
	strcat(line, " --transport-id=sas,1");
	assert_true(parse(line) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_command_has_what_it_needs_in_its_set),
		cmocka_unit_test(values_arrive),
		cmocka_unit_test(nothing_is_left_of_an_earlier_command_line),
		cmocka_unit_test(a_wrong_command_line_writes_nothing),
		cmocka_unit_test(the_words_of_a_program_are_its_own),
		cmocka_unit_test(behind_two_hyphens_there_are_no_options),
		cmocka_unit_test(help_needs_nothing_else),
		cmocka_unit_test(transport_ids_end_at_their_maximum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
