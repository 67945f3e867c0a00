/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRMANAGER_MANAGER_H
#define PRMANAGER_MANAGER_H

#include <stddef.h>
#include <prmanager/command.h>

#ifdef __cplusplus
extern "C" {
#endif

struct prm_manager;

int prm_manager_new(const char *options, struct prm_manager **ret_manager,
		    char **ret_error);
struct prm_manager *prm_manager_ref(struct prm_manager *manager);
struct prm_manager *prm_manager_unref(struct prm_manager *manager);
int prm_manager_run(struct prm_manager *manager, int fd,
		    const struct prm_command *command,
		    struct prm_reply *ret_reply);

#ifdef __cplusplus
}
#endif

#endif
