/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names of Unix sockets, at the kernel's limit and one past it. */
#include "ipc_test.h"
#include "ipc/address.h"

static char *name_of(char *name, size_t len)
{
	memset(name, 'n', len);
	name[len] = '\0';
	return name;
}

static void a_path_is_kept_whole(void **state)
{
	struct prm_ipc_address address;

	assert_int_equal(prm_ipc_address_path("/run/x.sock", &address), 0);
	assert_int_equal(address.un.sun_family, AF_UNIX);
	assert_string_equal(address.un.sun_path, "/run/x.sock");
	assert_int_equal(address.len,
			 offsetof(struct sockaddr_un, sun_path) + 12);
}

static void an_abstract_name_starts_with_nul(void **state)
{
	struct prm_ipc_address address;

	assert_int_equal(prm_ipc_address_abstract("x", &address), 0);
	assert_memory_equal(address.un.sun_path, "\0x", 2);
	assert_int_equal(address.len,
			 offsetof(struct sockaddr_un, sun_path) + 2);
}

static void the_limit_is_107_bytes(void **state)
{
	struct prm_ipc_address address = { .len = 77 };
	char name[128];

	assert_int_equal(PRM_IPC_PATH_MAX, 107);
	name_of(name, 108);
	assert_int_equal(prm_ipc_address_path(name, &address), -ENAMETOOLONG);
	assert_int_equal(prm_ipc_address_abstract(name, &address),
			 -ENAMETOOLONG);
	assert_int_equal(address.len, 77);
	name_of(name, 107);
	assert_int_equal(prm_ipc_address_path(name, &address), 0);
	assert_string_equal(address.un.sun_path, name);
	assert_int_equal(address.len, sizeof(address.un));
	assert_int_equal(prm_ipc_address_abstract(name, &address), 0);
	assert_int_equal(address.len, sizeof(address.un));
}

static void an_empty_name_is_none(void **state)
{
	struct prm_ipc_address address = { .len = 77 };

	assert_int_equal(prm_ipc_address_path("", &address), -EINVAL);
	assert_int_equal(prm_ipc_address_abstract("", &address), -EINVAL);
	assert_int_equal(address.len, 77);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_path_is_kept_whole),
		cmocka_unit_test(an_abstract_name_starts_with_nul),
		cmocka_unit_test(the_limit_is_107_bytes),
		cmocka_unit_test(an_empty_name_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
