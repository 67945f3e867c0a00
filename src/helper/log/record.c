/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A record of the log.
 *
 * Part of what it says comes from clients (names of their control groups) and
 * devices.  Whoever reads the log must be able to trust that one line is one
 * record and that no terminal is played with, so control characters end here.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include "helper/log/record.h"

#define CUT_MARK "..."

void prm_log_record_init(struct prm_log_record *record,
			 enum prm_log_level level)
{
	record->level = level;
	record->kept = false;
	record->trace = false;
	record->lost = 0;
	record->text_len = 0;
	record->fields_len = 0;
	(void)clock_gettime(CLOCK_REALTIME, &record->time);
}

static void replace_controls(char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)text[i] < ' ' || text[i] == '\x7f')
			text[i] = '?';
	}
}

void prm_log_record_text(struct prm_log_record *record, const char *format,
			 va_list args)
{
	char *at = record->text + record->text_len;
	size_t room = sizeof(record->text) - record->text_len;
	char line[PRM_LOG_TEXT_MAX + 1];
	int made = vsnprintf(line, sizeof(line), format, args);
	size_t len = made < 0 ? 0 : (size_t)made;

	if (room < strlen(CUT_MARK))
		return;
	if (len > room) {
		memcpy(line + room - strlen(CUT_MARK), CUT_MARK,
		       strlen(CUT_MARK));
		len = room;
	}
	replace_controls(line, len);
	memcpy(at, line, len);
	record->text_len += len;
}

void prm_log_record_field(struct prm_log_record *record,
			  const struct prm_log_field *field)
{
	char *at = record->fields + record->fields_len;
	size_t room = sizeof(record->fields) - record->fields_len;
	int made = snprintf(at, room, "%s=%s\n", field->name, field->value);

	if (made < 0 || (size_t)made >= room)
		return;
	replace_controls(at, (size_t)made - 1);
	record->fields_len += (size_t)made;
}
