/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * TransportIDs against SPC-4, 7.6.4, and their text against sg_persist(8).
 */
#include <errno.h>
#include <stdio.h>
#include "support.h"
#include "scsi/transport_id.h"

/* One text for each protocol with a form of its own, and where its bytes are. */
static const struct {
	const char *text;
	uint8_t first_byte;
	size_t size;
	size_t at;
	size_t len;
	const char *bytes;
} samples[] = {
	{ "fcp,2100001b32012345", 0x00, 24, 8, 8,
	  "\x21\x00\x00\x1b\x32\x01\x23\x45" },
	{ "spi,7,258", 0x01, 24, 2, 6, "\x00\x07\x00\x00\x01\x02" },
	{ "sbp,0001020304050607", 0x03, 24, 8, 8,
	  "\x00\x01\x02\x03\x04\x05\x06\x07" },
	{ "srp,00112233445566778899aabbccddeeff", 0x04, 24, 8, 16,
	  "\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff" },
	{ "iqn.1994-05.org.example:a", 0x05, 32, 2, 28,
	  "\x00\x1ciqn.1994-05.org.example:a\0" },
	{ "iqn.x,i,0x00023d000001", 0x45, 28, 2, 25,
	  "\x00\x18iqn.x,i,0x00023d000001\0" },
	{ "iqn.short", 0x05, 24, 2, 12, "\x00\x14iqn.short\0" },
	{ "sas,5000c50012345678", 0x06, 24, 4, 8,
	  "\x50\x00\xc5\x00\x12\x34\x56\x78" },
	{ "sop,00ff", 0x0a, 24, 2, 2, "\x00\xff" },
};

#define SAMPLE_COUNT (sizeof(samples) / sizeof(samples[0]))

static struct prm_transport_id parsed(const char *text)
{
	struct prm_transport_id id;

	memset(&id, 0xee, sizeof(id));
	assert_int_equal(prm_transport_id_parse(text, &id), 0);
	return id;
}

static void every_protocol_is_written_as_spc_has_it(void **state)
{
	uint8_t bytes[PRM_TRANSPORT_ID_MAX];

	(void)state;
	for (size_t i = 0; i < SAMPLE_COUNT; i++) {
		struct prm_transport_id id = parsed(samples[i].text);
		size_t size;

		memset(bytes, 0xee, sizeof(bytes));
		size = prm_transport_id_encode(&id, bytes, sizeof(bytes));
		assert_int_equal(size, samples[i].size);
		assert_int_equal(bytes[0], samples[i].first_byte);
		assert_memory_equal(bytes + samples[i].at, samples[i].bytes,
				    samples[i].len);
		for (size_t j = 1; j < size; j++)
			if (j < samples[i].at ||
			    j >= samples[i].at + samples[i].len)
				assert_int_equal(bytes[j], 0);
		assert_int_equal(bytes[size], 0xee);
	}
}

static void every_protocol_survives_a_round_trip(void **state)
{
	char text[PRM_TRANSPORT_ID_TEXT_ROOM];
	uint8_t bytes[PRM_TRANSPORT_ID_MAX];

	(void)state;
	for (size_t i = 0; i < SAMPLE_COUNT; i++) {
		struct prm_transport_id id = parsed(samples[i].text), back;
		size_t size = prm_transport_id_encode(&id, bytes, 256);

		memset(&back, 0xee, sizeof(back));
		assert_int_equal(prm_transport_id_decode(bytes, size, &back),
				 PRM_DECODE_OK);
		assert_int_equal(back.protocol, id.protocol);
		assert_int_equal(back.format, id.format);
		assert_true(prm_transport_id_matches(&id, &back));
		prm_transport_id_text(&back, text);
		assert_string_equal(text, samples[i].text);
	}
}

static void every_shorter_beginning_is_incomplete(void **state)
{
	uint8_t bytes[PRM_TRANSPORT_ID_MAX];

	(void)state;
	for (size_t i = 0; i < SAMPLE_COUNT; i++) {
		struct prm_transport_id id = parsed(samples[i].text);
		size_t size = prm_transport_id_encode(&id, bytes, 256);

		id.protocol = 0xee;
		for (size_t cut = 0; cut < size; cut++) {
			uint8_t *copy = exact_copy(bytes, cut);

			assert_int_equal(prm_transport_id_decode(copy, cut,
								 &id),
					 PRM_DECODE_INCOMPLETE);
			free(copy);
		}
		assert_int_equal(id.protocol, 0xee);
	}
}

static void encoding_needs_room_for_every_byte(void **state)
{
	uint8_t bytes[PRM_TRANSPORT_ID_MAX];

	(void)state;
	for (size_t i = 0; i < SAMPLE_COUNT; i++) {
		struct prm_transport_id id = parsed(samples[i].text);

		memset(bytes, 0xee, sizeof(bytes));
		assert_int_equal(prm_transport_id_encode(&id, bytes,
							 samples[i].size - 1),
				 0);
		assert_int_equal(bytes[0], 0xee);
	}
}

static void what_follows_is_trailing(void **state)
{
	uint8_t bytes[25] = { 0x06, 0, 0, 0, 0x50 };
	struct prm_transport_id id;

	(void)state;
	assert_int_equal(prm_transport_id_decode(bytes, 25, &id),
			 PRM_DECODE_TRAILING);
	assert_true(id.address == 0x5000000000000000);
}

static void protocols_without_a_format_keep_their_bytes(void **state)
{
	static const uint8_t protocols[] = { 2, 7, 8, 9, 0xb, 0xc, 0xf };
	char text[PRM_TRANSPORT_ID_TEXT_ROOM];

	(void)state;
	for (size_t i = 0; i < sizeof(protocols); i++) {
		uint8_t bytes[24], again[24];
		struct prm_transport_id id, back;

		for (uint8_t j = 0; j < 24; j++)
			bytes[j] = (uint8_t)(0xa0 + j);
		bytes[0] = protocols[i];
		assert_int_equal(prm_transport_id_decode(bytes, 24, &id),
				 PRM_DECODE_OK);
		assert_int_equal(prm_transport_id_encode(&id, again, 24), 24);
		assert_memory_equal(bytes, again, 24);
		prm_transport_id_text(&id, text);
		back = parsed(text);
		assert_memory_equal(back.raw, id.raw, 24);
	}
}

static void format_codes_that_spc_reserves_are_malformed(void **state)
{
	struct prm_transport_id id;
	uint8_t bytes[24] = { 0, 0, 0, 20, 'i', 'q', 'n', '.', 'x' };

	(void)state;
	for (unsigned int first = 0; first < 256; first++) {
		uint8_t format = (uint8_t)(first >> 6);

		bytes[0] = (uint8_t)first;
		/* "iqn.x" is a name without ISID: format 0 alone has it. */
		assert_int_equal(prm_transport_id_decode(bytes, 24, &id),
				 format == 0 ? PRM_DECODE_OK
					     : PRM_DECODE_MALFORMED);
	}
}

/* An iSCSI TransportID with this text and ADDITIONAL LENGTH. */
static enum prm_decode decode_name(uint8_t first, const char *name, size_t len,
				   uint16_t additional)
{
	struct prm_transport_id id;
	uint8_t *bytes = calloc(1, 4u + additional);
	enum prm_decode result;

	assert_non_null(bytes);
	bytes[0] = first;
	prm_put_be16(bytes + 2, additional);
	memcpy(bytes + 4, name, len < additional ? len : additional);
	result = prm_transport_id_decode(bytes, 4u + additional, &id);
	free(bytes);
	return result;
}

static void iscsi_lengths_are_checked_at_their_edges(void **state)
{
	(void)state;
	assert_int_equal(decode_name(5, "iqn.x", 5, 16), PRM_DECODE_MALFORMED);
	assert_int_equal(decode_name(5, "iqn.x", 5, 20), PRM_DECODE_OK);
	assert_int_equal(decode_name(5, "iqn.x", 5, 21), PRM_DECODE_MALFORMED);
	assert_int_equal(decode_name(5, "iqn.x", 5, 22), PRM_DECODE_MALFORMED);
	assert_int_equal(decode_name(5, "iqn.x", 5, 24), PRM_DECODE_OK);
	assert_int_equal(decode_name(5, "iqn.x", 5, 252), PRM_DECODE_OK);
	assert_int_equal(decode_name(5, "iqn.x", 5, 256), PRM_DECODE_TOO_LARGE);
	assert_int_equal(decode_name(5, "iqn.x", 5, 65532),
			 PRM_DECODE_TOO_LARGE);
}

static void an_iscsi_name_ends_within_its_length(void **state)
{
	(void)state;
	assert_int_equal(decode_name(5, "iqn.567890123456789", 19, 20),
			 PRM_DECODE_OK);
	assert_int_equal(decode_name(5, "iqn.5678901234567890", 20, 20),
			 PRM_DECODE_MALFORMED);
}

static void a_nul_behind_the_name_is_not_its_end(void **state)
{
	uint8_t bytes[28] = "\x05\0\0\x14iqn.5678901234567890";
	struct prm_transport_id id;

	(void)state;
	assert_int_equal(bytes[24], 0);
	assert_int_equal(prm_transport_id_decode(bytes, 24, &id),
			 PRM_DECODE_MALFORMED);
}

static void iscsi_names_are_checked(void **state)
{
	(void)state;
	assert_int_equal(decode_name(5, "", 0, 20), PRM_DECODE_MALFORMED);
	assert_int_equal(decode_name(5, "iqn.\x1b[2J", 8, 20),
			 PRM_DECODE_MALFORMED);
	assert_int_equal(decode_name(5, "iqn.a\x7f", 6, 20),
			 PRM_DECODE_MALFORMED);
	assert_int_equal(decode_name(5, "iqn.\xc3\xa4", 6, 20), PRM_DECODE_OK);
	assert_int_equal(decode_name(5, "iqn.a,i,0x1", 11, 20),
			 PRM_DECODE_MALFORMED);
	assert_int_equal(decode_name(0x45, "iqn.a,i,0x1", 11, 20),
			 PRM_DECODE_OK);
	assert_int_equal(decode_name(0x45, "iqn.a,i,0x", 10, 20),
			 PRM_DECODE_MALFORMED);
	assert_int_equal(decode_name(0x45, "iqn.a,i,0x1g", 12, 20),
			 PRM_DECODE_MALFORMED);
	assert_int_equal(decode_name(0x45, "iqn.a,i,1", 9, 20),
			 PRM_DECODE_MALFORMED);
	assert_int_equal(decode_name(0x45, ",i,0x1", 6, 20),
			 PRM_DECODE_MALFORMED);
	assert_int_equal(decode_name(0x45, "i,i,0x123456789abc", 18, 20),
			 PRM_DECODE_OK);
	assert_int_equal(decode_name(0x45, "i,i,0x123456789abcd", 19, 20),
			 PRM_DECODE_MALFORMED);
}

static void the_longest_name_fits(void **state)
{
	char text[PRM_TRANSPORT_ID_NAME_ROOM + 1];
	uint8_t bytes[PRM_TRANSPORT_ID_MAX];
	struct prm_transport_id id, back;

	(void)state;
	memset(text, 'x', sizeof(text));
	memcpy(text, "iqn.", 4);
	text[PRM_TRANSPORT_ID_NAME_ROOM - 1] = '\0';
	id = parsed(text);
	assert_int_equal(prm_transport_id_encode(&id, bytes, sizeof(bytes)),
			 256);
	assert_int_equal(prm_transport_id_decode(bytes, 256, &back),
			 PRM_DECODE_OK);
	assert_string_equal(back.name, text);
	text[PRM_TRANSPORT_ID_NAME_ROOM - 1] = 'x';
	text[PRM_TRANSPORT_ID_NAME_ROOM] = '\0';
	assert_int_equal(prm_transport_id_parse(text, &id), -E2BIG);
}

static void unusual_names_are_spelled_in_hex(void **state)
{
	static const uint8_t bytes[24] = { 0x05, 0,   0,   20,  'h', 'o',
					   's',  't', ',', ' ', 'x' };
	char text[PRM_TRANSPORT_ID_TEXT_ROOM];
	struct prm_transport_id id, back;

	(void)state;
	assert_int_equal(prm_transport_id_decode(bytes, 24, &id),
			 PRM_DECODE_OK);
	prm_transport_id_text(&id, text);
	assert_string_equal(text, "05,00,00,14,68,6f,73,74,2c,20,78,00,00,00,"
				  "00,00,00,00,00,00,00,00,00,00");
	back = parsed(text);
	assert_true(prm_transport_id_matches(&id, &back));
}

static void liberal_spellings_are_read(void **state)
{
	static const char *const pairs[][2] = {
		{ "SAS,0x5000C50012345678", "sas,5000c50012345678" },
		{ "fcp,1", "fcp,0000000000000001" },
		{ "sop,FF", "sop,00ff" },
		{ "6", "sas,0000000000000000" },
		{ "06,00,00,00,50,00,c5,00,12,34,56,78",
		  "sas,5000c50012345678" },
		{ "6 0 0 0  50 0 c5,\t0,12 34 56 78", "sas,5000c50012345678" },
		{ "EUI.0123456789ABCDEF", "EUI.0123456789ABCDEF" },
		{ "naa.0123", "naa.0123" },
		{ "nqn.2014-08.org.nvmexpress:uuid:1",
		  "nqn.2014-08.org.nvmexpress:uuid:1" },
	};
	char text[PRM_TRANSPORT_ID_TEXT_ROOM];

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		struct prm_transport_id id = parsed(pairs[i][0]);

		prm_transport_id_text(&id, text);
		assert_string_equal(text, pairs[i][1]);
	}
}

static void what_is_no_transport_id_is_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"sas,",
		"sas,0x",
		"sas,5000c500123456789",
		"sas,5000c5001234567g",
		"sas,5000 ",
		"fcp,-1",
		"srp,0011",
		"srp,00112233445566778899aabbccddeefg",
		"srp,00112233445566778899aabbccddeeff0",
		"spi,1",
		"spi,1,",
		"spi,65536,1",
		"spi,1,65536",
		"spi,1,2,3",
		"sop,10000",
		"iqn.x,i,0x",
		"iqn.x,i,1234",
		"iqn.x\n",
		"hello",
		"6,123",
		"6;0",
		"46,0",
		"5,0,0,10,69,71",
		" ,",
	};
	struct prm_transport_id id = { .protocol = 0xee };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (prm_transport_id_parse(texts[i], &id) != -EINVAL)
			fail_msg("\"%s\" was accepted", texts[i]);
	assert_int_equal(id.protocol, 0xee);
}

static void a_hex_list_has_at_most_256_bytes(void **state)
{
	char text[3 * 257 + 1];
	struct prm_transport_id id;

	(void)state;
	for (size_t i = 0; i < 257; i++)
		memcpy(text + 3 * i, i ? "61," : "05,", 4);
	memcpy(text, "05,00,00,fc", 11);
	/* The last byte of 256 has to be the NUL of the name. */
	memcpy(text + 3 * 255, "00", 3);
	assert_int_equal(prm_transport_id_parse(text, &id), 0);
	memcpy(text + 3 * 255, "00,00", 6);
	assert_int_equal(prm_transport_id_parse(text, &id), -E2BIG);
}

static void assert_matches(const char *one, const char *other, bool expected)
{
	struct prm_transport_id a = parsed(one), b = parsed(other);

	assert_int_equal(prm_transport_id_matches(&a, &b), expected);
	assert_int_equal(prm_transport_id_matches(&b, &a), expected);
}

static void a_name_without_isid_means_every_session(void **state)
{
	(void)state;
	assert_matches("iqn.a", "iqn.a,i,0x1", true);
	assert_matches("iqn.a", "IQN.A,i,0x1", true);
	assert_matches("iqn.a", "iqn.ab,i,0x1", false);
	assert_matches("iqn.ab", "iqn.a,i,0x1", false);
	assert_matches("iqn.a,i,0x1", "iqn.a,i,0x1", true);
	assert_matches("iqn.a,i,0xab", "iqn.A,i,0xAB", true);
	assert_matches("iqn.a,i,0x1", "iqn.a,i,0x2", false);
	assert_matches("iqn.a", "IQN.a", true);
	assert_matches("iqn.a", "iqn.b", false);
}

static void other_ports_match_by_all_their_fields(void **state)
{
	(void)state;
	assert_matches("sas,1", "sas,1", true);
	assert_matches("sas,1", "sas,2", false);
	assert_matches("sas,1", "fcp,1", false);
	assert_matches("spi,1,2", "spi,1,2", true);
	assert_matches("spi,1,2", "spi,1,3", false);
	assert_matches("7,1", "7,1", true);
	assert_matches("7,1", "7,2", false);
	assert_matches("7,1", "8,1", false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_protocol_is_written_as_spc_has_it),
		cmocka_unit_test(every_protocol_survives_a_round_trip),
		cmocka_unit_test(every_shorter_beginning_is_incomplete),
		cmocka_unit_test(encoding_needs_room_for_every_byte),
		cmocka_unit_test(what_follows_is_trailing),
		cmocka_unit_test(protocols_without_a_format_keep_their_bytes),
		cmocka_unit_test(format_codes_that_spc_reserves_are_malformed),
		cmocka_unit_test(iscsi_lengths_are_checked_at_their_edges),
		cmocka_unit_test(an_iscsi_name_ends_within_its_length),
		cmocka_unit_test(a_nul_behind_the_name_is_not_its_end),
		cmocka_unit_test(iscsi_names_are_checked),
		cmocka_unit_test(the_longest_name_fits),
		cmocka_unit_test(unusual_names_are_spelled_in_hex),
		cmocka_unit_test(liberal_spellings_are_read),
		cmocka_unit_test(what_is_no_transport_id_is_refused),
		cmocka_unit_test(a_hex_list_has_at_most_256_bytes),
		cmocka_unit_test(a_name_without_isid_means_every_session),
		cmocka_unit_test(other_ports_match_by_all_their_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
