/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One table: result, reply, advice.
 *
 * A result that is in no row, one that a newer library invents included, is
 * LOGICAL UNIT COMMUNICATION FAILURE.  CHECK CONDITION with NO SENSE would be
 * the literal reply for PRM_MPATH_NO_SENSE, but initiators take that for
 * success, so it is an aborted command.
 */

#include <stddef.h>
#include "backend/status.h"
#include "multipath/library.h"
#include "multipath/result.h"
#include "scsi/sense.h"

struct row {
	int result;
	bool may_last;
	enum prm_sense_code sense;
	const char *advice;
};

static const struct row rows[] = {
	{ PRM_MPATH_SYNTAX_ERROR, false, PRM_SENSE_LUN_COMMUNICATION_FAILURE,
	  "the reservation key that multipathd knows is not the one in the "
	  "command: set 'reservation_key file' in the defaults section of "
	  "multipath.conf and run 'multipathd reconfigure'" },
	{ PRM_MPATH_SENSE_NOT_READY, true, PRM_SENSE_LUN_NOT_READY, NULL },
	{ PRM_MPATH_SENSE_MEDIUM_ERROR, true, PRM_SENSE_READ_ERROR, NULL },
	{ PRM_MPATH_SENSE_HARDWARE_ERROR, true, PRM_SENSE_TARGET_FAILURE,
	  NULL },
	{ PRM_MPATH_ILLEGAL_REQUEST, false,
	  PRM_SENSE_INVALID_FIELD_IN_PARAMETER_LIST, NULL },
	{ PRM_MPATH_SENSE_UNIT_ATTENTION, false, PRM_SENSE_BUS_RESET, NULL },
	{ PRM_MPATH_SENSE_INVALID_OPCODE, false, PRM_SENSE_INVALID_OPCODE,
	  NULL },
	{ PRM_MPATH_SENSE_ABORTED_COMMAND, true,
	  PRM_SENSE_IO_PROCESS_TERMINATED, NULL },
	{ PRM_MPATH_NO_SENSE, false, PRM_SENSE_IO_PROCESS_TERMINATED, NULL },
	{ PRM_MPATH_FILE_ERROR, false, PRM_SENSE_LUN_COMMUNICATION_FAILURE,
	  "libmpathpersist could not open a device node: check that /dev here "
	  "shows the map and all its paths" },
	{ PRM_MPATH_MAP_ERROR, false, PRM_SENSE_LUN_COMMUNICATION_FAILURE,
	  "libmpathpersist could not reach multipathd or read the map: check "
	  "that multipathd runs, that its socket can be reached from here (in "
	  "a container: bind-mount /run/multipathd.socket or share the host's "
	  "network namespace), and that 'reservation_key file' is set in "
	  "multipath.conf" },
	{ PRM_MPATH_THREAD_ERROR, false, PRM_SENSE_LUN_COMMUNICATION_FAILURE,
	  "libmpathpersist could not start its threads: raise the limit on "
	  "processes (TasksMax, RLIMIT_NPROC) or free memory" },
};

/* Of a result that is in no row. */
static const char *const no_reason =
	"libmpathpersist failed and gave no reason but what it wrote before "
	"this line, if anything: check that multipath.conf can be read here, "
	"and the log of multipathd";

static const struct row *find(int result)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (rows[i].result == result)
			return &rows[i];
	return NULL;
}

void prm_result_reply(int result, struct prm_reply *reply)
{
	const struct row *row = find(result);

	if (result == PRM_MPATH_SUCCESS)
		prm_status_set(reply, PRM_STATUS_GOOD);
	else if (result == PRM_MPATH_CONFLICT)
		prm_status_set(reply, PRM_STATUS_RESERVATION_CONFLICT);
	else
		prm_status_set_sense(reply,
				     row ? row->sense
					 : PRM_SENSE_LUN_COMMUNICATION_FAILURE);
}

bool prm_result_may_last(int result)
{
	const struct row *row = find(result);

	return row && row->may_last;
}

const char *prm_result_advice(int result)
{
	const struct row *row = find(result);

	if (result == PRM_MPATH_SUCCESS || result == PRM_MPATH_CONFLICT)
		return NULL;
	return row ? row->advice : no_reason;
}
