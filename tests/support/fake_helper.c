/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A helper for tests: a listener thread, and a thread for each connection.
 *
 * It speaks the protocol by itself rather than with src/wire, so that a mistake
 * there does not cancel itself out.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "fake_helper.h"

struct session {
	struct session *next;
	struct fake_helper *helper;
	pthread_t thread;
	unsigned int number;
	int sock;
};

struct fake_helper {
	struct sockaddr_un address;
	char folder[64];
	int listener;
	fake_session run;
	void *opaque;
	pthread_t thread;
	pthread_mutex_t lock;
	struct session *sessions;
	bool stopping;
};

/* assert(3) may be compiled out; what tests stand on may not. */
static void must(bool is_true)
{
	if (!is_true)
		abort();
}

static void *run_session(void *opaque)
{
	struct session *session = opaque;
	struct fake_helper *helper = session->helper;

	helper->run(session->sock, session->number, helper->opaque);
	(void)pthread_mutex_lock(&helper->lock);
	(void)close(session->sock);
	session->sock = -1;
	(void)pthread_mutex_unlock(&helper->lock);
	return NULL;
}

static void *accept_sessions(void *opaque)
{
	struct fake_helper *helper = opaque;
	struct session *session;
	unsigned int number = 0;
	int sock;

	while ((sock = accept4(helper->listener, NULL, NULL, SOCK_CLOEXEC)) >=
	       0) {
		session = calloc(1, sizeof(*session));
		must(session);
		session->helper = helper;
		session->sock = sock;
		session->number = number++;
		(void)pthread_mutex_lock(&helper->lock);
		session->next = helper->sessions;
		helper->sessions = session;
		if (helper->stopping)
			(void)shutdown(sock, SHUT_RDWR);
		must(!pthread_create(&session->thread, NULL, run_session,
				     session));
		(void)pthread_mutex_unlock(&helper->lock);
	}
	return NULL;
}

static void listen_at(struct fake_helper *helper, const char *path)
{
	helper->address.sun_family = AF_UNIX;
	(void)snprintf(helper->address.sun_path,
		       sizeof(helper->address.sun_path), "%s", path);
	helper->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	must(helper->listener >= 0);
	must(!bind(helper->listener, (struct sockaddr *)&helper->address,
		   sizeof(helper->address)));
	must(!listen(helper->listener, 128));
}

struct fake_helper *fake_helper_start_at(const char *path, fake_session session,
					 void *opaque)
{
	struct fake_helper *helper = calloc(1, sizeof(*helper));

	must(helper);
	helper->run = session;
	helper->opaque = opaque;
	(void)pthread_mutex_init(&helper->lock, NULL);
	listen_at(helper, path);
	must(!pthread_create(&helper->thread, NULL, accept_sessions, helper));
	return helper;
}

struct fake_helper *fake_helper_start(fake_session session, void *opaque)
{
	char folder[] = "/tmp/prm-fake-XXXXXX";
	char path[sizeof(folder) + 8];
	struct fake_helper *helper;

	must(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/sock", folder);
	helper = fake_helper_start_at(path, session, opaque);
	(void)snprintf(helper->folder, sizeof(helper->folder), "%s", folder);
	return helper;
}

const char *fake_helper_path(const struct fake_helper *helper)
{
	return helper->address.sun_path;
}

void fake_helper_stop(struct fake_helper *helper)
{
	struct session *session;

	(void)pthread_mutex_lock(&helper->lock);
	helper->stopping = true;
	for (session = helper->sessions; session; session = session->next) {
		if (session->sock >= 0)
			(void)shutdown(session->sock, SHUT_RDWR);
	}
	(void)pthread_mutex_unlock(&helper->lock);
	(void)shutdown(helper->listener, SHUT_RDWR);
	must(!pthread_join(helper->thread, NULL));
	while ((session = helper->sessions)) {
		must(!pthread_join(session->thread, NULL));
		helper->sessions = session->next;
		free(session);
	}
	(void)close(helper->listener);
	(void)unlink(helper->address.sun_path);
	if (helper->folder[0])
		(void)rmdir(helper->folder);
	(void)pthread_mutex_destroy(&helper->lock);
	free(helper);
}

static bool receive(int sock, void *bytes, size_t len)
{
	uint8_t *at = bytes;
	ssize_t n;

	while (len) {
		n = recv(sock, at, len, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

bool fake_send(int sock, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;
	ssize_t n;

	while (len) {
		n = send(sock, at, len, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

bool fake_hello(int sock)
{
	static const uint8_t none[4];
	uint8_t wanted[4];

	return fake_send(sock, none, sizeof(none)) &&
	       receive(sock, wanted, sizeof(wanted)) &&
	       !memcmp(wanted, none, sizeof(none));
}

/* Receive up to @len bytes and the one descriptor that may come along. */
static ssize_t receive_fd(int sock, void *bytes, size_t len, int *ret_fd)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec part = { bytes, len };
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.room,
		.msg_controllen = sizeof(control.room),
	};
	struct cmsghdr *head;
	ssize_t n;

	do {
		n = recvmsg(sock, &message, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	head = n > 0 ? CMSG_FIRSTHDR(&message) : NULL;
	if (head && head->cmsg_type == SCM_RIGHTS) {
		must(*ret_fd < 0);
		memcpy(ret_fd, CMSG_DATA(head), sizeof(*ret_fd));
	}
	return n;
}

bool fake_receive_cdb(int sock, struct fake_request *request)
{
	size_t got = 0;
	ssize_t n;

	request->fd = -1;
	while (got < sizeof(request->cdb)) {
		n = receive_fd(sock, request->cdb + got,
			       sizeof(request->cdb) - got, &request->fd);
		if (n <= 0)
			return false;
		got += (size_t)n;
	}
	request->length = (size_t)request->cdb[7] << 8 | request->cdb[8];
	must(request->length <= sizeof(request->list));
	return true;
}

bool fake_receive_list(int sock, struct fake_request *request)
{
	return request->cdb[0] != 0x5f ||
	       receive(sock, request->list, request->length);
}

bool fake_receive(int sock, struct fake_request *request)
{
	bool whole;

	if (!fake_receive_cdb(sock, request))
		return false;
	whole = fake_receive_list(sock, request);
	must(request->fd >= 0);
	(void)close(request->fd);
	request->fd = -1;
	return whole;
}

static void put_be32(uint8_t *bytes, uint32_t value)
{
	bytes[0] = (uint8_t)(value >> 24);
	bytes[1] = (uint8_t)(value >> 16);
	bytes[2] = (uint8_t)(value >> 8);
	bytes[3] = (uint8_t)value;
}

void fake_head(uint8_t head[FAKE_HEAD_SIZE], uint32_t status, uint32_t size)
{
	memset(head, 0, FAKE_HEAD_SIZE);
	put_be32(head, status);
	put_be32(head + 4, size);
	if (status != PRM_STATUS_CHECK_CONDITION)
		return;
	head[8] = 0x70;
	head[8 + 2] = 0x05;
	head[8 + 7] = 10;
	head[8 + 12] = 0x24;
}

bool fake_reply(int sock, uint32_t status, uint32_t size)
{
	uint8_t head[FAKE_HEAD_SIZE];
	uint8_t payload[PRM_DATA_SIZE];
	size_t i;

	must(size <= sizeof(payload));
	for (i = 0; i < size; i++)
		payload[i] = (uint8_t)i;
	fake_head(head, status, size);
	return fake_send(sock, head, sizeof(head)) &&
	       fake_send(sock, payload, size);
}

void fake_wait_closed(int sock)
{
	uint8_t byte;

	while (receive(sock, &byte, sizeof(byte)))
		;
}
