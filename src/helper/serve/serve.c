/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From an event to a reply, in one thread where nothing is in the way.
 *
 * The worker that is told of a request reads it, runs it, answers it and arms
 * the client again, without a hand-over to anyone.  It leaves the request to
 * others in two cases only: it is parked, or its deadline passes.  Either way
 * the desk says who has the client; whoever has not, does not touch it.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include "base/clock.h"
#include "base/lock.h"
#include "helper/log/log.h"
#include "helper/log/trace.h"
#include "helper/log/unit.h"
#include "helper/serve/nexus.h"
#include "helper/serve/serve.h"

static void arm_parked(struct prm_client *client, uint64_t ticket)
{
	(void)prm_client_arm_parked(client, prm_event_of_ticket(ticket));
}

void prm_serve_complain(const struct prm_client *client, const char *what)
{
	char name[PRM_UNIT_SIZE + 32];

	prm_tenant_name(client->tenant, name, sizeof(name));
	prm_log(PRM_LOG_WARNING, "session %" PRIu64 ", %s: %s",
		client->who.session, name, what);
}

/* The owner is done for now: arm or end the client, which is then gone. */
static void settle(struct prm_client *client, enum prm_session_step step)
{
	struct prm_server *server = client->server;
	uint32_t events = step == PRM_STEP_WRITE ? EPOLLOUT : EPOLLIN;

	if (step == PRM_STEP_END || step == PRM_STEP_BROKEN) {
		prm_client_end(client, step);
		return;
	}
	if (atomic_load(&server->stopping) &&
	    !prm_session_is_busy(&client->session)) {
		prm_client_end(client, PRM_STEP_END);
		return;
	}
	if (!(step == PRM_STEP_PAUSE ? prm_client_pause(client)
				     : prm_client_release(client, events)))
		prm_client_end(client, PRM_STEP_END);
}

/* Answer a client, which the caller owns. */
static void answer(struct prm_client *client,
		   const struct prm_wire_request *head,
		   const struct prm_reply *reply, uint8_t **data)
{
	prm_session_reply(&client->session, head, reply, data);
	settle(client, prm_session_flush(&client->session));
}

static void free_request(struct prm_request *request)
{
	struct prm_client *owner = request->owner;

	(void)prm_request_free(request);
	(void)prm_client_unref(owner);
}

/* Record and answer a request that is out of its device. */
static void finish(struct prm_client *client, struct prm_request *request)
{
	prm_request_record(request, &request->owner->who, &request->reply,
			   PRM_OUTCOME_SENT);
	answer(client, &request->head, &request->reply, &request->data);
	free_request(request);
}

/* Record and answer a request that is not to be run at all. */
static void refuse(struct prm_server *server, struct prm_client *client,
		   struct prm_request *request)
{
	const struct prm_wire_request head = request->head;
	struct prm_reply reply;

	if (request->refused == -ENOMEM &&
	    prm_server_spell(server, PRM_SPELL_MEMORY))
		prm_serve_complain(client, "no memory to run a command");
	(void)prm_request_pick(request, &server->managers);
	prm_request_record(request, &client->who, &request->reply,
			   PRM_OUTCOME_SENT);
	reply = request->reply;
	if (request->device) {
		request->owner = prm_client_ref(client);
		prm_server_retire(server, request);
	} else {
		prm_session_give_back(&client->session, request);
	}
	answer(client, &head, &reply, NULL);
}

/* A whole request has come. */
static void submit(struct prm_server *server, struct prm_worker *worker,
		   struct prm_client *client)
{
	struct prm_request *request =
		prm_session_take_request(&client->session);
	int r;

	if (request->refused) {
		refuse(server, client, request);
		return;
	}
	request->owner = prm_client_ref(client);
	r = prm_desk_submit(&server->desk, worker, request, client, arm_parked);
	if (r == 0)
		prm_serve_request(server, worker, request);
	/* A worker that has come back looked at the desk too early for it. */
	if (r > 0 && !worker)
		prm_server_kick(server);
	if (r < 0) {
		request->owner = prm_client_unref(request->owner);
		prm_request_starve(request);
		refuse(server, client, request);
	}
}

void prm_serve_new(struct prm_client *client)
{
	settle(client, prm_session_flush(&client->session));
}

void prm_serve_event(struct prm_server *server, struct prm_worker *worker,
		     struct prm_client *client)
{
	bool busy = prm_session_is_busy(&client->session);
	enum prm_session_step step = PRM_STEP_BROKEN;

	if (!atomic_load(&client->expired))
		step = prm_session_step(&client->session);
	/* Not one more request: this one begins after the end has. */
	if (atomic_load(&server->stopping) && !busy && step != PRM_STEP_BROKEN)
		step = PRM_STEP_END;
	if (step == PRM_STEP_RUN)
		submit(server, worker, client);
	else
		settle(client, step);
}

/* The client is gone before its command was run, which it never will be. */
static void drop(struct prm_client *client, struct prm_request *request)
{
	PRM_TRACE(drop, client->who.session, request->name);
	prm_log(PRM_LOG_INFO, "session %" PRIu64 ": gone, request dropped",
		client->who.session);
	prm_request_record(request, &client->who, NULL, PRM_OUTCOME_DROPPED);
	prm_client_end(client, PRM_STEP_END);
}

void prm_serve_hangup(struct prm_server *server, uint64_t ticket)
{
	struct prm_client *client;
	struct prm_request *request =
		prm_desk_claim(&server->desk, ticket, &client);

	if (request) {
		drop(client, request);
		prm_server_retire(server, request);
		return;
	}
	client = prm_client_claim(server, ticket);
	if (client)
		prm_client_end(client, PRM_STEP_END);
}

/* Run a request, unless it is refused; returns whether it was run. */
static bool run(struct prm_server *server, struct prm_request *request)
{
	struct prm_manager *manager =
		prm_request_pick(request, &server->managers);

	if (!manager || !prm_request_check(request))
		return false;
	/* The question alone may have outlasted the deadline. */
	if (!prm_desk_is_wanted(&server->desk, request))
		return false;
	PRM_TRACE(run, request->owner->who.session, request->name,
		  manager == server->managers.scsi ? "scsi" : "multipath");
	prm_request_run(request, manager, server->config.timeout_ms);
	return true;
}

/* "pid=... uid=... unit=..." as in the audit line. */
static void put_who(char *text, size_t size, const struct prm_client *client)
{
	char name[PRM_UNIT_SIZE + 32];

	prm_tenant_name(client->tenant, name, sizeof(name));
	if (client->who.pid)
		(void)snprintf(text, size, "pid=%d %s", (int)client->who.pid,
			       name);
	else
		(void)snprintf(text, size, "pid=? %s", name);
}

/* With the lock, as the other may leave. */
static void tell_shared(struct prm_client *client,
			const struct prm_client *other, const char *device)
{
	const struct prm_log_field field = { "PRM_DEVICE", device };
	char names[2][PRM_UNIT_SIZE + 64];

	if (client->shared++ >= PRM_SHARED_TOLD_MAX)
		return;
	put_who(names[0], sizeof(names[0]), other);
	put_who(names[1], sizeof(names[1]), client);
	prm_log_fields(PRM_LOG_WARNING, &field, 1,
		       "device %s: two clients have registered through it and "
		       "are one I_T nexus to the target: %s and %s",
		       device, names[0], names[1]);
}

/* Note a registration that the device has accepted, before anybody hears. */
static void note_nexus(struct prm_server *server, struct prm_request *request)
{
	struct prm_desk *desk = &server->desk;
	struct prm_client *client = request->owner;
	const struct prm_client *other;

	if (!request->head.out || request->reply.status != PRM_STATUS_GOOD)
		return;
	LOCK_SCOPE(&desk->lock);
	if (prm_list_empty(&client->link))
		return;
	other = prm_nexus_note(&desk->nexuses, client,
			       prm_request_lane(request), request);
	if (other)
		tell_shared(client, other, request->name);
}

/* Out of the device: close it, and see who is to be told. */
static struct prm_client *leave_device(struct prm_server *server,
				       struct prm_worker *worker,
				       struct prm_request *request)
{
	prm_request_close(request);
	return prm_desk_finish(&server->desk, worker, request);
}

/* Nobody waits any more for a request that was run. */
static void record_late(struct prm_request *request)
{
	PRM_TRACE(late, request->owner->who.session, request->name,
		  (unsigned int)request->reply.status);
	prm_request_record(request, &request->owner->who, &request->reply,
			   PRM_OUTCOME_LATE);
}

/* Was parked: is its client still there? If not, it is dropped. */
static bool is_deserted(struct prm_server *server, struct prm_worker *worker,
			struct prm_request *request)
{
	struct prm_client *client;

	if (!request->job.ticket)
		return false;
	PRM_TRACE(unpark, request->owner->who.session, request->name);
	client = prm_desk_desert(&server->desk, request, prm_client_is_gone);
	if (!client)
		return false;
	drop(client, request);
	(void)leave_device(server, worker, request);
	free_request(request);
	return true;
}

void prm_serve_request(struct prm_server *server, struct prm_worker *worker,
		       struct prm_request *request)
{
	struct prm_client *client;
	bool ran = false;

	if (request->job.state == PRM_JOB_CLOSING) {
		(void)leave_device(server, worker, request);
		free_request(request);
		return;
	}
	if (is_deserted(server, worker, request))
		return;
	ran = run(server, request);
	if (ran)
		note_nexus(server, request);
	client = leave_device(server, worker, request);
	PRM_TRACE(done, request->owner->who.session, request->name,
		  (prm_clock_ns() - request->begun_ns) / PRM_NS_PER_US);
	if (client) {
		finish(client, request);
		return;
	}
	if (ran)
		record_late(request);
	free_request(request);
}

void prm_serve_overdue(struct prm_server *server, int64_t now_ns)
{
	struct prm_reply reply = PRM_REPLY_INIT;
	struct prm_wire_request head;
	struct prm_request *parked;
	struct prm_client *client;

	prm_request_time_out(&reply);
	while ((client = prm_desk_overdue(&server->desk, now_ns, &reply, &head,
					  &parked))) {
		PRM_TRACE(deadline, client->who.session,
			  parked ? parked->name : "-");
		prm_log(PRM_LOG_INFO, "session %" PRIu64 ": timed out",
			client->who.session);
		if (parked)
			prm_server_retire(server, parked);
		answer(client, &head, &reply, NULL);
	}
}

/* Wake whoever the client is armed with, or will be, to see it end. */
static void shut_out(struct prm_client *client)
{
	atomic_store(&client->expired, true);
	(void)shutdown(client->sock, SHUT_RDWR);
}

void prm_serve_impatient(struct prm_server *server, int64_t now_ns)
{
	struct prm_desk *desk = &server->desk;
	struct prm_deadline *deadline;
	LOCK_SCOPE(&desk->lock);

	while ((deadline = prm_deadlines_passed(&desk->patience, now_ns)))
		shut_out(prm_container(deadline, struct prm_client, patience));
}

void prm_serve_dismiss(struct prm_server *server)
{
	struct prm_desk *desk = &server->desk;
	LOCK_SCOPE(&desk->lock);

	prm_list_each(at, following, &desk->clients)
	{
		struct prm_client *client =
			prm_container(at, struct prm_client, link);

		if (!prm_session_is_busy(&client->session))
			(void)shutdown(client->sock, SHUT_RDWR);
	}
}
