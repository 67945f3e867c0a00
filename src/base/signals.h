/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_BASE_SIGNALS_H
#define PRM_BASE_SIGNALS_H

/*
 * Which signals to block: all but those that tell of a defect of ours, which is
 * to be seen.  A process does not outlive them, so that they interrupt nothing.
 */

#include <signal.h>
#include <stddef.h>

/* Store in @ret_set what a thread blocks that must never be interrupted. */
static inline void prm_signals_to_block(sigset_t *ret_set)
{
	static const int defects[] = { SIGSEGV, SIGBUS,  SIGFPE, SIGILL,
				       SIGABRT, SIGTRAP, SIGSYS };

	(void)sigfillset(ret_set);
	for (size_t i = 0; i < sizeof(defects) / sizeof(defects[0]); i++)
		(void)sigdelset(ret_set, defects[i]);
}

#endif
