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

/* A status, and the sense data that goes with CHECK CONDITION. */
struct verdict {
	unsigned int when;
	enum prm_status status;
	uint8_t key, asc, ascq;
};

#define CHECK PRM_STATUS_CHECK_CONDITION

/* I/O PROCESS TERMINATED: nothing fits better, and the command may have run. */
static const struct verdict verdict_other = { 0, CHECK, 0x0b, 0x00, 0x06 };

static const struct verdict verdict_not_scsi = { 0, CHECK, 0x05, 0x20, 0x00 };

static const struct verdict errno_verdicts[] = {
	{ EDOM, PRM_STATUS_TASK_SET_FULL, 0, 0, 0 },
	{ EBADE, PRM_STATUS_RESERVATION_CONFLICT, 0, 0, 0 },
	{ ENODATA, CHECK, 0x03, 0x11, 0x00 },
	{ ENOMEDIUM, CHECK, 0x02, 0x3a, 0x00 },
	{ ENODEV, CHECK, 0x04, 0x44, 0x00 },
	{ EREMOTEIO, CHECK, 0x04, 0x44, 0x00 },
	{ ENOMEM, CHECK, 0x04, 0x44, 0x00 },
	{ EINVAL, CHECK, 0x05, 0x24, 0x00 },
	{ ENOSPC, CHECK, 0x07, 0x27, 0x07 },
};

/* The kernel's DID_ values (include/scsi/scsi_status.h). */
static const struct verdict host_verdicts[] = {
	{ 0x01, CHECK, 0x0b, 0x05, 0x00 },  /* NO_CONNECT */
	{ 0x02, PRM_STATUS_BUSY, 0, 0, 0 }, /* BUS_BUSY */
	{ 0x03, CHECK, 0x0b, 0x2e, 0x02 },  /* TIME_OUT */
	{ 0x04, CHECK, 0x0b, 0x08, 0x00 },  /* BAD_TARGET */
	{ 0x05, CHECK, 0x0b, 0x2f, 0x02 },  /* ABORT */
	{ 0x08, CHECK, 0x06, 0x29, 0x00 },  /* RESET */
	{ 0x0e, CHECK, 0x0b, 0x29, 0x07 },  /* TRANSPORT_DISRUPTED */
	{ 0x10, CHECK, 0x04, 0x44, 0x00 },  /* TARGET_FAILURE */
	{ 0x11, PRM_STATUS_RESERVATION_CONFLICT, 0, 0, 0 }, /* NEXUS_FAILURE */
	{ 0x12, CHECK, 0x07, 0x27, 0x07 },                  /* ALLOC_FAILURE */
	{ 0x13, CHECK, 0x03, 0x11, 0x00 },                  /* MEDIUM_ERROR */
};

/*
 * These say only that something went wrong: where the device has said more,
 * its word is the better one, unless the word is GOOD.
 */
static const struct verdict vague_host_verdicts[] = {
	{ 0x0f, CHECK, 0x0b, 0x29, 0x07 }, /* TRANSPORT_FAILFAST */
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

void prm_status_set_sense(struct prm_reply *reply, uint8_t key, uint8_t asc,
			  uint8_t ascq)
{
	prm_status_set(reply, PRM_STATUS_CHECK_CONDITION);
	reply->sense[0] = 0x70;
	reply->sense[2] = key;
	reply->sense[7] = 10;
	reply->sense[12] = asc;
	reply->sense[13] = ascq;
	reply->sense_len = 18;
}

static void set_verdict(struct prm_reply *reply, const struct verdict *verdict)
{
	if (verdict->status == CHECK)
		prm_status_set_sense(reply, verdict->key, verdict->asc,
				     verdict->ascq);
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
