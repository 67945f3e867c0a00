/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_HELPER_LOG_AUDIT_H
#define PRM_HELPER_LOG_AUDIT_H

/*
 * One line for each PERSISTENT RESERVE OUT: what changed a reservation, who
 * asked for it, and what the device said.
 *
 *	audit pid=4711 uid=64055 unit=machine-qemu\x2d1\x2dvm.scope
 *	device=8:16 action=PREEMPT key=0x0000000000000001
 *	sa_key=0x0000000000000002 type=5 status=CHECK_CONDITION sense=5/26/00
 *	duration_us=1873 late=no dropped=no
 *
 * (on one line).  Every key is there every time, in this order, and no value
 * holds a blank; what is not known is "?", what does not apply is "-".  The
 * same values go to the journal as fields, PRM_PID= to PRM_DROPPED=.  Nothing
 * limits the rate of those that may have changed something: a change that is
 * not on record is worse than a long log.  For the others, see rate.h.
 * doc/audit.md describes the line for its readers.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/**
 * struct prm_audit - one PERSISTENT RESERVE OUT
 * @pid:         of the client; 0 when it is in another pid namespace
 * @uid:         of the client
 * @unit:        its systemd unit or control group; NULL when not known
 * @device:      name of the device; NULL when there was none
 * @action:      name of the service action, such as "REGISTER"; blanks in it
 *               become underscores
 * @has_keys:    the next two are meant
 * @key:         RESERVATION KEY of the parameter list
 * @sa_key:      SERVICE ACTION RESERVATION KEY of the parameter list
 * @type:        TYPE of the CDB, 0 to 15
 * @status:      name of the SCSI status that was sent, or that came late;
 *               NULL when the command was not run
 * @is_conflict: @status is RESERVATION CONFLICT
 * @has_sense:   the next three are meant
 * @sense_key:   sense key, 0 to 15
 * @asc:         additional sense code
 * @ascq:        additional sense code qualifier
 * @duration_ns: from the request's last byte to the answer, in nanoseconds
 * @late:        the answer came after the deadline, and was not sent
 * @dropped:     the client was gone before the command was run; it never was
 */
struct prm_audit {
	pid_t pid;
	uid_t uid;
	const char *unit;
	const char *device;
	const char *action;
	bool has_keys;
	uint64_t key;
	uint64_t sa_key;
	uint8_t type;
	const char *status;
	bool is_conflict;
	bool has_sense;
	uint8_t sense_key;
	uint8_t asc;
	uint8_t ascq;
	int64_t duration_ns;
	bool late;
	bool dropped;
};

/**
 * prm_audit_log() - put @audit on record, at PRM_LOG_NOTICE
 * @audit: borrowed for the call
 *
 * Any thread; never blocks. The record is queued on return, unless it is one too
 * many of a command that changed nothing.
 */
void prm_audit_log(const struct prm_audit *audit);

#endif
