/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A file that holds our process id, and that is locked while we live.
 *
 * The lock, not the number, says whether a helper lives.  It is taken before
 * anything else is created, so that a second helper with the same pid file
 * fails without having harmed the first; the number is written once nothing but
 * the socket is missing.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/fd.h"
#include "helper/start/pidfile.h"
#include "helper/start/name.h"

struct prm_pidfile {
	char *path;
	int fd;    /* owned, and locked from the end of construction */
	bool ours; /* what is in it: nothing yet, or our id */
};

static void free_stringp(char **slot)
{
	free(*slot);
}

struct prm_pidfile *prm_pidfile_free(struct prm_pidfile *pidfile)
{
	if (!pidfile)
		return NULL;
	(void)prm_fd_close(pidfile->fd);
	free(pidfile->path);
	free(pidfile);
	return NULL;
}

static int lock_whole_file(int fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	return fcntl(fd, F_SETLK, &lock) < 0 ? -errno : 0;
}

static int refuse(int fd, const char *path, int error, struct prm_fault *fault)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (error != -EAGAIN && error != -EACCES)
		return prm_fault(fault, error, "cannot lock pid file %s: %s",
				 path, strerror(-error));
	if (fcntl(fd, F_GETLK, &lock) < 0 || lock.l_type == F_UNLCK)
		lock.l_pid = 0;
	return prm_fault(fault, -EAGAIN,
			 "pid file %s is locked by process %d: stop that one "
			 "first, or name another file with -f",
			 path, (int)lock.l_pid);
}

static int open_pidfile(const char *path, struct prm_fault *fault, int *ret_fd)
{
	CLEANUP(prm_fd_closep) int fd = -1;
	struct stat st;

	fd = open(path,
		  O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK |
			  O_NOCTTY,
		  0600);
	if (fd < 0)
		return prm_fault(fault, -errno, "cannot open pid file %s: %s",
				 path,
				 errno == ELOOP ? "it is a symbolic link"
						: strerror(errno));
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return prm_fault(fault, -EINVAL,
				 "pid file %s is not a regular file", path);
	*ret_fd = steal_fd(&fd);
	return 0;
}

/* @path as seen from any folder: the daemon may leave the one it is in. */
static char *absolute(const char *path)
{
	CLEANUP(free_stringp) char *folder = NULL;
	char *whole;

	if (path[0] == '/')
		return strdup(path);
	folder = getcwd(NULL, 0);
	if (!folder || asprintf(&whole, "%s/%s", folder, path) < 0)
		return NULL;
	return whole;
}

/* A pid file that is not open yet; NULL with errno. */
static struct prm_pidfile *new_pidfile(const char *path)
{
	struct prm_pidfile *pidfile = calloc(1, sizeof(*pidfile));

	if (!pidfile)
		return NULL;
	pidfile->fd = -1;
	pidfile->path = absolute(path);
	return pidfile->path ? pidfile : prm_pidfile_free(pidfile);
}

int prm_pidfile_new(const char *path, struct prm_fault *fault,
		    struct prm_pidfile **ret_pidfile)
{
	CLEANUP(prm_pidfile_freep)
	struct prm_pidfile *pidfile = new_pidfile(path);
	int error;

	if (!pidfile)
		return prm_fault(fault, -errno, "cannot resolve pid file %s",
				 path);

	do {
		pidfile->fd = prm_fd_close(pidfile->fd);
		error = open_pidfile(pidfile->path, fault, &pidfile->fd);
		if (error < 0)
			return error;
		error = lock_whole_file(pidfile->fd);
		if (error < 0)
			return refuse(pidfile->fd, path, error, fault);
	} while (!prm_is_at(pidfile->fd, pidfile->path));

	pidfile->ours = lseek(pidfile->fd, 0, SEEK_END) == 0;
	*ret_pidfile = steal_ptr(&pidfile);
	return 0;
}

int prm_pidfile_write(struct prm_pidfile *pidfile, struct prm_fault *fault)
{
	char line[16];
	int len = snprintf(line, sizeof(line), "%d\n", (int)getpid());

	pidfile->ours = true;
	if (fchmod(pidfile->fd, 0600) < 0 || ftruncate(pidfile->fd, 0) < 0 ||
	    pwrite(pidfile->fd, line, (size_t)len, 0) != len)
		return prm_fault(fault, -EIO, "cannot write pid file %s: %s",
				 pidfile->path, strerror(errno));
	return 0;
}

void prm_pidfile_abandon(struct prm_pidfile *pidfile)
{
	if (pidfile->ours && prm_is_at(pidfile->fd, pidfile->path))
		(void)unlink(pidfile->path);
}
