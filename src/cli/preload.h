/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_CLI_PRELOAD_H
#define PRM_CLI_PRELOAD_H

/* What prmctl run and its preload library agree on. */

/* The environment variable with the manager's option text. */
#define PRM_PRELOAD_MANAGER "PRMCTL_MANAGER"

#endif
