/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What SG_IO came back with, as a reply.
 *
 * The order of the questions is that of QEMU 6.0 and later, and so are the
 * entries of the tables: did the call fail, did the host adapter fail, did the
 * driver give up, what did the device say.  What differs is the rest.  There, a
 * host status without an entry is passed over, and a RESERVE that never reached
 * the device can look carried out.  Here, GOOD takes three zeros, and whatever
 * has no entry is an error.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "backend/status.h"

/* A status, and the sense code that goes with CHECK CONDITION. */
struct verdict {
	unsigned int when;
	enum prm_status status;
	enum prm_sense_code code;
};

#define CHECK PRM_STATUS_CHECK_CONDITION

/* I/O PROCESS TERMINATED: nothing fits better, and the command may have run. */
static const struct verdict verdict_other = { 0, CHECK,
					      PRM_SENSE_IO_PROCESS_TERMINATED };

static const struct verdict verdict_not_scsi = { 0, CHECK,
						 PRM_SENSE_INVALID_OPCODE };

static const struct verdict errno_verdicts[] = {
	{ EDOM, PRM_STATUS_TASK_SET_FULL, PRM_SENSE_NO_SENSE },
	{ EBADE, PRM_STATUS_RESERVATION_CONFLICT, PRM_SENSE_NO_SENSE },
	{ ENODATA, CHECK, PRM_SENSE_READ_ERROR },
	{ ENOMEDIUM, CHECK, PRM_SENSE_NO_MEDIUM },
	{ ENODEV, CHECK, PRM_SENSE_TARGET_FAILURE },
	{ EREMOTEIO, CHECK, PRM_SENSE_TARGET_FAILURE },
	{ ENOMEM, CHECK, PRM_SENSE_TARGET_FAILURE },
	{ EINVAL, CHECK, PRM_SENSE_INVALID_FIELD_IN_CDB },
	{ ENOSPC, CHECK, PRM_SENSE_SPACE_ALLOCATION_FAILED },
};

/* The kernel's DID_ values (include/scsi/scsi_status.h). */
static const struct verdict host_verdicts[] = {
	{ 0x01, CHECK, PRM_SENSE_LUN_NO_RESPONSE },           /* NO_CONNECT */
	{ 0x02, PRM_STATUS_BUSY, PRM_SENSE_NO_SENSE },        /* BUS_BUSY */
	{ 0x03, CHECK, PRM_SENSE_COMMAND_TIMEOUT },           /* TIME_OUT */
	{ 0x04, CHECK, PRM_SENSE_LUN_COMMUNICATION_FAILURE }, /* BAD_TARGET */
	{ 0x05, CHECK, PRM_SENSE_COMMANDS_CLEARED },          /* ABORT */
	{ 0x08, CHECK, PRM_SENSE_POWER_ON_OR_RESET },         /* RESET */
	{ 0x0e, CHECK, PRM_SENSE_NEXUS_LOSS },     /* TRANSPORT_DISRUPTED */
	{ 0x10, CHECK, PRM_SENSE_TARGET_FAILURE }, /* TARGET_FAILURE */
	{ 0x11, PRM_STATUS_RESERVATION_CONFLICT,
	  PRM_SENSE_NO_SENSE },                             /* NEXUS_FAILURE */
	{ 0x12, CHECK, PRM_SENSE_SPACE_ALLOCATION_FAILED }, /* ALLOC_FAILURE */
	{ 0x13, CHECK, PRM_SENSE_READ_ERROR },              /* MEDIUM_ERROR */
};

/*
 * These say only that something went wrong: where the device has said more,
 * its word is the better one, unless the word is GOOD.
 */
static const struct verdict vague_host_verdicts[] = {
	{ 0x0f, CHECK, PRM_SENSE_NEXUS_LOSS }, /* TRANSPORT_FAILFAST */
};

/* Low half of the driver status; the upper half is advice to drivers. */
#define DRIVER_MASK    0x0f
#define DRIVER_TIMEOUT 0x06

/* Sense data in either format has a header of 8 bytes (SPC-4, 4.5). */
#define SENSE_HEADER 8

static const struct verdict *look_up(const struct verdict *table, size_t n,
				     unsigned int when)
{
	for (size_t i = 0; i < n; i++)
		if (table[i].when == when)
			return &table[i];
	return NULL;
}

#define LOOK_UP(table, when)                                                   \
	look_up(table, sizeof(table) / sizeof((table)[0]), when)

void prm_status_set(struct prm_reply *reply, enum prm_status status)
{
	reply->status = (int)status;
	memset(reply->sense, 0, sizeof(reply->sense));
	reply->sense_len = 0;
	reply->data_len = 0;
}

void prm_status_set_sense(struct prm_reply *reply, enum prm_sense_code code)
{
	prm_status_set(reply, PRM_STATUS_CHECK_CONDITION);
	prm_sense_encode_code(code, reply->sense);
	reply->sense_len = PRM_SENSE_FIXED_LEN;
}

static void set_verdict(struct prm_reply *reply, const struct verdict *verdict)
{
	if (verdict->status == CHECK)
		prm_status_set_sense(reply, verdict->code);
	else
		prm_status_set(reply, verdict->status);
}

void prm_status_from_errno(struct prm_reply *reply, int error)
{
	const struct verdict *verdict =
		LOOK_UP(errno_verdicts, (unsigned int)abs(error));

	set_verdict(reply, verdict ? verdict : &verdict_other);
}

void prm_status_from_verdict(struct prm_reply *reply, int error)
{
	if (abs(error) == ENOTTY || abs(error) == ENOTBLK)
		set_verdict(reply, &verdict_not_scsi);
	else
		prm_status_from_errno(reply, error);
}

/* How many bytes of sense data there are that mean something. */
static size_t usable_sense(const struct sg_io_hdr *hdr)
{
	size_t len = hdr->sb_len_wr;

	if (len > hdr->mx_sb_len)
		len = hdr->mx_sb_len;
	if (len > PRM_SENSE_SIZE)
		len = PRM_SENSE_SIZE;
	if (len < SENSE_HEADER || (hdr->sbp[0] & 0x7c) != 0x70)
		return 0;
	return len;
}

static void set_check_condition(struct prm_reply *reply,
				const struct sg_io_hdr *hdr)
{
	size_t len = usable_sense(hdr);

	if (len == 0) {
		set_verdict(reply, &verdict_other);
		return;
	}
	prm_status_set(reply, PRM_STATUS_CHECK_CONDITION);
	memcpy(reply->sense, hdr->sbp, len);
	reply->sense_len = len;
}

static void set_good(struct prm_reply *reply, const struct sg_io_hdr *hdr)
{
	unsigned int left = 0;

	/* Some adapters report residuals that cannot be. */
	if (hdr->resid > 0)
		left = (unsigned int)hdr->resid;
	if (left > hdr->dxfer_len)
		left = hdr->dxfer_len;
	prm_status_set(reply, PRM_STATUS_GOOD);
	if (hdr->dxfer_direction == SG_DXFER_FROM_DEV)
		reply->data_len = hdr->dxfer_len - left;
}

/* What the device said, if it is neither GOOD nor unheard of. */
static bool set_said(struct prm_reply *reply, const struct sg_io_hdr *hdr)
{
	switch (hdr->status) {
	case PRM_STATUS_CHECK_CONDITION:
		set_check_condition(reply, hdr);
		return true;
	case PRM_STATUS_BUSY:
	case PRM_STATUS_RESERVATION_CONFLICT:
	case PRM_STATUS_TASK_SET_FULL:
	case PRM_STATUS_ACA_ACTIVE:
	case PRM_STATUS_TASK_ABORTED:
		prm_status_set(reply, hdr->status);
		return true;
	default: return false;
	}
}

static void set_host_failed(struct prm_reply *reply,
			    const struct sg_io_hdr *hdr)
{
	const struct verdict *verdict =
		LOOK_UP(host_verdicts, hdr->host_status);

	if (!verdict) {
		if (set_said(reply, hdr))
			return;
		verdict = LOOK_UP(vague_host_verdicts, hdr->host_status);
	}
	set_verdict(reply, verdict ? verdict : &verdict_other);
}

void prm_status_from_sg_io(struct prm_reply *reply, int error,
			   const struct sg_io_hdr *hdr)
{
	if (error != 0)
		prm_status_from_errno(reply, error);
	else if (hdr->host_status != 0)
		set_host_failed(reply, hdr);
	else if ((hdr->driver_status & DRIVER_MASK) == DRIVER_TIMEOUT)
		prm_status_set(reply, PRM_STATUS_BUSY);
	else if (set_said(reply, hdr))
		return;
	else if (hdr->status == 0 && hdr->driver_status == 0)
		set_good(reply, hdr);
	else
		/* Old kernels report sense data by the driver status alone. */
		set_check_condition(reply, hdr);
}
