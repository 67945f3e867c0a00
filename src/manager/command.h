/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_MANAGER_COMMAND_H
#define PRM_MANAGER_COMMAND_H

/*
 * What a program hands in, made safe for classes; what a class hands out, made
 * safe for the program.
 */

#include <prmanager/command.h>

/**
 * prm_command_copy() - take in a structure of any version
 * @command:     the program's
 * @ret_command: this library's
 *
 * Return: 0; -EINVAL if it is NULL or too small.
 */
int prm_command_copy(const struct prm_command *command,
		     struct prm_command *ret_command);

/**
 * prm_command_check() - refuse what no manager could run, and clamp
 * @command: from prm_command_copy(). Its allocation length is set to
 *           PRM_DATA_SIZE if it is above; its data_len to what the CDB says;
 *           its CDB is zero from cdb_len on
 * @fd:      the device
 *
 * Return: 0, -EINVAL or -EBADF.
 */
int prm_command_check(struct prm_command *command, int fd);

/* Whether a program's reply is of a version that can be filled in. */
int prm_reply_check(const struct prm_reply *reply);

/**
 * prm_reply_deliver() - give a reply to the program
 * @reply:     what the class answered; made to obey the rules of struct
 *             prm_reply first
 * @command:   what it answers
 * @ret_reply: the program's, of a size that passed prm_reply_check()
 */
void prm_reply_deliver(struct prm_reply *reply,
		       const struct prm_command *command,
		       struct prm_reply *ret_reply);

#endif
