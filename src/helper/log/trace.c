/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Trace events, chosen by name on the command line as QEMU spells it.
 *
 * One array of flags says which are on.  It is written while there is one
 * thread and only read after that, so reading it needs no care.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/cleanup.h"
#include "base/fd.h"
#include "helper/log/record.h"
#include "helper/log/trace.h"

bool prm_trace_on[PRM_TRACE_EVENT_COUNT];

#define EVENT_NAME(name, format) #name,
static const char *const names[PRM_TRACE_EVENT_COUNT] = { PRM_TRACE_EVENTS(
	EVENT_NAME) };

const char *prm_trace_name(enum prm_trace_event event)
{
	return names[event];
}

static void restore_errno(const int *saved)
{
	errno = *saved;
}

void prm_trace_emit(enum prm_trace_event event, const char *format, ...)
{
	CLEANUP(restore_errno) const int saved = errno;
	struct prm_log_record record;
	va_list args;

	prm_log_record_init(&record, PRM_LOG_DEBUG);
	record.trace = true;
	record.text_len = (size_t)snprintf(record.text, sizeof(record.text),
					   "%s ", names[event]);
	va_start(args, format);
	prm_log_record_text(&record, format, args);
	va_end(args);
	prm_log_submit(&record);
}

/* Whether @pattern, with '*' and '?', covers all of @text. */
static bool matches(const char *pattern, const char *text)
{
	const char *star = NULL, *retry = NULL;

	while (*text) {
		if (*pattern == '*') {
			star = pattern++;
			retry = text;
		} else if (*pattern == '?' || *pattern == *text) {
			pattern++;
			text++;
		} else if (star) {
			/* Let the last star take one character more. */
			pattern = star + 1;
			text = ++retry;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}

size_t prm_trace_set(const char *pattern)
{
	bool on = pattern[0] != '-';
	size_t count = 0;

	if (!on)
		pattern++;
	for (size_t i = 0; i < PRM_TRACE_EVENT_COUNT; i++) {
		if (!matches(pattern, names[i]))
			continue;
		prm_trace_on[i] = on;
		count++;
	}
	return count;
}

static int enable(const char *pattern)
{
	if (!pattern[0])
		return -EINVAL;
	if (!prm_trace_set(pattern))
		prm_log(PRM_LOG_WARNING, "trace event '%s' does not exist",
			pattern);
	return 0;
}

/* Take comment and blanks off @line, in place; the rest may be empty. */
static char *trim(char *line)
{
	line[strcspn(line, "#\r\n")] = '\0';
	line += strspn(line, " \t");
	for (size_t len = strlen(line);
	     len && (line[len - 1] == ' ' || line[len - 1] == '\t'); len--)
		line[len - 1] = '\0';
	return line;
}

static void fclosep(FILE **file)
{
	if (*file)
		(void)fclose(*file);
}

static void freep(char **text)
{
	free(*text);
}

static int enable_from(const char *path)
{
	CLEANUP(fclosep) FILE *file = fopen(path, "re");
	CLEANUP(freep) char *line = NULL;
	size_t size = 0;
	char *pattern;

	if (!file)
		return -errno;
	errno = 0;
	while (getline(&line, &size, file) >= 0) {
		pattern = trim(line);
		if (pattern[0])
			(void)enable(pattern);
	}
	return ferror(file) ? -errno : 0;
}

static int open_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	if (fd < 0)
		return -errno;
	prm_log_set_trace_fd(fd);
	return 0;
}

/* The value behind "@key=" in @part, or NULL when it is another key. */
static const char *value_of(const char *part, const char *key)
{
	size_t len = strlen(key);

	if (strncmp(part, key, len) != 0 || part[len] != '=')
		return NULL;
	return part + len + 1;
}

static int apply(const char *part, bool first)
{
	const char *value;

	value = value_of(part, "enable");
	if (value)
		return enable(value);
	value = value_of(part, "events");
	if (value)
		return enable_from(value);
	value = value_of(part, "file");
	if (value)
		return open_file(value);
	if (!first || strchr(part, '='))
		return -EINVAL;
	return enable(part);
}

int prm_trace_option(const char *option)
{
	CLEANUP(freep) char *copy = strdup(option);
	char *rest = copy, *part;
	int r = 0;

	if (!copy)
		return -ENOMEM;
	for (bool first = true; r == 0 && rest; first = false) {
		part = strsep(&rest, ",");
		r = apply(part, first);
	}
	return r;
}
