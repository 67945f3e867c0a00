/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Answers to PERSISTENT RESERVE IN.  The first byte picks the service action;
 * whatever decodes whole is encoded again and has to be the same in every byte
 * that SPC defines.
 */
#include <stdlib.h>
#include <string.h>
#include "scsi/cdb.h"
#include "scsi/pr_in.h"
#include "scsi/transport_id.h"

#define LIST_MAX 1024

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t again[1 << 16];

static void keys(const uint8_t *data, size_t size)
{
	static uint64_t list[LIST_MAX];
	struct prm_keys keys;
	size_t count = 0, len;

	if (prm_keys_decode(data, size, &keys) != PRM_DECODE_OK)
		return;
	while (count < LIST_MAX && prm_keys_next(&keys, &list[count]))
		count++;
	if (!keys.complete || count < keys.count)
		return;
	len = prm_keys_encode(keys.generation, list, count, again,
			      sizeof(again));
	if (len > size || memcmp(again, data, len) != 0)
		abort();
}

static void reservation(const uint8_t *data, size_t size)
{
	struct prm_reservation in, back;
	size_t len;

	if (prm_reservation_decode(data, size, &in) != PRM_DECODE_OK)
		return;
	len = prm_reservation_encode(&in, again, sizeof(again));
	if (prm_reservation_decode(again, len, &back) != PRM_DECODE_OK ||
	    back.held != in.held || back.key != in.key ||
	    back.type != in.type || back.scope != in.scope ||
	    back.generation != in.generation)
		abort();
}

static void capabilities(const uint8_t *data, size_t size)
{
	struct prm_capabilities in, back;
	size_t len;

	memset(&in, 0, sizeof(in));
	memset(&back, 0, sizeof(back));
	if (prm_capabilities_decode(data, size, &in) != PRM_DECODE_OK)
		return;
	len = prm_capabilities_encode(&in, again, sizeof(again));
	if (prm_capabilities_decode(again, len, &back) != PRM_DECODE_OK ||
	    memcmp(&in, &back, sizeof(in)) != 0)
		abort();
}

static void full_status(const uint8_t *data, size_t size)
{
	static struct prm_registrant list[LIST_MAX];
	struct prm_full_status status, back;
	struct prm_transport_id id;
	struct prm_registrant one;
	size_t count = 0, len;

	if (prm_full_status_decode(data, size, &status) != PRM_DECODE_OK)
		return;
	while (count < LIST_MAX && prm_full_status_next(&status, &list[count]))
		(void)prm_transport_id_decode(list[count].transport_id,
					      list[count].transport_id_len,
					      &id),
			count++;
	len = prm_full_status_encode(status.generation, list, count, again,
				     sizeof(again));
	if (len > sizeof(again))
		return;
	if (prm_full_status_decode(again, len, &back) != PRM_DECODE_OK ||
	    !back.complete)
		abort();
	for (size_t i = 0; i < count; i++)
		if (!prm_full_status_next(&back, &one) ||
		    one.key != list[i].key || one.holder != list[i].holder ||
		    one.transport_id_len != list[i].transport_id_len)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	switch (data[0] & 3) {
	case PRM_PR_IN_READ_KEYS: keys(data + 1, size - 1); break;
	case PRM_PR_IN_READ_RESERVATION: reservation(data + 1, size - 1); break;
	case PRM_PR_IN_REPORT_CAPABILITIES:
		capabilities(data + 1, size - 1);
		break;
	default: full_status(data + 1, size - 1); break;
	}
	return 0;
}
