/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Sense data in its two formats.
 *
 * A device may send less than a format has room for, and says so in ADDITIONAL
 * SENSE LENGTH; a transport may cut off what the device did send.  The first is
 * legal and leaves fields at zero, the second is reported, so that nobody takes
 * a truncated cause for "no additional sense".
 */
#include <stdio.h>
#include <string.h>
#include "scsi/sense.h"

enum response_code {
	FIXED_CURRENT = 0x70,
	FIXED_DEFERRED = 0x71,
	DESCRIPTOR_CURRENT = 0x72,
	DESCRIPTOR_DEFERRED = 0x73,
};

#define HEADER_LEN 8

/* Where fixed sense has said its ASC and ASCQ. */
#define CODES_END 14

#define SKSV              0x80
#define KEY_SPECIFIC_TYPE 0x02
#define KEY_SPECIFIC_LEN  8

/* Bytes that the device sent, which may be more than are here. */
static size_t sent(const uint8_t *bytes)
{
	return (size_t)HEADER_LEN + bytes[7];
}

static void set_key_specific(struct prm_sense *sense, const uint8_t *bytes)
{
	if (!(bytes[0] & SKSV))
		return;
	sense->has_key_specific = true;
	memcpy(sense->key_specific, bytes, sizeof(sense->key_specific));
}

static enum prm_decode decode_fixed(const uint8_t *bytes, size_t len,
				    struct prm_sense *sense)
{
	size_t end = sent(bytes);

	if (len < end && len < CODES_END)
		return PRM_DECODE_INCOMPLETE;
	sense->key = bytes[2] & 0xf;
	if (end > 12)
		sense->asc = bytes[12];
	if (end > 13)
		sense->ascq = bytes[13];
	if (end >= PRM_SENSE_FIXED_LEN && len >= PRM_SENSE_FIXED_LEN)
		set_key_specific(sense, bytes + 15);
	return PRM_DECODE_OK;
}

/* Walk over descriptors (type, length, so many bytes) until one is cut off. */
static void decode_descriptors(struct prm_reader reader,
			       struct prm_sense *sense)
{
	while (reader.left > 0) {
		uint8_t type = prm_read_u8(&reader);
		uint8_t len = prm_read_u8(&reader);
		const uint8_t *body = prm_read_bytes(&reader, len);

		if (!body)
			return;
		if (type == KEY_SPECIFIC_TYPE && len >= KEY_SPECIFIC_LEN - 2)
			set_key_specific(sense, body + 2);
	}
}

static void decode_descriptor(const uint8_t *bytes, size_t len,
			      struct prm_sense *sense)
{
	size_t end = sent(bytes) < len ? sent(bytes) : len;

	sense->descriptor = true;
	sense->key = bytes[1] & 0xf;
	sense->asc = bytes[2];
	sense->ascq = bytes[3];
	decode_descriptors(prm_reader(bytes + HEADER_LEN, end - HEADER_LEN),
			   sense);
}

enum prm_decode prm_sense_decode(const void *bytes, size_t len,
				 struct prm_sense *ret_sense)
{
	const uint8_t *at = bytes;
	struct prm_sense sense = { 0 };
	enum prm_decode result = PRM_DECODE_OK;
	uint8_t code;

	if (len == 0)
		return PRM_DECODE_INCOMPLETE;
	code = at[0] & 0x7f;
	if (code < FIXED_CURRENT || code > DESCRIPTOR_DEFERRED)
		return PRM_DECODE_MALFORMED;
	if (len < HEADER_LEN)
		return PRM_DECODE_INCOMPLETE;
	sense.deferred = code == FIXED_DEFERRED || code == DESCRIPTOR_DEFERRED;
	if (code >= DESCRIPTOR_CURRENT)
		decode_descriptor(at, len, &sense);
	else
		result = decode_fixed(at, len, &sense);
	if (result == PRM_DECODE_OK)
		*ret_sense = sense;
	return result;
}

static size_t encode_descriptor(const struct prm_sense *sense, uint8_t *bytes,
				size_t room)
{
	size_t len = PRM_SENSE_DESCRIPTOR_LEN;

	if (sense->has_key_specific)
		len += KEY_SPECIFIC_LEN;
	if (room < len)
		return 0;
	memset(bytes, 0, len);
	bytes[0] = sense->deferred ? DESCRIPTOR_DEFERRED : DESCRIPTOR_CURRENT;
	bytes[1] = sense->key & 0xf;
	bytes[2] = sense->asc;
	bytes[3] = sense->ascq;
	bytes[7] = (uint8_t)(len - HEADER_LEN);
	if (sense->has_key_specific) {
		bytes[8] = KEY_SPECIFIC_TYPE;
		bytes[9] = KEY_SPECIFIC_LEN - 2;
		memcpy(bytes + 12, sense->key_specific, 3);
		bytes[12] |= SKSV;
	}
	return len;
}

static size_t encode_fixed(const struct prm_sense *sense, uint8_t *bytes,
			   size_t room)
{
	if (room < PRM_SENSE_FIXED_LEN)
		return 0;
	memset(bytes, 0, PRM_SENSE_FIXED_LEN);
	bytes[0] = sense->deferred ? FIXED_DEFERRED : FIXED_CURRENT;
	bytes[2] = sense->key & 0xf;
	bytes[7] = PRM_SENSE_FIXED_LEN - HEADER_LEN;
	bytes[12] = sense->asc;
	bytes[13] = sense->ascq;
	if (sense->has_key_specific) {
		memcpy(bytes + 15, sense->key_specific, 3);
		bytes[15] |= SKSV;
	}
	return PRM_SENSE_FIXED_LEN;
}

size_t prm_sense_encode(const struct prm_sense *sense, void *bytes, size_t room)
{
	return sense->descriptor ? encode_descriptor(sense, bytes, room)
				 : encode_fixed(sense, bytes, room);
}

void prm_sense_encode_code(uint32_t code, uint8_t bytes[PRM_SENSE_FIXED_LEN])
{
	struct prm_sense sense = prm_sense_of(code);

	(void)encode_fixed(&sense, bytes, PRM_SENSE_FIXED_LEN);
}

const char *prm_sense_key_name(uint8_t key)
{
	static const char *const names[16] = {
		[PRM_SENSE_KEY_NO_SENSE] = "NO SENSE",
		[PRM_SENSE_KEY_RECOVERED_ERROR] = "RECOVERED ERROR",
		[PRM_SENSE_KEY_NOT_READY] = "NOT READY",
		[PRM_SENSE_KEY_MEDIUM_ERROR] = "MEDIUM ERROR",
		[PRM_SENSE_KEY_HARDWARE_ERROR] = "HARDWARE ERROR",
		[PRM_SENSE_KEY_ILLEGAL_REQUEST] = "ILLEGAL REQUEST",
		[PRM_SENSE_KEY_UNIT_ATTENTION] = "UNIT ATTENTION",
		[PRM_SENSE_KEY_DATA_PROTECT] = "DATA PROTECT",
		[PRM_SENSE_KEY_BLANK_CHECK] = "BLANK CHECK",
		[0x9] = "VENDOR SPECIFIC",
		[PRM_SENSE_KEY_COPY_ABORTED] = "COPY ABORTED",
		[PRM_SENSE_KEY_ABORTED_COMMAND] = "ABORTED COMMAND",
		[PRM_SENSE_KEY_VOLUME_OVERFLOW] = "VOLUME OVERFLOW",
		[PRM_SENSE_KEY_MISCOMPARE] = "MISCOMPARE",
		[PRM_SENSE_KEY_COMPLETED] = "COMPLETED",
	};

	return key < 16 && names[key] ? names[key] : "reserved";
}

/* ASC and ASCQ without the key: one pair means the same under every key. */
static const struct {
	uint16_t pair;
	const char *name;
} additional_names[] = {
	{ 0x0000, "no additional sense information" },
	{ 0x0006, "I/O process terminated" },
	{ 0x0400, "logical unit not ready" },
	{ 0x0500, "logical unit does not respond to selection" },
	{ 0x0800, "logical unit communication failure" },
	{ 0x1100, "unrecovered read error" },
	{ 0x1a00, "parameter list length error" },
	{ 0x2000, "invalid command operation code" },
	{ 0x2400, "invalid field in CDB" },
	{ 0x2600, "invalid field in parameter list" },
	{ 0x2604, "invalid release of persistent reservation" },
	{ 0x2707, "space allocation failed write protect" },
	{ 0x2900, "power on, reset, or bus device reset occurred" },
	{ 0x2902, "SCSI bus reset occurred" },
	{ 0x2907, "I_T nexus loss occurred" },
	{ 0x2a03, "reservations preempted" },
	{ 0x2a04, "reservations released" },
	{ 0x2a05, "registrations preempted" },
	{ 0x2c09, "previous reservation conflict status" },
	{ 0x2e02, "command timeout during processing" },
	{ 0x2f00, "commands cleared by another initiator" },
	{ 0x2f02, "commands cleared by device server" },
	{ 0x3a00, "medium not present" },
	{ 0x4400, "internal target failure" },
	{ 0x4401, "persistent reservation information lost" },
	{ 0x5502, "insufficient reservation resources" },
	{ 0x5504, "insufficient registration resources" },
};

const char *prm_sense_additional_name(uint8_t asc, uint8_t ascq)
{
	uint16_t pair = (uint16_t)(asc << 8 | ascq);
	size_t count = sizeof(additional_names) / sizeof(additional_names[0]);

	for (size_t i = 0; i < count; i++)
		if (additional_names[i].pair == pair)
			return additional_names[i].name;
	return NULL;
}

void prm_sense_text(const struct prm_sense *sense,
		    char text[PRM_SENSE_TEXT_ROOM])
{
	const char *name = prm_sense_additional_name(sense->asc, sense->ascq);

	(void)snprintf(text, PRM_SENSE_TEXT_ROOM, "%s%s%s%s (%02x/%02x/%02x)",
		       prm_sense_key_name(sense->key), name ? ", " : "",
		       name ? name : "", sense->deferred ? ", deferred" : "",
		       sense->key, sense->asc, sense->ascq);
}
