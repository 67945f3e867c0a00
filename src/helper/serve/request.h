/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_HELPER_SERVE_REQUEST_H
#define PRM_HELPER_SERVE_REQUEST_H

/*
 * One request: a command, the device it is for, and what becomes of it.
 *
 * Threads: one at a time, but for what is said to be the desk's.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <prmanager/command.h>
#include "base/cleanup.h"
#include "device/device.h"
#include "helper/serve/deadline.h"
#include "helper/serve/lane.h"
#include "wire/request.h"

struct prm_client;
struct prm_manager;

/**
 * struct prm_who - whose request it is, for logs
 * @session: number of the connection
 * @pid:     0 when it is in another pid namespace
 * @uid:     effective user when it connected
 * @unit:    systemd unit, or NULL
 */
struct prm_who {
	uint64_t session;
	pid_t pid;
	uid_t uid;
	const char *unit;
};

/**
 * struct prm_managers - who runs commands
 * @scsi:      sends them down the descriptor
 * @multipath: for multipath maps, or NULL; this is where support for them is
 *             plugged in
 */
struct prm_managers {
	struct prm_manager *scsi;
	struct prm_manager *multipath;
};

/**
 * struct prm_request - one request
 * @head:     the command
 * @device:   what it is for; NULL if the client's descriptor was refused, and
 *            once it is closed
 * @name:     of the device, "-" if there is none
 * @refused:  why it is not to be run, a negative errno, or 0
 * @spare:    it is a session's, for when memory is short, and goes back there
 * @data:     @head.length bytes, or NULL if that is 0, or memory was short:
 *            the parameter list, or room for what the device returns
 * @reply:    the answer
 * @begun_ns: when its last byte was received
 * @job:      its place in the device's lane; the desk's
 * @deadline: when the client gets an answer, whatever happens; the desk's
 * @waiting:  who waits for the answer; NULL once somebody has taken it on
 *            himself to answer. The desk's
 * @owner:    whose it is, for logs: a reference
 */
struct prm_request {
	struct prm_wire_request head;
	struct prm_device *device;
	char name[PRM_DEVICE_NAME_SIZE];
	int refused;
	bool spare;
	uint8_t *data;
	struct prm_reply reply;
	int64_t begun_ns;
	struct prm_job job;
	struct prm_deadline deadline;
	struct prm_client *waiting;
	struct prm_client *owner;
};

/* A request of nothing yet, for prm_request_free(); NULL without memory. */
struct prm_request *prm_request_new(void);

/**
 * prm_request_begin() - begin with the descriptor that came for it
 * @request: as from prm_request_new()
 * @fd:      the descriptor; -1 afterwards if it is a device, and the request
 *           owns it. Else it stays the caller's, and the request will be
 *           refused
 */
void prm_request_begin(struct prm_request *request, int *fd);

/* Make a spare request as new, for the next time; it has no device. */
void prm_request_reset(struct prm_request *request);

/*
 * Free a request, whose device, if it still has one, is closed: this may
 * block. NULL is a no-op. Returns NULL. Does not drop the owner.
 */
struct prm_request *prm_request_free(struct prm_request *request);
DEFINE_CLEANUP(struct prm_request *, prm_request_free)

/**
 * prm_request_set_head() - the command is known
 * @request: the request
 * @head:    its command, copied; @data gets the room that it needs. Where there
 *           is none, the request will be refused
 */
void prm_request_set_head(struct prm_request *request,
			  const struct prm_wire_request *head);

/* Refuse a request that nothing but memory is missing for. */
void prm_request_starve(struct prm_request *request);

/* The lane of a request that has a device. */
struct prm_lane_id prm_request_lane(const struct prm_request *request);

/**
 * prm_request_pick() - who is to run this?
 * @request:  a request
 * @managers: who there is
 *
 * What needs no question to the device is decided here: a descriptor that is
 * no device, PERSISTENT RESERVE OUT on one that was opened for reading only,
 * and what device-mapper makes of other devices. Blocks for nobody.
 *
 * Return: a manager; NULL if the request is refused, its reply filled in and
 * the reason logged.
 */
struct prm_manager *prm_request_pick(struct prm_request *request,
				     const struct prm_managers *managers);

/**
 * prm_request_check() - ask the kernel whether this is a whole SCSI device
 * @request: a request that somebody is to run
 *
 * May block as long as the device likes.
 *
 * Return: whether it may be run; if not, the reply is filled in.
 */
bool prm_request_check(struct prm_request *request);

/**
 * prm_request_run() - have the command run; the reply is filled in
 * @request:    a request that was checked
 * @manager:    who runs it
 * @timeout_ms: how long the device may take, in milliseconds
 *
 * May block for longer than that.
 */
void prm_request_run(struct prm_request *request, struct prm_manager *manager,
		     unsigned int timeout_ms);

/* Close the device; may block. */
void prm_request_close(struct prm_request *request);

/* The reply of one whose time was up: 0B/2E/02, COMMAND TIMEOUT. */
void prm_request_time_out(struct prm_reply *reply);

/**
 * enum prm_outcome - what became of a request
 * @PRM_OUTCOME_SENT:    the reply was sent, or will be next
 * @PRM_OUTCOME_LATE:    the reply came after the deadline
 * @PRM_OUTCOME_DROPPED: the client was gone; the command was never run
 */
enum prm_outcome {
	PRM_OUTCOME_SENT,
	PRM_OUTCOME_LATE,
	PRM_OUTCOME_DROPPED,
};

/**
 * prm_request_record() - log a request, if it may have changed a reservation
 * @request: the request
 * @who:     whose it is
 * @reply:   what was answered; NULL for PRM_OUTCOME_DROPPED
 * @outcome: what became of it
 */
void prm_request_record(const struct prm_request *request,
			const struct prm_who *who,
			const struct prm_reply *reply,
			enum prm_outcome outcome);

#endif
