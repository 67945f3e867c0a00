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

/**
 * prm_node_open() - open a path for SG_IO
 * @name:   its node, in /dev
 * @number: what the node has to be
 * @ret_fd: a descriptor, open for reading; written on success only
 *
 * Return: 0; -ENXIO where the node is another device; or the error of open(2).
 */
int prm_node_open(const char *name, dev_t number, int *ret_fd);

#endif
