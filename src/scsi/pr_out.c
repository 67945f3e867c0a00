/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Parameter lists of PERSISTENT RESERVE OUT.
 *
 * A list is checked whole before any of it is handed out.  SPC has two answers
 * to a bad one, a wrong length and a wrong field, so each outcome of decoding
 * belongs to exactly one of them; see prm_pr_out_sense().
 */
#include <errno.h>
#include "scsi/cdb.h"
#include "scsi/pr_out.h"
#include "scsi/sense.h"

/* Basic list, byte 20. */
#define SPEC_I_PT 0x08
#define ALL_TG_PT 0x04
#define APTPL     0x01

/* REGISTER AND MOVE, byte 17. */
#define MOVE_UNREG 0x02
#define MOVE_APTPL 0x01

/* Check every TransportID of a list of exactly @len bytes, and count them. */
static enum prm_decode check_ids(const uint8_t *bytes, size_t len,
				 size_t *ret_count)
{
	struct prm_reader reader = prm_reader(bytes, len);
	struct prm_transport_id id;
	enum prm_decode result;
	size_t count = 0, size;

	while (reader.left > 0) {
		if (count == PRM_PR_OUT_TRANSPORT_IDS_MAX)
			return PRM_DECODE_TOO_LARGE;
		result = prm_transport_id_size(reader.at, reader.left, &size);
		if (result == PRM_DECODE_OK)
			result = prm_transport_id_decode(
				reader.at,
				size < reader.left ? size : reader.left, &id);
		if (result == PRM_DECODE_TOO_LARGE)
			return result;
		if (result != PRM_DECODE_OK)
			return PRM_DECODE_MALFORMED;
		prm_read_skip(&reader, size);
		count++;
	}
	*ret_count = count;
	return PRM_DECODE_OK;
}

/* The TransportIDs from byte @start on, @ids_len bytes as the list has it. */
static enum prm_decode decode_ids(const uint8_t *list, size_t len, size_t start,
				  uint32_t ids_len, struct prm_pr_out *out)
{
	enum prm_decode result;

	if (ids_len > len - start)
		return PRM_DECODE_MALFORMED;
	if (ids_len < len - start)
		return PRM_DECODE_TRAILING;
	result = check_ids(list + start, ids_len, &out->transport_id_count);
	if (result != PRM_DECODE_OK)
		return result;
	out->transport_ids = prm_reader(list + start, ids_len);
	return PRM_DECODE_OK;
}

static enum prm_decode decode_move(const uint8_t *list, size_t len,
				   struct prm_pr_out *out)
{
	enum prm_decode result;

	out->unreg = list[17] & MOVE_UNREG;
	out->aptpl = list[17] & MOVE_APTPL;
	out->relative_target_port = prm_get_be16(list + 18);
	result = decode_ids(list, len, PRM_PR_OUT_MOVE_LEN,
			    prm_get_be32(list + 20), out);
	if (result == PRM_DECODE_OK && out->transport_id_count != 1)
		return PRM_DECODE_MALFORMED;
	return result;
}

static enum prm_decode decode_basic(const uint8_t *list, size_t len,
				    struct prm_pr_out *out)
{
	out->aptpl = list[20] & APTPL;
	out->all_target_ports = list[20] & ALL_TG_PT;
	out->spec_i_pt = list[20] & SPEC_I_PT;
	if (!out->spec_i_pt)
		return len > PRM_PR_OUT_BASIC_LEN ? PRM_DECODE_TRAILING
						  : PRM_DECODE_OK;
	if (len < PRM_PR_OUT_SPEC_LEN)
		return PRM_DECODE_INCOMPLETE;
	return decode_ids(list, len, PRM_PR_OUT_SPEC_LEN,
			  prm_get_be32(list + PRM_PR_OUT_BASIC_LEN), out);
}

enum prm_decode prm_pr_out_decode(uint8_t action, const void *list, size_t len,
				  struct prm_pr_out *ret_out)
{
	const uint8_t *at = list;
	struct prm_pr_out out = { 0 };
	enum prm_decode result;

	if (len < PRM_PR_OUT_BASIC_LEN)
		return PRM_DECODE_INCOMPLETE;
	out.key = prm_get_be64(at);
	out.new_key = prm_get_be64(at + 8);
	result = action == PRM_PR_OUT_REGISTER_AND_MOVE
			 ? decode_move(at, len, &out)
			 : decode_basic(at, len, &out);
	if (result == PRM_DECODE_OK)
		*ret_out = out;
	return result;
}

uint32_t prm_pr_out_sense(enum prm_decode result)
{
	if (result == PRM_DECODE_INCOMPLETE || result == PRM_DECODE_TRAILING)
		return PRM_SENSE_PARAMETER_LIST_LENGTH_ERROR;
	return PRM_SENSE_INVALID_FIELD_IN_PARAMETER_LIST;
}

bool prm_transport_ids_next(struct prm_reader *ids,
			    struct prm_transport_id *ret_id)
{
	size_t size;

	if (prm_transport_id_size(ids->at, ids->left, &size) != PRM_DECODE_OK ||
	    size > ids->left ||
	    prm_transport_id_decode(ids->at, size, ret_id) != PRM_DECODE_OK)
		return false;
	prm_read_skip(ids, size);
	return true;
}

/* Whether @count TransportIDs belong into this list. */
static int check_count(uint8_t action, const struct prm_pr_out *out,
		       size_t count)
{
	if (count > PRM_PR_OUT_TRANSPORT_IDS_MAX)
		return -E2BIG;
	if (action == PRM_PR_OUT_REGISTER_AND_MOVE)
		return count == 1 ? 0 : -EINVAL;
	return count == 0 || out->spec_i_pt ? 0 : -EINVAL;
}

static void encode_move(const struct prm_pr_out *out, uint8_t *head)
{
	head[17] = (uint8_t)((out->unreg ? MOVE_UNREG : 0) |
			     (out->aptpl ? MOVE_APTPL : 0));
	prm_put_be16(head + 18, out->relative_target_port);
}

static void encode_basic(const struct prm_pr_out *out, uint8_t *head)
{
	head[20] = (uint8_t)((out->spec_i_pt ? SPEC_I_PT : 0) |
			     (out->all_target_ports ? ALL_TG_PT : 0) |
			     (out->aptpl ? APTPL : 0));
}

static int encode_ids(const struct prm_transport_id *ids, size_t count,
		      struct prm_writer *writer)
{
	for (size_t i = 0; i < count; i++) {
		size_t len = prm_transport_id_encode(&ids[i], writer->at,
						     writer->left);

		if (len == 0)
			return -ENOSPC;
		(void)prm_write_room(writer, len);
	}
	return 0;
}

int prm_pr_out_encode(uint8_t action, const struct prm_pr_out *out,
		      const struct prm_transport_id *ids, size_t id_count,
		      void *list, size_t room, size_t *ret_len)
{
	bool move = action == PRM_PR_OUT_REGISTER_AND_MOVE;
	size_t head_len = !move && out->spec_i_pt ? PRM_PR_OUT_SPEC_LEN
						  : PRM_PR_OUT_BASIC_LEN;
	struct prm_writer writer = prm_writer(list, room);
	uint8_t *head;
	int r;

	r = check_count(action, out, id_count);
	if (r < 0)
		return r;
	head = prm_write_room(&writer, head_len);
	if (!head)
		return -ENOSPC;
	memset(head, 0, head_len);
	prm_put_be64(head, out->key);
	prm_put_be64(head + 8, out->new_key);
	if (move)
		encode_move(out, head);
	else
		encode_basic(out, head);
	r = encode_ids(ids, id_count, &writer);
	if (r < 0)
		return r;
	/* Both lists keep the TransportIDs' length right in front of them. */
	if (move || out->spec_i_pt)
		prm_put_be32(head + head_len - 4,
			     (uint32_t)(writer.done - head_len));
	*ret_len = writer.done;
	return 0;
}
