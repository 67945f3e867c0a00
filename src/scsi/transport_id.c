/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * TransportIDs as bytes; transport_id_text.c has them as text.
 *
 * Two shapes cover all protocols: 24 bytes with a few fields at fixed places,
 * and iSCSI's string with its own length.  Protocols for which SPC defines
 * nothing keep their 24 bytes as they are, so that they can be shown and sent
 * back.
 */
#include <string.h>
#include <strings.h>
#include "scsi/transport_id.h"

#define ISCSI_HEADER_LEN      4
#define ISCSI_ADDITIONAL_MIN  20
#define ISCSI_ISID_DIGITS_MAX 12
#define ISCSI_SEPARATOR       ",i,"

enum prm_decode prm_transport_id_size(const void *bytes, size_t len,
				      size_t *ret_size)
{
	const uint8_t *at = bytes;
	size_t additional;

	if (len < ISCSI_HEADER_LEN)
		return PRM_DECODE_INCOMPLETE;
	if ((at[0] & 0xf) != PRM_PROTOCOL_ISCSI) {
		*ret_size = PRM_TRANSPORT_ID_MIN;
		return PRM_DECODE_OK;
	}
	additional = prm_get_be16(at + 2);
	if (additional < ISCSI_ADDITIONAL_MIN || additional % 4)
		return PRM_DECODE_MALFORMED;
	if (additional > PRM_TRANSPORT_ID_MAX - ISCSI_HEADER_LEN)
		return PRM_DECODE_TOO_LARGE;
	*ret_size = ISCSI_HEADER_LEN + additional;
	return PRM_DECODE_OK;
}

static bool is_control(char c)
{
	return (unsigned char)c < 0x20 || c == 0x7f;
}

/* Whether @text is an ISID: 0x, 1 to 12 hex digits and the end. */
static bool is_isid(const char *text)
{
	const char *digits = text + 2;
	size_t count;

	if (strncmp(text, "0x", 2) != 0)
		return false;
	count = strspn(digits, "0123456789abcdefABCDEF");
	return count >= 1 && count <= ISCSI_ISID_DIGITS_MAX && !digits[count];
}

/* Whether a terminated name is one for its FORMAT CODE. */
static bool iscsi_name_is_valid(const char *name, uint8_t format)
{
	const char *isid = strstr(name, ISCSI_SEPARATOR);

	if (isid == name || !*name)
		return false;
	for (const char *c = name; *c; c++)
		if (is_control(*c))
			return false;
	if (format == 0)
		return !isid;
	return isid && is_isid(isid + strlen(ISCSI_SEPARATOR));
}

static enum prm_decode decode_iscsi(const uint8_t *bytes, size_t size,
				    struct prm_transport_id *id)
{
	const char *name = (const char *)bytes + ISCSI_HEADER_LEN;
	size_t room = size - ISCSI_HEADER_LEN, len = strnlen(name, room);

	if (len == room)
		return PRM_DECODE_MALFORMED;
	if (id->format > 1 || !iscsi_name_is_valid(name, id->format))
		return PRM_DECODE_MALFORMED;
	memcpy(id->name, name, len);
	return PRM_DECODE_OK;
}

static enum prm_decode decode_plain(const uint8_t *bytes,
				    struct prm_transport_id *id)
{
	if (id->format != 0)
		return PRM_DECODE_MALFORMED;
	switch (id->protocol) {
	case PRM_PROTOCOL_FCP:
	case PRM_PROTOCOL_SBP: id->address = prm_get_be64(bytes + 8); break;
	case PRM_PROTOCOL_SAS: id->address = prm_get_be64(bytes + 4); break;
	case PRM_PROTOCOL_SRP:
		memcpy(id->port, bytes + 8, sizeof(id->port));
		break;
	case PRM_PROTOCOL_SPI:
		id->spi.address = prm_get_be16(bytes + 2);
		id->spi.relative_port = prm_get_be16(bytes + 6);
		break;
	case PRM_PROTOCOL_SOP: id->routing_id = prm_get_be16(bytes + 2); break;
	default: memcpy(id->raw, bytes, sizeof(id->raw)); break;
	}
	return PRM_DECODE_OK;
}

enum prm_decode prm_transport_id_decode(const void *bytes, size_t len,
					struct prm_transport_id *ret_id)
{
	const uint8_t *at = bytes;
	struct prm_transport_id id;
	enum prm_decode result;
	size_t size;

	result = prm_transport_id_size(bytes, len, &size);
	if (result != PRM_DECODE_OK)
		return result;
	if (len < size)
		return PRM_DECODE_INCOMPLETE;
	memset(&id, 0, sizeof(id));
	id.protocol = at[0] & 0xf;
	id.format = at[0] >> 6;
	result = id.protocol == PRM_PROTOCOL_ISCSI ? decode_iscsi(at, size, &id)
						   : decode_plain(at, &id);
	if (result != PRM_DECODE_OK)
		return result;
	*ret_id = id;
	return len > size ? PRM_DECODE_TRAILING : PRM_DECODE_OK;
}

/* Bytes of a name with its NUL, padded as SPC wants it. */
static size_t iscsi_additional(const struct prm_transport_id *id)
{
	size_t len = strnlen(id->name, sizeof(id->name) - 1) + 1;

	len = (len + 3) / 4 * 4;
	return len < ISCSI_ADDITIONAL_MIN ? ISCSI_ADDITIONAL_MIN : len;
}

static void encode_plain(const struct prm_transport_id *id, uint8_t *bytes)
{
	switch (id->protocol) {
	case PRM_PROTOCOL_FCP:
	case PRM_PROTOCOL_SBP: prm_put_be64(bytes + 8, id->address); break;
	case PRM_PROTOCOL_SAS: prm_put_be64(bytes + 4, id->address); break;
	case PRM_PROTOCOL_SRP:
		memcpy(bytes + 8, id->port, sizeof(id->port));
		break;
	case PRM_PROTOCOL_SPI:
		prm_put_be16(bytes + 2, id->spi.address);
		prm_put_be16(bytes + 6, id->spi.relative_port);
		break;
	case PRM_PROTOCOL_SOP: prm_put_be16(bytes + 2, id->routing_id); break;
	default: memcpy(bytes + 1, id->raw + 1, sizeof(id->raw) - 1); break;
	}
}

size_t prm_transport_id_encode(const struct prm_transport_id *id, void *bytes,
			       size_t room)
{
	bool iscsi = id->protocol == PRM_PROTOCOL_ISCSI;
	size_t additional = iscsi ? iscsi_additional(id) : 0;
	size_t size = iscsi ? ISCSI_HEADER_LEN + additional
			    : PRM_TRANSPORT_ID_MIN;
	uint8_t *at = bytes;

	if (room < size)
		return 0;
	memset(at, 0, size);
	at[0] = (uint8_t)(id->format << 6 | (id->protocol & 0xf));
	if (iscsi) {
		prm_put_be16(at + 2, (uint16_t)additional);
		memcpy(at + ISCSI_HEADER_LEN, id->name,
		       strnlen(id->name, sizeof(id->name) - 1));
	} else {
		encode_plain(id, at);
	}
	return size;
}

/* Bytes of the name without its ISID. */
static size_t initiator_len(const struct prm_transport_id *id)
{
	const char *isid = strstr(id->name, ISCSI_SEPARATOR);

	return isid ? (size_t)(isid - id->name) : strlen(id->name);
}

static bool iscsi_matches(const struct prm_transport_id *a,
			  const struct prm_transport_id *b)
{
	size_t len = initiator_len(a);

	if (a->format == b->format)
		return strcasecmp(a->name, b->name) == 0;
	return len == initiator_len(b) &&
	       strncasecmp(a->name, b->name, len) == 0;
}

static bool plain_matches(const struct prm_transport_id *a,
			  const struct prm_transport_id *b)
{
	uint8_t one[PRM_TRANSPORT_ID_MIN], other[PRM_TRANSPORT_ID_MIN];

	(void)prm_transport_id_encode(a, one, sizeof(one));
	(void)prm_transport_id_encode(b, other, sizeof(other));
	return memcmp(one, other, sizeof(one)) == 0;
}

bool prm_transport_id_matches(const struct prm_transport_id *a,
			      const struct prm_transport_id *b)
{
	if (a->protocol != b->protocol)
		return false;
	return a->protocol == PRM_PROTOCOL_ISCSI ? iscsi_matches(a, b)
						 : plain_matches(a, b);
}
