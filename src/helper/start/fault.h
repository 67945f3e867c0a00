/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_HELPER_START_FAULT_H
#define PRM_HELPER_START_FAULT_H

/*
 * Why the daemon cannot start, in words.
 *
 * A start-up fails for reasons that an errno cannot carry: which option, which
 * file, and what to do about it.  So whatever can fail here returns a negative
 * errno and puts one line, without its end, into a fault of its caller.
 *
 * Threads: a fault belongs to one thread.
 */

#include <stdarg.h>
#include <stdio.h>

/* libvirt shows at most 1023 bytes of what a failing helper said. */
#define PRM_FAULT_SIZE 1000

/* One line that says what was wrong, with which value, and what to do. */
struct prm_fault {
	char text[PRM_FAULT_SIZE];
};

/**
 * prm_fault() - put words to an error
 * @fault:  where they go; a text that is too long is cut
 * @error:  the negative errno that goes with them
 * @format: as for printf(3)
 *
 * Return: @error, for `return prm_fault(fault, -EINVAL, ...)`.
 */
__attribute__((format(printf, 3, 4))) static inline int
prm_fault(struct prm_fault *fault, int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(fault->text, sizeof(fault->text), format, args);
	va_end(args);
	return error;
}

#endif
