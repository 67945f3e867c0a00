/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Status lines of drivers/md/dm-mpath.c, whole and at every length. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <cmocka.h>
#include "multipath/dm.h"

#define TWO_GROUPS "2 0 1 0 2 1 A 0 1 2 8:16 A 0 0 1 E 0 1 2 8:32 F 3 0 1"

struct seen {
	size_t count;
	char text[256];
};

static void note(void *opaque, dev_t number, bool active)
{
	struct seen *seen = opaque;
	size_t len = strlen(seen->text);

	seen->count++;
	(void)snprintf(seen->text + len, sizeof(seen->text) - len, "%u:%u%c ",
		       major(number), minor(number), active ? '+' : '-');
}

static void every_path_is_told_with_its_state(void **state)
{
	struct seen seen = { 0 };

	(void)state;
	assert_int_equal(prm_dm_each_path(TWO_GROUPS, note, &seen), 0);
	assert_string_equal(seen.text, "8:16+ 8:32- ");
}

static void one_group_may_hold_several_paths(void **state)
{
	struct seen seen = { 0 };

	(void)state;
	assert_int_equal(prm_dm_each_path("0 1 alua 1 1 A 1 x 2 0 8:0 A 0 "
					  "66:240 A 0 ",
					  note, &seen),
			 0);
	assert_string_equal(seen.text, "8:0+ 66:240+ ");
}

static void a_map_without_paths_has_none(void **state)
{
	struct seen seen = { 0 };

	(void)state;
	assert_int_equal(prm_dm_each_path("0 0 0 0", note, &seen), 0);
	assert_int_equal(seen.count, 0);
}

/* What is cut within the last path's arguments still names it; see below. */
static void a_line_that_was_cut_is_refused(void **state)
{
	char line[sizeof(TWO_GROUPS)];

	(void)state;
	for (size_t len = 0; len < sizeof(TWO_GROUPS) - 1; len++) {
		struct seen seen = { 0 };

		memcpy(line, TWO_GROUPS, len);
		line[len] = '\0';
		assert_int_equal(prm_dm_each_path(line, note, &seen), -EBADMSG);
	}
}

static void a_line_of_another_form_is_refused(void **state)
{
	static const char *const lines[] = {
		"x 0 1 1",
		"-1 0 0 0",
		"0 0 1 1 A 0 1 0 8;0 A 0",
		"0 0 1 1 A 0 1 0 8:0x A 0",
		"0 0 1 1 A 0 1 0 8:0 B 0",
		"0 0 1 1 A 0 1 0 8:0 AA 0",
		"0 0 1 1 A 0 4097 0 8:0 A 0",
		"0 0 1 1 A 0 1 99999999999999999999 8:0 A 0",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		struct seen seen = { 0 };

		assert_int_equal(prm_dm_each_path(lines[i], note, &seen),
				 -EBADMSG);
	}
}

static void a_device_that_is_no_map_has_no_status(void **state)
{
	static char status[PRM_DM_STATUS_SIZE];

	(void)state;
	assert_true(prm_dm_status(makedev(1, 3), status) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_path_is_told_with_its_state),
		cmocka_unit_test(one_group_may_hold_several_paths),
		cmocka_unit_test(a_map_without_paths_has_none),
		cmocka_unit_test(a_line_that_was_cut_is_refused),
		cmocka_unit_test(a_line_of_another_form_is_refused),
		cmocka_unit_test(a_device_that_is_no_map_has_no_status),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
