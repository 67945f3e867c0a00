/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRMANAGER_COMMAND_H
#define PRMANAGER_COMMAND_H

/*
 * One SCSI command and what the device answered.
 *
 * Both structures start with their own size: programs built against an older
 * header keep working with a newer library, which reads and writes no member
 * beyond that size.  Fill them with PRM_COMMAND_INIT and PRM_REPLY_INIT.
 */

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The longest CDB that can be sent, in bytes. */
#define PRM_CDB_SIZE 16

/* Room for sense data, in bytes: what the helper protocol carries. */
#define PRM_SENSE_SIZE 96

/* The most data a PR command can carry either way (the protocol's limit). */
#define PRM_DATA_SIZE 8192

/**
 * enum prm_status - SCSI status codes (SAM-5, 5.3.1)
 *
 * What the device said, as the byte it said it in. PRM_STATUS_GOOD alone means
 * that the command was carried out without reservation.
 */
enum prm_status {
	PRM_STATUS_GOOD = 0x00,
	PRM_STATUS_CHECK_CONDITION = 0x02,
	PRM_STATUS_CONDITION_MET = 0x04,
	PRM_STATUS_BUSY = 0x08,
	PRM_STATUS_RESERVATION_CONFLICT = 0x18,
	PRM_STATUS_TASK_SET_FULL = 0x28,
	PRM_STATUS_ACA_ACTIVE = 0x30,
	PRM_STATUS_TASK_ABORTED = 0x40,
};

/**
 * enum prm_direction - which way a command moves its data
 * @PRM_DIRECTION_AUTO:   as PERSISTENT RESERVE IN or OUT has it; no data for
 *                        other commands
 * @PRM_DIRECTION_NONE:   no data
 * @PRM_DIRECTION_IN:     from the device
 * @PRM_DIRECTION_OUT:    to the device
 */
enum prm_direction {
	PRM_DIRECTION_AUTO = 0,
	PRM_DIRECTION_NONE = 1,
	PRM_DIRECTION_IN = 2,
	PRM_DIRECTION_OUT = 3,
};

/**
 * struct prm_command - a command to run
 * @size:       sizeof(struct prm_command)
 * @cdb:        the command descriptor block; bytes from @cdb_len on are ignored
 * @cdb_len:    its length in bytes, 6 to 16; 10 for PERSISTENT RESERVE IN/OUT
 * @data:       borrowed for the call: received data for PERSISTENT RESERVE IN,
 *              the parameter list for PERSISTENT RESERVE OUT
 * @data_len:   bytes at @data
 * @timeout_ms: how long the command may take, in milliseconds; 0 leaves it to
 *              the manager
 * @direction:  see enum prm_direction; only passthrough devices look at it,
 *              which take other commands than PERSISTENT RESERVE IN and OUT too
 */
struct prm_command {
	size_t size;
	uint8_t cdb[PRM_CDB_SIZE];
	size_t cdb_len;
	void *data;
	size_t data_len;
	unsigned int timeout_ms;
	int direction;
};

#define PRM_COMMAND_INIT                                                       \
	{                                                                      \
		sizeof(struct prm_command), { 0 }, 0, 0, 0, 0, 0               \
	}

/**
 * struct prm_reply - what the device answered
 * @size:      sizeof(struct prm_reply)
 * @status:    SCSI status, see enum prm_status
 * @sense:     sense data, zero from @sense_len on
 * @sense_len: bytes of sense data that mean something; 0 without sense
 * @data_len:  bytes stored at the command's data; for PERSISTENT RESERVE IN 0
 *             unless @status is GOOD, for commands that send data always 0
 *
 * PRM_REPLY_INIT holds CHECK CONDITION, never GOOD, so that an answer which
 * nobody filled in cannot be taken for success.
 */
struct prm_reply {
	size_t size;
	int status;
	uint8_t sense[PRM_SENSE_SIZE];
	size_t sense_len;
	size_t data_len;
};

#define PRM_REPLY_INIT                                                         \
	{                                                                      \
		sizeof(struct prm_reply), PRM_STATUS_CHECK_CONDITION, { 0 },   \
			0, 0                                                   \
	}

#ifdef __cplusplus
}
#endif

#endif
