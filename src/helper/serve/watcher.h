/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_HELPER_SERVE_WATCHER_H
#define PRM_HELPER_SERVE_WATCHER_H

/*
 * What has to happen even when every worker is stuck.
 */

#include "helper/serve/state.h"

/**
 * prm_watch() - watch over a server whose workers run
 * @server: the server
 *
 * Returns when it has been stopped or taken over, and is drained.
 *
 * Return: which of the two.
 */
enum prm_server_end prm_watch(struct prm_server *server);

#endif
