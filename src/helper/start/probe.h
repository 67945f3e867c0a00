/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_HELPER_START_PROBE_H
#define PRM_HELPER_START_PROBE_H

/*
 * Whether a socket file leads to a helper that works.
 */

/**
 * struct prm_probe_patience - how long to look
 * @silence_ms: for a helper to say its four bytes, in milliseconds
 * @alive_ms:   the same, where the process behind the socket is known to live:
 *              the machine may be busy
 * @retry_ms:   between two attempts at one that takes no clients
 * @retries:    attempts after the first
 */
struct prm_probe_patience {
	unsigned int silence_ms;
	unsigned int alive_ms;
	unsigned int retry_ms;
	unsigned int retries;
};

/* Two seconds, or ten for a process that lives. */
#define PRM_PROBE_PATIENCE                                                     \
	{                                                                      \
		.silence_ms = 2000, .alive_ms = 10000, .retry_ms = 100,        \
		.retries = 20                                                  \
	}

/**
 * enum prm_probe - what was found behind a socket file
 * @PRM_PROBE_STALE:   nobody, or somebody who accepts and says nothing: what is
 *                     left of a killed helper while one of its threads hangs in
 *                     a device
 * @PRM_PROBE_LIVE:    a helper; it said its features
 * @PRM_PROBE_BUSY:    somebody whose backlog stayed full, or who closed every
 *                     connection at once: perhaps a helper with many clients
 * @PRM_PROBE_FOREIGN: a socket of another type, which no helper has
 */
enum prm_probe {
	PRM_PROBE_STALE,
	PRM_PROBE_LIVE,
	PRM_PROBE_BUSY,
	PRM_PROBE_FOREIGN,
};

/**
 * prm_probe() - connect like a client and see
 * @path:      of a socket file
 * @patience:  how long to look; PRM_PROBE_PATIENCE but in tests
 * @ret_probe: what was found, written on success only
 *
 * Sends nothing, so the other side loses at most a place in its backlog for
 * that time.
 *
 * Return: 0; -ENOENT if there is no such file; or an error of connect(2), such
 * as -EACCES.
 */
int prm_probe(const char *path, const struct prm_probe_patience *patience,
	      enum prm_probe *ret_probe);

#endif
