/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_SCSI_SENSE_H
#define PRM_SCSI_SENSE_H

/*
 * Sense data (SPC-4, 4.5): why a command ended with CHECK CONDITION.
 *
 * Threads: pure functions.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/cursor.h"

/* Bytes of the sense data that the encoders make. */
#define PRM_SENSE_FIXED_LEN      18
#define PRM_SENSE_DESCRIPTOR_LEN 8

/* The longest text of prm_sense_text(), with its NUL. */
#define PRM_SENSE_TEXT_ROOM 128

/**
 * enum prm_sense_key - sense keys (SPC-4, table "Sense key descriptions")
 */
enum prm_sense_key {
	PRM_SENSE_KEY_NO_SENSE = 0x0,
	PRM_SENSE_KEY_RECOVERED_ERROR = 0x1,
	PRM_SENSE_KEY_NOT_READY = 0x2,
	PRM_SENSE_KEY_MEDIUM_ERROR = 0x3,
	PRM_SENSE_KEY_HARDWARE_ERROR = 0x4,
	PRM_SENSE_KEY_ILLEGAL_REQUEST = 0x5,
	PRM_SENSE_KEY_UNIT_ATTENTION = 0x6,
	PRM_SENSE_KEY_DATA_PROTECT = 0x7,
	PRM_SENSE_KEY_BLANK_CHECK = 0x8,
	PRM_SENSE_KEY_COPY_ABORTED = 0xa,
	PRM_SENSE_KEY_ABORTED_COMMAND = 0xb,
	PRM_SENSE_KEY_VOLUME_OVERFLOW = 0xd,
	PRM_SENSE_KEY_MISCOMPARE = 0xe,
	PRM_SENSE_KEY_COMPLETED = 0xf,
};

/**
 * enum prm_sense_code - sense key, ASC and ASCQ as one value, 0xKKAAQQ
 *
 * What persistent reservations and the helper have to do with, no more.
 */
enum prm_sense_code {
	PRM_SENSE_NO_SENSE = 0x000000,
	PRM_SENSE_LUN_NOT_READY = 0x020400,
	PRM_SENSE_NO_MEDIUM = 0x023a00,
	PRM_SENSE_READ_ERROR = 0x031100,
	PRM_SENSE_TARGET_FAILURE = 0x044400,
	PRM_SENSE_PARAMETER_LIST_LENGTH_ERROR = 0x051a00,
	PRM_SENSE_INVALID_OPCODE = 0x052000,
	PRM_SENSE_INVALID_FIELD_IN_CDB = 0x052400,
	PRM_SENSE_INVALID_FIELD_IN_PARAMETER_LIST = 0x052600,
	PRM_SENSE_INVALID_RELEASE = 0x052604,
	PRM_SENSE_INSUFFICIENT_RESERVATION_RESOURCES = 0x055502,
	PRM_SENSE_INSUFFICIENT_REGISTRATION_RESOURCES = 0x055504,
	PRM_SENSE_POWER_ON_OR_RESET = 0x062900,
	PRM_SENSE_BUS_RESET = 0x062902,
	PRM_SENSE_NEXUS_LOSS_ATTENTION = 0x062907,
	PRM_SENSE_RESERVATIONS_PREEMPTED = 0x062a03,
	PRM_SENSE_RESERVATIONS_RELEASED = 0x062a04,
	PRM_SENSE_REGISTRATIONS_PREEMPTED = 0x062a05,
	PRM_SENSE_PREVIOUS_RESERVATION_CONFLICT = 0x062c09,
	PRM_SENSE_COMMANDS_CLEARED_ATTENTION = 0x062f00,
	PRM_SENSE_SPACE_ALLOCATION_FAILED = 0x072707,
	PRM_SENSE_PR_INFORMATION_LOST = 0x074401,
	PRM_SENSE_IO_PROCESS_TERMINATED = 0x0b0006,
	PRM_SENSE_LUN_NO_RESPONSE = 0x0b0500,
	PRM_SENSE_LUN_COMMUNICATION_FAILURE = 0x0b0800,
	PRM_SENSE_NEXUS_LOSS = 0x0b2907,
	PRM_SENSE_COMMAND_TIMEOUT = 0x0b2e02,
	PRM_SENSE_COMMANDS_CLEARED = 0x0b2f02,
};

/**
 * struct prm_sense - decoded sense data
 * @descriptor:       descriptor format (72h, 73h), else fixed (70h, 71h)
 * @deferred:         about an earlier command (71h, 73h)
 * @key:              sense key, 0 to 15, see enum prm_sense_key
 * @asc:              additional sense code
 * @ascq:             additional sense code qualifier
 * @has_key_specific: @key_specific is valid (SKSV)
 * @key_specific:     SENSE KEY SPECIFIC, SKSV included; all 0 when not valid.
 *                    For ILLEGAL REQUEST it points at the field at fault
 */
struct prm_sense {
	bool descriptor;
	bool deferred;
	uint8_t key;
	uint8_t asc;
	uint8_t ascq;
	bool has_key_specific;
	uint8_t key_specific[3];
};

/**
 * prm_sense_of() - fixed-format current sense for a code
 * @code: see enum prm_sense_code
 *
 * Return: the value to encode.
 */
static inline struct prm_sense prm_sense_of(uint32_t code)
{
	return (struct prm_sense){
		.key = (code >> 16) & 0xf,
		.asc = (uint8_t)(code >> 8),
		.ascq = (uint8_t)code,
	};
}

/**
 * prm_sense_code() - the code of decoded sense, to compare and to switch over
 * @sense: decoded sense
 *
 * Return: 0xKKAAQQ, see enum prm_sense_code.
 */
static inline uint32_t prm_sense_code(const struct prm_sense *sense)
{
	return (uint32_t)sense->key << 16 | (uint32_t)sense->asc << 8 |
	       sense->ascq;
}

/**
 * prm_sense_decode() - take sense data apart, whichever its format
 * @bytes:     sense data
 * @len:       bytes at @bytes; what lies behind the ADDITIONAL SENSE LENGTH is
 *             ignored, so a whole zero-padded buffer will do
 * @ret_sense: what it says
 *
 * A field that the device did not send (its ADDITIONAL SENSE LENGTH ends before
 * it) is 0, as SPC-4, 4.5.3 has it. Sense-key specific bytes that were cut off
 * count as not sent; key, ASC and ASCQ do not.
 *
 * Return: PRM_DECODE_OK; PRM_DECODE_INCOMPLETE if @len ends before a key, ASC
 * or ASCQ that the device did send; PRM_DECODE_MALFORMED if the response code is none of
 * 70h to 73h (also for zeros: there is no sense). @ret_sense is written on OK
 * only.
 */
enum prm_decode prm_sense_decode(const void *bytes, size_t len,
				 struct prm_sense *ret_sense);

/**
 * prm_sense_encode() - make sense data in the format that the value asks for
 * @sense: what to say
 * @bytes: where to, zeroed as far as it is written
 * @room:  bytes at @bytes
 *
 * Fixed sense has 18 bytes. Descriptor sense has 8, and 16 where it carries
 * sense-key specific bytes.
 *
 * Return: bytes written; 0, and nothing written, where @room is too small.
 */
size_t prm_sense_encode(const struct prm_sense *sense, void *bytes,
			size_t room);

/**
 * prm_sense_encode_code() - fixed current sense for a code
 * @code:  see enum prm_sense_code
 * @bytes: all 18 are written
 */
void prm_sense_encode_code(uint32_t code, uint8_t bytes[PRM_SENSE_FIXED_LEN]);

/**
 * prm_sense_key_name() - SPC's name of a sense key
 * @key: sense key, 0 to 15
 *
 * Return: "ILLEGAL REQUEST" or the like; "reserved" for the others. Static.
 */
const char *prm_sense_key_name(uint8_t key);

/**
 * prm_sense_additional_name() - what ASC and ASCQ mean
 * @asc:  additional sense code
 * @ascq: additional sense code qualifier
 *
 * Return: a few words for people, "invalid field in CDB" or the like; NULL for
 * a pair outside enum prm_sense_code. Static.
 */
const char *prm_sense_additional_name(uint8_t asc, uint8_t ascq);

/**
 * prm_sense_text() - sense as a line for people
 * @sense: decoded sense
 * @text:  "ILLEGAL REQUEST, invalid field in CDB (05/24/00)"; always terminated
 *
 * Codes without a name are shown by number alone.
 */
void prm_sense_text(const struct prm_sense *sense,
		    char text[PRM_SENSE_TEXT_ROOM]);

#endif
