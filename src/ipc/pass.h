/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_IPC_PASS_H
#define PRM_IPC_PASS_H

/*
 * Bytes with descriptors, over a Unix socket.
 *
 * The receiver makes room for as many descriptors as one message can carry,
 * so that none is dropped in silence, and hands over every one that came.
 * It closes none: close(2) can block for as long as a client likes (a file of
 * its own FUSE file system), so the owner decides who does that.
 *
 * Errors: 0 or a negative errno. Threads: no shared state.
 */

#include <stdbool.h>
#include <stddef.h>

/* The kernel's limit (SCM_MAX_FD) on descriptors in one message. */
#define PRM_PASS_FDS_MAX 253

/**
 * struct prm_received_fds - descriptors that came with some bytes
 * @count:     how many; the caller owns them
 * @truncated: more were sent than this process could take in
 * @fds:       @count descriptors, close-on-exec
 */
struct prm_received_fds {
	size_t count;
	bool truncated;
	int fds[PRM_PASS_FDS_MAX];
};

/**
 * prm_pass_send() - send bytes, and perhaps a descriptor with the first
 * @sock:     a Unix stream socket
 * @bytes:    what to send
 * @len:      how many; at least 1
 * @fd:       descriptor to send along, borrowed; -1 for none
 * @ret_sent: bytes sent, at least 1; written on success only
 *
 * Raises no SIGPIPE. After a short count the descriptor is on its way: the
 * rest goes without it.
 *
 * Return: 0, or the error of sendmsg(2): -EAGAIN when the socket is full and
 * non-blocking, -EPIPE when the peer is gone.
 */
int prm_pass_send(int sock, const void *bytes, size_t len, int fd,
		  size_t *ret_sent);

/**
 * prm_pass_receive() - receive bytes and whatever descriptors come along
 * @sock:    a Unix stream socket
 * @bytes:   receives up to @len bytes
 * @len:     at least 1
 * @ret_len: bytes received, 0 at end of file; written on success only
 * @ret_fds: what came along, the caller's to close; empty on failure and at
 *           end of file
 *
 * Return: 0, or the error of recvmsg(2): -EAGAIN when nothing is there and
 * the socket is non-blocking, -ECONNRESET.
 */
int prm_pass_receive(int sock, void *bytes, size_t len, size_t *ret_len,
		     struct prm_received_fds *ret_fds);

/* Close all of @fds here and now, which may block; none are left. */
void prm_received_fds_close(struct prm_received_fds *fds);

#endif
