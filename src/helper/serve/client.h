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
#include "helper/serve/tenant.h"

struct prm_server;

/**
 * struct prm_client - a connection
 * @server:   whose it is
 * @session:  the protocol on it
 * @sock:     its socket; -1 once it is closed, or the closer's
 * @watched:  the epoll set knows @sock
 * @at_end:   all was read, and nothing more can come
 * @who:      who is at the other end
 * @tenant:   whose connection it is; a reference and a session of it
 * @refs:     references
 * @lingers:  a device of its waits for the closer, beside the pile
 * @ticket:   that it was paused under; the desk's
 * @paused_ns: since when; the desk's
 * @is_late:  it has been for so long that this was logged; the desk's
 * @pausing:  among those paused; the desk's
 * @expired:  it took too long over something; set under the desk's lock
 * @patience: when it will have; the desk's
 * @minded:   @patience was set
 * @shared:   warnings that it shares a nexus, which are bounded; the desk's
 * @progress: what it was about then
 * @link:     among those connected; the desk's
 */
struct prm_client {
	struct prm_server *server;
	struct prm_session session;
	int sock;
	bool watched;
	bool at_end;
	struct prm_who who;
	struct prm_tenant *tenant;
	atomic_uint refs;
	atomic_bool lingers;
	uint64_t ticket;
	int64_t paused_ns;
	bool is_late;
	struct prm_link pausing;
	atomic_bool expired;
	struct prm_deadline patience;
	bool minded;
	unsigned int shared;
	uint64_t progress;
	struct prm_link link;
};

/**
 * prm_client_new() - take a connection in; it counts as connected
 * @server:     whose it is
 * @sock:       connected socket, non-blocking; taken (and -1) on success
 * @pid:        of the peer; 0 when not known
 * @tenant:     whose connection it is; the reference is taken on success
 * @ret_client: the client, with one reference, owned by the caller
 *
 * Return: 0; -EBUSY if the tenant, or the server, has too many; -ENOMEM.
 */
int prm_client_new(struct prm_server *server, int *sock, pid_t pid,
		   struct prm_tenant *tenant, struct prm_client **ret_client);

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
 * prm_client_release() - make epoll the owner, until something comes
 * @client: not to be touched afterwards: the event may be another thread's
 * @events: EPOLLIN or EPOLLOUT; a hang-up is reported in any case
 *
 * Notes whether the client has begun something (patience), under the desk's
 * lock, which who is told of the event takes before he touches the client.
 *
 * Return: whether it is armed; if not it is still the caller's.
 */
bool prm_client_release(struct prm_client *client, uint32_t events);

/**
 * prm_client_pause() - do not read from it until there is room for what may come
 * @client: not to be touched afterwards
 *
 * The desk owns it until prm_clients_resume() finds that there is room, or its
 * hang-up is seen (prm_client_claim()). Takes the lock.
 *
 * Return: whether it is armed; if not it is still the caller's.
 */
bool prm_client_pause(struct prm_client *client);

/* Something has been closed: go on reading from who may; any thread. */
void prm_clients_resume(struct prm_server *server);

/* The client that was paused under this ticket, now the caller's; or NULL. */
struct prm_client *prm_client_claim(struct prm_server *server, uint64_t ticket);

/**
 * prm_client_arm_parked() - make epoll the owner, until the other end hangs up
 * @client: whose request is parked, where others can get at it as well
 * @event:  what the event is about (state.h)
 *
 * Under the desk's lock, from before the request was to be found there.
 *
 * Return: whether it is armed.
 */
bool prm_client_arm_parked(struct prm_client *client, uint64_t event);

/* Whether its other end is closed; needs no owner, never blocks. */
bool prm_client_is_gone(struct prm_client *client);

/*
 * Shut a socket down; whether something lies unread in it, so that closing it
 * may block.
 */
bool prm_socket_shut(int sock);

#endif
