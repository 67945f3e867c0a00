/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Bytes with descriptors, over a Unix socket.
 *
 * A descriptor exists in the receiver from the moment recvmsg(2) returns,
 * asked for or not.  So there is always room for all of them, they are
 * close-on-exec at birth, and every one found ends up in the caller's hands.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
#include "base/fd.h"
#include "ipc/pass.h"

int prm_pass_send(int sock, const void *bytes, size_t len, int fd,
		  size_t *ret_sent)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .room = { 0 } };
	struct iovec iov = { .iov_base = (void *)bytes, .iov_len = len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *cmsg;
	ssize_t sent;

	if (fd >= 0) {
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control);
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(cmsg), &fd, sizeof(int));
	}
	do {
		sent = sendmsg(sock, &msg, MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return -errno;
	*ret_sent = (size_t)sent;
	return 0;
}

/* Append the descriptors of one control message. */
static void collect(const struct cmsghdr *cmsg, struct prm_received_fds *fds)
{
	size_t count = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	const unsigned char *data = CMSG_DATA(cmsg);
	int fd;

	for (size_t i = 0; i < count; i++) {
		memcpy(&fd, data + i * sizeof(int), sizeof(int));
		/* Never so: the control buffer holds no more than that. */
		if (fds->count == PRM_PASS_FDS_MAX) {
			(void)prm_fd_close(fd);
			fds->truncated = true;
			continue;
		}
		fds->fds[fds->count++] = fd;
	}
}

int prm_pass_receive(int sock, void *bytes, size_t len, size_t *ret_len,
		     struct prm_received_fds *ret_fds)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(PRM_PASS_FDS_MAX * sizeof(int))];
	} control;
	struct iovec iov = { .iov_base = bytes, .iov_len = len };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t got;

	ret_fds->count = 0;
	ret_fds->truncated = false;
	do {
		got = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg); cmsg;
	     cmsg = CMSG_NXTHDR(&msg, cmsg)) {
		if (cmsg->cmsg_level == SOL_SOCKET &&
		    cmsg->cmsg_type == SCM_RIGHTS)
			collect(cmsg, ret_fds);
	}
	if (msg.msg_flags & MSG_CTRUNC)
		ret_fds->truncated = true;
	*ret_len = (size_t)got;
	return 0;
}

void prm_received_fds_close(struct prm_received_fds *fds)
{
	while (fds->count)
		(void)prm_fd_close(fds->fds[--fds->count]);
}
