/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_CLI_FAULT_H
#define PRM_CLI_FAULT_H

/* What went wrong, in words. Threads: pure functions, but for reporting. */

#include "cli/json.h"
#include "cli/session.h"

/**
 * prm_cli_fault_set() - something went wrong without an answer of the device
 * @fault:  set, all of it
 * @exit:   exit status
 * @format: the message, as for printf(3)
 * @...:    what it refers to
 *
 * Return: @exit.
 */
int prm_cli_fault_set(struct prm_cli_fault *fault, int exit, const char *format,
		      ...) __attribute__((format(printf, 3, 4)));

/**
 * prm_cli_fault_advise() - append a line of advice
 * @fault:  set before
 * @format: the line without its newline, as for printf(3)
 * @...:    what it refers to
 */
void prm_cli_fault_advise(struct prm_cli_fault *fault, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/**
 * prm_cli_fault_of_errno() - there was no answer
 * @fault: set, all of it
 * @error: negative errno of prm_manager_run()
 *
 * Return: exit status.
 */
int prm_cli_fault_of_errno(struct prm_cli_fault *fault, int error);

/**
 * prm_cli_fault_of_reply() - the device answered
 * @fault: set, all of it
 * @reply: its answer
 *
 * Return: exit status, PRM_EXIT_GOOD included.
 */
int prm_cli_fault_of_reply(struct prm_cli_fault *fault,
			   const struct prm_reply *reply);

/**
 * prm_cli_fault_json() - members "exit", "message", "status" and "sense"
 * @fault: the fault
 * @json:  within an object
 */
void prm_cli_fault_json(const struct prm_cli_fault *fault,
			struct prm_json *json);

/**
 * prm_cli_fault_print() - tell people, on stderr
 * @fault:     the fault
 * @arguments: what was to be done
 */
void prm_cli_fault_print(const struct prm_cli_fault *fault,
			 const struct prm_cli_arguments *arguments);

/**
 * prm_cli_json_begin() - begin a command's object: "command" and "device"
 * @json:      written to
 * @arguments: the command
 */
void prm_cli_json_begin(struct prm_json *json,
			const struct prm_cli_arguments *arguments);

/**
 * prm_cli_report() - say what went wrong as the user wants it
 * @fault:     the fault
 * @arguments: --json: an object with "error"; else lines on stderr
 *
 * Return: exit status.
 */
int prm_cli_report(const struct prm_cli_fault *fault,
		   const struct prm_cli_arguments *arguments);

#endif
