/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Passthrough devices: opening, which way commands go, what guests see. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "lu_manager.h"

#define KEY   UINT64_C(0x6775657374)
#define THIRD UINT64_C(0x7468697264)

static struct prm_manager *manager;
static struct prm_passthrough *device;

static int set_up(void **state)
{
	if (lu_manager_set_up(state))
		return -1;
	manager = lu_manager_new("source");
	return 0;
}

static int tear_down(void **state)
{
	manager = prm_manager_unref(manager);
	return 0;
}

static int begin(void **state)
{
	(void)lu_manager_begin(state);
	device = lu_device_new("source", "");
	return 0;
}

static int end(void **state)
{
	device = prm_passthrough_close(device);
	return 0;
}

/* Opening */

static void assert_refused(const char *path, const char *options, int error,
			   const char *message)
{
	struct prm_passthrough *none = NULL;
	char *text = NULL;

	assert_int_equal(prm_passthrough_open(path, options, &none, &text),
			 error);
	assert_null(none);
	if (!text || !strstr(text, message))
		fail_msg("'%s' is refused with '%s'", options, text);
	free(text);
}

static void errors_of_opening_say_what_is_wrong(void **state)
{
	assert_refused("/dev/null", "scsi-disk,pr-manager=source", -EINVAL,
		       "'scsi-block' or 'scsi-generic', not 'scsi-disk'");
	assert_refused("/dev/null", "pr-manager=source", -EINVAL,
		       "'scsi-block' or 'scsi-generic'");
	assert_refused("/dev/null", "scsi-block", -EINVAL,
		       "scsi-block needs the property 'pr-manager'");
	assert_refused("/dev/null", "scsi-block,pr-manager=nobody", -ENOENT,
		       "no manager with the id 'nobody'");
	assert_refused("/dev/null", "scsi-block,pr-manager=source,speed=1",
		       -EINVAL, "scsi-block has no property 'speed'");
	assert_refused("/dev/null", "scsi-block,pr-manager=source,threads=0",
		       -EINVAL, "'threads': 0 is out of range");
	assert_refused("/nonexistent", "scsi-block,pr-manager=source", -ENOENT,
		       "cannot open '/nonexistent'");
	kernel_script.verdict = -ENOTTY;
	assert_refused("/dev/null", "scsi-block,pr-manager=source", -ENOTTY,
		       "'/dev/null' (8:0) is no whole SCSI device");
	kernel_script.verdict = 0;
	kernel_script.is_char = true;
	assert_refused("/dev/null", "scsi-block,pr-manager=source", -ENOTBLK,
		       "a block device, which '/dev/null' is not; use "
		       "scsi-generic for an sg node");
	assert_int_equal(prm_passthrough_open(NULL, "", &device, NULL),
			 -EINVAL);
}

static void scsi_generic_takes_sg_nodes_and_disks(void **state)
{
	struct prm_passthrough *generic = NULL;
	int i;

	for (i = 0; i < 2; i++) {
		kernel_script.is_char = i;
		assert_int_equal(
			prm_passthrough_open("/dev/null",
					     "scsi-generic,pr-manager=source",
					     &generic, NULL),
			0);
		(void)prm_passthrough_close(generic);
	}
}

static void descriptors_are_taken_on_success_only(void **state)
{
	struct prm_passthrough *taken = NULL;
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC), was = fd;

	kernel_script.verdict = -ENOTTY;
	assert_int_equal(prm_passthrough_new(&fd,
					     "scsi-block,pr-manager=source",
					     &taken, NULL),
			 -ENOTTY);
	assert_int_equal(fd, was);
	assert_true(fcntl(fd, F_GETFD) >= 0);
	kernel_script.verdict = 0;
	assert_int_equal(prm_passthrough_new(&fd,
					     "scsi-block,pr-manager=source",
					     &taken, NULL),
			 0);
	assert_int_equal(fd, -1);
	assert_int_equal(prm_passthrough_fd(taken), was);
	(void)prm_passthrough_close(taken);
	assert_true(fcntl(was, F_GETFD) < 0);
}

static void opened_descriptors_do_not_survive_exec(void **state)
{
	assert_true(fcntl(prm_passthrough_fd(device), F_GETFD) & FD_CLOEXEC);
}

/* Which way */

static struct prm_command command_of(uint8_t opcode, size_t cdb_len,
				     int direction, void *data, size_t len)
{
	struct prm_command command = PRM_COMMAND_INIT;

	command.cdb[0] = opcode;
	command.cdb_len = cdb_len;
	command.direction = direction;
	command.data = data;
	command.data_len = len;
	return command;
}

static void pr_goes_to_the_manager_and_nothing_else_does(void **state)
{
	struct prm_reply reply = PRM_REPLY_INIT;
	struct prm_command command;
	unsigned int opcode;
	uint8_t list[24] = { 0 };

	lu_script.nexus = "source";
	lu_script.at = 1000;
	for (opcode = 0; opcode < 256; opcode++) {
		bool is_pr = opcode == 0x5e || opcode == 0x5f;

		kernel_script.calls = lu_script.commands = 0;
		command = command_of((uint8_t)opcode, 10, PRM_DIRECTION_NONE,
				     NULL, 0);
		command.data = list;
		if (opcode == 0x5f)
			command.cdb[8] = 24;
		if (opcode == 0x5f)
			command.data_len = sizeof(list);
		assert_int_equal(prm_passthrough_run(device, &command, &reply),
				 0);
		assert_int_equal(lu_script.commands, is_pr);
		assert_int_equal(kernel_script.calls, !is_pr);
	}
}

static void sg_io_gets_the_command_as_it_is(void **state)
{
	struct prm_reply reply = PRM_REPLY_INIT;
	uint8_t data[36] = { 0 };
	struct prm_command command =
		command_of(0x12, 6, PRM_DIRECTION_IN, data, sizeof(data));

	command.cdb[4] = sizeof(data);
	kernel_script.resid = 4;
	assert_int_equal(prm_passthrough_run(device, &command, &reply), 0);
	assert_int_equal(kernel_script.cdb[0], 0x12);
	assert_int_equal(kernel_script.cdb[4], 36);
	assert_int_equal(kernel_script.asked.cmd_len, 6);
	assert_int_equal(kernel_script.asked.dxfer_direction,
			 SG_DXFER_FROM_DEV);
	assert_int_equal(kernel_script.asked.dxfer_len, 36);
	assert_int_equal(kernel_script.asked.timeout, 30000);
	assert_int_equal(reply.status, PRM_STATUS_GOOD);
	assert_int_equal(reply.data_len, 32);
	assert_int_equal(data[0], 0x77);

	command = command_of(0x8a, 16, PRM_DIRECTION_OUT, data, sizeof(data));
	command.timeout_ms = 5;
	assert_int_equal(prm_passthrough_run(device, &command, &reply), 0);
	assert_int_equal(kernel_script.asked.cmd_len, 16);
	assert_int_equal(kernel_script.asked.dxfer_direction, SG_DXFER_TO_DEV);
	assert_int_equal(kernel_script.asked.timeout, 5);
	assert_int_equal(reply.data_len, 0);
}

static void the_devices_answer_is_passed_on(void **state)
{
	static const struct {
		uint8_t status;
		uint16_t host;
		int expected;
	} rows[] = {
		{ 0x00, 0, 0x00 }, { 0x04, 0, 0x04 }, { 0x08, 0, 0x08 },
		{ 0x18, 0, 0x18 }, { 0x28, 0, 0x28 }, { 0x40, 0, 0x40 },
		{ 0x02, 0, 0x02 }, { 0x00, 1, 0x02 }, { 0x04, 7, 0x02 },
	};
	struct prm_reply reply = PRM_REPLY_INIT;
	struct prm_command command =
		command_of(0x00, 6, PRM_DIRECTION_NONE, NULL, 0);
	size_t i;

	kernel_script.sense[0] = 0x70;
	kernel_script.sense[2] = 0x03;
	kernel_script.sense[7] = 10;
	kernel_script.sense[12] = 0x11;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		kernel_script.status = rows[i].status;
		kernel_script.host_status = rows[i].host;
		assert_int_equal(prm_passthrough_run(device, &command, &reply),
				 0);
		assert_int_equal(reply.status, rows[i].expected);
	}
	kernel_script.status = 2;
	kernel_script.host_status = 0;
	assert_int_equal(prm_passthrough_run(device, &command, &reply), 0);
	assert_int_equal(reply.sense_len, 18);
	assert_int_equal(reply.sense[12], 0x11);
}

static void data_read_with_an_error_is_counted(void **state)
{
	struct prm_reply reply = PRM_REPLY_INIT;
	uint8_t data[512];
	struct prm_command command =
		command_of(0x28, 10, PRM_DIRECTION_IN, data, sizeof(data));

	kernel_script.status = 2;
	kernel_script.sense[0] = 0x70;
	kernel_script.sense[2] = 0x01;
	kernel_script.resid = 12;
	assert_int_equal(prm_passthrough_run(device, &command, &reply), 0);
	assert_int_equal(reply.status, PRM_STATUS_CHECK_CONDITION);
	assert_int_equal(reply.data_len, 500);
}

static void errors_of_sg_io_promise_nothing(void **state)
{
	static const int errors[][2] = {
		{ -EPERM, -EPERM }, { -EIO, -EIO },      { -EINVAL, -EIO },
		{ -EBADF, -EIO },   { -ENOTCONN, -EIO }, { -ENOMEM, -ENOMEM },
	};
	struct prm_reply reply = PRM_REPLY_INIT;
	struct prm_command command =
		command_of(0x00, 6, PRM_DIRECTION_NONE, NULL, 0);
	size_t i;

	for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		kernel_script.error = errors[i][0];
		assert_int_equal(prm_passthrough_run(device, &command, &reply),
				 errors[i][1]);
		assert_int_equal(reply.status, PRM_STATUS_CHECK_CONDITION);
	}
}

static void commands_that_cannot_be_are_refused(void **state)
{
	struct prm_reply reply = PRM_REPLY_INIT;
	uint8_t data[8];
	struct prm_command wrong[] = {
		command_of(0x12, 5, PRM_DIRECTION_IN, data, 8),
		command_of(0x12, 17, PRM_DIRECTION_IN, data, 8),
		command_of(0x12, 6, PRM_DIRECTION_AUTO, data, 8),
		command_of(0x12, 6, PRM_DIRECTION_NONE, data, 8),
		command_of(0x12, 6, PRM_DIRECTION_IN, data, 0),
		command_of(0x12, 6, PRM_DIRECTION_IN, NULL, 8),
		command_of(0x12, 6, 4, data, 8),
		command_of(0x12, 6, -1, data, 8),
		command_of(0x5e, 6, PRM_DIRECTION_AUTO, data, 8),
	};
	size_t i;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(prm_passthrough_run(device, &wrong[i], &reply),
				 -EINVAL);
	assert_int_equal(kernel_script.calls, 0);
	assert_int_equal(prm_passthrough_run(NULL, &wrong[0], &reply), -EINVAL);
	assert_int_equal(prm_passthrough_run(device, NULL, &reply), -EINVAL);
	assert_int_equal(prm_passthrough_run(device, &wrong[0], NULL), -EINVAL);
}

/* What guests see */

static void capabilities_are_hidden_on_request_only(void **state)
{
	struct prm_passthrough *hiding =
		lu_device_new("source", ",migrate-pr=on");
	struct prm_reply reply = PRM_REPLY_INIT;
	uint8_t data[8];
	struct prm_command command =
		command_of(0x5e, 10, PRM_DIRECTION_IN, data, sizeof(data));

	command.cdb[1] = 2;
	command.cdb[8] = sizeof(data);
	lu_set_capabilities(0xff);
	assert_int_equal(prm_passthrough_run(device, &command, &reply), 0);
	assert_int_equal(data[2], 0xff);
	assert_int_equal(prm_passthrough_run(hiding, &command, &reply), 0);
	assert_int_equal(data[2], 0xf3);
	command.cdb[8] = 2;
	data[2] = 0xff;
	assert_int_equal(prm_passthrough_run(hiding, &command, &reply), 0);
	assert_int_equal(data[2], 0xff);
	command.cdb[1] = 0;
	lu_set_capabilities(-1);
	(void)prm_passthrough_close(hiding);
}

static void assert_state(uint64_t key, int type)
{
	struct prm_passthrough_state has = PRM_PASSTHROUGH_STATE_INIT;

	assert_int_equal(prm_passthrough_export(device, &has), 0);
	assert_int_equal(has.key, key);
	assert_int_equal(has.type, type);
	assert_int_equal(has.uncertain, 0);
}

static void preempts_are_followed_by_asking(void **state)
{
	/* The reservation of another becomes the guest's. */
	assert_int_equal(lu_out("third", 6, 0, 0, THIRD), 0);
	assert_int_equal(lu_out("third", 1, 5, THIRD, 0), 0);
	assert_int_equal(lu_device_out(device, 6, 0, 0, KEY), 0);
	assert_state(KEY, 0);
	assert_int_equal(lu_device_out(device, 4, 1, KEY, THIRD), 0);
	assert_state(KEY, 1);

	/* Only a registration is removed. */
	assert_int_equal(lu_out("third", 6, 0, 0, THIRD), 0);
	assert_int_equal(lu_device_out(device, 4, 3, KEY, THIRD), 0);
	assert_state(KEY, 1);

	/* The guest removes its own, without a reservation. */
	assert_int_equal(lu_device_out(device, 2, 1, KEY, 0), 0);
	assert_state(KEY, 0);
	assert_int_equal(lu_device_out(device, 4, 3, KEY, KEY), 0);
	assert_state(0, 0);
}

/* The fourth is told RESERVATIONS PREEMPTED by it. */
static void third_clears(void)
{
	(void)lu_out("third", 3, 0, THIRD, 0);
}

static void attentions_met_while_asking_are_the_guests(void **state)
{
	struct prm_reply reply = PRM_REPLY_INIT;
	uint8_t data[8];
	struct prm_command inquiry =
		command_of(0x12, 6, PRM_DIRECTION_IN, data, sizeof(data));
	struct prm_command ready =
		command_of(0x00, 6, PRM_DIRECTION_NONE, NULL, 0);

	assert_int_equal(lu_device_out(device, 6, 0, 0, KEY), 0);
	assert_int_equal(lu_out("third", 6, 0, 0, THIRD), 0);
	assert_int_equal(lu_out("fourth", 6, 0, 0, 4), 0);
	/* Between the guest's PREEMPT and our question, all is cleared. */
	lu_script.nexus = "source";
	lu_script.at = 1;
	lu_script.act = third_clears;
	assert_int_equal(lu_device_out(device, 4, 1, KEY, 4), 0);
	assert_int_equal(lu_script.commands, 2);

	assert_int_equal(prm_passthrough_run(device, &inquiry, &reply), 0);
	assert_int_equal(reply.status, PRM_STATUS_GOOD);
	kernel_script.calls = 0;
	assert_int_equal(prm_passthrough_run(device, &ready, &reply), 0);
	assert_int_equal(reply.status, PRM_STATUS_CHECK_CONDITION);
	assert_int_equal(reply.sense[2], 0x06);
	assert_int_equal(reply.sense[12], 0x2a);
	assert_int_equal(reply.sense[13], 0x03);
	assert_int_equal(kernel_script.calls, 0);
	assert_int_equal(prm_passthrough_run(device, &ready, &reply), 0);
	assert_int_equal(reply.status, PRM_STATUS_GOOD);
	assert_state(0, 0);
}

static void a_question_without_answer_is_asked_again(void **state)
{
	assert_int_equal(lu_device_out(device, 6, 0, 0, KEY), 0);
	assert_int_equal(lu_out("third", 6, 0, 0, THIRD), 0);
	assert_int_equal(lu_out("third", 1, 5, THIRD, 0), 0);
	lu_script.nexus = "source";
	lu_script.at = 1;
	lu_script.fail = -ENOTCONN;
	assert_int_equal(lu_device_out(device, 4, 6, KEY, THIRD), 0);
	assert_int_equal(lu_script.commands, 2);
	assert_state(KEY, 6);
	assert_int_equal(lu_script.commands, 3);
}

static void a_command_without_answer_makes_uncertain(void **state)
{
	struct prm_passthrough_state has = PRM_PASSTHROUGH_STATE_INIT;
	struct prm_reply reply = PRM_REPLY_INIT;
	uint8_t list[24] = { 0 };
	struct prm_command command =
		command_of(0x5f, 10, PRM_DIRECTION_OUT, list, sizeof(list));

	command.cdb[1] = 6;
	command.cdb[8] = sizeof(list);
	lu_script.nexus = "source";
	lu_script.fail = -ETIMEDOUT;
	assert_int_equal(prm_passthrough_run(device, &command, &reply),
			 -ETIMEDOUT);
	assert_int_equal(prm_passthrough_export(device, &has), 0);
	assert_int_equal(has.uncertain, 1);
}

/* Submitting */

static void count_end(void *opaque, int error, const struct prm_reply *reply)
{
	if (!error && reply->status == PRM_STATUS_GOOD)
		atomic_fetch_add((atomic_uint *)opaque, 1);
}

static void closing_waits_for_what_was_submitted(void **state)
{
	struct prm_passthrough *other = lu_device_new("source", ",threads=1");
	struct prm_command ready =
		command_of(0x00, 6, PRM_DIRECTION_NONE, NULL, 0);
	struct prm_command pr_in =
		command_of(0x5e, 10, PRM_DIRECTION_AUTO, NULL, 0);
	atomic_uint good = 0;
	int i;

	for (i = 0; i < 20; i++) {
		assert_int_equal(prm_passthrough_submit(other, &ready,
							count_end, &good),
				 0);
		assert_int_equal(prm_passthrough_submit(other, &pr_in,
							count_end, &good),
				 0);
	}
	(void)prm_passthrough_close(other);
	assert_int_equal(good, 40);
	assert_null(prm_passthrough_close(NULL));
}

static void refused_commands_are_not_submitted(void **state)
{
	struct prm_command bad =
		command_of(0x00, 5, PRM_DIRECTION_NONE, NULL, 0);
	atomic_uint good = 0;

	assert_int_equal(prm_passthrough_submit(device, &bad, count_end, &good),
			 -EINVAL);
	assert_int_equal(prm_passthrough_submit(device, NULL, count_end, &good),
			 -EINVAL);
	bad.cdb_len = 6;
	assert_int_equal(prm_passthrough_submit(device, &bad, NULL, &good),
			 -EINVAL);
	assert_int_equal(prm_passthrough_submit(NULL, &bad, count_end, &good),
			 -EINVAL);
}

static void completions_come_to_a_queue(void **state)
{
	struct prm_command ready =
		command_of(0x00, 6, PRM_DIRECTION_NONE, NULL, 0);
	struct prm_completion completion = PRM_COMPLETION_INIT;
	struct prm_queue *queue;
	struct pollfd pollfd;
	int mark;

	assert_int_equal(prm_queue_new(&queue), 0);
	assert_int_equal(
		prm_queue_submit_passthrough(queue, device, &ready, &mark), 0);
	pollfd = (struct pollfd){ prm_queue_fd(queue), POLLIN, 0 };
	assert_int_equal(poll(&pollfd, 1, -1), 1);
	assert_int_equal(prm_queue_next(queue, &completion), 0);
	assert_ptr_equal(completion.opaque, &mark);
	assert_int_equal(completion.reply.status, PRM_STATUS_GOOD);
	ready.cdb_len = 0;
	assert_int_equal(prm_queue_submit_passthrough(queue, device, &ready,
						      &mark),
			 -EINVAL);
	(void)prm_queue_free(queue);
}

/* The form of SG_IO */

static void sg_io_headers_go_the_same_ways(void **state)
{
	uint8_t cdb[10] = { 0x5f, 6, 0, 0, 0, 0, 0, 0, 24 };
	uint8_t list[24] = { [15] = 7 };
	struct sg_io_hdr hdr = {
		.interface_id = 'S',
		.dxfer_direction = SG_DXFER_TO_DEV,
		.cmd_len = sizeof(cdb),
		.cmdp = cdb,
		.dxferp = list,
		.dxfer_len = sizeof(list),
	};

	assert_int_equal(prm_passthrough_sg_io(device, &hdr), 0);
	assert_int_equal(hdr.status, 0);
	assert_int_equal(kernel_script.calls, 0);
	assert_state(7, 0);

	cdb[0] = 0x2a;
	kernel_script.status = 0x08;
	assert_int_equal(prm_passthrough_sg_io(device, &hdr), 0);
	assert_int_equal(hdr.status, 0x08);
	assert_int_equal(kernel_script.calls, 1);
	kernel_script.error = -EINVAL;
	assert_int_equal(prm_passthrough_sg_io(device, &hdr), -EINVAL);
	hdr.cmdp = NULL;
	assert_int_equal(prm_passthrough_sg_io(device, &hdr), -EINVAL);
	assert_int_equal(prm_passthrough_sg_io(device, NULL), -EINVAL);
}

static void sg_io_headers_tell_that_the_guest_was_fenced(void **state)
{
	uint8_t sense[18] = { 0 };
	uint8_t cdb[6] = { 0 };
	struct sg_io_hdr hdr = {
		.interface_id = 'S',
		.dxfer_direction = SG_DXFER_NONE,
		.cmd_len = sizeof(cdb),
		.cmdp = cdb,
		.sbp = sense,
		.mx_sb_len = sizeof(sense),
	};

	assert_int_equal(lu_device_out(device, 6, 0, 0, KEY), 0);
	assert_state(KEY, 0);
	kernel_script.status = 2;
	kernel_script.sense[0] = 0x70;
	kernel_script.sense[2] = 6;
	kernel_script.sense[7] = 10;
	kernel_script.sense[12] = 0x2a;
	kernel_script.sense[13] = 5;
	assert_int_equal(prm_passthrough_sg_io(device, &hdr), 0);
	assert_int_equal(hdr.status, 2);
	assert_state(0, 0);
}

static void errors_have_an_answer_for_guests(void **state)
{
	static const int errors[] = { -ENOTCONN, -ETIMEDOUT, -EPROTO, -EBADE,
				      -EDOM,     -EPERM,     0 };
	struct prm_reply reply = PRM_REPLY_INIT;
	size_t i;

	for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		reply.status = PRM_STATUS_GOOD;
		prm_reply_set_error(errors[i], &reply);
		assert_int_equal(reply.status, PRM_STATUS_CHECK_CONDITION);
		assert_int_equal(reply.sense[2], 0x0b);
		assert_int_equal(reply.sense[13], 0x06);
	}
	prm_reply_set_error(-EINVAL, &reply);
	assert_int_equal(reply.sense[2], 0x05);
	assert_int_equal(reply.sense[12], 0x24);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(errors_of_opening_say_what_is_wrong),
		TEST(scsi_generic_takes_sg_nodes_and_disks),
		TEST(descriptors_are_taken_on_success_only),
		TEST(opened_descriptors_do_not_survive_exec),
		TEST(pr_goes_to_the_manager_and_nothing_else_does),
		TEST(sg_io_gets_the_command_as_it_is),
		TEST(the_devices_answer_is_passed_on),
		TEST(data_read_with_an_error_is_counted),
		TEST(errors_of_sg_io_promise_nothing),
		TEST(commands_that_cannot_be_are_refused),
		TEST(capabilities_are_hidden_on_request_only),
		TEST(preempts_are_followed_by_asking),
		TEST(attentions_met_while_asking_are_the_guests),
		TEST(a_question_without_answer_is_asked_again),
		TEST(a_command_without_answer_makes_uncertain),
		TEST(closing_waits_for_what_was_submitted),
		TEST(refused_commands_are_not_submitted),
		TEST(completions_come_to_a_queue),
		TEST(sg_io_headers_go_the_same_ways),
		TEST(sg_io_headers_tell_that_the_guest_was_fenced),
		TEST(errors_have_an_answer_for_guests),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
