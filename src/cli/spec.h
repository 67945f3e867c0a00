/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_CLI_SPEC_H
#define PRM_CLI_SPEC_H

/*
 * The option text that managers are created from, prm_manager_new().
 *
 * Threads: pure functions.
 */

#include <stddef.h>

/* Where a helper listens if nothing else is said, whatever the prefix. */
#define PRM_SPEC_DEFAULT_SOCKET "/var/run/qemu-pr-helper.sock"

/* Room for any option text; longer ones are refused. */
#define PRM_SPEC_ROOM 4096

/**
 * prm_spec_make() - option text out of what the user gave
 * @given:    option text, the path of a helper's socket, or NULL for the helper
 *            at its default socket
 * @ret_text: option text, without id
 *
 * Return: 0, or -ENAMETOOLONG.
 */
int prm_spec_make(const char *given, char ret_text[PRM_SPEC_ROOM]);

/**
 * prm_spec_set() - give a property, in place of any that is there
 * @text:  option text, changed
 * @name:  the property, "id" or the like
 * @value: its value, taken as it is
 *
 * Return: 0, or -ENAMETOOLONG, and @text is undefined.
 */
int prm_spec_set(char text[PRM_SPEC_ROOM], const char *name, const char *value);

#endif
