/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_CLI_EXIT_STATUS_H
#define PRM_CLI_EXIT_STATUS_H

/*
 * Exit statuses: those of sg_persist, so that scripts can move over; see
 * sg3_utils(8) and prmctl(1).
 *
 * Threads: pure functions.
 */

#include <prmanager/command.h>

/**
 * enum prm_exit - what prmctl exits with
 */
enum prm_exit {
	PRM_EXIT_GOOD = 0,
	PRM_EXIT_SYNTAX = 1,
	PRM_EXIT_NOT_READY = 2,
	PRM_EXIT_MEDIUM_OR_HARDWARE = 3,
	PRM_EXIT_ILLEGAL_REQUEST = 5,
	PRM_EXIT_UNIT_ATTENTION = 6,
	PRM_EXIT_DATA_PROTECT = 7,
	PRM_EXIT_INVALID_OPCODE = 9,
	PRM_EXIT_COPY_ABORTED = 10,
	PRM_EXIT_ABORTED_COMMAND = 11,
	PRM_EXIT_MISCOMPARE = 14,
	PRM_EXIT_FILE = 15,
	PRM_EXIT_NO_SENSE = 20,
	PRM_EXIT_RESERVATION_CONFLICT = 24,
	PRM_EXIT_CONDITION_MET = 25,
	PRM_EXIT_BUSY = 26,
	PRM_EXIT_TASK_SET_FULL = 27,
	PRM_EXIT_ACA_ACTIVE = 28,
	PRM_EXIT_TASK_ABORTED = 29,
	PRM_EXIT_TIMEOUT = 33,
	PRM_EXIT_ERRNO = 50,
	PRM_EXIT_MALFORMED = 97,
	PRM_EXIT_OTHER_SENSE = 98,
	PRM_EXIT_OTHER = 99,
};

/**
 * prm_exit_of_errno() - exit status when there is no answer
 * @error: negative errno of prm_manager_run()
 *
 * Return: PRM_EXIT_TIMEOUT for -ETIMEDOUT; PRM_EXIT_ERRNO plus the errno (plus
 * nothing where that exceeds 46) if the command never left; PRM_EXIT_OTHER if
 * nobody knows.
 */
int prm_exit_of_errno(int error);

/**
 * prm_exit_of_reply() - exit status for what the device answered
 * @reply: the answer
 *
 * RECOVERED ERROR is PRM_EXIT_GOOD: the command was carried out.
 *
 * Return: the exit status.
 */
int prm_exit_of_reply(const struct prm_reply *reply);

#endif
