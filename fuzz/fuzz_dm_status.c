/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The status line of a multipath map: whatever the words, the walk over its
 * paths ends, stays within the line, and names no path that is not in it.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "multipath/dm.h"

/* Words of at least two bytes each; a path takes two words and more. */
static size_t paths_max;

static void count(void *opaque, dev_t number, bool active)
{
	size_t *paths = opaque;

	if (++*paths > paths_max)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *line = malloc(size + 1);
	size_t paths = 0;

	if (!line)
		return 0;
	if (size)
		memcpy(line, data, size);
	line[size] = '\0';
	paths_max = size / 4;
	(void)prm_dm_each_path(line, count, &paths);
	free(line);
	return 0;
}
