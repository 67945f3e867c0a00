/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_IPC_PEER_H
#define PRM_IPC_PEER_H

/* Who is at the other end of a Unix socket, as the kernel noted it. */

#include <sys/types.h>

/**
 * struct prm_peer - credentials of the peer at the time it connected
 * @pid: 0 when it is in a pid namespace that this process cannot see into
 * @uid: effective user
 * @gid: effective group
 */
struct prm_peer {
	pid_t pid;
	uid_t uid;
	gid_t gid;
};

/**
 * prm_peer_get() - ask the kernel
 * @sock:     a connected Unix socket
 * @ret_peer: written on success only
 *
 * Return: 0, or the error of getsockopt(2).
 */
int prm_peer_get(int sock, struct prm_peer *ret_peer);

#endif
