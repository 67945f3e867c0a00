/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * I7: what a helper keeps, however it was started.  Each case is a process of
 * its own, since what was given up does not come back.  Needs root.
 */
#include <cap-ng.h>
#include <dlfcn.h>
#include <errno.h>
#include <grp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "helper/start/privileges.h"

#define RAWIO_MASK "0000000000020000"
#define EMPTY_MASK "0000000000000000"

/* What says that it has been done, and has not. */
static enum lie {
	NO_LIE,
	SETS,
	EFFECTIVE,
	INHERITABLE,
	BOUNDS,
	BOUNDS_BUT_RAWIO,
	IDS,
	GROUPS,
	NO_NEW_PRIVS,
} lie;

/* What libcap-ng would set, and CAP_SYS_RAWIO in one more set. */
static int apply_and_more(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = { 0 };

	for (unsigned int cap = 0; cap <= CAP_LAST_CAP; cap++) {
		struct __user_cap_data_struct *at = &sets[CAP_TO_INDEX(cap)];

		if (capng_have_capability(CAPNG_PERMITTED, cap))
			at->permitted |= CAP_TO_MASK(cap);
		if (capng_have_capability(CAPNG_EFFECTIVE, cap))
			at->effective |= CAP_TO_MASK(cap);
	}
	*(lie == EFFECTIVE ? &sets[0].effective : &sets[0].inheritable) |=
		CAP_TO_MASK(CAP_SYS_RAWIO);
	return (int)syscall(SYS_capset, &header, sets);
}

/* All are given up for good, except for one. */
static int keep_bound(void)
{
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (cap != CAP_SYS_RAWIO)
			(void)prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	return 0;
}

/* These stand in for those of the libraries, which they call else. */
int capng_apply(capng_select_t set)
{
	int (*real)(capng_select_t) =
		(int (*)(capng_select_t))dlsym(RTLD_NEXT, "capng_apply");

	if ((lie == SETS && set == CAPNG_SELECT_CAPS) ||
	    (lie == BOUNDS && set == CAPNG_SELECT_BOUNDS))
		return 0;
	if ((lie == EFFECTIVE || lie == INHERITABLE) &&
	    set == CAPNG_SELECT_CAPS)
		return apply_and_more();
	if (lie == BOUNDS_BUT_RAWIO && set == CAPNG_SELECT_BOUNDS)
		return keep_bound();
	return real(set);
}

int capng_change_id(int uid, int gid, capng_flags_t flag)
{
	int (*real)(int, int, capng_flags_t) =
		(int (*)(int, int, capng_flags_t))dlsym(RTLD_NEXT,
							"capng_change_id");

	if (lie == INHERITABLE) {
		(void)prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
		return setgid((gid_t)gid) == 0 && setuid((uid_t)uid) == 0
			       ? apply_and_more()
			       : -1;
	}
	/* It sets the sets as well. */
	return lie == IDS || lie == SETS ? 0 : real(uid, gid, flag);
}

int setgroups(size_t count, const gid_t *groups)
{
	if (lie == GROUPS)
		return 0;
	return (int)syscall(SYS_setgroups, count, groups);
}

int prctl(int option, ...)
{
	unsigned long args[4];
	va_list list;

	va_start(list, option);
	for (size_t i = 0; i < 4; i++)
		args[i] = va_arg(list, unsigned long);
	va_end(list);
	if (lie == NO_NEW_PRIVS && option == PR_SET_NO_NEW_PRIVS)
		return 0;
	return (int)syscall(SYS_prctl, option, args[0], args[1], args[2],
			    args[3]);
}

/* The value of a line in /proc/self/status. */
static const char *status_of(const char *key)
{
	static char line[256];
	FILE *file = fopen("/proc/self/status", "re");
	size_t len = strlen(key);
	const char *value = "?";

	while (file && fgets(line, sizeof(line), file)) {
		if (strncmp(line, key, len) == 0 && line[len] == ':') {
			line[strcspn(line, "\n")] = '\0';
			value = line + len + 1 + strspn(line + len + 1, "\t ");
			break;
		}
	}
	if (file)
		(void)fclose(file);
	return value;
}

static bool is(const char *key, const char *value)
{
	bool same = strcmp(status_of(key), value) == 0;

	if (!same)
		(void)fprintf(stderr, "%s is '%s', not '%s'\n", key,
			      status_of(key), value);
	return same;
}

static bool sets_are_dropped(const char *bounding)
{
	return is("CapPrm", RAWIO_MASK) && is("CapEff", EMPTY_MASK) &&
	       is("CapInh", EMPTY_MASK) && is("CapAmb", EMPTY_MASK) &&
	       is("CapBnd", bounding) && is("NoNewPrivs", "1");
}

static bool drops(uid_t uid, gid_t gid)
{
	struct prm_identity identity = { .uid = uid, .gid = gid };
	struct prm_fault fault = { "" };

	if (prm_privileges_check(&identity, &fault) == 0 &&
	    prm_privileges_drop(&identity, &fault) == 0)
		return true;
	(void)fprintf(stderr, "%s\n", fault.text);
	return false;
}

static bool is_refused(uid_t uid, gid_t gid, const char *part)
{
	struct prm_identity identity = { .uid = uid, .gid = gid };
	struct prm_fault fault = { "" };

	if (prm_privileges_check(&identity, &fault) == -EPERM &&
	    strstr(fault.text, part))
		return true;
	(void)fprintf(stderr, "not '%s' but '%s'\n", part, fault.text);
	return false;
}

/* Be a process that was started with nothing but some capabilities. */
static bool start_with(uid_t uid, bool bounded, int cap_a, int cap_b)
{
	capng_clear(CAPNG_SELECT_ALL);
	for (int i = 0; i < 2; i++) {
		int cap = i ? cap_b : cap_a;
		int types = CAPNG_PERMITTED | CAPNG_EFFECTIVE |
			    CAPNG_BOUNDING_SET;

		if (cap >= 0 && capng_update(CAPNG_ADD, (capng_type_t)types,
					     (unsigned int)cap) < 0)
			return false;
	}
	if (bounded && capng_apply(CAPNG_SELECT_BOUNDS) < 0)
		return false;
	if (uid && setgroups(0, NULL) < 0)
		return false;
	if (uid && capng_change_id((int)uid, (int)uid, CAPNG_NO_FLAG) < 0)
		return false;
	return capng_apply(CAPNG_SELECT_CAPS) == 0;
}

static bool root_keeps_its_id(void)
{
	gid_t groups[] = { 1, 2 };

	return setgroups(2, groups) == 0 && drops((uid_t)-1, (gid_t)-1) &&
	       sets_are_dropped(EMPTY_MASK) && is("Uid", "0\t0\t0\t0") &&
	       is("Gid", "0\t0\t0\t0") && is("Groups", "");
}

static bool another_user_keeps_the_capability(void)
{
	gid_t groups[] = { 1, 2 };

	return setgroups(2, groups) == 0 && drops(65534, 65533) &&
	       sets_are_dropped(EMPTY_MASK) &&
	       is("Uid", "65534\t65534\t65534\t65534") &&
	       is("Gid", "65533\t65533\t65533\t65533") && is("Groups", "") &&
	       prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0 && setuid(0) < 0 &&
	       prctl(PR_GET_KEEPCAPS, 0, 0, 0, 0) == 0;
}

static bool another_group_alone(void)
{
	return drops((uid_t)-1, 65533) && sets_are_dropped(EMPTY_MASK) &&
	       is("Uid", "0\t0\t0\t0") &&
	       is("Gid", "65533\t65533\t65533\t65533");
}

/* As systemd does it with User=, AmbientCapabilities=, CapabilityBoundingSet= */
static bool unit_with_one_capability(void)
{
	return start_with(4242, true, CAP_SYS_RAWIO, -1) &&
	       drops((uid_t)-1, (gid_t)-1) && sets_are_dropped(RAWIO_MASK) &&
	       is("Uid", "4242\t4242\t4242\t4242");
}

static bool unit_that_names_its_own_user_again(void)
{
	return start_with(4242, true, CAP_SYS_RAWIO, -1) && drops(4242, 4242) &&
	       sets_are_dropped(RAWIO_MASK);
}

static bool container_with_setpcap(void)
{
	return start_with(0, true, CAP_SYS_RAWIO, CAP_SETPCAP) &&
	       drops((uid_t)-1, (gid_t)-1) && sets_are_dropped(EMPTY_MASK);
}

static bool refused_without_rawio(void)
{
	return start_with(0, true, CAP_SETPCAP, -1) &&
	       is_refused((uid_t)-1, (gid_t)-1, "CAP_SYS_RAWIO is missing");
}

static bool refused_with_more_than_can_be_given_up(void)
{
	return start_with(4242, false, CAP_SYS_RAWIO, -1) &&
	       is_refused((uid_t)-1, (gid_t)-1, "holds cap_chown");
}

static bool refused_without_setuid(void)
{
	return start_with(4242, true, CAP_SYS_RAWIO, -1) &&
	       is_refused(65534, (gid_t)-1, "user 65534 without CAP_SETUID") &&
	       is_refused((uid_t)-1, 65533, "group 65533 without CAP_SETGID");
}

static bool check_alone_changes_nothing(void)
{
	struct prm_identity identity = { .uid = 65534, .gid = 65533 };
	struct prm_fault fault;
	char before[64], bounding[64];

	(void)snprintf(before, sizeof(before), "%s", status_of("CapEff"));
	(void)snprintf(bounding, sizeof(bounding), "%s", status_of("CapBnd"));
	return prm_privileges_check(&identity, &fault) == 0 &&
	       is("CapEff", before) && is("CapBnd", bounding) &&
	       is("NoNewPrivs", "0") && is("Uid", "0\t0\t0\t0");
}

/* No helper serves with more than it has said that it gave up. */
static bool a_lie_is_noticed(enum lie told, const char *part)
{
	struct prm_identity identity = { .uid = 65534, .gid = 65533 };
	struct prm_fault fault = { "" };
	gid_t groups[] = { 1, 2 };

	if (setgroups(2, groups) < 0)
		return false;
	lie = told;
	/* Nothing is inherited later that is not in both sets before. */
	if (lie == INHERITABLE &&
	    (capng_get_caps_process() < 0 || apply_and_more() < 0))
		return false;
	if (prm_privileges_drop(&identity, &fault) == -EPERM &&
	    strstr(fault.text, part))
		return true;
	(void)fprintf(stderr, "not '%s' but '%s'\n", part, fault.text);
	return false;
}

static bool sets_that_were_kept(void)
{
	return a_lie_is_noticed(SETS, "kept capabilities");
}

static bool effective_set_that_was_kept(void)
{
	return a_lie_is_noticed(EFFECTIVE, "kept capabilities");
}

static bool inheritable_set_that_was_kept(void)
{
	return a_lie_is_noticed(INHERITABLE, "kept capabilities");
}

static bool one_capability_that_is_left_in_the_bounding_set(void)
{
	return a_lie_is_noticed(BOUNDS_BUT_RAWIO,
				"bounding set could not be emptied");
}

static bool bounding_set_that_was_kept(void)
{
	return a_lie_is_noticed(BOUNDS, "bounding set could not be emptied");
}

static bool ids_that_were_kept(void)
{
	return a_lie_is_noticed(IDS, "did not change to user 65534 and group "
				     "65533");
}

static bool groups_that_were_kept(void)
{
	return a_lie_is_noticed(GROUPS, "kept supplementary groups");
}

static bool no_new_privs_that_is_not_set(void)
{
	return a_lie_is_noticed(NO_NEW_PRIVS, "did not set no_new_privs");
}

#define CASES(CASE)                                                            \
	CASE(root_keeps_its_id)                                                \
	CASE(another_user_keeps_the_capability)                                \
	CASE(another_group_alone)                                              \
	CASE(unit_with_one_capability)                                         \
	CASE(unit_that_names_its_own_user_again)                               \
	CASE(container_with_setpcap)                                           \
	CASE(refused_without_rawio)                                            \
	CASE(refused_with_more_than_can_be_given_up)                           \
	CASE(refused_without_setuid)                                           \
	CASE(check_alone_changes_nothing)                                      \
	CASE(sets_that_were_kept)                                              \
	CASE(effective_set_that_was_kept)                                      \
	CASE(inheritable_set_that_was_kept)                                    \
	CASE(bounding_set_that_was_kept)                                       \
	CASE(one_capability_that_is_left_in_the_bounding_set)                  \
	CASE(ids_that_were_kept)                                               \
	CASE(groups_that_were_kept)                                            \
	CASE(no_new_privs_that_is_not_set)

static void in_a_process(bool (*test)(void))
{
	pid_t child = fork();
	int status;

	if (child == 0)
		_exit(test() ? 0 : 1);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

#define CASE(name)                                                             \
	static void test_##name(void **state)                                  \
	{                                                                      \
		in_a_process(name);                                            \
	}
CASES(CASE)
#undef CASE

#define CASE(name) { #name, test_##name, NULL, NULL, NULL },

int main(void)
{
	const struct CMUnitTest tests[] = { CASES(CASE) };

	if (geteuid() != 0) {
		(void)puts("needs root");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
