/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_SCSI_CDB_H
#define PRM_SCSI_CDB_H

/*
 * The CDBs of PERSISTENT RESERVE IN and OUT (SPC-4, 6.15 and 6.16).
 *
 * This is SPC's reading of the bytes.  The helper protocol takes the length of
 * both from bytes 7 and 8; that rule belongs to wire.
 *
 * Threads: pure functions.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/cursor.h"

#define PRM_OPCODE_PR_IN  0x5e
#define PRM_OPCODE_PR_OUT 0x5f

/* Bytes of either CDB; SPC ends them with CONTROL in byte 9. */
#define PRM_PR_CDB_LEN 10

/* Bytes that prm_pr_cdb_encode() fills: the helper protocol sends so many. */
#define PRM_PR_CDB_ROOM 16

/**
 * enum prm_pr_in_action - service actions of PERSISTENT RESERVE IN
 */
enum prm_pr_in_action {
	PRM_PR_IN_READ_KEYS = 0,
	PRM_PR_IN_READ_RESERVATION = 1,
	PRM_PR_IN_REPORT_CAPABILITIES = 2,
	PRM_PR_IN_READ_FULL_STATUS = 3,
};

/**
 * enum prm_pr_out_action - service actions of PERSISTENT RESERVE OUT
 */
enum prm_pr_out_action {
	PRM_PR_OUT_REGISTER = 0,
	PRM_PR_OUT_RESERVE = 1,
	PRM_PR_OUT_RELEASE = 2,
	PRM_PR_OUT_CLEAR = 3,
	PRM_PR_OUT_PREEMPT = 4,
	PRM_PR_OUT_PREEMPT_AND_ABORT = 5,
	PRM_PR_OUT_REGISTER_AND_IGNORE = 6,
	PRM_PR_OUT_REGISTER_AND_MOVE = 7,
	PRM_PR_OUT_REPLACE_LOST = 8,
};

/* SCOPE of every reservation: the whole logical unit. */
#define PRM_PR_SCOPE_LU 0

/**
 * enum prm_pr_type - reservation types
 *
 * PRM_PR_TYPE_NONE is no type of SPC's; it stands for "no reservation" or "not
 * given" where a type is optional.
 */
enum prm_pr_type {
	PRM_PR_TYPE_NONE = 0,
	PRM_PR_TYPE_WRITE_EXCLUSIVE = 1,
	PRM_PR_TYPE_EXCLUSIVE_ACCESS = 3,
	PRM_PR_TYPE_WRITE_EXCLUSIVE_RO = 5,
	PRM_PR_TYPE_EXCLUSIVE_ACCESS_RO = 6,
	PRM_PR_TYPE_WRITE_EXCLUSIVE_AR = 7,
	PRM_PR_TYPE_EXCLUSIVE_ACCESS_AR = 8,
};

/**
 * struct prm_pr_cdb - a PERSISTENT RESERVE command in host order
 * @out:    PERSISTENT RESERVE OUT, else IN
 * @action: service action, 0 to 31; not necessarily one of the enumerators
 * @scope:  SCOPE, 0 to 15; 0 for IN, which has none
 * @type:   TYPE, 0 to 15, see enum prm_pr_type; 0 for IN
 * @length: bytes: allocation length of IN (at most 65535), parameter list
 *          length of OUT
 */
struct prm_pr_cdb {
	bool out;
	uint8_t action;
	uint8_t scope;
	uint8_t type;
	uint32_t length;
};

/**
 * prm_cdb_is_pr() - is this a command for a persistent reservation manager?
 * @opcode: the first byte of a CDB
 *
 * Return: whether it is PERSISTENT RESERVE IN or OUT.
 */
static inline bool prm_cdb_is_pr(uint8_t opcode)
{
	return opcode == PRM_OPCODE_PR_IN || opcode == PRM_OPCODE_PR_OUT;
}

/**
 * prm_pr_type_is_valid() - may a reservation be of this type?
 * @type: TYPE field
 *
 * Return: whether SPC defines it and has not made it obsolete (SPC-4, table
 * "Persistent reservation type codes").
 */
bool prm_pr_type_is_valid(uint8_t type);

/**
 * prm_pr_type_is_all_registrants() - is every registrant a holder?
 * @type: TYPE field
 *
 * Return: whether it is one of the two "all registrants" types, for which READ
 * RESERVATION reports key 0.
 */
bool prm_pr_type_is_all_registrants(uint8_t type);

/**
 * prm_pr_cdb_decode() - take a PERSISTENT RESERVE CDB apart
 * @bytes:   the CDB; bytes from 10 on are ignored
 * @len:     bytes at @bytes
 * @ret_cdb: the command
 *
 * Reserved fields and CONTROL are ignored, and no field is judged: a reserved
 * service action or type is the device's to refuse.
 *
 * Return: PRM_DECODE_OK; PRM_DECODE_INCOMPLETE below 10 bytes;
 * PRM_DECODE_MALFORMED for another opcode. @ret_cdb is written on OK only.
 */
enum prm_decode prm_pr_cdb_decode(const void *bytes, size_t len,
				  struct prm_pr_cdb *ret_cdb);

/**
 * prm_pr_cdb_encode() - put a PERSISTENT RESERVE CDB together
 * @cdb:   the command; bits that do not fit into their field are dropped
 * @bytes: all 16 bytes are written, zero where nothing belongs
 */
void prm_pr_cdb_encode(const struct prm_pr_cdb *cdb,
		       uint8_t bytes[PRM_PR_CDB_ROOM]);

#endif
