/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * PERSISTENT RESERVE commands by SG_IO: a command becomes a struct sg_io_hdr,
 * and what the kernel leaves in it becomes a reply (status.h).
 *
 * The class asks first what the descriptor is open on, because a program that
 * runs as root is as privileged as the daemon: the kernel would let it reserve
 * a whole disk through one of its partitions, or through one path of many.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
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
		return (int)(len > PRM_DATA_SIZE ? PRM_DATA_SIZE : len);
	case PR_OUT:
		len = prm_get_be32(command->cdb + 5);
		if (len > PRM_DATA_SIZE || len > command->data_len)
			return -EINVAL;
		return (int)len;
	default: return -EINVAL;
	}
}

/*
 * Received data goes through a buffer of our own, with room behind it: where
 * the kernel maps the caller's pages, a software target writes to them, and
 * LIO writes up to a header's length more than READ FULL STATUS was allowed.
 * In the daemon, any client could ask for that.
 */
#define SLACK 512

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
	uint8_t received[PRM_DATA_SIZE + SLACK] __attribute__((aligned(SLACK)));
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
	if (hdr.dxfer_direction == SG_DXFER_FROM_DEV) {
		memset(received, 0, hdr.dxfer_len);
		hdr.dxferp = received;
	}
	prm_status_from_sg_io(reply, prm_device_sg_io(fd, &hdr), &hdr);
	if (reply->data_len)
		memcpy(command->data, received, reply->data_len);
	return 0;
}

/* An instance of the class. */
struct scsi {
	unsigned int timeout_ms;
	bool inspect;
};

/* 0, or why no command may be sent to @fd. */
static int inspect(int fd, uint8_t opcode)
{
	struct prm_device_info info;
	int r;

	r = prm_device_inspect(fd, &info);
	if (r < 0)
		return r;
	/* Reserving is for those who may write, and know where it goes. */
	if (opcode == PR_OUT &&
	    (!info.writable || info.kind == PRM_DEVICE_UNKNOWN))
		return -ENOTTY;
	return prm_device_verdict_fd(fd, &info);
}

static int scsi_run(void *instance, int fd, const struct prm_command *command,
		    struct prm_reply *ret_reply)
{
	const struct scsi *scsi = instance;
	int r = 0;

	if (scsi->inspect)
		r = inspect(fd, command->cdb[0]);
	if (r < 0) {
		prm_status_from_verdict(ret_reply, r);
		return 0;
	}
	return prm_scsi_run(fd, command, scsi->timeout_ms, ret_reply);
}

static int scsi_create(struct prm_manager *manager,
		       const struct prm_options *options, void **ret_instance,
		       char **ret_error)
{
	struct scsi *scsi = malloc(sizeof(*scsi));

	if (!scsi)
		return -ENOMEM;
	scsi->timeout_ms =
		(unsigned int)prm_options_number(options, "timeout", 0) * 1000;
	scsi->inspect = prm_options_bool(options, "inspect", true);
	*ret_instance = scsi;
	return 0;
}

static const struct prm_property scsi_properties[] = {
	{
		.name = "timeout",
		.type = PRM_PROPERTY_NUMBER,
		.min = 1,
		.max = INT_MAX / 1000,
	},
	{ .name = "inspect", .type = PRM_PROPERTY_BOOL },
};

const struct prm_manager_class prm_scsi_class = {
	.size = sizeof(prm_scsi_class),
	.name = "pr-manager-scsi",
	.properties = scsi_properties,
	.property_count = sizeof(scsi_properties) / sizeof(scsi_properties[0]),
	.create = scsi_create,
	.destroy = free,
	.run = scsi_run,
	.max_parallel = 4,
};
