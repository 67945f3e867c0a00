/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The answer to a request.
 *
 * The rule of the size field is the one that matters: a client reads exactly
 * that many bytes, and the one that most people run aborts when there are
 * more than it has room for.  Both directions therefore compare the answer
 * with the request, and neither can be asked not to.
 */
#include <string.h>
#include "scsi/sense.h"
#include "wire/response.h"

#define SENSE_FIXED      0x70
#define SENSE_DESCRIPTOR 0x73
#define SENSE_CODE_MASK  0x7f
#define SENSE_HEAD       8
#define AT_SENSE_MORE    7

static bool is_status(int status)
{
	return status >= 0 && status <= UINT8_MAX;
}

static size_t payload_of(const struct prm_wire_request *request,
			 const struct prm_reply *reply)
{
	if (request->out || reply->status != PRM_STATUS_GOOD)
		return 0;
	return reply->data_len < request->length ? reply->data_len
						 : request->length;
}

/* The PRM_SENSE_SIZE bytes of sense that go with @status. */
static void encode_sense(uint8_t *sense, int status,
			 const struct prm_reply *reply)
{
	size_t len = reply->sense_len;

	memset(sense, 0, PRM_SENSE_SIZE);
	if (status != PRM_STATUS_CHECK_CONDITION)
		return;
	if (!len || !is_status(reply->status)) {
		prm_sense_encode_code(PRM_SENSE_IO_PROCESS_TERMINATED, sense);
		return;
	}
	memcpy(sense, reply->sense,
	       len < PRM_SENSE_SIZE ? len : PRM_SENSE_SIZE);
}

size_t prm_wire_response_encode(const struct prm_wire_request *request,
				const struct prm_reply *reply,
				uint8_t bytes[PRM_WIRE_RESPONSE_SIZE])
{
	struct prm_writer writer = prm_writer(bytes, PRM_WIRE_RESPONSE_SIZE);
	size_t payload_len = payload_of(request, reply);
	int status = reply->status;

	if (!is_status(status))
		status = PRM_STATUS_CHECK_CONDITION;
	prm_write_be32(&writer, (uint32_t)status);
	prm_write_be32(&writer, (uint32_t)payload_len);
	encode_sense(prm_write_room(&writer, PRM_SENSE_SIZE), status, reply);
	return payload_len;
}

/* How many of the PRM_SENSE_SIZE bytes at @sense are sense data. */
static size_t sense_len(const uint8_t *sense)
{
	uint8_t code = sense[0] & SENSE_CODE_MASK;
	size_t len = SENSE_HEAD + (size_t)sense[AT_SENSE_MORE];

	if (code < SENSE_FIXED || code > SENSE_DESCRIPTOR)
		return 0;
	return len < PRM_SENSE_SIZE ? len : PRM_SENSE_SIZE;
}

static struct prm_reply make_reply(int status, const uint8_t *sense,
				   size_t payload_len)
{
	struct prm_reply reply = { .size = sizeof(reply), .status = status };

	if (status == PRM_STATUS_CHECK_CONDITION) {
		reply.sense_len = sense_len(sense);
		memcpy(reply.sense, sense, reply.sense_len);
	}
	if (status == PRM_STATUS_GOOD)
		reply.data_len = payload_len;
	return reply;
}

enum prm_decode prm_wire_response_decode(const void *bytes, size_t len,
					 const struct prm_wire_request *request,
					 struct prm_reply *ret_reply,
					 size_t *ret_payload_len)
{
	struct prm_reader reader = prm_reader(bytes, len);
	uint32_t status = prm_read_be32(&reader);
	uint32_t payload_len = prm_read_be32(&reader);
	const uint8_t *sense = prm_read_bytes(&reader, PRM_SENSE_SIZE);

	if (!sense)
		return PRM_DECODE_INCOMPLETE;
	if (status > UINT8_MAX || (request->out && payload_len))
		return PRM_DECODE_MALFORMED;
	if (payload_len > request->length)
		return PRM_DECODE_TOO_LARGE;
	if (reader.left)
		return PRM_DECODE_TRAILING;
	*ret_reply = make_reply((int)status, sense, payload_len);
	*ret_payload_len = payload_len;
	return PRM_DECODE_OK;
}
