/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_MULTIPATH_SAY_H
#define PRM_MULTIPATH_SAY_H

/*
 * A line for the administrator, on standard error: the daemon reads it there
 * and puts it in its log.
 */

/* Longest line with its newline, in bytes; written at once, so never mixed. */
#define PRM_SAY_SIZE 1024

/**
 * prm_say() - write one line
 * @format: printf format, without a newline
 * @...:    its arguments
 *
 * Control characters become "?", so that one line stays one. Nothing is
 * reported when it cannot be written.
 */
void prm_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
