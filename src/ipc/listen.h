/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_IPC_LISTEN_H
#define PRM_IPC_LISTEN_H

/*
 * A listening Unix socket whose name appears with the right mode and owner.
 *
 * Others watch for the name and act when it shows up: they label it, give it
 * away, connect to it.  So the final name is bound itself, never renamed into
 * place, and the socket listens with the next system calls.
 *
 * Errors: 0 or a negative errno; on failure no out-parameter is written,
 * nothing stays open, and no name is left behind.
 */

#include <sys/types.h>

/* Mode: what the umask leaves of 0777. */
#define PRM_LISTEN_MODE_UMASK ((mode_t)-1)

/**
 * struct prm_listen_config - where to listen, and for whom
 * @path: absolute, at most PRM_IPC_PATH_MAX bytes
 * @mode: permission bits, the umask notwithstanding; or
 *        PRM_LISTEN_MODE_UMASK. Whoever may write may connect
 * @uid:  owner, or (uid_t)-1 for the caller
 * @gid:  group, or (gid_t)-1 for the caller's
 */
struct prm_listen_config {
	const char *path;
	mode_t mode;
	uid_t uid;
	gid_t gid;
};

/**
 * prm_listen() - create a socket file and listen on it
 * @config:      see above
 * @ret_fd:      the listener: non-blocking, close-on-exec
 * @ret_path_fd: O_PATH descriptor of the socket file, to see by its link
 *               count whether the name is still there; NULL to do without
 *
 * Changes the umask for a moment, so call it before there are threads.
 * Whatever has the name already is left alone.
 *
 * Return: 0; -EINVAL for a relative path; -ENAMETOOLONG; -EADDRINUSE when the
 * name is taken; -ESTALE when it was replaced at once; -EPERM when the owner
 * cannot be given; or another error of socket(2), bind(2), listen(2).
 */
int prm_listen(const struct prm_listen_config *config, int *ret_fd,
	       int *ret_path_fd);

/**
 * prm_listen_accept() - take the next connection
 * @listener: a listening socket
 * @ret_fd:   the connection: non-blocking, close-on-exec, and with urgent
 *            data in line, since bytes sent with MSG_OOB would otherwise be
 *            hidden from the reader and could carry descriptors past it
 *
 * Return: 0; -EAGAIN when none waits; -EMFILE and others of accept4(2).
 * A connection that was closed while it waited is not an error: the next one
 * is taken.
 */
int prm_listen_accept(int listener, int *ret_fd);

#endif
