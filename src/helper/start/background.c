/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The way to the background.
 *
 * daemon(3) lets the parent go before the child has done anything, so that a
 * script which connects next finds no socket, and nobody learns of a failure.
 * Here the parent stays until the child is up, and leaves with the child's exit
 * status when it does not get there.
 *
 * Descriptors above 2 are left alone: libvirt's lock on its pid file is one
 * that was inherited, and would be lost.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/fd.h"
#include "helper/start/background.h"

int prm_background_fill(void)
{
	int fd;

	do {
		/* Not close-on-exec: it is to be what everybody expects. */
		fd = open("/dev/null", O_RDWR);
		if (fd < 0)
			return -errno;
	} while (fd <= STDERR_FILENO);
	(void)close(fd);
	return 0;
}

int prm_background_fork(struct prm_fault *fault,
			struct prm_background *ret_background)
{
	CLEANUP(prm_fd_closep) int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int ends[2];
	pid_t child;

	if (null < 0)
		return prm_fault(fault, -errno, "cannot open /dev/null: %s",
				 strerror(errno));
	if (pipe2(ends, O_CLOEXEC) < 0)
		return prm_fault(fault, -errno, "cannot create a pipe: %s",
				 strerror(errno));
	child = fork();
	if (child < 0) {
		int error = -errno;

		(void)close(ends[0]);
		(void)close(ends[1]);
		return prm_fault(fault, error,
				 "cannot go to the background: %s",
				 strerror(-error));
	}
	(void)close(ends[child ? 1 : 0]);
	*ret_background = (struct prm_background){
		.parent = child != 0,
		.child = child,
		.pipe = ends[child ? 0 : 1],
		.null = child ? -1 : steal_fd(&null),
	};
	if (!child)
		(void)setsid();
	return 0;
}

int prm_background_wait(struct prm_background *background)
{
	ssize_t len;
	pid_t ended;
	int status;
	char up;

	do {
		len = read(background->pipe, &up, sizeof(up));
	} while (len < 0 && errno == EINTR);
	background->pipe = prm_fd_close(background->pipe);
	if (len == sizeof(up))
		return EXIT_SUCCESS;

	do {
		ended = waitpid(background->child, &status, 0);
	} while (ended < 0 && errno == EINTR);
	if (ended < 0 || !WIFEXITED(status) || WEXITSTATUS(status) == 0)
		return EXIT_FAILURE;
	return WEXITSTATUS(status);
}

int prm_background_detach(struct prm_background *background,
			  struct prm_fault *fault)
{
	char up = 1;

	if (chdir("/") < 0)
		return prm_fault(fault, -errno, "cannot change to /: %s",
				 strerror(errno));
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (dup2(background->null, fd) < 0)
			return prm_fault(fault, -errno,
					 "cannot redirect to /dev/null: %s",
					 strerror(errno));
	if (write(background->pipe, &up, sizeof(up)) < 0)
		errno = 0; /* nobody waits: the parent was killed */
	background->pipe = prm_fd_close(background->pipe);
	background->null = prm_fd_close(background->null);
	return 0;
}
