/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_BASE_CURSOR_H
#define PRM_BASE_CURSOR_H

/*
 * Big-endian bytes, read and written within bounds.
 *
 * SCSI and the helper protocol are big-endian.  The getters and setters move
 * single integers at any alignment; a reader walks over input and never past
 * its end, a writer the same over output.  Both are sticky: after the first
 * overrun every further call is harmless and the caller asks once, at the end.
 *
 * Ownership: bytes are borrowed.  Threads: none of this holds shared state.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/**
 * enum prm_decode - what a decoder has to say about its input
 * @PRM_DECODE_OK:         decoded whole
 * @PRM_DECODE_INCOMPLETE: a valid beginning; more bytes are needed
 * @PRM_DECODE_MALFORMED:  no continuation makes this valid
 * @PRM_DECODE_TOO_LARGE:  valid, but above a named limit of ours
 * @PRM_DECODE_TRAILING:   valid, with bytes left over behind it
 */
enum prm_decode {
	PRM_DECODE_OK = 0,
	PRM_DECODE_INCOMPLETE,
	PRM_DECODE_MALFORMED,
	PRM_DECODE_TOO_LARGE,
	PRM_DECODE_TRAILING,
};

/* The unsigned big-endian integer of 16 bits at @bytes. */
static inline uint16_t prm_get_be16(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

/* The unsigned big-endian integer of 32 bits at @bytes. */
static inline uint32_t prm_get_be32(const uint8_t *bytes)
{
	return (uint32_t)prm_get_be16(bytes) << 16 | prm_get_be16(bytes + 2);
}

/* The unsigned big-endian integer of 64 bits at @bytes. */
static inline uint64_t prm_get_be64(const uint8_t *bytes)
{
	return (uint64_t)prm_get_be32(bytes) << 32 | prm_get_be32(bytes + 4);
}

/* Store @value at @bytes, most significant byte first. */
static inline void prm_put_be16(uint8_t *bytes, uint16_t value)
{
	bytes[0] = (uint8_t)(value >> 8);
	bytes[1] = (uint8_t)value;
}

/* Store @value at @bytes, most significant byte first. */
static inline void prm_put_be32(uint8_t *bytes, uint32_t value)
{
	prm_put_be16(bytes, (uint16_t)(value >> 16));
	prm_put_be16(bytes + 2, (uint16_t)value);
}

/* Store @value at @bytes, most significant byte first. */
static inline void prm_put_be64(uint8_t *bytes, uint64_t value)
{
	prm_put_be32(bytes, (uint32_t)(value >> 32));
	prm_put_be32(bytes + 4, (uint32_t)value);
}

/* Input not yet read: @left bytes at @at; @overrun once more was asked for. */
struct prm_reader {
	const uint8_t *at;
	size_t left;
	bool overrun;
};

/* A reader over the @len bytes at @bytes, which it borrows. */
static inline struct prm_reader prm_reader(const void *bytes, size_t len)
{
	return (struct prm_reader){ .at = bytes, .left = len };
}

/* The next @len bytes, borrowed, or NULL (and overrun) if there are fewer. */
static inline const uint8_t *prm_read_bytes(struct prm_reader *reader,
					    size_t len)
{
	const uint8_t *bytes = reader->at;

	if (reader->overrun || len > reader->left) {
		reader->overrun = true;
		return NULL;
	}
	reader->at += len;
	reader->left -= len;
	return bytes;
}

/* The next byte; 0 after an overrun. */
static inline uint8_t prm_read_u8(struct prm_reader *reader)
{
	const uint8_t *bytes = prm_read_bytes(reader, 1);

	return bytes ? bytes[0] : 0;
}

/* The next 16-bit integer; 0 after an overrun. */
static inline uint16_t prm_read_be16(struct prm_reader *reader)
{
	const uint8_t *bytes = prm_read_bytes(reader, 2);

	return bytes ? prm_get_be16(bytes) : 0;
}

/* The next 32-bit integer; 0 after an overrun. */
static inline uint32_t prm_read_be32(struct prm_reader *reader)
{
	const uint8_t *bytes = prm_read_bytes(reader, 4);

	return bytes ? prm_get_be32(bytes) : 0;
}

/* The next 64-bit integer; 0 after an overrun. */
static inline uint64_t prm_read_be64(struct prm_reader *reader)
{
	const uint8_t *bytes = prm_read_bytes(reader, 8);

	return bytes ? prm_get_be64(bytes) : 0;
}

/* Step over @len bytes. */
static inline void prm_read_skip(struct prm_reader *reader, size_t len)
{
	(void)prm_read_bytes(reader, len);
}

/* Room not yet written: @left bytes at @at, @done before it. */
struct prm_writer {
	uint8_t *at;
	size_t left;
	size_t done;
	bool overrun;
};

/* A writer over the @len bytes at @bytes, which it borrows. */
static inline struct prm_writer prm_writer(void *bytes, size_t len)
{
	return (struct prm_writer){ .at = bytes, .left = len };
}

/* Room for the next @len bytes, or NULL (and overrun) if there is less. */
static inline uint8_t *prm_write_room(struct prm_writer *writer, size_t len)
{
	uint8_t *room = writer->at;

	if (writer->overrun || len > writer->left) {
		writer->overrun = true;
		return NULL;
	}
	writer->at += len;
	writer->left -= len;
	writer->done += len;
	return room;
}

/* Append the @len bytes at @bytes. */
static inline void prm_write_bytes(struct prm_writer *writer, const void *bytes,
				   size_t len)
{
	uint8_t *room = prm_write_room(writer, len);

	if (room && len)
		memcpy(room, bytes, len);
}

/* Append @len zero bytes. */
static inline void prm_write_zeros(struct prm_writer *writer, size_t len)
{
	uint8_t *room = prm_write_room(writer, len);

	if (room && len)
		memset(room, 0, len);
}

/* Append a byte. */
static inline void prm_write_u8(struct prm_writer *writer, uint8_t value)
{
	prm_write_bytes(writer, &value, 1);
}

/* Append a 16-bit integer, most significant byte first. */
static inline void prm_write_be16(struct prm_writer *writer, uint16_t value)
{
	uint8_t *room = prm_write_room(writer, 2);

	if (room)
		prm_put_be16(room, value);
}

/* Append a 32-bit integer, most significant byte first. */
static inline void prm_write_be32(struct prm_writer *writer, uint32_t value)
{
	uint8_t *room = prm_write_room(writer, 4);

	if (room)
		prm_put_be32(room, value);
}

/* Append a 64-bit integer, most significant byte first. */
static inline void prm_write_be64(struct prm_writer *writer, uint64_t value)
{
	uint8_t *room = prm_write_room(writer, 8);

	if (room)
		prm_put_be64(room, value);
}

#endif
