/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_PASSTHROUGH_PR_H
#define PRM_PASSTHROUGH_PR_H

/* PERSISTENT RESERVE commands of a passthrough device, and of our own. */

#include "passthrough/object.h"

/* Room for the data of our own PERSISTENT RESERVE IN, in bytes. */
#define PRM_PR_ROOM PRM_DATA_SIZE

/**
 * prm_pr_run() - run a guest's PERSISTENT RESERVE command
 * @device:    the device; what is remembered of the guest is updated
 * @command:   the command
 * @ret_reply: the answer; of the size of this library's structure
 *
 * Return: as prm_manager_run().
 */
int prm_pr_run(struct prm_passthrough *device,
	       const struct prm_command *command, struct prm_reply *ret_reply);

/**
 * prm_pr_in() - run a PERSISTENT RESERVE IN of our own
 * @device:    the device
 * @action:    service action
 * @data:      PRM_PR_ROOM bytes of room
 * @ret_reply: the answer
 *
 * Return: as prm_manager_run().
 */
int prm_pr_in(struct prm_passthrough *device, uint8_t action, void *data,
	      struct prm_reply *ret_reply);

/**
 * prm_pr_out() - run a PERSISTENT RESERVE OUT of our own
 * @device:    the device
 * @action:    service action, not REGISTER AND MOVE
 * @type:      reservation type
 * @key:       RESERVATION KEY
 * @new_key:   SERVICE ACTION RESERVATION KEY
 * @ret_reply: the answer
 *
 * Return: as prm_manager_run().
 */
int prm_pr_out(struct prm_passthrough *device, uint8_t action, uint8_t type,
	       uint64_t key, uint64_t new_key, struct prm_reply *ret_reply);

/* Ask the device what a PREEMPT has brought about, if that is open. */
void prm_pr_ask(struct prm_passthrough *device);

#endif
