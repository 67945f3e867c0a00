/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Names.
 *
 * People write "Write Exclusive, registrants only", programs write
 * write-exclusive-registrants-only, administrators type 5 or wero: all of these
 * are one table, compared letter by letter with the separators evened out.
 */
#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include "scsi/cdb.h"
#include "scsi/names.h"
#include "scsi/transport_id.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

const char *prm_pr_action_name(bool out, uint8_t action)
{
	static const char *const in_names[] = {
		"READ KEYS",
		"READ RESERVATION",
		"REPORT CAPABILITIES",
		"READ FULL STATUS",
	};
	static const char *const out_names[] = {
		"REGISTER",
		"RESERVE",
		"RELEASE",
		"CLEAR",
		"PREEMPT",
		"PREEMPT AND ABORT",
		"REGISTER AND IGNORE EXISTING KEY",
		"REGISTER AND MOVE",
		"REPLACE LOST RESERVATION",
	};

	if (out && action < COUNT(out_names))
		return out_names[action];
	if (!out && action < COUNT(in_names))
		return in_names[action];
	return "reserved service action";
}

/* Every spelling of a type but its number: name, word, abbreviations. */
static const struct type_names {
	uint8_t type;
	const char *spellings[4];
} type_names[] = {
	{ PRM_PR_TYPE_WRITE_EXCLUSIVE,
	  { "Write Exclusive", "write-exclusive", "we" } },
	{ PRM_PR_TYPE_EXCLUSIVE_ACCESS,
	  { "Exclusive Access", "exclusive-access", "ea" } },
	{ PRM_PR_TYPE_WRITE_EXCLUSIVE_RO,
	  { "Write Exclusive, registrants only",
	    "write-exclusive-registrants-only", "wero", "we-ro" } },
	{ PRM_PR_TYPE_EXCLUSIVE_ACCESS_RO,
	  { "Exclusive Access, registrants only",
	    "exclusive-access-registrants-only", "earo", "ea-ro" } },
	{ PRM_PR_TYPE_WRITE_EXCLUSIVE_AR,
	  { "Write Exclusive, all registrants",
	    "write-exclusive-all-registrants", "wear", "we-ar" } },
	{ PRM_PR_TYPE_EXCLUSIVE_ACCESS_AR,
	  { "Exclusive Access, all registrants",
	    "exclusive-access-all-registrants", "eaar", "ea-ar" } },
};

static const struct type_names *find_type(uint8_t type)
{
	for (size_t i = 0; i < COUNT(type_names); i++)
		if (type_names[i].type == type)
			return &type_names[i];
	return NULL;
}

const char *prm_pr_type_name(uint8_t type)
{
	const struct type_names *names = find_type(type);

	if (names)
		return names->spellings[0];
	if (type == PRM_PR_TYPE_NONE)
		return "no type";
	return type == 2 || type == 4 ? "obsolete type" : "reserved type";
}

const char *prm_pr_type_word(uint8_t type)
{
	const struct type_names *names = find_type(type);

	if (names)
		return names->spellings[1];
	return type == PRM_PR_TYPE_NONE ? "none" : "reserved";
}

static bool is_separator(char c)
{
	return c == '-' || c == '_' || c == ' ' || c == ',';
}

/* Equal but for case and for how the words are separated. */
static bool same_words(const char *a, const char *b)
{
	while (*a && *b) {
		if (is_separator(*a) && is_separator(*b)) {
			while (is_separator(*a))
				a++;
			while (is_separator(*b))
				b++;
			continue;
		}
		if (tolower((unsigned char)*a) != tolower((unsigned char)*b))
			return false;
		a++;
		b++;
	}
	return !*a && !*b;
}

static bool is_spelling(const struct type_names *names, const char *text)
{
	if (text[0] == (char)('0' + names->type) && !text[1])
		return true;
	for (size_t i = 0; i < COUNT(names->spellings); i++)
		if (names->spellings[i] &&
		    same_words(names->spellings[i], text))
			return true;
	return false;
}

int prm_pr_type_parse(const char *text, uint8_t *ret_type)
{
	for (size_t i = 0; i < COUNT(type_names); i++)
		if (is_spelling(&type_names[i], text)) {
			*ret_type = type_names[i].type;
			return 0;
		}
	return -EINVAL;
}

const char *prm_status_name(int status)
{
	switch (status) {
	case 0x00: return "GOOD";
	case 0x02: return "CHECK CONDITION";
	case 0x04: return "CONDITION MET";
	case 0x08: return "BUSY";
	case 0x18: return "RESERVATION CONFLICT";
	case 0x28: return "TASK SET FULL";
	case 0x30: return "ACA ACTIVE";
	case 0x40: return "TASK ABORTED";
	default: return "unknown status";
	}
}

const char *prm_protocol_name(uint8_t protocol)
{
	static const char *const names[16] = {
		[PRM_PROTOCOL_FCP] = "FCP",
		[PRM_PROTOCOL_SPI] = "SPI",
		[PRM_PROTOCOL_SSA] = "SSA",
		[PRM_PROTOCOL_SBP] = "SBP",
		[PRM_PROTOCOL_SRP] = "SRP",
		[PRM_PROTOCOL_ISCSI] = "iSCSI",
		[PRM_PROTOCOL_SAS] = "SAS",
		[PRM_PROTOCOL_ADT] = "ADT",
		[PRM_PROTOCOL_ATA] = "ATA",
		[PRM_PROTOCOL_UAS] = "UAS",
		[PRM_PROTOCOL_SOP] = "SOP",
		[PRM_PROTOCOL_PCIE] = "PCIe",
		[PRM_PROTOCOL_NONE] = "no protocol",
	};

	return protocol < COUNT(names) && names[protocol] ? names[protocol]
							  : "reserved protocol";
}

const char *prm_allow_commands_text(uint8_t value)
{
	static const char *const texts[] = {
		"no information",
		"TEST UNIT READY passes WE and EA; no information on others",
		"TEST UNIT READY passes WE and EA; MODE SENSE and the like do "
		"not pass WE",
		"TEST UNIT READY passes WE and EA; MODE SENSE and the like "
		"pass WE",
		"TEST UNIT READY passes persistent WE and EA; MODE SENSE and "
		"the like pass persistent WE",
		"as 4, and REPORT SUPPORTED OPERATION CODES passes persistent "
		"EA",
	};

	return value < COUNT(texts) ? texts[value] : "reserved";
}
