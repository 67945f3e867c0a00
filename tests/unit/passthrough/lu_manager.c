/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/cursor.h"
#include "device/kernel.h"
#include "lu.h"
#include "lu_manager.h"
#include "scsi/sense.h"

struct lu_script lu_script;
struct kernel_script kernel_script;

static int capabilities = -1;

static const char *const nexuses[] = { "source", "target", "third", "fourth" };

#define NEXUSES (sizeof(nexuses) / sizeof(nexuses[0]))

/* The class */

static void answer_to_reply(const struct lu_answer *answer,
			    const struct prm_command *command,
			    struct prm_reply *reply)
{
	size_t len = answer->data_len;

	reply->status = answer->status;
	reply->sense_len = 0;
	reply->data_len = 0;
	if (answer->status == PRM_STATUS_CHECK_CONDITION) {
		prm_sense_encode_code(answer->sense, reply->sense);
		reply->sense_len = PRM_SENSE_FIXED_LEN;
	}
	if (answer->status != PRM_STATUS_GOOD || command->cdb[0] != 0x5e)
		return;
	if (len > command->data_len)
		len = command->data_len;
	if (len)
		memcpy(command->data, answer->data, len);
	if (command->cdb[1] == 2 && len > 2 && capabilities >= 0)
		((uint8_t *)command->data)[2] = (uint8_t)capabilities;
	reply->data_len = len;
}

static void carry_out(const char *nexus, const struct prm_command *command,
		      struct prm_reply *reply)
{
	struct lu_answer answer;

	do {
		lu_run(LU, nexus, command->cdb, command->data,
		       command->data_len, &answer);
	} while (lu_script.mute && answer.sense >> 16 == 0x06);
	answer_to_reply(&answer, command, reply);
}

static int run(void *instance, int fd, const struct prm_command *command,
	       struct prm_reply *ret_reply)
{
	const char *nexus = instance;
	unsigned int number;
	void (*act)(void);

	if (!lu_script.nexus || strcmp(lu_script.nexus, nexus)) {
		carry_out(nexus, command, ret_reply);
		return 0;
	}
	number = lu_script.commands++;
	if (number >= lu_script.at && number - lu_script.at < lu_script.busy) {
		ret_reply->status = PRM_STATUS_BUSY;
		return 0;
	}
	if (number != lu_script.at) {
		carry_out(nexus, command, ret_reply);
		return 0;
	}
	act = lu_script.act;
	if (act)
		act();
	if (lu_script.refuse) {
		prm_sense_encode_code(PRM_SENSE_TARGET_FAILURE,
				      ret_reply->sense);
		ret_reply->sense_len = PRM_SENSE_FIXED_LEN;
		return 0;
	}
	if (!lu_script.fail || lu_script.carry_out)
		carry_out(nexus, command, ret_reply);
	return lu_script.fail;
}

static int create(struct prm_manager *manager,
		  const struct prm_options *options, void **ret_instance,
		  char **ret_error)
{
	*ret_instance = strdup(prm_options_string(options, "nexus", ""));
	return *ret_instance ? 0 : -ENOMEM;
}

static const struct prm_property properties[] = {
	{ "nexus", PRM_PROPERTY_STRING, true, 0, 0 },
};

static const struct prm_manager_class lu_class = {
	.size = sizeof(lu_class),
	.name = "pr-manager-lu",
	.properties = properties,
	.property_count = 1,
	.create = create,
	.destroy = free,
	.run = run,
};

/* The kernel */

static int kernel_stat(int fd, mode_t *ret_type, dev_t *ret_number)
{
	*ret_type = kernel_script.is_char ? S_IFCHR : S_IFBLK;
	*ret_number = kernel_script.is_char ? makedev(21, 0) : makedev(8, 0);
	return 0;
}

static int kernel_flags(int fd, int *ret_flags)
{
	*ret_flags = O_RDWR;
	return 0;
}

static int kernel_sg_version(int fd)
{
	return kernel_script.verdict;
}

static int kernel_sg_io(int fd, struct sg_io_hdr *hdr)
{
	size_t len = hdr->mx_sb_len;

	kernel_script.calls++;
	kernel_script.asked = *hdr;
	memcpy(kernel_script.cdb, hdr->cmdp, hdr->cmd_len);
	if (kernel_script.error)
		return kernel_script.error;
	if (hdr->dxfer_direction == SG_DXFER_FROM_DEV)
		memset(hdr->dxferp, 0x77, hdr->dxfer_len);
	hdr->status = kernel_script.status;
	hdr->host_status = kernel_script.host_status;
	hdr->resid = kernel_script.resid;
	if (hdr->status != PRM_STATUS_CHECK_CONDITION)
		return 0;
	if (len > sizeof(kernel_script.sense))
		len = sizeof(kernel_script.sense);
	hdr->driver_status = 8;
	hdr->sb_len_wr = (unsigned char)len;
	memcpy(hdr->sbp, kernel_script.sense, len);
	return 0;
}

static const struct prm_kernel kernel = {
	.stat = kernel_stat,
	.flags = kernel_flags,
	.sg_version = kernel_sg_version,
	.sg_io = kernel_sg_io,
};

int lu_manager_set_up(void **state)
{
	(void)prm_kernel_use(&kernel);
	return prm_manager_class_register(&lu_class);
}

int lu_manager_begin(void **state)
{
	size_t i;

	memset(&lu_script, 0, sizeof(lu_script));
	memset(&kernel_script, 0, sizeof(kernel_script));
	for (i = 0; i < NEXUSES; i++)
		(void)lu_out(nexuses[i], 6, 0, 0, 1);
	(void)lu_out(nexuses[0], 6, 0, 0, 1);
	(void)lu_out(nexuses[0], 3, 0, 1, 0);
	for (i = 0; i < NEXUSES; i++)
		(void)lu_out(nexuses[i], 6, 0, 0, 0);
	assert_int_equal(lu_count(0), 0);
	return 0;
}

struct prm_manager *lu_manager_new(const char *nexus)
{
	struct prm_manager *manager = NULL;
	char text[128];

	(void)snprintf(text, sizeof(text), "pr-manager-lu,id=%s,nexus=%s",
		       nexus, nexus);
	assert_int_equal(prm_manager_new(text, &manager, NULL), 0);
	return manager;
}

struct prm_passthrough *lu_device_new(const char *nexus, const char *more)
{
	struct prm_passthrough *device = NULL;
	char text[128], *error = NULL;

	(void)snprintf(text, sizeof(text), "scsi-block,pr-manager=%s%s", nexus,
		       more);
	if (prm_passthrough_open("/dev/null", text, &device, &error) < 0)
		fail_msg("%s", error);
	return device;
}

void lu_set_capabilities(int byte)
{
	capabilities = byte;
}

static void put_out(uint8_t cdb[10], uint8_t list[24], uint8_t action,
		    uint8_t type, uint64_t key, uint64_t new_key)
{
	memset(cdb, 0, 10);
	memset(list, 0, 24);
	cdb[0] = 0x5f;
	cdb[1] = action;
	cdb[2] = type;
	cdb[8] = 24;
	prm_put_be64(list, key);
	prm_put_be64(list + 8, new_key);
}

/* Unit attentions are another's concern here. */
int lu_out(const char *nexus, uint8_t action, uint8_t type, uint64_t key,
	   uint64_t new_key)
{
	struct lu_answer answer;
	uint8_t cdb[10], list[24];

	put_out(cdb, list, action, type, key, new_key);
	do {
		lu_run(LU, nexus, cdb, list, sizeof(list), &answer);
	} while (answer.sense >> 16 == 0x06);
	return answer.status;
}

int lu_device_out(struct prm_passthrough *device, uint8_t action, uint8_t type,
		  uint64_t key, uint64_t new_key)
{
	struct prm_command command = PRM_COMMAND_INIT;
	struct prm_reply reply = PRM_REPLY_INIT;
	uint8_t cdb[10], list[24];

	put_out(cdb, list, action, type, key, new_key);
	memcpy(command.cdb, cdb, sizeof(cdb));
	command.cdb_len = sizeof(cdb);
	command.data = list;
	command.data_len = sizeof(list);
	assert_int_equal(prm_passthrough_run(device, &command, &reply), 0);
	return reply.status;
}

/* Through a nexus that never is registered. */
static void look(uint8_t action, struct lu_answer *answer)
{
	const uint8_t cdb[10] = { 0x5e, action, 0, 0, 0, 0, 0, 0xff, 0xff };

	lu_run(LU, "observer", cdb, NULL, 0, answer);
	assert_int_equal(answer->status, PRM_STATUS_GOOD);
}

unsigned int lu_count(uint64_t key)
{
	struct lu_answer answer;
	unsigned int count = 0;
	size_t at;

	look(0, &answer);
	for (at = 8; at < answer.data_len; at += 8)
		count += !key || prm_get_be64(answer.data + at) == key;
	return count;
}

void lu_reservation(uint8_t *ret_type, uint64_t *ret_key)
{
	struct lu_answer answer;

	look(1, &answer);
	*ret_type = answer.data_len == 24 ? answer.data[21] & 0x0f : 0;
	*ret_key = answer.data_len == 24 ? prm_get_be64(answer.data + 8) : 0;
}

/* To register the key that one has changes nothing. */
bool lu_is_registered(const char *nexus, uint64_t key)
{
	return lu_out(nexus, 0, 0, key, key) == PRM_STATUS_GOOD;
}
