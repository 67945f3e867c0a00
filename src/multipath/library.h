/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_MULTIPATH_LIBRARY_H
#define PRM_MULTIPATH_LIBRARY_H

/*
 * The one call of libmpathpersist, behind a door that tests can swap.
 */

#include "scsi/cdb.h"
#include "scsi/pr_out.h"

/**
 * enum prm_mpath - how libmpathpersist says that a command ended
 *
 * Its MPATH_PR_* by value (mpath_persist.h). SENSE stands for a CHECK
 * CONDITION of which only the sense key is left.
 */
enum prm_mpath {
	PRM_MPATH_SKIP = -1,
	PRM_MPATH_SUCCESS = 0,
	PRM_MPATH_SYNTAX_ERROR = 1,
	PRM_MPATH_SENSE_NOT_READY = 2,
	PRM_MPATH_SENSE_MEDIUM_ERROR = 3,
	PRM_MPATH_SENSE_HARDWARE_ERROR = 4,
	PRM_MPATH_ILLEGAL_REQUEST = 5,
	PRM_MPATH_SENSE_UNIT_ATTENTION = 6,
	PRM_MPATH_SENSE_INVALID_OPCODE = 7,
	PRM_MPATH_SENSE_ABORTED_COMMAND = 8,
	PRM_MPATH_NO_SENSE = 9,
	PRM_MPATH_MALFORMED = 10,
	PRM_MPATH_CONFLICT = 11,
	PRM_MPATH_FILE_ERROR = 12,
	PRM_MPATH_MAP_ERROR = 13,
	PRM_MPATH_THREAD_ERROR = 14,
	PRM_MPATH_OTHER = 15,
};

/**
 * prm_library_carries() - whether the library can be given a TransportID
 * @id: from a list that was decoded
 *
 * Return: true for Fibre Channel, SAS and iSCSI, which is all it knows.
 */
bool prm_library_carries(const struct prm_transport_id *id);

/**
 * prm_library_has_multipathd() - whether multipathd takes connections
 *
 * Version 0.9.4 of the library reports success for a registration that it could
 * not tell multipathd of: a path that comes back would not be registered.
 *
 * Return: true if it does, at the socket that libmpathcmd picks.
 */
bool prm_library_has_multipathd(void);

/**
 * prm_library_out() - run PERSISTENT RESERVE OUT on every path it takes
 * @fd:   the map
 * @cdb:  service action up to REGISTER AND IGNORE EXISTING KEY
 * @list: its parameter list; TransportIDs only such as prm_library_carries()
 *
 * Once in a process, which must have one thread: the library keeps its
 * configuration for good. It writes to standard error.
 *
 * Return: a value of enum prm_mpath, or one that it does not know.
 */
int prm_library_out(int fd, const struct prm_pr_cdb *cdb,
		    const struct prm_pr_out *list);

#endif
