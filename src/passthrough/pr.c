/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * PERSISTENT RESERVE commands on their way to the manager.
 *
 * A PERSISTENT RESERVE OUT waits for the one before it, so that what is
 * remembered follows the order in which the device carried them out.
 *
 * Asking the device what a PREEMPT has done may meet a unit attention that was
 * meant for the guest.  It is kept, and the guest's next command gets it in
 * place of being sent, which is what the device would have done with it.
 */
#include <string.h>
#include "base/lock.h"
#include "passthrough/pr.h"
#include "scsi/cdb.h"
#include "scsi/pr_out.h"

/* SIP_C and ATP_C in byte 2 of the answer to REPORT CAPABILITIES. */
#define CAPABILITIES_AT     2
#define CAPABILITIES_HIDDEN 0x0c

int prm_pr_in(struct prm_passthrough *device, uint8_t action, void *data,
	      struct prm_reply *ret_reply)
{
	struct prm_command command = PRM_COMMAND_INIT;
	struct prm_pr_cdb cdb = { .action = action, .length = PRM_PR_ROOM };

	prm_pr_cdb_encode(&cdb, command.cdb);
	command.cdb_len = PRM_PR_CDB_LEN;
	command.data = data;
	command.data_len = PRM_PR_ROOM;
	command.timeout_ms = device->timeout_ms;
	return prm_manager_run(device->manager, device->fd, &command,
			       ret_reply);
}

int prm_pr_out(struct prm_passthrough *device, uint8_t action, uint8_t type,
	       uint64_t key, uint64_t new_key, struct prm_reply *ret_reply)
{
	struct prm_command command = PRM_COMMAND_INIT;
	struct prm_pr_cdb cdb = { .out = true, .action = action, .type = type };
	struct prm_pr_out out = { .key = key, .new_key = new_key };
	uint8_t list[PRM_PR_OUT_BASIC_LEN];
	size_t len;
	int r;

	r = prm_pr_out_encode(action, &out, NULL, 0, list, sizeof(list), &len);
	if (r < 0)
		return r;
	cdb.length = (uint32_t)len;
	prm_pr_cdb_encode(&cdb, command.cdb);
	command.cdb_len = PRM_PR_CDB_LEN;
	command.data = list;
	command.data_len = len;
	command.timeout_ms = device->timeout_ms;
	return prm_manager_run(device->manager, device->fd, &command,
			       ret_reply);
}

/* A query of our own; its unit attention is the guest's. */
static bool query(struct prm_passthrough *device, uint8_t action, void *data,
		  size_t *ret_len)
{
	struct prm_reply reply = PRM_REPLY_INIT;

	if (prm_pr_in(device, action, data, &reply) < 0)
		return false;
	*ret_len = reply.data_len;
	if (reply.status == PRM_STATUS_GOOD)
		return true;
	LOCK_SCOPE(&device->lock);
	if (prm_track_attention_code(&reply) &&
	    device->pending_count < PRM_PENDING_MAX)
		device->pending[device->pending_count++] = reply;
	prm_track_attention(&device->track, &reply);
	return false;
}

static bool wants(struct prm_passthrough *device, const bool *what)
{
	LOCK_SCOPE(&device->lock);

	return *what;
}

void prm_pr_ask(struct prm_passthrough *device)
{
	uint8_t data[PRM_PR_ROOM];
	size_t len;

	if (wants(device, &device->track.ask) &&
	    query(device, PRM_PR_IN_READ_RESERVATION, data, &len)) {
		LOCK_SCOPE(&device->lock);
		prm_track_reservation(&device->track, data, len);
	}
	if (wants(device, &device->track.ask_keys) &&
	    query(device, PRM_PR_IN_READ_KEYS, data, &len)) {
		LOCK_SCOPE(&device->lock);
		prm_track_keys(&device->track, data, len);
	}
}

static int run_out(struct prm_passthrough *device,
		   const struct prm_command *command,
		   struct prm_reply *ret_reply)
{
	LOCK_SCOPE(&device->order);
	int r;

	r = prm_manager_run(device->manager, device->fd, command, ret_reply);
	(void)pthread_mutex_lock(&device->lock);
	prm_track_out(&device->track, command, r, ret_reply);
	(void)pthread_mutex_unlock(&device->lock);
	if (r == 0)
		prm_pr_ask(device);
	return r;
}

static void hide(const struct prm_command *command,
		 const struct prm_reply *reply)
{
	struct prm_pr_cdb cdb;
	uint8_t *data = command->data;

	if (prm_pr_cdb_decode(command->cdb, command->cdb_len, &cdb) ||
	    cdb.out || cdb.action != PRM_PR_IN_REPORT_CAPABILITIES)
		return;
	if (reply->data_len > CAPABILITIES_AT)
		data[CAPABILITIES_AT] &= (uint8_t)~CAPABILITIES_HIDDEN;
}

int prm_pr_run(struct prm_passthrough *device,
	       const struct prm_command *command, struct prm_reply *ret_reply)
{
	int r;

	if (command->cdb[0] == PRM_OPCODE_PR_OUT)
		return run_out(device, command, ret_reply);
	r = prm_manager_run(device->manager, device->fd, command, ret_reply);
	if (r < 0)
		return r;
	(void)pthread_mutex_lock(&device->lock);
	prm_track_attention(&device->track, ret_reply);
	(void)pthread_mutex_unlock(&device->lock);
	if (device->hides)
		hide(command, ret_reply);
	return 0;
}
