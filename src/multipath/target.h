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

#endif
