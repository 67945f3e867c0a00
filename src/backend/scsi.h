/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_BACKEND_SCSI_H
#define PRM_BACKEND_SCSI_H

/*
 * PERSISTENT RESERVE commands by SG_IO, as a function and as a class.
 */

#include <prmanager/command.h>
#include <prmanager/manager.h>

/**
 * prm_scsi_run() - run one PERSISTENT RESERVE command on a SCSI device
 * @fd:         borrowed; the caller has made sure that it is one the command
 *              may be sent to (device/device.h)
 * @command:    the command; its data is read (OUT) or written (IN), of which no
 *             more than PRM_DATA_SIZE is asked for
 * @timeout_ms: how long it may take if the command does not say; 0 for 60 s
 * @reply:      what the device said, or what the way to it did; all of it is
 *              filled in but its size
 *
 * May block for longer than the timeout. Any thread.
 *
 * Return: 0, also when the command could not be delivered: @reply says so;
 * -EINVAL, with @reply untouched, if this is no such command: another opcode,
 * a CDB of fewer than 10 or more than 16 bytes, or a parameter list that is
 * shorter than the CDB says or longer than PRM_DATA_SIZE.
 */
int prm_scsi_run(int fd, const struct prm_command *command,
		 unsigned int timeout_ms, struct prm_reply *reply);

/*
 * Class "pr-manager-scsi": prm_scsi_run() on the descriptor of each command.
 *
 * Properties: timeout, in seconds, for commands that have none of their own
 * (default 60); inspect (default on), to refuse what prm_scsi_run() must not
 * be called with. It is off where the descriptor has been inspected already.
 */
extern const struct prm_manager_class prm_scsi_class;

#endif
