/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_HELPER_START_BACKGROUND_H
#define PRM_HELPER_START_BACKGROUND_H

/*
 * Standard descriptors, and the way to the background.
 *
 * Errors: 0 or a negative errno with words in the fault.
 */

#include <stdbool.h>
#include <sys/types.h>
#include "helper/start/fault.h"

/**
 * prm_background_fill() - see that descriptors 0, 1 and 2 are open
 *
 * One that was closed leads to /dev/null, or the next file that is opened
 * would receive what is meant for stderr. First of all in main().
 *
 * Return: 0, or the error of open(2).
 */
int prm_background_fill(void);

/**
 * struct prm_background - the two sides of a daemon's birth
 * @parent: whether this is the process that the user waits for
 * @child:  in the parent, the process to come
 * @pipe:   parent: tells when the child is up; child: to tell it; owned
 * @null:   child: /dev/null, since later nothing is opened for writing; owned
 */
struct prm_background {
	bool parent;
	pid_t child;
	int pipe;
	int null;
};

/**
 * prm_background_fork() - split
 * @fault:          says what failed
 * @ret_background: which side this is
 *
 * Returns twice. The child leads a session of its own; it still has the
 * parent's standard descriptors, so that it can say what goes wrong.
 *
 * Return: 0, or the error of pipe2(2) or fork(2), in the only process.
 */
int prm_background_fork(struct prm_fault *fault,
			struct prm_background *ret_background);

/**
 * prm_background_wait() - in the parent, wait for the child to be up
 * @background: closed on return
 *
 * Return: exit status for the parent: 0 when the child is up, else its own.
 */
int prm_background_wait(struct prm_background *background);

/**
 * prm_background_detach() - in the child, let go of where it was started
 * @background: closed on return
 * @fault:      says what failed
 *
 * Standard descriptors lead to /dev/null from now on, the folder is the root,
 * and the parent returns to its user. The last step of a start.
 *
 * Return: 0, or a negative errno; the parent then waits for our exit.
 */
int prm_background_detach(struct prm_background *background,
			  struct prm_fault *fault);

#endif
