/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_MULTIPATH_CONFINE_H
#define PRM_MULTIPATH_CONFINE_H

/*
 * The system calls of the broker and of a command's process (I7).
 */

#include "sandbox/sandbox.h"

/**
 * prm_confine_broker() - allow what the broker needs, and its children
 * @mode: as asked for with --sandbox
 *
 * Children inherit it through execve(2), so it is the wider of the two.
 *
 * Return: 0, or an error of prm_sandbox_apply().
 */
int prm_confine_broker(enum prm_sandbox_mode mode);

/**
 * prm_confine_command() - allow what libmpathpersist needs
 * @mode: as asked for with --sandbox
 *
 * Before the first byte of the request is read. No program is executed from
 * then on, no process started, no socket opened but Unix ones, nothing mounted,
 * no id changed; CAP_SYS_ADMIN is worth the ioctls of device-mapper.
 *
 * Return: 0, or an error of prm_sandbox_apply().
 */
int prm_confine_command(enum prm_sandbox_mode mode);

#endif
