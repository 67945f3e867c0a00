/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_HELPER_START_CONFINE_H
#define PRM_HELPER_START_CONFINE_H

#include "helper/start/fault.h"
#include "sandbox/sandbox.h"

/**
 * prm_confine() - hold the daemon to the system calls that it needs (I7)
 * @mode:  as asked for with --sandbox
 * @fault: says what failed, and how to do without
 *
 * Once, after privileges were dropped and before the first thread is started:
 * each thread inherits it. From then on nothing can be opened for writing or be
 * created, no program be executed, no socket be made but pairs, no id be
 * changed.
 *
 * Return: 0, or an error of prm_sandbox_apply().
 */
int prm_confine(enum prm_sandbox_mode mode, struct prm_fault *fault);

#endif
