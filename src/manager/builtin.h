/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_MANAGER_BUILTIN_H
#define PRM_MANAGER_BUILTIN_H

#include <prmanager/manager.h>

/*
 * The classes that every program has, ended by NULL.
 *
 * Declared here and defined in backend, which lies above: the registry can
 * look classes up without knowing any.
 */
extern const struct prm_manager_class *const prm_builtin_classes[];

#endif
