/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a fake helper does to a connection, by a plan. */
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>
#include <prmanager/command.h>
#include "helper_plan.h"

/* Connections of a parent and of its child are served at the same time. */
static pthread_mutex_t last_lock = PTHREAD_MUTEX_INITIALIZER;

bool plan_receive(int sock, struct plan *plan)
{
	struct fake_request request;
	struct stat device = { 0 };

	if (!fake_receive_cdb(sock, &request))
		return false;
	atomic_fetch_add(&plan->cdbs, 1);
	if (request.fd >= 0) {
		(void)fstat(request.fd, &device);
		(void)close(request.fd);
	}
	if (!fake_receive_list(sock, &request))
		return false;
	(void)pthread_mutex_lock(&last_lock);
	plan->last = request;
	plan->device = device;
	(void)pthread_mutex_unlock(&last_lock);
	return true;
}

bool plan_greet(int sock, struct plan *plan)
{
	if (!fake_hello(sock))
		return false;
	atomic_fetch_add(&plan->sessions, 1);
	return true;
}

void plan_obey(int sock, unsigned int number, void *opaque)
{
	struct plan *plan = opaque;
	uint32_t size;

	if (!plan_greet(sock, plan))
		return;
	while (plan_receive(sock, plan)) {
		(void)pthread_mutex_lock(&last_lock);
		size = plan->last.cdb[0] == 0x5e ? plan->size : 0;
		(void)pthread_mutex_unlock(&last_lock);
		if (!fake_reply(sock, plan->status, size))
			return;
	}
}

void plan_say_nothing(int sock, unsigned int number, void *opaque)
{
	fake_wait_closed(sock);
}

void plan_close_at_once(int sock, unsigned int number, void *opaque)
{
}

void plan_greet_by_halves(int sock, unsigned int number, void *opaque)
{
	(void)fake_send(sock, "\0\0", 2);
}

void plan_send_bytes(int sock, unsigned int number, void *opaque)
{
	struct plan *plan = opaque;

	if (!plan_greet(sock, plan) || !plan_receive(sock, plan))
		return;
	(void)fake_send(sock, plan->bytes, plan->len);
	fake_wait_closed(sock);
}

void plan_send_bytes_and_close(int sock, unsigned int number, void *opaque)
{
	struct plan *plan = opaque;

	if (plan_greet(sock, plan) && plan_receive(sock, plan))
		(void)fake_send(sock, plan->bytes, plan->len);
}

void plan_serve_one(int sock, unsigned int number, void *opaque)
{
	struct plan *plan = opaque;

	if (plan_greet(sock, plan) && plan_receive(sock, plan))
		(void)fake_reply(sock, PRM_STATUS_GOOD, 0);
}
