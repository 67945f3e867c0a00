/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A whole session: hello, requests in pieces, descriptors with any of them,
 * pauses, a client that reads slowly.
 *
 * The input is the client: a byte that says how many of the bytes behind it
 * come at once (none: a pause, its own or one that it has to make) and how many
 * descriptors come along.  Whatever it does, the session ends, owes no answer,
 * and every descriptor is closed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "any_device.h"
#include "helper/serve/session.h"

#define CHECK(what)                                                            \
	do {                                                                   \
		if (!(what))                                                   \
			abort();                                               \
	} while (0)

#define PIECE_MASK     0x1f
#define FDS_SHIFT      5
#define FDS_MASK       0x3
#define FDS_TRUNCATED  3
#define FDS_ARE_NO_DEV 0x80

/* The client, and what is known of its answers. */
static struct {
	const uint8_t *data;
	size_t len;
	size_t piece;
	unsigned int fds;
	unsigned int sends;
	size_t owed;
	size_t sent;
} peer;

/* The next control byte; false for a pause. */
static bool next_piece(void)
{
	uint8_t control = *peer.data++;

	peer.len--;
	peer.piece = control & PIECE_MASK;
	peer.fds = (control >> FDS_SHIFT) & FDS_MASK;
	any_is_device = !(control & FDS_ARE_NO_DEV);
	return peer.piece > 0;
}

static int receive(void *opaque, void *bytes, size_t len, size_t *ret_len,
		   struct prm_received_fds *ret_fds)
{
	*ret_fds = (struct prm_received_fds){ 0 };
	*ret_len = 0;
	CHECK(len > 0);
	if (!peer.piece && peer.len && !next_piece())
		return peer.fds ? -ENOBUFS : -EAGAIN;
	if (len > peer.piece)
		len = peer.piece;
	if (len > peer.len)
		len = peer.len;
	if (!len)
		return 0;
	ret_fds->truncated = peer.fds == FDS_TRUNCATED;
	for (; peer.fds; peer.fds--)
		ret_fds->fds[ret_fds->count++] =
			open("/dev/null", O_RDWR | O_CLOEXEC);
	memcpy(bytes, peer.data, len);
	peer.data += len;
	peer.len -= len;
	peer.piece = peer.len ? peer.piece - len : 0;
	*ret_len = len;
	return 0;
}

static int send_some(void *opaque, const void *head, size_t head_len,
		     const void *tail, size_t tail_len, size_t *ret_sent)
{
	size_t room = ++peer.sends % 7 * 100;

	CHECK(head_len + tail_len > 0);
	if (!room)
		return -EAGAIN;
	if (room > head_len + tail_len)
		room = head_len + tail_len;
	peer.sent += room;
	*ret_sent = room;
	return 0;
}

static void keep(void *opaque)
{
}

static void discard(void *opaque, int fd)
{
	CHECK(close(fd) == 0);
}

static const struct prm_session_io io = {
	.receive = receive,
	.send = send_some,
	.keep = keep,
	.discard = discard,
};

/* Answer as a device might: any status, as much data as there is room for. */
static void answer(struct prm_session *session)
{
	struct prm_request *request = prm_session_take_request(session);
	struct prm_wire_request head;
	struct prm_reply reply = { .size = sizeof(reply) };

	CHECK(request);
	head = request->head;
	CHECK(prm_session_is_busy(session));
	CHECK(head.length <= PRM_WIRE_DATA_MAX);
	CHECK(!head.length || request->data);
	reply.status = request->refused ? 2 : head.cdb[PRM_WIRE_CDB_LEN];
	reply.data_len = head.out || reply.status ? 0 : head.length;
	prm_session_reply(session, &head, &reply, &request->data);
	CHECK(session->tail_len == reply.data_len);
	peer.owed += session->out_len + session->tail_len;
	prm_session_give_back(session, request);
}

static int lowest_free_fd(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	close(fd);
	return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum prm_session_step step = PRM_STEP_READ;
	struct prm_session session;
	int free_fd = lowest_free_fd();

	memset(&peer, 0, sizeof(peer));
	peer.data = data;
	peer.len = size;
	prm_kernel_use(&any_device);
	CHECK(prm_session_init(&session, &io, NULL) == 0);
	peer.owed = session.out_len;
	while (step != PRM_STEP_END && step != PRM_STEP_BROKEN) {
		step = prm_session_step(&session);
		if (step == PRM_STEP_RUN)
			answer(&session);
	}
	CHECK(peer.sent == peer.owed);
	CHECK(step != PRM_STEP_BROKEN || session.reason);
	prm_request_free(prm_session_take_request(&session));
	prm_session_deinit(&session);
	CHECK(lowest_free_fd() == free_fd);
	return 0;
}
