/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A CDB that decodes comes back the same from its encoding. */
#include <stdlib.h>
#include <string.h>
#include "scsi/cdb.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct prm_pr_cdb cdb, back;
	uint8_t bytes[PRM_PR_CDB_ROOM];

	if (prm_pr_cdb_decode(data, size, &cdb) != PRM_DECODE_OK)
		return 0;
	prm_pr_cdb_encode(&cdb, bytes);
	if (prm_pr_cdb_decode(bytes, sizeof(bytes), &back) != PRM_DECODE_OK ||
	    back.out != cdb.out || back.action != cdb.action ||
	    back.scope != cdb.scope || back.type != cdb.type ||
	    back.length != cdb.length)
		abort();
	return 0;
}
