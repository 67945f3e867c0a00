/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_WIRE_HELLO_H
#define PRM_WIRE_HELLO_H

/*
 * The handshake: the helper sends the features that it supports, the client
 * answers with those that it wants, which must be a subset.
 *
 * No released client requests any, and no feature is defined here, so the
 * helper offers none and drops a client that wants one.
 *
 * Errors: ret_x is written on PRM_DECODE_OK only. Threads: no shared state.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/cursor.h"

/* Bytes of either half of the handshake: one big-endian word of bits. */
#define PRM_WIRE_HELLO_SIZE 4

/* The features that this side implements. */
#define PRM_WIRE_FEATURES UINT32_C(0)

/**
 * prm_wire_hello_encode() - the bytes of one half of the handshake
 * @features: one bit for each feature
 * @bytes:    receives PRM_WIRE_HELLO_SIZE bytes
 */
void prm_wire_hello_encode(uint32_t features,
			   uint8_t bytes[PRM_WIRE_HELLO_SIZE]);

/**
 * prm_wire_hello_decode() - read one half of the handshake
 * @bytes:        received so far
 * @len:          their number
 * @ret_features: one bit for each feature
 *
 * Every value is well-formed; whether it is welcome is for
 * prm_wire_hello_is_subset() to say.
 *
 * Return: OK, INCOMPLETE, or TRAILING when @len exceeds
 * PRM_WIRE_HELLO_SIZE.
 */
enum prm_decode prm_wire_hello_decode(const void *bytes, size_t len,
				      uint32_t *ret_features);

/* Whether a peer that was offered @supported may request @requested. */
bool prm_wire_hello_is_subset(uint32_t requested, uint32_t supported);

#endif
