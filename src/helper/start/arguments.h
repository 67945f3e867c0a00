/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_HELPER_START_ARGUMENTS_H
#define PRM_HELPER_START_ARGUMENTS_H

/*
 * The command line: qemu-pr-helper's, and what it lacks.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>
#include "helper/start/fault.h"
#include "helper/start/privileges.h"
#include "sandbox/sandbox.h"

/* Where everybody looks for the helper, whatever prefix it is installed in. */
#define PRM_DEFAULT_SOCKET  "/var/run/qemu-pr-helper.sock"
#define PRM_DEFAULT_PIDFILE "/var/run/qemu-pr-helper.pid"

/* The most -T options. */
#define PRM_ARGUMENTS_TRACES_MAX 32

/**
 * enum prm_arguments_action - what the user asked for
 * @PRM_ARGUMENTS_SERVE:   to be a helper
 * @PRM_ARGUMENTS_HELP:    -h
 * @PRM_ARGUMENTS_VERSION: -V
 * @PRM_ARGUMENTS_EVENTS:  -T help
 */
enum prm_arguments_action {
	PRM_ARGUMENTS_SERVE,
	PRM_ARGUMENTS_HELP,
	PRM_ARGUMENTS_VERSION,
	PRM_ARGUMENTS_EVENTS,
};

/**
 * struct prm_arguments - the command line in values
 * @action:       what to do; all others are meant for PRM_ARGUMENTS_SERVE
 * @socket:       path of the socket
 * @socket_given: whether it was named, which socket activation does not allow
 * @mode:         of the socket file, or PRM_LISTEN_MODE_UMASK
 * @owner:        of the socket file
 * @owner_given:  whether mode or owner was named
 * @pidfile:      path of the pid file, or NULL for none
 * @daemonize:    go to the background
 * @identity:     who to become
 * @timeout_ms:   what a client waits for its reply, in milliseconds
 * @max_sessions: clients at a time
 * @max_workers:  threads that run commands
 * @multipath_program: path of pr-helper-multipath, or NULL for the place where
 *                it is installed
 * @sandbox:      whether system calls are limited
 * @quiet:        log errors only
 * @verbosity:    how often -v was given
 * @traces:       arguments of -T, @traces_count of them
 * @traces_count: their number
 *
 * Strings are borrowed from the argument vector.
 */
struct prm_arguments {
	enum prm_arguments_action action;
	const char *socket;
	bool socket_given;
	mode_t mode;
	struct prm_identity owner;
	bool owner_given;
	const char *pidfile;
	bool daemonize;
	struct prm_identity identity;
	unsigned int timeout_ms;
	unsigned int max_sessions;
	unsigned int max_workers;
	const char *multipath_program;
	enum prm_sandbox_mode sandbox;
	bool quiet;
	unsigned int verbosity;
	const char *traces[PRM_ARGUMENTS_TRACES_MAX];
	size_t traces_count;
};

/**
 * prm_arguments_parse() - read the command line
 * @argc:        of main()
 * @argv:        of main(); its elements change places
 * @fault:       says what is wrong, with which value, and what to do
 * @ret_arguments: what was asked for, written on success only
 *
 * Looks up users and groups. -h and -V win over whatever follows them.
 *
 * Return: 0; -EINVAL; or -ENOTSUP for what this build cannot do.
 */
int prm_arguments_parse(int argc, char **argv, struct prm_fault *fault,
			struct prm_arguments *ret_arguments);

/* Print what -h is for; @name is the program's own. */
void prm_arguments_help(FILE *out, const char *name);

#endif
