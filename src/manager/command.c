/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The border between a program, the library and a class.
 *
 * Whatever crosses it is checked here, once, in both directions: a class may
 * rely on the command, the program may rely on the reply, whoever wrote the
 * class.  The refusals are those of QEMU's client, which its helper relies on.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include "base/cursor.h"
#include "manager/command.h"
#include "scsi/cdb.h"

/* Where PERSISTENT RESERVE IN has its allocation length. */
#define ALLOCATION_LENGTH_AT 7

static bool is_out(const struct prm_command *command)
{
	return command->cdb[0] == PRM_OPCODE_PR_OUT;
}

int prm_command_copy(const struct prm_command *command,
		     struct prm_command *ret_command)
{
	if (!command || command->size < sizeof(*command))
		return -EINVAL;
	*ret_command = *command;
	ret_command->size = sizeof(*ret_command);
	return 0;
}

int prm_command_check(struct prm_command *command, int fd)
{
	struct prm_pr_cdb cdb;

	if (command->cdb_len < PRM_PR_CDB_LEN ||
	    command->cdb_len > PRM_CDB_SIZE)
		return -EINVAL;
	memset(command->cdb + command->cdb_len, 0,
	       PRM_CDB_SIZE - command->cdb_len);
	if (prm_pr_cdb_decode(command->cdb, PRM_PR_CDB_LEN, &cdb))
		return -EINVAL;
	if (cdb.length > command->data_len || (cdb.length && !command->data))
		return -EINVAL;
	if (cdb.length > PRM_DATA_SIZE) {
		if (cdb.out)
			return -EINVAL;
		cdb.length = PRM_DATA_SIZE;
		prm_put_be16(command->cdb + ALLOCATION_LENGTH_AT,
			     PRM_DATA_SIZE);
	}
	command->data_len = cdb.length;
	return fcntl(fd, F_GETFD) < 0 ? -EBADF : 0;
}

int prm_reply_check(const struct prm_reply *reply)
{
	return reply && reply->size >= sizeof(*reply) ? 0 : -EINVAL;
}

void prm_reply_deliver(struct prm_reply *reply,
		       const struct prm_command *command,
		       struct prm_reply *ret_reply)
{
	if (reply->status != PRM_STATUS_GOOD || is_out(command))
		reply->data_len = 0;
	if (reply->data_len > command->data_len)
		reply->data_len = command->data_len;
	if (reply->sense_len > PRM_SENSE_SIZE)
		reply->sense_len = PRM_SENSE_SIZE;
	memset(reply->sense + reply->sense_len, 0,
	       PRM_SENSE_SIZE - reply->sense_len);
	reply->size = ret_reply->size;
	*ret_reply = *reply;
}
