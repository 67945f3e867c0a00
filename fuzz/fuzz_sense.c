/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sense that decodes comes back the same from its encoding, and has a text. */
#include <stdlib.h>
#include <string.h>
#include "scsi/sense.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct prm_sense sense, back;
	char text[PRM_SENSE_TEXT_ROOM];
	uint8_t bytes[PRM_SENSE_FIXED_LEN];
	size_t len;

	if (prm_sense_decode(data, size, &sense) != PRM_DECODE_OK)
		return 0;
	len = prm_sense_encode(&sense, bytes, sizeof(bytes));
	if (prm_sense_decode(bytes, len, &back) != PRM_DECODE_OK ||
	    back.descriptor != sense.descriptor ||
	    back.deferred != sense.deferred ||
	    prm_sense_code(&back) != prm_sense_code(&sense) ||
	    back.has_key_specific != sense.has_key_specific ||
	    memcmp(back.key_specific, sense.key_specific, 3) != 0)
		abort();
	prm_sense_text(&sense, text);
	if (strlen(text) >= sizeof(text) || text[strlen(text) - 1] != ')')
		abort();
	return 0;
}
