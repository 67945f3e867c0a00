/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_TESTS_HELPER_PLAN_H
#define PRM_TESTS_HELPER_PLAN_H

/*
 * Sessions of a fake helper: each is a fake_session whose opaque is a plan.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include "fake_helper.h"

/* What a fake helper is told, and what it has seen. */
struct plan {
	atomic_uint cdbs;     /* whole CDBs that arrived */
	atomic_uint sessions; /* connections that got past the handshake */
	uint32_t status, size;
	const uint8_t *bytes; /* sent in place of a reply */
	size_t len;
	struct fake_request last;
	struct stat device; /* what the descriptor was open on */
};

/* Answer every command as the plan says. */
void plan_obey(int sock, unsigned int number, void *opaque);

/* Not even hello. */
void plan_say_nothing(int sock, unsigned int number, void *opaque);

/* Go away before hello. */
void plan_close_at_once(int sock, unsigned int number, void *opaque);

/* Half a hello, and go away. */
void plan_greet_by_halves(int sock, unsigned int number, void *opaque);

/* Accept one command, send the plan's bytes, and keep the connection open. */
void plan_send_bytes(int sock, unsigned int number, void *opaque);

/* The same, and close. */
void plan_send_bytes_and_close(int sock, unsigned int number, void *opaque);

/* One command on each connection. */
void plan_serve_one(int sock, unsigned int number, void *opaque);

/* Take in one command, and note it; false when the peer is gone. */
bool plan_receive(int sock, struct plan *plan);

/* Say hello, and count the session; false when the peer is gone. */
bool plan_greet(int sock, struct plan *plan);

#endif
