/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_TESTS_SCSI_SUPPORT_H
#define PRM_TESTS_SCSI_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/*
 * A copy of exactly @len bytes on the heap, so that a sanitizer or valgrind
 * sees a decoder that reads one byte too many.
 */
static inline uint8_t *exact_copy(const void *bytes, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);

	assert_non_null(copy);
	if (len)
		memcpy(copy, bytes, len);
	return copy;
}

#endif
