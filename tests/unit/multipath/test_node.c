/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether a path has the node that libmpathpersist opens. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <cmocka.h>
#include "multipath/node.h"

/* Any block device that has a node here. */
static bool find_block_node(char name[256], dev_t *ret_number)
{
	const struct dirent *entry;
	bool found = false;
	struct stat st;
	DIR *dev = opendir("/dev");

	while (dev && !found && (entry = readdir(dev))) {
		char path[300];

		if (strlen(entry->d_name) > 16)
			continue;
		(void)snprintf(path, sizeof(path), "/dev/%s", entry->d_name);
		found = lstat(path, &st) == 0 && S_ISBLK(st.st_mode);
		if (found)
			strcpy(name, entry->d_name);
	}
	if (dev)
		(void)closedir(dev);
	*ret_number = st.st_rdev;
	return found;
}

static void a_node_is_there_with_its_own_number_only(void **state)
{
	char name[256];
	dev_t number;

	if (!find_block_node(name, &number))
		skip();
	assert_true(prm_node_is_there(name, number));
	assert_false(prm_node_is_there(name, makedev(major(number),
						     minor(number) + 1)));
}

static void what_is_no_block_device_is_no_node(void **state)
{
	assert_false(prm_node_is_there("null", makedev(1, 3)));
	assert_false(prm_node_is_there("no-such-node", makedev(8, 0)));
}

static void a_node_is_opened(void **state)
{
	char name[256], path[300];
	int fd, plain;
	dev_t number;
	struct stat st;

	if (!find_block_node(name, &number))
		skip();
	(void)snprintf(path, sizeof(path), "/dev/%s", name);
	plain = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (plain < 0)
		skip();
	(void)close(plain);
	assert_int_equal(prm_node_open(name, number, &fd), 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_rdev, number);
	(void)close(fd);
}

static void a_node_that_is_another_device_is_not_opened(void **state)
{
	int fd = -1;

	assert_int_equal(prm_node_open("null", makedev(1, 3), &fd), -ENXIO);
	assert_int_equal(prm_node_open("no-such-node", makedev(8, 0), &fd),
			 -ENOENT);
	assert_int_equal(fd, -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_node_is_there_with_its_own_number_only),
		cmocka_unit_test(what_is_no_block_device_is_no_node),
		cmocka_unit_test(a_node_is_opened),
		cmocka_unit_test(a_node_that_is_another_device_is_not_opened),
	};

	return cmocka_run_group_tests_name("node", tests, NULL, NULL);
}
