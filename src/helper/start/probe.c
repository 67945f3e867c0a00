/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether a socket file leads to a helper that works.
 *
 * That a connection is accepted proves nothing: the kernel accepts on behalf of
 * a killed helper for as long as one of its threads hangs in a device.  A
 * helper speaks first, though, so four bytes are proof of life.
 *
 * The mistakes are not equally bad.  Replacing a live helper's socket cuts off
 * every virtual machine behind it; failing to replace a dead one needs an
 * administrator.  So whoever is there but cannot serve us right now (a full
 * backlog, a helper at its limit of sessions) counts as alive.
 */

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/fd.h"
#include "helper/start/probe.h"
#include "ipc/connect.h"

/* The features of a helper, as it says them first. */
#define FEATURES_SIZE 4

/* What became of one connection. */
enum answer {
	ANSWER_FEATURES,
	ANSWER_SILENCE,
	ANSWER_CLOSED,
};

static enum answer listen_to(int fd, unsigned int silence_ms)
{
	int64_t deadline = prm_clock_ns() + silence_ms * PRM_NS_PER_MS;
	uint8_t bytes[FEATURES_SIZE];
	size_t have = 0;

	for (;;) {
		struct pollfd event = { .fd = fd, .events = POLLIN };
		ssize_t len = read(fd, bytes + have, sizeof(bytes) - have);
		int64_t left;

		if (len == 0 || (len < 0 && errno != EAGAIN && errno != EINTR))
			return ANSWER_CLOSED;
		if (len > 0)
			have += (size_t)len;
		if (have == sizeof(bytes))
			return ANSWER_FEATURES;

		left = (deadline - prm_clock_ns()) / PRM_NS_PER_MS;
		if (left <= 0)
			return ANSWER_SILENCE;
		(void)poll(&event, 1, (int)left);
	}
}

/* One attempt; @ret_probe is BUSY where another may tell more. */
static int attempt(const char *path, unsigned int silence_ms,
		   enum prm_probe *ret_probe)
{
	CLEANUP(prm_fd_closep) int fd = -1;
	int error = prm_connect(path, 0, &fd);

	*ret_probe = PRM_PROBE_BUSY;
	switch (error) {
	case 0: break;
	case -EAGAIN: return 0;
	case -ECONNREFUSED: *ret_probe = PRM_PROBE_STALE; return 0;
	case -EPROTOTYPE: *ret_probe = PRM_PROBE_FOREIGN; return 0;
	default: return error;
	}
	switch (listen_to(fd, silence_ms)) {
	case ANSWER_FEATURES: *ret_probe = PRM_PROBE_LIVE; break;
	case ANSWER_SILENCE: *ret_probe = PRM_PROBE_STALE; break;
	case ANSWER_CLOSED: break;
	}
	return 0;
}

int prm_probe(const char *path, const struct prm_probe_patience *patience,
	      enum prm_probe *ret_probe)
{
	enum prm_probe probe;

	for (unsigned int retry = 0;; retry++) {
		int error = attempt(path, patience->silence_ms, &probe);

		if (error < 0)
			return error;
		if (probe != PRM_PROBE_BUSY || retry == patience->retries)
			break;
		(void)poll(NULL, 0, (int)patience->retry_ms);
	}
	*ret_probe = probe;
	return 0;
}
