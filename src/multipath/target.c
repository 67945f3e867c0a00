/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * SG_IO on the map or a path, and the little it takes to live with a dying path.
 *
 * With one of two paths dead, every second command fails in the transport until
 * the map notices.  Such a failure of a question is asked again; an answer of
 * the target, a unit attention included, is an answer.
 */

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include "backend/scsi.h"
#include "backend/status.h"
#include "device/device.h"
#include "multipath/target.h"
#include "scsi/cdb.h"
#include "scsi/pr_in.h"
#include "scsi/sense.h"

#define TIMEOUT_MS 30000

/* Room for 1023 keys: prm_scsi_run() carries no more. */
#define KEYS_ROOM PRM_DATA_SIZE

/*
 * Unit attentions that one nexus may have in store, at the most that SPC
 * defines for reservations; each path has its own.
 */
#define ATTENTIONS 4

static void free_bytes(uint8_t **slot)
{
	free(*slot);
}

static uint32_t code_of(const struct prm_reply *reply)
{
	struct prm_sense sense;

	if (reply->status != PRM_STATUS_CHECK_CONDITION ||
	    prm_sense_decode(reply->sense, reply->sense_len, &sense) !=
		    PRM_DECODE_OK)
		return 0;
	return prm_sense_code(&sense);
}

/* What prm_status_from_sg_io() makes of host statuses: no device said so. */
static bool transport_failed(const struct prm_reply *reply)
{
	switch (code_of(reply)) {
	case PRM_SENSE_LUN_NO_RESPONSE:
	case PRM_SENSE_LUN_COMMUNICATION_FAILURE:
	case PRM_SENSE_NEXUS_LOSS:
	case PRM_SENSE_COMMANDS_CLEARED:
	case PRM_SENSE_IO_PROCESS_TERMINATED: return true;
	default: return reply->status == PRM_STATUS_BUSY;
	}
}

static bool is_attention(const struct prm_reply *reply)
{
	return code_of(reply) >> 16 == PRM_SENSE_KEY_UNIT_ATTENTION;
}

int prm_target_in(int fd, size_t attempts, const struct prm_command *command,
		  struct prm_reply *reply)
{
	int r;

	do {
		r = prm_scsi_run(fd, command, TIMEOUT_MS, reply);
	} while (r == 0 && transport_failed(reply) && --attempts);
	return r;
}

void prm_target_test_ready(int fd, struct prm_reply *reply)
{
	uint8_t cdb[6] = { 0 }, sense[PRM_SENSE_SIZE] = { 0 };
	struct sg_io_hdr hdr = {
		.interface_id = 'S',
		.dxfer_direction = SG_DXFER_NONE,
		.cmd_len = sizeof(cdb),
		.mx_sb_len = sizeof(sense),
		.cmdp = cdb,
		.sbp = sense,
		.timeout = TIMEOUT_MS,
	};

	prm_status_from_sg_io(reply, prm_device_sg_io(fd, &hdr), &hdr);
}

static int read_keys(int fd, uint8_t *data, struct prm_reply *reply)
{
	const struct prm_pr_cdb fields = {
		.action = PRM_PR_IN_READ_KEYS,
		.length = KEYS_ROOM,
	};
	struct prm_command command = PRM_COMMAND_INIT;

	prm_pr_cdb_encode(&fields, command.cdb);
	command.cdb_len = PRM_PR_CDB_LEN;
	command.data = data;
	command.data_len = KEYS_ROOM;
	return prm_scsi_run(fd, &command, TIMEOUT_MS, reply);
}

static int count_key(const uint8_t *data, size_t len, uint64_t wanted,
		     size_t *ret_count)
{
	struct prm_keys keys;
	uint64_t key;
	size_t count = 0;

	if (prm_keys_decode(data, len, &keys) != PRM_DECODE_OK ||
	    !keys.complete)
		return -EBADMSG;
	while (prm_keys_next(&keys, &key))
		count += key == wanted;
	*ret_count = count;
	return 0;
}

int prm_target_count_key(int fd, size_t attempts, uint64_t key,
			 size_t *ret_count)
{
	CLEANUP(free_bytes) uint8_t *data = NULL;
	struct prm_reply reply = PRM_REPLY_INIT;
	int r;

	data = calloc(1, KEYS_ROOM);
	if (!data)
		return -ENOMEM;
	attempts *= 1 + ATTENTIONS;
	do {
		r = read_keys(fd, data, &reply);
		if (r < 0)
			return r;
		if (reply.status == PRM_STATUS_GOOD)
			return count_key(data, reply.data_len, key, ret_count);
	} while ((transport_failed(&reply) || is_attention(&reply)) &&
		 --attempts);
	return -EIO;
}

static int register_again(int fd, const struct prm_pr_out *list,
			  struct prm_reply *reply)
{
	const struct prm_pr_out same = {
		.key = list->new_key,
		.new_key = list->new_key,
		.aptpl = list->aptpl,
		.all_target_ports = list->all_target_ports,
	};
	struct prm_pr_cdb fields = { .out = true,
				     .action = PRM_PR_OUT_REGISTER };
	struct prm_command command = PRM_COMMAND_INIT;
	uint8_t data[PRM_PR_OUT_BASIC_LEN];
	size_t len;
	int r = prm_pr_out_encode(fields.action, &same, NULL, 0, data,
				  sizeof(data), &len);

	if (r < 0)
		return r;
	fields.length = (uint32_t)len;
	prm_pr_cdb_encode(&fields, command.cdb);
	command.cdb_len = PRM_PR_CDB_LEN;
	command.data = data;
	command.data_len = len;
	return prm_scsi_run(fd, &command, TIMEOUT_MS, reply);
}

int prm_target_has_registered(int fd, const struct prm_pr_out *list)
{
	struct prm_reply reply = PRM_REPLY_INIT;
	size_t attempts = 1 + ATTENTIONS;
	int r;

	do {
		r = register_again(fd, list, &reply);
		if (r < 0)
			return r;
		if (reply.status == PRM_STATUS_GOOD)
			return 0;
		if (reply.status == PRM_STATUS_RESERVATION_CONFLICT)
			return -ENOKEY;
	} while (is_attention(&reply) && --attempts);
	return -EIO;
}
