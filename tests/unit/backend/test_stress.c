/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Many threads, managers that are deleted under them, and a helper that leaves
 * at every point: whatever happens, each command arrives at most once, and its
 * result says the truth about that.
 *
 * The work is bounded by its amount, not by time.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <prmanager/manager.h>
#include "fake_helper.h"

#define THREADS  32
#define COMMANDS 60
#define MANAGERS 4

#define TAGS (THREADS * COMMANDS)

/* For commands that are meant to be answered: only a fault waits so long. */
#define PATIENCE_MS 300000

/* Seen by the helper: how often each command arrived, and was answered. */
static atomic_uchar arrived[TAGS];
static atomic_uchar answered[TAGS];

/* Seen by the threads. */
static atomic_int results[TAGS];
static atomic_uint completions;

#define PENDING 1

static pthread_mutex_t slots_lock = PTHREAD_MUTEX_INITIALIZER;
static struct prm_manager *slots[MANAGERS];

/* Each manager ever made, so that its end can be waited for. */
static struct prm_manager *made[MANAGERS + TAGS];
static size_t made_count;

static struct fake_helper *helper;
static int device;

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 16;
}

static uint32_t tag_of(const struct fake_request *request)
{
	return (uint32_t)request->list[6] << 8 | request->list[7];
}

/* One command; false to leave. */
static bool serve_command(int sock, uint32_t *seed)
{
	struct fake_request request;
	uint8_t half[50] = { 0 };
	uint32_t tag;

	if (next_random(seed) % 16 == 0)
		return false;
	if (!fake_receive(sock, &request))
		return false;
	tag = tag_of(&request);
	atomic_fetch_add(&arrived[tag], 1);
	switch (next_random(seed) % 16) {
	case 0: return false;
	case 1: (void)fake_send(sock, half, sizeof(half)); return false;
	case 2: (void)fake_reply(sock, PRM_STATUS_GOOD, 1); return false;
	default: break;
	}
	atomic_fetch_add(&answered[tag], 1);
	return fake_reply(sock, PRM_STATUS_GOOD, 0);
}

static void serve(int sock, unsigned int number, void *opaque)
{
	uint32_t seed = number * 2654435761u + 1;

	if (next_random(&seed) % 16 == 0 || !fake_hello(sock))
		return;
	while (serve_command(sock, &seed))
		;
}

static struct prm_manager *make_manager(void)
{
	static atomic_uint count;
	struct prm_manager *manager = NULL;
	char options[256];

	/* The helper may leave during the first handshake too. */
	do {
		(void)snprintf(options, sizeof(options),
			       "pr-manager-helper,id=helper%u,path=%s,"
			       "reconnect-delay-ms=0,timeout=300",
			       atomic_fetch_add(&count, 1),
			       fake_helper_path(helper));
	} while (prm_manager_new(options, &manager, NULL) < 0);
	(void)pthread_mutex_lock(&slots_lock);
	made[made_count++] = prm_manager_ref(manager);
	(void)pthread_mutex_unlock(&slots_lock);
	return manager;
}

static struct prm_manager *take_manager(uint32_t number)
{
	struct prm_manager *manager;

	(void)pthread_mutex_lock(&slots_lock);
	manager = prm_manager_ref(slots[number % MANAGERS]);
	(void)pthread_mutex_unlock(&slots_lock);
	return manager;
}

static void replace_manager(uint32_t number)
{
	struct prm_manager *fresh = make_manager();
	struct prm_manager *old;

	(void)pthread_mutex_lock(&slots_lock);
	old = slots[number % MANAGERS];
	slots[number % MANAGERS] = fresh;
	(void)pthread_mutex_unlock(&slots_lock);
	(void)prm_manager_delete(old);
}

/* A command that can be told from all others, for as long as it runs. */
struct tagged {
	struct prm_command command;
	uint8_t list[24];
	uint32_t tag;
};

static void tag_command(struct tagged *tagged, uint32_t tag)
{
	*tagged = (struct tagged){ .command = PRM_COMMAND_INIT, .tag = tag };
	tagged->command.cdb[0] = 0x5f;
	tagged->command.cdb[8] = sizeof(tagged->list);
	tagged->command.cdb_len = 10;
	tagged->command.data = tagged->list;
	tagged->command.data_len = sizeof(tagged->list);
	tagged->command.timeout_ms = PATIENCE_MS;
	tagged->list[6] = (uint8_t)(tag >> 8);
	tagged->list[7] = (uint8_t)tag;
}

static void record(uint32_t tag, int result, const struct prm_reply *reply)
{
	/* Where there is no answer, nothing may look like one. */
	if (result < 0 && reply->status != PRM_STATUS_CHECK_CONDITION)
		result = 2;
	if (result == 0 && reply->status != PRM_STATUS_GOOD)
		result = 3;
	atomic_store(&results[tag], result);
	atomic_fetch_add(&completions, 1);
}

static void complete(void *opaque, int error, const struct prm_reply *reply)
{
	struct tagged *tagged = opaque;

	record(tagged->tag, error, reply);
	free(tagged);
}

static void execute(struct prm_manager *manager, uint32_t tag)
{
	const struct prm_reply none = PRM_REPLY_INIT;
	struct tagged *tagged = calloc(1, sizeof(*tagged));
	int r;

	if (!tagged)
		abort();
	tag_command(tagged, tag);
	r = prm_manager_execute(manager, device, &tagged->command, complete,
				tagged);
	if (r < 0)
		complete(tagged, r, &none);
}

static void run(struct prm_manager *manager, uint32_t tag)
{
	struct prm_reply reply = PRM_REPLY_INIT;
	struct tagged tagged;
	int r;

	tag_command(&tagged, tag);
	r = prm_manager_run(manager, device, &tagged.command, &reply);
	record(tag, r, &reply);
}

static void *work(void *opaque)
{
	uint32_t number = (uint32_t)(uintptr_t)opaque;
	uint32_t seed = number + 1;
	struct prm_manager *manager;
	uint32_t i;

	for (i = 0; i < COMMANDS; i++) {
		manager = take_manager(next_random(&seed));
		if (next_random(&seed) % 2)
			execute(manager, number * COMMANDS + i);
		else
			run(manager, number * COMMANDS + i);
		(void)prm_manager_unref(manager);
		if (next_random(&seed) % 32 == 0)
			replace_manager(next_random(&seed));
	}
	return NULL;
}

static void start(void)
{
	uint32_t i;

	device = open("/dev/null", O_RDWR | O_CLOEXEC);
	assert_true(device >= 0);
	helper = fake_helper_start(serve, NULL);
	for (i = 0; i < TAGS; i++)
		atomic_store(&results[i], PENDING);
	for (i = 0; i < MANAGERS; i++)
		slots[i] = make_manager();
}

static void stop(void)
{
	size_t i;

	for (i = 0; i < MANAGERS; i++)
		slots[i] = prm_manager_unref(slots[i]);
	for (i = 0; i < made_count; i++) {
		prm_manager_drain(made[i]);
		made[i] = prm_manager_unref(made[i]);
	}
	fake_helper_stop(helper);
	(void)close(device);
}

static void assert_truth(uint32_t tag)
{
	int result = atomic_load(&results[tag]);

	if (result > 0)
		fail_msg("command %u: result %d", tag, result);
	if (arrived[tag] > 1)
		fail_msg("command %u arrived %u times", tag, arrived[tag]);
	if (result == -ENOTCONN && arrived[tag])
		fail_msg("command %u arrived, and is said not to have", tag);
	if (result == 0 && !answered[tag])
		fail_msg("command %u was answered by nobody", tag);
}

static void each_command_arrives_once_at_most_and_is_told_true(void **state)
{
	pthread_t threads[THREADS];
	uint32_t i, good = 0;

	start();
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, work,
						(void *)(uintptr_t)i),
				 0);
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	stop();
	assert_int_equal(completions, TAGS);
	for (i = 0; i < TAGS; i++) {
		assert_truth(i);
		good += results[i] == 0;
	}
	print_message("%u of %u commands were answered\n", good, TAGS);
	assert_true(good > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			each_command_arrives_once_at_most_and_is_told_true),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
