/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Commands of a passthrough device: to the manager, or by SG_IO.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include "backend/status.h"
#include "base/cleanup.h"
#include "base/lock.h"
#include "device/device.h"
#include "manager/command.h"
#include "manager/queue.h"
#include "manager/sg_io.h"
#include "passthrough/pr.h"
#include "scsi/cdb.h"

/* The kernel's smallest CDB (SG_IO refuses less). */
#define CDB_LEN_MIN 6

/* Commands that a pending unit attention does not stop (SAM-5, 5.14). */
#define OPCODE_REQUEST_SENSE 0x03
#define OPCODE_INQUIRY       0x12
#define OPCODE_REPORT_LUNS   0xa0

static bool take_pending(struct prm_passthrough *device, uint8_t opcode,
			 struct prm_reply *ret_reply)
{
	LOCK_SCOPE(&device->lock);

	if (!device->pending_count || opcode == OPCODE_REQUEST_SENSE ||
	    opcode == OPCODE_INQUIRY || opcode == OPCODE_REPORT_LUNS)
		return false;
	*ret_reply = device->pending[0];
	device->pending_count--;
	memmove(device->pending, device->pending + 1,
		device->pending_count * sizeof(device->pending[0]));
	return true;
}

/* The three errors that promise something are the library's alone. */
static int unknown(int error)
{
	return error == -ENOTCONN || error == -EINVAL || error == -EBADF
		       ? -EIO
		       : error;
}

static int sg_direction(const struct prm_command *command)
{
	switch (command->direction) {
	case PRM_DIRECTION_IN: return SG_DXFER_FROM_DEV;
	case PRM_DIRECTION_OUT: return SG_DXFER_TO_DEV;
	default: return SG_DXFER_NONE;
	}
}

/* What is good for reservations only would be lost on other commands. */
static void fill_in(struct prm_reply *reply, const struct sg_io_hdr *hdr)
{
	size_t left = hdr->resid > 0 ? (size_t)hdr->resid : 0;

	prm_status_from_sg_io(reply, 0, hdr);
	if (hdr->host_status || hdr->driver_status & 0x07)
		return;
	if (hdr->status == PRM_STATUS_CONDITION_MET)
		prm_status_set(reply, PRM_STATUS_CONDITION_MET);
	if (hdr->status == PRM_STATUS_CHECK_CONDITION &&
	    hdr->dxfer_direction == SG_DXFER_FROM_DEV && left < hdr->dxfer_len)
		reply->data_len = hdr->dxfer_len - left;
}

static void track(struct prm_passthrough *device, const struct prm_reply *reply)
{
	LOCK_SCOPE(&device->lock);

	prm_track_attention(&device->track, reply);
}

static int run_sg_io(struct prm_passthrough *device,
		     const struct prm_command *command,
		     struct prm_reply *ret_reply)
{
	uint8_t sense[PRM_SENSE_SIZE] = { 0 };
	struct sg_io_hdr hdr = { .interface_id = 'S' };
	int r;

	hdr.cmdp = (unsigned char *)command->cdb;
	hdr.cmd_len = (unsigned char)command->cdb_len;
	hdr.sbp = sense;
	hdr.mx_sb_len = sizeof(sense);
	hdr.dxfer_direction = sg_direction(command);
	hdr.dxferp = command->data;
	hdr.dxfer_len = (unsigned int)command->data_len;
	hdr.timeout = command->timeout_ms ? command->timeout_ms
					  : device->timeout_ms;
	r = prm_device_sg_io(device->fd, &hdr);
	if (r < 0)
		return unknown(r);
	fill_in(ret_reply, &hdr);
	track(device, ret_reply);
	return 0;
}

static int check(const struct prm_command *command)
{
	bool moves = command->direction == PRM_DIRECTION_IN ||
		     command->direction == PRM_DIRECTION_OUT;

	if (command->cdb_len < CDB_LEN_MIN || command->cdb_len > PRM_CDB_SIZE)
		return -EINVAL;
	if (prm_cdb_is_pr(command->cdb[0]))
		return 0;
	if (command->direction < PRM_DIRECTION_AUTO ||
	    command->direction > PRM_DIRECTION_OUT)
		return -EINVAL;
	if (moves != (command->data_len != 0) || command->data_len > INT_MAX)
		return -EINVAL;
	return moves && !command->data ? -EINVAL : 0;
}

/* A checked command, and a reply of this library's size. */
static int run(void *opaque, const struct prm_command *command,
	       struct prm_reply *ret_reply)
{
	struct prm_passthrough *device = opaque;

	if (take_pending(device, command->cdb[0], ret_reply))
		return 0;
	if (prm_cdb_is_pr(command->cdb[0]))
		return prm_pr_run(device, command, ret_reply);
	return run_sg_io(device, command, ret_reply);
}

int prm_passthrough_run(struct prm_passthrough *device,
			const struct prm_command *command,
			struct prm_reply *ret_reply)
{
	struct prm_reply reply = PRM_REPLY_INIT;
	struct prm_command copy;
	int r;

	if (!device || prm_reply_check(ret_reply) < 0 ||
	    prm_command_copy(command, &copy) < 0)
		return -EINVAL;
	r = check(&copy);
	if (r < 0)
		return r;
	r = run(device, &copy, &reply);
	if (r < 0)
		return r;
	reply.size = ret_reply->size;
	*ret_reply = reply;
	return 0;
}

int prm_passthrough_sg_io(struct prm_passthrough *device, struct sg_io_hdr *hdr)
{
	struct prm_reply reply = PRM_REPLY_INIT;
	int r;

	if (!device || !hdr || !hdr->cmdp || !hdr->cmd_len)
		return -EINVAL;
	if (prm_cdb_is_pr(hdr->cmdp[0]))
		return prm_sg_io_run(hdr, run, device);
	if (take_pending(device, hdr->cmdp[0], &reply)) {
		prm_sg_io_store(hdr, &reply);
		hdr->resid = (int)hdr->dxfer_len;
		hdr->duration = 0;
		return 0;
	}
	r = prm_device_sg_io(device->fd, hdr);
	if (r < 0)
		return r;
	/* Without room for sense there is nothing to be learnt. */
	if (hdr->sbp) {
		prm_status_from_sg_io(&reply, 0, hdr);
		track(device, &reply);
	}
	return r;
}

struct passthrough_job {
	struct prm_job job; /* first: what the executor hands back */
	struct prm_passthrough *device;
	struct prm_command command;
	prm_complete complete;
	void *opaque;
};

static void run_job(struct prm_job *base)
{
	struct passthrough_job *job = (void *)base;
	struct prm_reply reply = PRM_REPLY_INIT;
	int r;

	r = prm_passthrough_run(job->device, &job->command, &reply);
	job->complete(job->opaque, r, &reply);
	free(job);
}

int prm_passthrough_submit(struct prm_passthrough *device,
			   const struct prm_command *command,
			   prm_complete complete, void *opaque)
{
	struct passthrough_job *job;
	int r;

	if (!device || !complete)
		return -EINVAL;
	job = calloc(1, sizeof(*job));
	if (!job)
		return -ENOMEM;
	job->job.run = run_job;
	job->device = device;
	job->complete = complete;
	job->opaque = opaque;
	r = prm_command_copy(command, &job->command);
	if (r == 0)
		r = check(&job->command);
	if (r == 0)
		r = prm_executor_submit(prm_cdb_is_pr(job->command.cdb[0])
						? device->pr_executor
						: device->executor,
					&job->job);
	if (r < 0)
		free(job);
	return r;
}

int prm_queue_submit_passthrough(struct prm_queue *queue,
				 struct prm_passthrough *device,
				 const struct prm_command *command,
				 void *opaque)
{
	struct prm_queue_entry *entry;
	int r;

	r = prm_queue_begin(queue, opaque, &entry);
	if (r < 0)
		return r;
	r = prm_passthrough_submit(device, command, prm_queue_complete, entry);
	if (r < 0)
		prm_queue_cancel(entry);
	return r;
}
