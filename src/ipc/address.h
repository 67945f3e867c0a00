/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_IPC_ADDRESS_H
#define PRM_IPC_ADDRESS_H

/*
 * Names of Unix sockets. The kernel's limit on them is short and silent
 * truncation would lead elsewhere, so nothing else fills a sockaddr_un.
 */

#include <sys/socket.h>
#include <sys/un.h>

/* The longest path in bytes, without its NUL: 107. */
#define PRM_IPC_PATH_MAX (sizeof(((struct sockaddr_un *)0)->sun_path) - 1)

/**
 * struct prm_ipc_address - a Unix socket's name as the kernel takes it
 * @un:  for bind(2), connect(2), sendto(2)
 * @len: bytes of @un that count
 */
struct prm_ipc_address {
	struct sockaddr_un un;
	socklen_t len;
};

/**
 * prm_ipc_address_path() - the name of a socket in the file system
 * @path:        its path
 * @ret_address: written on success only
 *
 * Return: 0; -EINVAL for an empty path; -ENAMETOOLONG above PRM_IPC_PATH_MAX.
 */
int prm_ipc_address_path(const char *path, struct prm_ipc_address *ret_address);

/**
 * prm_ipc_address_abstract() - the name of a socket in the abstract namespace
 * @name:        its name, without the '@' that stands for the leading NUL
 * @ret_address: written on success only
 *
 * Return: 0; -EINVAL for an empty name; -ENAMETOOLONG above PRM_IPC_PATH_MAX.
 */
int prm_ipc_address_abstract(const char *name,
			     struct prm_ipc_address *ret_address);

#endif
