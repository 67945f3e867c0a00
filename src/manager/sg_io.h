/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_MANAGER_SG_IO_H
#define PRM_MANAGER_SG_IO_H

/* PERSISTENT RESERVE commands in the form of the SG_IO ioctl. */

#include <prmanager/command.h>
#include <scsi/sg.h>

/* What runs the command: as prm_manager_run(), without where. */
typedef int (*prm_sg_io_runner)(void *opaque, const struct prm_command *command,
				struct prm_reply *ret_reply);

/**
 * prm_sg_io_run() - take a command out of a header, run it, and store what came
 * @hdr:    the header; as it was if this fails
 * @run:    runs the command
 * @opaque: passed to @run
 *
 * Return: 0; -EINVAL for what is no such command; or what @run returned.
 */
int prm_sg_io_run(struct sg_io_hdr *hdr, prm_sg_io_runner run, void *opaque);

/**
 * prm_sg_io_store() - store status and sense as the kernel would
 * @hdr:   the header; its residual and duration are left alone
 * @reply: the answer
 */
void prm_sg_io_store(struct sg_io_hdr *hdr, const struct prm_reply *reply);

#endif
