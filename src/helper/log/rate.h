/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_HELPER_LOG_RATE_H
#define PRM_HELPER_LOG_RATE_H

/*
 * How many audit lines there may be of commands that changed nothing.
 *
 * A client has those by the thousand, and a journal that is told too much drops
 * whatever comes, lines about changes included (journald: 10,000 in half a
 * minute).  Lines about changes are not counted here.
 *
 * Threads: any.
 */

#include <stdbool.h>
#include <stdint.h>

/* Lines in a second; the others are counted. */
#define PRM_AUDIT_RATE_PER_S 100

/* Whether there may be one more at @now_ns; if not, it is counted. */
bool prm_audit_rate_take(int64_t now_ns);

/* Lines that were left out in a second that is over at @now_ns, once told. */
unsigned long prm_audit_rate_left_out(int64_t now_ns);

/* Log how many lines were left out, if any were and the second is over. */
void prm_audit_rate_tell(int64_t now_ns);

#endif
