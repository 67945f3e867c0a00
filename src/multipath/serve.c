/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The protocol's server side, at its simplest: blocking, once.
 *
 * Whoever is at the other end chose what arrives.  Lengths are checked by
 * wire/, and every descriptor but the one that belongs here makes the session
 * fail; the process exits right after and takes them with it.
 */

#include <errno.h>
#include <stdint.h>
#include <sys/socket.h>
#include "base/fd.h"
#include "ipc/pass.h"
#include "multipath/run.h"
#include "multipath/serve.h"
#include "wire/hello.h"
#include "wire/response.h"

static int send_all(int sock, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;

	while (len) {
		ssize_t sent = send(sock, at, len, MSG_NOSIGNAL);

		if (sent < 0)
			return -errno;
		at += sent;
		len -= (size_t)sent;
	}
	return 0;
}

static int receive_all(int sock, void *bytes, size_t len)
{
	ssize_t got;

	/* Even a read of nothing waits until there is something. */
	if (len == 0)
		return 0;
	got = recv(sock, bytes, len, MSG_WAITALL);
	if (got < 0)
		return -errno;
	return (size_t)got == len ? 0 : -EPROTO;
}

static int shake_hands(int sock)
{
	uint8_t word[PRM_WIRE_HELLO_SIZE];
	uint32_t requested;
	int r;

	prm_wire_hello_encode(PRM_WIRE_FEATURES, word);
	r = send_all(sock, word, sizeof(word));
	if (r < 0)
		return r;
	r = receive_all(sock, word, sizeof(word));
	if (r < 0)
		return r;
	if (prm_wire_hello_decode(word, sizeof(word), &requested) !=
		    PRM_DECODE_OK ||
	    !prm_wire_hello_is_subset(requested, PRM_WIRE_FEATURES))
		return -EPROTO;
	return 0;
}

/* The one descriptor of a request; others end the session. */
static int take_fd(struct prm_received_fds *fds, int *fd)
{
	if (!fds->count && !fds->truncated)
		return 0;
	if (fds->truncated || fds->count != 1 || *fd >= 0) {
		prm_received_fds_close(fds);
		return -EPROTO;
	}
	*fd = fds->fds[0];
	return 0;
}

static int receive_cdb(int sock, struct prm_wire_request *ret_request,
		       int *ret_fd)
{
	CLEANUP(prm_fd_closep) int fd = -1;
	uint8_t cdb[PRM_WIRE_CDB_SIZE];
	size_t have = 0;

	while (have < sizeof(cdb)) {
		struct prm_received_fds fds;
		size_t got;
		int r = prm_pass_receive(sock, cdb + have, sizeof(cdb) - have,
					 &got, &fds);

		if (r < 0)
			return r;
		r = take_fd(&fds, &fd);
		if (r < 0 || got == 0)
			return -EPROTO;
		have += got;
	}
	if (fd < 0 || prm_wire_request_decode(cdb, sizeof(cdb), ret_request) !=
			      PRM_DECODE_OK)
		return -EPROTO;
	*ret_fd = steal_fd(&fd);
	return 0;
}

int prm_multipath_serve(int sock)
{
	static uint8_t data[PRM_WIRE_DATA_MAX];
	CLEANUP(prm_fd_closep) int fd = -1;
	uint8_t header[PRM_WIRE_RESPONSE_SIZE];
	struct prm_reply reply = PRM_REPLY_INIT;
	struct prm_wire_request request;
	size_t payload;
	int r;

	r = shake_hands(sock);
	if (r < 0)
		return r;
	r = receive_cdb(sock, &request, &fd);
	if (r < 0)
		return r;
	if (request.out) {
		r = receive_all(sock, data, request.length);
		if (r < 0)
			return r;
	}
	prm_multipath_run(fd, &request, data, &reply);
	payload = prm_wire_response_encode(&request, &reply, header);
	r = send_all(sock, header, sizeof(header));
	return r < 0 ? r : send_all(sock, data, payload);
}
