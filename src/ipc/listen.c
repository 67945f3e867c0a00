/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A listening Unix socket whose name appears with the right mode and owner.
 *
 * bind(2) takes the mode of the new file from the socket's own inode, so it
 * is set there first; nothing can connect under a wider one, not even for a
 * moment.  The owner can only be given once the file exists.  That is done
 * through an O_PATH descriptor, so that a file which somebody else puts in
 * the name's place is not given away; and before listen(2), so that nobody
 * connects as long as it is pending.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/cleanup.h"
#include "base/fd.h"
#include "ipc/address.h"
#include "ipc/listen.h"

static int bind_with_mode(int fd, const struct prm_ipc_address *address,
			  mode_t mode)
{
	bool exact = mode != PRM_LISTEN_MODE_UMASK;
	mode_t umask_was = 0;
	int r = 0;

	if (exact && fchmod(fd, mode) < 0)
		return -errno;
	/* bind(2) would take the umask away from an explicit mode as well. */
	if (exact)
		umask_was = umask(0);
	if (bind(fd, (const struct sockaddr *)&address->un, address->len) < 0)
		r = -errno;
	if (exact)
		(void)umask(umask_was);
	return r;
}

/* Pin the file that bind(2) made. */
static int open_name(const char *path, int *ret_path_fd)
{
	CLEANUP(prm_fd_closep) int fd = -1;
	struct stat st;

	fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESTALE : -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISSOCK(st.st_mode) || st.st_uid != geteuid())
		return -ESTALE;
	*ret_path_fd = steal_fd(&fd);
	return 0;
}

static int give_away(int path_fd, uid_t uid, gid_t gid)
{
	if (uid == (uid_t)-1 && gid == (gid_t)-1)
		return 0;
	if (fchownat(path_fd, "", uid, gid, AT_EMPTY_PATH) < 0)
		return -errno;
	return 0;
}

/* What is left to do on the bound socket @fd. */
static int publish(int fd, const struct prm_listen_config *config,
		   int *ret_path_fd)
{
	CLEANUP(prm_fd_closep) int path_fd = -1;
	int r;

	r = open_name(config->path, &path_fd);
	if (r < 0)
		return r;
	r = give_away(path_fd, config->uid, config->gid);
	if (r < 0)
		return r;
	if (listen(fd, SOMAXCONN) < 0)
		return -errno;
	*ret_path_fd = steal_fd(&path_fd);
	return 0;
}

int prm_listen(const struct prm_listen_config *config, int *ret_fd,
	       int *ret_path_fd)
{
	CLEANUP(prm_fd_closep) int fd = -1;
	CLEANUP(prm_fd_closep) int path_fd = -1;
	struct prm_ipc_address address;
	int r;

	if (config->path[0] != '/')
		return -EINVAL;
	r = prm_ipc_address_path(config->path, &address);
	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	r = bind_with_mode(fd, &address, config->mode);
	if (r < 0)
		return r;
	r = publish(fd, config, &path_fd);
	if (r < 0) {
		/* Replaced at once: then the name is somebody else's. */
		if (r != -ESTALE)
			(void)unlink(config->path);
		return r;
	}
	*ret_fd = steal_fd(&fd);
	if (ret_path_fd)
		*ret_path_fd = steal_fd(&path_fd);
	return 0;
}

int prm_listen_accept(int listener, int *ret_fd)
{
	CLEANUP(prm_fd_closep) int fd = -1;
	int on = 1;

	do {
		fd = accept4(listener, NULL, NULL,
			     SOCK_CLOEXEC | SOCK_NONBLOCK);
	} while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
	if (fd < 0)
		return -errno;
	/* Kernels without MSG_OOB on Unix sockets hide nothing. */
	if (setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &on, sizeof(on)) < 0)
		return -errno;
	*ret_fd = steal_fd(&fd);
	return 0;
}
