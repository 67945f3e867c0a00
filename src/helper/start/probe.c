/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether a socket file leads to a helper that works.
 *
 * That a connection is accepted proves nothing: the kernel accepts on behalf of
 * a killed helper for as long as one of its threads hangs in a device.  A
 * helper speaks first, though, so four bytes are proof of life.  On a busy machine
 * they may take their time: where the kernel names the process that listens and
 * it is no zombie, it is waited for longer.
 *
 * The mistakes are not equally bad.  Replacing a live helper's socket cuts off
 * every virtual machine behind it; failing to replace a dead one needs an
 * administrator.  So whoever is there but cannot serve us right now (a full
 * backlog, a helper at its limit of sessions) counts as alive.
 */

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/fd.h"
#include "helper/start/probe.h"
#include "ipc/connect.h"
#include "ipc/peer.h"

/* The features of a helper, as it says them first. */
#define FEATURES_SIZE 4

/* What became of one connection. */
enum answer {
	ANSWER_FEATURES,
	ANSWER_SILENCE,
	ANSWER_CLOSED,
};

/* Whether the process that listens is one of ours to see, and lives. */
static bool is_alive(int sock)
{
	char path[32], line[512];
	const char *state = NULL;
	struct prm_peer peer;
	FILE *file;

	if (prm_peer_get(sock, &peer) < 0 || peer.pid <= 0)
		return false;
	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)peer.pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	/* "PID (NAME) STATE ...", and the name may be anything. */
	if (fgets(line, sizeof(line), file))
		state = strrchr(line, ')');
	(void)fclose(file);
	return state && state[1] == ' ' && !strchr("ZXx", state[2]);
}

/* Wait for bytes until @deadline_ns; whether some may be there. */
static bool wait_for_bytes(int fd, int64_t deadline_ns)
{
	struct pollfd event = { .fd = fd, .events = POLLIN };
	int64_t left_ms = (deadline_ns - prm_clock_ns()) / PRM_NS_PER_MS;

	if (left_ms <= 0)
		return false;
	(void)poll(&event, 1, (int)left_ms);
	return true;
}

static enum answer listen_to(int fd, const struct prm_probe_patience *patience)
{
	int64_t begun = prm_clock_ns();
	int64_t deadline = begun + patience->silence_ms * PRM_NS_PER_MS;
	int64_t last = begun + patience->alive_ms * PRM_NS_PER_MS;
	uint8_t bytes[FEATURES_SIZE];
	size_t have = 0;

	for (;;) {
		ssize_t len = read(fd, bytes + have, sizeof(bytes) - have);

		if (len == 0 || (len < 0 && errno != EAGAIN && errno != EINTR))
			return ANSWER_CLOSED;
		if (len > 0)
			have += (size_t)len;
		if (have == sizeof(bytes))
			return ANSWER_FEATURES;
		if (wait_for_bytes(fd, deadline))
			continue;
		if (deadline >= last || !is_alive(fd))
			return ANSWER_SILENCE;
		deadline = last;
	}
}

/* One attempt; @ret_probe is BUSY where another may tell more. */
static int attempt(const char *path, const struct prm_probe_patience *patience,
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
	switch (listen_to(fd, patience)) {
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
		int error = attempt(path, patience, &probe);

		if (error < 0)
			return error;
		if (probe != PRM_PROBE_BUSY || retry == patience->retries)
			break;
		(void)poll(NULL, 0, (int)patience->retry_ms);
	}
	*ret_probe = probe;
	return 0;
}
