/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_BACKEND_STATUS_H
#define PRM_BACKEND_STATUS_H

/*
 * From what SG_IO came back with to what the device is taken to have said.
 *
 * Fencing rests on this: a reply is GOOD only if the call succeeded and host
 * status, driver status and SCSI status are all 0.  Whatever is in no table is
 * an error with sense data.
 *
 * Threads: no state, no system call.  Every function fills in all of a reply
 * but its size.
 */

#include <scsi/sg.h>
#include <stddef.h>
#include <stdint.h>
#include <prmanager/command.h>
#include "scsi/sense.h"

/**
 * prm_status_set_sense() - reply with CHECK CONDITION and sense data of ours
 * @reply: to fill in
 * @code:  what to say, in fixed format
 */
void prm_status_set_sense(struct prm_reply *reply, enum prm_sense_code code);

/* Reply with a status that has neither sense data nor other data. */
void prm_status_set(struct prm_reply *reply, enum prm_status status);

/**
 * prm_status_from_errno() - reply for a command that had no outcome
 * @reply: to fill in; never GOOD
 * @error: errno, positive or negative; 0 counts as an unknown one
 */
void prm_status_from_errno(struct prm_reply *reply, int error);

/**
 * prm_status_from_verdict() - reply for a device that was refused
 * @reply: to fill in; never GOOD
 * @error: error of prm_device_inspect() or prm_device_verdict()
 *
 * No SCSI device is ILLEGAL REQUEST, INVALID COMMAND OPERATION CODE, which no
 * initiator tries again; anything else is as prm_status_from_errno() has it.
 */
void prm_status_from_verdict(struct prm_reply *reply, int error);

/**
 * prm_status_from_sg_io() - reply for the outcome of SG_IO
 * @reply: to fill in; its data_len says how much of the buffer is data
 * @error: what prm_device_sg_io() returned
 * @hdr:   as SG_IO left it; not looked at if @error is not 0
 */
void prm_status_from_sg_io(struct prm_reply *reply, int error,
			   const struct sg_io_hdr *hdr);

#endif
