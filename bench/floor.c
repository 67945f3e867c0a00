/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The least a helper can do: a yardstick, not a helper.
 *
 * One blocking thread for each connection receives a CDB with a descriptor,
 * sends one PERSISTENT RESERVE down the descriptor as pr-helper would, closes
 * it and answers with a constant. No check, no limit, no deadline, no record:
 * what it costs is what the kernel's sockets, threads and SG_IO cost, and no
 * helper that wakes a thread for each request can be cheaper.
 *
 *     floor SOCKET      serves until it is killed
 */

#include <errno.h>
#include <pthread.h>
#include <scsi/sg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "base/fd.h"

#define CDB_BYTES      16
#define CDB_LEN        10
#define RESPONSE_BYTES 104
#define DATA_BYTES     8192
#define SENSE_BYTES    96
#define TIMEOUT_MS     30000
#define STACK_BYTES    65536

/* Receive a CDB and the descriptor that came with it. False at the end. */
static bool receive_cdb(int sock, uint8_t cdb[CDB_BYTES], int *ret_fd)
{
	union {
		struct cmsghdr header;
		uint8_t bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { .iov_base = cdb, .iov_len = CDB_BYTES };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg;

	if (recvmsg(sock, &msg, MSG_CMSG_CLOEXEC | MSG_WAITALL) != CDB_BYTES)
		return false;
	cmsg = CMSG_FIRSTHDR(&msg);
	if (!cmsg || cmsg->cmsg_type != SCM_RIGHTS)
		return false;
	memcpy(ret_fd, CMSG_DATA(cmsg), sizeof(*ret_fd));
	return true;
}

/* The one system call that the work is about; its outcome does not matter. */
static void send_down(int fd, uint8_t cdb[CDB_BYTES], uint8_t *data)
{
	uint8_t sense[SENSE_BYTES];
	struct sg_io_hdr hdr = {
		.interface_id = 'S',
		.dxfer_direction = cdb[0] == 0x5f ? SG_DXFER_TO_DEV
						  : SG_DXFER_FROM_DEV,
		.cmd_len = CDB_LEN,
		.mx_sb_len = sizeof(sense),
		.dxfer_len = (unsigned int)(cdb[7] << 8 | cdb[8]),
		.dxferp = data,
		.cmdp = cdb,
		.sbp = sense,
		.timeout = TIMEOUT_MS,
	};

	(void)ioctl(fd, SG_IO, &hdr);
}

static bool serve_one(int sock, uint8_t *data)
{
	static const uint8_t response[RESPONSE_BYTES];
	uint8_t cdb[CDB_BYTES];
	int fd;

	if (!receive_cdb(sock, cdb, &fd))
		return false;
	if (cdb[0] == 0x5f) {
		size_t len = (size_t)(cdb[7] << 8 | cdb[8]);

		if (len > DATA_BYTES ||
		    recv(sock, data, len, MSG_WAITALL) != (ssize_t)len) {
			(void)prm_fd_close(fd);
			return false;
		}
	}
	send_down(fd, cdb, data);
	(void)prm_fd_close(fd);
	return send(sock, response, sizeof(response), MSG_NOSIGNAL) ==
	       (ssize_t)sizeof(response);
}

static void *serve(void *arg)
{
	int sock = (int)(intptr_t)arg;
	uint8_t features[4] = { 0 };
	uint8_t *data = malloc(DATA_BYTES);

	if (data &&
	    send(sock, features, sizeof(features), MSG_NOSIGNAL) ==
		    (ssize_t)sizeof(features) &&
	    recv(sock, features, sizeof(features), MSG_WAITALL) ==
		    (ssize_t)sizeof(features))
		while (serve_one(sock, data))
			;
	free(data);
	(void)prm_fd_close(sock);
	return NULL;
}

static int listen_at(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int sock;

	if (strlen(path) >= sizeof(addr.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(addr.sun_path, path, strlen(path) + 1);
	sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (sock < 0)
		return -1;
	if (bind(sock, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    listen(sock, SOMAXCONN) < 0)
		return prm_fd_close(sock);
	return sock;
}

int main(int argc, char **argv)
{
	CLEANUP(prm_fd_closep) int listener = -1;
	pthread_attr_t attr;

	if (argc != 2) {
		(void)fprintf(stderr, "usage: floor SOCKET\n");
		return EXIT_FAILURE;
	}
	listener = listen_at(argv[1]);
	if (listener < 0) {
		(void)fprintf(stderr, "floor: cannot listen at %s: %s\n",
			      argv[1], strerror(errno));
		return EXIT_FAILURE;
	}
	(void)pthread_attr_init(&attr);
	(void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	(void)pthread_attr_setstacksize(&attr, STACK_BYTES);
	for (;;) {
		int sock = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		pthread_t thread;

		if (sock < 0)
			continue;
		if (pthread_create(&thread, &attr, serve,
				   (void *)(intptr_t)sock) != 0)
			(void)prm_fd_close(sock);
	}
}
