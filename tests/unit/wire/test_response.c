/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The bytes of an answer obey the protocol whatever the reply says (I4). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "wire/response.h"

static const struct prm_wire_request in_24 = {
	.opcode = 0x5e,
	.length = 24,
};

static const struct prm_wire_request out_24 = {
	.opcode = 0x5f,
	.out = true,
	.length = 24,
};

/* ABORTED COMMAND, I/O PROCESS TERMINATED, in fixed format. */
static const uint8_t terminated[18] = { 0x70, 0, 0x0b, 0, 0, 0, 0,
					10,   0, 0,    0, 0, 0, 6 };

/* An answer as bytes, and what encoding said about its payload. */
struct answer {
	uint8_t bytes[PRM_WIRE_RESPONSE_SIZE + 1];
	size_t payload_len;
};

static struct answer encode(const struct prm_wire_request *request,
			    const struct prm_reply *reply)
{
	struct answer answer;

	memset(&answer, 0xaa, sizeof(answer));
	answer.payload_len =
		prm_wire_response_encode(request, reply, answer.bytes);
	assert_int_equal(prm_get_be32(answer.bytes + 4), answer.payload_len);
	assert_int_equal(answer.bytes[PRM_WIRE_RESPONSE_SIZE], 0xaa);
	return answer;
}

static void assert_zeros(const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		assert_int_equal(bytes[i], 0);
}

static struct prm_reply make_reply(int status, size_t data_len)
{
	struct prm_reply reply = PRM_REPLY_INIT;

	reply.status = status;
	reply.data_len = data_len;
	/* What nobody is to see. */
	memset(reply.sense, 0x55, sizeof(reply.sense));
	return reply;
}

static void good_carries_the_data_of_an_in(void **state)
{
	struct prm_reply reply = make_reply(PRM_STATUS_GOOD, 17);
	struct answer answer = encode(&in_24, &reply);

	assert_int_equal(prm_get_be32(answer.bytes), 0);
	assert_int_equal(answer.payload_len, 17);
	assert_zeros(answer.bytes + 8, 96);
}

static void a_payload_never_exceeds_the_allocation_length(void **state)
{
	struct prm_wire_request request = in_24;

	for (unsigned int allowed = 0; allowed <= 64; allowed++) {
		request.length = (uint16_t)allowed;
		for (size_t len = 0; len <= 64; len++) {
			struct prm_reply reply =
				make_reply(PRM_STATUS_GOOD, len);
			struct answer answer = encode(&request, &reply);

			assert_int_equal(answer.payload_len,
					 len < allowed ? len : allowed);
		}
	}
}

static void an_out_has_no_payload(void **state)
{
	struct prm_reply reply = make_reply(PRM_STATUS_GOOD, 24);

	assert_int_equal(encode(&out_24, &reply).payload_len, 0);
}

static void no_status_but_good_has_a_payload(void **state)
{
	for (int status = 1; status < 256; status++) {
		struct prm_reply reply = make_reply(status, 24);
		struct answer answer = encode(&in_24, &reply);

		assert_int_equal(answer.payload_len, 0);
		assert_int_equal(prm_get_be32(answer.bytes), status);
	}
}

static void no_status_but_check_condition_has_sense(void **state)
{
	for (int status = 0; status < 256; status++) {
		struct prm_reply reply = make_reply(status, 0);
		struct answer answer;

		if (status == PRM_STATUS_CHECK_CONDITION)
			continue;
		reply.sense_len = 18;
		answer = encode(&in_24, &reply);
		assert_zeros(answer.bytes + 8, 96);
	}
}

static void sense_is_passed_on_and_zero_behind_its_end(void **state)
{
	for (size_t len = 1; len <= 96; len++) {
		struct prm_reply reply =
			make_reply(PRM_STATUS_CHECK_CONDITION, 0);
		struct answer answer;

		reply.sense_len = len;
		answer = encode(&in_24, &reply);
		assert_memory_equal(answer.bytes + 8, reply.sense, len);
		assert_zeros(answer.bytes + 8 + len, 96 - len);
	}
}

static void more_sense_than_there_is_room_for_is_cut(void **state)
{
	struct prm_reply reply = make_reply(PRM_STATUS_CHECK_CONDITION, 0);
	struct answer answer;

	reply.sense_len = 1000;
	answer = encode(&in_24, &reply);
	assert_memory_equal(answer.bytes + 8, reply.sense, 96);
}

static void check_condition_without_sense_gets_some(void **state)
{
	struct prm_reply reply = make_reply(PRM_STATUS_CHECK_CONDITION, 0);
	struct answer answer = encode(&out_24, &reply);

	assert_int_equal(prm_get_be32(answer.bytes), 2);
	assert_memory_equal(answer.bytes + 8, terminated, 18);
	assert_zeros(answer.bytes + 8 + 18, 96 - 18);
}

static void a_reply_that_nobody_filled_in_is_an_error(void **state)
{
	struct prm_reply reply = PRM_REPLY_INIT;
	struct answer answer = encode(&in_24, &reply);

	assert_int_equal(prm_get_be32(answer.bytes), 2);
	assert_memory_equal(answer.bytes + 8, terminated, 18);
}

/* I1: no mistake of ours may look like success. */
static void a_status_that_is_no_byte_is_never_good(void **state)
{
	static const int statuses[] = { -1, 256, 0x100, 0x10000, -256 };

	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		struct prm_reply reply = make_reply(statuses[i], 24);
		struct answer answer;

		reply.sense_len = 18;
		answer = encode(&in_24, &reply);
		assert_int_equal(prm_get_be32(answer.bytes), 2);
		assert_int_equal(answer.payload_len, 0);
		assert_memory_equal(answer.bytes + 8, terminated, 18);
	}
}

static enum prm_decode decode(const struct answer *answer,
			      const struct prm_wire_request *request,
			      struct prm_reply *reply, size_t *payload_len)
{
	return prm_wire_response_decode(answer->bytes, PRM_WIRE_RESPONSE_SIZE,
					request, reply, payload_len);
}

static struct answer make_answer(uint32_t status, uint32_t payload_len)
{
	struct answer answer = { .payload_len = payload_len };

	prm_put_be32(answer.bytes, status);
	prm_put_be32(answer.bytes + 4, payload_len);
	return answer;
}

static void what_a_helper_encodes_a_client_decodes(void **state)
{
	for (int status = 0; status < 256; status++) {
		struct prm_reply sent = make_reply(status, 20), got;
		struct answer answer;
		size_t payload_len;

		memset(sent.sense, 0, sizeof(sent.sense));
		if (status == PRM_STATUS_CHECK_CONDITION) {
			memcpy(sent.sense, terminated, sizeof(terminated));
			sent.sense_len = sizeof(terminated);
		}
		answer = encode(&in_24, &sent);
		assert_int_equal(decode(&answer, &in_24, &got, &payload_len),
				 PRM_DECODE_OK);
		assert_int_equal(got.size, sizeof(got));
		assert_int_equal(got.status, status);
		assert_int_equal(got.sense_len, sent.sense_len);
		assert_memory_equal(got.sense, sent.sense, sizeof(got.sense));
		assert_int_equal(payload_len, status ? 0 : 20);
		assert_int_equal(got.data_len, payload_len);
	}
}

static void a_part_of_a_response_is_incomplete(void **state)
{
	/* Wrong in every way, which is no reason to guess early. */
	struct answer answer = make_answer(UINT32_MAX, UINT32_MAX);
	struct prm_reply reply = { .status = 77 };
	size_t payload_len = 77;

	for (size_t len = 0; len < PRM_WIRE_RESPONSE_SIZE; len++)
		assert_int_equal(prm_wire_response_decode(answer.bytes, len,
							  &in_24, &reply,
							  &payload_len),
				 PRM_DECODE_INCOMPLETE);
	assert_int_equal(reply.status, 77);
	assert_int_equal(payload_len, 77);
}

static void a_helper_may_not_send_more_than_was_asked_for(void **state)
{
	struct answer answer = make_answer(0, 25);
	struct prm_reply reply = { .status = 77 };
	size_t payload_len = 77;

	assert_int_equal(decode(&answer, &in_24, &reply, &payload_len),
			 PRM_DECODE_TOO_LARGE);
	answer = make_answer(0, UINT32_MAX);
	assert_int_equal(decode(&answer, &in_24, &reply, &payload_len),
			 PRM_DECODE_TOO_LARGE);
	assert_int_equal(payload_len, 77);
	answer = make_answer(0, 24);
	assert_int_equal(decode(&answer, &in_24, &reply, &payload_len),
			 PRM_DECODE_OK);
	assert_int_equal(reply.data_len, 24);
}

static void a_helper_may_not_send_data_after_an_out(void **state)
{
	struct answer answer = make_answer(0, 1);
	struct prm_reply reply = { .status = 77 };
	size_t payload_len;

	assert_int_equal(decode(&answer, &out_24, &reply, &payload_len),
			 PRM_DECODE_MALFORMED);
	assert_int_equal(reply.status, 77);
}

static void a_status_above_a_byte_is_malformed(void **state)
{
	struct prm_reply reply = { .status = 77 };
	size_t payload_len;

	for (int bit = 8; bit < 32; bit++) {
		struct answer answer = make_answer(UINT32_C(1) << bit, 0);

		assert_int_equal(decode(&answer, &in_24, &reply, &payload_len),
				 PRM_DECODE_MALFORMED);
	}
	assert_int_equal(reply.status, 77);
}

static void data_without_good_is_to_be_thrown_away(void **state)
{
	struct answer answer = make_answer(PRM_STATUS_BUSY, 5);
	struct prm_reply reply;
	size_t payload_len;

	assert_int_equal(decode(&answer, &in_24, &reply, &payload_len),
			 PRM_DECODE_OK);
	assert_int_equal(payload_len, 5);
	assert_int_equal(reply.data_len, 0);
}

static void sense_is_as_long_as_it_says(void **state)
{
	struct answer answer = make_answer(PRM_STATUS_CHECK_CONDITION, 0);
	struct prm_reply reply;
	size_t payload_len;

	memset(answer.bytes + 8, 0x55, PRM_SENSE_SIZE);
	for (unsigned int code = 0; code < 256; code++) {
		bool known = (code & 0x7f) >= 0x70 && (code & 0x7f) <= 0x73;

		for (unsigned int more = 0; more < 256; more++) {
			size_t len = more + 8 < 96 ? more + 8 : 96;

			answer.bytes[8] = (uint8_t)code;
			answer.bytes[8 + 7] = (uint8_t)more;
			(void)decode(&answer, &in_24, &reply, &payload_len);
			assert_int_equal(reply.sense_len, known ? len : 0);
			assert_zeros(reply.sense + reply.sense_len,
				     PRM_SENSE_SIZE - reply.sense_len);
		}
	}
}

static void sense_of_another_status_means_nothing(void **state)
{
	struct answer answer = make_answer(PRM_STATUS_GOOD, 0);
	struct prm_reply reply;
	size_t payload_len;

	memcpy(answer.bytes + 8, terminated, sizeof(terminated));
	assert_int_equal(decode(&answer, &in_24, &reply, &payload_len),
			 PRM_DECODE_OK);
	assert_int_equal(reply.sense_len, 0);
	assert_zeros(reply.sense, sizeof(reply.sense));
}

static void bytes_behind_a_response_are_trailing(void **state)
{
	struct answer answer = make_answer(0, 0);
	struct prm_reply reply = { .status = 77 };
	size_t payload_len;

	assert_int_equal(prm_wire_response_decode(answer.bytes, 105, &in_24,
						  &reply, &payload_len),
			 PRM_DECODE_TRAILING);
	assert_int_equal(reply.status, 77);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_carries_the_data_of_an_in),
		cmocka_unit_test(a_payload_never_exceeds_the_allocation_length),
		cmocka_unit_test(an_out_has_no_payload),
		cmocka_unit_test(no_status_but_good_has_a_payload),
		cmocka_unit_test(no_status_but_check_condition_has_sense),
		cmocka_unit_test(sense_is_passed_on_and_zero_behind_its_end),
		cmocka_unit_test(more_sense_than_there_is_room_for_is_cut),
		cmocka_unit_test(check_condition_without_sense_gets_some),
		cmocka_unit_test(a_reply_that_nobody_filled_in_is_an_error),
		cmocka_unit_test(a_status_that_is_no_byte_is_never_good),
		cmocka_unit_test(what_a_helper_encodes_a_client_decodes),
		cmocka_unit_test(a_part_of_a_response_is_incomplete),
		cmocka_unit_test(a_helper_may_not_send_more_than_was_asked_for),
		cmocka_unit_test(a_helper_may_not_send_data_after_an_out),
		cmocka_unit_test(a_status_above_a_byte_is_malformed),
		cmocka_unit_test(data_without_good_is_to_be_thrown_away),
		cmocka_unit_test(sense_is_as_long_as_it_says),
		cmocka_unit_test(sense_of_another_status_means_nothing),
		cmocka_unit_test(bytes_behind_a_response_are_trailing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
