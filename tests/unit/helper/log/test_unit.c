/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The systemd unit that a process belongs to. */
#include <limits.h>
#include "log_test.h"
#include "helper/log/unit.h"

static void assert_unit(const char *text, const char *expected)
{
	char name[PRM_UNIT_SIZE];

	assert_int_equal(prm_unit_of_text(text, strlen(text), name), 0);
	assert_string_equal(name, expected);
}

static void assert_no_unit(const char *text)
{
	char name[PRM_UNIT_SIZE] = "x";

	assert_int_equal(prm_unit_of_text(text, strlen(text), name), -ENOENT);
	assert_string_equal(name, "");
}

static void a_service_is_named(void **state)
{
	assert_unit("0::/system.slice/pr-helper.service\n",
		    "pr-helper.service");
}

static void a_virtual_machine_is_its_scope(void **state)
{
	assert_unit("0::/machine.slice/machine-qemu\\x2d1\\x2dvm.scope/"
		    "libvirt/emulator\n",
		    "machine-qemu\\x2d1\\x2dvm.scope");
}

static void a_container_is_its_scope(void **state)
{
	assert_unit("0::/kubepods.slice/kubepods-burstable.slice/"
		    "cri-containerd-0123abcd.scope\n",
		    "cri-containerd-0123abcd.scope");
}

static void without_systemd_it_is_the_last_group(void **state)
{
	assert_unit("0::/docker/0123abcd\n", "0123abcd");
	assert_unit("0::/lxc/\n", "lxc");
	assert_unit("0::/a/b//\n", "b");
}

static void the_old_hierarchies_have_systemds(void **state)
{
	assert_unit("12:cpuset:/foo\n11:memory:/user.slice\n"
		    "1:name=systemd:/system.slice/x.service\n0::/\n",
		    "x.service");
	assert_unit("1:name=systemd:/\n0::/y.service", "y.service");
}

static void the_root_is_no_unit(void **state)
{
	assert_no_unit("0::/\n");
	assert_no_unit("");
	assert_no_unit("\n\n");
	assert_no_unit("garbage\n");
	assert_no_unit("0:");
	assert_no_unit("0::");
	assert_no_unit("5:cpu:/x.service\n");
}

static void a_suffix_alone_is_no_unit(void **state)
{
	assert_unit("0::/.service/real.scope\n", "real.scope");
}

static void a_name_that_is_too_long_is_cut(void **state)
{
	char text[600] = "0::/", name[PRM_UNIT_SIZE];

	memset(text + 4, 'n', 500);
	assert_int_equal(prm_unit_of_text(text, strlen(text), name), 0);
	assert_int_equal(strlen(name), PRM_UNIT_SIZE - 1);
}

/* Every beginning of a file, as a bounded read may leave it. */
static void any_part_of_a_file_is_safe(void **state)
{
	static const char text[] = "1:name=systemd:/a.slice/b.scope/c\n0::/d\n";
	char name[PRM_UNIT_SIZE];

	for (size_t len = 0; len < sizeof(text); len++) {
		char *exact = malloc(len ? len : 1);

		memcpy(exact, text, len);
		(void)prm_unit_of_text(exact, len, name);
		assert_true(strlen(name) < PRM_UNIT_SIZE);
		free(exact);
	}
}

static void a_running_process_can_be_asked_for(void **state)
{
	char name[PRM_UNIT_SIZE];
	int r = prm_unit_of_pid(getpid(), name);

	/* Whatever runs the tests: in a group, in the root, or without any. */
	assert_true(r <= 0);
	assert_int_equal(r == 0, name[0] != '\0');
}

static void a_process_that_is_not_there_is_told(void **state)
{
	char name[PRM_UNIT_SIZE] = "x";

	/* Far above the highest pid that the kernel gives out. */
	assert_int_equal(prm_unit_of_pid(INT_MAX, name), -ESRCH);
	assert_string_equal(name, "");
	assert_int_equal(prm_unit_of_pid(0, name), -ESRCH);
	assert_int_equal(prm_unit_of_pid(-1, name), -ESRCH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_service_is_named),
		cmocka_unit_test(a_virtual_machine_is_its_scope),
		cmocka_unit_test(a_container_is_its_scope),
		cmocka_unit_test(without_systemd_it_is_the_last_group),
		cmocka_unit_test(the_old_hierarchies_have_systemds),
		cmocka_unit_test(the_root_is_no_unit),
		cmocka_unit_test(a_suffix_alone_is_no_unit),
		cmocka_unit_test(a_name_that_is_too_long_is_cut),
		cmocka_unit_test(any_part_of_a_file_is_safe),
		cmocka_unit_test(a_running_process_can_be_asked_for),
		cmocka_unit_test(a_process_that_is_not_there_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
