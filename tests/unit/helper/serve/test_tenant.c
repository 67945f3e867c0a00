/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who is taken for whom. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "helper/serve/tenant.h"

static struct prm_link tenants;

static int set_up(void **state)
{
	prm_list_init(&tenants);
	return 0;
}

static int tear_down(void **state)
{
	return prm_list_empty(&tenants) ? 0 : -1;
}

static struct prm_tenant *get(uid_t uid, const char *unit)
{
	struct prm_tenant *tenant =
		prm_tenant_get(&tenants, NULL, uid, unit, 10);

	assert_non_null(tenant);
	return tenant;
}

static void connections_of_one_unit_and_user_are_one_tenants(void **state)
{
	struct prm_tenant *one = get(107, "vm-1.scope");

	assert_ptr_equal(get(107, "vm-1.scope"), one);
	prm_tenant_put(one);
	prm_tenant_put(one);
}

static void others_are_others(void **state)
{
	struct prm_tenant *some[] = { get(107, "vm-1.scope"),
				      get(107, "vm-2.scope"),
				      get(108, "vm-1.scope"), get(107, ""),
				      get(108, "") };
	const size_t count = sizeof(some) / sizeof(some[0]);

	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < i; j++)
			assert_ptr_not_equal(some[i], some[j]);
	for (size_t i = 0; i < count; i++)
		prm_tenant_put(some[i]);
}

/* A process that is gone, or that hides, gains no share by it. */
static void those_whose_unit_is_not_known_are_their_users(void **state)
{
	struct prm_tenant *one = get(107, "");

	assert_ptr_equal(get(107, ""), one);
	assert_null(one->unit);
	prm_tenant_put(one);
	prm_tenant_put(one);
}

static void a_tenant_is_forgotten_with_its_last_connection(void **state)
{
	struct prm_tenant *one = get(107, "vm-1.scope");

	one->sessions = 5;
	prm_tenant_put(one);
	one = get(107, "vm-1.scope");
	assert_int_equal(one->sessions, 0);
	prm_tenant_put(one);
	prm_tenant_put(NULL);
}

static void a_tenant_has_a_name(void **state)
{
	struct prm_tenant *known = get(107, "vm-1.scope"), *other = get(0, "");
	char name[40];

	prm_tenant_name(known, name, sizeof(name));
	assert_string_equal(name, "uid=107 unit=vm-1.scope");
	prm_tenant_name(other, name, sizeof(name));
	assert_string_equal(name, "uid=0 unit=?");
	prm_tenant_name(known, name, 12);
	assert_string_equal(name, "uid=107 uni");
	prm_tenant_put(known);
	prm_tenant_put(other);
}

#define CLAIM(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM(connections_of_one_unit_and_user_are_one_tenants),
		CLAIM(others_are_others),
		CLAIM(those_whose_unit_is_not_known_are_their_users),
		CLAIM(a_tenant_is_forgotten_with_its_last_connection),
		CLAIM(a_tenant_has_a_name),
	};

	return cmocka_run_group_tests_name("tenant", tests, NULL, NULL);
}
