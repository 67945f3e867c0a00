/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * In place of seccomp.c where there can be no filter: without libseccomp, and
 * in builds that are watched (by a sanitizer, for coverage, by a fuzzer), whose
 * own system calls are in no table of ours.
 */

#include <errno.h>
#include "sandbox/sandbox.h"

const char *prm_sandbox_obstacle(void)
{
	return PRM_SANDBOX_OBSTACLE;
}

int prm_sandbox_apply(enum prm_sandbox_mode mode,
		      const struct prm_sandbox_rule *const *tables)
{
	return mode == PRM_SANDBOX_OFF ? 0 : -ENOTSUP;
}
