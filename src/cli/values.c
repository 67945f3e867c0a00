/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Values of options: strict, since a key misread fences the wrong machine.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "cli/values.h"

#define DAY_MS (24 * 60 * 60 * 1000)

static const char decimal[] = "0123456789";
static const char hex[] = "0123456789abcdefABCDEF";

static const char *skip_0x(const char *text)
{
	return strncasecmp(text, "0x", 2) == 0 ? text + 2 : text;
}

/* 1 to @max digits of a set, and nothing else. */
static int check_digits(const char *text, const char *set, size_t max)
{
	size_t count = strspn(text, set);

	return count >= 1 && count <= max && !text[count] ? 0 : -EINVAL;
}

int prm_cli_parse_key(const char *text, uint64_t *ret_key)
{
	const char *digits = skip_0x(text);

	if (check_digits(digits, hex, 16) < 0)
		return -EINVAL;
	*ret_key = strtoull(digits, NULL, 16);
	return 0;
}

int prm_cli_parse_port(const char *text, uint16_t *ret_port)
{
	const char *digits = skip_0x(text);
	int base = digits == text ? 10 : 16;
	unsigned long port;

	if (check_digits(digits, base == 10 ? decimal : hex, 5) < 0)
		return -EINVAL;
	port = strtoul(digits, NULL, base);
	if (port > UINT16_MAX)
		return -EINVAL;
	*ret_port = (uint16_t)port;
	return 0;
}

int prm_cli_parse_seconds(const char *text, unsigned int *ret_ms)
{
	size_t whole = strspn(text, decimal);
	char fraction[4] = "000";
	unsigned long ms;

	if (whole < 1 || whole > 5)
		return -EINVAL;
	if (text[whole] == '.') {
		if (check_digits(text + whole + 1, decimal, 3) < 0)
			return -EINVAL;
		memcpy(fraction, text + whole + 1, strlen(text + whole + 1));
	} else if (text[whole]) {
		return -EINVAL;
	}
	ms = strtoul(text, NULL, 10) * 1000 + strtoul(fraction, NULL, 10);
	if (ms < 1 || ms > DAY_MS)
		return -EINVAL;
	*ret_ms = (unsigned int)ms;
	return 0;
}
