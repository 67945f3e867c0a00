/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_HELPER_START_PRIVILEGES_H
#define PRM_HELPER_START_PRIVILEGES_H

/*
 * From root to a process that can send SCSI commands and do little else (I7).
 *
 * Errors: 0 or a negative errno with words in the fault; never a compromise.
 */

#include <sys/types.h>
#include "helper/start/fault.h"

/* Who the daemon is to be; (uid_t)-1 and (gid_t)-1 stand for "as started". */
struct prm_identity {
	uid_t uid;
	gid_t gid;
};

#define PRM_IDENTITY_INIT                                                      \
	{                                                                      \
		.uid = (uid_t)-1, .gid = (gid_t)-1                             \
	}

/**
 * prm_privileges_check() - whether prm_privileges_drop() has what it takes
 * @identity: who to become
 * @fault:    says what is missing
 *
 * Changes nothing. Made before anything is created, so that a helper that was
 * started without the rights it needs leaves no trace.
 *
 * Return: 0, or -EPERM.
 */
int prm_privileges_check(const struct prm_identity *identity,
			 struct prm_fault *fault);

/**
 * prm_privileges_drop() - keep CAP_SYS_RAWIO in reserve and give up the rest
 * @identity: who to become
 * @fault:    says what failed
 *
 * Afterwards CAP_SYS_RAWIO is permitted and nothing else; nothing is effective,
 * inheritable or ambient; the bounding set is empty, or holds CAP_SYS_RAWIO
 * where whoever started us withheld CAP_SETPCAP; there are no supplementary
 * groups, unless CAP_SETGID was withheld; and no program that is run can have
 * more. All of it is read back from the kernel.
 *
 * Only while there is one thread. On failure the process is in between and has
 * to end.
 *
 * Return: 0, or -EPERM.
 */
int prm_privileges_drop(const struct prm_identity *identity,
			struct prm_fault *fault);

#endif
