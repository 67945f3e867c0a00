/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_HELPER_START_BROKER_H
#define PRM_HELPER_START_BROKER_H

/*
 * The privileged companion of a daemon on a host with multipath maps.
 *
 * Errors: 0 or a negative errno with words in the fault; out-parameters are
 * written on success only.
 */

#include "base/cleanup.h"
#include "helper/start/fault.h"
#include "sandbox/sandbox.h"

struct prm_broker;

/**
 * prm_broker_new() - start the broker, where multipath support is installed
 * @program:    path of pr-helper-multipath; NULL for the place where it is
 *              installed
 * @timeout_s:  seconds that a client waits; a process for a command may take
 *              PRM_BROKER_GRACE_S more
 * @sandbox:    whether the broker, and what it starts, limit their system calls
 * @fault:      says what failed
 * @ret_broker: the broker, or NULL where there is no support: @program is NULL
 *              and nothing is installed there, or this process is not root with
 *              the capabilities that the broker needs
 *
 * While there is one thread and before privileges are dropped. The broker ends
 * with this process.
 *
 * Return: 0; -ENOENT or another error of open(2) for a @program that was asked
 * for; or what the kernel said.
 */
int prm_broker_new(const char *program, unsigned int timeout_s,
		   enum prm_sandbox_mode sandbox, struct prm_fault *fault,
		   struct prm_broker **ret_broker);

/* Close what leads to the broker, which ends it; NULL is a no-op. */
struct prm_broker *prm_broker_free(struct prm_broker *broker);
DEFINE_CLEANUP(struct prm_broker *, prm_broker_free)

/* Seconds after a client's deadline at which a command's process ends. */
#define PRM_BROKER_GRACE_S 30

/* The channel for class "pr-manager-multipath"; borrowed from @broker. */
int prm_broker_channel(const struct prm_broker *broker);

/**
 * prm_broker_read_log() - put what the broker's processes say in our log
 * @broker: the broker; freeing it ends the thread
 *
 * Starts a thread. Also logs when the broker is gone: then commands for maps
 * fail until the daemon is started again. Once only.
 *
 * Return: 0, or the error of eventfd(2) or pthread_create(3).
 */
int prm_broker_read_log(struct prm_broker *broker);

#endif
