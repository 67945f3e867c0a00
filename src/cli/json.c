/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A JSON writer.
 *
 * All that prmctl writes is known when it is written, so there is no tree: only
 * a comma to remember.  Strings come from command lines and from devices and
 * may hold any bytes; what leaves here is JSON all the same.
 */
#include <inttypes.h>
#include <string.h>
#include "cli/json.h"

/* Bytes of the UTF-8 sequence at @text (RFC 3629), or 0 if it is none. */
static size_t utf8_len(const unsigned char *text)
{
	static const struct {
		unsigned char first, last, low, high, len;
	} ranges[] = {
		{ 0x01, 0x7f, 0, 0, 1 },       { 0xc2, 0xdf, 0x80, 0xbf, 2 },
		{ 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
		{ 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 },
		{ 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 },
		{ 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		if (text[0] < ranges[i].first || text[0] > ranges[i].last)
			continue;
		for (size_t j = 1; j < ranges[i].len; j++) {
			unsigned char low = j == 1 ? ranges[i].low : 0x80;
			unsigned char high = j == 1 ? ranges[i].high : 0xbf;

			if (text[j] < low || text[j] > high)
				return 0;
		}
		return ranges[i].len;
	}
	return 0;
}

static void quote(FILE *file, const char *text)
{
	const unsigned char *at = (const unsigned char *)text;

	fputc('"', file);
	while (*at) {
		size_t len = utf8_len(at);

		if (len == 0)
			fputs("\\ufffd", file);
		else if (*at == '"' || *at == '\\')
			fprintf(file, "\\%c", *at);
		else if (*at < 0x20 || *at == 0x7f)
			fprintf(file, "\\u%04x", *at);
		else
			fwrite(at, 1, len, file);
		at += len ? len : 1;
	}
	fputc('"', file);
}

/* What comes before any value: the comma that is due and the name. */
static void prefix(struct prm_json *json, const char *name)
{
	if (json->comma)
		fputs(", ", json->file);
	json->comma = true;
	if (!name)
		return;
	quote(json->file, name);
	fputs(": ", json->file);
}

void prm_json_begin_object(struct prm_json *json, const char *name)
{
	prefix(json, name);
	fputc('{', json->file);
	json->comma = false;
}

void prm_json_end_object(struct prm_json *json)
{
	fputc('}', json->file);
	json->comma = true;
}

void prm_json_begin_array(struct prm_json *json, const char *name)
{
	prefix(json, name);
	fputc('[', json->file);
	json->comma = false;
}

void prm_json_end_array(struct prm_json *json)
{
	fputc(']', json->file);
	json->comma = true;
}

void prm_json_string(struct prm_json *json, const char *name, const char *value)
{
	prefix(json, name);
	quote(json->file, value);
}

void prm_json_key(struct prm_json *json, const char *name, uint64_t value)
{
	prefix(json, name);
	fprintf(json->file, "\"0x%016" PRIx64 "\"", value);
}

void prm_json_number(struct prm_json *json, const char *name, uint64_t value)
{
	prefix(json, name);
	fprintf(json->file, "%" PRIu64, value);
}

void prm_json_bool(struct prm_json *json, const char *name, bool value)
{
	prefix(json, name);
	fputs(value ? "true" : "false", json->file);
}

void prm_json_null(struct prm_json *json, const char *name)
{
	prefix(json, name);
	fputs("null", json->file);
}

void prm_json_end_line(struct prm_json *json)
{
	fputc('\n', json->file);
	fflush(json->file);
	json->comma = false;
}
