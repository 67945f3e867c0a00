/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Requests that leave by halves, or not at all, and what is said of them. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>
#include "backend/client.h"
#include "base/clock.h"

/* For what will never happen. */
#define SOON_NS (50 * PRM_NS_PER_MS)

static uint8_t params[PRM_DATA_SIZE];

/* A connection that takes no more than a page or so before it is read. */
static void connect_pair(int socks[2])
{
	int size = 1;

	assert_int_equal(socketpair(AF_UNIX,
				    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
				    0, socks),
			 0);
	assert_int_equal(setsockopt(socks[0], SOL_SOCKET, SO_SNDBUF, &size,
				    sizeof(size)),
			 0);
}

static void fill(int sock)
{
	while (send(sock, params, sizeof(params), MSG_NOSIGNAL) > 0)
		;
	while (send(sock, params, 1, MSG_NOSIGNAL) > 0)
		;
	assert_int_equal(errno, EAGAIN);
}

static int send_longest(int sock, bool *ret_left)
{
	const uint8_t cdb[10] = { 0x5f, [7] = PRM_DATA_SIZE >> 8 };
	struct prm_wire_request request;

	assert_int_equal(prm_wire_request_init(&request, cdb, sizeof(cdb)), 0);
	return prm_client_send(sock, &request, params, STDIN_FILENO,
			       prm_clock_ns() + SOON_NS, ret_left);
}

static void what_went_out_by_half_has_left(void **state)
{
	uint8_t head[PRM_WIRE_CDB_SIZE];
	int device = open("/dev/null", O_RDONLY | O_CLOEXEC);
	bool left = false;
	int socks[2];

	assert_true(device >= 0);
	connect_pair(socks);
	(void)dup2(device, STDIN_FILENO);
	assert_int_equal(send_longest(socks[0], &left), -ETIMEDOUT);
	assert_true(left);
	assert_int_equal(recv(socks[1], head, sizeof(head), 0), sizeof(head));
	assert_int_equal(head[0], 0x5f);
	(void)close(socks[0]);
	(void)close(socks[1]);
	(void)close(device);
}

static void what_did_not_go_out_has_not_left(void **state)
{
	bool left = true;
	int socks[2];

	connect_pair(socks);
	fill(socks[0]);
	assert_int_equal(send_longest(socks[0], &left), -ETIMEDOUT);
	assert_false(left);
	(void)close(socks[1]);
	left = true;
	assert_int_equal(send_longest(socks[0], &left), -EPIPE);
	assert_false(left);
	(void)close(socks[0]);
}

static void an_idle_connection_has_nothing_to_read(void **state)
{
	int socks[2];

	connect_pair(socks);
	assert_int_equal(prm_client_check_idle(socks[0]), 0);
	assert_int_equal(send(socks[1], "x", 1, 0), 1);
	assert_int_equal(prm_client_check_idle(socks[0]), -EPROTO);
	(void)close(socks[1]);
	assert_int_equal(prm_client_check_idle(socks[0]), -ECONNRESET);
	(void)close(socks[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_went_out_by_half_has_left),
		cmocka_unit_test(what_did_not_go_out_has_not_left),
		cmocka_unit_test(an_idle_connection_has_nothing_to_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
