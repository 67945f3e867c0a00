/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "cli/snapshot.h"

static struct prm_snapshot before, after;

static void set(struct prm_snapshot *snapshot, uint32_t generation,
		const uint64_t *list, size_t count)
{
	uint8_t data[8192];
	struct prm_keys keys;
	size_t len =
		prm_keys_encode(generation, list, count, data, sizeof(data));

	memset(snapshot, 0, sizeof(*snapshot));
	assert_int_equal(prm_keys_decode(data, len < 8192 ? len : 8192, &keys),
			 PRM_DECODE_OK);
	prm_snapshot_set_keys(snapshot, &keys);
}

static void hold(struct prm_snapshot *snapshot, uint64_t key, uint8_t type)
{
	snapshot->reservation = (struct prm_reservation){ .held = true,
							  .key = key,
							  .type = type };
}

/* Each change as a letter, keys with their number. */
static void note(const struct prm_change *change, void *opaque)
{
	char *log = opaque;
	size_t len = strlen(log);

	assert_ptr_equal(change->before, &before);
	assert_ptr_equal(change->after, &after);
	assert_int_equal(change->generation, after.generation);
	switch (change->kind) {
	case PRM_CHANGE_GENERATION: strcat(log, "g "); break;
	case PRM_CHANGE_UNREGISTERED:
		sprintf(log + len, "-%" PRIu64 " ", change->key);
		break;
	case PRM_CHANGE_REGISTERED:
		sprintf(log + len, "+%" PRIu64 " ", change->key);
		break;
	case PRM_CHANGE_RELEASED: strcat(log, "released "); break;
	case PRM_CHANGE_RESERVED: strcat(log, "reserved "); break;
	}
}

static void assert_changes(const char *expected)
{
	char log[256] = "";

	prm_snapshot_compare(&before, &after, note, log);
	assert_string_equal(log, expected);
}

static void the_same_in_another_order_is_no_change(void **state)
{
	(void)state;
	set(&before, 1, (const uint64_t[]){ 3, 1, 2, 1 }, 4);
	set(&after, 1, (const uint64_t[]){ 1, 2, 1, 3 }, 4);
	assert_changes("");
}

static void keys_come_and_go(void **state)
{
	(void)state;
	set(&before, 1, (const uint64_t[]){ 5, 1, 3 }, 3);
	set(&after, 2, (const uint64_t[]){ 4, 3, 9 }, 3);
	assert_changes("g -1 -5 +4 +9 ");
	set(&after, 1, NULL, 0);
	assert_changes("-1 -3 -5 ");
}

static void each_path_with_a_key_counts(void **state)
{
	(void)state;
	set(&before, 1, (const uint64_t[]){ 7, 7, 8 }, 3);
	set(&after, 1, (const uint64_t[]){ 7, 8, 8, 8 }, 4);
	assert_changes("-7 +8 +8 ");
}

static void reservations_come_change_and_go(void **state)
{
	(void)state;
	set(&before, 1, NULL, 0);
	set(&after, 1, NULL, 0);
	hold(&after, 1, 3);
	assert_changes("reserved ");
	hold(&before, 1, 3);
	assert_changes("");
	hold(&before, 2, 3);
	assert_changes("reserved ");
	hold(&before, 1, 1);
	assert_changes("reserved ");
	set(&after, 1, NULL, 0);
	assert_changes("released ");
}

static void as_many_keys_as_an_answer_can_have(void **state)
{
	static uint64_t list[PRM_SNAPSHOT_KEYS_MAX + 1];

	(void)state;
	for (size_t i = 0; i <= PRM_SNAPSHOT_KEYS_MAX; i++)
		list[i] = i;
	set(&before, 1, list, PRM_SNAPSHOT_KEYS_MAX);
	assert_int_equal(before.key_count, PRM_SNAPSHOT_KEYS_MAX);
	set(&after, 1, list, PRM_SNAPSHOT_KEYS_MAX + 1);
	assert_int_equal(after.key_count, PRM_SNAPSHOT_KEYS_MAX);
	assert_changes("");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_in_another_order_is_no_change),
		cmocka_unit_test(keys_come_and_go),
		cmocka_unit_test(each_path_with_a_key_counts),
		cmocka_unit_test(reservations_come_change_and_go),
		cmocka_unit_test(as_many_keys_as_an_answer_can_have),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
