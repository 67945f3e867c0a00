/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * In place of pr-helper-multipath: its broker, and commands that fail.
 *
 * How a command fails is a word in the file that MULTIPATH_SOCKET_NAME names,
 * the one variable that reaches it; so a test can say another for each command.
 * The broker is the real one.  What a command does is said on standard error,
 * with its process id, and so comes into the daemon's log.
 */

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/cursor.h"
#include "base/fd.h"
#include "ipc/pass.h"
#include "multipath/broker.h"
#include "wire/hello.h"
#include "wire/request.h"
#include "wire/response.h"

#define TIMEOUT_S 600

/* How far a command gets before it fails. */
enum stage {
	STAGE_START,
	STAGE_HELLO,   /* it has said hello */
	STAGE_CDB,     /* it has the CDB and the descriptor */
	STAGE_REQUEST, /* it has the parameter list as well */
};

static void put(const void *bytes, size_t len)
{
	(void)!send(STDIN_FILENO, bytes, len, MSG_NOSIGNAL);
}

static void take(void *bytes, size_t len)
{
	if (len && recv(STDIN_FILENO, bytes, len, MSG_WAITALL) != (ssize_t)len)
		_exit(EXIT_FAILURE);
}

/* Go that far in the conversation; returns what was asked, if it was. */
static struct prm_wire_request go_to(enum stage stage)
{
	static uint8_t data[PRM_WIRE_DATA_MAX];
	uint8_t word[PRM_WIRE_HELLO_SIZE] = { 0 }, cdb[PRM_WIRE_CDB_SIZE];
	struct prm_wire_request request = { 0 };
	struct prm_received_fds fds;
	size_t got;

	if (stage < STAGE_HELLO)
		return request;
	put(word, sizeof(word));
	if (stage < STAGE_CDB)
		return request;
	take(word, sizeof(word));
	if (prm_pass_receive(STDIN_FILENO, cdb, sizeof(cdb), &got, &fds) < 0 ||
	    got != sizeof(cdb) || fds.count != 1 ||
	    prm_wire_request_decode(cdb, sizeof(cdb), &request) !=
		    PRM_DECODE_OK)
		_exit(EXIT_FAILURE);
	if (stage == STAGE_REQUEST && request.out)
		take(data, request.length);
	return request;
}

static void die(enum stage stage, int number)
{
	(void)go_to(stage);
	/* A sanitizer would make something else of it. */
	(void)signal(number, SIG_DFL);
	(void)raise(number);
}

/* The head of an answer, all of whose sense bytes are @sense. */
static void put_head(uint32_t status, uint32_t payload, uint8_t sense,
		     size_t len)
{
	uint8_t head[PRM_WIRE_RESPONSE_SIZE];

	memset(head, sense, sizeof(head));
	prm_put_be32(head, status);
	prm_put_be32(head + 4, payload);
	put(head, len);
}

static void put_payload(size_t len)
{
	static const uint8_t zeros[2 * PRM_WIRE_DATA_MAX];

	put(zeros, len);
}

/* An answer that says GOOD and that many bytes of payload, and has others. */
static void answer(uint32_t says, size_t has)
{
	put_head(PRM_STATUS_GOOD, says, 0, PRM_WIRE_RESPONSE_SIZE);
	put_payload(has);
}

/* PR IN: the payload of an answer that is right. */
static uint32_t wanted(const struct prm_wire_request *request)
{
	return request->out ? 0 : request->length;
}

static void answer_badly(const char *word)
{
	struct prm_wire_request request = go_to(STAGE_REQUEST);
	uint32_t len = wanted(&request);

	if (strcmp(word, "good") == 0)
		answer(len, len);
	else if (strcmp(word, "half-head") == 0)
		put_head(0, len, 0, PRM_WIRE_RESPONSE_SIZE / 2);
	else if (strcmp(word, "half-payload") == 0)
		answer(len ? len : 1, len / 2);
	else if (strcmp(word, "too-much") == 0)
		answer(len + 1, len + 1);
	else if (strcmp(word, "far-too-much") == 0)
		answer(UINT32_MAX, len);
	else if (strcmp(word, "more-behind") == 0)
		answer(len, (size_t)len + 8);
	else if (strcmp(word, "status") == 0)
		put_head(UINT32_MAX, 0, 0, PRM_WIRE_RESPONSE_SIZE);
	else if (strcmp(word, "sense") == 0)
		put_head(PRM_STATUS_CHECK_CONDITION, 0, UINT8_MAX,
			 PRM_WIRE_RESPONSE_SIZE);
	else if (strcmp(word, "no-sense") == 0)
		put_head(PRM_STATUS_CHECK_CONDITION, 0, 0,
			 PRM_WIRE_RESPONSE_SIZE);
}

/* For as long as it is not killed, or the time of a command is up. */
static void hang(enum stage stage)
{
	(void)go_to(stage);
	(void)alarm(TIMEOUT_S);
	for (;;)
		(void)pause();
}

static const struct {
	const char *word;
	enum stage stage;
	int number;
} deaths[] = {
	{ "killed-at-start", STAGE_START, SIGKILL },
	{ "killed-after-hello", STAGE_HELLO, SIGKILL },
	{ "killed-after-cdb", STAGE_CDB, SIGKILL },
	{ "killed-after-request", STAGE_REQUEST, SIGKILL },
	{ "crash-at-start", STAGE_START, SIGSEGV },
	{ "crash-after-request", STAGE_REQUEST, SIGSEGV },
};

static void run_command(const char *word)
{
	(void)dprintf(STDERR_FILENO, "%s pid=%d\n", word, (int)getpid());
	for (size_t i = 0; i < sizeof(deaths) / sizeof(deaths[0]); i++)
		if (strcmp(word, deaths[i].word) == 0)
			die(deaths[i].stage, deaths[i].number);
	if (strcmp(word, "hang-at-start") == 0)
		hang(STAGE_START);
	else if (strcmp(word, "hang-after-request") == 0)
		hang(STAGE_REQUEST);
	else if (strcmp(word, "exit") != 0)
		answer_badly(word);
}

static void read_word(char *word, size_t size)
{
	const char *name = getenv("MULTIPATH_SOCKET_NAME");
	FILE *file = name ? fopen(name, "re") : NULL;

	*word = '\0';
	if (!file)
		return;
	if (fgets(word, (int)size, file))
		word[strcspn(word, "\n")] = '\0';
	(void)fclose(file);
}

static int run_broker(void)
{
	CLEANUP(prm_fd_closep) int program = -1;

	program = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	/* As any user: it has no use for what a real one keeps. */
	(void)prm_broker_drop();
	return prm_broker_run(STDIN_FILENO, program, TIMEOUT_S,
			      PRM_SANDBOX_OFF) < 0
		       ? EXIT_FAILURE
		       : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	char word[64];

	if (argc > 1 && strcmp(argv[1], "--broker") == 0)
		return run_broker();
	read_word(word, sizeof(word));
	run_command(word);
	return EXIT_SUCCESS;
}
