/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A file of its own, so that a test can have the nodes that it needs. */

#include <stdio.h>
#include <sys/stat.h>
#include "device/kernel.h"
#include "multipath/node.h"

bool prm_node_is_there(const char *name, dev_t number)
{
	char node[sizeof("/dev/") + PRM_KERNEL_NAME_SIZE];
	struct stat st;

	(void)snprintf(node, sizeof(node), "/dev/%s", name);
	return stat(node, &st) == 0 && S_ISBLK(st.st_mode) &&
	       st.st_rdev == number;
}
