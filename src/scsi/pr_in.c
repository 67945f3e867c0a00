/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The data of PERSISTENT RESERVE IN.
 *
 * Encoders write through a sink that counts everything and keeps what fits:
 * that is all there is to SPC's truncation, and no answer is ever built whole
 * anywhere.
 */
#include "scsi/pr_in.h"

#define KEY_LEN 8

/* READ FULL STATUS, byte 12 of a descriptor. */
#define ALL_TG_PT 0x02
#define R_HOLDER  0x01

struct sink {
	struct prm_writer writer;
	size_t whole;
};

static void emit(struct sink *sink, const uint8_t *bytes, size_t len)
{
	size_t fits = sink->writer.left < len ? sink->writer.left : len;

	prm_write_bytes(&sink->writer, bytes, fits);
	sink->whole += len;
}

static void emit_header(struct sink *sink, uint32_t generation, size_t len)
{
	uint8_t header[PRM_PR_IN_HEADER_LEN];

	prm_put_be32(header, generation);
	prm_put_be32(header + 4, (uint32_t)len);
	emit(sink, header, sizeof(header));
}

/*
 * Both lists begin alike: generation, length, and a reader that ends where the
 * described or the present data ends, whichever comes first.
 */
static enum prm_decode decode_list(const uint8_t *data, size_t len,
				   uint32_t *generation, uint32_t *described,
				   struct prm_reader *rest)
{
	size_t present;

	if (len < PRM_PR_IN_HEADER_LEN)
		return PRM_DECODE_INCOMPLETE;
	present = len - PRM_PR_IN_HEADER_LEN;
	*generation = prm_get_be32(data);
	*described = prm_get_be32(data + 4);
	*rest = prm_reader(data + PRM_PR_IN_HEADER_LEN,
			   present < *described ? present : *described);
	return PRM_DECODE_OK;
}

enum prm_decode prm_keys_decode(const void *data, size_t len,
				struct prm_keys *ret_keys)
{
	struct prm_keys keys = { 0 };
	enum prm_decode result;
	uint32_t described;

	result = decode_list(data, len, &keys.generation, &described,
			     &keys.rest);
	if (result != PRM_DECODE_OK)
		return result;
	if (described % KEY_LEN)
		return PRM_DECODE_MALFORMED;
	keys.count = described / KEY_LEN;
	keys.complete = keys.rest.left == described;
	*ret_keys = keys;
	return PRM_DECODE_OK;
}

bool prm_keys_next(struct prm_keys *keys, uint64_t *ret_key)
{
	if (keys->rest.left < KEY_LEN)
		return false;
	*ret_key = prm_read_be64(&keys->rest);
	return true;
}

size_t prm_keys_encode(uint32_t generation, const uint64_t *keys, size_t count,
		       void *data, size_t room)
{
	struct sink sink = { .writer = prm_writer(data, room) };
	uint8_t key[KEY_LEN];

	emit_header(&sink, generation, count * KEY_LEN);
	for (size_t i = 0; i < count; i++) {
		prm_put_be64(key, keys[i]);
		emit(&sink, key, sizeof(key));
	}
	return sink.whole;
}

enum prm_decode prm_reservation_decode(const void *data, size_t len,
				       struct prm_reservation *ret_reservation)
{
	const uint8_t *at = data;
	struct prm_reservation reservation = { 0 };
	uint32_t described;

	if (len < PRM_PR_IN_HEADER_LEN)
		return PRM_DECODE_INCOMPLETE;
	reservation.generation = prm_get_be32(at);
	described = prm_get_be32(at + 4);
	if (described > 0) {
		if (described <
		    PRM_PR_IN_RESERVATION_LEN - PRM_PR_IN_HEADER_LEN)
			return PRM_DECODE_MALFORMED;
		if (len < PRM_PR_IN_RESERVATION_LEN)
			return PRM_DECODE_INCOMPLETE;
		reservation.held = true;
		reservation.key = prm_get_be64(at + 8);
		reservation.scope = at[21] >> 4;
		reservation.type = at[21] & 0xf;
	}
	*ret_reservation = reservation;
	return PRM_DECODE_OK;
}

size_t prm_reservation_encode(const struct prm_reservation *reservation,
			      void *data, size_t room)
{
	struct sink sink = { .writer = prm_writer(data, room) };
	uint8_t body[PRM_PR_IN_RESERVATION_LEN - PRM_PR_IN_HEADER_LEN] = { 0 };
	size_t len = reservation->held ? sizeof(body) : 0;

	prm_put_be64(body, reservation->key);
	body[13] =
		(uint8_t)(reservation->scope << 4 | (reservation->type & 0xf));
	emit_header(&sink, reservation->generation, len);
	emit(&sink, body, len);
	return sink.whole;
}

/*
 * PERSISTENT RESERVATION TYPE MASK: byte 4 has type N in bit N, and byte 5
 * goes on with type 8; bits of types that do not exist are reserved.
 */
#define TYPE_MASK 0x1ea

enum prm_decode
prm_capabilities_decode(const void *data, size_t len,
			struct prm_capabilities *ret_capabilities)
{
	const uint8_t *at = data;

	if (len < PRM_PR_IN_CAPABILITIES_LEN)
		return PRM_DECODE_INCOMPLETE;
	if (prm_get_be16(at) != PRM_PR_IN_CAPABILITIES_LEN)
		return PRM_DECODE_MALFORMED;
	*ret_capabilities = (struct prm_capabilities){
		.replace_lost = at[2] & 0x80,
		.compatible_reserve = at[2] & 0x10,
		.initiator_ports = at[2] & 0x08,
		.all_target_ports = at[2] & 0x04,
		.persist_capable = at[2] & 0x01,
		.persist_active = at[3] & 0x01,
		.types_valid = at[3] & 0x80,
		.allow_commands = at[3] >> 4 & 0x7,
		.types = (uint16_t)((at[5] << 8 | at[4]) & TYPE_MASK),
	};
	return PRM_DECODE_OK;
}

size_t prm_capabilities_encode(const struct prm_capabilities *capabilities,
			       void *data, size_t room)
{
	struct sink sink = { .writer = prm_writer(data, room) };
	uint16_t types = capabilities->types & TYPE_MASK;
	uint8_t bytes[PRM_PR_IN_CAPABILITIES_LEN] = { 0 };

	prm_put_be16(bytes, sizeof(bytes));
	bytes[2] = (uint8_t)(capabilities->replace_lost << 7 |
			     capabilities->compatible_reserve << 4 |
			     capabilities->initiator_ports << 3 |
			     capabilities->all_target_ports << 2 |
			     capabilities->persist_capable);
	bytes[3] = (uint8_t)(capabilities->types_valid << 7 |
			     (capabilities->allow_commands & 0x7) << 4 |
			     capabilities->persist_active);
	bytes[4] = (uint8_t)types;
	bytes[5] = (uint8_t)(types >> 8);
	emit(&sink, bytes, sizeof(bytes));
	return sink.whole;
}

enum prm_decode prm_full_status_decode(const void *data, size_t len,
				       struct prm_full_status *ret_status)
{
	struct prm_full_status status = { 0 };
	enum prm_decode result;

	result = decode_list(data, len, &status.generation,
			     &status.additional_len, &status.rest);
	if (result != PRM_DECODE_OK)
		return result;
	status.complete = status.rest.left == status.additional_len;
	*ret_status = status;
	return PRM_DECODE_OK;
}

bool prm_full_status_next(struct prm_full_status *status,
			  struct prm_registrant *ret_registrant)
{
	struct prm_reader reader = status->rest;
	const uint8_t *at = prm_read_bytes(&reader, PRM_PR_IN_DESCRIPTOR_LEN);
	const uint8_t *id;
	uint32_t id_len;
	bool holder;

	if (!at)
		return false;
	id_len = prm_get_be32(at + 20);
	id = prm_read_bytes(&reader, id_len);
	if (!id)
		return false;
	holder = at[12] & R_HOLDER;
	*ret_registrant = (struct prm_registrant){
		.key = prm_get_be64(at),
		.all_target_ports = at[12] & ALL_TG_PT,
		.holder = holder,
		.scope = holder ? at[13] >> 4 : 0,
		.type = holder ? at[13] & 0xf : 0,
		.relative_target_port = prm_get_be16(at + 18),
		.transport_id = id,
		.transport_id_len = id_len,
	};
	status->rest = reader;
	return true;
}

static void emit_registrant(struct sink *sink,
			    const struct prm_registrant *registrant)
{
	uint8_t bytes[PRM_PR_IN_DESCRIPTOR_LEN] = { 0 };

	prm_put_be64(bytes, registrant->key);
	if (registrant->all_target_ports)
		bytes[12] |= ALL_TG_PT;
	if (registrant->holder) {
		bytes[12] |= R_HOLDER;
		bytes[13] = (uint8_t)(registrant->scope << 4 |
				      (registrant->type & 0xf));
	}
	prm_put_be16(bytes + 18, registrant->relative_target_port);
	prm_put_be32(bytes + 20, (uint32_t)registrant->transport_id_len);
	emit(sink, bytes, sizeof(bytes));
	emit(sink, registrant->transport_id, registrant->transport_id_len);
}

size_t prm_full_status_encode(uint32_t generation,
			      const struct prm_registrant *registrants,
			      size_t count, void *data, size_t room)
{
	struct sink sink = { .writer = prm_writer(data, room) };
	size_t len = count * PRM_PR_IN_DESCRIPTOR_LEN;

	for (size_t i = 0; i < count; i++)
		len += registrants[i].transport_id_len;
	emit_header(&sink, generation, len);
	for (size_t i = 0; i < count; i++)
		emit_registrant(&sink, &registrants[i]);
	return sink.whole;
}
