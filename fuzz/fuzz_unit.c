/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The text of a /proc/PID/cgroup, whose folder names are a client's own
 * choice: whatever it is, a name that fits comes out, or none.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "helper/log/unit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char name[PRM_UNIT_SIZE];
	int r;

	if (size && memchr(data, '\0', size))
		return 0; /* no name of a folder holds one */
	memset(name, 'x', sizeof(name));
	r = prm_unit_of_text((const char *)data, size, name);
	if (!memchr(name, '\0', sizeof(name)))
		abort();
	if ((r < 0) != (name[0] == '\0'))
		abort();
	return 0;
}
