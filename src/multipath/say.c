/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One write(2) for each line: several processes share one pipe. */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "multipath/say.h"

void prm_say(const char *format, ...)
{
	char line[PRM_SAY_SIZE];
	va_list args;
	size_t len;

	va_start(args, format);
	(void)vsnprintf(line, sizeof(line) - 1, format, args);
	va_end(args);
	len = strlen(line);
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)line[i] < ' ' || line[i] == '\x7f')
			line[i] = '?';
	line[len++] = '\n';
	if (write(STDERR_FILENO, line, len) < 0)
		return;
}
