/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_WIRE_REQUEST_H
#define PRM_WIRE_REQUEST_H

/*
 * The head of a request: 16 bytes of CDB, which say how many parameter bytes
 * follow them.  (The descriptor of the device travels with any of the 16.)
 *
 * PERSISTENT RESERVE IN and OUT are 10-byte commands (SPC-4, 6.15 and 6.16);
 * the protocol pads them, and bytes 10 to 15 mean nothing.  The length is
 * bytes 7 and 8 for both.  SPC gives OUT two bytes more, 5 and 6: a helper
 * that ignored them would take parameters for the next CDB, so they must be
 * zero, as they are wherever the length is within the protocol's limit.
 *
 * Errors: ret_x is written on success only. Threads: no shared state.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <prmanager/command.h>
#include "base/cursor.h"

/* Bytes of a CDB on the wire. */
#define PRM_WIRE_CDB_SIZE 16

/* Bytes of a CDB that mean something: PR IN and OUT are 10-byte commands. */
#define PRM_WIRE_CDB_LEN 10

/* The most bytes of data either way: the protocol's limit. */
#define PRM_WIRE_DATA_MAX PRM_DATA_SIZE

/**
 * struct prm_wire_request - a request that obeys the protocol
 * @cdb:     the command; zero from @cdb_len on
 * @cdb_len: always PRM_WIRE_CDB_LEN
 * @opcode:  PRM_OPCODE_PR_IN or PRM_OPCODE_PR_OUT (scsi/cdb.h)
 * @out:     PERSISTENT RESERVE OUT: @length parameter bytes follow
 * @action:  service action, 0 to 31
 * @length:  bytes, at most PRM_WIRE_DATA_MAX: the parameter list of OUT, the
 *           allocation length of IN
 */
struct prm_wire_request {
	uint8_t cdb[PRM_WIRE_CDB_SIZE];
	size_t cdb_len;
	uint8_t opcode;
	bool out;
	uint8_t action;
	uint16_t length;
};

/**
 * prm_wire_request_decode() - read and check the head of a request
 * @bytes:       received so far
 * @len:         their number
 * @ret_request: the request
 *
 * Return: OK; INCOMPLETE below 16 bytes, whatever they are, except that a
 * wrong first byte is MALFORMED at once; MALFORMED for another operation code,
 * or an OUT with non-zero bytes 5 or 6; TOO_LARGE for a length above
 * PRM_WIRE_DATA_MAX; TRAILING when valid and @len exceeds PRM_WIRE_CDB_SIZE.
 * MALFORMED and TOO_LARGE end the session: what follows cannot be framed.
 */
enum prm_decode prm_wire_request_decode(const void *bytes, size_t len,
					struct prm_wire_request *ret_request);

/**
 * prm_wire_request_init() - make a request of a client's command
 * @request: filled on success, left alone on failure
 * @cdb:     the command
 * @cdb_len: its length in bytes, PRM_WIRE_CDB_LEN to PRM_WIRE_CDB_SIZE
 *
 * An allocation length above PRM_WIRE_DATA_MAX becomes that limit: the device
 * then returns less, which every reader of PR data must expect anyway.
 *
 * Return: 0; -EINVAL for a command that the protocol cannot carry; -EMSGSIZE
 * for a parameter list above PRM_WIRE_DATA_MAX.
 */
int prm_wire_request_init(struct prm_wire_request *request, const uint8_t *cdb,
			  size_t cdb_len);

/* The bytes of @request: PRM_WIRE_CDB_SIZE of them, stored at @bytes. */
void prm_wire_request_encode(const struct prm_wire_request *request,
			     uint8_t bytes[PRM_WIRE_CDB_SIZE]);

#endif
