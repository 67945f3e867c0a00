/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Parameter lists against SPC-4, 6.16.3 (basic) and 6.16.4 (REGISTER AND MOVE).
 */
#include <errno.h>
#include "support.h"
#include "scsi/cdb.h"
#include "scsi/pr_out.h"
#include "scsi/sense.h"

static struct prm_transport_id sas(uint64_t address)
{
	struct prm_transport_id id;

	memset(&id, 0, sizeof(id));
	id.protocol = PRM_PROTOCOL_SAS;
	id.address = address;
	return id;
}

static struct prm_transport_id iscsi(const char *name)
{
	struct prm_transport_id id;

	memset(&id, 0, sizeof(id));
	assert_int_equal(prm_transport_id_parse(name, &id), 0);
	return id;
}

static void assert_same(const struct prm_pr_out *a, const struct prm_pr_out *b)
{
	assert_true(a->key == b->key);
	assert_true(a->new_key == b->new_key);
	assert_int_equal(a->aptpl, b->aptpl);
	assert_int_equal(a->all_target_ports, b->all_target_ports);
	assert_int_equal(a->spec_i_pt, b->spec_i_pt);
	assert_int_equal(a->unreg, b->unreg);
	assert_int_equal(a->relative_target_port, b->relative_target_port);
}

/* Every beginning of a good list but the list itself is incomplete. */
static void assert_truncation(uint8_t action, const uint8_t *list, size_t len,
			      size_t fixed)
{
	struct prm_pr_out out = { .key = 77 };

	for (size_t cut = 0; cut < len; cut++) {
		uint8_t *copy = exact_copy(list, cut);

		assert_int_equal(prm_pr_out_decode(action, copy, cut, &out),
				 cut < fixed ? PRM_DECODE_INCOMPLETE
					     : PRM_DECODE_MALFORMED);
		free(copy);
	}
	assert_true(out.key == 77);
}

static void a_basic_list_is_written_as_spc_has_it(void **state)
{
	static const uint8_t expected[24] = { 1, 2, 3, 4, 5, 6, 7, 8, 8, 7,   6,
					      5, 4, 3, 2, 1, 0, 0, 0, 0, 0x05 };
	struct prm_pr_out out = { .key = 0x0102030405060708,
				  .new_key = 0x0807060504030201,
				  .aptpl = true,
				  .all_target_ports = true };
	uint8_t list[24];
	size_t len = 0;

	(void)state;
	memset(list, 0xee, sizeof(list));
	assert_int_equal(prm_pr_out_encode(0, &out, NULL, 0, list, 24, &len),
			 0);
	assert_int_equal(len, 24);
	assert_memory_equal(list, expected, 24);
}

static void every_action_but_move_has_a_basic_list(void **state)
{
	(void)state;
	for (uint8_t action = 0; action <= 8; action++) {
		struct prm_pr_out out = { .key = 1,
					  .new_key = 2,
					  .aptpl = action & 1,
					  .all_target_ports = action & 2 };
		struct prm_pr_out back;
		uint8_t list[24];
		size_t len;

		if (action == PRM_PR_OUT_REGISTER_AND_MOVE)
			continue;
		assert_int_equal(prm_pr_out_encode(action, &out, NULL, 0, list,
						   24, &len),
				 0);
		assert_int_equal(prm_pr_out_decode(action, list, len, &back),
				 PRM_DECODE_OK);
		assert_same(&out, &back);
		assert_int_equal(back.transport_id_count, 0);
		assert_truncation(action, list, len, 24);
	}
}

static void a_longer_list_needs_spec_i_pt(void **state)
{
	uint8_t list[64] = { 0 };
	struct prm_pr_out out;

	(void)state;
	for (size_t len = 25; len < 64; len++)
		assert_int_equal(prm_pr_out_decode(0, list, len, &out),
				 PRM_DECODE_TRAILING);
}

static void obsolete_fields_are_ignored(void **state)
{
	uint8_t list[24];
	struct prm_pr_out out;

	(void)state;
	memset(list, 0xff, sizeof(list));
	list[20] = 0xf2;
	assert_int_equal(prm_pr_out_decode(0, list, 24, &out), PRM_DECODE_OK);
	assert_false(out.aptpl || out.all_target_ports || out.spec_i_pt);
	assert_true(out.key == UINT64_MAX && out.new_key == UINT64_MAX);
}

static void transport_ids_survive_a_round_trip(void **state)
{
	const struct prm_transport_id ids[3] = {
		sas(0x5000c50012345678),
		iscsi("iqn.2003-01.org.example:a,i,0x00023d000001"),
		iscsi("iqn.2003-01.org.example:b"),
	};
	struct prm_pr_out out = { .new_key = 5, .spec_i_pt = true }, back;
	struct prm_transport_id id;
	uint8_t list[512];
	size_t len, n = 0;

	(void)state;
	assert_int_equal(prm_pr_out_encode(0, &out, ids, 3, list, 512, &len),
			 0);
	assert_int_equal(prm_get_be32(list + 24), len - 28);
	assert_int_equal(prm_pr_out_decode(0, list, len, &back), PRM_DECODE_OK);
	assert_same(&out, &back);
	assert_int_equal(back.transport_id_count, 3);
	for (; prm_transport_ids_next(&back.transport_ids, &id); n++)
		assert_memory_equal(&id, &ids[n], sizeof(id));
	assert_int_equal(n, 3);
	assert_truncation(0, list, len, 28);
	assert_int_equal(prm_pr_out_decode(0, list, len + 1, &back),
			 PRM_DECODE_TRAILING);
}

static void an_empty_transport_id_list_is_one(void **state)
{
	struct prm_pr_out out = { .spec_i_pt = true }, back;
	uint8_t list[28];
	size_t len;

	(void)state;
	assert_int_equal(prm_pr_out_encode(0, &out, NULL, 0, list, 28, &len),
			 0);
	assert_int_equal(len, 28);
	assert_int_equal(prm_pr_out_decode(0, list, 28, &back), PRM_DECODE_OK);
	assert_int_equal(back.transport_id_count, 0);
}

static void thirty_two_transport_ids_and_no_more(void **state)
{
	struct prm_transport_id ids[33];
	struct prm_pr_out out = { .spec_i_pt = true }, back;
	uint8_t list[28 + 33 * 24];
	size_t len;

	(void)state;
	for (size_t i = 0; i < 33; i++)
		ids[i] = sas(i);
	assert_int_equal(prm_pr_out_encode(0, &out, ids, 33, list, sizeof(list),
					   &len),
			 -E2BIG);
	assert_int_equal(prm_pr_out_encode(0, &out, ids, 32, list, sizeof(list),
					   &len),
			 0);
	assert_int_equal(prm_pr_out_decode(0, list, len, &back), PRM_DECODE_OK);
	assert_int_equal(back.transport_id_count, 32);
	/* One past it, by hand: the encoder does not make it. */
	prm_transport_id_encode(&ids[32], list + len, 24);
	prm_put_be32(list + 24, 33 * 24);
	assert_int_equal(prm_pr_out_decode(0, list, len + 24, &back),
			 PRM_DECODE_TOO_LARGE);
}

static void a_length_beyond_the_list_is_malformed(void **state)
{
	struct prm_transport_id id = sas(1);
	struct prm_pr_out out = { .spec_i_pt = true }, back;
	uint8_t list[52];
	size_t len;

	(void)state;
	prm_pr_out_encode(0, &out, &id, 1, list, sizeof(list), &len);
	prm_put_be32(list + 24, 25);
	assert_int_equal(prm_pr_out_decode(0, list, len, &back),
			 PRM_DECODE_MALFORMED);
	prm_put_be32(list + 24, UINT32_MAX);
	assert_int_equal(prm_pr_out_decode(0, list, len, &back),
			 PRM_DECODE_MALFORMED);
	prm_put_be32(list + 24, 23);
	assert_int_equal(prm_pr_out_decode(0, list, len, &back),
			 PRM_DECODE_TRAILING);
}

static void half_a_transport_id_is_malformed(void **state)
{
	struct prm_transport_id id = sas(1);
	struct prm_pr_out out = { .spec_i_pt = true }, back;
	uint8_t list[52];
	size_t len;

	(void)state;
	prm_pr_out_encode(0, &out, &id, 1, list, sizeof(list), &len);
	for (uint32_t ids_len = 1; ids_len < 24; ids_len++) {
		prm_put_be32(list + 24, ids_len);
		assert_int_equal(prm_pr_out_decode(0, list, 28 + ids_len,
						   &back),
				 PRM_DECODE_MALFORMED);
	}
}

static void register_and_move_survives_a_round_trip(void **state)
{
	struct prm_transport_id id = iscsi("iqn.1994-05.org.example:host");
	struct prm_transport_id back_id;
	struct prm_pr_out out = { .key = 1,
				  .new_key = 2,
				  .unreg = true,
				  .relative_target_port = 0x1234 };
	struct prm_pr_out back;
	uint8_t list[128];
	size_t len;

	(void)state;
	assert_int_equal(prm_pr_out_encode(7, &out, &id, 1, list, 128, &len),
			 0);
	assert_int_equal(list[17], 0x02);
	assert_int_equal(prm_get_be16(list + 18), 0x1234);
	assert_int_equal(prm_get_be32(list + 20), len - 24);
	assert_int_equal(prm_pr_out_decode(7, list, len, &back), PRM_DECODE_OK);
	assert_same(&out, &back);
	assert_int_equal(back.transport_id_count, 1);
	assert_true(prm_transport_ids_next(&back.transport_ids, &back_id));
	assert_memory_equal(&back_id, &id, sizeof(id));
	assert_truncation(7, list, len, 24);
	list[17] = 0x01;
	assert_int_equal(prm_pr_out_decode(7, list, len, &back), PRM_DECODE_OK);
	assert_true(back.aptpl && !back.unreg);
}

static void register_and_move_has_exactly_one_transport_id(void **state)
{
	struct prm_transport_id ids[2] = { sas(1), sas(2) };
	struct prm_pr_out out = { .key = 1 }, back;
	uint8_t list[128] = { 0 };
	size_t len;

	(void)state;
	assert_int_equal(prm_pr_out_encode(7, &out, ids, 0, list, 128, &len),
			 -EINVAL);
	assert_int_equal(prm_pr_out_encode(7, &out, ids, 2, list, 128, &len),
			 -EINVAL);
	assert_int_equal(prm_pr_out_decode(7, list, 24, &back),
			 PRM_DECODE_MALFORMED);
	prm_put_be32(list + 20, 48);
	prm_transport_id_encode(&ids[0], list + 24, 24);
	prm_transport_id_encode(&ids[1], list + 48, 24);
	assert_int_equal(prm_pr_out_decode(7, list, 72, &back),
			 PRM_DECODE_MALFORMED);
}

static void encoding_needs_room_for_every_byte(void **state)
{
	struct prm_transport_id ids[2] = { sas(1), iscsi("iqn.x") };
	struct prm_pr_out out = { .spec_i_pt = true };
	uint8_t list[128];
	size_t len, whole;

	(void)state;
	prm_pr_out_encode(0, &out, ids, 2, list, sizeof(list), &whole);
	for (size_t room = 0; room < whole; room++) {
		uint8_t *exact = malloc(room ? room : 1);

		assert_int_equal(prm_pr_out_encode(0, &out, ids, 2, exact, room,
						   &len),
				 -ENOSPC);
		free(exact);
	}
	out.spec_i_pt = false;
	assert_int_equal(prm_pr_out_encode(0, &out, ids, 2, list, 128, &len),
			 -EINVAL);
}

static void a_wrong_length_and_a_wrong_field_have_their_sense(void **state)
{
	(void)state;
	assert_int_equal(prm_pr_out_sense(PRM_DECODE_INCOMPLETE), 0x051a00);
	assert_int_equal(prm_pr_out_sense(PRM_DECODE_TRAILING), 0x051a00);
	assert_int_equal(prm_pr_out_sense(PRM_DECODE_MALFORMED), 0x052600);
	assert_int_equal(prm_pr_out_sense(PRM_DECODE_TOO_LARGE), 0x052600);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_basic_list_is_written_as_spc_has_it),
		cmocka_unit_test(every_action_but_move_has_a_basic_list),
		cmocka_unit_test(a_longer_list_needs_spec_i_pt),
		cmocka_unit_test(obsolete_fields_are_ignored),
		cmocka_unit_test(transport_ids_survive_a_round_trip),
		cmocka_unit_test(an_empty_transport_id_list_is_one),
		cmocka_unit_test(thirty_two_transport_ids_and_no_more),
		cmocka_unit_test(a_length_beyond_the_list_is_malformed),
		cmocka_unit_test(half_a_transport_id_is_malformed),
		cmocka_unit_test(register_and_move_survives_a_round_trip),
		cmocka_unit_test(
			register_and_move_has_exactly_one_transport_id),
		cmocka_unit_test(encoding_needs_room_for_every_byte),
		cmocka_unit_test(
			a_wrong_length_and_a_wrong_field_have_their_sense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
