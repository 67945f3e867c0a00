/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Commands that come as struct sg_io_hdr, from programs that were written for
 * the SG_IO ioctl.
 *
 * What goes in is refused by the rules of the kernel and of QEMU's client; what
 * comes out has every member that the kernel would have set.  Data always goes
 * through a buffer of our own: a scatter list has to be joined, and the
 * program's memory is written only once there is an answer.
 */
#include <errno.h>
#include <prmanager/manager.h>
#include <string.h>
#include "base/clock.h"
#include "base/cleanup.h"
#include "base/cursor.h"
#include "manager/sg_io.h"
#include "scsi/cdb.h"

/* driver_status of the kernel when there is sense data (DRIVER_SENSE). */
#define DRIVER_SENSE 0x08

/* The kernel's limit on scatter lists (UIO_MAXIOV). */
#define IOVEC_MAX 1024

/* Direction, shape and CDB; lengths are for prm_manager_run() to judge. */
static int check(const struct sg_io_hdr *hdr, struct prm_pr_cdb *ret_cdb)
{
	int direction;

	if (!hdr || hdr->interface_id != 'S' || !hdr->cmdp ||
	    hdr->cmd_len < PRM_PR_CDB_LEN || hdr->cmd_len > PRM_CDB_SIZE ||
	    hdr->iovec_count > IOVEC_MAX)
		return -EINVAL;
	if (prm_pr_cdb_decode(hdr->cmdp, hdr->cmd_len, ret_cdb))
		return -EINVAL;
	if (hdr->dxfer_len < ret_cdb->length)
		return -EINVAL;
	direction = ret_cdb->out ? SG_DXFER_TO_DEV : SG_DXFER_FROM_DEV;
	if (hdr->dxfer_direction == direction)
		return hdr->dxferp || !hdr->dxfer_len ? 0 : -EINVAL;
	return hdr->dxfer_direction == SG_DXFER_NONE && !hdr->dxfer_len
		       ? 0
		       : -EINVAL;
}

/* Move up to @len bytes between @data and the program; returns how many. */
static size_t move(const struct sg_io_hdr *hdr, uint8_t *data, size_t len,
		   bool to_program)
{
	struct sg_iovec whole = { hdr->dxferp, hdr->dxfer_len };
	const struct sg_iovec *vec = hdr->iovec_count ? hdr->dxferp : &whole;
	size_t count = hdr->iovec_count ? hdr->iovec_count : 1;
	size_t i, part, done = 0;

	for (i = 0; i < count && done < len; i++) {
		part = len - done < vec[i].iov_len ? len - done
						   : vec[i].iov_len;
		if (!part)
			continue;
		if (to_program)
			memcpy(vec[i].iov_base, data + done, part);
		else
			memcpy(data + done, vec[i].iov_base, part);
		done += part;
	}
	return done;
}

/* How much room a scatter list has, which dxfer_len may overstate. */
static size_t room(const struct sg_io_hdr *hdr)
{
	const struct sg_iovec *vec = hdr->dxferp;
	size_t i, sum = 0;

	if (!hdr->iovec_count)
		return hdr->dxfer_len;
	for (i = 0; i < hdr->iovec_count && sum < hdr->dxfer_len; i++)
		sum += vec[i].iov_len < hdr->dxfer_len ? vec[i].iov_len
						       : hdr->dxfer_len;
	return sum < hdr->dxfer_len ? sum : hdr->dxfer_len;
}

void prm_sg_io_store(struct sg_io_hdr *hdr, const struct prm_reply *reply)
{
	size_t sense_len = reply->sense_len < hdr->mx_sb_len ? reply->sense_len
							     : hdr->mx_sb_len;

	if (!hdr->sbp)
		sense_len = 0;
	hdr->status = (unsigned char)reply->status;
	hdr->masked_status = (hdr->status >> 1) & 0x1f;
	hdr->msg_status = 0;
	hdr->host_status = 0;
	hdr->driver_status = 0;
	hdr->sb_len_wr = 0;
	hdr->info = SG_INFO_OK;
	if (hdr->masked_status)
		hdr->info |= SG_INFO_CHECK;
	if (reply->status != PRM_STATUS_CHECK_CONDITION)
		return;
	hdr->driver_status = DRIVER_SENSE;
	if (sense_len)
		memcpy(hdr->sbp, reply->sense, sense_len);
	hdr->sb_len_wr = (unsigned char)sense_len;
}

int prm_sg_io_run(struct sg_io_hdr *hdr, prm_sg_io_runner run, void *opaque)
{
	struct prm_command command = PRM_COMMAND_INIT;
	struct prm_reply reply = PRM_REPLY_INIT;
	uint8_t data[PRM_DATA_SIZE] = { 0 };
	int64_t start = prm_clock_ns();
	struct prm_pr_cdb cdb;
	size_t len;
	int r;

	r = check(hdr, &cdb);
	if (r < 0)
		return r;
	len = cdb.length < sizeof(data) ? cdb.length : sizeof(data);
	if (room(hdr) < cdb.length || (cdb.out && cdb.length > len))
		return -EINVAL;
	memcpy(command.cdb, hdr->cmdp, hdr->cmd_len);
	command.cdb_len = hdr->cmd_len;
	if (len < cdb.length)
		prm_put_be16(command.cdb + 7, PRM_DATA_SIZE);
	command.data = data;
	command.data_len = len;
	command.timeout_ms = hdr->timeout;
	if (cdb.out)
		(void)move(hdr, data, len, false);
	r = run(opaque, &command, &reply);
	if (r < 0)
		return r;
	if (!cdb.out)
		(void)move(hdr, data, reply.data_len, true);
	hdr->resid = cdb.out ? 0 : (int)(hdr->dxfer_len - reply.data_len);
	hdr->duration =
		(unsigned int)((prm_clock_ns() - start) / PRM_NS_PER_MS);
	prm_sg_io_store(hdr, &reply);
	return 0;
}

struct target {
	struct prm_manager *manager;
	int fd;
};

static int run_on_manager(void *opaque, const struct prm_command *command,
			  struct prm_reply *ret_reply)
{
	const struct target *target = opaque;

	return prm_manager_run(target->manager, target->fd, command, ret_reply);
}

int prm_manager_sg_io(struct prm_manager *manager, int fd,
		      struct sg_io_hdr *hdr)
{
	struct target target = { manager, fd };

	return prm_sg_io_run(hdr, run_on_manager, &target);
}
