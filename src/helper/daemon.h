/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_HELPER_DAEMON_H
#define PRM_HELPER_DAEMON_H

/* The whole life of the daemon, from its options to its exit status. */

#include "helper/start/fault.h"
#include "helper/start/arguments.h"

/**
 * prm_daemon_run() - start, serve, and end
 * @options:    of the command line, for PRM_ARGUMENTS_SERVE
 * @name:       of the program, for the log; borrowed for ever
 * @fault:      says why it did not start
 * @ret_status: exit status, when there is nothing to be said; written on
 *              success only
 *
 * Once, from main(). May return in two processes, see -d.
 *
 * Return: 0; or a negative errno, when there is a line to print and the exit
 * status is EXIT_FAILURE.
 */
int prm_daemon_run(const struct prm_arguments *options, const char *name,
		   struct prm_fault *fault, int *ret_status);

#endif
