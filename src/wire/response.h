/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_WIRE_RESPONSE_H
#define PRM_WIRE_RESPONSE_H

/*
 * The answer to a request: status, payload size and 96 bytes of sense, always
 * all of them, then the payload.
 *
 * QEMU aborts the virtual machine when a payload is longer than the request
 * allows, so encoding does not trust its caller: whatever the reply says, the
 * bytes that leave obey the protocol.  Decoding trusts the helper no more.
 *
 * Errors: ret_x is written on PRM_DECODE_OK only. Threads: no shared state.
 */

#include <stddef.h>
#include <stdint.h>
#include <prmanager/command.h>
#include "base/cursor.h"
#include "wire/request.h"

/* Bytes of a response before its payload. */
#define PRM_WIRE_RESPONSE_SIZE 104

/**
 * prm_wire_response_encode() - the bytes before the payload
 * @request: what is answered
 * @reply:   the answer
 * @bytes:   receives PRM_WIRE_RESPONSE_SIZE bytes, all of them defined
 *
 * - The payload is empty for PR OUT and for every status but GOOD, and never
 *   longer than the allocation length.
 * - Sense goes out with CHECK CONDITION only, zero behind its length.
 * - CHECK CONDITION without sense, and a status that is no byte, go out as
 *   CHECK CONDITION, ABORTED COMMAND, I/O PROCESS TERMINATED (0B/00/06).
 *
 * Return: bytes of payload to send next, at most @reply->data_len.
 */
size_t prm_wire_response_encode(const struct prm_wire_request *request,
				const struct prm_reply *reply,
				uint8_t bytes[PRM_WIRE_RESPONSE_SIZE]);

/**
 * prm_wire_response_decode() - read and check what a helper answered
 * @bytes:           received so far
 * @len:             their number
 * @request:         what was asked
 * @ret_reply:       the answer, every member set; @data_len is
 *                   *@ret_payload_len with GOOD, else 0
 * @ret_payload_len: bytes that follow on the wire, at most the allocation
 *                   length; to be read and thrown away unless GOOD
 *
 * The length of sense is what the sense data itself says; 0 when it is in no
 * format known to SPC.
 *
 * Return: OK; INCOMPLETE below PRM_WIRE_RESPONSE_SIZE bytes; MALFORMED for a
 * status that is no byte or a payload after PR OUT; TOO_LARGE for a payload
 * above the allocation length; TRAILING when valid and @len exceeds
 * PRM_WIRE_RESPONSE_SIZE.
 */
enum prm_decode prm_wire_response_decode(const void *bytes, size_t len,
					 const struct prm_wire_request *request,
					 struct prm_reply *ret_reply,
					 size_t *ret_payload_len);

#endif
