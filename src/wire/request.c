/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The head of a request: what the 16 bytes of a CDB mean to the protocol.
 *
 * Everything that decides how many bytes follow is decided here, once, for
 * both ends; a disagreement about that would make parameters into commands.
 */
#include <errno.h>
#include <string.h>
#include "scsi/cdb.h"
#include "wire/request.h"

/* Where the protocol looks in a CDB. */
#define AT_OPCODE      0
#define AT_ACTION      1
#define AT_LENGTH_HIGH 5
#define AT_LENGTH      7

#define ACTION_MASK 0x1f

static bool is_known(uint8_t opcode)
{
	return opcode == PRM_OPCODE_PR_IN || opcode == PRM_OPCODE_PR_OUT;
}

/* The request in @cdb, whose bytes from PRM_WIRE_CDB_LEN on are ignored. */
static enum prm_decode parse(const uint8_t *cdb,
			     struct prm_wire_request *ret_request)
{
	struct prm_wire_request request = { .cdb_len = PRM_WIRE_CDB_LEN };

	if (!is_known(cdb[AT_OPCODE]))
		return PRM_DECODE_MALFORMED;
	memcpy(request.cdb, cdb, PRM_WIRE_CDB_LEN);
	request.opcode = cdb[AT_OPCODE];
	request.out = request.opcode == PRM_OPCODE_PR_OUT;
	request.action = cdb[AT_ACTION] & ACTION_MASK;
	request.length = prm_get_be16(cdb + AT_LENGTH);
	if (request.out && prm_get_be16(cdb + AT_LENGTH_HIGH))
		return PRM_DECODE_MALFORMED;
	*ret_request = request;
	if (request.length > PRM_WIRE_DATA_MAX)
		return PRM_DECODE_TOO_LARGE;
	return PRM_DECODE_OK;
}

enum prm_decode prm_wire_request_decode(const void *bytes, size_t len,
					struct prm_wire_request *ret_request)
{
	const uint8_t *cdb = bytes;
	struct prm_wire_request request;
	enum prm_decode verdict;

	if (len && !is_known(cdb[AT_OPCODE]))
		return PRM_DECODE_MALFORMED;
	if (len < PRM_WIRE_CDB_SIZE)
		return PRM_DECODE_INCOMPLETE;
	verdict = parse(cdb, &request);
	if (verdict != PRM_DECODE_OK)
		return verdict;
	if (len > PRM_WIRE_CDB_SIZE)
		return PRM_DECODE_TRAILING;
	*ret_request = request;
	return PRM_DECODE_OK;
}

int prm_wire_request_init(struct prm_wire_request *request, const uint8_t *cdb,
			  size_t cdb_len)
{
	struct prm_wire_request made;

	if (cdb_len < PRM_WIRE_CDB_LEN || cdb_len > PRM_WIRE_CDB_SIZE)
		return -EINVAL;
	switch (parse(cdb, &made)) {
	case PRM_DECODE_OK: break;
	case PRM_DECODE_TOO_LARGE:
		if (made.out)
			return -EMSGSIZE;
		made.length = PRM_WIRE_DATA_MAX;
		prm_put_be16(made.cdb + AT_LENGTH, made.length);
		break;
	default:
		/* Bytes 5 and 6 of an OUT: a list of 64 KiB or more. */
		return is_known(cdb[AT_OPCODE]) ? -EMSGSIZE : -EINVAL;
	}
	*request = made;
	return 0;
}

void prm_wire_request_encode(const struct prm_wire_request *request,
			     uint8_t bytes[PRM_WIRE_CDB_SIZE])
{
	memcpy(bytes, request->cdb, PRM_WIRE_CDB_LEN);
	memset(bytes + PRM_WIRE_CDB_LEN, 0,
	       PRM_WIRE_CDB_SIZE - PRM_WIRE_CDB_LEN);
}
