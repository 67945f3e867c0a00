/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What crosses the border between a program and a class, in both directions;
 * in the form of the library and in that of SG_IO.
 */
#include <errno.h>
#include <fcntl.h>
#include <scsi/sg.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <prmanager/manager.h>

/* What the class saw, and what it shall answer. */
static struct {
	unsigned int calls;
	int fd;
	struct prm_command command;
	uint8_t list[PRM_DATA_SIZE];
	struct prm_reply reply;
	int error;
} script;

static struct prm_manager *manager;
static int device;
static uint8_t data[PRM_DATA_SIZE * 2];

static int run_script(void *instance, int fd, const struct prm_command *command,
		      struct prm_reply *ret_reply)
{
	size_t i, size = ret_reply->size;

	assert_int_equal(ret_reply->status, PRM_STATUS_CHECK_CONDITION);
	script.calls++;
	script.fd = fd;
	script.command = *command;
	if (command->cdb[0] == 0x5f && command->data_len)
		memcpy(script.list, command->data, command->data_len);
	else if (command->cdb[0] == 0x5e)
		for (i = 0; i < script.reply.data_len && i < command->data_len;
		     i++)
			((uint8_t *)command->data)[i] = (uint8_t)(i + 1);
	*ret_reply = script.reply;
	ret_reply->size = size;
	return script.error;
}

static int begin(void **state)
{
	memset(&script, 0, sizeof(script));
	memset(data, 0, sizeof(data));
	return 0;
}

static int set_up(void **state)
{
	struct prm_manager_class class = {
		.size = sizeof(class),
		.name = "pr-manager-script",
		.run = run_script,
	};

	device = open("/dev/null", O_RDWR | O_CLOEXEC);
	return prm_manager_class_register(&class) ||
	       prm_manager_new("pr-manager-script,id=s", &manager, NULL);
}

static int tear_down(void **state)
{
	manager = prm_manager_unref(manager);
	return close(device);
}

static struct prm_command pr_in(uint16_t length)
{
	struct prm_command command = PRM_COMMAND_INIT;

	command.cdb[0] = 0x5e;
	command.cdb[7] = (uint8_t)(length >> 8);
	command.cdb[8] = (uint8_t)length;
	command.cdb_len = 10;
	command.data = data;
	command.data_len = length;
	return command;
}

static struct prm_command pr_out(uint32_t length)
{
	struct prm_command command = PRM_COMMAND_INIT;

	command.cdb[0] = 0x5f;
	command.cdb[5] = (uint8_t)(length >> 24);
	command.cdb[6] = (uint8_t)(length >> 16);
	command.cdb[7] = (uint8_t)(length >> 8);
	command.cdb[8] = (uint8_t)length;
	command.cdb_len = 10;
	command.data = data;
	command.data_len = length;
	return command;
}

static int run(const struct prm_command *command, struct prm_reply *reply)
{
	*reply = (struct prm_reply)PRM_REPLY_INIT;
	return prm_manager_run(manager, device, command, reply);
}

static void assert_refused(const struct prm_command *command)
{
	struct prm_reply reply;

	assert_int_equal(run(command, &reply), -EINVAL);
	assert_int_equal(script.calls, 0);
	assert_int_equal(reply.status, PRM_STATUS_CHECK_CONDITION);
}

static void only_pr_commands_of_10_to_16_bytes_pass(void **state)
{
	struct prm_command command = pr_in(8);
	struct prm_reply reply;
	unsigned int opcode;

	for (opcode = 0; opcode < 256; opcode++) {
		command.cdb[0] = (uint8_t)opcode;
		if (opcode != 0x5e && opcode != 0x5f)
			assert_refused(&command);
	}
	command = pr_in(8);
	command.cdb_len = 9;
	assert_refused(&command);
	command.cdb_len = 17;
	assert_refused(&command);
	command.cdb_len = 16;
	assert_int_equal(run(&command, &reply), 0);
	command.cdb_len = 10;
	command.cdb[12] = 0xff;
	assert_int_equal(run(&command, &reply), 0);
	assert_int_equal(script.command.cdb[12], 0);
}

static void data_must_be_as_long_as_the_cdb_says(void **state)
{
	struct prm_command command = pr_in(8);

	command.data_len = 7;
	assert_refused(&command);
	command = pr_in(8);
	command.data = NULL;
	assert_refused(&command);
	command = pr_out(24);
	command.data_len = 23;
	assert_refused(&command);
}

static void longer_data_is_cut_to_what_the_cdb_says(void **state)
{
	struct prm_command command = pr_in(8);
	struct prm_reply reply;

	command.data_len = 100;
	assert_int_equal(run(&command, &reply), 0);
	assert_int_equal(script.command.data_len, 8);
	command = pr_out(24);
	command.data_len = 100;
	assert_int_equal(run(&command, &reply), 0);
	assert_int_equal(script.command.data_len, 24);
}

static void commands_without_data_pass(void **state)
{
	struct prm_command command = pr_in(0);
	struct prm_reply reply;

	command.data = NULL;
	assert_int_equal(run(&command, &reply), 0);
	command = pr_out(0);
	command.data = NULL;
	assert_int_equal(run(&command, &reply), 0);
	assert_int_equal(script.calls, 2);
}

static void the_protocols_limit_clamps_in_and_refuses_out(void **state)
{
	struct prm_command command = pr_in(PRM_DATA_SIZE);
	struct prm_reply reply;

	assert_int_equal(run(&command, &reply), 0);
	assert_int_equal(script.command.data_len, PRM_DATA_SIZE);
	command = pr_in(PRM_DATA_SIZE + 1);
	assert_int_equal(run(&command, &reply), 0);
	assert_int_equal(script.command.data_len, PRM_DATA_SIZE);
	assert_int_equal(script.command.cdb[7], PRM_DATA_SIZE >> 8);
	assert_int_equal(script.command.cdb[8], 0);
	assert_int_equal(command.cdb[8], 1);
	command = pr_out(PRM_DATA_SIZE);
	assert_int_equal(run(&command, &reply), 0);
	script.calls = 0;
	command = pr_out(PRM_DATA_SIZE + 1);
	assert_refused(&command);
	command = pr_out(0x10000018);
	command.data_len = SIZE_MAX;
	assert_refused(&command);
}

static void closed_descriptors_are_refused(void **state)
{
	struct prm_command command = pr_in(8);
	struct prm_reply reply = PRM_REPLY_INIT;

	assert_int_equal(prm_manager_run(manager, -1, &command, &reply),
			 -EBADF);
	assert_int_equal(prm_manager_run(manager, 1000, &command, &reply),
			 -EBADF);
	assert_int_equal(script.calls, 0);
}

static void structures_of_another_size_are_refused(void **state)
{
	struct prm_command command = pr_in(8);
	struct prm_reply reply = PRM_REPLY_INIT;

	command.size--;
	assert_refused(&command);
	command.size++;
	reply.size--;
	assert_int_equal(prm_manager_run(manager, device, &command, &reply),
			 -EINVAL);
	assert_int_equal(prm_manager_run(manager, device, NULL, &reply),
			 -EINVAL);
	assert_int_equal(prm_manager_run(manager, device, &command, NULL),
			 -EINVAL);
	assert_int_equal(prm_manager_run(NULL, device, &command, &reply),
			 -EINVAL);
	assert_int_equal(script.calls, 0);
}

static void a_later_versions_reply_keeps_its_size(void **state)
{
	struct prm_command command = pr_in(8);
	struct {
		struct prm_reply reply;
		uint8_t more[16];
	} later = { .reply = PRM_REPLY_INIT };

	later.reply.size = sizeof(later);
	memset(later.more, 0xa5, sizeof(later.more));
	assert_int_equal(
		prm_manager_run(manager, device, &command, &later.reply), 0);
	assert_int_equal(later.reply.size, sizeof(later));
	assert_int_equal(later.reply.status, PRM_STATUS_GOOD);
	assert_int_equal(later.more[0], 0xa5);
}

static void no_reply_is_given_with_an_error(void **state)
{
	struct prm_command command = pr_in(8);
	struct prm_reply reply;

	script.error = -EPROTO;
	script.reply.status = PRM_STATUS_GOOD;
	assert_int_equal(run(&command, &reply), -EPROTO);
	assert_int_equal(reply.status, PRM_STATUS_CHECK_CONDITION);
}

static void a_class_cannot_break_the_rules_of_replies(void **state)
{
	struct prm_command command = pr_in(8);
	struct prm_reply reply;

	script.reply.data_len = 9;
	script.reply.sense_len = PRM_SENSE_SIZE + 1;
	assert_int_equal(run(&command, &reply), 0);
	assert_int_equal(reply.data_len, 8);
	assert_int_equal(reply.sense_len, PRM_SENSE_SIZE);

	script.reply.status = PRM_STATUS_RESERVATION_CONFLICT;
	script.reply.sense_len = 8;
	memset(script.reply.sense, 0xff, PRM_SENSE_SIZE);
	assert_int_equal(run(&command, &reply), 0);
	assert_int_equal(reply.data_len, 0);
	assert_int_equal(reply.sense[7], 0xff);
	assert_int_equal(reply.sense[8], 0);

	command = pr_out(24);
	script.reply.status = PRM_STATUS_GOOD;
	assert_int_equal(run(&command, &reply), 0);
	assert_int_equal(reply.data_len, 0);
}

/* The form of SG_IO */

struct sg {
	struct sg_io_hdr hdr;
	uint8_t cdb[16];
	uint8_t sense[64];
};

static void sg_init(struct sg *sg, const struct prm_command *command)
{
	memset(sg, 0, sizeof(*sg));
	memcpy(sg->cdb, command->cdb, sizeof(sg->cdb));
	sg->hdr.interface_id = 'S';
	sg->hdr.cmdp = sg->cdb;
	sg->hdr.cmd_len = (unsigned char)command->cdb_len;
	sg->hdr.sbp = sg->sense;
	sg->hdr.mx_sb_len = sizeof(sg->sense);
	sg->hdr.dxfer_direction = command->cdb[0] == 0x5e ? SG_DXFER_FROM_DEV
							  : SG_DXFER_TO_DEV;
	sg->hdr.dxferp = command->data;
	sg->hdr.dxfer_len = (unsigned int)command->data_len;
	sg->hdr.timeout = 1234;
	sg->hdr.status = 0xee;
}

static void sg_io_returns_data_and_residual(void **state)
{
	struct prm_command command = pr_in(40);
	struct sg sg;

	script.reply.data_len = 24;
	sg_init(&sg, &command);
	sg.hdr.dxfer_len = 50;
	assert_int_equal(prm_manager_sg_io(manager, device, &sg.hdr), 0);
	assert_int_equal(sg.hdr.status, 0);
	assert_int_equal(sg.hdr.resid, 26);
	assert_int_equal(sg.hdr.info, SG_INFO_OK);
	assert_int_equal(sg.hdr.driver_status, 0);
	assert_int_equal(sg.hdr.sb_len_wr, 0);
	assert_int_equal(data[23], 24);
	assert_int_equal(data[24], 0);
	assert_int_equal(script.command.timeout_ms, 1234);
	assert_int_equal(script.fd, device);
}

static void sg_io_returns_sense_as_the_kernel_does(void **state)
{
	struct prm_command command = pr_out(24);
	struct sg sg;

	script.reply.status = PRM_STATUS_CHECK_CONDITION;
	script.reply.sense_len = 18;
	memset(script.reply.sense, 0x70, 18);
	sg_init(&sg, &command);
	assert_int_equal(prm_manager_sg_io(manager, device, &sg.hdr), 0);
	assert_int_equal(sg.hdr.status, 2);
	assert_int_equal(sg.hdr.masked_status, 1);
	assert_int_equal(sg.hdr.driver_status, 8);
	assert_int_equal(sg.hdr.host_status, 0);
	assert_int_equal(sg.hdr.sb_len_wr, 18);
	assert_int_equal(sg.hdr.info & SG_INFO_CHECK, SG_INFO_CHECK);
	assert_int_equal(sg.hdr.resid, 0);
	assert_int_equal(sg.sense[17], 0x70);

	sg.hdr.mx_sb_len = 8;
	memset(sg.sense, 0, sizeof(sg.sense));
	assert_int_equal(prm_manager_sg_io(manager, device, &sg.hdr), 0);
	assert_int_equal(sg.hdr.sb_len_wr, 8);
	assert_int_equal(sg.sense[8], 0);

	sg.hdr.sbp = NULL;
	assert_int_equal(prm_manager_sg_io(manager, device, &sg.hdr), 0);
	assert_int_equal(sg.hdr.sb_len_wr, 0);

	script.reply.status = PRM_STATUS_RESERVATION_CONFLICT;
	assert_int_equal(prm_manager_sg_io(manager, device, &sg.hdr), 0);
	assert_int_equal(sg.hdr.status, 0x18);
	assert_int_equal(sg.hdr.masked_status, 0x0c);
	assert_int_equal(sg.hdr.driver_status, 0);
}

static void sg_io_scatters_what_is_received(void **state)
{
	struct prm_command command = pr_in(30);
	uint8_t a[5] = { 0 }, b[40] = { 0 };
	struct sg_iovec vec[3] = { { a, sizeof(a) },
				   { NULL, 0 },
				   { b, sizeof(b) } };
	struct sg sg;

	script.reply.data_len = 20;
	sg_init(&sg, &command);
	sg.hdr.dxferp = vec;
	sg.hdr.iovec_count = 3;
	assert_int_equal(prm_manager_sg_io(manager, device, &sg.hdr), 0);
	assert_int_equal(sg.hdr.resid, 10);
	assert_int_equal(a[0], 1);
	assert_int_equal(a[4], 5);
	assert_int_equal(b[0], 6);
	assert_int_equal(b[14], 20);
	assert_int_equal(b[15], 0);
}

static void sg_io_gathers_what_is_sent(void **state)
{
	struct prm_command command = pr_out(24);
	uint8_t bytes[24];
	struct sg_iovec vec[24];
	struct sg sg;
	size_t i;

	for (i = 0; i < 24; i++) {
		bytes[i] = (uint8_t)(100 + i);
		vec[i] = (struct sg_iovec){ &bytes[i], 1 };
	}
	sg_init(&sg, &command);
	sg.hdr.dxferp = vec;
	sg.hdr.iovec_count = 24;
	assert_int_equal(prm_manager_sg_io(manager, device, &sg.hdr), 0);
	assert_memory_equal(script.list, bytes, 24);
	assert_int_equal(script.command.data_len, 24);
}

static void sg_io_clamps_long_allocation_lengths(void **state)
{
	struct prm_command command = pr_in(PRM_DATA_SIZE * 2);
	struct sg sg;

	script.reply.data_len = PRM_DATA_SIZE;
	sg_init(&sg, &command);
	assert_int_equal(prm_manager_sg_io(manager, device, &sg.hdr), 0);
	assert_int_equal(script.command.data_len, PRM_DATA_SIZE);
	assert_int_equal(sg.hdr.resid, PRM_DATA_SIZE);
	assert_int_equal(sg.cdb[7], 0x40);
}

static void assert_sg_refused(struct sg *sg)
{
	struct sg_io_hdr before = sg->hdr;

	assert_int_equal(prm_manager_sg_io(manager, device, &sg->hdr), -EINVAL);
	assert_memory_equal(&before, &sg->hdr, sizeof(before));
	assert_int_equal(script.calls, 0);
}

static void sg_io_refuses_what_qemus_client_refuses(void **state)
{
	struct prm_command in = pr_in(24), out = pr_out(24);
	struct sg_iovec vec[2] = { { data, 10 }, { data, 13 } };
	struct sg sg;

	sg_init(&sg, &in);
	sg.hdr.interface_id = 'Q';
	assert_sg_refused(&sg);
	sg_init(&sg, &in);
	sg.hdr.cmd_len = 0;
	assert_sg_refused(&sg);
	sg.hdr.cmd_len = 17;
	assert_sg_refused(&sg);
	sg_init(&sg, &in);
	sg.hdr.dxfer_len = 23;
	assert_sg_refused(&sg);
	sg_init(&sg, &in);
	sg.hdr.dxfer_direction = SG_DXFER_TO_DEV;
	assert_sg_refused(&sg);
	sg_init(&sg, &out);
	sg.hdr.dxfer_direction = SG_DXFER_FROM_DEV;
	assert_sg_refused(&sg);
	sg_init(&sg, &in);
	sg.hdr.dxferp = NULL;
	assert_sg_refused(&sg);
	sg_init(&sg, &in);
	sg.hdr.dxferp = vec;
	sg.hdr.iovec_count = 2;
	assert_sg_refused(&sg);
	sg_init(&sg, &in);
	sg.hdr.cmdp = NULL;
	assert_sg_refused(&sg);
	sg_init(&sg, &in);
	sg.cdb[0] = 0x12;
	assert_sg_refused(&sg);
	assert_int_equal(prm_manager_sg_io(manager, device, NULL), -EINVAL);
}

static void sg_io_leaves_the_header_alone_on_errors(void **state)
{
	struct prm_command command = pr_in(24);
	struct sg_io_hdr before;
	struct sg sg;

	script.error = -ENOTCONN;
	sg_init(&sg, &command);
	before = sg.hdr;
	assert_int_equal(prm_manager_sg_io(manager, device, &sg.hdr),
			 -ENOTCONN);
	assert_memory_equal(&before, &sg.hdr, sizeof(before));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(only_pr_commands_of_10_to_16_bytes_pass,
				       begin),
		cmocka_unit_test_setup(data_must_be_as_long_as_the_cdb_says,
				       begin),
		cmocka_unit_test_setup(longer_data_is_cut_to_what_the_cdb_says,
				       begin),
		cmocka_unit_test_setup(commands_without_data_pass, begin),
		cmocka_unit_test_setup(
			the_protocols_limit_clamps_in_and_refuses_out, begin),
		cmocka_unit_test_setup(closed_descriptors_are_refused, begin),
		cmocka_unit_test_setup(structures_of_another_size_are_refused,
				       begin),
		cmocka_unit_test_setup(a_later_versions_reply_keeps_its_size,
				       begin),
		cmocka_unit_test_setup(no_reply_is_given_with_an_error, begin),
		cmocka_unit_test_setup(
			a_class_cannot_break_the_rules_of_replies, begin),
		cmocka_unit_test_setup(sg_io_returns_data_and_residual, begin),
		cmocka_unit_test_setup(sg_io_returns_sense_as_the_kernel_does,
				       begin),
		cmocka_unit_test_setup(sg_io_scatters_what_is_received, begin),
		cmocka_unit_test_setup(sg_io_gathers_what_is_sent, begin),
		cmocka_unit_test_setup(sg_io_clamps_long_allocation_lengths,
				       begin),
		cmocka_unit_test_setup(sg_io_refuses_what_qemus_client_refuses,
				       begin),
		cmocka_unit_test_setup(sg_io_leaves_the_header_alone_on_errors,
				       begin),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
