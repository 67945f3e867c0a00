/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A whole server, with its threads, seen through its socket. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "rig.h"

static int set_up(void **state)
{
	rig_set_up();
	return 0;
}

static int tear_down(void **state)
{
	rig_tear_down();
	return 0;
}

static void a_request_is_answered(void **state)
{
	struct rig rig = { 0 };
	struct rig_device disk = rig_disk(0);
	struct rig_reply reply;
	int sock, fd;

	disk.data_len = 100;
	rig_start(&rig, (struct prm_server_config){ 0 });
	fd = rig_open(&disk, true);
	sock = rig_client(&rig);
	for (int i = 0; i < 3; i++) {
		rig_send_in(sock, fd);
		assert_true(rig_receive(sock, &reply));
		assert_int_equal(reply.status, 0);
		assert_int_equal(reply.size, 100);
		assert_int_equal(reply.data[99], 'd');
	}
	rig_send_out(sock, fd, 7);
	assert_true(rig_receive(sock, &reply));
	assert_int_equal(reply.status, 0);
	assert_int_equal(reply.size, 0);
	assert_int_equal(rig_run_key(3), 7);
	assert_int_equal(rig_audit(1)->key, 7);
	assert_int_equal(rig_audits(), 1);
	(void)close(sock);
	(void)close(fd);
	rig_stop(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_request_is_answered, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
