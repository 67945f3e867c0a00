/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Both directions of a response.  The input is an allocation length of two
 * bytes, a byte whose lowest bit says PR OUT, and the bytes of a response;
 * decoded, an answer keeps within what was asked for, and so does whatever is
 * encoded from those bytes taken for a reply.
 */
#include <stdlib.h>
#include <string.h>
#include "wire/response.h"

#define CHECK(what)                                                            \
	do {                                                                   \
		if (!(what))                                                   \
			abort();                                               \
	} while (0)

static void check_decode(const struct prm_wire_request *request,
			 const uint8_t *data, size_t size)
{
	struct prm_reply reply;
	size_t payload_len;

	if (prm_wire_response_decode(data, size, request, &reply,
				     &payload_len) != PRM_DECODE_OK)
		return;
	CHECK(size == PRM_WIRE_RESPONSE_SIZE);
	CHECK(payload_len <= (request->out ? 0 : request->length));
	CHECK(reply.data_len <= payload_len);
	CHECK(reply.sense_len <= PRM_SENSE_SIZE);
	CHECK(!reply.sense_len || reply.status == PRM_STATUS_CHECK_CONDITION);
	CHECK(!reply.data_len || reply.status == PRM_STATUS_GOOD);
}

static void check_encode(const struct prm_wire_request *request,
			 const uint8_t *data, size_t size)
{
	struct prm_reply reply = PRM_REPLY_INIT, again;
	uint8_t bytes[PRM_WIRE_RESPONSE_SIZE];
	size_t payload_len, read_len;

	if (size < sizeof(reply))
		return;
	memcpy(&reply, data, sizeof(reply));
	payload_len = prm_wire_response_encode(request, &reply, bytes);
	CHECK(prm_wire_response_decode(bytes, sizeof(bytes), request, &again,
				       &read_len) == PRM_DECODE_OK);
	CHECK(read_len == payload_len);
	CHECK((again.status == PRM_STATUS_GOOD) ==
	      (reply.status == PRM_STATUS_GOOD));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct prm_wire_request request = { .cdb_len = PRM_WIRE_CDB_LEN };

	if (size < 3)
		return 0;
	request.length = prm_get_be16(data) % (PRM_WIRE_DATA_MAX + 1);
	request.out = data[2] & 1;
	check_decode(&request, data + 3, size - 3);
	check_encode(&request, data + 3, size - 3);
	return 0;
}
