/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_MANAGER_ERROR_H
#define PRM_MANAGER_ERROR_H

/* Failures that carry words for people. */

/**
 * prm_fail() - fail with a message
 * @ret_error: NULL, or where the message goes, made by malloc(3). Stays as it
 *             is when there is no memory
 * @error:     the negative errno to fail with
 * @format:    the message, as for printf(3)
 * @...:       what it refers to
 *
 * Return: @error.
 */
int prm_fail(char **ret_error, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
