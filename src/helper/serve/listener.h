/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_HELPER_SERVE_LISTENER_H
#define PRM_HELPER_SERVE_LISTENER_H

/*
 * The listening socket: letting clients in, and turning them away.
 *
 * A client is never kept waiting at the door: that would block the main thread
 * of a virtual machine.  Who cannot be served is let in and shown out.
 */

#include <stdint.h>
#include "helper/serve/state.h"

/* Let in who waits, and arm the listener again; any thread. */
void prm_listener_accept(struct prm_server *server);

/* Arm the listener again if it was paused and the pause is over at @now_ns. */
void prm_listener_resume(struct prm_server *server, int64_t now_ns);

/* When a pause is over; PRM_DEADLINE_NEVER if there is none. */
int64_t prm_listener_resume_ns(struct prm_server *server);

/**
 * prm_listener_close() - let nobody in any more
 * @server: whose listener
 * @last:   but those who wait already
 */
void prm_listener_close(struct prm_server *server, bool last);

#endif
