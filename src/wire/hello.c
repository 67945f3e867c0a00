/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The handshake: one word of feature bits each way.
 *
 * It exists so that the protocol can grow.  So far it has not, and the word
 * is read and written whole all the same, so that the first feature changes
 * one constant.
 */
#include "wire/hello.h"

void prm_wire_hello_encode(uint32_t features,
			   uint8_t bytes[PRM_WIRE_HELLO_SIZE])
{
	prm_put_be32(bytes, features);
}

enum prm_decode prm_wire_hello_decode(const void *bytes, size_t len,
				      uint32_t *ret_features)
{
	struct prm_reader reader = prm_reader(bytes, len);
	uint32_t features = prm_read_be32(&reader);

	if (reader.overrun)
		return PRM_DECODE_INCOMPLETE;
	if (reader.left)
		return PRM_DECODE_TRAILING;
	*ret_features = features;
	return PRM_DECODE_OK;
}

bool prm_wire_hello_is_subset(uint32_t requested, uint32_t supported)
{
	return (requested & ~supported) == 0;
}
