/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who is at the other end of a Unix socket, as the kernel noted it. */
#include <errno.h>
#include <sys/socket.h>
#include "ipc/peer.h"

int prm_peer_get(int sock, struct prm_peer *ret_peer)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return -errno;
	/* Other families may fill in something else; no peer has no uid. */
	if (len != sizeof(cred) || cred.uid == (uid_t)-1)
		return -ENOTCONN;
	*ret_peer = (struct prm_peer){
		.pid = cred.pid,
		.uid = cred.uid,
		.gid = cred.gid,
	};
	return 0;
}
