/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The parser of a multipath map's status line.
 *
 * The line is a sequence of words in which counts say how many words follow:
 *
 *     FEATURES f... HANDLER h... GROUPS current
 *     { A|D|E SELECTOR s... PATHS PER-PATH { major:minor A|F fails p... } }
 */

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include "multipath/dm.h"

/* A map of more paths, or arguments, than this is not believed. */
#define COUNT_MAX 4096

#define NUMBER_SIZE 32

/* The next word, of at most @size - 1 bytes; false where there is none. */
static bool next_word(const char **at, char *word, size_t size)
{
	size_t len;

	*at += strspn(*at, " ");
	len = strcspn(*at, " ");
	if (len == 0 || len >= size)
		return false;
	memcpy(word, *at, len);
	word[len] = '\0';
	*at += len;
	return true;
}

static bool next_count(const char **at, unsigned long *ret_count)
{
	char word[NUMBER_SIZE], *end;

	if (!next_word(at, word, sizeof(word)))
		return false;
	*ret_count = strtoul(word, &end, 10);
	return *end == '\0' && *ret_count <= COUNT_MAX;
}

static bool skip_words(const char **at, unsigned long count)
{
	for (; count; count--) {
		*at += strspn(*at, " ");
		if (**at == '\0')
			return false;
		*at += strcspn(*at, " ");
	}
	return true;
}

/* A count, and as many words behind it. */
static bool skip_list(const char **at)
{
	unsigned long count;

	return next_count(at, &count) && skip_words(at, count);
}

static bool next_path(const char **at, dev_t *ret_number, bool *ret_active)
{
	char word[NUMBER_SIZE], state[2];
	unsigned int major_number, minor_number;
	int used = 0;

	if (!next_word(at, word, sizeof(word)) ||
	    sscanf(word, "%u:%u%n", &major_number, &minor_number, &used) != 2 ||
	    word[used] != '\0')
		return false;
	if (!next_word(at, state, sizeof(state)) ||
	    (*state != 'A' && *state != 'F'))
		return false;
	*ret_number = makedev(major_number, minor_number);
	*ret_active = *state == 'A';
	return true;
}

static bool walk_group(const char **at,
		       void (*fn)(void *opaque, dev_t number, bool active),
		       void *opaque)
{
	unsigned long paths, per_path;

	if (!skip_words(at, 1) || !skip_list(at) || !next_count(at, &paths) ||
	    !next_count(at, &per_path))
		return false;
	for (; paths; paths--) {
		dev_t number;
		bool active;

		if (!next_path(at, &number, &active) ||
		    !skip_words(at, 1 + per_path))
			return false;
		fn(opaque, number, active);
	}
	return true;
}

int prm_dm_each_path(const char *status,
		     void (*fn)(void *opaque, dev_t number, bool active),
		     void *opaque)
{
	unsigned long groups;

	if (!skip_list(&status) || !skip_list(&status) ||
	    !next_count(&status, &groups) || !skip_words(&status, 1))
		return -EBADMSG;
	for (; groups; groups--)
		if (!walk_group(&status, fn, opaque))
			return -EBADMSG;
	return 0;
}
