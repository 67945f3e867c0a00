/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_MULTIPATH_TARGET_H
#define PRM_MULTIPATH_TARGET_H

/*
 * Commands sent to the map itself: the kernel picks the path.
 *
 * A question to the target has the same answer on every path, so it needs no
 * library.  The kernel does not change paths when SG_IO fails, but the next
 * command may take another one.
 *
 * Errors: 0 or a negative errno; out-parameters are written on success only.
 */

#include <stddef.h>
#include <stdint.h>
#include <prmanager/command.h>
#include "scsi/pr_out.h"

/**
 * prm_target_in() - ask the target with PERSISTENT RESERVE IN
 * @fd:       the map
 * @attempts: how often to ask while the transport fails, at least 1: once more
 *            than the map has paths
 * @command:  the command
 * @reply:    what the target said, or how the last attempt failed
 *
 * Return: 0, or -EINVAL as prm_scsi_run().
 */
int prm_target_in(int fd, size_t attempts, const struct prm_command *command,
		  struct prm_reply *reply);

/*
 * Ask the unit behind @fd whether it is ready, for its sense: TEST UNIT READY.
 * @reply is filled in with what it said.
 */
void prm_target_test_ready(int fd, struct prm_reply *reply);

/**
 * prm_target_count_key() - how many registrations have a key
 * @fd:        the map
 * @attempts:  as for prm_target_in(); unit attentions are passed over too
 * @key:       the key
 * @ret_count: how many of the I_T nexuses that the target lists have it
 *
 * Return: 0; -EIO if the target does not answer; -EBADMSG if it answers
 * nonsense, or lists more than 1023 keys.
 */
int prm_target_count_key(int fd, size_t attempts, uint64_t key,
			 size_t *ret_count);

/**
 * prm_target_has_registered() - ask the target about one nexus
 * @fd:   the path whose nexus it is, not the map
 * @list: the parameter list of the REGISTER that was sent before
 *
 * PERSISTENT RESERVE IN says the same on every nexus. But REGISTER of a key in
 * the place of that key changes nothing where the nexus is registered with it,
 * and is a RESERVATION CONFLICT where it is not (SPC-4, 5.12.7).
 *
 * Return: 0 if the nexus has the key of @list; -ENOKEY if it has another one or
 * none; -EIO if the target does not answer.
 */
int prm_target_has_registered(int fd, const struct prm_pr_out *list);

#endif
