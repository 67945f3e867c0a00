/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The bounded queue: order, limits, and a count of what was dropped. */
#include "log_test.h"
#include "helper/log/queue.h"

/* Long enough never to pass on a loaded machine. */
#define LONG_MS 120000

static struct prm_log_queue queue;

static int setup(void **state)
{
	prm_log_queue_init(&queue);
	return 0;
}

/* What may fill the queue to the end. */
#define KEPT -1

/* A record of @len bytes of text that @number can be read from. */
static bool push(int level, unsigned int number, size_t len)
{
	struct prm_log_record record;

	assert_true(len >= sizeof(number) && len <= sizeof(record.text));
	prm_log_record_init(&record, level == KEPT ? PRM_LOG_NOTICE
						   : (enum prm_log_level)level);
	record.kept = level == KEPT;
	memset(record.text, (int)(number & 0xff), len);
	memcpy(record.text, &number, sizeof(number));
	record.text_len = len;
	record.fields_len = number % 7;
	memset(record.fields, (int)(~number & 0xff), record.fields_len);
	return prm_log_queue_push(&queue, &record);
}

/* The oldest record must be the one that push() made. */
static void assert_pop(unsigned int number, size_t len, unsigned long lost)
{
	struct prm_log_record record;
	unsigned int got;

	assert_true(prm_log_queue_pop(&queue, &record));
	assert_int_equal(record.lost, lost);
	assert_int_equal(record.text_len, len);
	memcpy(&got, record.text, sizeof(got));
	assert_int_equal(got, number);
	for (size_t i = sizeof(got); i < len; i++)
		assert_int_equal((unsigned char)record.text[i], number & 0xff);
	assert_int_equal(record.fields_len, number % 7);
	for (size_t i = 0; i < record.fields_len; i++)
		assert_int_equal((unsigned char)record.fields[i],
				 ~number & 0xff);
}

static void records_come_out_in_order(void **state)
{
	for (unsigned int i = 0; i < 10; i++)
		assert_true(push(PRM_LOG_NOTICE, i, 10 + i));
	for (unsigned int i = 0; i < 10; i++)
		assert_pop(i, 10 + i, 0);
}

static void a_record_keeps_all_that_belongs_to_it(void **state)
{
	struct prm_log_record in, out;

	prm_log_record_init(&in, PRM_LOG_WARNING);
	in.trace = true;
	in.time = (struct timespec){ 12, 34 };
	in.text_len = 5;
	memcpy(in.text, "hello", 5);
	assert_true(prm_log_queue_push(&queue, &in));
	assert_true(prm_log_queue_pop(&queue, &out));
	assert_int_equal(out.level, PRM_LOG_WARNING);
	assert_true(out.trace);
	assert_int_equal(out.time.tv_sec, 12);
	assert_int_equal(out.time.tv_nsec, 34);
	assert_memory_equal(out.text, "hello", 5);
	assert_int_equal(out.fields_len, 0);
}

static void the_limit_of_records_is_exact(void **state)
{
	for (unsigned int i = 0; i < PRM_LOG_QUEUE_RECORDS; i++)
		assert_true(push(KEPT, i, 4));
	assert_false(push(KEPT, 0, 4));
	assert_false(push(PRM_LOG_ERROR, 0, 4));
	assert_int_equal(prm_log_queue_dropped(&queue), 2);
	assert_pop(0, 4, 0);
	assert_true(push(KEPT, 0, 4));
}

static void the_limit_of_bytes_holds(void **state)
{
	unsigned int count = 0;
	size_t len = 1000;

	while (push(KEPT, count, len))
		count++;
	assert_true(count < PRM_LOG_QUEUE_RECORDS);
	assert_true(count * len <= PRM_LOG_QUEUE_BYTES);
	/* Less than one record more would have fitted. */
	assert_true((count + 1) * (len + 128) > PRM_LOG_QUEUE_BYTES);
	for (unsigned int i = 0; i < count; i++)
		assert_pop(i, len, 0);
}

/* Chatter must not push out what matters, nor complaints the audit. */
static void the_rest_is_kept_for_what_matters_more(void **state)
{
	unsigned int count = 0;

	while (push(PRM_LOG_DEBUG, count, 4))
		count++;
	assert_int_equal(count, PRM_LOG_QUEUE_RECORDS / 2);
	assert_false(push(PRM_LOG_INFO, 0, 4));
	while (push(PRM_LOG_NOTICE, count, 4))
		count++;
	assert_int_equal(count, PRM_LOG_QUEUE_RECORDS / 4 * 3);
	assert_false(push(PRM_LOG_ERROR, 0, 4));
	while (push(KEPT, count, 4))
		count++;
	assert_int_equal(count, PRM_LOG_QUEUE_RECORDS);
}

static void the_same_goes_for_bytes(void **state)
{
	size_t count = 0, chatter, complaints;

	while (push(PRM_LOG_DEBUG, 0, 1000))
		count++;
	chatter = count;
	while (push(PRM_LOG_NOTICE, 0, 1000))
		count++;
	complaints = count;
	while (push(KEPT, 0, 1000))
		count++;
	assert_in_range(chatter, count / 2 - 1, count / 2 + 1);
	assert_in_range(complaints, count / 4 * 3 - 1, count / 4 * 3 + 2);
}

static void the_next_record_tells_how_many_were_lost(void **state)
{
	for (unsigned int i = 0; i < PRM_LOG_QUEUE_RECORDS; i++)
		assert_true(push(KEPT, i, 4));
	for (int i = 0; i < 5; i++)
		assert_false(push(KEPT, 0, 4));
	assert_pop(0, 4, 0);
	assert_true(push(KEPT, 7777, 4));
	for (unsigned int i = 1; i < PRM_LOG_QUEUE_RECORDS; i++)
		assert_pop(i, 4, 0);
	assert_pop(7777, 4, 5);
}

static void an_empty_queue_tells_by_itself(void **state)
{
	struct prm_log_record record;

	for (unsigned int i = 0; i < PRM_LOG_QUEUE_RECORDS; i++)
		assert_true(push(KEPT, i, 4));
	for (int i = 0; i < 3; i++)
		assert_false(push(KEPT, 0, 4));
	for (unsigned int i = 0; i < PRM_LOG_QUEUE_RECORDS; i++)
		assert_pop(i, 4, 0);
	assert_true(prm_log_queue_pop(&queue, &record));
	assert_int_equal(record.lost, 3);
	assert_int_equal(record.text_len, 0);
	assert_int_equal(record.fields_len, 0);
	/* Told once. */
	assert_true(push(PRM_LOG_NOTICE, 1, 4));
	assert_pop(1, 4, 0);
}

static void a_closed_queue_gives_out_the_rest_and_ends(void **state)
{
	struct prm_log_record record;

	assert_true(push(PRM_LOG_NOTICE, 1, 4));
	assert_false(prm_log_queue_close(&queue, 0));
	assert_false(push(PRM_LOG_NOTICE, 2, 4));
	assert_pop(1, 4, 0);
	assert_true(prm_log_queue_pop(&queue, &record));
	assert_int_equal(record.lost, 1);
	assert_false(prm_log_queue_pop(&queue, &record));
	assert_true(prm_log_queue_close(&queue, 0));
}

static void flushing_waits_until_the_popper_comes_back(void **state)
{
	struct prm_log_record record;

	assert_true(prm_log_queue_flush(&queue, 0));
	assert_true(push(PRM_LOG_NOTICE, 1, 4));
	assert_false(prm_log_queue_flush(&queue, 1));
	/* Taken, but perhaps not written yet. */
	assert_pop(1, 4, 0);
	assert_false(prm_log_queue_flush(&queue, 1));
	assert_true(push(PRM_LOG_NOTICE, 2, 4));
	assert_pop(2, 4, 0);
	assert_false(prm_log_queue_flush(&queue, 1));
	assert_false(prm_log_queue_close(&queue, 0));
	assert_false(prm_log_queue_pop(&queue, &record));
	assert_true(prm_log_queue_flush(&queue, 0));
}

/* A queue of pushes and pops in any order is a queue. */
static void random_steps_keep_every_record(void **state)
{
	static size_t lens[PRM_LOG_QUEUE_RECORDS];
	unsigned int in = 0, out = 0;
	unsigned long lost = 0, dropped = 0;
	unsigned short seed[3] = { 1, 2, 3 };

	for (int step = 0; step < 1 << 18; step++) {
		size_t len = 4 + (size_t)nrand48(seed) % 1000;
		/* Mostly in for a while, then mostly out. */
		bool filling = step & 0x800;

		if (nrand48(seed) % 8 < (filling ? 6 : 2)) {
			if (push(PRM_LOG_NOTICE, in, len)) {
				lens[in++ % PRM_LOG_QUEUE_RECORDS] = len;
			} else {
				dropped++;
			}
		} else if (out < in) {
			struct prm_log_record record;

			assert_true(prm_log_queue_pop(&queue, &record));
			lost += record.lost;
			assert_int_equal(record.text_len,
					 lens[out % PRM_LOG_QUEUE_RECORDS]);
			assert_memory_equal(record.text, &out, sizeof(out));
			out++;
		}
	}
	assert_true(dropped > 0);
	assert_int_equal(prm_log_queue_dropped(&queue), dropped);
	assert_true(lost <= dropped);
	while (out < in)
		out += prm_log_queue_pop(&queue, &(struct prm_log_record){ 0 });
}

#define PUSHERS    4
#define PER_PUSHER 20000

static void *push_many(void *arg)
{
	unsigned int base = *(unsigned int *)arg;

	for (unsigned int i = 0; i < PER_PUSHER; i++)
		(void)push(PRM_LOG_NOTICE, base + i, 4 + i % 100);
	return NULL;
}

struct tally {
	unsigned long got, lost;
	unsigned int next[PUSHERS];
};

static void *pop_many(void *arg)
{
	struct tally *tally = arg;
	struct prm_log_record record;
	unsigned int number;

	while (prm_log_queue_pop(&queue, &record)) {
		tally->lost += record.lost;
		if (!record.text_len)
			continue;
		memcpy(&number, record.text, sizeof(number));
		/* What one thread logs stays in its order. */
		if (number % PER_PUSHER < tally->next[number / PER_PUSHER])
			abort();
		tally->next[number / PER_PUSHER] = number % PER_PUSHER;
		tally->got++;
	}
	return NULL;
}

static void every_record_is_popped_or_counted(void **state)
{
	unsigned int bases[PUSHERS];
	pthread_t pushers[PUSHERS], popper;
	struct tally tally = { 0 };

	assert_int_equal(pthread_create(&popper, NULL, pop_many, &tally), 0);
	for (unsigned int i = 0; i < PUSHERS; i++) {
		bases[i] = i * PER_PUSHER;
		assert_int_equal(pthread_create(&pushers[i], NULL, push_many,
						&bases[i]),
				 0);
	}
	for (unsigned int i = 0; i < PUSHERS; i++)
		assert_int_equal(pthread_join(pushers[i], NULL), 0);
	assert_true(prm_log_queue_flush(&queue, LONG_MS));
	assert_true(prm_log_queue_close(&queue, LONG_MS));
	assert_int_equal(pthread_join(popper, NULL), 0);
	assert_int_equal(tally.got + tally.lost, PUSHERS * PER_PUSHER);
	assert_int_equal(tally.lost, prm_log_queue_dropped(&queue));
}

#define queue_test(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		queue_test(records_come_out_in_order),
		queue_test(a_record_keeps_all_that_belongs_to_it),
		queue_test(the_limit_of_records_is_exact),
		queue_test(the_limit_of_bytes_holds),
		queue_test(the_rest_is_kept_for_what_matters_more),
		queue_test(the_same_goes_for_bytes),
		queue_test(the_next_record_tells_how_many_were_lost),
		queue_test(an_empty_queue_tells_by_itself),
		queue_test(a_closed_queue_gives_out_the_rest_and_ends),
		queue_test(flushing_waits_until_the_popper_comes_back),
		queue_test(random_steps_keep_every_record),
		queue_test(every_record_is_popped_or_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
