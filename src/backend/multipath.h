/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_BACKEND_MULTIPATH_H
#define PRM_BACKEND_MULTIPATH_H

/*
 * PERSISTENT RESERVE commands on multipath maps, each in a process of its own.
 */

#include <prmanager/manager.h>

/* Processes at a time, over all maps: each may hold some ten threads. */
#define PRM_MULTIPATH_PROCESSES_MAX 32

/*
 * Class "pr-manager-multipath": asks a broker for a process that runs one
 * command. Not in the table of built-in classes: only a program that has a
 * broker can use it, and registers it itself.
 *
 * Property: channel (required), the number of a blocking SOCK_SEQPACKET socket
 * to "pr-helper-multipath --broker", borrowed.
 *
 * run returns when the process has answered and is gone: it may be stuck in the
 * kernel long after its caller lost patience, and until then its map is busy.
 * A process that dies, or answers nonsense, is a CHECK CONDITION. Commands
 * above PRM_MULTIPATH_PROCESSES_MAX wait, at most for their time-out: then they
 * are answered 0B/2E/02 and never sent.
 */
extern const struct prm_manager_class prm_multipath_class;

#endif
