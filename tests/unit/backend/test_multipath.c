/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The daemon's side of a command for a map, with a broker whose processes do
 * what no program should: each is a thread that plays the other end.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>
#include <prmanager/manager.h>
#include "backend/multipath.h"
#include "ipc/pass.h"
#include "scsi/sense.h"
#include "wire/response.h"

#define KEYS_LEN 16

/* What the other end does before it closes. */
enum play {
	PLAY_ANSWER,      /* as a good one does */
	PLAY_CLOSE,       /* nothing */
	PLAY_HELLO_ONLY,  /* shake hands, then die */
	PLAY_DIE_RUNNING, /* take the request, then die */
	PLAY_HALF_ANSWER, /* die in the middle of the answer */
	PLAY_OVERSIZE,    /* more payload than was asked for */
	PLAY_NONSENSE,    /* bytes of no form */
	PLAY_CHATTER,     /* a good answer, and more behind it */
	PLAY_HOLD,        /* nothing, and do not die until the test says so */
	PLAY_COUNT,
};

struct rig {
	int daemon; /* the manager's end of the channel */
	int broker;
	_Atomic(enum play) play; /* the broker's thread looks at it */
	int ended[2]; /* pipe: a byte for each process that has ended */
	int held[PRM_MULTIPATH_PROCESSES_MAX + 1];
	unsigned int held_count;
	pthread_t thread;
	struct prm_manager *manager;
};

static bool take_request(int sock)
{
	uint8_t word[4] = { 0 }, cdb[PRM_WIRE_CDB_SIZE];
	struct prm_received_fds fds;
	size_t got = 0;

	if (send(sock, word, sizeof(word), MSG_NOSIGNAL) != sizeof(word) ||
	    recv(sock, word, sizeof(word), MSG_WAITALL) != sizeof(word))
		return false;
	if (prm_pass_receive(sock, cdb, sizeof(cdb), &got, &fds) < 0)
		return false;
	prm_received_fds_close(&fds);
	return got == sizeof(cdb) && fds.count == 0;
}

static void answer(int sock, size_t len, uint32_t payload)
{
	uint8_t bytes[PRM_WIRE_RESPONSE_SIZE + 64] = { 0 };

	prm_put_be32(bytes + 4, payload);
	bytes[PRM_WIRE_RESPONSE_SIZE + 3] = 7; /* the generation */
	(void)!send(sock, bytes, len, MSG_NOSIGNAL);
}

static void play(enum play what, int sock)
{
	const size_t whole = PRM_WIRE_RESPONSE_SIZE + KEYS_LEN;
	uint8_t word[4] = { 0 };

	if (what == PLAY_CLOSE)
		return;
	if (what == PLAY_HELLO_ONLY) {
		(void)!send(sock, word, sizeof(word), MSG_NOSIGNAL);
		return;
	}
	if (!take_request(sock))
		return;
	switch (what) {
	case PLAY_ANSWER: answer(sock, whole, KEYS_LEN); break;
	case PLAY_HALF_ANSWER: answer(sock, 50, KEYS_LEN); break;
	case PLAY_OVERSIZE: answer(sock, whole + 8, KEYS_LEN + 8); break;
	case PLAY_NONSENSE: answer(sock, whole, UINT32_MAX); break;
	case PLAY_CHATTER: answer(sock, whole + 40, KEYS_LEN); break;
	default: break;
	}
}

static void *broker_main(void *opaque)
{
	struct rig *rig = opaque;

	for (;;) {
		struct prm_received_fds fds;
		enum play what;
		uint8_t message;
		size_t got = 0;

		if (prm_pass_receive(rig->broker, &message, 1, &got, &fds) <
			    0 ||
		    got == 0)
			return NULL;
		assert_int_equal(fds.count, 1);
		what = rig->play;
		if (what == PLAY_HOLD) {
			rig->held[rig->held_count++] = fds.fds[0];
			fds.count = 0;
		} else {
			play(what, fds.fds[0]);
		}
		(void)!write(rig->ended[1], "x", 1);
		prm_received_fds_close(&fds);
	}
}

static int set_up(void **state)
{
	static struct rig rig;
	char options[64];
	char *words = NULL;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0 ||
	    pipe(rig.ended) < 0)
		return -1;
	rig.held_count = 0;
	rig.daemon = pair[0];
	rig.broker = pair[1];
	(void)snprintf(options, sizeof(options),
		       "pr-manager-multipath,id=multipath,channel=%d",
		       rig.daemon);
	if (prm_manager_new(options, &rig.manager, &words) < 0)
		return -1;
	if (pthread_create(&rig.thread, NULL, broker_main, &rig) != 0)
		return -1;
	*state = &rig;
	return 0;
}

static int tear_down(void **state)
{
	struct rig *rig = *state;

	(void)prm_manager_unref(rig->manager);
	(void)close(rig->daemon);
	(void)pthread_join(rig->thread, NULL);
	(void)close(rig->broker);
	(void)close(rig->ended[0]);
	(void)close(rig->ended[1]);
	return 0;
}

static int run_within(struct rig *rig, unsigned int timeout_ms, uint8_t *data,
		      struct prm_reply *reply)
{
	struct prm_command command = PRM_COMMAND_INIT;

	command.cdb[0] = 0x5e;
	command.cdb[8] = KEYS_LEN;
	command.cdb_len = 10;
	command.data = data;
	command.data_len = KEYS_LEN;
	command.timeout_ms = timeout_ms;
	return prm_manager_run(rig->manager, STDIN_FILENO, &command, reply);
}

static int run(struct rig *rig, uint8_t *data, struct prm_reply *reply)
{
	return run_within(rig, 0, data, reply);
}

static void an_answer_comes_through(void **state)
{
	struct rig *rig = *state;
	struct prm_reply reply = PRM_REPLY_INIT;
	uint8_t data[KEYS_LEN] = { 0 };

	rig->play = PLAY_ANSWER;
	assert_int_equal(run(rig, data, &reply), 0);
	assert_int_equal(reply.status, PRM_STATUS_GOOD);
	assert_int_equal(reply.data_len, KEYS_LEN);
	assert_int_equal(data[3], 7);
}

static void a_process_that_fails_is_a_check_condition(void **state)
{
	struct rig *rig = *state;

	for (int what = PLAY_CLOSE; what < PLAY_HOLD; what++) {
		struct prm_reply reply = PRM_REPLY_INIT;
		struct prm_sense sense;
		uint8_t data[KEYS_LEN];

		rig->play = (enum play)what;
		assert_int_equal(run(rig, data, &reply), 0);
		assert_int_equal(reply.status, PRM_STATUS_CHECK_CONDITION);
		assert_int_equal(prm_sense_decode(reply.sense, reply.sense_len,
						  &sense),
				 PRM_DECODE_OK);
		assert_int_equal(prm_sense_code(&sense),
				 PRM_SENSE_LUN_COMMUNICATION_FAILURE);
	}
}

static void run_returns_when_the_process_has_ended(void **state)
{
	struct rig *rig = *state;
	struct prm_reply reply = PRM_REPLY_INIT;
	uint8_t data[KEYS_LEN];

	rig->play = PLAY_ANSWER;
	for (int i = 0; i < 100; i++) {
		struct pollfd ended = { .fd = rig->ended[0], .events = POLLIN };
		char byte;

		assert_int_equal(run(rig, data, &reply), 0);
		/* Written before the socket is closed, so it is there. */
		assert_int_equal(poll(&ended, 1, 0), 1);
		assert_int_equal(read(rig->ended[0], &byte, 1), 1);
	}
}

static void without_a_broker_there_is_an_answer(void **state)
{
	struct rig *rig = *state;
	struct prm_reply reply = PRM_REPLY_INIT;
	uint8_t data[KEYS_LEN];

	(void)shutdown(rig->broker, SHUT_RDWR);
	assert_int_equal(run(rig, data, &reply), 0);
	assert_int_equal(reply.status, PRM_STATUS_CHECK_CONDITION);
}

static void a_command_that_says_more_than_it_has_is_refused(void **state)
{
	struct rig *rig = *state;
	struct prm_command command = PRM_COMMAND_INIT;
	struct prm_reply reply = PRM_REPLY_INIT;
	uint8_t data[KEYS_LEN];

	command.cdb[0] = 0x5f;
	command.cdb[8] = 24;
	command.cdb_len = 10;
	command.data = data;
	command.data_len = sizeof(data);
	assert_int_equal(prm_manager_run(rig->manager, STDIN_FILENO, &command,
					 &reply),
			 -EINVAL);
}

static void *run_for_long(void *opaque)
{
	struct prm_reply reply = PRM_REPLY_INIT;
	uint8_t data[KEYS_LEN];

	if (run(opaque, data, &reply) < 0 ||
	    reply.status != PRM_STATUS_CHECK_CONDITION)
		return opaque;
	return NULL;
}

/* Its client has been told of a time-out: it must not run later. */
static void who_waits_too_long_for_a_process_never_gets_one(void **state)
{
	struct rig *rig = *state;
	pthread_t threads[PRM_MULTIPATH_PROCESSES_MAX];
	struct prm_reply reply = PRM_REPLY_INIT;
	struct prm_sense sense;
	uint8_t data[KEYS_LEN];
	void *failed;
	char byte;

	rig->play = PLAY_HOLD;
	for (int i = 0; i < PRM_MULTIPATH_PROCESSES_MAX; i++) {
		assert_int_equal(pthread_create(&threads[i], NULL, run_for_long,
						rig),
				 0);
		assert_int_equal(read(rig->ended[0], &byte, 1), 1);
	}
	assert_int_equal(run_within(rig, 1, data, &reply), 0);
	assert_int_equal(reply.status, PRM_STATUS_CHECK_CONDITION);
	assert_int_equal(prm_sense_decode(reply.sense, reply.sense_len, &sense),
			 PRM_DECODE_OK);
	assert_int_equal(prm_sense_code(&sense), PRM_SENSE_COMMAND_TIMEOUT);
	for (int i = 0; i < PRM_MULTIPATH_PROCESSES_MAX; i++)
		(void)close(rig->held[i]);
	for (int i = 0; i < PRM_MULTIPATH_PROCESSES_MAX; i++) {
		(void)pthread_join(threads[i], &failed);
		assert_null(failed);
	}
	assert_int_equal(rig->held_count, PRM_MULTIPATH_PROCESSES_MAX);
}

#define CLAIM(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM(an_answer_comes_through),
		CLAIM(a_process_that_fails_is_a_check_condition),
		CLAIM(run_returns_when_the_process_has_ended),
		CLAIM(without_a_broker_there_is_an_answer),
		CLAIM(a_command_that_says_more_than_it_has_is_refused),
		CLAIM(who_waits_too_long_for_a_process_never_gets_one),
	};

	if (prm_manager_class_register(&prm_multipath_class) < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
