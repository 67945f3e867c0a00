/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A request from its descriptor to its reply.
 *
 * The rules about which device may be sent which command stand here, in the
 * order of what they cost: those that follow from what is known about the
 * descriptor first, those that have to ask the device last.  A reply begins as
 * an error and becomes GOOD only by what a manager says.
 */
#include <errno.h>
#include <prmanager/manager.h>
#include <stdlib.h>
#include <string.h>
#include "backend/status.h"
#include "base/clock.h"
#include "helper/log/audit.h"
#include "helper/log/log.h"
#include "helper/serve/request.h"
#include "scsi/cdb.h"
#include "scsi/names.h"
#include "scsi/sense.h"

/* Where the keys lie in every parameter list (SPC-4, 6.16.3 and 6.16.4). */
#define KEY_AT     0
#define NEW_KEY_AT 8
#define KEYS_LEN   16

/* What it is called as long as there is no device. */
#define NO_NAME "-"

#define TYPE_AT   2
#define TYPE_MASK 0x0f

static void init(struct prm_request *request)
{
	*request = (struct prm_request){ .reply = PRM_REPLY_INIT,
					 .name = NO_NAME };
	prm_job_init(&request->job);
	prm_deadline_init(&request->deadline);
}

struct prm_request *prm_request_new(void)
{
	struct prm_request *request = malloc(sizeof(*request));

	if (request)
		init(request);
	return request;
}

void prm_request_begin(struct prm_request *request, int *fd)
{
	/* A spare one is answered at once, to be there the next time. */
	request->refused =
		request->spare ? -ENOMEM : prm_device_new(fd, &request->device);
	if (!request->refused)
		(void)strncpy(request->name, prm_device_name(request->device),
			      sizeof(request->name) - 1);
}

void prm_request_reset(struct prm_request *request)
{
	free(request->data);
	init(request);
	request->spare = true;
}

struct prm_request *prm_request_free(struct prm_request *request)
{
	if (!request)
		return NULL;
	(void)prm_device_free(request->device);
	free(request->data);
	free(request);
	return NULL;
}

void prm_request_set_head(struct prm_request *request,
			  const struct prm_wire_request *head)
{
	request->head = *head;
	/* A driver may claim to have filled more than it has. */
	if (head->length)
		request->data = calloc(1, head->length);
	if (head->length && !request->data)
		prm_request_starve(request);
}

void prm_request_starve(struct prm_request *request)
{
	request->refused = -ENOMEM;
}

struct prm_lane_id prm_request_lane(const struct prm_request *request)
{
	return (struct prm_lane_id){
		.number = prm_device_number(request->device),
		.block = prm_device_is_block(request->device),
		.single = prm_device_kind(request->device) ==
			  PRM_DEVICE_MULTIPATH,
	};
}

/* Refuse: nothing that would work if it were tried again. */
static struct prm_manager *refuse(struct prm_request *request,
				  enum prm_log_level level, const char *why)
{
	prm_status_set_sense(&request->reply, PRM_SENSE_INVALID_OPCODE);
	prm_log(level, "device %s: refused: %s", request->name, why);
	return NULL;
}

static struct prm_manager *pick_by_kind(struct prm_request *request,
					const struct prm_managers *managers)
{
	switch (prm_device_kind(request->device)) {
	case PRM_DEVICE_SCSI:
	case PRM_DEVICE_MAPPED: return managers->scsi;
	case PRM_DEVICE_MULTIPATH:
		if (managers->multipath)
			return managers->multipath;
		return refuse(request, PRM_LOG_WARNING,
			      "a multipath map, and there is no multipath "
			      "support: install pr-helper-multipath and start "
			      "pr-helper as root");
	case PRM_DEVICE_ON_MULTIPATH:
		return refuse(request, PRM_LOG_WARNING,
			      "lies on a multipath map; pass the map itself");
	case PRM_DEVICE_UNKNOWN: break;
	}
	if (!request->head.out)
		return managers->scsi;
	return refuse(request, PRM_LOG_WARNING,
		      "sysfs does not tell whether this is a multipath map");
}

/* In words only where they are read: strerror(3) looks for a translation. */
static void tell_refused(const struct prm_request *request, int error)
{
	const char *why;

	if (!prm_log_enabled(PRM_LOG_INFO))
		return;
	switch (error) {
	case -ENOTBLK: why = "no SCSI device"; break;
	case -ENOTTY: why = "no whole SCSI device"; break;
	default: why = strerror(-error); break;
	}
	prm_log(PRM_LOG_INFO, "device %s: refused: %s", request->name, why);
}

struct prm_manager *prm_request_pick(struct prm_request *request,
				     const struct prm_managers *managers)
{
	if (request->refused) {
		prm_status_from_verdict(&request->reply, request->refused);
		tell_refused(request, request->refused);
		return NULL;
	}
	if (request->head.out && !prm_device_is_writable(request->device))
		return refuse(request, PRM_LOG_INFO,
			      "PERSISTENT RESERVE OUT needs a descriptor that "
			      "is open for writing");
	return pick_by_kind(request, managers);
}

bool prm_request_check(struct prm_request *request)
{
	int r;

	/* Without a path a map would answer this question never. */
	if (prm_device_kind(request->device) == PRM_DEVICE_MULTIPATH)
		return true;
	r = prm_device_verdict(request->device);
	if (r >= 0)
		return true;
	prm_status_from_verdict(&request->reply, r);
	tell_refused(request, r);
	return false;
}

void prm_request_run(struct prm_request *request, struct prm_manager *manager,
		     unsigned int timeout_ms)
{
	struct prm_command command = PRM_COMMAND_INIT;
	struct prm_reply reply = PRM_REPLY_INIT;
	int r;

	memcpy(command.cdb, request->head.cdb, sizeof(command.cdb));
	command.cdb_len = request->head.cdb_len;
	command.data = request->data;
	command.data_len = request->head.length;
	command.timeout_ms = timeout_ms;
	r = prm_manager_run(manager, prm_device_fd(request->device), &command,
			    &reply);
	if (r < 0)
		prm_status_from_errno(&reply, r);
	request->reply = reply;
}

void prm_request_close(struct prm_request *request)
{
	request->device = prm_device_free(request->device);
}

void prm_request_time_out(struct prm_reply *reply)
{
	prm_status_set_sense(reply, PRM_SENSE_COMMAND_TIMEOUT);
}

/* What the device, or whoever spoke for it, said. */
static void record_reply(struct prm_audit *audit, const struct prm_reply *reply)
{
	struct prm_sense sense;

	audit->status = prm_status_name(reply->status);
	audit->is_conflict = reply->status == PRM_STATUS_RESERVATION_CONFLICT;
	if (reply->status != PRM_STATUS_CHECK_CONDITION ||
	    prm_sense_decode(reply->sense, reply->sense_len, &sense) !=
		    PRM_DECODE_OK)
		return;
	audit->has_sense = true;
	audit->sense_key = sense.key;
	audit->asc = sense.asc;
	audit->ascq = sense.ascq;
}

void prm_request_record(const struct prm_request *request,
			const struct prm_who *who,
			const struct prm_reply *reply, enum prm_outcome outcome)
{
	struct prm_audit audit = {
		.pid = who->pid,
		.uid = who->uid,
		.unit = who->unit,
		.device = strcmp(request->name, NO_NAME) ? request->name : NULL,
		.action = prm_pr_action_name(true, request->head.action),
		.type = request->head.cdb[TYPE_AT] & TYPE_MASK,
		.duration_ns = prm_clock_ns() - request->begun_ns,
		.late = outcome == PRM_OUTCOME_LATE,
		.dropped = outcome == PRM_OUTCOME_DROPPED,
	};

	if (!request->head.out)
		return;
	if (request->data && request->head.length >= KEYS_LEN) {
		audit.has_keys = true;
		audit.key = prm_get_be64(request->data + KEY_AT);
		audit.sa_key = prm_get_be64(request->data + NEW_KEY_AT);
	}
	if (reply)
		record_reply(&audit, reply);
	prm_audit_log(&audit);
}
