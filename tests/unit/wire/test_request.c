/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the 16 bytes of a CDB mean to the protocol. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "wire/request.h"

#define IN  0x5e
#define OUT 0x5f

struct cdb {
	uint8_t bytes[PRM_WIRE_CDB_SIZE + 1];
};

static struct cdb make_cdb(uint8_t opcode, uint16_t length)
{
	struct cdb cdb = { .bytes = { opcode, 0x03, 0x15 } };

	prm_put_be16(cdb.bytes + 7, length);
	return cdb;
}

static enum prm_decode decode(const struct cdb *cdb,
			      struct prm_wire_request *ret_request)
{
	return prm_wire_request_decode(cdb->bytes, PRM_WIRE_CDB_SIZE,
				       ret_request);
}

static void an_in_has_an_allocation_length(void **state)
{
	struct cdb cdb = make_cdb(IN, 0x1234);
	struct prm_wire_request request;

	assert_int_equal(decode(&cdb, &request), PRM_DECODE_OK);
	assert_int_equal(request.opcode, IN);
	assert_false(request.out);
	assert_int_equal(request.action, 3);
	assert_int_equal(request.length, 0x1234);
	assert_int_equal(request.cdb_len, 10);
	assert_memory_equal(request.cdb, cdb.bytes, PRM_WIRE_CDB_SIZE);
}

static void an_out_has_a_parameter_list_length(void **state)
{
	struct cdb cdb = make_cdb(OUT, 24);
	struct prm_wire_request request;

	assert_int_equal(decode(&cdb, &request), PRM_DECODE_OK);
	assert_int_equal(request.opcode, OUT);
	assert_true(request.out);
	assert_int_equal(request.length, 24);
}

static void no_other_opcode_is_carried(void **state)
{
	struct prm_wire_request request = { .length = 77 };

	for (unsigned int opcode = 0; opcode < 256; opcode++) {
		struct cdb cdb = make_cdb((uint8_t)opcode, 24);
		bool known = opcode == IN || opcode == OUT;

		assert_int_equal(decode(&cdb, &request),
				 known ? PRM_DECODE_OK : PRM_DECODE_MALFORMED);
		/* The first byte alone is enough to tell. */
		assert_int_equal(
			prm_wire_request_decode(cdb.bytes, 1, &request),
			known ? PRM_DECODE_INCOMPLETE : PRM_DECODE_MALFORMED);
	}
}

static void reserved_bits_are_no_part_of_the_action(void **state)
{
	struct cdb cdb = make_cdb(IN, 8);
	struct prm_wire_request request;

	cdb.bytes[1] = 0xff;
	assert_int_equal(decode(&cdb, &request), PRM_DECODE_OK);
	assert_int_equal(request.action, 0x1f);
	/* The device is to see them: it may have something to say. */
	assert_int_equal(request.cdb[1], 0xff);
}

static void the_limit_is_8192_bytes(void **state)
{
	struct prm_wire_request request = { .length = 77 };
	struct cdb cdb;

	for (uint8_t opcode = IN; opcode <= OUT; opcode++) {
		cdb = make_cdb(opcode, 8193);
		assert_int_equal(decode(&cdb, &request), PRM_DECODE_TOO_LARGE);
		cdb = make_cdb(opcode, 65535);
		assert_int_equal(decode(&cdb, &request), PRM_DECODE_TOO_LARGE);
	}
	assert_int_equal(request.length, 77);
	for (uint8_t opcode = IN; opcode <= OUT; opcode++) {
		cdb = make_cdb(opcode, 8192);
		assert_int_equal(decode(&cdb, &request), PRM_DECODE_OK);
		assert_int_equal(request.length, 8192);
		cdb = make_cdb(opcode, 0);
		assert_int_equal(decode(&cdb, &request), PRM_DECODE_OK);
		assert_int_equal(request.length, 0);
	}
}

/*
 * SPC-4, 6.16: the PARAMETER LIST LENGTH is bytes 5 to 8.  Half of it would
 * make the rest of the list into commands.
 */
static void an_out_longer_than_bytes_7_and_8_is_malformed(void **state)
{
	struct prm_wire_request request;
	struct cdb cdb;

	for (int bit = 0; bit < 16; bit++) {
		cdb = make_cdb(OUT, 24);
		prm_put_be16(cdb.bytes + 5, (uint16_t)(1 << bit));
		assert_int_equal(decode(&cdb, &request), PRM_DECODE_MALFORMED);
	}
}

/* SPC-4, 6.15: they are reserved there, and no length. */
static void an_in_may_have_anything_in_bytes_5_and_6(void **state)
{
	struct cdb cdb = make_cdb(IN, 24);
	struct prm_wire_request request;

	cdb.bytes[5] = 0xff;
	cdb.bytes[6] = 0xff;
	assert_int_equal(decode(&cdb, &request), PRM_DECODE_OK);
	assert_int_equal(request.length, 24);
}

static void bytes_10_to_15_are_ignored(void **state)
{
	static const uint8_t zeros[6];
	struct cdb cdb = make_cdb(OUT, 24);
	struct prm_wire_request request;

	memset(cdb.bytes + 10, 0xff, 6);
	assert_int_equal(decode(&cdb, &request), PRM_DECODE_OK);
	assert_int_equal(request.cdb_len, 10);
	assert_memory_equal(request.cdb, cdb.bytes, 10);
	assert_memory_equal(request.cdb + 10, zeros, 6);
}

static void a_part_of_a_request_is_incomplete(void **state)
{
	struct cdb cdb = make_cdb(OUT, 65535);
	struct prm_wire_request request = { .length = 77 };

	for (size_t len = 0; len < PRM_WIRE_CDB_SIZE; len++)
		assert_int_equal(prm_wire_request_decode(cdb.bytes, len,
							 &request),
				 PRM_DECODE_INCOMPLETE);
	assert_int_equal(request.length, 77);
}

static void bytes_behind_a_request_are_trailing(void **state)
{
	struct cdb cdb = make_cdb(IN, 24);
	struct prm_wire_request request = { .length = 77 };

	assert_int_equal(prm_wire_request_decode(cdb.bytes, 17, &request),
			 PRM_DECODE_TRAILING);
	cdb.bytes[0] = OUT;
	cdb.bytes[5] = 1;
	assert_int_equal(prm_wire_request_decode(cdb.bytes, 17, &request),
			 PRM_DECODE_MALFORMED);
	assert_int_equal(request.length, 77);
}

static void what_a_client_encodes_a_helper_decodes(void **state)
{
	struct prm_wire_request sent, got;
	uint8_t bytes[PRM_WIRE_CDB_SIZE];

	for (unsigned int length = 0; length <= 8192; length++) {
		uint8_t opcode = length & 1 ? OUT : IN;
		struct cdb cdb = make_cdb(opcode, (uint16_t)length);

		cdb.bytes[9] = 0x04;
		assert_int_equal(prm_wire_request_init(&sent, cdb.bytes, 10),
				 0);
		memset(bytes, 0xaa, sizeof(bytes));
		prm_wire_request_encode(&sent, bytes);
		assert_memory_equal(bytes, cdb.bytes, sizeof(bytes));
		assert_int_equal(prm_wire_request_decode(bytes, 16, &got),
				 PRM_DECODE_OK);
		assert_int_equal(got.opcode, sent.opcode);
		assert_int_equal(got.out, sent.out);
		assert_int_equal(got.action, sent.action);
		assert_int_equal(got.length, length);
		assert_memory_equal(got.cdb, sent.cdb, sizeof(got.cdb));
	}
}

static void a_client_may_pad_its_cdb_with_anything(void **state)
{
	struct cdb cdb = make_cdb(IN, 24);
	struct prm_wire_request request;
	uint8_t bytes[PRM_WIRE_CDB_SIZE];

	memset(cdb.bytes + 10, 0xff, 6);
	assert_int_equal(prm_wire_request_init(&request, cdb.bytes, 16), 0);
	prm_wire_request_encode(&request, bytes);
	for (size_t i = 10; i < sizeof(bytes); i++)
		assert_int_equal(bytes[i], 0);
}

static void a_longer_allocation_length_is_cut_to_the_limit(void **state)
{
	struct prm_wire_request request;
	struct cdb cdb = make_cdb(IN, 16384);
	uint8_t bytes[PRM_WIRE_CDB_SIZE];

	assert_int_equal(prm_wire_request_init(&request, cdb.bytes, 10), 0);
	assert_int_equal(request.length, 8192);
	prm_wire_request_encode(&request, bytes);
	assert_int_equal(prm_get_be16(bytes + 7), 8192);
}

static void what_cannot_be_carried_is_refused(void **state)
{
	struct prm_wire_request request = { .length = 77 };
	struct cdb cdb = make_cdb(OUT, 8193);

	assert_int_equal(prm_wire_request_init(&request, cdb.bytes, 10),
			 -EMSGSIZE);
	cdb = make_cdb(OUT, 24);
	cdb.bytes[6] = 1;
	assert_int_equal(prm_wire_request_init(&request, cdb.bytes, 10),
			 -EMSGSIZE);
	cdb = make_cdb(0x12, 24);
	assert_int_equal(prm_wire_request_init(&request, cdb.bytes, 10),
			 -EINVAL);
	cdb = make_cdb(IN, 24);
	for (size_t len = 0; len <= 17; len++) {
		if (len >= 10 && len <= 16)
			continue;
		assert_int_equal(prm_wire_request_init(&request, cdb.bytes,
						       len),
				 -EINVAL);
	}
	assert_int_equal(request.length, 77);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_in_has_an_allocation_length),
		cmocka_unit_test(an_out_has_a_parameter_list_length),
		cmocka_unit_test(no_other_opcode_is_carried),
		cmocka_unit_test(reserved_bits_are_no_part_of_the_action),
		cmocka_unit_test(the_limit_is_8192_bytes),
		cmocka_unit_test(an_out_longer_than_bytes_7_and_8_is_malformed),
		cmocka_unit_test(an_in_may_have_anything_in_bytes_5_and_6),
		cmocka_unit_test(bytes_10_to_15_are_ignored),
		cmocka_unit_test(a_part_of_a_request_is_incomplete),
		cmocka_unit_test(bytes_behind_a_request_are_trailing),
		cmocka_unit_test(what_a_client_encodes_a_helper_decodes),
		cmocka_unit_test(a_client_may_pad_its_cdb_with_anything),
		cmocka_unit_test(
			a_longer_allocation_length_is_cut_to_the_limit),
		cmocka_unit_test(what_cannot_be_carried_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
