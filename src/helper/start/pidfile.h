/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_HELPER_START_PIDFILE_H
#define PRM_HELPER_START_PIDFILE_H

/*
 * A file that holds our process id, and that is locked while we live.
 *
 * Ownership: a pid file owns its descriptor; the path is copied.
 * Errors:    0 or a negative errno with words in the fault.
 */

#include "base/cleanup.h"
#include "helper/start/fault.h"

struct prm_pidfile;

/**
 * prm_pidfile_new() - open and lock a pid file
 * @path:        where it is or will be; its last component is not followed when
 *               it is a symbolic link
 * @fault:       says what is wrong, and which process holds the lock
 * @ret_pidfile: the locked file, released with prm_pidfile_free()
 *
 * A file that was there keeps its contents until prm_pidfile_write(). The lock
 * is one of fcntl(2), as QEMU's helper and libvirt take it: it belongs to the
 * calling process and is not inherited over fork(2).
 *
 * Return: 0; -EAGAIN if another process holds the lock; -ENOMEM; or the error
 * of a system call.
 */
int prm_pidfile_new(const char *path, struct prm_fault *fault,
		    struct prm_pidfile **ret_pidfile);

/* Make the contents this process's id and a newline. 0 or -errno. */
int prm_pidfile_write(struct prm_pidfile *pidfile, struct prm_fault *fault);

/*
 * Remove the file of a start that failed, unless what is in it is still what
 * another process left there.
 */
void prm_pidfile_abandon(struct prm_pidfile *pidfile);

/*
 * Close, which unlocks; the file is left behind, since removing one whose name
 * a successor may just have opened would leave that one without.  NULL is a
 * no-op. Returns NULL.
 */
struct prm_pidfile *prm_pidfile_free(struct prm_pidfile *pidfile);
DEFINE_CLEANUP(struct prm_pidfile *, prm_pidfile_free)

#endif
