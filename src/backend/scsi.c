/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * PERSISTENT RESERVE commands by SG_IO: a command becomes a struct sg_io_hdr,
 * and what the kernel leaves in it becomes a reply (status.h).
 */
#include <errno.h>
#include <string.h>
#include "backend/scsi.h"
#include "backend/status.h"
#include "base/cursor.h"
#include "device/device.h"

#define PR_IN  0x5e
#define PR_OUT 0x5f

/* Both CDBs are 10 bytes (SPC-4, 6.15 and 6.16); what follows is padding. */
#define PR_CDB_LEN 10

/* As the kernel has it for block devices; PREEMPT AND ABORT can be slow. */
#define TIMEOUT_MS 60000

/* How many bytes the CDB says are to be moved, or -EINVAL. */
static int transfer_len(const struct prm_command *command)
{
	uint32_t len;

	if (command->cdb_len < PR_CDB_LEN || command->cdb_len > PRM_CDB_SIZE)
		return -EINVAL;
	switch (command->cdb[0]) {
	case PR_IN:
		len = prm_get_be16(command->cdb + 7);
		if (len > command->data_len)
			len = (uint32_t)command->data_len;
		return (int)len;
	case PR_OUT:
		len = prm_get_be32(command->cdb + 5);
		if (len > PRM_DATA_SIZE || len > command->data_len)
			return -EINVAL;
		return (int)len;
	default: return -EINVAL;
	}
}

static int direction(uint8_t opcode, int len)
{
	if (len == 0)
		return SG_DXFER_NONE;
	return opcode == PR_IN ? SG_DXFER_FROM_DEV : SG_DXFER_TO_DEV;
}

int prm_scsi_run(int fd, const struct prm_command *command,
		 unsigned int timeout_ms, struct prm_reply *reply)
{
	uint8_t cdb[PR_CDB_LEN], sense[PRM_SENSE_SIZE] = { 0 };
	struct sg_io_hdr hdr = { .interface_id = 'S' };
	int len = transfer_len(command);

	if (len < 0)
		return len;
	memcpy(cdb, command->cdb, sizeof(cdb));

	hdr.cmdp = cdb;
	hdr.cmd_len = sizeof(cdb);
	hdr.sbp = sense;
	hdr.mx_sb_len = sizeof(sense);
	hdr.dxfer_direction = direction(cdb[0], len);
	hdr.dxferp = command->data;
	hdr.dxfer_len = (unsigned int)len;
	hdr.timeout = TIMEOUT_MS;
	if (command->timeout_ms != 0)
		hdr.timeout = command->timeout_ms;
	else if (timeout_ms != 0)
		hdr.timeout = timeout_ms;

	/* An adapter that tells no residual leaves what was there before. */
	if (hdr.dxfer_direction == SG_DXFER_FROM_DEV)
		memset(command->data, 0, hdr.dxfer_len);
	prm_status_from_sg_io(reply, prm_device_sg_io(fd, &hdr), &hdr);
	return 0;
}
