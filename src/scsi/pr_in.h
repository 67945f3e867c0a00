/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_SCSI_PR_IN_H
#define PRM_SCSI_PR_IN_H

/*
 * What PERSISTENT RESERVE IN returns (SPC-4, 6.15).
 *
 * A device cuts its answer at the allocation length, in the middle of a
 * descriptor if need be, while the length fields go on describing the whole
 * (SPC-4, 4.3.5.6).  So the decoders of lists walk over what is there and tell
 * whether it was all; the encoders do the cutting.
 *
 * Ownership: decoded values borrow the bytes they were decoded from.
 * Threads:   pure functions.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/cursor.h"

/* Bytes before the first key or descriptor, and of the fixed answers. */
#define PRM_PR_IN_HEADER_LEN       8
#define PRM_PR_IN_RESERVATION_LEN  24
#define PRM_PR_IN_CAPABILITIES_LEN 8

/* Bytes of a READ FULL STATUS descriptor before its TransportID. */
#define PRM_PR_IN_DESCRIPTOR_LEN 24

/**
 * struct prm_keys - the answer to READ KEYS
 * @generation: PRGENERATION
 * @count:      keys that the device described, one for each I_T nexus
 * @complete:   all of them are here
 * @rest:       those not yet taken by prm_keys_next()
 */
struct prm_keys {
	uint32_t generation;
	uint32_t count;
	bool complete;
	struct prm_reader rest;
};

/**
 * struct prm_reservation - the answer to READ RESERVATION
 * @generation: PRGENERATION
 * @held:       there is a reservation; the rest is 0 if not
 * @key:        of the holder; 0 for the all-registrants types
 * @scope:      SCOPE, 0 to 15
 * @type:       TYPE, 0 to 15, see enum prm_pr_type
 */
struct prm_reservation {
	uint32_t generation;
	bool held;
	uint64_t key;
	uint8_t scope;
	uint8_t type;
};

/**
 * struct prm_capabilities - the answer to REPORT CAPABILITIES
 * @replace_lost:       RLR_C, REPLACE LOST RESERVATION is supported
 * @compatible_reserve: CRH, RESERVE(6) and RELEASE(6) by a registrant do nothing
 * @initiator_ports:    SIP_C, SPEC_I_PT is supported
 * @all_target_ports:   ATP_C, ALL_TG_PT is supported
 * @persist_capable:    PTPL_C, APTPL is supported
 * @persist_active:     PTPL_A, reservations survive a loss of power
 * @types_valid:        TMV, @types means something
 * @allow_commands:     ALLOW COMMANDS, 0 to 7
 * @types:              supported types: bit N for type N of enum prm_pr_type
 */
struct prm_capabilities {
	bool replace_lost;
	bool compatible_reserve;
	bool initiator_ports;
	bool all_target_ports;
	bool persist_capable;
	bool persist_active;
	bool types_valid;
	uint8_t allow_commands;
	uint16_t types;
};

/**
 * struct prm_full_status - the answer to READ FULL STATUS
 * @generation:     PRGENERATION
 * @additional_len: bytes of descriptors that the device described
 * @complete:       all of them are here
 * @rest:           those not yet taken by prm_full_status_next()
 */
struct prm_full_status {
	uint32_t generation;
	uint32_t additional_len;
	bool complete;
	struct prm_reader rest;
};

/**
 * struct prm_registrant - one descriptor of READ FULL STATUS
 * @key:                  its reservation key
 * @all_target_ports:     ALL_TG_PT, registered on every target port
 * @holder:               R_HOLDER
 * @scope:                SCOPE; 0 unless @holder
 * @type:                 TYPE, see enum prm_pr_type; 0 unless @holder
 * @relative_target_port: RELATIVE TARGET PORT IDENTIFIER; of no meaning with
 *                        @all_target_ports
 * @transport_id:         borrowed; for prm_transport_id_decode()
 * @transport_id_len:     bytes there, as the device sent them: some send fewer
 *                        than SPC's least, so no length is refused here
 */
struct prm_registrant {
	uint64_t key;
	bool all_target_ports;
	bool holder;
	uint8_t scope;
	uint8_t type;
	uint16_t relative_target_port;
	const uint8_t *transport_id;
	size_t transport_id_len;
};

/**
 * prm_keys_decode() - begin to read the answer to READ KEYS
 * @data:     the answer; bytes behind the described length are ignored
 * @len:      bytes at @data
 * @ret_keys: to iterate over with prm_keys_next()
 *
 * Return: PRM_DECODE_OK, also when keys were cut off; PRM_DECODE_INCOMPLETE
 * below 8 bytes; PRM_DECODE_MALFORMED if ADDITIONAL LENGTH is no multiple of 8.
 * @ret_keys is written on OK only.
 */
enum prm_decode prm_keys_decode(const void *data, size_t len,
				struct prm_keys *ret_keys);

/**
 * prm_keys_next() - take the next key
 * @keys:    from prm_keys_decode(), moved on
 * @ret_key: the key
 *
 * Return: false behind the last key that is here whole; @ret_key is untouched.
 */
bool prm_keys_next(struct prm_keys *keys, uint64_t *ret_key);

/**
 * prm_keys_encode() - answer READ KEYS
 * @generation: PRGENERATION
 * @keys:       the keys
 * @count:      how many
 * @data:       where to; min(@room, whole length) bytes are written
 * @room:       the allocation length
 *
 * Return: bytes of the whole answer, which may exceed @room.
 */
size_t prm_keys_encode(uint32_t generation, const uint64_t *keys, size_t count,
		       void *data, size_t room);

/**
 * prm_reservation_decode() - read the answer to READ RESERVATION
 * @data:            the answer; bytes behind the described length are ignored
 * @len:             bytes at @data
 * @ret_reservation: what it says
 *
 * Return: PRM_DECODE_OK; PRM_DECODE_INCOMPLETE below 8 bytes, or below 24 when
 * something is held; PRM_DECODE_MALFORMED for an ADDITIONAL LENGTH of 1 to 15.
 * @ret_reservation is written on OK only.
 */
enum prm_decode prm_reservation_decode(const void *data, size_t len,
				       struct prm_reservation *ret_reservation);

/**
 * prm_reservation_encode() - answer READ RESERVATION
 * @reservation: the answer
 * @data:        where to; min(@room, whole length) bytes are written
 * @room:        the allocation length
 *
 * Return: bytes of the whole answer, 8 or 24.
 */
size_t prm_reservation_encode(const struct prm_reservation *reservation,
			      void *data, size_t room);

/**
 * prm_capabilities_decode() - read the answer to REPORT CAPABILITIES
 * @data:             the answer
 * @len:              bytes at @data
 * @ret_capabilities: what it says
 *
 * Return: PRM_DECODE_OK; PRM_DECODE_INCOMPLETE below 8 bytes;
 * PRM_DECODE_MALFORMED if LENGTH is not 8. @ret_capabilities is written on OK
 * only.
 */
enum prm_decode
prm_capabilities_decode(const void *data, size_t len,
			struct prm_capabilities *ret_capabilities);

/**
 * prm_capabilities_encode() - answer REPORT CAPABILITIES
 * @capabilities: the answer; bits of types that SPC does not have are dropped
 * @data:         where to; min(@room, 8) bytes are written
 * @room:         the allocation length
 *
 * Return: 8, the bytes of the whole answer.
 */
size_t prm_capabilities_encode(const struct prm_capabilities *capabilities,
			       void *data, size_t room);

/**
 * prm_full_status_decode() - begin to read the answer to READ FULL STATUS
 * @data:       the answer; bytes behind the described length are ignored
 * @len:        bytes at @data
 * @ret_status: to iterate over with prm_full_status_next()
 *
 * Return: PRM_DECODE_OK, also when descriptors were cut off;
 * PRM_DECODE_INCOMPLETE below 8 bytes. @ret_status is written on OK only.
 */
enum prm_decode prm_full_status_decode(const void *data, size_t len,
				       struct prm_full_status *ret_status);

/**
 * prm_full_status_next() - take the next descriptor
 * @status:         from prm_full_status_decode(), moved on
 * @ret_registrant: the registrant; borrows the answer's bytes
 *
 * Return: false behind the last descriptor that is here whole; @ret_registrant
 * is untouched. What follows it is a cut-off descriptor if @complete is false,
 * and the device's mistake otherwise: then @rest is not empty.
 */
bool prm_full_status_next(struct prm_full_status *status,
			  struct prm_registrant *ret_registrant);

/**
 * prm_full_status_encode() - answer READ FULL STATUS
 * @generation:  PRGENERATION
 * @registrants: one descriptor each
 * @count:       how many
 * @data:        where to; min(@room, whole length) bytes are written
 * @room:        the allocation length
 *
 * Return: bytes of the whole answer, which may exceed @room.
 */
size_t prm_full_status_encode(uint32_t generation,
			      const struct prm_registrant *registrants,
			      size_t count, void *data, size_t room);

#endif
