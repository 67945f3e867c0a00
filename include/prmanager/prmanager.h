/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRMANAGER_PRMANAGER_H
#define PRMANAGER_PRMANAGER_H

/* All of libprmanager. */

#include <prmanager/command.h>
#include <prmanager/manager.h>
#include <prmanager/passthrough.h>

#endif
