/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_IPC_CONNECT_H
#define PRM_IPC_CONNECT_H

/* Connecting to a Unix socket within a bounded time. */

/**
 * prm_connect() - connect to a stream socket
 * @path:       its path, at most PRM_IPC_PATH_MAX bytes
 * @timeout_ms: how long to wait while the listener's backlog is full, in
 *              milliseconds; 0 not at all
 * @ret_fd:     the connection: non-blocking, close-on-exec; written on
 *              success only
 *
 * Any thread. A signal does not end the wait.
 *
 * Return: 0; -ENOENT without such a name; -ECONNREFUSED when nobody listens
 * there; -EAGAIN when the backlog is full and @timeout_ms is 0; -ETIMEDOUT
 * when it stayed full; -EINVAL, -ENAMETOOLONG for the path; or another error
 * of socket(2) and connect(2).
 */
int prm_connect(const char *path, unsigned int timeout_ms, int *ret_fd);

#endif
