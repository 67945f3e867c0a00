/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The words of --sandbox. */

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include "sandbox/sandbox.h"

static const char *const names[] = {
	[PRM_SANDBOX_OFF] = "off",
	[PRM_SANDBOX_LOG] = "log",
	[PRM_SANDBOX_ON] = "on",
};

int prm_sandbox_parse(const char *text, enum prm_sandbox_mode *ret_mode)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(text, names[i]) != 0)
			continue;
		if (i != PRM_SANDBOX_OFF && prm_sandbox_obstacle())
			return -ENOTSUP;
		*ret_mode = (enum prm_sandbox_mode)i;
		return 0;
	}
	return -EINVAL;
}

const char *prm_sandbox_name(enum prm_sandbox_mode mode)
{
	return names[mode];
}

enum prm_sandbox_mode prm_sandbox_default(void)
{
	return prm_sandbox_obstacle() ? PRM_SANDBOX_OFF : PRM_SANDBOX_ON;
}
