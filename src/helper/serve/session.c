/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The protocol with one client.
 *
 * Every read asks for exactly what is missing of the present part, so that
 * nothing of the next is ever taken in early, and makes room for descriptors,
 * whatever the part: the kernel would close what there is no room for, and a
 * close may block.  With a CDB exactly one descriptor must come, with any of
 * its bytes.  Those that come with other parts mean nothing and are discarded.
 *
 * A descriptor is looked at when it arrives and not when the request is whole:
 * one that is no device is let go at once.  A client that passes its own end of
 * the connection would otherwise keep itself alive for ever.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include "base/clock.h"
#include "helper/log/log.h"
#include "helper/log/trace.h"
#include "helper/serve/session.h"
#include "wire/hello.h"

int prm_session_init(struct prm_session *session,
		     const struct prm_session_io *io, void *opaque)
{
	*session = (struct prm_session){
		.io = io,
		.opaque = opaque,
		.phase = PRM_PHASE_HELLO,
		.out_len = PRM_WIRE_HELLO_SIZE,
	};
	prm_wire_hello_encode(PRM_WIRE_FEATURES, session->out);
	session->spare = prm_request_new();
	if (!session->spare)
		return -ENOMEM;
	prm_request_reset(session->spare);
	return 0;
}

void prm_session_deinit(struct prm_session *session)
{
	assert(!session->request);
	free(session->tail);
	session->tail = NULL;
	session->spare = prm_request_free(session->spare);
}

static enum prm_session_step broken(struct prm_session *session,
				    const char *reason)
{
	session->reason = reason;
	return PRM_STEP_BROKEN;
}

static enum prm_session_step flushed(struct prm_session *session)
{
	free(session->tail);
	session->tail = NULL;
	session->out_len = 0;
	session->tail_len = 0;
	session->sent = 0;
	atomic_store(&session->busy, false);
	return PRM_STEP_READ;
}

/* Send once; -EAGAIN, another error, or 0. */
static int send_some(struct prm_session *session)
{
	size_t done = session->sent, tail_done = 0, sent = 0;
	int r;

	if (done > session->out_len) {
		tail_done = done - session->out_len;
		done = session->out_len;
	}
	r = session->io->send(session->opaque, session->out + done,
			      session->out_len - done,
			      session->tail ? session->tail + tail_done : NULL,
			      session->tail_len - tail_done, &sent);
	if (r >= 0)
		session->sent += sent;
	return r;
}

enum prm_session_step prm_session_flush(struct prm_session *session)
{
	if (!session->out_len)
		return PRM_STEP_READ;
	while (session->sent < session->out_len + session->tail_len) {
		int r = send_some(session);

		if (r == -EAGAIN)
			return PRM_STEP_WRITE;
		if (r < 0)
			return PRM_STEP_END;
	}
	return flushed(session);
}

static void discard_all(struct prm_session *session,
			struct prm_received_fds *fds)
{
	for (size_t i = 0; i < fds->count; i++)
		session->io->discard(session->opaque, fds->fds[i]);
	fds->count = 0;
}

/* The one descriptor of a request has come. */
static enum prm_session_step begin_request(struct prm_session *session, int fd)
{
	session->request = prm_request_new();
	if (!session->request)
		session->request = steal_ptr(&session->spare);
	prm_request_begin(session->request, &fd);
	if (fd < 0)
		session->io->keep(session->opaque);
	else
		session->io->discard(session->opaque, fd);
	return PRM_STEP_RUN;
}

/* What came along with some bytes of a CDB. */
static enum prm_session_step take_fds(struct prm_session *session,
				      struct prm_received_fds *fds)
{
	if (fds->count == 1 && !session->request && !fds->truncated)
		return begin_request(session, fds->fds[0]);
	if (!fds->count && !fds->truncated)
		return PRM_STEP_RUN;
	/* Places are kept for what clients pass (limits.h). */
	if (!fds->count)
		return broken(session, "there is no place for its descriptor; "
				       "was RLIMIT_NOFILE of pr-helper "
				       "lowered?");
	discard_all(session, fds);
	return broken(session, "more than one descriptor");
}

/* End of file: fine between requests, and after a look at the hello. */
static enum prm_session_step closed(struct prm_session *session)
{
	if (session->have || session->phase == PRM_PHASE_LIST)
		return broken(session, "closed within a request");
	return PRM_STEP_END;
}

static enum prm_session_step receive_failed(struct prm_session *session, int r)
{
	if (r == -EAGAIN)
		return PRM_STEP_READ;
	if (r == -ENOBUFS)
		return PRM_STEP_PAUSE;
	return PRM_STEP_END;
}

/* Receive once, up to @len bytes: RUN if some have come, else what is next. */
static enum prm_session_step receive_some(struct prm_session *session,
					  uint8_t *bytes, size_t len)
{
	struct prm_received_fds fds;
	size_t received;
	int r;

	r = session->io->receive(session->opaque, bytes, len, &received, &fds);
	if (r < 0)
		return receive_failed(session, r);
	if (!received)
		return closed(session);
	session->have += received;
	if (session->phase == PRM_PHASE_HEAD)
		return take_fds(session, &fds);
	discard_all(session, &fds);
	if (fds.truncated)
		return broken(session, "more descriptors than fit");
	return PRM_STEP_RUN;
}

/* Receive what is missing of @want bytes: RUN once all of them are there. */
static enum prm_session_step fill(struct prm_session *session, uint8_t *bytes,
				  size_t want)
{
	enum prm_session_step step = PRM_STEP_RUN;

	while (step == PRM_STEP_RUN && session->have < want)
		step = receive_some(session, bytes + session->have,
				    want - session->have);
	return step;
}

static enum prm_session_step read_hello(struct prm_session *session)
{
	enum prm_session_step step =
		fill(session, session->in, PRM_WIRE_HELLO_SIZE);
	uint32_t features = 0;

	if (step != PRM_STEP_RUN)
		return step;
	(void)prm_wire_hello_decode(session->in, session->have, &features);
	PRM_TRACE(session_hello, session->id, features);
	if (!prm_wire_hello_is_subset(features, PRM_WIRE_FEATURES))
		return broken(session, "requests an unknown feature");
	session->phase = PRM_PHASE_HEAD;
	session->have = 0;
	return PRM_STEP_RUN;
}

static enum prm_session_step take_head(struct prm_session *session,
				       const struct prm_wire_request *head)
{
	if (!session->request)
		return broken(session, "no descriptor");
	prm_request_set_head(session->request, head);
	atomic_store(&session->busy, true);
	PRM_TRACE(request, session->id, head->opcode, head->action,
		  (unsigned int)head->length);
	prm_log_bytes("cdb", session->in, sizeof(session->in));
	session->phase = PRM_PHASE_LIST;
	session->have = 0;
	return PRM_STEP_RUN;
}

static enum prm_session_step read_head(struct prm_session *session)
{
	enum prm_session_step step =
		fill(session, session->in, PRM_WIRE_CDB_SIZE);
	struct prm_wire_request head;

	if (step != PRM_STEP_RUN && step != PRM_STEP_READ)
		return step;
	switch (prm_wire_request_decode(session->in, session->have, &head)) {
	case PRM_DECODE_OK: return take_head(session, &head);
	case PRM_DECODE_INCOMPLETE: return step;
	case PRM_DECODE_TOO_LARGE: return broken(session, "length above 8192");
	default: return broken(session, "not a PERSISTENT RESERVE command");
	}
}

/* Receive what is missing of @want bytes that there is no room for. */
static enum prm_session_step skip(struct prm_session *session, size_t want)
{
	enum prm_session_step step = PRM_STEP_RUN;
	uint8_t bytes[512];

	while (step == PRM_STEP_RUN && session->have < want) {
		size_t len = want - session->have;

		step = receive_some(session, bytes,
				    len < sizeof(bytes) ? len : sizeof(bytes));
	}
	return step;
}

static enum prm_session_step read_list(struct prm_session *session)
{
	struct prm_request *request = session->request;
	size_t length = request->head.out ? request->head.length : 0;
	enum prm_session_step step;

	step = request->data ? fill(session, request->data, length)
			     : skip(session, length);
	if (step != PRM_STEP_RUN)
		return step;
	if (length && request->data)
		prm_log_bytes("list", request->data, length);
	request->begun_ns = prm_clock_ns();
	session->phase = PRM_PHASE_RUN;
	session->have = 0;
	session->count++;
	return PRM_STEP_RUN;
}

static enum prm_session_step read_part(struct prm_session *session)
{
	switch (session->phase) {
	case PRM_PHASE_HELLO: return read_hello(session);
	case PRM_PHASE_HEAD: return read_head(session);
	default: return read_list(session);
	}
}

enum prm_session_step prm_session_step(struct prm_session *session)
{
	enum prm_session_step step = prm_session_flush(session);

	if (step != PRM_STEP_READ)
		return step;
	do
		step = read_part(session);
	while (step == PRM_STEP_RUN && session->phase != PRM_PHASE_RUN);
	return step;
}

struct prm_request *prm_session_take_request(struct prm_session *session)
{
	return steal_ptr(&session->request);
}

void prm_session_give_back(struct prm_session *session,
			   struct prm_request *request)
{
	if (!request->spare) {
		(void)prm_request_free(request);
		return;
	}
	prm_request_reset(request);
	session->spare = request;
}

void prm_session_reply(struct prm_session *session,
		       const struct prm_wire_request *head,
		       const struct prm_reply *reply, uint8_t **data)
{
	session->out_len = PRM_WIRE_RESPONSE_SIZE;
	session->tail_len = prm_wire_response_encode(head, reply, session->out);
	if (session->tail_len)
		session->tail = steal_ptr(data);
	session->sent = 0;
	session->phase = PRM_PHASE_HEAD;
	PRM_TRACE(reply, session->id, (unsigned int)reply->status,
		  session->tail_len);
	prm_log_bytes("reply", session->out, session->out_len);
	if (session->tail_len)
		prm_log_bytes("payload", session->tail, session->tail_len);
}

bool prm_session_is_busy(const struct prm_session *session)
{
	return atomic_load(&session->busy);
}

bool prm_session_is_halfway(const struct prm_session *session)
{
	switch (session->phase) {
	case PRM_PHASE_RUN: return false;
	case PRM_PHASE_HEAD: return session->have || session->out_len;
	default: return true;
	}
}
