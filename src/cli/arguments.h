/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_CLI_ARGUMENTS_H
#define PRM_CLI_ARGUMENTS_H

/*
 * The command line, checked whole before anything is done.
 *
 * Threads: not safe, getopt_long(3) is not.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "scsi/pr_out.h"
#include "scsi/transport_id.h"

struct prm_cli_command;

/* Room for what is wrong with a command line. */
#define PRM_CLI_ERROR_ROOM 512

/**
 * enum prm_cli_option - options, as bits of a set
 */
enum prm_cli_option {
	PRM_CLI_KEY = 1 << 0,
	PRM_CLI_NEW_KEY = 1 << 1,
	PRM_CLI_TYPE = 1 << 2,
	PRM_CLI_APTPL = 1 << 3,
	PRM_CLI_ALL_TARGET_PORTS = 1 << 4,
	PRM_CLI_TRANSPORT_ID = 1 << 5,
	PRM_CLI_RELATIVE_TARGET_PORT = 1 << 6,
	PRM_CLI_UNREG = 1 << 7,
	PRM_CLI_INTERVAL = 1 << 8,
	PRM_CLI_MANAGER = 1 << 9,
	PRM_CLI_DIRECT = 1 << 10,
	PRM_CLI_JSON = 1 << 11,
	PRM_CLI_TIMEOUT = 1 << 12,
};

/**
 * enum prm_cli_positional - what follows a command's name
 */
enum prm_cli_positional {
	PRM_CLI_NOTHING,
	PRM_CLI_DEVICE,
	PRM_CLI_PROGRAM,
};

/**
 * enum prm_cli_request - what the command line asks for
 */
enum prm_cli_request {
	PRM_CLI_RUN,
	PRM_CLI_SHOW_HELP,
	PRM_CLI_SHOW_VERSION,
};

/**
 * struct prm_cli_arguments - a command line
 * @request:              what to do
 * @command:              the command; NULL for help on all of them
 * @given:                set of enum prm_cli_option
 * @device:               path of the device; borrowed from argv
 * @program:              program and arguments, ended by NULL; from argv
 * @manager:              --manager, or NULL; from argv
 * @type:                 --type, 0 without
 * @timeout_ms:           --timeout, 0 without
 * @interval_ms:          --interval
 * @out:                  the parameter list's fields
 * @transport_ids:        --transport-id, @transport_id_count of them
 * @transport_id_count:   how many
 */
struct prm_cli_arguments {
	enum prm_cli_request request;
	const struct prm_cli_command *command;
	unsigned int given;
	const char *device;
	char **program;
	const char *manager;
	uint8_t type;
	unsigned int timeout_ms;
	unsigned int interval_ms;
	struct prm_pr_out out;
	struct prm_transport_id transport_ids[PRM_PR_OUT_TRANSPORT_IDS_MAX];
	size_t transport_id_count;
};

/**
 * prm_cli_parse() - take a command line apart and check it
 * @argc:          as of main()
 * @argv:          as of main()
 * @ret_arguments: the command line
 * @ret_error:     what is wrong, and what would be right; written on failure
 *
 * Return: 0 or -EINVAL.
 */
int prm_cli_parse(int argc, char **argv,
		  struct prm_cli_arguments *ret_arguments,
		  char ret_error[PRM_CLI_ERROR_ROOM]);

/**
 * prm_cli_option_name() - an option's long name
 * @option: enum prm_cli_option
 *
 * Return: "--key" or the like.
 */
const char *prm_cli_option_name(unsigned int option);

#endif
