/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * TransportIDs as sg_persist spells them, so that what works there works here.
 *
 * Whatever has no spelling of its own (a protocol without a format, an iSCSI
 * name with an unusual beginning) is a list of hex bytes, and reading that list
 * is decoding those bytes: no text gets past the decoder's checks.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "scsi/transport_id.h"

static const char *const iscsi_beginnings[] = { "iqn.", "eui.", "naa.",
						"nqn." };

static bool is_iscsi_name(const char *text)
{
	size_t count = sizeof(iscsi_beginnings) / sizeof(iscsi_beginnings[0]);

	for (size_t i = 0; i < count; i++)
		if (strncasecmp(text, iscsi_beginnings[i], 4) == 0)
			return true;
	return false;
}

/* @len bytes in hex, @separator between them (unless it is 0). */
static void hex_text(const uint8_t *bytes, size_t len, char separator,
		     char *text)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		if (separator && i > 0)
			*text++ = separator;
		*text++ = digits[bytes[i] >> 4];
		*text++ = digits[bytes[i] & 0xf];
	}
	*text = '\0';
}

static void raw_text(const struct prm_transport_id *id, char *text)
{
	uint8_t bytes[PRM_TRANSPORT_ID_MAX];
	size_t len = prm_transport_id_encode(id, bytes, sizeof(bytes));

	hex_text(bytes, len, ',', text);
}

static void address_text(const char *protocol, uint64_t address, char *text)
{
	(void)snprintf(text, PRM_TRANSPORT_ID_TEXT_ROOM, "%s,%016" PRIx64,
		       protocol, address);
}

void prm_transport_id_text(const struct prm_transport_id *id,
			   char text[PRM_TRANSPORT_ID_TEXT_ROOM])
{
	switch (id->protocol) {
	case PRM_PROTOCOL_FCP: address_text("fcp", id->address, text); break;
	case PRM_PROTOCOL_SBP: address_text("sbp", id->address, text); break;
	case PRM_PROTOCOL_SAS: address_text("sas", id->address, text); break;
	case PRM_PROTOCOL_SRP:
		memcpy(text, "srp,", 4);
		hex_text(id->port, sizeof(id->port), 0, text + 4);
		break;
	case PRM_PROTOCOL_SPI:
		(void)snprintf(text, PRM_TRANSPORT_ID_TEXT_ROOM, "spi,%u,%u",
			       id->spi.address, id->spi.relative_port);
		break;
	case PRM_PROTOCOL_SOP:
		(void)snprintf(text, PRM_TRANSPORT_ID_TEXT_ROOM, "sop,%04x",
			       id->routing_id);
		break;
	case PRM_PROTOCOL_ISCSI:
		if (is_iscsi_name(id->name)) {
			(void)snprintf(text, PRM_TRANSPORT_ID_TEXT_ROOM, "%s",
				       id->name);
			break;
		}
		/* fall through */
	default: raw_text(id, text); break;
	}
}

/* A number of at most @digits digits that ends at @end; moves *@text there. */
static bool parse_number(const char **text, int base, size_t digits, char end,
			 uint64_t *ret_value)
{
	const char *set = base == 16 ? "0123456789abcdefABCDEF" : "0123456789";
	size_t count;

	if (base == 16 && strncasecmp(*text, "0x", 2) == 0)
		*text += 2;
	count = strspn(*text, set);
	if (count == 0 || count > digits || (*text)[count] != end)
		return false;
	*ret_value = strtoull(*text, NULL, base);
	*text += count + (end != '\0');
	return true;
}

static bool parse_address(const char *text, struct prm_transport_id *id)
{
	return parse_number(&text, 16, 16, '\0', &id->address);
}

static bool parse_srp(const char *text, struct prm_transport_id *id)
{
	char digits[3] = "";

	if (strlen(text) != 2 * sizeof(id->port) ||
	    strspn(text, "0123456789abcdefABCDEF") != 2 * sizeof(id->port))
		return false;
	for (size_t i = 0; i < sizeof(id->port); i++) {
		memcpy(digits, text + 2 * i, 2);
		id->port[i] = (uint8_t)strtoul(digits, NULL, 16);
	}
	return true;
}

static bool parse_spi(const char *text, struct prm_transport_id *id)
{
	uint64_t address, port;

	if (!parse_number(&text, 10, 5, ',', &address) ||
	    !parse_number(&text, 10, 5, '\0', &port) || address > UINT16_MAX ||
	    port > UINT16_MAX)
		return false;
	id->spi.address = (uint16_t)address;
	id->spi.relative_port = (uint16_t)port;
	return true;
}

static bool parse_sop(const char *text, struct prm_transport_id *id)
{
	uint64_t routing_id;

	if (!parse_number(&text, 16, 4, '\0', &routing_id))
		return false;
	id->routing_id = (uint16_t)routing_id;
	return true;
}

static const struct spelling {
	const char *prefix;
	uint8_t protocol;
	bool (*parse)(const char *text, struct prm_transport_id *id);
} spellings[] = {
	{ "fcp,", PRM_PROTOCOL_FCP, parse_address },
	{ "sbp,", PRM_PROTOCOL_SBP, parse_address },
	{ "sas,", PRM_PROTOCOL_SAS, parse_address },
	{ "srp,", PRM_PROTOCOL_SRP, parse_srp },
	{ "spi,", PRM_PROTOCOL_SPI, parse_spi },
	{ "sop,", PRM_PROTOCOL_SOP, parse_sop },
};

/* A list of hex bytes into @bytes, zero from their end to a whole TransportID.
 * Returns how many there are then, or -errno. */
static int parse_bytes(const char *text, uint8_t bytes[PRM_TRANSPORT_ID_MAX])
{
	static const char separators[] = ", \t\n";
	int count = 0;

	memset(bytes, 0, PRM_TRANSPORT_ID_MAX);
	while (*text) {
		size_t digits = strspn(text, "0123456789abcdefABCDEF");

		if (digits < 1 || digits > 2)
			return -EINVAL;
		if (count == PRM_TRANSPORT_ID_MAX)
			return -E2BIG;
		bytes[count++] = (uint8_t)strtoul(text, NULL, 16);
		text += digits;
		if (*text && !strchr(separators, *text))
			return -EINVAL;
		text += strspn(text, separators);
	}
	return count < PRM_TRANSPORT_ID_MIN ? PRM_TRANSPORT_ID_MIN : count;
}

static int parse_raw(const char *text, struct prm_transport_id *ret_id)
{
	uint8_t bytes[PRM_TRANSPORT_ID_MAX];
	int len;

	if (!*text)
		return -EINVAL;
	len = parse_bytes(text, bytes);
	if (len < 0)
		return len;
	switch (prm_transport_id_decode(bytes, (size_t)len, ret_id)) {
	case PRM_DECODE_OK: return 0;
	case PRM_DECODE_TOO_LARGE: return -E2BIG;
	default: return -EINVAL;
	}
}

static int parse_iscsi(const char *text, struct prm_transport_id *ret_id)
{
	uint8_t bytes[PRM_TRANSPORT_ID_MAX];
	struct prm_transport_id id = {
		.protocol = PRM_PROTOCOL_ISCSI,
		.format = strstr(text, ",i,") ? 1 : 0,
	};
	size_t len = strlen(text);

	if (len >= sizeof(id.name))
		return -E2BIG;
	memcpy(id.name, text, len);
	/* The decoder knows what a name may look like. */
	len = prm_transport_id_encode(&id, bytes, sizeof(bytes));
	if (prm_transport_id_decode(bytes, len, ret_id) != PRM_DECODE_OK)
		return -EINVAL;
	return 0;
}

int prm_transport_id_parse(const char *text, struct prm_transport_id *ret_id)
{
	size_t count = sizeof(spellings) / sizeof(spellings[0]);

	for (size_t i = 0; i < count; i++) {
		struct prm_transport_id id = {
			.protocol = spellings[i].protocol,
		};
		size_t len = strlen(spellings[i].prefix);

		if (strncasecmp(text, spellings[i].prefix, len) != 0)
			continue;
		if (!spellings[i].parse(text + len, &id))
			return -EINVAL;
		*ret_id = id;
		return 0;
	}
	return is_iscsi_name(text) ? parse_iscsi(text, ret_id)
				   : parse_raw(text, ret_id);
}
