/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What SG_IO is asked for a command, and what is made of the answer. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <cmocka.h>
#include "backend/scsi.h"
#include "device/kernel.h"

#define FD 1234 /* never opened: nothing but the table below sees it */

static struct {
	int fd;
	unsigned int calls;
	struct sg_io_hdr asked;
	uint8_t cdb[32], data[PRM_DATA_SIZE];
	int error;
	struct sg_io_hdr answer; /* only its outcome members */
	const uint8_t *from_device;
	size_t from_device_len;
	const uint8_t *sense; /* as long as there is room */
} script;

static int scripted_sg_io(int fd, struct sg_io_hdr *hdr)
{
	assert_int_equal(fd, script.fd);
	script.calls++;
	script.asked = *hdr;
	assert_in_range(hdr->cmd_len, 6, sizeof(script.cdb));
	memcpy(script.cdb, hdr->cmdp, hdr->cmd_len);
	if (hdr->dxfer_direction == SG_DXFER_TO_DEV) {
		assert_in_range(hdr->dxfer_len, 1, sizeof(script.data));
		memcpy(script.data, hdr->dxferp, hdr->dxfer_len);
	}
	if (script.error)
		return script.error;
	if (script.from_device_len)
		memcpy(hdr->dxferp, script.from_device, script.from_device_len);
	if (script.sense)
		memcpy(hdr->sbp, script.sense, hdr->mx_sb_len);
	hdr->status = script.answer.status;
	hdr->host_status = script.answer.host_status;
	hdr->driver_status = script.answer.driver_status;
	hdr->sb_len_wr = script.answer.sb_len_wr;
	hdr->resid = script.answer.resid;
	return 0;
}

/* What the device is, for the class, which looks. */
static struct {
	mode_t type;
	dev_t number;
	int flags, verdict;
	const char *uuid;
} device;

static int scripted_stat(int fd, mode_t *ret_type, dev_t *ret_number)
{
	*ret_type = device.type;
	*ret_number = device.number;
	return 0;
}

static int scripted_flags(int fd, int *ret_flags)
{
	*ret_flags = device.flags;
	return 0;
}

static int scripted_sg_version(int fd)
{
	return device.verdict;
}

static int scripted_read(const char *path, char *buf, size_t size)
{
	snprintf(buf, size, "%s", device.uuid);
	return 0;
}

/* More than one device below, so that a map without a uuid is unknown. */
static int scripted_list(const char *path, char (*names)[PRM_KERNEL_NAME_SIZE],
			 size_t max)
{
	return strcmp(path, "dev/block/253:0/slaves") == 0 ? 40 : 0;
}

static const struct prm_kernel scripted_kernel = {
	.stat = scripted_stat,
	.flags = scripted_flags,
	.sg_version = scripted_sg_version,
	.sg_io = scripted_sg_io,
	.read = scripted_read,
	.list = scripted_list,
};

static int set_up(void **state)
{
	memset(&script, 0, sizeof(script));
	script.fd = FD;
	device.type = S_IFBLK;
	device.number = makedev(8, 0);
	device.flags = O_RDWR;
	device.verdict = 0;
	device.uuid = "";
	prm_kernel_use(&scripted_kernel);
	return 0;
}

static int tear_down(void **state)
{
	prm_kernel_use(NULL);
	return 0;
}

static struct prm_command command(uint8_t opcode, uint16_t len, void *data,
				  size_t data_len)
{
	struct prm_command cmd = PRM_COMMAND_INIT;

	cmd.cdb[0] = opcode;
	cmd.cdb[1] = 3;
	cmd.cdb[2] = 5;
	cmd.cdb[7] = (uint8_t)(len >> 8);
	cmd.cdb[8] = (uint8_t)len;
	cmd.cdb_len = 10;
	cmd.data = data;
	cmd.data_len = data_len;
	return cmd;
}

static void in_reads_as_much_as_the_cdb_allows(void **state)
{
	static const struct {
		uint16_t allocation;
		size_t room;
		unsigned int want;
	} cases[] = {
		{ 24, 24, 24 },      { 24, 8192, 24 }, { 8192, 8192, 8192 },
		{ 65535, 512, 512 }, { 0, 8192, 0 },   { 24, 0, 0 },
		{ 1, 1, 1 },
	};
	uint8_t data[PRM_DATA_SIZE];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct prm_command cmd =
			command(0x5e, cases[i].allocation, data, cases[i].room);
		struct prm_reply reply = PRM_REPLY_INIT;

		assert_int_equal(prm_scsi_run(FD, &cmd, 0, &reply), 0);
		assert_int_equal(script.asked.dxfer_len, cases[i].want);
		assert_int_equal(script.asked.dxfer_direction,
				 cases[i].want ? SG_DXFER_FROM_DEV
					       : SG_DXFER_NONE);
		assert_int_equal(reply.status, PRM_STATUS_GOOD);
		assert_int_equal(reply.data_len, cases[i].want);
		assert_int_equal(script.asked.interface_id, 'S');
		assert_int_equal(script.asked.cmd_len, 10);
		assert_int_equal(script.asked.mx_sb_len, PRM_SENSE_SIZE);
		assert_int_equal(script.asked.iovec_count, 0);
		assert_memory_equal(script.cdb, cmd.cdb, 10);
	}
}

static void what_the_device_did_not_send_is_zero(void **state)
{
	static const uint8_t sent[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	uint8_t data[32], want[32] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	struct prm_command cmd = command(0x5e, 24, data, 24);
	struct prm_reply reply = PRM_REPLY_INIT;

	/* The adapter reports no residual for the 16 bytes that are missing. */
	memset(data, 0xee, sizeof(data));
	memset(want + 24, 0xee, 8);
	script.from_device = sent;
	script.from_device_len = sizeof(sent);
	assert_int_equal(prm_scsi_run(FD, &cmd, 0, &reply), 0);
	assert_int_equal(reply.data_len, 24);
	assert_memory_equal(data, want, sizeof(data));
}

/* LIO does so with READ FULL STATUS, where its pages are the caller's. */
static void a_device_that_sends_too_much_overwrites_nothing(void **state)
{
	static const uint16_t lengths[] = { 1, 24, 25, 512, 8192 };
	static uint8_t sent[PRM_DATA_SIZE + 64], data[PRM_DATA_SIZE + 64];

	memset(sent, 0x55, sizeof(sent));
	script.from_device = sent;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct prm_command cmd =
			command(0x5e, lengths[i], data, lengths[i]);
		struct prm_reply reply = PRM_REPLY_INIT;

		memset(data, 0xee, sizeof(data));
		script.from_device_len = lengths[i] + 64;
		assert_int_equal(prm_scsi_run(FD, &cmd, 0, &reply), 0);
		assert_int_equal(reply.data_len, lengths[i]);
		assert_int_equal(data[lengths[i] - 1], 0x55);
		for (size_t j = lengths[i]; j < lengths[i] + 64u; j++)
			assert_int_equal(data[j], 0xee);
	}
}

static void out_sends_the_parameter_list(void **state)
{
	uint8_t data[PRM_DATA_SIZE];
	struct prm_reply reply = PRM_REPLY_INIT;
	struct prm_command cmd;

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7);
	cmd = command(0x5f, 8192, data, sizeof(data));
	cmd.cdb_len = 16;
	memset(cmd.cdb + 10, 0xee, 6);
	assert_int_equal(prm_scsi_run(FD, &cmd, 0, &reply), 0);
	assert_int_equal(script.asked.dxfer_direction, SG_DXFER_TO_DEV);
	assert_int_equal(script.asked.dxfer_len, 8192);
	assert_memory_equal(script.data, data, sizeof(data));
	assert_int_equal(script.asked.cmd_len, 10);
	assert_int_equal(reply.status, PRM_STATUS_GOOD);
	assert_int_equal(reply.data_len, 0);

	cmd = command(0x5f, 0, NULL, 0);
	assert_int_equal(prm_scsi_run(FD, &cmd, 0, &reply), 0);
	assert_int_equal(script.asked.dxfer_direction, SG_DXFER_NONE);
	assert_int_equal(script.asked.dxfer_len, 0);
}

static void the_timeout_is_milliseconds_and_never_zero(void **state)
{
	struct prm_command cmd = command(0x5e, 0, NULL, 0);
	struct prm_reply reply = PRM_REPLY_INIT;

	prm_scsi_run(FD, &cmd, 0, &reply);
	assert_int_equal(script.asked.timeout, 60000);
	prm_scsi_run(FD, &cmd, 30000, &reply);
	assert_int_equal(script.asked.timeout, 30000);
	cmd.timeout_ms = 1500;
	prm_scsi_run(FD, &cmd, 30000, &reply);
	assert_int_equal(script.asked.timeout, 1500);
}

static void a_failed_call_is_an_answer(void **state)
{
	struct prm_command cmd = command(0x5e, 0, NULL, 0);
	struct prm_reply reply = PRM_REPLY_INIT;

	script.error = -ENODEV;
	assert_int_equal(prm_scsi_run(FD, &cmd, 0, &reply), 0);
	assert_int_equal(reply.status, PRM_STATUS_CHECK_CONDITION);
	assert_int_equal(reply.sense[2], 4);
	assert_int_equal(reply.sense[12], 0x44);

	script.error = 0;
	script.answer.status = PRM_STATUS_RESERVATION_CONFLICT;
	assert_int_equal(prm_scsi_run(FD, &cmd, 0, &reply), 0);
	assert_int_equal(reply.status, PRM_STATUS_RESERVATION_CONFLICT);
	assert_int_equal(reply.sense_len, 0);
}

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

/* One of a few interesting values, or any, or mostly none. */
static unsigned int mostly_none(uint32_t *seed, unsigned int mask)
{
	return next_random(seed) % 4 ? 0 : next_random(seed) & mask;
}

static void make_up_outcome(uint32_t *seed, uint8_t sense[PRM_SENSE_SIZE])
{
	static const int residuals[] = { 0,  1,    23,        24,       25,
					 -1, 8192, INT32_MAX, INT32_MIN };

	for (size_t i = 0; i < PRM_SENSE_SIZE; i++)
		sense[i] = (uint8_t)next_random(seed);
	if (next_random(seed) % 4)
		sense[0] = (uint8_t)(0x70 + next_random(seed) % 4);
	script.sense = sense;
	script.error = -(int)mostly_none(seed, 0x7f);
	script.answer = (struct sg_io_hdr){
		.host_status = (unsigned short)mostly_none(seed, 0x1f),
		.driver_status = (unsigned short)mostly_none(seed, 0xff),
		.status = (unsigned char)mostly_none(seed, 0xff),
		.sb_len_wr = (unsigned char)next_random(seed),
		.resid = residuals[next_random(seed) % 9],
	};
	if (next_random(seed) % 4 == 0)
		script.answer.status = PRM_STATUS_CHECK_CONDITION;
}

static bool device_has_spoken(void)
{
	return script.error == 0 && script.answer.host_status == 0 &&
	       (script.answer.driver_status & 0x0f) != 6;
}

static void assert_within_bounds(const struct prm_reply *reply,
				 const uint8_t data[64])
{
	const struct sg_io_hdr *said = &script.answer;
	bool good = device_has_spoken() && !said->driver_status &&
		    !said->status;
	size_t written = said->sb_len_wr;

	/* I1 */
	assert_int_equal(reply->status == PRM_STATUS_GOOD, good);
	/* I4 */
	assert_in_range(reply->data_len, 0, good ? 24 : 0);
	assert_in_range(reply->sense_len, 0, PRM_SENSE_SIZE);
	assert_int_equal(reply->sense_len != 0,
			 reply->status == PRM_STATUS_CHECK_CONDITION);
	for (size_t i = reply->sense_len; i < PRM_SENSE_SIZE; i++)
		assert_int_equal(reply->sense[i], 0);
	for (size_t i = reply->data_len; i < 64; i++)
		assert_int_equal(data[i], 0xee);
	/* I10 */
	if (written > PRM_SENSE_SIZE)
		written = PRM_SENSE_SIZE;
	if (!device_has_spoken() || written < 8 ||
	    said->status != PRM_STATUS_CHECK_CONDITION ||
	    (script.sense[0] & 0x7c) != 0x70)
		return;
	assert_int_equal(reply->sense_len, written);
	assert_memory_equal(reply->sense, script.sense, written);
}

/* Whatever call, host, driver and device say at once, and however wrong. */
static void no_outcome_is_false_or_out_of_bounds(void **state)
{
	static const uint8_t sent[24] = { 1, 2, 3 };
	uint8_t data[64], sense[PRM_SENSE_SIZE];
	uint32_t seed = 1;

	script.from_device = sent;
	script.from_device_len = sizeof(sent);
	for (int i = 0; i < 1 << 16; i++) {
		struct prm_command cmd = command(0x5e, 24, data, sizeof(data));
		struct prm_reply reply = PRM_REPLY_INIT;

		memset(data, 0xee, sizeof(data));
		make_up_outcome(&seed, sense);
		assert_int_equal(prm_scsi_run(FD, &cmd, 0, &reply), 0);
		assert_within_bounds(&reply, data);
	}
}

static void what_is_no_such_command_never_reaches_the_device(void **state)
{
	uint8_t data[PRM_DATA_SIZE + 1] = { 0 };
	struct prm_reply reply, untouched;
	struct prm_command cmd;

	memset(&untouched, 0xee, sizeof(untouched));
	reply = untouched;
	for (unsigned int opcode = 0; opcode < 256; opcode++) {
		if (opcode == 0x5e || opcode == 0x5f)
			continue;
		cmd = command((uint8_t)opcode, 0, NULL, 0);
		assert_int_equal(prm_scsi_run(FD, &cmd, 0, &reply), -EINVAL);
	}
	for (size_t len = 0; len < 20; len++) {
		cmd = command(0x5e, 0, NULL, 0);
		cmd.cdb_len = len;
		assert_int_equal(prm_scsi_run(FD, &cmd, 0, &untouched),
				 len < 10 || len > 16 ? -EINVAL : 0);
		memset(&untouched, 0xee, sizeof(untouched));
	}
	script.calls = 0;

	/* Lists that are shorter than the CDB says, or longer than fits. */
	cmd = command(0x5f, 25, data, 24);
	assert_int_equal(prm_scsi_run(FD, &cmd, 0, &reply), -EINVAL);
	cmd = command(0x5f, 8193, data, sizeof(data));
	assert_int_equal(prm_scsi_run(FD, &cmd, 0, &reply), -EINVAL);
	cmd = command(0x5f, 24, data, 24);
	cmd.cdb[6] = 1;
	assert_int_equal(prm_scsi_run(FD, &cmd, 0, &reply), -EINVAL);
	cmd.cdb[6] = 0;
	cmd.cdb[5] = 0x80;
	assert_int_equal(prm_scsi_run(FD, &cmd, 0, &reply), -EINVAL);

	assert_int_equal(script.calls, 0);
	assert_memory_equal(&reply, &untouched, sizeof(reply));
}

/* Runs @opcode through the class; returns how often the device was asked. */
static unsigned int run_class(const char *options, uint8_t opcode,
			      struct prm_reply *reply)
{
	struct prm_command cmd = command(opcode, 0, NULL, 0);
	struct prm_manager *manager;
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	script.calls = 0;
	script.fd = fd;
	assert_int_equal(prm_manager_new(options, &manager, NULL), 0);
	*reply = (struct prm_reply)PRM_REPLY_INIT;
	assert_int_equal(prm_manager_run(manager, fd, &cmd, reply), 0);
	prm_manager_unref(manager);
	close(fd);
	return script.calls;
}

static void assert_class_refuses(uint8_t opcode)
{
	struct prm_reply reply;

	assert_int_equal(run_class("pr-manager-scsi,id=a", opcode, &reply), 0);
	assert_int_equal(reply.status, PRM_STATUS_CHECK_CONDITION);
	assert_int_equal(reply.sense[2], 5);
	assert_int_equal(reply.sense[12], 0x20);

	/* Whoever has inspected the descriptor can say so. */
	assert_int_equal(run_class("pr-manager-scsi,id=a,inspect=off", opcode,
				   &reply),
			 1);
	assert_int_equal(reply.status, PRM_STATUS_GOOD);
}

static void the_class_sends_to_whole_disks(void **state)
{
	struct prm_reply reply;

	assert_int_equal(run_class("pr-manager-scsi,id=a", 0x5f, &reply), 1);
	assert_int_equal(reply.status, PRM_STATUS_GOOD);
	assert_int_equal(script.asked.timeout, 60000);
	run_class("pr-manager-scsi,id=a,timeout=7", 0x5f, &reply);
	assert_int_equal(script.asked.timeout, 7000);
	run_class("pr-manager-scsi,id=a,timeout=2147483", 0x5f, &reply);
	assert_int_equal(script.asked.timeout, 2147483000);

	device.flags = O_RDONLY;
	assert_int_equal(run_class("pr-manager-scsi,id=a", 0x5e, &reply), 1);
}

static void the_class_refuses_what_is_no_whole_disk(void **state)
{
	device.verdict = -ENOTTY;
	assert_class_refuses(0x5e);
	assert_class_refuses(0x5f);
	device.verdict = 0;
	device.type = S_IFREG;
	assert_class_refuses(0x5e);
	device.type = S_IFBLK;
	device.number = makedev(253, 0);
	device.uuid = "mpath-1";
	assert_class_refuses(0x5e);
	assert_class_refuses(0x5f);
	device.uuid = "part1-mpath-1";
	assert_class_refuses(0x5e);
}

static void the_class_reserves_only_where_it_may(void **state)
{
	struct prm_reply reply;

	device.flags = O_RDONLY;
	assert_class_refuses(0x5f);
	device.flags = O_RDWR;
	device.number = makedev(253, 0);
	assert_class_refuses(0x5f);
	assert_int_equal(run_class("pr-manager-scsi,id=a", 0x5e, &reply), 1);
}

static void a_lost_path_is_no_refusal(void **state)
{
	struct prm_reply reply;

	device.verdict = -ENODEV;
	assert_int_equal(run_class("pr-manager-scsi,id=a", 0x5e, &reply), 0);
	assert_int_equal(reply.status, PRM_STATUS_CHECK_CONDITION);
	assert_int_equal(reply.sense[2], 4);
	assert_int_equal(reply.sense[12], 0x44);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(in_reads_as_much_as_the_cdb_allows),
		TEST(what_the_device_did_not_send_is_zero),
		TEST(a_device_that_sends_too_much_overwrites_nothing),
		TEST(out_sends_the_parameter_list),
		TEST(the_timeout_is_milliseconds_and_never_zero),
		TEST(a_failed_call_is_an_answer),
		TEST(no_outcome_is_false_or_out_of_bounds),
		TEST(what_is_no_such_command_never_reaches_the_device),
		TEST(the_class_sends_to_whole_disks),
		TEST(the_class_refuses_what_is_no_whole_disk),
		TEST(the_class_reserves_only_where_it_may),
		TEST(a_lost_path_is_no_refusal),
	};

	return cmocka_run_group_tests_name("scsi", tests, NULL, NULL);
}
