/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_BENCH_LOAD_H
#define PRM_BENCH_LOAD_H

/*
 * Clients of a helper that do nothing but work it.
 *
 * Closed loop: each connection sends its next request when it has read the
 * whole answer to the last, as the protocol demands of every client.
 *
 * Errors: 0 or a negative errno. Threads: one at a time.
 */

#include <stddef.h>
#include <stdint.h>
#include "stats.h"
#include "wire/request.h"

/* SCSI statuses that a byte can hold. */
#define PRM_LOAD_STATUSES 256

/**
 * struct prm_load - what to send, and how much of it
 * @path:     the helper's socket
 * @device:   descriptor to send along with each request; borrowed
 * @request:  the command
 * @data:     its parameter list, @request.length bytes, for PR OUT; borrowed
 * @clients:  connections at a time, at least 1
 * @warmup:   requests that are not counted, over all clients
 * @requests: requests that are, over all clients
 */
struct prm_load {
	const char *path;
	int device;
	struct prm_wire_request request;
	const void *data;
	size_t clients;
	size_t warmup;
	size_t requests;
};

/**
 * struct prm_load_result - what came of it
 * @samples:  one for each counted request: from just before its CDB was sent
 *            until its answer was read; room for them made by the caller
 * @ns:       from the first counted request to the last answer
 * @statuses: how often each SCSI status was answered
 */
struct prm_load_result {
	struct prm_samples samples;
	int64_t ns;
	uint64_t statuses[PRM_LOAD_STATUSES];
};

/**
 * prm_load_connect() - connect and shake hands
 * @path:   the helper's socket
 * @ret_fd: the connection: blocking, close-on-exec
 *
 * Return: 0; -EPROTO when the helper closes early; or what the kernel said.
 */
int prm_load_connect(const char *path, int *ret_fd);

/**
 * prm_load_run() - put a load on a helper
 * @load:   what to send
 * @result: zero but for the room for samples; filled in
 *
 * Return: 0; -EPROTO when the helper closes a connection or answers what the
 * protocol does not know; or what the kernel said.
 */
int prm_load_run(const struct prm_load *load, struct prm_load_result *result);

#endif
