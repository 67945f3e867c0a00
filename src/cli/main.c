/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * prmctl: persistent reservations from the command line.
 */
#include <stdio.h>
#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/exit_status.h"

/* An answer that did not get out must not look like success. */
static int flush(int exit)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return exit;
	fprintf(stderr, "prmctl: cannot write to standard output\n");
	return exit == PRM_EXIT_GOOD ? PRM_EXIT_FILE : exit;
}

int main(int argc, char **argv)
{
	static struct prm_cli_arguments arguments;
	char error[PRM_CLI_ERROR_ROOM];

	if (prm_cli_parse(argc, argv, &arguments, error) < 0) {
		fprintf(stderr, "prmctl: %s\n", error);
		return PRM_EXIT_SYNTAX;
	}
	switch (arguments.request) {
	case PRM_CLI_SHOW_HELP: prm_cli_help(stdout, arguments.command); break;
	case PRM_CLI_SHOW_VERSION: printf("prmctl %s\n", PRM_VERSION); break;
	case PRM_CLI_RUN: return flush(arguments.command->run(&arguments));
	}
	return flush(PRM_EXIT_GOOD);
}
