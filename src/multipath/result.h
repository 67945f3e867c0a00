/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_MULTIPATH_RESULT_H
#define PRM_MULTIPATH_RESULT_H

/*
 * From what libmpathpersist says to what the guest is told.
 *
 * The library folds a whole CHECK CONDITION into one number.  What it says is
 * never stretched to GOOD, and where an administrator can mend the cause, there
 * is a line for them.
 *
 * Threads: no state, no system call.
 */

#include <stdbool.h>
#include <prmanager/command.h>

/**
 * prm_result_reply() - the reply that a result stands for
 * @result: of prm_library_out()
 * @reply:  filled in; GOOD for PRM_MPATH_SUCCESS alone
 */
void prm_result_reply(int result, struct prm_reply *reply);

/*
 * Whether TEST UNIT READY may still show the sense behind @result: not ready,
 * medium error, hardware error and aborted command are states that last.
 */
bool prm_result_may_last(int result);

/*
 * What an administrator should know and do about @result, as one line; NULL
 * where the reply says it all.
 */
const char *prm_result_advice(int result);

#endif
