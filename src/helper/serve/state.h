/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_HELPER_SERVE_STATE_H
#define PRM_HELPER_SERVE_STATE_H

/*
 * What a server is made of, for the files of this folder that are its parts.
 */

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include "helper/serve/closer.h"
#include "helper/serve/desk.h"
#include "helper/serve/limits.h"
#include "helper/serve/server.h"
#include "helper/serve/spell.h"

/**
 * struct prm_server - a server
 * @config:       what it was made with
 * @limits:       what fits into the process
 * @managers:     who runs commands
 * @desk:         what threads share
 * @closer:       who closes what may block
 * @door:         what waits for its close and belongs to no tenant
 * @spells:       what goes wrong again and again
 * @retry_ns:     when to try again to start a worker; 0 if none is missing; the
 *                watcher's
 * @epoll_fd:     every client, the listener and the two below
 * @kick_fd:      eventfd: one worker is to look at the desk again
 * @end_fd:       eventfd: all workers are to end
 * @wake_fd:      eventfd: the watcher is to look again
 * @listener:     listening socket, -1 once closed; under @accepting_lock
 * @accepting_lock: held by who accepts
 * @accepting:    clients are let in
 * @resume_ns:    when to go on with accepting; 0 if it is not paused
 * @stopping:     requests that have begun are answered, nothing else
 * @draining:     the watcher waits for the last client to go
 * @ending:       workers end
 * @taken_over:   the name leads to another helper; the watcher's
 * @stop_ns:      when stopping ends at the latest, 0 before; the watcher's
 * @look_ns:      when to look for a take-over again; the watcher's
 * @ran:          prm_server_run() was called
 * @alive_ns:     when the service manager is to be told again that we live; the
 *                watcher's
 * @pulse:        somebody took a kick since it was told
 * @stuck:        threads are left behind that may touch all this
 * @left_behind:  the next of those, so that nobody takes them for lost
 */
struct prm_server {
	struct prm_server_config config;
	struct prm_limits limits;
	struct prm_managers managers;
	struct prm_desk desk;
	struct prm_closer *closer;
	struct prm_closer_queue door;
	struct prm_spells spells;
	int64_t retry_ns;
	int epoll_fd;
	int kick_fd;
	int end_fd;
	int wake_fd;
	int listener;
	pthread_mutex_t accepting_lock;
	atomic_bool accepting;
	_Atomic int64_t resume_ns;
	atomic_bool stopping;
	atomic_bool draining;
	atomic_bool ending;
	bool taken_over;
	_Atomic int64_t stop_ns;
	int64_t look_ns;
	int64_t alive_ns;
	atomic_bool pulse;
	bool ran;
	bool stuck;
	struct prm_server *left_behind;
};

/*
 * What an event of epoll is about: a client, a ticket of a parked one, or
 * something of the server, known by the address of its descriptor. Tickets are
 * odd, addresses are not.
 */
static inline uint64_t prm_event_of(const void *address)
{
	return (uintptr_t)address;
}

static inline uint64_t prm_event_of_ticket(uint64_t ticket)
{
	return ticket << 1 | 1;
}

static inline bool prm_event_is_ticket(uint64_t event)
{
	return event & 1;
}

static inline uint64_t prm_event_to_ticket(uint64_t event)
{
	return event >> 1;
}

/* Make the watcher look again; any thread. */
void prm_server_wake(struct prm_server *server);

/* Make a worker look at the desk again; any thread. */
void prm_server_kick(struct prm_server *server);

/*
 * Note that a spell of trouble goes on; whether it begins, to be logged. Any
 * thread.
 */
bool prm_server_spell(struct prm_server *server, enum prm_spell spell);

/*
 * Have a request's device closed: in its lane, else by the closer, and then its
 * client is not read from until that is done. Never blocks. Before the client
 * is answered.
 */
void prm_server_retire(struct prm_server *server, struct prm_request *request);

#endif
