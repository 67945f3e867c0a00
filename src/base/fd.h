/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_BASE_FD_H
#define PRM_BASE_FD_H

/*
 * File descriptors with an owner.
 *
 * Every function keeps errno as it was where it reports nothing.
 */

#include <errno.h>
#include <unistd.h>
#include "base/cleanup.h"

/* Close @fd unless it is negative. Returns -1, for `fd = prm_fd_close(fd)`. */
static inline int prm_fd_close(int fd)
{
	int saved = errno;

	if (fd >= 0)
		(void)close(fd);
	errno = saved;
	return -1;
}

/* For CLEANUP(): close the descriptor that leaves scope. */
static inline void prm_fd_closep(int *fd)
{
	*fd = prm_fd_close(*fd);
}

#endif
