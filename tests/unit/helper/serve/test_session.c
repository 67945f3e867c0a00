/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The protocol, against a client that the test plays byte by byte. */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/cursor.h"
#include "any_device.h"
#include "helper/serve/session.h"

#define HELLO_LEN 4
#define CDB_LEN   16
#define HEAD_LEN  104

/* Memory of this size cannot be had; 0 for none. */
static size_t missing_size;

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);

void *__wrap_malloc(size_t size)
{
	return size && size == missing_size ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return size && size == missing_size ? NULL : __real_calloc(count, size);
}

/* Descriptors that come with the byte at @at. */
struct attachment {
	size_t at;
	size_t count;
	bool truncated;
};

/* What the client sends, and what it has been sent. */
static struct {
	uint8_t in[65536];
	size_t in_len, in_done, piece;
	bool pause, paused, is_full, end;
	struct attachment attached[64];
	size_t attached_count, attached_done;
	uint8_t out[65536];
	size_t out_len, room;
	unsigned int passed, kept, discarded, receives;
} peer;

static struct prm_session session;

static void hand_over(struct prm_received_fds *fds,
		      const struct attachment *attached)
{
	for (size_t i = 0; i < attached->count; i++)
		fds->fds[i] = open("/dev/null", O_RDWR | O_CLOEXEC);
	fds->count = attached->count;
	fds->truncated = attached->truncated;
	peer.passed += (unsigned int)attached->count;
	peer.attached_done++;
}

/* As the kernel: never past a second set of descriptors. */
static size_t up_to_next(size_t len)
{
	size_t i = peer.attached_done;

	if (i < peer.attached_count && peer.attached[i].at == peer.in_done)
		i++;
	if (i < peer.attached_count && peer.attached[i].at < peer.in_done + len)
		return peer.attached[i].at - peer.in_done;
	return len;
}

static int receive(void *opaque, void *bytes, size_t len, size_t *ret_len,
		   struct prm_received_fds *ret_fds)
{
	peer.receives++;
	ret_fds->count = 0;
	ret_fds->truncated = false;
	peer.paused = peer.pause && !peer.paused;
	if (peer.paused && peer.is_full)
		return -ENOBUFS;
	if (peer.paused || (peer.in_done == peer.in_len && !peer.end))
		return -EAGAIN;
	if (len > peer.in_len - peer.in_done)
		len = peer.in_len - peer.in_done;
	if (peer.piece && len > peer.piece)
		len = peer.piece;
	len = up_to_next(len);
	if (peer.attached_done < peer.attached_count &&
	    peer.attached[peer.attached_done].at < peer.in_done + len)
		hand_over(ret_fds, &peer.attached[peer.attached_done]);
	memcpy(bytes, peer.in + peer.in_done, len);
	peer.in_done += len;
	*ret_len = len;
	return 0;
}

static int send_parts(void *opaque, const void *head, size_t head_len,
		      const void *tail, size_t tail_len, size_t *ret_sent)
{
	size_t done = head_len < peer.room ? head_len : peer.room, rest;

	if (!peer.room)
		return -EAGAIN;
	memcpy(peer.out + peer.out_len, head, done);
	peer.out_len += done;
	peer.room -= done;
	rest = tail_len < peer.room ? tail_len : peer.room;
	if (rest)
		memcpy(peer.out + peer.out_len, tail, rest);
	peer.out_len += rest;
	peer.room -= rest;
	*ret_sent = done + rest;
	return 0;
}

static void keep(void *opaque)
{
	peer.kept++;
}

static void discard(void *opaque, int fd)
{
	assert_int_equal(close(fd), 0);
	peer.discarded++;
}

static const struct prm_session_io io = { receive, send_parts, keep, discard };

static int set_up(void **state)
{
	memset(&peer, 0, sizeof(peer));
	any_is_device = true;
	peer.room = sizeof(peer.out);
	(void)prm_kernel_use(&any_device);
	return prm_session_init(&session, &io, NULL);
}

static int tear_down(void **state)
{
	(void)prm_request_free(prm_session_take_request(&session));
	prm_session_deinit(&session);
	(void)prm_kernel_use(NULL);
	return peer.passed == peer.kept + peer.discarded ? 0 : -1;
}

static void put(const void *bytes, size_t len)
{
	memcpy(peer.in + peer.in_len, bytes, len);
	peer.in_len += len;
}

static void attach(size_t at, size_t count)
{
	peer.attached[peer.attached_count++] =
		(struct attachment){ .at = at, .count = count };
}

static void put_hello(void)
{
	put("\0\0\0\0", HELLO_LEN);
}

/* A CDB, with one descriptor at its byte @fd_at. */
static void put_cdb(uint8_t opcode, uint16_t length, size_t fd_at)
{
	uint8_t cdb[CDB_LEN] = { opcode, 6 };

	prm_put_be16(cdb + 7, length);
	attach(peer.in_len + fd_at, 1);
	put(cdb, sizeof(cdb));
}

static void put_list(size_t len, uint8_t seed)
{
	for (size_t i = 0; i < len; i++) {
		uint8_t byte = (uint8_t)(seed + i);

		put(&byte, 1);
	}
}

/* Go on until it wants more than a pause in what is sent. */
static enum prm_session_step go_on(void)
{
	enum prm_session_step step;

	do
		step = prm_session_step(&session);
	while (step == PRM_STEP_READ &&
	       (peer.in_done < peer.in_len || (peer.end && peer.paused)));
	return step;
}

static void assert_broken(void)
{
	assert_int_equal(go_on(), PRM_STEP_BROKEN);
	assert_non_null(session.reason);
}

/* Take the request, which must be whole, and answer it with @len bytes. */
static void answer(uint8_t opcode, uint16_t length, uint8_t seed, size_t len)
{
	struct prm_request *request;
	struct prm_reply reply = PRM_REPLY_INIT;

	assert_int_equal(go_on(), PRM_STEP_RUN);
	assert_true(prm_session_is_busy(&session));
	assert_false(prm_session_is_halfway(&session));
	request = prm_session_take_request(&session);
	assert_non_null(request);
	assert_int_equal(request->head.opcode, opcode);
	assert_int_equal(request->head.length, length);
	assert_non_null(request->device);
	if (opcode == 0x5f)
		for (size_t i = 0; i < length; i++)
			assert_int_equal(request->data[i], (uint8_t)(seed + i));
	else
		memset(request->data, seed, length);
	reply.status = 0;
	reply.data_len = len;
	prm_session_reply(&session, &request->head, &reply, &request->data);
	(void)prm_request_free(request);
}

static void the_hello_goes_first(void **state)
{
	assert_int_equal(go_on(), PRM_STEP_READ);
	assert_int_equal(peer.out_len, HELLO_LEN);
	assert_memory_equal(peer.out, "\0\0\0\0", HELLO_LEN);
	assert_true(prm_session_is_halfway(&session));
	assert_false(prm_session_is_busy(&session));
	put_hello();
	assert_int_equal(go_on(), PRM_STEP_READ);
	assert_false(prm_session_is_halfway(&session));
}

/* Three requests one after the other, in pieces of @piece bytes. */
static void assert_served_in_pieces(size_t piece, bool pause)
{
	peer.piece = piece;
	peer.pause = pause;
	put_hello();
	put_cdb(0x5f, 24, 0);
	put_list(24, 5);
	put_cdb(0x5e, 100, 15);
	put_cdb(0x5f, 0, 3);
	answer(0x5f, 24, 5, 0);
	answer(0x5e, 100, 9, 77);
	answer(0x5f, 0, 0, 0);
	assert_int_equal(go_on(), PRM_STEP_READ);
	assert_int_equal(peer.out_len, HELLO_LEN + 3 * HEAD_LEN + 77);
	assert_int_equal(prm_get_be32(peer.out + HELLO_LEN + HEAD_LEN + 4), 77);
	assert_int_equal(peer.out[HELLO_LEN + 2 * HEAD_LEN + 76], 9);
	assert_int_equal(peer.kept, 3);
	assert_false(prm_session_is_busy(&session));
}

static void pieces_of_any_size_make_the_same_requests(void **state)
{
	for (size_t piece = 1; piece < 40; piece++)
		for (int pause = 0; pause < 2; pause++) {
			assert_served_in_pieces(piece, pause);
			assert_int_equal(tear_down(state), 0);
			(void)set_up(state);
		}
}

static void a_descriptor_may_come_with_any_byte(void **state)
{
	for (size_t at = 0; at < CDB_LEN; at++) {
		put_hello();
		put_cdb(0x5e, 8, at);
		answer(0x5e, 8, 1, 8);
		assert_int_equal(tear_down(state), 0);
		(void)set_up(state);
	}
}

static void a_request_without_descriptor_breaks(void **state)
{
	put_hello();
	put_cdb(0x5e, 8, 0);
	peer.attached_count = 0;
	assert_broken();
}

static void two_descriptors_at_once_break(void **state)
{
	put_hello();
	put_cdb(0x5e, 8, 0);
	peer.attached[0].count = 2;
	assert_broken();
	assert_int_equal(peer.discarded, 2);
}

static void a_second_descriptor_breaks(void **state)
{
	put_hello();
	put_cdb(0x5e, 8, 0);
	attach(HELLO_LEN + 7, 1);
	assert_broken();
	assert_int_equal(peer.discarded, 1);
	assert_int_equal(peer.kept, 1);
}

static void as_many_descriptors_as_fit_are_all_discarded(void **state)
{
	put_hello();
	put_cdb(0x5e, 8, 0);
	peer.attached[0].count = PRM_PASS_FDS_MAX;
	assert_broken();
	assert_int_equal(peer.discarded, PRM_PASS_FDS_MAX);
}

static void descriptors_that_were_cut_off_break(void **state)
{
	put_hello();
	put_cdb(0x5e, 8, 0);
	peer.attached[0].truncated = true;
	assert_broken();
}

/* With a full table of descriptors the kernel delivers none of them. */
static void descriptors_of_which_none_is_left_break(void **state)
{
	put_hello();
	put_cdb(0x5e, 8, 0);
	peer.attached[0].count = 0;
	peer.attached[0].truncated = true;
	assert_broken();
	assert_int_equal(peer.discarded, 0);
	assert_non_null(strstr(session.reason, "no place for its descriptor"));
}

static void descriptors_with_other_parts_mean_nothing(void **state)
{
	attach(0, 2);
	put_hello();
	put_cdb(0x5f, 24, 0);
	attach(HELLO_LEN + CDB_LEN + 3, 1);
	put_list(24, 0);
	answer(0x5f, 24, 0, 0);
	assert_int_equal(peer.discarded, 3);
	assert_int_equal(peer.kept, 1);
}

static void descriptors_cut_off_anywhere_break(void **state)
{
	attach(0, 1);
	peer.attached[0].truncated = true;
	put_hello();
	assert_broken();
}

static void what_is_no_device_is_discarded_on_arrival(void **state)
{
	struct prm_request *request;

	any_is_device = false;
	put_hello();
	put_cdb(0x5e, 8, 0);
	peer.in_len -= 15;
	assert_int_equal(go_on(), PRM_STEP_READ);
	assert_int_equal(peer.discarded, 1);
	peer.in_len += 15;
	assert_int_equal(go_on(), PRM_STEP_RUN);
	request = prm_session_take_request(&session);
	assert_null(request->device);
	assert_int_equal(request->refused, -ENOTBLK);
	(void)prm_request_free(request);
}

static void an_unknown_feature_breaks(void **state)
{
	put("\0\0\0\1", HELLO_LEN);
	assert_broken();
}

static void another_opcode_breaks_at_its_byte(void **state)
{
	for (unsigned int opcode = 0; opcode < 256; opcode++) {
		uint8_t byte = (uint8_t)opcode;

		put_hello();
		attach(HELLO_LEN, 1);
		put(&byte, 1);
		assert_int_equal(go_on(), opcode == 0x5e || opcode == 0x5f
						  ? PRM_STEP_READ
						  : PRM_STEP_BROKEN);
		assert_int_equal(tear_down(state), 0);
		(void)set_up(state);
	}
}

static void lengths_end_at_8192(void **state)
{
	put_hello();
	put_cdb(0x5e, 8192, 0);
	answer(0x5e, 8192, 1, 8192);
	put_cdb(0x5e, 8193, 0);
	assert_broken();
}

static void a_longer_list_length_breaks(void **state)
{
	put_hello();
	put_cdb(0x5f, 24, 0);
	peer.in[HELLO_LEN + 5] = 1;
	assert_broken();
}

/* Where the client closes after @len bytes of a whole request. */
static enum prm_session_step step_at_end(size_t len)
{
	put_hello();
	put_cdb(0x5f, 24, 0);
	put_list(24, 0);
	peer.in_len = len;
	peer.end = true;
	return go_on();
}

static void closing_is_fine_between_requests_only(void **state)
{
	for (size_t len = 0; len < HELLO_LEN + CDB_LEN + 24; len++) {
		bool fine = len == 0 || len == HELLO_LEN;

		assert_int_equal(step_at_end(len),
				 fine ? PRM_STEP_END : PRM_STEP_BROKEN);
		assert_int_equal(tear_down(state), 0);
		(void)set_up(state);
	}
}

static void replies_may_leave_in_any_pieces(void **state)
{
	for (size_t room = 1; room < 200; room += 13) {
		enum prm_session_step step;

		put_hello();
		put_cdb(0x5e, 300, 0);
		answer(0x5e, 300, 42, 300);
		peer.room = room;
		step = prm_session_flush(&session);
		while (step == PRM_STEP_WRITE) {
			assert_true(prm_session_is_busy(&session));
			assert_true(prm_session_is_halfway(&session));
			peer.room = room;
			step = prm_session_flush(&session);
		}
		assert_int_equal(step, PRM_STEP_READ);
		assert_int_equal(peer.out_len, HELLO_LEN + HEAD_LEN + 300);
		for (size_t i = HELLO_LEN + HEAD_LEN; i < peer.out_len; i++)
			assert_int_equal(peer.out[i], 42);
		assert_false(prm_session_is_busy(&session));
		assert_int_equal(tear_down(state), 0);
		(void)set_up(state);
	}
}

static void nothing_is_read_while_a_reply_is_owed(void **state)
{
	unsigned int receives;

	put_hello();
	put_cdb(0x5e, 8, 0);
	put_cdb(0x5e, 8, 0);
	answer(0x5e, 8, 1, 8);
	receives = peer.receives;
	peer.room = 10;
	assert_int_equal(prm_session_step(&session), PRM_STEP_WRITE);
	assert_int_equal(prm_session_step(&session), PRM_STEP_WRITE);
	assert_int_equal(peer.receives, receives);
	assert_int_equal(peer.kept, 1);
	peer.room = 1000;
	answer(0x5e, 8, 2, 8);
}

static void an_error_has_no_payload(void **state)
{
	struct prm_reply reply = PRM_REPLY_INIT;
	struct prm_request *request;

	put_hello();
	put_cdb(0x5e, 8, 0);
	assert_int_equal(go_on(), PRM_STEP_RUN);
	request = prm_session_take_request(&session);
	reply.data_len = 8;
	prm_session_reply(&session, &request->head, &reply, &request->data);
	assert_non_null(request->data);
	(void)prm_request_free(request);
	assert_int_equal(go_on(), PRM_STEP_READ);
	assert_int_equal(peer.out_len, HELLO_LEN + HEAD_LEN);
}

static void any_bytes_are_survived(void **state)
{
	uint64_t random = 1;

	for (unsigned int round = 0; round < 20000; round++) {
		enum prm_session_step step = PRM_STEP_READ;

		put_hello();
		for (size_t i = 0; i < 80; i++) {
			uint8_t byte;

			random = random * UINT64_C(6364136223846793005) + 1;
			byte = (uint8_t)(random >> 40);
			if ((random >> 33) % 5 == 0)
				byte = 0x5e + ((random >> 50) & 1);
			if ((random >> 33) % 5 == 1)
				byte = 0;
			if ((random >> 36) % 16 == 0 && peer.attached_count < 8)
				attach(peer.in_len,
				       1 + (size_t)(random >> 55) % 3);
			put(&byte, 1);
		}
		peer.piece = 1 + round % 30;
		peer.end = true;
		while (step == PRM_STEP_READ || step == PRM_STEP_RUN) {
			step = prm_session_step(&session);
			if (step == PRM_STEP_RUN) {
				struct prm_reply reply = PRM_REPLY_INIT;
				struct prm_request *request =
					prm_session_take_request(&session);

				prm_session_reply(&session, &request->head,
						  &reply, &request->data);
				(void)prm_request_free(request);
			}
		}
		assert_int_equal(tear_down(state), 0);
		(void)set_up(state);
	}
}

/* A client is never sent what was in memory before. */
static void room_for_data_holds_nothing_old(void **state)
{
	struct prm_wire_request head = { .opcode = 0x5e, .length = 8192 };
	struct prm_request *request = NULL;

	(void)mallopt(M_PERTURB, 0x5a);
	request = prm_request_new();
	assert_non_null(request);
	prm_request_set_head(request, &head);
	(void)mallopt(M_PERTURB, 0);
	for (size_t i = 0; i < head.length; i++)
		assert_int_equal(request->data[i], 0);
	(void)prm_request_free(request);
}

/* Answer what has come, which must be refused for want of @missing. */
static void expect_refused(int missing, uint8_t opcode)
{
	struct prm_reply reply = PRM_REPLY_INIT;
	struct prm_request *request = prm_session_take_request(&session);

	assert_int_equal(request->refused, missing);
	assert_int_equal(request->head.opcode, opcode);
	reply.status = PRM_STATUS_CHECK_CONDITION;
	prm_session_reply(&session, &request->head, &reply, &request->data);
	prm_session_give_back(&session, request);
}

/* One request of each kind without memory of this size, then one with it. */
static void starve_of(size_t size)
{
	const uint8_t list[700] = { 0 };

	put_hello();
	for (int i = 0; i < 3; i++) {
		put_cdb(0x5e, 700, 3);
		put_cdb(0x5f, 700, 3);
		put(list, sizeof(list));
	}
	put_cdb(0x5e, 8, 0);
	missing_size = size;
	for (int i = 0; i < 6; i++) {
		assert_int_equal(go_on(), PRM_STEP_RUN);
		assert_true(prm_session_is_busy(&session));
		expect_refused(-ENOMEM, i % 2 ? 0x5f : 0x5e);
	}
	missing_size = 0;
	answer(0x5e, 8, 7, 8);
	assert_int_equal(go_on(), PRM_STEP_READ);
	assert_int_equal(peer.out_len, HELLO_LEN + 7 * HEAD_LEN + 8);
}

static void without_memory_for_a_request_it_is_answered(void **state)
{
	starve_of(sizeof(struct prm_request));
	/* It goes no further than here. */
	assert_int_equal(peer.discarded, 6);
}

static void without_memory_for_its_data_it_is_answered(void **state)
{
	starve_of(700);
	assert_int_equal(peer.kept, 7);
}

static void a_session_may_be_paused_anywhere(void **state)
{
	const size_t len = HELLO_LEN + CDB_LEN + 24;

	put_hello();
	put_cdb(0x5f, 24, 7);
	put_list(24, 9);
	peer.piece = 1;
	peer.pause = peer.is_full = true;
	for (size_t i = 0; i < len; i++) {
		assert_int_equal(prm_session_step(&session), PRM_STEP_PAUSE);
		assert_int_equal(peer.in_done, i);
	}
	answer(0x5f, 24, 9, 0);
}

#define CLAIM(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM(room_for_data_holds_nothing_old),
		CLAIM(the_hello_goes_first),
		CLAIM(pieces_of_any_size_make_the_same_requests),
		CLAIM(a_descriptor_may_come_with_any_byte),
		CLAIM(a_request_without_descriptor_breaks),
		CLAIM(two_descriptors_at_once_break),
		CLAIM(a_second_descriptor_breaks),
		CLAIM(as_many_descriptors_as_fit_are_all_discarded),
		CLAIM(descriptors_that_were_cut_off_break),
		CLAIM(descriptors_of_which_none_is_left_break),
		CLAIM(descriptors_with_other_parts_mean_nothing),
		CLAIM(descriptors_cut_off_anywhere_break),
		CLAIM(what_is_no_device_is_discarded_on_arrival),
		CLAIM(an_unknown_feature_breaks),
		CLAIM(another_opcode_breaks_at_its_byte),
		CLAIM(lengths_end_at_8192),
		CLAIM(a_longer_list_length_breaks),
		CLAIM(closing_is_fine_between_requests_only),
		CLAIM(replies_may_leave_in_any_pieces),
		CLAIM(nothing_is_read_while_a_reply_is_owed),
		CLAIM(an_error_has_no_payload),
		CLAIM(any_bytes_are_survived),
		CLAIM(without_memory_for_a_request_it_is_answered),
		CLAIM(without_memory_for_its_data_it_is_answered),
		CLAIM(a_session_may_be_paused_anywhere),
	};

	return cmocka_run_group_tests_name("session", tests, NULL, NULL);
}
