/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_TESTS_FAKE_HELPER_H
#define PRM_TESTS_FAKE_HELPER_H

/*
 * A helper that does whatever a test wants, on threads of the test itself.
 *
 * Each connection is given to a function, which says what the helper does on
 * it; the connection is closed when it returns.
 */

#include <prmanager/command.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of a response before its payload. */
#define FAKE_HEAD_SIZE 104

struct fake_helper;

/* One connection: the @number-th, counted from 0. */
typedef void (*fake_session)(int sock, unsigned int number, void *opaque);

/**
 * struct fake_request - what a client has sent
 * @cdb:    the CDB
 * @list:   the parameter list
 * @length: bytes 7 and 8 of the CDB
 * @fd:     the descriptor that came along, owned; -1 if there was none
 */
struct fake_request {
	uint8_t cdb[16];
	uint8_t list[PRM_DATA_SIZE];
	size_t length;
	int fd;
};

/* Listen at a new path, and give each connection to @session. */
struct fake_helper *fake_helper_start(fake_session session, void *opaque);

/* As fake_helper_start(), at a given path. */
struct fake_helper *fake_helper_start_at(const char *path, fake_session session,
					 void *opaque);

/* The socket's path; borrowed. */
const char *fake_helper_path(const struct fake_helper *helper);

/* Close all connections, wait for all sessions, remove the socket. */
void fake_helper_stop(struct fake_helper *helper);

/* Offer no feature and read the client's request; false at its end. */
bool fake_hello(int sock);

/* Read a CDB with its descriptor, and no more; false at the end. */
bool fake_receive_cdb(int sock, struct fake_request *request);

/* Read the parameter list, if there is one; false at the end. */
bool fake_receive_list(int sock, struct fake_request *request);

/* Read a whole request and close its descriptor; false at the end. */
bool fake_receive(int sock, struct fake_request *request);

/* The bytes before the payload; sense is 05/24/00 for CHECK CONDITION. */
void fake_head(uint8_t head[FAKE_HEAD_SIZE], uint32_t status, uint32_t size);

/* Send these bytes; false if the client is gone. */
bool fake_send(int sock, const void *bytes, size_t len);

/* Send a response with @size bytes of payload, 0, 1, 2 and so on. */
bool fake_reply(int sock, uint32_t status, uint32_t size);

/* Wait until the client closes the connection. */
void fake_wait_closed(int sock);

#endif
