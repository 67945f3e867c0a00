/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What SG_IO comes back with, against tables written a second time.
 *
 * The tables below repeat those of status.c on purpose: an entry changed in
 * either place fails.  All of what the three status words can hold is tried.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "backend/status.h"

enum {
	GOOD = 0x00,
	CHECK = 0x02,
	BUSY = 0x08,
	CONFLICT = 0x18,
	FULL = 0x28,
	ACA = 0x30,
	ABORTED = 0x40,
};

/* Key, ASC and ASCQ as one number, 0x052000; 0 for no sense data. */
struct answer {
	int status;
	unsigned int code;
};

#define OTHER ((struct answer){ CHECK, 0x0b0006 })

/* What a device would say: ILLEGAL REQUEST in descriptor format. */
static uint8_t device_sense[PRM_SENSE_SIZE] = { 0x72, 0x05, 0x26, 0x04,
						0,    0,    0,    4,
						0x02, 2,    0xaa, 0xbb };
#define DEVICE_SENSE_LEN  12
#define DEVICE_SENSE_CODE 0xffffff /* stands for "the bytes above" */

static struct sg_io_hdr header(unsigned int host, unsigned int driver,
			       unsigned int status, bool sense)
{
	return (struct sg_io_hdr){
		.interface_id = 'S',
		.dxfer_direction = SG_DXFER_FROM_DEV,
		.dxfer_len = 24,
		.mx_sb_len = PRM_SENSE_SIZE,
		.sbp = device_sense,
		.sb_len_wr = sense ? DEVICE_SENSE_LEN : 0,
		.host_status = (unsigned short)host,
		.driver_status = (unsigned short)driver,
		.status = (unsigned char)status,
	};
}

/* A reply with every byte set, so that one left alone is noticed. */
static struct prm_reply dirty_reply(void)
{
	struct prm_reply reply;

	memset(&reply, 0xee, sizeof(reply));
	reply.size = sizeof(reply);
	return reply;
}

static bool is_zero(const uint8_t *bytes, size_t len)
{
	while (len && bytes[len - 1] == 0)
		len--;
	return len == 0;
}

static bool is_ours(const struct prm_reply *reply, unsigned int code)
{
	static const uint8_t empty[18] = { [0] = 0x70, [7] = 10 };
	uint8_t want[18];

	memcpy(want, empty, sizeof(want));
	want[2] = (uint8_t)(code >> 16);
	want[12] = (uint8_t)(code >> 8);
	want[13] = (uint8_t)code;
	return reply->sense_len == sizeof(want) &&
	       memcmp(reply->sense, want, sizeof(want)) == 0;
}

/* Whether @reply is exactly @want, the rest of its sense bytes included. */
static bool is_answer(const struct prm_reply *reply, struct answer want)
{
	bool sense;

	if (want.code == 0)
		sense = reply->sense_len == 0;
	else if (want.code == DEVICE_SENSE_CODE)
		sense = reply->sense_len == DEVICE_SENSE_LEN &&
			memcmp(reply->sense, device_sense, DEVICE_SENSE_LEN) ==
				0;
	else
		sense = is_ours(reply, want.code);
	return sense && reply->size == sizeof(*reply) &&
	       reply->status == want.status &&
	       reply->data_len == (want.status == GOOD ? 24u : 0u) &&
	       is_zero(reply->sense + reply->sense_len,
		       sizeof(reply->sense) - reply->sense_len);
}

/* What the device said, if it said something that SAM-5 knows. */
static bool said(unsigned int status, bool sense, struct answer *ret)
{
	switch (status) {
	case CHECK:
		*ret = sense ? (struct answer){ CHECK, DEVICE_SENSE_CODE }
			     : OTHER;
		return true;
	case BUSY:
	case CONFLICT:
	case FULL:
	case ACA:
	case ABORTED: *ret = (struct answer){ (int)status, 0 }; return true;
	default: return false;
	}
}

static bool host_said(unsigned int host, struct answer *ret)
{
	static const struct answer table[] = {
		[0x01] = { CHECK, 0x0b0500 }, [0x02] = { BUSY, 0 },
		[0x03] = { CHECK, 0x0b2e02 }, [0x04] = { CHECK, 0x0b0800 },
		[0x05] = { CHECK, 0x0b2f02 }, [0x08] = { CHECK, 0x062900 },
		[0x0e] = { CHECK, 0x0b2907 }, [0x10] = { CHECK, 0x044400 },
		[0x11] = { CONFLICT, 0 },     [0x12] = { CHECK, 0x072707 },
		[0x13] = { CHECK, 0x031100 },
	};

	if (host >= sizeof(table) / sizeof(table[0]) ||
	    table[host].status == GOOD)
		return false;
	*ret = table[host];
	return true;
}

static struct answer expected(unsigned int host, unsigned int driver,
			      unsigned int status, bool sense)
{
	struct answer want;

	if (host != 0) {
		if (host_said(host, &want) || said(status, sense, &want))
			return want;
		return host == 0x0f ? (struct answer){ CHECK, 0x0b2907 }
				    : OTHER;
	}
	if ((driver & 0x0f) == 6)
		return (struct answer){ BUSY, 0 };
	if (said(status, sense, &want))
		return want;
	if (driver == 0 && status == 0)
		return (struct answer){ GOOD, 0 };
	return sense ? (struct answer){ CHECK, DEVICE_SENSE_CODE } : OTHER;
}

/* Returns how many of the 256 SCSI statuses became GOOD. */
static unsigned int try_statuses(unsigned int host, unsigned int driver,
				 bool sense)
{
	unsigned int n_good = 0;

	for (unsigned int status = 0; status < 256; status++) {
		struct sg_io_hdr hdr = header(host, driver, status, sense);
		struct prm_reply reply = dirty_reply();

		prm_status_from_sg_io(&reply, 0, &hdr);
		if (!is_answer(&reply, expected(host, driver, status, sense)))
			fail_msg("host %02x driver %02x status %02x sense %d: "
				 "status %02x sense %02x/%02x/%02x",
				 host, driver, status, sense, reply.status,
				 reply.sense[2], reply.sense[12],
				 reply.sense[13]);
		if (reply.status == GOOD)
			n_good++;
	}
	return n_good;
}

static void good_only_when_all_three_are_zero(void **state)
{
	/* All low halves, each driver status with advice, and 16-bit ones. */
	static const unsigned int more_drivers[] = { 0x10,  0x16,  0x18,  0x20,
						     0x40,  0x80,  0x100, 0x108,
						     0x800, 0xffff };
	unsigned int n_good = 0;

	for (unsigned int host = 0; host < 256; host++) {
		for (unsigned int driver = 0; driver < 16; driver++)
			n_good += try_statuses(host, driver, false);
		for (unsigned int driver = 0; driver < 16; driver++)
			assert_int_equal(try_statuses(host, driver, true),
					 host == 0 && driver == 0);
		for (size_t i = 0; i < 10; i++)
			n_good += try_statuses(host, more_drivers[i], false);
	}
	for (unsigned int bit = 8; bit < 16; bit++)
		n_good += try_statuses(1u << bit, 0, false);
	assert_int_equal(n_good, 1);
}

static void every_errno_is_an_error(void **state)
{
	static const struct {
		int error;
		struct answer answer;
	} table[] = {
		{ EDOM, { FULL, 0 } },
		{ EBADE, { CONFLICT, 0 } },
		{ ENODATA, { CHECK, 0x031100 } },
		{ ENOMEDIUM, { CHECK, 0x023a00 } },
		{ ENODEV, { CHECK, 0x044400 } },
		{ EREMOTEIO, { CHECK, 0x044400 } },
		{ ENOMEM, { CHECK, 0x044400 } },
		{ EINVAL, { CHECK, 0x052400 } },
		{ ENOSPC, { CHECK, 0x072707 } },
	};
	struct sg_io_hdr all_zero = header(0, 0, 0, false);

	for (int error = 0; error < 4096; error++) {
		struct prm_reply reply = dirty_reply(), again = dirty_reply();
		struct answer want = OTHER;

		for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
			if (table[i].error == error)
				want = table[i].answer;
		prm_status_from_errno(&reply, error);
		assert_true(is_answer(&reply, want));
		prm_status_from_errno(&again, -error);
		assert_true(is_answer(&again, want));
		if (error == 0)
			continue;
		prm_status_from_sg_io(&again, -error, &all_zero);
		assert_true(is_answer(&again, want));
	}
}

static void only_enotty_says_that_it_is_no_scsi_device(void **state)
{
	for (int error = 1; error < 4096; error++) {
		struct prm_reply reply = dirty_reply(), plain = dirty_reply();

		prm_status_from_verdict(&reply, -error);
		if (error == ENOTTY || error == ENOTBLK) {
			assert_true(is_answer(
				&reply, (struct answer){ CHECK, 0x052000 }));
			continue;
		}
		prm_status_from_errno(&plain, error);
		assert_memory_equal(&reply, &plain, sizeof(reply));
	}
}

static void sense_of_the_device_is_passed_as_it_is(void **state)
{
	/* Length is the least of what was written, what there was room for. */
	static const struct {
		unsigned char written, room;
		size_t want;
	} lengths[] = {
		{ 96, 96, 96 },  { 18, 96, 18 }, { 8, 96, 8 },
		{ 252, 96, 96 }, { 96, 32, 32 }, { 255, 255, 96 },
	};
	uint8_t sense[256];

	for (size_t i = 0; i < sizeof(sense); i++)
		sense[i] = (uint8_t)(0x70 + i);
	for (uint8_t code = 0x70; code <= 0x73; code++) {
		for (size_t i = 0; i < 6; i++) {
			struct sg_io_hdr hdr = header(0, 8, CHECK, true);
			struct prm_reply reply = dirty_reply();

			sense[0] = code;
			hdr.sbp = sense;
			hdr.sb_len_wr = lengths[i].written;
			hdr.mx_sb_len = lengths[i].room;
			prm_status_from_sg_io(&reply, 0, &hdr);
			assert_int_equal(reply.status, CHECK);
			assert_int_equal(reply.sense_len, lengths[i].want);
			assert_memory_equal(reply.sense, sense,
					    lengths[i].want);
			assert_true(is_zero(reply.sense + reply.sense_len,
					    96 - reply.sense_len));
		}
	}
}

static void sense_without_meaning_becomes_ours(void **state)
{
	uint8_t sense[PRM_SENSE_SIZE] = { 0x70, 0, 6, 0, 0, 0, 0, 10 };

	for (unsigned int code = 0; code < 256; code++) {
		for (unsigned char len = 0; len <= 18; len++) {
			struct sg_io_hdr hdr = header(0, 8, CHECK, true);
			struct prm_reply reply = dirty_reply();
			bool usable = len >= 8 && (code & 0x7f) >= 0x70 &&
				      (code & 0x7f) <= 0x73;

			/* Bit 7 of byte 0 is VALID of the INFORMATION field. */
			sense[0] = (uint8_t)code;
			hdr.sbp = sense;
			hdr.sb_len_wr = len;
			prm_status_from_sg_io(&reply, 0, &hdr);
			if (usable)
				assert_int_equal(reply.sense_len, len);
			else
				assert_true(is_answer(&reply, OTHER));
		}
	}
}

static void residuals_that_cannot_be_are_bounded(void **state)
{
	static const struct {
		int resid;
		size_t want;
	} cases[] = {
		{ 0, 24 }, { 1, 23 },  { 23, 1 },         { 24, 0 },
		{ 25, 0 }, { -1, 24 }, { INT32_MIN, 24 }, { INT32_MAX, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sg_io_hdr hdr = header(0, 0, 0, false);
		struct prm_reply reply = dirty_reply();

		hdr.resid = cases[i].resid;
		prm_status_from_sg_io(&reply, 0, &hdr);
		assert_int_equal(reply.status, GOOD);
		assert_int_equal(reply.data_len, cases[i].want);
	}
}

static void only_data_from_the_device_is_payload(void **state)
{
	static const int directions[] = { SG_DXFER_TO_DEV, SG_DXFER_NONE };

	for (size_t i = 0; i < 2; i++) {
		struct sg_io_hdr hdr = header(0, 0, 0, false);
		struct prm_reply reply = dirty_reply();

		hdr.dxfer_direction = directions[i];
		prm_status_from_sg_io(&reply, 0, &hdr);
		assert_int_equal(reply.status, GOOD);
		assert_int_equal(reply.data_len, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_only_when_all_three_are_zero),
		cmocka_unit_test(every_errno_is_an_error),
		cmocka_unit_test(only_enotty_says_that_it_is_no_scsi_device),
		cmocka_unit_test(sense_of_the_device_is_passed_as_it_is),
		cmocka_unit_test(sense_without_meaning_becomes_ours),
		cmocka_unit_test(residuals_that_cannot_be_are_bounded),
		cmocka_unit_test(only_data_from_the_device_is_payload),
	};

	return cmocka_run_group_tests_name("status", tests, NULL, NULL);
}
