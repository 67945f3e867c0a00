/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_HELPER_SERVE_CLIENT_H
#define PRM_HELPER_SERVE_CLIENT_H

/*
 * A connection: a session and the socket it goes through.
 *
 * It is counted by references: one of whoever owns the connection (desk.h),
 * one of each of its requests, for its name in logs, and one of each
 * descriptor of its that waits for the closer.  So what a client leaves behind
 * counts against the limit of clients until it is gone.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include "helper/serve/deadline.h"
#include "helper/serve/request.h"
#include "helper/serve/session.h"

struct prm_server;

/**
 * struct prm_client - a connection
 * @server:   whose it is
 * @session:  the protocol on it
 * @sock:     its socket; -1 once it is closed, or the closer's
 * @watched:  the epoll set knows @sock
 * @who:      who is at the other end
 * @unit:     what @who points to, owned; or NULL
 * @refs:     references
 * @pile:     descriptors that wait for the closer
 * @expired:  it took too long over something; set under the desk's lock
 * @patience: when it will have; the desk's
 * @minded:   @patience was set
 * @progress: what it was about then
 * @link:     among those connected; the desk's
 */
struct prm_client {
	struct prm_server *server;
	struct prm_session session;
	int sock;
	bool watched;
	struct prm_who who;
	char *unit;
	atomic_uint refs;
	atomic_uint pile;
	atomic_bool expired;
	struct prm_deadline patience;
	bool minded;
	uint64_t progress;
	struct prm_link link;
};

/**
 * prm_client_new() - take a connection in; it counts as connected
 * @server:     whose it is
 * @sock:       connected socket, non-blocking; taken (and -1) on success
 * @ret_client: the client, with one reference, owned by the caller
 *
 * Return: 0, -ENOMEM, or the error of asking who it is.
 */
int prm_client_new(struct prm_server *server, int *sock,
		   struct prm_client **ret_client);

/* Take a reference. Returns @client. */
struct prm_client *prm_client_ref(struct prm_client *client);

/* Drop a reference; the last one frees. NULL is a no-op. Returns NULL. */
struct prm_client *prm_client_unref(struct prm_client *client);

/**
 * prm_client_end() - close the connection, by its owner; never blocks
 * @client: the caller's reference goes with it
 * @step:   why: PRM_STEP_END or PRM_STEP_BROKEN
 */
void prm_client_end(struct prm_client *client, enum prm_session_step step);

/**
 * prm_client_arm() - make epoll the owner; under the desk's lock
 * @client: not to be touched afterwards: the event may be another thread's
 * @events: to wait for; a hang-up is one even if it is not asked for
 * @event:  what the event is about (state.h)
 *
 * Who is told of an event takes the lock before he touches the client, and so
 * sees all that was done to it before.
 *
 * Return: whether it is armed; if not it is still the caller's.
 */
bool prm_client_arm(struct prm_client *client, uint32_t events, uint64_t event);

/*
 * Arm the client, noting whether it has begun something (patience). Returns as
 * above; takes the lock.
 */
bool prm_client_release(struct prm_client *client, uint32_t events);

/* Whether its other end is closed; needs no owner, never blocks. */
bool prm_client_is_gone(struct prm_client *client);

/**
 * prm_socket_close() - close a socket without blocking
 * @server: whose closer it goes to if something lies unread in it
 * @sock:   taken
 * @client: whose it is, with a reference to drop afterwards; NULL if nobody's:
 *          then a place on the pile has been reserved, which is used or given
 *          back
 */
void prm_socket_close(struct prm_server *server, int sock,
		      struct prm_client *client);

#endif
