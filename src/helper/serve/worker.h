/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_HELPER_SERVE_WORKER_H
#define PRM_HELPER_SERVE_WORKER_H

/*
 * The threads that serve.
 */

#include "helper/serve/state.h"

/**
 * prm_worker_start() - start one more
 * @server: whom it serves, until it is told to end or has had nothing to do
 *          for PRM_WORKER_IDLE_MS while there are more than usual
 *
 * Return: 0, -ENOMEM, or the error of pthread_create(3).
 */
int prm_worker_start(struct prm_server *server);

/**
 * prm_worker_take() - do what an event of epoll asks for
 * @server: whose
 * @worker: who was told of it; NULL for the watcher, who parks every request
 * @event:  what it is about (state.h)
 */
void prm_worker_take(struct prm_server *server, struct prm_worker *worker,
		     uint64_t event);

/**
 * prm_workers_end() - tell all to end, and wait for them
 * @server:      whose
 * @patience_ms: how long to wait for those in devices, in milliseconds
 *
 * Return: whether all have ended; others are stuck in a device.
 */
bool prm_workers_end(struct prm_server *server, unsigned int patience_ms);

#endif
