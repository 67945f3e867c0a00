/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Owned pointers leave with their scope unless somebody takes them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/cleanup.h"

static int freed;

static int *count_free(int *what)
{
	if (what)
		freed++;
	return NULL;
}
DEFINE_CLEANUP(int *, count_free)

static void a_scope_frees_what_it_holds(void **state)
{
	int thing;

	freed = 0;
	{
		CLEANUP(count_freep) int *held = &thing;

		assert_ptr_equal(held, &thing);
	}
	assert_int_equal(freed, 1);
}

static void a_stolen_pointer_is_not_freed(void **state)
{
	int thing, *kept;

	freed = 0;
	{
		CLEANUP(count_freep) int *held = &thing;

		kept = steal_ptr(&held);
		assert_null(held);
	}
	assert_ptr_equal(kept, &thing);
	assert_int_equal(freed, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_scope_frees_what_it_holds),
		cmocka_unit_test(a_stolen_pointer_is_not_freed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
