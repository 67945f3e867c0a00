/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who counts as a helper that lives. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <cmocka.h>
#include "helper/start/probe.h"
#include "folder.h"

/* Ample where an answer comes, short where the point is that none does. */
static const struct prm_probe_patience ample = {
	.silence_ms = 120000,
	.alive_ms = 120000,
	.retry_ms = 1,
	.retries = 8,
};
static const struct prm_probe_patience ample_if_alive = {
	.silence_ms = 1,
	.alive_ms = 120000,
	.retry_ms = 1,
	.retries = 8,
};
static const struct prm_probe_patience little = {
	.silence_ms = 50,
	.alive_ms = 100,
	.retry_ms = 1,
	.retries = 8,
};

/* One that accepts, sends @len bytes in @pieces, and waits or closes. */
struct speaker {
	int listener;
	size_t len;
	bool close_at_once;
	int delay_ms; /* before it speaks */
	unsigned int accepted;
	pthread_t thread;
};

static void *speak(void *opaque)
{
	static const char features[8] = { 0 };
	struct speaker *speaker = opaque;
	int last = -1;

	for (;;) {
		int fd = accept4(speaker->listener, NULL, NULL, SOCK_CLOEXEC);

		if (fd < 0)
			break;
		speaker->accepted++;
		(void)poll(NULL, 0, speaker->delay_ms);
		for (size_t i = 0; i < speaker->len; i++)
			(void)send(fd, features + i, 1, MSG_NOSIGNAL);
		if (last >= 0)
			(void)close(last);
		last = fd;
		if (speaker->close_at_once) {
			(void)close(fd);
			last = -1;
		}
	}
	if (last >= 0)
		(void)close(last);
	return NULL;
}

static enum prm_probe probe(const struct prm_probe_patience *patience)
{
	enum prm_probe found = (enum prm_probe)99;

	assert_int_equal(prm_probe(in("s"), patience, &found), 0);
	return found;
}

/* What is found where one who does as @speaker says has the socket. */
static enum prm_probe probe_with(struct speaker *speaker,
				 const struct prm_probe_patience *patience)
{
	enum prm_probe found;

	assert_int_equal(pthread_create(&speaker->thread, NULL, speak, speaker),
			 0);
	found = probe(patience);
	(void)shutdown(speaker->listener, SHUT_RDWR);
	(void)pthread_join(speaker->thread, NULL);
	(void)close(speaker->listener);
	return found;
}

static enum prm_probe probe_speaker(struct speaker *speaker,
				    const struct prm_probe_patience *patience)
{
	speaker->listener = put_socket(in("s"), SOCK_STREAM, 8);
	return probe_with(speaker, patience);
}

static void a_name_that_is_not_there_is_said_so(void **state)
{
	enum prm_probe found = (enum prm_probe)99;

	assert_int_equal(prm_probe(in("s"), &ample, &found), -ENOENT);
	assert_int_equal(found, 99);
}

static void a_socket_that_nobody_listens_at_is_stale(void **state)
{
	(void)close(put_socket(in("s"), SOCK_STREAM, 1));
	assert_int_equal(probe(&ample), PRM_PROBE_STALE);
}

static void four_bytes_are_life(void **state)
{
	struct speaker speaker = { .len = 4 };

	assert_int_equal(probe_speaker(&speaker, &ample), PRM_PROBE_LIVE);
	assert_int_equal(speaker.accepted, 1);
}

static void three_bytes_are_not(void **state)
{
	struct speaker speaker = { .len = 3 };

	assert_int_equal(probe_speaker(&speaker, &little), PRM_PROBE_STALE);
}

static void a_listener_that_never_accepts_is_stale(void **state)
{
	int fd = put_socket(in("s"), SOCK_STREAM, 8);

	assert_int_equal(probe(&little), PRM_PROBE_STALE);
	(void)close(fd);
}

static void a_process_that_lives_may_take_longer(void **state)
{
	struct speaker speaker = { .len = 4, .delay_ms = 50 };

	assert_int_equal(probe_speaker(&speaker, &ample_if_alive),
			 PRM_PROBE_LIVE);
}

/*
 * Its socket is still there, as if one of its threads hung in a device. Even if
 * that one should answer: it would come too late.
 */
static void a_process_that_is_dead_may_not(void **state)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct speaker speaker = { .listener = fd, .len = 4, .delay_ms = 50 };
	siginfo_t info;
	pid_t child;

	(void)snprintf(name.sun_path, sizeof(name.sun_path), "%s", in("s"));
	assert_int_equal(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
	child = fork();
	if (child == 0)
		_exit(listen(fd, 8) == 0 ? 0 : 1);
	assert_int_equal(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT),
			 0);
	assert_int_equal(info.si_status, 0);
	assert_int_equal(probe_with(&speaker, &ample_if_alive),
			 PRM_PROBE_STALE);
	assert_int_equal(waitpid(child, NULL, 0), child);
}

static void a_full_backlog_is_somebody(void **state)
{
	int fd = put_socket(in("s"), SOCK_STREAM, 0);
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(name.sun_path, sizeof(name.sun_path), "%s", in("s"));
	assert_int_equal(
		connect(client, (struct sockaddr *)&name, sizeof(name)), 0);
	assert_int_equal(probe(&ample), PRM_PROBE_BUSY);
	(void)close(client);
	(void)close(fd);
}

static void one_that_closes_every_connection_is_somebody(void **state)
{
	struct speaker speaker = { .close_at_once = true };

	assert_int_equal(probe_speaker(&speaker, &ample), PRM_PROBE_BUSY);
	assert_int_equal(speaker.accepted, 1 + ample.retries);
}

static void four_bytes_count_even_if_it_closes_then(void **state)
{
	struct speaker speaker = { .len = 4, .close_at_once = true };

	assert_int_equal(probe_speaker(&speaker, &ample), PRM_PROBE_LIVE);
}

static void a_socket_of_another_type_is_foreign(void **state)
{
	int fd = put_socket(in("s"), SOCK_DGRAM, -1);

	assert_int_equal(probe(&ample), PRM_PROBE_FOREIGN);
	(void)close(fd);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_name_that_is_not_there_is_said_so),
		TEST(a_socket_that_nobody_listens_at_is_stale),
		TEST(four_bytes_are_life),
		TEST(three_bytes_are_not),
		TEST(a_listener_that_never_accepts_is_stale),
		TEST(a_process_that_lives_may_take_longer),
		TEST(a_process_that_is_dead_may_not),
		TEST(a_full_backlog_is_somebody),
		TEST(one_that_closes_every_connection_is_somebody),
		TEST(four_bytes_count_even_if_it_closes_then),
		TEST(a_socket_of_another_type_is_foreign),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
