/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Option text: CLASS,NAME=VALUE,... with commas inside values written twice.
 *
 * The library wants an id from everybody, a user of prmctl has no use for one,
 * and prmctl's preload library needs a new one for each command.  So ids are
 * put in here, and a user's own is taken out.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "cli/spec.h"

/* Append @value with its commas doubled. */
static int append_value(char *text, const char *value)
{
	size_t len = strlen(text);

	for (; *value; value++) {
		size_t need = *value == ',' ? 2 : 1;

		if (len + need >= PRM_SPEC_ROOM)
			return -ENAMETOOLONG;
		memset(text + len, *value, need);
		len += need;
	}
	text[len] = '\0';
	return 0;
}

int prm_spec_make(const char *given, char ret_text[PRM_SPEC_ROOM])
{
	if (given && *given != '/') {
		if (strlen(given) >= PRM_SPEC_ROOM)
			return -ENAMETOOLONG;
		strcpy(ret_text, given);
		return 0;
	}
	strcpy(ret_text, "pr-manager-helper,path=");
	return append_value(ret_text, given ? given : PRM_SPEC_DEFAULT_SOCKET);
}

/* The single comma from which on the next property stands, or the end. */
static char *next_comma(char *text)
{
	for (; *text; text++) {
		if (*text != ',')
			continue;
		if (text[1] != ',')
			return text;
		text++;
	}
	return text;
}

/* Take every property of that name out. */
static void drop(char *text, const char *name)
{
	size_t len = strlen(name);
	char *comma = next_comma(text);

	while (*comma) {
		char *property = comma + 1, *end = next_comma(property);

		if (strncmp(property, name, len) == 0 && property[len] == '=')
			memmove(comma, end, strlen(end) + 1);
		else
			comma = end;
	}
}

int prm_spec_set(char text[PRM_SPEC_ROOM], const char *name, const char *value)
{
	size_t len;
	int n;

	drop(text, name);
	len = strlen(text);
	n = snprintf(text + len, PRM_SPEC_ROOM - len, ",%s=", name);
	if (n < 0 || (size_t)n >= PRM_SPEC_ROOM - len)
		return -ENAMETOOLONG;
	return append_value(text, value);
}
