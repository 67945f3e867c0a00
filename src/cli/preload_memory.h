/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_CLI_PRELOAD_MEMORY_H
#define PRM_CLI_PRELOAD_MEMORY_H

/*
 * Memory of the program at addresses that it has given, which may be wrong.
 *
 * Threads: no shared state.
 */

#include <stddef.h>

/* Copy @len bytes from the program's @from. Return: 0 or -EFAULT. */
int prm_copy_from(void *to, const void *from, size_t len);

/* Copy @len bytes to the program's @to. Return: 0 or -EFAULT. */
int prm_copy_to(void *to, const void *from, size_t len);

#endif
