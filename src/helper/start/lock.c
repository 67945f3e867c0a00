/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The lock on a socket's name.
 *
 * Between the look at an old socket and the creation of a new one somebody else
 * may do the same.  The socket itself cannot be locked, so its name gets a
 * companion for as long as a start takes.  It is removed before it is released;
 * whoever waited for it finds that what it locked has no name any more, and
 * tries again with the file that has.
 *
 * flock(2) and not fcntl(2): the lock goes with the open file, so that closing
 * another descriptor of the same file releases nothing.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/fd.h"
#include "helper/start/lock.h"
#include "helper/start/name.h"

#define RETRY_MS 10

struct prm_lock {
	char *path;
	int fd; /* owned, and locked from the end of construction */
};

struct prm_lock *prm_lock_free(struct prm_lock *lock)
{
	if (!lock)
		return NULL;
	if (lock->fd >= 0 && prm_is_at(lock->fd, lock->path))
		(void)unlink(lock->path);
	(void)prm_fd_close(lock->fd);
	free(lock->path);
	free(lock);
	return NULL;
}

static int open_lock(const char *path, struct prm_fault *fault, int *ret_fd)
{
	CLEANUP(prm_fd_closep) int fd = -1;
	struct stat st;

	fd = open(path,
		  O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK |
			  O_NOCTTY,
		  0600);
	if (fd < 0)
		return prm_fault(fault, -errno, "cannot create %s: %s", path,
				 errno == ELOOP ? "it is a symbolic link"
						: strerror(errno));
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return prm_fault(fault, -EINVAL, "%s is not a regular file",
				 path);
	*ret_fd = steal_fd(&fd);
	return 0;
}

/* Wait until @deadline for the lock on an open file: 0 or -errno. */
static int wait_for(int fd, int64_t deadline)
{
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK)
			return -errno;
		if (prm_clock_ns() >= deadline)
			return -EAGAIN;
		(void)poll(NULL, 0, RETRY_MS);
	}
	return 0;
}

/* Open and lock whatever file has the name @path once we have the lock. */
static int acquire(const char *path, int64_t deadline, struct prm_fault *fault,
		   int *ret_fd)
{
	for (;;) {
		CLEANUP(prm_fd_closep) int fd = -1;
		int error = open_lock(path, fault, &fd);

		if (error < 0)
			return error;
		error = wait_for(fd, deadline);
		if (error == -EAGAIN)
			return prm_fault(fault, error,
					 "another pr-helper is starting or "
					 "ending here (it holds %s): wait for "
					 "that one, or stop it",
					 path);
		if (error < 0)
			return prm_fault(fault, error, "cannot lock %s: %s",
					 path, strerror(-error));
		if (prm_is_at(fd, path)) {
			*ret_fd = steal_fd(&fd);
			return 0;
		}
	}
}

/* A lock that is not taken yet; NULL without memory. */
static struct prm_lock *new_lock(const char *path)
{
	struct prm_lock *lock = calloc(1, sizeof(*lock));

	if (!lock)
		return NULL;
	lock->fd = -1;
	if (asprintf(&lock->path, "%s.lock", path) < 0) {
		free(lock);
		return NULL;
	}
	return lock;
}

int prm_lock_join(const char *path, struct prm_lock **ret_lock)
{
	CLEANUP(prm_lock_freep) struct prm_lock *lock = new_lock(path);
	int error;

	if (!lock)
		return -ENOMEM;
	lock->fd = open(lock->path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC |
					    O_NONBLOCK | O_NOCTTY);
	if (lock->fd < 0 && errno == ENOENT) {
		*ret_lock = NULL;
		return 0;
	}
	if (lock->fd < 0)
		return -errno;
	error = wait_for(lock->fd, 0);
	if (error < 0) {
		/* It is not ours to remove. */
		lock->fd = prm_fd_close(lock->fd);
		return error;
	}
	*ret_lock = steal_ptr(&lock);
	return 0;
}

int prm_lock_new(const char *path, unsigned int wait_ms,
		 struct prm_fault *fault, struct prm_lock **ret_lock)
{
	int64_t deadline = prm_clock_ns() + wait_ms * PRM_NS_PER_MS;
	CLEANUP(prm_lock_freep) struct prm_lock *lock = new_lock(path);
	int error;

	if (!lock)
		return prm_fault(fault, -ENOMEM, "out of memory");
	error = acquire(lock->path, deadline, fault, &lock->fd);
	if (error < 0)
		return error;
	*ret_lock = steal_ptr(&lock);
	return 0;
}
