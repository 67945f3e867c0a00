/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_CLI_COMMAND_H
#define PRM_CLI_COMMAND_H

/* The commands of prmctl. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "cli/arguments.h"

/**
 * struct prm_cli_command - a command of prmctl
 * @name:       what the user types
 * @summary:    what it does, for the list of all
 * @details:    lines that help on this command ends with
 * @positional: what follows the name
 * @allowed:    set of enum prm_cli_option
 * @required:   the same
 * @action:     PERSISTENT RESERVE IN or OUT service action, where it has one
 * @run:        runs it; returns the exit status
 */
struct prm_cli_command {
	const char *name;
	const char *summary;
	const char *details;
	enum prm_cli_positional positional;
	unsigned int allowed;
	unsigned int required;
	uint8_t action;
	int (*run)(const struct prm_cli_arguments *arguments);
};

/* All commands, in the order in which help has them. */
extern const struct prm_cli_command prm_cli_commands[];

/* How many there are. */
extern const size_t prm_cli_command_count;

/* The command of that name, or NULL. */
const struct prm_cli_command *prm_cli_command_find(const char *name);

/* Each runs a command and returns the exit status. */
int prm_cli_run_keys(const struct prm_cli_arguments *arguments);
int prm_cli_run_reservation(const struct prm_cli_arguments *arguments);
int prm_cli_run_capabilities(const struct prm_cli_arguments *arguments);
int prm_cli_run_status(const struct prm_cli_arguments *arguments);
int prm_cli_run_change(const struct prm_cli_arguments *arguments);
int prm_cli_run_watch(const struct prm_cli_arguments *arguments);
int prm_cli_run_ping(const struct prm_cli_arguments *arguments);
int prm_cli_run_program(const struct prm_cli_arguments *arguments);

/**
 * prm_cli_help() - print help
 * @file:    where to
 * @command: on what; NULL for the list of commands
 */
void prm_cli_help(FILE *file, const struct prm_cli_command *command);

#endif
