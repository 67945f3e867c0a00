/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Exit statuses of sg3_utils.
 *
 * One thing is added where sg3_utils leaves room: an errno below 97 is for a
 * command that never left, 99 for one whose fate nobody knows.  A fencing
 * script needs the difference.
 */
#include <errno.h>
#include <stdbool.h>
#include "cli/exit_status.h"
#include "scsi/sense.h"

int prm_exit_of_errno(int error)
{
	switch (error) {
	case -ETIMEDOUT: return PRM_EXIT_TIMEOUT;
	case -ENOTCONN: return PRM_EXIT_ERRNO;
	case -EINVAL:
	case -EBADF: return PRM_EXIT_ERRNO - error;
	default: return PRM_EXIT_OTHER;
	}
}

static int of_illegal_request(const struct prm_sense *sense)
{
	return prm_sense_code(sense) == PRM_SENSE_INVALID_OPCODE
		       ? PRM_EXIT_INVALID_OPCODE
		       : PRM_EXIT_ILLEGAL_REQUEST;
}

static int of_sense(const struct prm_sense *sense)
{
	switch (sense->key) {
	case PRM_SENSE_KEY_NO_SENSE: return PRM_EXIT_NO_SENSE;
	case PRM_SENSE_KEY_RECOVERED_ERROR: return PRM_EXIT_GOOD;
	case PRM_SENSE_KEY_NOT_READY: return PRM_EXIT_NOT_READY;
	case PRM_SENSE_KEY_MEDIUM_ERROR:
	case PRM_SENSE_KEY_HARDWARE_ERROR:
	case PRM_SENSE_KEY_BLANK_CHECK: return PRM_EXIT_MEDIUM_OR_HARDWARE;
	case PRM_SENSE_KEY_ILLEGAL_REQUEST: return of_illegal_request(sense);
	case PRM_SENSE_KEY_UNIT_ATTENTION: return PRM_EXIT_UNIT_ATTENTION;
	case PRM_SENSE_KEY_DATA_PROTECT: return PRM_EXIT_DATA_PROTECT;
	case PRM_SENSE_KEY_COPY_ABORTED: return PRM_EXIT_COPY_ABORTED;
	case PRM_SENSE_KEY_ABORTED_COMMAND: return PRM_EXIT_ABORTED_COMMAND;
	case PRM_SENSE_KEY_MISCOMPARE: return PRM_EXIT_MISCOMPARE;
	default: return PRM_EXIT_OTHER_SENSE;
	}
}

static int of_check_condition(const struct prm_reply *reply)
{
	struct prm_sense sense;

	if (prm_sense_decode(reply->sense, reply->sense_len, &sense) !=
	    PRM_DECODE_OK)
		return PRM_EXIT_OTHER_SENSE;
	/* Sense about an earlier command says nothing good of this one. */
	if (sense.deferred && sense.key == PRM_SENSE_KEY_RECOVERED_ERROR)
		return PRM_EXIT_OTHER_SENSE;
	return of_sense(&sense);
}

int prm_exit_of_reply(const struct prm_reply *reply)
{
	switch (reply->status) {
	case PRM_STATUS_GOOD: return PRM_EXIT_GOOD;
	case PRM_STATUS_CHECK_CONDITION: return of_check_condition(reply);
	case PRM_STATUS_CONDITION_MET: return PRM_EXIT_CONDITION_MET;
	case PRM_STATUS_BUSY: return PRM_EXIT_BUSY;
	case PRM_STATUS_RESERVATION_CONFLICT:
		return PRM_EXIT_RESERVATION_CONFLICT;
	case PRM_STATUS_TASK_SET_FULL: return PRM_EXIT_TASK_SET_FULL;
	case PRM_STATUS_ACA_ACTIVE: return PRM_EXIT_ACA_ACTIVE;
	case PRM_STATUS_TASK_ABORTED: return PRM_EXIT_TASK_ABORTED;
	default: return PRM_EXIT_OTHER;
	}
}
