/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_MANAGER_CLASS_H
#define PRM_MANAGER_CLASS_H

#include <prmanager/manager.h>

/**
 * prm_class_lookup() - find a class by its name
 * @name:      the name
 * @ret_class: the class, every member set; it stays for ever
 * @ret_error: what classes there are, if this one is not
 *
 * Any thread.
 *
 * Return: 0, -ENOENT or -ENOMEM.
 */
int prm_class_lookup(const char *name,
		     const struct prm_manager_class **ret_class,
		     char **ret_error);

#endif
