/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_IPC_ACTIVATION_H
#define PRM_IPC_ACTIVATION_H

/*
 * Socket activation: a service manager listens, and hands its listener to
 * the program that it starts as descriptor 3 (sd_listen_fds(3)).
 */

/* The first descriptor that a service manager passes. */
#define PRM_ACTIVATION_FD 3

/**
 * prm_activation_take() - the listener from the service manager, if any
 * @ret_fd: the listener, now close-on-exec and non-blocking, the caller's;
 *          or -1 when the environment passes none to this process
 *
 * Variables meant for another process (LISTEN_PID) are no activation: the
 * environment may be inherited from a parent that was activated.  They are
 * removed from the environment in every case, so call it before there are
 * threads, and once.
 *
 * Return: 0; -EINVAL when the variables make no sense; -E2BIG for more than
 * one descriptor; -ENOTSOCK, -EAFNOSUPPORT, -EPROTOTYPE when the descriptor
 * is not a listening Unix stream socket; -EBADF when it is not open. On
 * failure *@ret_fd is not written and the descriptors are left as they were.
 */
int prm_activation_take(int *ret_fd);

#endif
