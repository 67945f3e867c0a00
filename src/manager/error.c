/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Messages for people.
 *
 * A library must not print, so the words travel to whoever can: they are made
 * where the failure is understood, and belong to the caller.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include "manager/error.h"

int prm_fail(char **ret_error, int error, const char *format, ...)
{
	va_list args;
	char *message = NULL;

	if (!ret_error)
		return error;
	va_start(args, format);
	if (vasprintf(&message, format, args) >= 0)
		*ret_error = message;
	va_end(args);
	return error;
}
