/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The head of a request: whatever the bytes, a request that is let through
 * obeys the protocol and comes out of an encoder as it went in.
 */
#include <stdlib.h>
#include <string.h>
#include "wire/hello.h"
#include "wire/request.h"

#define CHECK(what)                                                            \
	do {                                                                   \
		if (!(what))                                                   \
			abort();                                               \
	} while (0)

static void check_request(const struct prm_wire_request *request,
			  const uint8_t *bytes)
{
	uint8_t again[PRM_WIRE_CDB_SIZE];

	CHECK(request->length <= PRM_WIRE_DATA_MAX);
	CHECK(request->out == (request->opcode == 0x5f));
	CHECK(request->action < 32);
	CHECK(request->cdb_len == PRM_WIRE_CDB_LEN);
	prm_wire_request_encode(request, again);
	CHECK(memcmp(again, bytes, PRM_WIRE_CDB_LEN) == 0);
	CHECK(memcmp(again, request->cdb, sizeof(again)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct prm_wire_request request;
	enum prm_decode verdict;
	uint32_t features;

	verdict = prm_wire_request_decode(data, size, &request);
	if (verdict == PRM_DECODE_OK)
		check_request(&request, data);
	if (size < PRM_WIRE_CDB_SIZE)
		CHECK(verdict == PRM_DECODE_INCOMPLETE ||
		      verdict == PRM_DECODE_MALFORMED);
	if (prm_wire_request_init(&request, data, size) == 0)
		CHECK(request.length <= PRM_WIRE_DATA_MAX);
	CHECK((prm_wire_hello_decode(data, size, &features) == PRM_DECODE_OK) ==
	      (size == PRM_WIRE_HELLO_SIZE));
	return 0;
}
