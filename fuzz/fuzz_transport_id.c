/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * TransportIDs, as bytes and as text.  What decodes has a text that is read
 * back as the same port; what is read from text can be encoded.
 */
#include <stdlib.h>
#include <string.h>
#include "scsi/transport_id.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_both_ways(const struct prm_transport_id *id)
{
	char text[PRM_TRANSPORT_ID_TEXT_ROOM], again[sizeof(text)];
	uint8_t bytes[PRM_TRANSPORT_ID_MAX];
	struct prm_transport_id back;
	size_t len;

	len = prm_transport_id_encode(id, bytes, sizeof(bytes));
	if (prm_transport_id_decode(bytes, len, &back) != PRM_DECODE_OK ||
	    !prm_transport_id_matches(id, &back))
		abort();
	prm_transport_id_text(id, text);
	if (prm_transport_id_parse(text, &back) != 0 ||
	    !prm_transport_id_matches(id, &back) || back.format != id->format)
		abort();
	prm_transport_id_text(&back, again);
	if (strcmp(text, again) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct prm_transport_id id;
	enum prm_decode result = prm_transport_id_decode(data, size, &id);
	char *text;

	if (result == PRM_DECODE_OK || result == PRM_DECODE_TRAILING)
		check_both_ways(&id);
	text = strndup((const char *)data, size);
	if (text && prm_transport_id_parse(text, &id) == 0)
		check_both_ways(&id);
	free(text);
	return 0;
}
