/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A file of its own, so that a test can have the nodes that it needs. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include "base/fd.h"
#include "device/kernel.h"
#include "multipath/node.h"

#define NODE_SIZE (sizeof("/dev/") + PRM_KERNEL_NAME_SIZE)

static bool is_it(const struct stat *st, dev_t number)
{
	return S_ISBLK(st->st_mode) && st->st_rdev == number;
}

bool prm_node_is_there(const char *name, dev_t number)
{
	char node[NODE_SIZE];
	struct stat st;

	(void)snprintf(node, sizeof(node), "/dev/%s", name);
	return stat(node, &st) == 0 && is_it(&st, number);
}

int prm_node_open(const char *name, dev_t number, int *ret_fd)
{
	CLEANUP(prm_fd_closep) int fd = -1;
	char node[NODE_SIZE];
	struct stat st;

	(void)snprintf(node, sizeof(node), "/dev/%s", name);
	fd = open(node, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!is_it(&st, number))
		return -ENXIO;
	*ret_fd = steal_fd(&fd);
	return 0;
}
