/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Parameter lists.  The first byte is the service action; a list that decodes
 * is encoded again and has to come back the same.
 */
#include <stdlib.h>
#include <string.h>
#include "scsi/pr_out.h"
#include "scsi/sense.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void compare(const struct prm_pr_out *a, const struct prm_pr_out *b)
{
	if (a->key != b->key || a->new_key != b->new_key ||
	    a->aptpl != b->aptpl || a->spec_i_pt != b->spec_i_pt ||
	    a->all_target_ports != b->all_target_ports ||
	    a->unreg != b->unreg ||
	    a->relative_target_port != b->relative_target_port ||
	    a->transport_id_count != b->transport_id_count)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct prm_transport_id ids[PRM_PR_OUT_TRANSPORT_IDS_MAX + 1];
	static uint8_t list[1 << 16];
	struct prm_pr_out out, back;
	enum prm_decode result;
	struct prm_reader rest;
	size_t count = 0, len;

	if (size == 0)
		return 0;
	result = prm_pr_out_decode(data[0] & 0x1f, data + 1, size - 1, &out);
	if (result != PRM_DECODE_OK) {
		if (prm_pr_out_sense(result) >> 16 != 5)
			abort();
		return 0;
	}
	rest = out.transport_ids;
	while (prm_transport_ids_next(&rest, &ids[count]))
		count++;
	if (count != out.transport_id_count || rest.left > 0)
		abort();
	if (prm_pr_out_encode(data[0] & 0x1f, &out, ids, count, list,
			      sizeof(list), &len) != 0 ||
	    prm_pr_out_decode(data[0] & 0x1f, list, len, &back) !=
		    PRM_DECODE_OK)
		abort();
	compare(&out, &back);
	return 0;
}
