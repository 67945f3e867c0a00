/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_BACKEND_CLIENT_H
#define PRM_BACKEND_CLIENT_H

/*
 * One connection to a helper: handshake, requests and responses, each within a
 * deadline (prm_clock_ns()).  When to connect, and what a failure means, is
 * helper.c's to say.
 *
 * Errors: 0 or a negative errno: -ETIMEDOUT at the deadline, -ECONNRESET when
 * the helper closed the connection, -EPROTO when it broke the protocol, or the
 * error of a system call.
 * Threads: no shared state; a connection is used by one thread at a time, and
 * shutdown(2) from another ends whatever it waits for.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <prmanager/command.h>
#include "wire/request.h"

/* Shake hands on a new connection: take what is offered, ask for nothing. */
int prm_client_hello(int sock, int64_t deadline_ns);

/* 0 if nothing has arrived that was not asked for, the end included. */
int prm_client_check_idle(int sock);

/**
 * prm_client_send() - send a request
 * @sock:        the connection
 * @request:     the request
 * @params:      its parameter list, @request->length bytes, for PR OUT
 * @device:      the descriptor to pass
 * @deadline_ns: when to give up
 * @ret_left:    whether the whole CDB was sent, so that the helper may carry
 *               the command out; written on failure too
 *
 * Return: 0, or an error; -EBADF and -EINVAL are @device's fault.
 */
int prm_client_send(int sock, const struct prm_wire_request *request,
		    const void *params, int device, int64_t deadline_ns,
		    bool *ret_left);

/**
 * prm_client_receive() - receive the response to a request
 * @sock:        the connection
 * @request:     the request
 * @data:        room for @request->length bytes, for PR IN; its contents are
 *               undefined on failure
 * @deadline_ns: when to give up
 * @ret_reply:   the answer
 *
 * Return: 0 or an error, after which the connection is of no more use.
 */
int prm_client_receive(int sock, const struct prm_wire_request *request,
		       void *data, int64_t deadline_ns,
		       struct prm_reply *ret_reply);

#endif
