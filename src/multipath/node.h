/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_MULTIPATH_NODE_H
#define PRM_MULTIPATH_NODE_H

/* Device nodes as this process sees them: its /dev may be a private one. */

#include <stdbool.h>
#include <sys/types.h>

/*
 * Whether /dev/@name is a block device of the number @number: libmpathpersist
 * opens a path by that name.
 */
bool prm_node_is_there(const char *name, dev_t number);

#endif
