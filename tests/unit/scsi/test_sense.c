/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Sense data against SPC-4, 4.5.2 (descriptor format) and 4.5.3 (fixed format).
 */
#include "support.h"
#include "scsi/sense.h"

static const uint32_t codes[] = {
	PRM_SENSE_NO_SENSE,
	PRM_SENSE_LUN_NOT_READY,
	PRM_SENSE_NO_MEDIUM,
	PRM_SENSE_READ_ERROR,
	PRM_SENSE_TARGET_FAILURE,
	PRM_SENSE_PARAMETER_LIST_LENGTH_ERROR,
	PRM_SENSE_INVALID_OPCODE,
	PRM_SENSE_INVALID_FIELD_IN_CDB,
	PRM_SENSE_INVALID_FIELD_IN_PARAMETER_LIST,
	PRM_SENSE_INVALID_RELEASE,
	PRM_SENSE_INSUFFICIENT_RESERVATION_RESOURCES,
	PRM_SENSE_INSUFFICIENT_REGISTRATION_RESOURCES,
	PRM_SENSE_POWER_ON_OR_RESET,
	PRM_SENSE_BUS_RESET,
	PRM_SENSE_NEXUS_LOSS_ATTENTION,
	PRM_SENSE_RESERVATIONS_PREEMPTED,
	PRM_SENSE_RESERVATIONS_RELEASED,
	PRM_SENSE_REGISTRATIONS_PREEMPTED,
	PRM_SENSE_PREVIOUS_RESERVATION_CONFLICT,
	PRM_SENSE_COMMANDS_CLEARED_ATTENTION,
	PRM_SENSE_SPACE_ALLOCATION_FAILED,
	PRM_SENSE_PR_INFORMATION_LOST,
	PRM_SENSE_IO_PROCESS_TERMINATED,
	PRM_SENSE_LUN_NO_RESPONSE,
	PRM_SENSE_LUN_COMMUNICATION_FAILURE,
	PRM_SENSE_NEXUS_LOSS,
	PRM_SENSE_COMMAND_TIMEOUT,
	PRM_SENSE_COMMANDS_CLEARED,
};

#define CODE_COUNT (sizeof(codes) / sizeof(codes[0]))

static void a_code_becomes_fixed_sense(void **state)
{
	static const uint8_t expected[18] = {
		[0] = 0x70, [2] = 5, [7] = 10, [12] = 0x26, [13] = 4
	};
	uint8_t bytes[18];

	(void)state;
	memset(bytes, 0xee, sizeof(bytes));
	prm_sense_encode_code(PRM_SENSE_INVALID_RELEASE, bytes);
	assert_memory_equal(bytes, expected, sizeof(bytes));
}

static void every_code_survives_a_round_trip(void **state)
{
	struct prm_sense sense;
	uint8_t bytes[18];

	(void)state;
	for (size_t i = 0; i < CODE_COUNT; i++) {
		prm_sense_encode_code(codes[i], bytes);
		assert_int_equal(prm_sense_decode(bytes, 18, &sense),
				 PRM_DECODE_OK);
		assert_int_equal(prm_sense_code(&sense), codes[i]);
		assert_false(sense.descriptor);
		assert_false(sense.deferred);
		assert_false(sense.has_key_specific);
	}
}

/* All eight combinations of format, deferral and sense-key specific bytes. */
static struct prm_sense variant(unsigned int bits)
{
	struct prm_sense sense = prm_sense_of(0x052400);

	sense.descriptor = bits & 1;
	sense.deferred = bits & 2;
	sense.has_key_specific = bits & 4;
	if (sense.has_key_specific)
		memcpy(sense.key_specific, "\xc8\x00\x01", 3);
	return sense;
}

static void every_form_survives_a_round_trip(void **state)
{
	static const size_t lens[8] = { 18, 8, 18, 8, 18, 16, 18, 16 };

	(void)state;
	for (unsigned int i = 0; i < 8; i++) {
		struct prm_sense sense = variant(i), back;
		uint8_t bytes[18];

		memset(&back, 0, sizeof(back));
		assert_int_equal(prm_sense_encode(&sense, bytes, lens[i] - 1),
				 0);
		assert_int_equal(prm_sense_encode(&sense, bytes, lens[i]),
				 lens[i]);
		assert_int_equal(prm_sense_decode(bytes, lens[i], &back),
				 PRM_DECODE_OK);
		assert_int_equal(back.descriptor, sense.descriptor);
		assert_int_equal(back.deferred, sense.deferred);
		assert_int_equal(prm_sense_code(&back), 0x052400);
		assert_int_equal(back.has_key_specific, sense.has_key_specific);
		assert_memory_equal(back.key_specific, sense.key_specific, 3);
	}
}

/* Decode every beginning of @bytes; from @enough on it has to work. */
static void assert_truncation(const uint8_t *bytes, size_t len, size_t enough,
			      uint32_t code)
{
	for (size_t cut = 0; cut <= len; cut++) {
		uint8_t *copy = exact_copy(bytes, cut);
		struct prm_sense sense = prm_sense_of(0x0f1234);

		if (cut < enough) {
			assert_int_equal(prm_sense_decode(copy, cut, &sense),
					 PRM_DECODE_INCOMPLETE);
			assert_int_equal(prm_sense_code(&sense), 0x0f1234);
		} else {
			assert_int_equal(prm_sense_decode(copy, cut, &sense),
					 PRM_DECODE_OK);
			assert_int_equal(prm_sense_code(&sense), code);
			assert_int_equal(sense.has_key_specific, cut == len);
		}
		free(copy);
	}
}

static void fixed_sense_needs_its_codes(void **state)
{
	struct prm_sense sense = variant(4);
	uint8_t bytes[18];

	(void)state;
	prm_sense_encode(&sense, bytes, sizeof(bytes));
	assert_truncation(bytes, 18, 14, 0x052400);
}

static void descriptor_sense_needs_its_header(void **state)
{
	struct prm_sense sense = variant(5);
	uint8_t bytes[16];

	(void)state;
	prm_sense_encode(&sense, bytes, sizeof(bytes));
	assert_truncation(bytes, 16, 8, 0x052400);
}

static void what_the_device_did_not_send_is_zero(void **state)
{
	static const uint32_t expected[7] = { 0x050000, 0x050000, 0x050000,
					      0x050000, 0x050000, 0x052400,
					      0x052409 };
	uint8_t bytes[18] = { 0xf0, 0, 0xe5 };
	struct prm_sense sense;

	(void)state;
	bytes[12] = 0x24;
	bytes[13] = 0x09;
	bytes[15] = 0x80;
	for (uint8_t additional = 0; additional < 7; additional++) {
		bytes[7] = additional;
		assert_int_equal(prm_sense_decode(bytes, 18, &sense),
				 PRM_DECODE_OK);
		assert_int_equal(prm_sense_code(&sense), expected[additional]);
		assert_false(sense.has_key_specific);
	}
}

static void other_descriptors_are_stepped_over(void **state)
{
	static const uint8_t bytes[] = {
		0x72, 5,  0x26, 0, 0,    0, 0,  24, /* header */
		0x00, 10, 0x80, 0, 0,    0, 0,  0,
		0,    0,  0,    7,                 /* information */
		0x80, 2,  1,    2,                 /* vendor specific */
		0x02, 6,  0,    0, 0x80, 0, 12, 0, /* sense key specific */
	};
	struct prm_sense sense;

	(void)state;
	assert_int_equal(prm_sense_decode(bytes, sizeof(bytes), &sense),
			 PRM_DECODE_OK);
	assert_true(sense.has_key_specific);
	assert_int_equal(sense.key_specific[2], 12);
}

static void what_is_no_sense_is_malformed(void **state)
{
	uint8_t bytes[96] = { 0 };
	struct prm_sense sense;

	(void)state;
	for (unsigned int code = 0; code < 256; code++) {
		bool known = (code & 0x7f) >= 0x70 && (code & 0x7f) <= 0x73;

		bytes[0] = (uint8_t)code;
		assert_int_equal(prm_sense_decode(bytes, sizeof(bytes), &sense),
				 known ? PRM_DECODE_OK : PRM_DECODE_MALFORMED);
	}
}

static void every_code_has_an_answer_for_people(void **state)
{
	char text[PRM_SENSE_TEXT_ROOM];

	(void)state;
	for (size_t i = 0; i < CODE_COUNT; i++) {
		struct prm_sense sense = prm_sense_of(codes[i]);

		assert_non_null(
			prm_sense_additional_name(sense.asc, sense.ascq));
		prm_sense_text(&sense, text);
		assert_non_null(strchr(text, ')'));
	}
	for (uint8_t key = 0; key < 20; key++)
		assert_true(*prm_sense_key_name(key));
}

static void the_answer_names_key_cause_and_numbers(void **state)
{
	struct prm_sense sense = prm_sense_of(PRM_SENSE_INVALID_FIELD_IN_CDB);
	char text[PRM_SENSE_TEXT_ROOM];

	(void)state;
	prm_sense_text(&sense, text);
	assert_string_equal(text,
			    "ILLEGAL REQUEST, invalid field in CDB (05/24/00)");
	sense = prm_sense_of(0x04eeff);
	sense.deferred = true;
	prm_sense_text(&sense, text);
	assert_string_equal(text, "HARDWARE ERROR, deferred (04/ee/ff)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_code_becomes_fixed_sense),
		cmocka_unit_test(every_code_survives_a_round_trip),
		cmocka_unit_test(every_form_survives_a_round_trip),
		cmocka_unit_test(fixed_sense_needs_its_codes),
		cmocka_unit_test(descriptor_sense_needs_its_header),
		cmocka_unit_test(what_the_device_did_not_send_is_zero),
		cmocka_unit_test(other_descriptors_are_stepped_over),
		cmocka_unit_test(what_is_no_sense_is_malformed),
		cmocka_unit_test(every_code_has_an_answer_for_people),
		cmocka_unit_test(the_answer_names_key_cause_and_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
