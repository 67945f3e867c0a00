/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * PERSISTENT RESERVE CDBs.
 *
 * IN keeps its allocation length in bytes 7 and 8, OUT its parameter list
 * length in bytes 5 to 8, and only OUT has SCOPE and TYPE in byte 2: the one
 * value struct hides all three differences.
 */
#include <string.h>
#include "scsi/cdb.h"

#define SERVICE_ACTION_MASK 0x1f

/* Bit N for each type N that can be reserved. */
#define VALID_TYPES           0x1ea
#define ALL_REGISTRANTS_TYPES 0x180

static bool in_set(uint8_t type, unsigned int set)
{
	return type <= PRM_PR_TYPE_EXCLUSIVE_ACCESS_AR && (set >> type & 1);
}

bool prm_pr_type_is_valid(uint8_t type)
{
	return in_set(type, VALID_TYPES);
}

bool prm_pr_type_is_all_registrants(uint8_t type)
{
	return in_set(type, ALL_REGISTRANTS_TYPES);
}

enum prm_decode prm_pr_cdb_decode(const void *bytes, size_t len,
				  struct prm_pr_cdb *ret_cdb)
{
	const uint8_t *cdb = bytes;
	bool out;

	if (len > 0 && !prm_cdb_is_pr(cdb[0]))
		return PRM_DECODE_MALFORMED;
	if (len < PRM_PR_CDB_LEN)
		return PRM_DECODE_INCOMPLETE;
	out = cdb[0] == PRM_OPCODE_PR_OUT;
	*ret_cdb = (struct prm_pr_cdb){
		.out = out,
		.action = cdb[1] & SERVICE_ACTION_MASK,
		.scope = out ? cdb[2] >> 4 : 0,
		.type = out ? cdb[2] & 0xf : 0,
		.length = out ? prm_get_be32(cdb + 5) : prm_get_be16(cdb + 7),
	};
	return PRM_DECODE_OK;
}

void prm_pr_cdb_encode(const struct prm_pr_cdb *cdb,
		       uint8_t bytes[PRM_PR_CDB_ROOM])
{
	memset(bytes, 0, PRM_PR_CDB_ROOM);
	bytes[0] = cdb->out ? PRM_OPCODE_PR_OUT : PRM_OPCODE_PR_IN;
	bytes[1] = cdb->action & SERVICE_ACTION_MASK;
	if (cdb->out) {
		bytes[2] = (uint8_t)(cdb->scope << 4 | (cdb->type & 0xf));
		prm_put_be32(bytes + 5, cdb->length);
	} else {
		prm_put_be16(bytes + 7, (uint16_t)cdb->length);
	}
}
