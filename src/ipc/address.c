/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Names of Unix sockets, checked against the kernel's limit of 108 bytes.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include "ipc/address.h"

/* @name, with @lead NULs in front and @trail behind that count as well. */
static int make(const char *name, size_t lead, size_t trail,
		struct prm_ipc_address *ret_address)
{
	struct prm_ipc_address address = { .un.sun_family = AF_UNIX };
	size_t len = strlen(name);

	if (!len)
		return -EINVAL;
	if (len > PRM_IPC_PATH_MAX)
		return -ENAMETOOLONG;
	memcpy(address.un.sun_path + lead, name, len);
	address.len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
				  lead + len + trail);
	*ret_address = address;
	return 0;
}

int prm_ipc_address_path(const char *path, struct prm_ipc_address *ret_address)
{
	return make(path, 0, 1, ret_address);
}

int prm_ipc_address_abstract(const char *name,
			     struct prm_ipc_address *ret_address)
{
	return make(name, 1, 0, ret_address);
}
