/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_HELPER_SERVE_SERVE_H
#define PRM_HELPER_SERVE_SERVE_H

/*
 * What is done with a client when something happens to it.
 *
 * Threads: each function takes over what it is given (desk.h), and has armed
 * it, ended it or handed it on when it returns.
 */

#include <stdint.h>
#include "helper/serve/client.h"
#include "helper/serve/crew.h"
#include "helper/serve/request.h"
#include "helper/serve/state.h"

/* A new client: send the hello and arm it. */
void prm_serve_new(struct prm_client *client);

/* Something has come from a client, or there is room to write to it. */
void prm_serve_event(struct prm_server *server, struct prm_worker *worker,
		     struct prm_client *client);

/* A client hung up that had a parked request, or was paused. */
void prm_serve_hangup(struct prm_server *server, uint64_t ticket);

/* The desk has given a request to this worker. */
void prm_serve_request(struct prm_server *server, struct prm_worker *worker,
		       struct prm_request *request);

/* Answer all requests whose deadline is past; the watcher's. */
void prm_serve_overdue(struct prm_server *server, int64_t now_ns);

/* Shut out all clients that took too long over something; the watcher's. */
void prm_serve_impatient(struct prm_server *server, int64_t now_ns);

/* Log a warning about a client of the caller's, with who it is. */
void prm_serve_complain(const struct prm_client *client, const char *what);

/* Shut out all clients that are owed no answer; the watcher's. */
void prm_serve_dismiss(struct prm_server *server);

#endif
