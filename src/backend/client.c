/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The client's half of the helper protocol.
 *
 * The socket does not block; every wait is a poll(2) up to a deadline, so that
 * a silent helper costs the caller's time-out and no more.  Nothing the helper
 * sends is believed: lengths are checked by wire before room is found for them,
 * and descriptors that it might attach are dropped by the kernel, since no room
 * is offered for any.
 *
 * CDB and parameter list go out in one piece.  The helper reads the CDB by
 * itself; the descriptor comes with the first byte of it.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include "backend/client.h"
#include "base/clock.h"
#include "ipc/pass.h"
#include "wire/hello.h"
#include "wire/response.h"

/* Milliseconds until the deadline, rounded up: never early, never spinning. */
static int left_ms(int64_t deadline_ns)
{
	int64_t left = deadline_ns - prm_clock_ns();

	if (left <= 0)
		return 0;
	left = (left + PRM_NS_PER_MS - 1) / PRM_NS_PER_MS;
	return left < INT_MAX ? (int)left : INT_MAX;
}

static int wait_for(int sock, short events, int64_t deadline_ns)
{
	struct pollfd ready = { .fd = sock, .events = events };
	int r;

	for (;;) {
		r = poll(&ready, 1, left_ms(deadline_ns));
		if (r > 0)
			return 0;
		if (r < 0 && errno != EINTR)
			return -errno;
		if (prm_clock_ns() >= deadline_ns)
			return -ETIMEDOUT;
	}
}

static int receive_some(int sock, void *bytes, size_t len, size_t *ret_len)
{
	ssize_t n = recv(sock, bytes, len, MSG_DONTWAIT);

	if (n == 0)
		return -ECONNRESET;
	if (n < 0)
		return -errno;
	*ret_len = (size_t)n;
	return 0;
}

static int receive_all(int sock, void *bytes, size_t len, int64_t deadline_ns)
{
	uint8_t *at = bytes;
	size_t n = 0;
	int r;

	while (len) {
		r = receive_some(sock, at, len, &n);
		if (r == -EAGAIN)
			r = wait_for(sock, POLLIN, deadline_ns);
		else if (r == 0) {
			at += n;
			len -= n;
		}
		if (r < 0 && r != -EINTR)
			return r;
	}
	return 0;
}

/* @ret_sent counts on failure too. */
static int send_all(int sock, const uint8_t *bytes, size_t len, int fd,
		    int64_t deadline_ns, size_t *ret_sent)
{
	size_t n = 0;
	int r;

	*ret_sent = 0;
	while (*ret_sent < len) {
		r = prm_pass_send(sock, bytes + *ret_sent, len - *ret_sent,
				  *ret_sent ? -1 : fd, &n);
		if (r == -EAGAIN)
			r = wait_for(sock, POLLOUT, deadline_ns);
		else if (r == 0)
			*ret_sent += n;
		if (r < 0 && r != -EINTR)
			return r;
	}
	return 0;
}

int prm_client_hello(int sock, int64_t deadline_ns)
{
	uint8_t bytes[PRM_WIRE_HELLO_SIZE];
	uint32_t features;
	size_t sent;
	int r;

	r = receive_all(sock, bytes, sizeof(bytes), deadline_ns);
	if (r < 0)
		return r;
	if (prm_wire_hello_decode(bytes, sizeof(bytes), &features))
		return -EPROTO;
	prm_wire_hello_encode(PRM_WIRE_FEATURES, bytes);
	return send_all(sock, bytes, sizeof(bytes), -1, deadline_ns, &sent);
}

int prm_client_check_idle(int sock)
{
	uint8_t byte;
	size_t len;
	int r;

	r = receive_some(sock, &byte, sizeof(byte), &len);
	if (r == -EAGAIN || r == -EINTR)
		return 0;
	return r < 0 ? r : -EPROTO;
}

int prm_client_send(int sock, const struct prm_wire_request *request,
		    const void *params, int device, int64_t deadline_ns,
		    bool *ret_left)
{
	uint8_t bytes[PRM_WIRE_CDB_SIZE + PRM_WIRE_DATA_MAX];
	size_t len = PRM_WIRE_CDB_SIZE;
	size_t sent;
	int r;

	prm_wire_request_encode(request, bytes);
	if (request->out && request->length) {
		memcpy(bytes + len, params, request->length);
		len += request->length;
	}
	r = send_all(sock, bytes, len, device, deadline_ns, &sent);
	*ret_left = sent >= PRM_WIRE_CDB_SIZE;
	return r;
}

int prm_client_receive(int sock, const struct prm_wire_request *request,
		       void *data, int64_t deadline_ns,
		       struct prm_reply *ret_reply)
{
	uint8_t bytes[PRM_WIRE_RESPONSE_SIZE];
	uint8_t refuse[PRM_WIRE_DATA_MAX];
	struct prm_reply reply = PRM_REPLY_INIT;
	size_t len;
	int r;

	/* It takes a while: what does not block would be called for nothing. */
	r = wait_for(sock, POLLIN, deadline_ns);
	if (r < 0)
		return r;
	r = receive_all(sock, bytes, sizeof(bytes), deadline_ns);
	if (r < 0)
		return r;
	if (prm_wire_response_decode(bytes, sizeof(bytes), request, &reply,
				     &len))
		return -EPROTO;
	r = receive_all(sock, reply.status ? refuse : data, len, deadline_ns);
	if (r < 0)
		return r;
	*ret_reply = reply;
	return 0;
}
