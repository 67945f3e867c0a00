/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_SCSI_TRANSPORT_ID_H
#define PRM_SCSI_TRANSPORT_ID_H

/*
 * TransportIDs (SPC-4, 7.6.4): the name of an initiator port, in the form its
 * transport protocol gives it.
 *
 * Threads: pure functions.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/cursor.h"

/* Bytes of every TransportID but iSCSI's; SPC's least for those too. */
#define PRM_TRANSPORT_ID_MIN 24

/*
 * Bytes of the longest one taken. SPC allows 64 KiB; RFC 7143 limits names to
 * 223 bytes, which makes 248. This is what QEMU's decoder and libmpathpersist
 * can hold.
 */
#define PRM_TRANSPORT_ID_MAX 256

/* Room for an iSCSI name with its ISID and NUL: all behind the header. */
#define PRM_TRANSPORT_ID_NAME_ROOM (PRM_TRANSPORT_ID_MAX - 4)

/* The longest text form with its NUL: "xx," for each byte. */
#define PRM_TRANSPORT_ID_TEXT_ROOM (3 * PRM_TRANSPORT_ID_MAX)

/**
 * enum prm_protocol - PROTOCOL IDENTIFIER values (SPC-4, 7.6.1)
 */
enum prm_protocol {
	PRM_PROTOCOL_FCP = 0x0,
	PRM_PROTOCOL_SPI = 0x1,
	PRM_PROTOCOL_SSA = 0x2,
	PRM_PROTOCOL_SBP = 0x3,
	PRM_PROTOCOL_SRP = 0x4,
	PRM_PROTOCOL_ISCSI = 0x5,
	PRM_PROTOCOL_SAS = 0x6,
	PRM_PROTOCOL_ADT = 0x7,
	PRM_PROTOCOL_ATA = 0x8,
	PRM_PROTOCOL_UAS = 0x9,
	PRM_PROTOCOL_SOP = 0xa,
	PRM_PROTOCOL_PCIE = 0xb,
	PRM_PROTOCOL_NONE = 0xf,
};

/**
 * struct prm_transport_id - an initiator port
 * @protocol:   PROTOCOL IDENTIFIER, 0 to 15; says which member below holds
 * @format:     FORMAT CODE: 1 for an iSCSI port with its ISID, else 0
 * @address:    FCP N_Port_Name, SBP EUI-64 or SAS address
 * @port:       SRP initiator port identifier
 * @spi:        SPI: SCSI address and relative port of the initiator
 * @routing_id: SOP routing ID
 * @name:       iSCSI name, and ",i,0x" and 1 to 12 hex digits of the ISID in
 *              format 1; terminated; no control characters
 * @raw:        all 24 bytes, for protocols without a format of their own
 */
struct prm_transport_id {
	uint8_t protocol;
	uint8_t format;
	union {
		uint64_t address;
		uint8_t port[16];
		struct {
			uint16_t address;
			uint16_t relative_port;
		} spi;
		uint16_t routing_id;
		char name[PRM_TRANSPORT_ID_NAME_ROOM];
		uint8_t raw[PRM_TRANSPORT_ID_MIN];
	};
};

/**
 * prm_transport_id_size() - bytes of the TransportID that starts here
 * @bytes:    its beginning
 * @len:      bytes at @bytes, at least 4 to tell
 * @ret_size: bytes from its first to its last, 24 to 256
 *
 * Return: PRM_DECODE_OK, also where @len is less than the size;
 * PRM_DECODE_INCOMPLETE below 4 bytes; PRM_DECODE_MALFORMED for a length that
 * SPC forbids; PRM_DECODE_TOO_LARGE above 256. @ret_size is written on OK only.
 */
enum prm_decode prm_transport_id_size(const void *bytes, size_t len,
				      size_t *ret_size);

/**
 * prm_transport_id_decode() - take one TransportID apart
 * @bytes:  the TransportID
 * @len:    bytes at @bytes
 * @ret_id: the port; bytes that hold nothing are zero
 *
 * Reserved bytes and iSCSI padding are ignored.
 *
 * Return: PRM_DECODE_OK; PRM_DECODE_INCOMPLETE if it goes on behind @len;
 * PRM_DECODE_MALFORMED; PRM_DECODE_TOO_LARGE above 256 bytes;
 * PRM_DECODE_TRAILING if more follows. @ret_id is written on OK and TRAILING.
 */
enum prm_decode prm_transport_id_decode(const void *bytes, size_t len,
					struct prm_transport_id *ret_id);

/**
 * prm_transport_id_encode() - write a TransportID
 * @id:    what to write
 * @bytes: where to
 * @room:  bytes at @bytes; PRM_TRANSPORT_ID_MAX always suffices
 *
 * Return: bytes written, 24 to 256; 0, and nothing written, where @room is too
 * small.
 */
size_t prm_transport_id_encode(const struct prm_transport_id *id, void *bytes,
			       size_t room);

/**
 * prm_transport_id_matches() - do two TransportIDs mean the same port?
 * @a: one
 * @b: the other
 *
 * iSCSI names are compared without regard to case. One without ISID means every
 * session of that initiator, so it matches each of them.
 *
 * Return: whether they do. Not transitive, because of the above.
 */
bool prm_transport_id_matches(const struct prm_transport_id *a,
			      const struct prm_transport_id *b);

/**
 * prm_transport_id_text() - a TransportID as sg_persist spells it
 * @id:   what to write
 * @text: "sas,5000c50012345678", "fcp,…", "sbp,…", "srp,…", "spi,a,b" in
 *        decimal, "sop,…" in hex, an iSCSI name, or for all that has no such
 *        form the bytes in hex with commas; always terminated
 *
 * prm_transport_id_parse() reads it back.
 */
void prm_transport_id_text(const struct prm_transport_id *id,
			   char text[PRM_TRANSPORT_ID_TEXT_ROOM]);

/**
 * prm_transport_id_parse() - read a TransportID as sg_persist spells it
 * @text:   see prm_transport_id_text(); a list of hex bytes, separated by
 *          commas or blanks, is padded with zeros to 24 bytes
 * @ret_id: the port
 *
 * Return: 0; -EINVAL for anything else; -E2BIG above 256 bytes.
 */
int prm_transport_id_parse(const char *text, struct prm_transport_id *ret_id);

#endif
