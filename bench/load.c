/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One thread, one epoll set, as many connections as asked for.
 *
 * A single connection is driven with blocking calls: an epoll_wait between
 * request and answer would be the generator's cost in the helper's bill. With
 * more, whoever has been answered is asked again in the order epoll names
 * them, so every helper meets the same generator.
 */

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <fcntl.h>
#include "base/clock.h"
#include "base/fd.h"
#include "ipc/connect.h"
#include "ipc/pass.h"
#include "load.h"
#include "wire/hello.h"
#include "wire/response.h"

#define CONNECT_TIMEOUT_MS 60000
#define EVENTS_AT_ONCE     64

struct client {
	int fd;
	int64_t sent_at_ns;
	size_t got; /* bytes of the answer so far */
	uint8_t answer[PRM_WIRE_RESPONSE_SIZE + PRM_WIRE_DATA_MAX];
};

struct loop {
	const struct prm_load *load;
	struct prm_load_result *result;
	struct client *clients;
	size_t sent;     /* requests, warm-up included */
	size_t answered; /* likewise */
	int64_t start_ns;
};

static int receive_all(int fd, void *bytes, size_t len)
{
	ssize_t got = recv(fd, bytes, len, MSG_WAITALL);

	if (got < 0)
		return -errno;
	return (size_t)got == len ? 0 : -EPROTO;
}

int prm_load_connect(const char *path, int *ret_fd)
{
	CLEANUP(prm_fd_closep) int fd = -1;
	uint8_t word[PRM_WIRE_HELLO_SIZE];
	int r = prm_connect(path, CONNECT_TIMEOUT_MS, &fd);

	if (r < 0)
		return r;
	if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK) < 0)
		return -errno;
	r = receive_all(fd, word, sizeof(word));
	if (r < 0)
		return r;
	prm_wire_hello_encode(0, word);
	if (send(fd, word, sizeof(word), MSG_NOSIGNAL) < 0)
		return -errno;
	*ret_fd = steal_fd(&fd);
	return 0;
}

static int send_request(struct loop *loop, struct client *client)
{
	const struct prm_load *load = loop->load;
	uint8_t cdb[PRM_WIRE_CDB_SIZE];
	size_t sent;
	int r;

	prm_wire_request_encode(&load->request, cdb);
	if (loop->sent == load->warmup)
		loop->start_ns = prm_clock_ns();
	client->got = 0;
	client->sent_at_ns = prm_clock_ns();
	r = prm_pass_send(client->fd, cdb, sizeof(cdb), load->device, &sent);
	if (r < 0)
		return r;
	if (load->request.out &&
	    send(client->fd, load->data, load->request.length, MSG_NOSIGNAL) !=
		    load->request.length)
		return -EPROTO;
	loop->sent++;
	return 0;
}

static int count_answer(struct loop *loop, const struct client *client,
			const struct prm_reply *reply)
{
	int64_t now = prm_clock_ns();

	if (loop->answered++ < loop->load->warmup)
		return 0;
	prm_samples_add(&loop->result->samples, now - client->sent_at_ns);
	loop->result->statuses[reply->status % PRM_LOAD_STATUSES]++;
	loop->result->ns = now - loop->start_ns;
	return 0;
}

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Take in what is there. 1 when an answer is whole, 0 when more will come. */
static int read_answer(struct loop *loop, struct client *client)
{
	struct prm_reply reply = PRM_REPLY_INIT;
	size_t head, payload = 0;
	ssize_t got = recv(client->fd, client->answer + client->got,
			   sizeof(client->answer) - client->got, 0);

	if (got < 0)
		return -errno;
	if (got == 0)
		return -EPROTO;
	client->got += (size_t)got;
	/* Without the payload, which would be bytes too many. */
	head = smaller(client->got, PRM_WIRE_RESPONSE_SIZE);
	switch (prm_wire_response_decode(
		client->answer, head, &loop->load->request, &reply, &payload)) {
	case PRM_DECODE_INCOMPLETE: return 0;
	case PRM_DECODE_OK: break;
	default: return -EPROTO;
	}
	if (client->got < PRM_WIRE_RESPONSE_SIZE + payload)
		return 0;
	(void)count_answer(loop, client, &reply);
	return 1;
}

static bool wants_more(const struct loop *loop)
{
	return loop->sent < loop->load->warmup + loop->load->requests;
}

static int run_one(struct loop *loop)
{
	struct client *client = &loop->clients[0];

	while (wants_more(loop)) {
		int r = send_request(loop, client);

		while (r == 0)
			r = read_answer(loop, client);
		if (r < 0)
			return r;
	}
	return 0;
}

static int turn(struct loop *loop, struct client *client)
{
	int r = read_answer(loop, client);

	if (r <= 0 || !wants_more(loop))
		return r < 0 ? r : 0;
	return send_request(loop, client);
}

static int run_many(struct loop *loop, int epoll_fd)
{
	for (size_t i = 0; i < loop->load->clients && wants_more(loop); i++) {
		struct epoll_event event = { .events = EPOLLIN };
		int r;

		event.data.ptr = &loop->clients[i];
		if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, loop->clients[i].fd,
			      &event) < 0)
			return -errno;
		r = send_request(loop, &loop->clients[i]);
		if (r < 0)
			return r;
	}
	while (loop->answered < loop->load->warmup + loop->load->requests) {
		struct epoll_event events[EVENTS_AT_ONCE];
		int count = epoll_wait(epoll_fd, events, EVENTS_AT_ONCE, -1);

		if (count < 0 && errno != EINTR)
			return -errno;
		for (int i = 0; i < count; i++) {
			int r = turn(loop, events[i].data.ptr);

			if (r < 0)
				return r;
		}
	}
	return 0;
}

static int connect_all(struct loop *loop)
{
	for (size_t i = 0; i < loop->load->clients; i++) {
		int r = prm_load_connect(loop->load->path,
					 &loop->clients[i].fd);

		if (r < 0)
			return r;
	}
	return 0;
}

static int run_connected(struct loop *loop)
{
	CLEANUP(prm_fd_closep) int epoll_fd = -1;
	int r = connect_all(loop);

	if (r < 0)
		return r;
	if (loop->load->clients == 1)
		return run_one(loop);
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_fd < 0)
		return -errno;
	return run_many(loop, epoll_fd);
}

int prm_load_run(const struct prm_load *load, struct prm_load_result *result)
{
	struct loop loop = { .load = load, .result = result };
	int r;

	loop.clients = calloc(load->clients, sizeof(*loop.clients));
	if (!loop.clients)
		return -ENOMEM;
	for (size_t i = 0; i < load->clients; i++)
		loop.clients[i].fd = -1;
	r = run_connected(&loop);
	for (size_t i = 0; i < load->clients; i++)
		(void)prm_fd_close(loop.clients[i].fd);
	free(loop.clients);
	return r;
}
