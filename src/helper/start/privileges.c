/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From root to a process that can send SCSI commands and do little else.
 *
 * libcap-ng does the work, as it does in QEMU's helper and in libvirt.  Then
 * everything is read back from the kernel, because a process that believes to
 * have dropped its rights is worse than one that ended.
 *
 * Three kinds of starters are served: root with everything (a shell, libvirt),
 * a container that grants a few capabilities, and systemd with User= and
 * AmbientCapabilities=, where there is nothing left to change but the sets.
 */

#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <stdbool.h>
#include <string.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "helper/start/privileges.h"

/* Who we would be, with "as started" filled in. */
static struct prm_identity wanted(const struct prm_identity *identity)
{
	struct prm_identity who = *identity;

	if (who.uid == (uid_t)-1)
		who.uid = getuid();
	if (who.gid == (gid_t)-1)
		who.gid = getgid();
	return who;
}

static bool changes_uid(const struct prm_identity *who)
{
	uid_t real, effective, saved;

	(void)getresuid(&real, &effective, &saved);
	return who->uid != real || who->uid != effective || who->uid != saved;
}

static bool changes_gid(const struct prm_identity *who)
{
	gid_t real, effective, saved;

	(void)getresgid(&real, &effective, &saved);
	return who->gid != real || who->gid != effective || who->gid != saved;
}

/* The first capability in the bounding set that has no place there, or -1. */
static int surplus_in_bounding_set(bool allow_rawio)
{
	for (int cap = 0;; cap++) {
		int held = prctl(PR_CAPBSET_READ, cap, 0, 0, 0);

		if (held < 0)
			return -1;
		if (held && !(allow_rawio && cap == CAP_SYS_RAWIO))
			return cap;
	}
}

static bool have(int cap)
{
	return capng_have_capability(CAPNG_EFFECTIVE, (unsigned int)cap);
}

static int check_identity(const struct prm_identity *who,
			  struct prm_fault *fault)
{
	if (changes_uid(who) && !have(CAP_SETUID))
		return prm_fault(fault, -EPERM,
				 "cannot change to user %u without CAP_SETUID: "
				 "start pr-helper as root, or without -u",
				 who->uid);
	if (changes_gid(who) && !have(CAP_SETGID))
		return prm_fault(fault, -EPERM,
				 "cannot change to group %u without "
				 "CAP_SETGID: start pr-helper as root, or "
				 "without -g",
				 who->gid);
	return 0;
}

int prm_privileges_check(const struct prm_identity *identity,
			 struct prm_fault *fault)
{
	struct prm_identity who = wanted(identity);
	int cap;

	capng_clear(CAPNG_SELECT_ALL);
	if (capng_get_caps_process() < 0)
		return prm_fault(fault, -EPERM,
				 "cannot read this process's capabilities; is "
				 "/proc mounted?");
	if (!capng_have_capability(CAPNG_PERMITTED, CAP_SYS_RAWIO))
		return prm_fault(fault, -EPERM,
				 "CAP_SYS_RAWIO is missing, and without it the "
				 "kernel sends no persistent reservation "
				 "commands: start pr-helper as root, or give "
				 "it this capability");
	cap = have(CAP_SETPCAP) ? -1 : surplus_in_bounding_set(true);
	if (cap >= 0)
		return prm_fault(fault, -EPERM,
				 "CAP_SETPCAP is missing, and the bounding set "
				 "holds cap_%s, which cannot be given up "
				 "without it: grant CAP_SETPCAP, or limit the "
				 "bounding set to CAP_SYS_RAWIO",
				 capng_capability_to_name((unsigned int)cap)
					 ?: "?");
	return check_identity(&who, fault);
}

/*
 * Let libcap-ng drop what it can; what came of it is for verify() to say.
 * The order matters: each step needs a right that a later one gives up.
 */
static int apply(const struct prm_identity *who)
{
	bool setpcap = have(CAP_SETPCAP);
	int uid = changes_uid(who) ? (int)who->uid : -1;
	int gid = changes_gid(who) ? (int)who->gid : -1;

	if (have(CAP_SETGID) && setgroups(0, NULL) < 0)
		return -errno;

	capng_clear(CAPNG_SELECT_ALL);
	if (capng_update(CAPNG_ADD, CAPNG_PERMITTED, CAP_SYS_RAWIO) < 0)
		return -EPERM;
	if (setpcap && capng_apply(CAPNG_SELECT_BOUNDS) < 0)
		return -EPERM;
	if (capng_change_id(uid, gid, CAPNG_CLEAR_AMBIENT) < 0)
		return -EPERM;
	return capng_apply(CAPNG_SELECT_CAPS) < 0 ? -EPERM : 0;
}

/*
 * Whether permitted is CAP_SYS_RAWIO, and effective and inheritable are empty.
 * The ambient set is within the inheritable one (capabilities(7)), so empty too.
 */
static bool sets_are_dropped(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	/* Filled, because valgrind knows of one element only. */
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (syscall(SYS_capget, &header, sets) < 0)
		return false;
	return sets[0].permitted == 1u << CAP_SYS_RAWIO && !sets[1].permitted &&
	       !sets[0].effective && !sets[1].effective &&
	       !sets[0].inheritable && !sets[1].inheritable;
}

static int verify(const struct prm_identity *who, bool setpcap, bool setgid,
		  struct prm_fault *fault)
{
	if (!sets_are_dropped())
		return prm_fault(fault, -EPERM,
				 "the kernel kept capabilities that were given "
				 "up; pr-helper does not run with them");
	if (surplus_in_bounding_set(!setpcap) >= 0)
		return prm_fault(fault, -EPERM,
				 "the capability bounding set could not be "
				 "emptied");
	if (changes_uid(who) || changes_gid(who))
		return prm_fault(fault, -EPERM,
				 "the kernel did not change to user %u and "
				 "group %u",
				 who->uid, who->gid);
	if (setgid && getgroups(0, NULL) != 0)
		return prm_fault(fault, -EPERM,
				 "the kernel kept supplementary groups");
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return prm_fault(fault, -EPERM,
				 "the kernel did not set no_new_privs");
	return 0;
}

int prm_privileges_drop(const struct prm_identity *identity,
			struct prm_fault *fault)
{
	struct prm_identity who = wanted(identity);
	bool setpcap, setgid;

	if (prm_privileges_check(identity, fault) < 0)
		return -EPERM;
	setpcap = have(CAP_SETPCAP);
	setgid = have(CAP_SETGID);

	if (apply(&who) < 0)
		return prm_fault(fault, -EPERM, "cannot give up privileges: %s",
				 strerror(errno));
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);

	return verify(&who, setpcap, setgid, fault);
}
