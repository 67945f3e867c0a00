/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_BACKEND_HELPER_H
#define PRM_BACKEND_HELPER_H

#include <prmanager/manager.h>

/* "pr-manager-helper": forwards commands to a helper at a Unix socket. */
extern const struct prm_manager_class prm_helper_class;

#endif
