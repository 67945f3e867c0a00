/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_MULTIPATH_RUN_H
#define PRM_MULTIPATH_RUN_H

/*
 * One PERSISTENT RESERVE command on one multipath map.
 */

#include <stdint.h>
#include <prmanager/command.h>
#include "wire/request.h"

/**
 * prm_multipath_run() - check a command, run it, check what came of it
 * @fd:      descriptor of what is claimed to be a map; borrowed
 * @request: the command
 * @data:    PR OUT: its parameter list, @request->length bytes; PR IN: room for
 *           as many
 * @reply:   what to answer; filled in, and never GOOD unless the library said
 *           so and, after a registration, the target lists the key once for
 *           each path that the kernel may use and says on each that it has
 *           it, or after the end of one on none that it has it still
 *
 * Trusts nothing it is handed: whoever sends the request has been checked by
 * nobody. What an administrator can mend is said on standard error. Once in a
 * process.
 */
void prm_multipath_run(int fd, const struct prm_wire_request *request,
		       uint8_t *data, struct prm_reply *reply);

#endif
