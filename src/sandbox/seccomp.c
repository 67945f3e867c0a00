/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tables made into a filter, by libseccomp.
 *
 * There are two filters, because the kernel logs for one as a whole.  The first
 * answers clone3(2), whose arguments are in memory where no filter sees them,
 * as a kernel would that does not have it: the C library then takes clone(2),
 * for each thread anew, and nobody needs to read about that.  The second holds
 * the tables, and what it refuses is logged.
 */

#include <errno.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <unistd.h>
#include "base/cleanup.h"
#include "sandbox/sandbox.h"

/* A search tree: some hundred comparisons become seven. */
#define SEARCH_TREE 2

const char *prm_sandbox_obstacle(void)
{
	return NULL;
}

static void release(scmp_filter_ctx *slot)
{
	seccomp_release(*slot);
}

static int add_rule(scmp_filter_ctx filter, const struct prm_sandbox_rule *rule)
{
	struct scmp_arg_cmp compare[PRM_SANDBOX_CHECKS];
	int call = seccomp_syscall_resolve_name(rule->call);
	unsigned int count = 0;
	int r;

	if (call == __NR_SCMP_ERROR)
		return 0;
	while (count < PRM_SANDBOX_CHECKS && rule->checks[count].mask) {
		const struct prm_sandbox_check *check = &rule->checks[count];
		uint64_t value = check->value == PRM_SANDBOX_OWN_PID
					 ? (uint64_t)getpid()
					 : check->value;

		compare[count++] = (struct scmp_arg_cmp){ check->argument,
							  SCMP_CMP_MASKED_EQ,
							  check->mask, value };
	}
	r = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, count,
				   compare);
	/* Two tables may say the same; and not each machine has each call. */
	return r == -EEXIST || r == -EDOM ? 0 : r;
}

static int add_tables(scmp_filter_ctx filter,
		      const struct prm_sandbox_rule *const *tables)
{
	for (; *tables; tables++) {
		for (const struct prm_sandbox_rule *rule = *tables; rule->call;
		     rule++) {
			int r = add_rule(filter, rule);

			if (r < 0)
				return r;
		}
	}
	return 0;
}

/* No clone3(2), and nothing said about it. */
static int load_quiet_filter(void)
{
	CLEANUP(release) scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int r;

	if (!filter)
		return -ENOMEM;
	/* What other ABIs have is for the tables, too. */
	(void)seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ALLOW);
	(void)seccomp_attr_set(filter, SCMP_FLTATR_API_SYSRAWRC, 1);
	r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3),
			     0);
	return r < 0 ? r : seccomp_load(filter);
}

static int load_tables(bool refuse,
		       const struct prm_sandbox_rule *const *tables)
{
	CLEANUP(release)
	scmp_filter_ctx filter =
		seccomp_init(refuse ? SCMP_ACT_ERRNO(EPERM) : SCMP_ACT_LOG);
	const struct prm_sandbox_rule clone3 = { "clone3" };
	int r;

	/* Without this log, the kernel is too old for SCMP_ACT_LOG, too. */
	if (!filter)
		return refuse ? -ENOMEM : -EOPNOTSUPP;
	/* Without it, no more than the thread ends. */
	(void)seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH,
			       refuse ? SCMP_ACT_KILL_PROCESS : SCMP_ACT_LOG);
	(void)seccomp_attr_set(filter, SCMP_FLTATR_API_SYSRAWRC, 1);
	/* Nice to have, and not everywhere to be had. */
	(void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_LOG, 1);
	(void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, SEARCH_TREE);
	r = add_rule(filter, &clone3);
	if (r == 0)
		r = add_tables(filter, tables);
	return r < 0 ? r : seccomp_load(filter);
}

int prm_sandbox_apply(enum prm_sandbox_mode mode,
		      const struct prm_sandbox_rule *const *tables)
{
	int r;

	if (mode == PRM_SANDBOX_OFF)
		return 0;
	r = load_quiet_filter();
	return r < 0 ? r : load_tables(mode == PRM_SANDBOX_ON, tables);
}
