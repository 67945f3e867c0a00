/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_HELPER_SERVE_SESSION_H
#define PRM_HELPER_SERVE_SESSION_H

/*
 * The protocol with one client, as a machine that is told when something may
 * be there to read or room to write, and says what it wants next.
 *
 *     hello sent -> 4 bytes of features -> [ 16 bytes of CDB with exactly one
 *     descriptor -> parameter list -> request taken -> reply ] ...
 *
 * It reaches the client through a table of functions, so that anything can
 * play the client.  What has arrived of a request stays in the session: a slow
 * client costs no thread.  While a request is out and while its reply is not
 * sent whole, nothing is read: requests sent ahead are answered in order, and
 * no client can make the helper store more than one reply.
 *
 * Threads: one at a time, but for prm_session_is_busy().
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <prmanager/command.h>
#include "helper/serve/request.h"
#include "ipc/pass.h"
#include "wire/request.h"
#include "wire/response.h"

/**
 * struct prm_session_io - how a session reaches its client
 * @receive: as prm_pass_receive(), and never blocks; -ENOBUFS when nothing may
 *           be received for now, and somebody will say when
 * @send:    send the @head_len bytes at @head, then the @tail_len at @tail, as
 *           many as go now; 0 and *@ret_sent, or -EAGAIN for none, or -errno
 * @keep:    a received descriptor has been found to be a device
 * @discard: close a received descriptor, without blocking
 */
struct prm_session_io {
	int (*receive)(void *opaque, void *bytes, size_t len, size_t *ret_len,
		       struct prm_received_fds *ret_fds);
	int (*send)(void *opaque, const void *head, size_t head_len,
		    const void *tail, size_t tail_len, size_t *ret_sent);
	void (*keep)(void *opaque);
	void (*discard)(void *opaque, int fd);
};

/**
 * enum prm_session_step - what a session wants next
 * @PRM_STEP_READ:   to go on when there is something to read
 * @PRM_STEP_PAUSE:  to go on when it may read again
 * @PRM_STEP_WRITE:  to go on when there is room to write
 * @PRM_STEP_RUN:    its request taken, run and answered
 * @PRM_STEP_END:    nothing: the client has closed where it may, or is gone
 * @PRM_STEP_BROKEN: to be closed: the client broke the protocol
 */
enum prm_session_step {
	PRM_STEP_READ,
	PRM_STEP_PAUSE,
	PRM_STEP_WRITE,
	PRM_STEP_RUN,
	PRM_STEP_END,
	PRM_STEP_BROKEN,
};

/**
 * enum prm_session_phase - what is expected of the client
 * @PRM_PHASE_HELLO: the features it requests
 * @PRM_PHASE_HEAD:  a CDB
 * @PRM_PHASE_LIST:  a parameter list
 * @PRM_PHASE_RUN:   nothing: it is waiting for a reply
 */
enum prm_session_phase {
	PRM_PHASE_HELLO,
	PRM_PHASE_HEAD,
	PRM_PHASE_LIST,
	PRM_PHASE_RUN,
};

/**
 * struct prm_session - the state of the protocol
 * @io:       how to reach the client
 * @opaque:   for @io
 * @id:       number of the session, for logs; 0 until it is set
 * @phase:    what is expected of the client
 * @have:     bytes that have arrived of it
 * @in:       these bytes, unless they are a parameter list's
 * @request:  what is being received, from its descriptor on
 * @spare:    for when there is no memory for one; NULL while it is in use
 * @out:      hello, or the head of a reply
 * @out_len:  bytes at @out that are to be sent
 * @tail:     payload of a reply, owned; NULL if there is none
 * @tail_len: bytes at @tail that are to be sent
 * @sent:     bytes of both that have been sent
 * @busy:     a CDB has arrived whole whose reply has not been sent whole
 * @count:    requests so far
 * @reason:   after PRM_STEP_BROKEN, why; static
 */
struct prm_session {
	const struct prm_session_io *io;
	void *opaque;
	uint64_t id;
	enum prm_session_phase phase;
	size_t have;
	uint8_t in[PRM_WIRE_CDB_SIZE];
	struct prm_request *request;
	struct prm_request *spare;
	uint8_t out[PRM_WIRE_RESPONSE_SIZE];
	size_t out_len;
	uint8_t *tail;
	size_t tail_len;
	size_t sent;
	atomic_bool busy;
	uint64_t count;
	const char *reason;
};

/**
 * prm_session_init() - begin: the hello is ready to be sent
 * @session: to set up
 * @io:      how to reach the client; borrowed
 * @opaque:  for @io
 *
 * Return: 0, or -ENOMEM: what it needs later, it has from the start.
 */
int prm_session_init(struct prm_session *session,
		     const struct prm_session_io *io, void *opaque);

/*
 * Release what the session holds but its request, which is to be taken before,
 * as closing its device may block.
 */
void prm_session_deinit(struct prm_session *session);

/**
 * prm_session_step() - go on: send what is to be sent, then receive
 * @session: not in PRM_PHASE_RUN
 *
 * Return: what it wants next. After END and BROKEN there is nothing more to be
 * done with it but to take its request and to release it.
 */
enum prm_session_step prm_session_step(struct prm_session *session);

/* Go on with sending alone; READ when all is sent, else as above. */
enum prm_session_step prm_session_flush(struct prm_session *session);

/**
 * prm_session_take_request() - take the request over
 * @session: after PRM_STEP_RUN: the request is whole. At the end of a session:
 *           whatever has arrived of one
 *
 * Return: the request, now the caller's, or NULL.
 */
struct prm_request *prm_session_take_request(struct prm_session *session);

/* Give a request back that was answered: its own spare one, or freed. */
void prm_session_give_back(struct prm_session *session,
			   struct prm_request *request);

/**
 * prm_session_reply() - answer the request that was taken
 * @session: in PRM_PHASE_RUN; flush it next
 * @head:    the request
 * @reply:   the answer
 * @data:    the data received, taken (and set to NULL) if it is to be sent
 */
void prm_session_reply(struct prm_session *session,
		       const struct prm_wire_request *head,
		       const struct prm_reply *reply, uint8_t **data);

/* Whether the client is owed an answer; any thread. */
bool prm_session_is_busy(const struct prm_session *session);

/*
 * Whether the client has begun something and not ended it: its hello, a
 * request, the fetching of a reply. Not so between requests and while one runs.
 */
bool prm_session_is_halfway(const struct prm_session *session);

#endif
