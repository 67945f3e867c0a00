/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_MULTIPATH_BROKER_H
#define PRM_MULTIPATH_BROKER_H

#include "backend/multipath.h"
#include "sandbox/sandbox.h"

/*
 * The process that starts one child for each command.
 *
 * It alone keeps what libmpathpersist needs, so that the daemon, which reads
 * clients' bytes, need not.  It reads nothing but "start one": a message of one
 * byte, zero, with the Unix stream socket that becomes the child's descriptor 0.
 */

/*
 * Children at a time.  As many as the daemon has running, which sees the end of
 * one slightly before the broker does.
 */
#define PRM_BROKER_CHILDREN_MAX PRM_MULTIPATH_PROCESSES_MAX

/**
 * prm_broker_run() - start children until the daemon is gone
 * @channel:   SOCK_SEQPACKET socket to the daemon; borrowed
 * @program:   descriptor of the program to run, with no arguments but
 *             "--timeout" and "--sandbox"; borrowed
 * @timeout_s: seconds after which a child ends itself
 * @sandbox:   whether a child limits its system calls
 *
 * Children inherit the environment and standard error. A child that cannot be
 * started, and a message of another form, show to the daemon as a closed
 * socket. Above PRM_BROKER_CHILDREN_MAX, messages stay unread until a child has
 * ended.
 *
 * Blocks SIGCHLD, and the signals that end a daemon are ignored.
 *
 * Return: 0 at the end of @channel, or a negative errno.
 */
int prm_broker_run(int channel, int program, unsigned int timeout_s,
		   enum prm_sandbox_mode sandbox);

/**
 * prm_broker_drop() - keep the two capabilities that children need
 *
 * CAP_SYS_RAWIO and CAP_SYS_ADMIN stay permitted and in the bounding set (with
 * an empty one, exec as root would give none), no others; no new privileges
 * can be gained. The parent's death is this process's, too.
 *
 * Return: 0; -EPERM where the caller lacks one of the two; or the error of
 * capset(2) or prctl(2).
 */
int prm_broker_drop(void);

#endif
