/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_HELPER_SERVE_LIMITS_H
#define PRM_HELPER_SERVE_LIMITS_H

/*
 * What the daemon allows itself and its clients.
 */

#include <stddef.h>

/* Default of --timeout: what a client waits for its reply. */
#define PRM_TIMEOUT_MS 30000

/* Default of --max-sessions: one for each VM, and then some. */
#define PRM_MAX_SESSIONS 1024

/* Default of --max-workers: threads inside devices at a time. */
#define PRM_MAX_WORKERS 256

/* How often to look for a take-over where inotify is not to be had. */
#define PRM_TAKE_OVER_POLL_MS 1000

#endif
