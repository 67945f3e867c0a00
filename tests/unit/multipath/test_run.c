/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every path or an error, on a map with two paths that no machine needs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "fake_map.h"
#include "multipath/run.h"
#include "scsi/sense.h"

#define KEY UINT64_C(0xfeed)

static uint8_t data[PRM_WIRE_DATA_MAX];

static int set_up(void **state)
{
	memset(&fake, 0, sizeof(fake));
	memset(data, 0, sizeof(data));
	fake.uuid = "mpath-3600140";
	fake.type = S_IFBLK;
	fake.flags = O_RDWR;
	for (int i = 0; i < FAKE_PATHS; i++) {
		fake.names[i] = i ? "sdb" : "sda";
		fake.states[i] = "running";
		fake.hosts[i] = (unsigned int)i;
		fake.nodes[i] = true;
		fake.active[i] = true;
	}
	(void)prm_kernel_use(&fake_kernel);
	return 0;
}

static void make(struct prm_wire_request *request, uint8_t opcode,
		 uint8_t action, uint8_t scope_type, uint16_t len)
{
	uint8_t cdb[10] = { opcode, action, scope_type };

	prm_put_be16(cdb + 7, len);
	assert_int_equal(prm_wire_request_init(request, cdb, sizeof(cdb)), 0);
}

static struct prm_reply run_out(uint8_t action, uint8_t scope_type,
				uint64_t key, uint64_t new_key)
{
	struct prm_reply reply = PRM_REPLY_INIT;
	struct prm_wire_request request;

	prm_put_be64(data, key);
	prm_put_be64(data + 8, new_key);
	make(&request, 0x5f, action, scope_type, 24);
	prm_multipath_run(9, &request, data, &reply);
	return reply;
}

static struct prm_reply run_in(uint8_t action, uint16_t len)
{
	struct prm_reply reply = PRM_REPLY_INIT;
	struct prm_wire_request request;

	make(&request, 0x5e, action, 0, len);
	prm_multipath_run(9, &request, data, &reply);
	return reply;
}

static void assert_sense(const struct prm_reply *reply, uint32_t code)
{
	struct prm_sense sense;

	assert_int_equal(reply->status, PRM_STATUS_CHECK_CONDITION);
	assert_int_equal(prm_sense_decode(reply->sense, reply->sense_len,
					  &sense),
			 PRM_DECODE_OK);
	assert_int_equal(prm_sense_code(&sense), code);
}

static void target_lists(size_t count)
{
	fake.key_count = count;
	for (size_t i = 0; i < count; i++)
		fake.keys[i] = KEY;
}

static void a_key_on_every_path_is_good(void **state)
{
	struct prm_reply reply;

	target_lists(2);
	reply = run_out(PRM_PR_OUT_REGISTER, 0, 0, KEY);
	assert_int_equal(reply.status, PRM_STATUS_GOOD);
	assert_int_equal(fake.calls, 1);
	assert_int_equal(fake.list.new_key, KEY);
}

static void a_key_on_one_of_two_paths_is_an_error(void **state)
{
	static const uint8_t actions[] = { PRM_PR_OUT_REGISTER,
					   PRM_PR_OUT_REGISTER_AND_IGNORE };

	for (size_t i = 0; i < sizeof(actions); i++) {
		struct prm_reply reply;

		target_lists(1);
		reply = run_out(actions[i], 0, 0, KEY);
		assert_sense(&reply, PRM_SENSE_LUN_COMMUNICATION_FAILURE);
	}
}

static void a_target_that_does_not_confirm_is_an_error(void **state)
{
	struct prm_reply reply;

	target_lists(2);
	fake.answer_count = 16;
	for (int i = 0; i < 16; i++)
		fake.answers[i].host = 1;
	fake.answers[15].host = 0;
	fake.answers[15].status = 0x18;
	reply = run_out(PRM_PR_OUT_REGISTER, 0, 0, KEY);
	assert_sense(&reply, PRM_SENSE_LUN_COMMUNICATION_FAILURE);
}

static void attentions_do_not_hide_the_keys(void **state)
{
	struct prm_reply reply;

	target_lists(2);
	fake.answer_count = 3;
	for (int i = 0; i < 3; i++) {
		fake.answers[i].status = 2;
		fake.answers[i].sense = PRM_SENSE_REGISTRATIONS_PREEMPTED;
	}
	reply = run_out(PRM_PR_OUT_REGISTER, 0, 0, KEY);
	assert_int_equal(reply.status, PRM_STATUS_GOOD);
}

/* The list has enough of them, but they are not all ours. */
static void another_host_s_key_does_not_stand_in_for_a_path(void **state)
{
	struct prm_reply reply;

	target_lists(3);
	fake.nexus[1].is_not_registered = true;
	reply = run_out(PRM_PR_OUT_REGISTER, 0, 0, KEY);
	assert_sense(&reply, PRM_SENSE_LUN_COMMUNICATION_FAILURE);
	reply = run_out(PRM_PR_OUT_REGISTER_AND_IGNORE, 0, 0, KEY);
	assert_sense(&reply, PRM_SENSE_LUN_COMMUNICATION_FAILURE);
}

/* SPC-4, 5.12.7: the key in its own place, with the flags that it has. */
static void a_path_is_asked_by_registering_what_it_has(void **state)
{
	struct prm_reply reply;

	target_lists(2);
	data[20] = 0x01;
	reply = run_out(PRM_PR_OUT_REGISTER, 0, 7, KEY);
	assert_int_equal(reply.status, PRM_STATUS_GOOD);
	for (int i = 0; i < FAKE_PATHS; i++) {
		assert_int_equal(fake.nexus[i].asked, 1);
		assert_int_equal(prm_get_be64(fake.nexus[i].list), KEY);
		assert_int_equal(prm_get_be64(fake.nexus[i].list + 8), KEY);
		assert_int_equal(fake.nexus[i].list[20], 0x01);
	}
}

static void a_path_is_asked_past_its_attentions(void **state)
{
	struct prm_reply reply;

	target_lists(2);
	fake.nexus[1].attentions = 4;
	reply = run_out(PRM_PR_OUT_REGISTER, 0, 0, KEY);
	assert_int_equal(reply.status, PRM_STATUS_GOOD);
	fake.nexus[1].attentions = 5;
	reply = run_out(PRM_PR_OUT_REGISTER, 0, 0, KEY);
	assert_sense(&reply, PRM_SENSE_LUN_COMMUNICATION_FAILURE);
}

static void a_path_that_does_not_answer_is_an_error(void **state)
{
	struct prm_reply reply;

	target_lists(2);
	fake.nexus[0].host = 1;
	reply = run_out(PRM_PR_OUT_REGISTER, 0, 0, KEY);
	assert_sense(&reply, PRM_SENSE_LUN_COMMUNICATION_FAILURE);
	fake.nexus[0].host = 0;
	fake.nexus[0].has_no_node = true;
	reply = run_out(PRM_PR_OUT_REGISTER, 0, 0, KEY);
	assert_sense(&reply, PRM_SENSE_LUN_COMMUNICATION_FAILURE);
}

static void a_path_given_up_is_not_asked(void **state)
{
	struct prm_reply reply;

	target_lists(1);
	fake.active[1] = false;
	fake.nexus[1].is_not_registered = true;
	reply = run_out(PRM_PR_OUT_REGISTER, 0, 0, KEY);
	assert_int_equal(reply.status, PRM_STATUS_GOOD);
	assert_int_equal(fake.nexus[1].asked, 0);
}

static void what_registers_no_key_asks_no_path(void **state)
{
	(void)run_out(PRM_PR_OUT_REGISTER, 0, 0, 0);
	(void)run_out(PRM_PR_OUT_REGISTER_AND_IGNORE, 0, KEY, 0);
	(void)run_out(PRM_PR_OUT_RESERVE, 5, KEY, 0);
	(void)run_out(PRM_PR_OUT_PREEMPT, 5, KEY, 9);
	(void)run_out(PRM_PR_OUT_CLEAR, 0, KEY, 0);
	assert_int_equal(fake.nexus[0].asked + fake.nexus[1].asked, 0);
}

static void a_path_given_up_needs_no_key(void **state)
{
	struct prm_reply reply;

	target_lists(1);
	fake.active[1] = false;
	reply = run_out(PRM_PR_OUT_REGISTER, 0, 0, KEY);
	assert_int_equal(reply.status, PRM_STATUS_GOOD);
}

static void a_path_lost_meanwhile_needs_no_key(void **state)
{
	struct prm_reply reply;

	target_lists(1);
	fake.lose_path_1 = true;
	reply = run_out(PRM_PR_OUT_REGISTER, 0, 0, KEY);
	assert_int_equal(reply.status, PRM_STATUS_GOOD);
}

static void a_key_on_no_path_is_an_error(void **state)
{
	struct prm_reply reply;

	fake.active[0] = fake.active[1] = false;
	reply = run_out(PRM_PR_OUT_REGISTER, 0, 0, KEY);
	assert_sense(&reply, PRM_SENSE_LUN_COMMUNICATION_FAILURE);
}

static void all_target_ports_need_a_key_for_each_host(void **state)
{
	struct prm_reply reply;

	data[20] = 0x04;
	target_lists(1);
	reply = run_out(PRM_PR_OUT_REGISTER, 0, 0, KEY);
	assert_sense(&reply, PRM_SENSE_LUN_COMMUNICATION_FAILURE);
	fake.hosts[1] = fake.hosts[0];
	reply = run_out(PRM_PR_OUT_REGISTER, 0, 0, KEY);
	assert_int_equal(reply.status, PRM_STATUS_GOOD);
}

static void a_path_that_keeps_the_key_is_an_error(void **state)
{
	struct prm_reply reply;

	fake.nexus[0].is_not_registered = true;
	reply = run_out(PRM_PR_OUT_REGISTER, 0, KEY, 0);
	assert_sense(&reply, PRM_SENSE_LUN_COMMUNICATION_FAILURE);
	fake.nexus[1].is_not_registered = true;
	reply = run_out(PRM_PR_OUT_REGISTER, 0, KEY, 0);
	assert_int_equal(reply.status, PRM_STATUS_GOOD);
	assert_int_equal(prm_get_be64(fake.nexus[1].list), KEY);
}

/* It was carried out: to send it again would be a conflict. */
static void a_path_that_is_lost_after_unregistering_is_none(void **state)
{
	struct prm_reply reply;

	fake.nexus[0].is_not_registered = true;
	fake.nexus[1].host = 1;
	reply = run_out(PRM_PR_OUT_REGISTER, 0, KEY, 0);
	assert_int_equal(reply.status, PRM_STATUS_GOOD);
	fake.nexus[1].has_no_node = true;
	reply = run_out(PRM_PR_OUT_REGISTER, 0, KEY, 0);
	assert_int_equal(reply.status, PRM_STATUS_GOOD);
}

static void unregistering_counts_no_keys(void **state)
{
	struct prm_reply reply =
		run_out(PRM_PR_OUT_REGISTER_AND_IGNORE, 0, KEY, 0);

	assert_int_equal(reply.status, PRM_STATUS_GOOD);
	assert_int_equal(fake.asked, 0);
}

static void a_missing_node_stops_the_command(void **state)
{
	struct prm_reply reply;

	target_lists(2);
	fake.nodes[1] = false;
	reply = run_out(PRM_PR_OUT_REGISTER, 0, 0, KEY);
	assert_sense(&reply, PRM_SENSE_LUN_COMMUNICATION_FAILURE);
	assert_int_equal(fake.calls, 0);

	/* Nobody can send anything down a path that is offline. */
	fake.states[1] = "offline";
	target_lists(1);
	reply = run_out(PRM_PR_OUT_REGISTER, 0, 0, KEY);
	assert_int_equal(reply.status, PRM_STATUS_GOOD);
}

static void without_multipathd_nothing_is_registered(void **state)
{
	struct prm_reply reply;

	target_lists(2);
	fake.no_multipathd = true;
	reply = run_out(PRM_PR_OUT_REGISTER, 0, 0, KEY);
	assert_sense(&reply, PRM_SENSE_LUN_COMMUNICATION_FAILURE);
	reply = run_out(PRM_PR_OUT_REGISTER_AND_IGNORE, 0, 0, KEY);
	assert_sense(&reply, PRM_SENSE_LUN_COMMUNICATION_FAILURE);
	assert_int_equal(fake.calls, 0);
}

static void without_multipathd_others_are_still_fenced(void **state)
{
	struct prm_reply reply;

	fake.no_multipathd = true;
	reply = run_out(PRM_PR_OUT_PREEMPT, 5, KEY, 0xbad);
	assert_int_equal(reply.status, PRM_STATUS_GOOD);
	assert_int_equal(fake.calls, 1);
}

static void a_map_that_cannot_be_read_stops_the_command(void **state)
{
	struct prm_reply reply;

	fake.dm_error = -EACCES;
	reply = run_out(PRM_PR_OUT_CLEAR, 0, KEY, 0);
	assert_sense(&reply, PRM_SENSE_LUN_COMMUNICATION_FAILURE);
	fake.dm_error = 0;
	fake.status = "nonsense";
	reply = run_out(PRM_PR_OUT_CLEAR, 0, KEY, 0);
	assert_sense(&reply, PRM_SENSE_LUN_COMMUNICATION_FAILURE);
	assert_int_equal(fake.calls, 0);
}

static void what_the_library_cannot_carry_is_refused(void **state)
{
	for (uint8_t action = 7; action < 0x20; action++) {
		struct prm_reply reply = run_out(action, 0, KEY, 0);

		assert_sense(&reply, PRM_SENSE_INVALID_FIELD_IN_CDB);
	}
	assert_int_equal(fake.calls, 0);
}

static void a_scope_or_type_that_is_none_is_refused(void **state)
{
	static const uint8_t bad[] = { 0x00, 0x02, 0x04, 0x09, 0x0f, 0x15 };

	for (size_t i = 0; i < sizeof(bad); i++) {
		struct prm_reply reply =
			run_out(PRM_PR_OUT_RESERVE, bad[i], KEY, 0);

		assert_sense(&reply, PRM_SENSE_INVALID_FIELD_IN_CDB);
	}
	assert_int_equal(fake.calls, 0);
}

static void a_list_of_another_length_is_refused(void **state)
{
	for (uint16_t len = 0; len < 64; len++) {
		struct prm_reply reply = PRM_REPLY_INIT;
		struct prm_wire_request request;

		if (len == 24)
			continue;
		make(&request, 0x5f, PRM_PR_OUT_REGISTER, 0, len);
		prm_multipath_run(9, &request, data, &reply);
		assert_sense(&reply, PRM_SENSE_PARAMETER_LIST_LENGTH_ERROR);
	}
	assert_int_equal(fake.calls, 0);
}

/* A list with @count TransportIDs of @protocol. */
static struct prm_reply run_with_ids(uint8_t action, uint8_t protocol,
				     size_t count)
{
	struct prm_reply reply = PRM_REPLY_INIT;
	struct prm_wire_request request;

	prm_put_be64(data + 8, KEY);
	data[20] = 0x08;
	prm_put_be32(data + 24, (uint32_t)(24 * count));
	for (size_t i = 0; i < count; i++)
		data[28 + 24 * i] = protocol;
	make(&request, 0x5f, action, 0, (uint16_t)(28 + 24 * count));
	prm_multipath_run(9, &request, data, &reply);
	return reply;
}

static void transport_ids_are_held_to_what_the_library_knows(void **state)
{
	struct prm_reply reply;

	target_lists(2 + 32);
	reply = run_with_ids(PRM_PR_OUT_REGISTER, PRM_PROTOCOL_FCP, 32);
	assert_int_equal(reply.status, PRM_STATUS_GOOD);
	assert_int_equal(fake.list.transport_id_count, 32);
	reply = run_with_ids(PRM_PR_OUT_REGISTER, PRM_PROTOCOL_FCP, 33);
	assert_sense(&reply, PRM_SENSE_INVALID_FIELD_IN_PARAMETER_LIST);
	reply = run_with_ids(PRM_PR_OUT_REGISTER, PRM_PROTOCOL_SRP, 1);
	assert_sense(&reply, PRM_SENSE_INVALID_FIELD_IN_PARAMETER_LIST);
	reply = run_with_ids(PRM_PR_OUT_REGISTER_AND_IGNORE, PRM_PROTOCOL_FCP,
			     1);
	assert_sense(&reply, PRM_SENSE_INVALID_FIELD_IN_PARAMETER_LIST);
	assert_int_equal(fake.calls, 1);
}

/* SPC-4, 5.12.7: SPEC_I_PT registers the same key for each TransportID. */
static void another_nexus_does_not_stand_in_for_a_path(void **state)
{
	struct prm_reply reply;

	target_lists(1 + 3);
	reply = run_with_ids(PRM_PR_OUT_REGISTER, PRM_PROTOCOL_FCP, 3);
	assert_sense(&reply, PRM_SENSE_LUN_COMMUNICATION_FAILURE);
	target_lists(2 + 3);
	reply = run_with_ids(PRM_PR_OUT_REGISTER, PRM_PROTOCOL_FCP, 3);
	assert_int_equal(reply.status, PRM_STATUS_GOOD);
}

static void only_a_map_is_commanded(void **state)
{
	struct prm_reply reply;

	fake.uuid = "LVM-abc";
	reply = run_out(PRM_PR_OUT_REGISTER, 0, 0, KEY);
	assert_sense(&reply, PRM_SENSE_INVALID_OPCODE);
	fake.uuid = "part1-mpath-abc";
	reply = run_out(PRM_PR_OUT_REGISTER, 0, 0, KEY);
	assert_sense(&reply, PRM_SENSE_INVALID_OPCODE);
	fake.uuid = "mpath-abc";
	fake.type = S_IFREG;
	reply = run_in(PRM_PR_IN_READ_KEYS, 8);
	assert_sense(&reply, PRM_SENSE_INVALID_OPCODE);
	assert_int_equal(fake.calls + fake.asked, 0);
}

static void a_read_only_descriptor_changes_nothing(void **state)
{
	struct prm_reply reply;

	fake.flags = O_RDONLY;
	reply = run_out(PRM_PR_OUT_REGISTER, 0, 0, KEY);
	assert_sense(&reply, PRM_SENSE_INVALID_OPCODE);
	assert_int_equal(fake.calls, 0);
	reply = run_in(PRM_PR_IN_READ_KEYS, 8);
	assert_int_equal(reply.status, PRM_STATUS_GOOD);
}

static void a_question_is_asked_again_while_a_path_fails(void **state)
{
	struct prm_reply reply;

	target_lists(1);
	fake.answer_count = 2;
	fake.answers[0].host = 0x0e;
	fake.answers[1].host = 1;
	reply = run_in(PRM_PR_IN_READ_FULL_STATUS, 64);
	assert_int_equal(reply.status, PRM_STATUS_GOOD);
	assert_int_equal(fake.asked, 3);

	fake.asked = 0;
	fake.answer_count = 3;
	fake.answers[2].host = 1;
	reply = run_in(PRM_PR_IN_READ_FULL_STATUS, 64);
	assert_sense(&reply, PRM_SENSE_LUN_NO_RESPONSE);
	assert_int_equal(fake.asked, 3);
}

static void an_attention_reaches_who_asked(void **state)
{
	struct prm_reply reply;

	fake.answer_count = 1;
	fake.answers[0].status = 2;
	fake.answers[0].sense = PRM_SENSE_REGISTRATIONS_PREEMPTED;
	reply = run_in(PRM_PR_IN_READ_KEYS, 8);
	assert_sense(&reply, PRM_SENSE_REGISTRATIONS_PREEMPTED);
	assert_int_equal(fake.asked, 1);
}

static void questions_that_spc_lacks_are_refused(void **state)
{
	for (uint8_t action = 4; action < 0x20; action++) {
		struct prm_reply reply = run_in(action, 8);

		assert_sense(&reply, PRM_SENSE_INVALID_FIELD_IN_CDB);
	}
	assert_int_equal(fake.asked, 0);
}

static void a_lasting_state_shows_its_own_sense(void **state)
{
	struct prm_reply reply;

	fake.result = PRM_MPATH_SENSE_NOT_READY;
	fake.answer_count = 1;
	fake.answers[0].status = 2;
	fake.answers[0].sense = 0x020402;
	reply = run_out(PRM_PR_OUT_RELEASE, 5, KEY, 0);
	assert_sense(&reply, 0x020402);
	assert_int_equal(fake.last_opcode, 0);
}

static void a_unit_that_recovered_does_not_make_it_good(void **state)
{
	struct prm_reply reply;

	fake.result = PRM_MPATH_SENSE_NOT_READY;
	reply = run_out(PRM_PR_OUT_RELEASE, 5, KEY, 0);
	assert_sense(&reply, PRM_SENSE_LUN_NOT_READY);
}

static void a_conflict_is_told_as_one(void **state)
{
	struct prm_reply reply;

	fake.result = PRM_MPATH_CONFLICT;
	reply = run_out(PRM_PR_OUT_RESERVE, 5, KEY, 0);
	assert_int_equal(reply.status, PRM_STATUS_RESERVATION_CONFLICT);
}

#define CLAIM(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM(a_key_on_every_path_is_good),
		CLAIM(a_key_on_one_of_two_paths_is_an_error),
		CLAIM(a_target_that_does_not_confirm_is_an_error),
		CLAIM(attentions_do_not_hide_the_keys),
		CLAIM(another_host_s_key_does_not_stand_in_for_a_path),
		CLAIM(a_path_is_asked_by_registering_what_it_has),
		CLAIM(a_path_is_asked_past_its_attentions),
		CLAIM(a_path_that_does_not_answer_is_an_error),
		CLAIM(a_path_given_up_is_not_asked),
		CLAIM(what_registers_no_key_asks_no_path),
		CLAIM(a_path_given_up_needs_no_key),
		CLAIM(a_path_lost_meanwhile_needs_no_key),
		CLAIM(a_key_on_no_path_is_an_error),
		CLAIM(all_target_ports_need_a_key_for_each_host),
		CLAIM(a_path_that_keeps_the_key_is_an_error),
		CLAIM(a_path_that_is_lost_after_unregistering_is_none),
		CLAIM(unregistering_counts_no_keys),
		CLAIM(a_missing_node_stops_the_command),
		CLAIM(without_multipathd_nothing_is_registered),
		CLAIM(without_multipathd_others_are_still_fenced),
		CLAIM(a_map_that_cannot_be_read_stops_the_command),
		CLAIM(what_the_library_cannot_carry_is_refused),
		CLAIM(a_scope_or_type_that_is_none_is_refused),
		CLAIM(a_list_of_another_length_is_refused),
		CLAIM(transport_ids_are_held_to_what_the_library_knows),
		CLAIM(another_nexus_does_not_stand_in_for_a_path),
		CLAIM(only_a_map_is_commanded),
		CLAIM(a_read_only_descriptor_changes_nothing),
		CLAIM(a_question_is_asked_again_while_a_path_fails),
		CLAIM(an_attention_reaches_who_asked),
		CLAIM(questions_that_spc_lacks_are_refused),
		CLAIM(a_lasting_state_shows_its_own_sense),
		CLAIM(a_unit_that_recovered_does_not_make_it_good),
		CLAIM(a_conflict_is_told_as_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
