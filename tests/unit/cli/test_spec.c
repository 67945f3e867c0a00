/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "cli/spec.h"

static char text[PRM_SPEC_ROOM];

static void the_default_is_the_helper_at_its_socket(void **state)
{
	(void)state;
	assert_int_equal(prm_spec_make(NULL, text), 0);
	assert_string_equal(text, "pr-manager-helper,path=/var/run/"
				  "qemu-pr-helper.sock");
}

static void a_path_is_a_helper_s_socket(void **state)
{
	(void)state;
	assert_int_equal(prm_spec_make("/a,b,,c", text), 0);
	assert_string_equal(text, "pr-manager-helper,path=/a,,b,,,,c");
}

static void anything_else_is_taken_as_it_is(void **state)
{
	(void)state;
	assert_int_equal(prm_spec_make("pr-manager-x,a=b,,c", text), 0);
	assert_string_equal(text, "pr-manager-x,a=b,,c");
}

static void properties_are_replaced(void **state)
{
	(void)state;
	prm_spec_make("class,id=mine,path=/x", text);
	assert_int_equal(prm_spec_set(text, "id", "a,b"), 0);
	assert_string_equal(text, "class,path=/x,id=a,,b");
	assert_int_equal(prm_spec_set(text, "id", "c"), 0);
	assert_string_equal(text, "class,path=/x,id=c");
	prm_spec_make("class,id=1,id=2,path=/x,id=3", text);
	assert_int_equal(prm_spec_set(text, "id", "c"), 0);
	assert_string_equal(text, "class,path=/x,id=c");
}

static void what_only_looks_like_the_property_stays(void **state)
{
	static const char *const specs[] = { "class,path=/a,,id=1",
					     "class,idx=1", "class,xid=1",
					     "id=1", "class,path=/a,,,,id=1" };
	char expected[64];

	(void)state;
	for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
		prm_spec_make(specs[i], text);
		assert_int_equal(prm_spec_set(text, "id", "z"), 0);
		strcpy(expected, specs[i]);
		strcat(expected, ",id=z");
		assert_string_equal(text, expected);
	}
	prm_spec_make("class,path=/a,,,id=1", text);
	assert_int_equal(prm_spec_set(text, "id", "z"), 0);
	assert_string_equal(text, "class,path=/a,,,id=z");
}

static void too_long_is_refused(void **state)
{
	static char path[PRM_SPEC_ROOM + 1];
	size_t most = PRM_SPEC_ROOM - 1 - strlen("pr-manager-helper,path=");

	(void)state;
	memset(path, 'x', sizeof(path) - 1);
	path[0] = '/';
	path[most] = '\0';
	assert_int_equal(prm_spec_make(path, text), 0);
	assert_int_equal(strlen(text), PRM_SPEC_ROOM - 1);
	assert_int_equal(prm_spec_set(text, "id", "x"), -ENAMETOOLONG);
	path[most] = 'x';
	path[most + 1] = '\0';
	assert_int_equal(prm_spec_make(path, text), -ENAMETOOLONG);
	memset(path, 'x', sizeof(path) - 1);
	assert_int_equal(prm_spec_make(path, text), -ENAMETOOLONG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_default_is_the_helper_at_its_socket),
		cmocka_unit_test(a_path_is_a_helper_s_socket),
		cmocka_unit_test(anything_else_is_taken_as_it_is),
		cmocka_unit_test(properties_are_replaced),
		cmocka_unit_test(what_only_looks_like_the_property_stays),
		cmocka_unit_test(too_long_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
