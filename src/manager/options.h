/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_MANAGER_OPTIONS_H
#define PRM_MANAGER_OPTIONS_H

/*
 * The option text of QEMU's -object, taken apart and held against a list of
 * properties.
 *
 * Errors: 0 or a negative errno with a message at ret_error (prm_fail()).
 * Threads: none of this holds shared state.
 */

#include <prmanager/manager.h>
#include "base/cleanup.h"

/* The most properties in one text, far above what any class knows. */
#define PRM_OPTIONS_MAX 32

/**
 * prm_options_parse() - take option text apart
 * @text:        "FIRST,NAME=VALUE..."
 * @implied:     the name of what comes first without one
 * @ret_options: the options, released with prm_options_free()
 * @ret_error:   what is wrong
 *
 * Return: 0; -EINVAL for text that is wrong, a name given twice included;
 * -ENOMEM.
 */
int prm_options_parse(const char *text, const char *implied,
		      struct prm_options **ret_options, char **ret_error);

/* Free; NULL is a no-op. Returns NULL. */
struct prm_options *prm_options_free(struct prm_options *options);
DEFINE_CLEANUP(struct prm_options *, prm_options_free)

/**
 * prm_options_take() - use an option that is no property
 * @options: the options
 * @name:    its name
 *
 * prm_options_check() then does not ask for a property of that name.
 *
 * Return: its value, valid as long as @options, or NULL if it was not given.
 */
const char *prm_options_take(struct prm_options *options, const char *name);

/**
 * prm_options_check() - hold all options not yet taken against properties
 * @options:    the options; numbers and truth values are read here
 * @owner:      whose properties these are, for messages
 * @properties: what is accepted
 * @count:      how many
 * @ret_error:  what is wrong, with the property's name
 *
 * Return: 0 or -EINVAL.
 */
int prm_options_check(struct prm_options *options, const char *owner,
		      const struct prm_property *properties, size_t count,
		      char **ret_error);

#endif
