/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One request over a socket pair, as the daemon and as an enemy sends it. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>
#include "fake_map.h"
#include "ipc/pass.h"
#include "multipath/serve.h"
#include "wire/response.h"

struct session {
	int client;
	int server;
	int result;
	pthread_t thread;
};

static void *serve(void *opaque)
{
	struct session *session = opaque;

	session->result = prm_multipath_serve(session->server);
	(void)close(session->server);
	return NULL;
}

static void begin(struct session *session)
{
	int pair[2];

	memset(&fake, 0, sizeof(fake));
	fake.uuid = "mpath-3600140";
	fake.type = S_IFBLK;
	fake.names[0] = "sda";
	fake.names[1] = "sdb";
	fake.states[0] = fake.states[1] = "running";
	(void)prm_kernel_use(&fake_kernel);
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	session->client = pair[0];
	session->server = pair[1];
	assert_int_equal(pthread_create(&session->thread, NULL, serve, session),
			 0);
}

static int end(struct session *session)
{
	(void)close(session->client);
	(void)pthread_join(session->thread, NULL);
	return session->result;
}

static void greet(const struct session *session)
{
	uint8_t word[4];

	assert_int_equal(recv(session->client, word, 4, MSG_WAITALL), 4);
	memset(word, 0, sizeof(word));
	assert_int_equal(send(session->client, word, 4, 0), 4);
}

static void send_bytes(const struct session *session, const void *bytes,
		       size_t len, int fd)
{
	size_t sent;

	assert_int_equal(prm_pass_send(session->client, bytes, len, fd, &sent),
			 0);
	assert_int_equal(sent, len);
}

static const uint8_t read_keys[16] = { 0x5e, [8] = 16 };

static void one_request_is_answered_and_the_session_ends(void **state)
{
	struct session session;
	uint8_t answer[PRM_WIRE_RESPONSE_SIZE + 16], more;

	begin(&session);
	fake.key_count = 1;
	fake.keys[0] = 0xabc;
	greet(&session);
	send_bytes(&session, read_keys, 16, STDIN_FILENO);
	assert_int_equal(recv(session.client, answer, sizeof(answer),
			      MSG_WAITALL),
			 sizeof(answer));
	assert_int_equal(prm_get_be32(answer), 0);
	assert_int_equal(prm_get_be32(answer + 4), 16);
	assert_int_equal(prm_get_be64(answer + PRM_WIRE_RESPONSE_SIZE + 8),
			 0xabc);
	assert_int_equal(recv(session.client, &more, 1, 0), 0);
	assert_int_equal(end(&session), 0);
}

static void the_descriptor_may_come_with_any_byte(void **state)
{
	for (size_t at = 0; at < 16; at++) {
		struct session session;
		uint8_t answer[PRM_WIRE_RESPONSE_SIZE + 8];

		begin(&session);
		greet(&session);
		if (at)
			send_bytes(&session, read_keys, at, -1);
		send_bytes(&session, read_keys + at, 16 - at, STDIN_FILENO);
		assert_int_equal(recv(session.client, answer, sizeof(answer),
				      MSG_WAITALL),
				 sizeof(answer));
		assert_int_equal(end(&session), 0);
	}
}

static void a_request_without_its_descriptor_is_not_answered(void **state)
{
	struct session session;
	uint8_t answer;

	begin(&session);
	greet(&session);
	send_bytes(&session, read_keys, 16, -1);
	assert_int_equal(recv(session.client, &answer, 1, 0), 0);
	assert_int_equal(end(&session), -EPROTO);
}

static void a_second_descriptor_is_not_answered(void **state)
{
	struct session session;
	uint8_t answer;

	begin(&session);
	greet(&session);
	send_bytes(&session, read_keys, 8, STDIN_FILENO);
	send_bytes(&session, read_keys + 8, 8, STDIN_FILENO);
	assert_int_equal(recv(session.client, &answer, 1, 0), 0);
	assert_int_equal(end(&session), -EPROTO);
}

static void an_end_at_any_byte_ends_the_session(void **state)
{
	for (size_t at = 0; at < 16; at++) {
		struct session session;

		begin(&session);
		greet(&session);
		if (at)
			send_bytes(&session, read_keys, at, STDIN_FILENO);
		assert_int_equal(end(&session), -EPROTO);
		assert_int_equal(fake.asked, 0);
	}
}

static void an_unknown_feature_ends_the_session(void **state)
{
	struct session session;
	uint8_t word[4] = { 0, 0, 0, 1 };

	begin(&session);
	assert_int_equal(send(session.client, word, 4, 0), 4);
	(void)pthread_join(session.thread, NULL);
	assert_int_equal(session.result, -EPROTO);
	(void)close(session.client);
}

static void another_opcode_ends_the_session(void **state)
{
	struct session session;
	uint8_t inquiry[16] = { 0x12 };

	begin(&session);
	greet(&session);
	send_bytes(&session, inquiry, 16, STDIN_FILENO);
	assert_int_equal(end(&session), -EPROTO);
}

static void a_parameter_list_that_is_cut_runs_nothing(void **state)
{
	struct session session;
	uint8_t out[16] = { 0x5f, [8] = 24 };

	begin(&session);
	fake.flags = O_RDWR;
	greet(&session);
	send_bytes(&session, out, 16, STDIN_FILENO);
	send_bytes(&session, out, 10, -1);
	assert_int_equal(end(&session), -EPROTO);
	assert_int_equal(fake.calls, 0);
}

static void a_command_without_a_list_is_answered(void **state)
{
	struct session session;
	uint8_t out[16] = { 0x5f }, answer[PRM_WIRE_RESPONSE_SIZE];

	begin(&session);
	fake.flags = O_RDWR;
	greet(&session);
	send_bytes(&session, out, 16, STDIN_FILENO);
	assert_int_equal(recv(session.client, answer, sizeof(answer),
			      MSG_WAITALL),
			 sizeof(answer));
	assert_int_equal(prm_get_be32(answer), PRM_STATUS_CHECK_CONDITION);
	/* PARAMETER LIST LENGTH ERROR */
	assert_int_equal(answer[8 + 2], 0x05);
	assert_int_equal(answer[8 + 12], 0x1a);
	assert_int_equal(end(&session), 0);
	assert_int_equal(fake.calls, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_request_is_answered_and_the_session_ends),
		cmocka_unit_test(the_descriptor_may_come_with_any_byte),
		cmocka_unit_test(
			a_request_without_its_descriptor_is_not_answered),
		cmocka_unit_test(a_second_descriptor_is_not_answered),
		cmocka_unit_test(an_end_at_any_byte_ends_the_session),
		cmocka_unit_test(an_unknown_feature_ends_the_session),
		cmocka_unit_test(another_opcode_ends_the_session),
		cmocka_unit_test(a_parameter_list_that_is_cut_runs_nothing),
		cmocka_unit_test(a_command_without_a_list_is_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
