/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_IPC_NOTIFY_H
#define PRM_IPC_NOTIFY_H

/*
 * Telling the service manager how we are (sd_notify(3)).
 *
 * The socket is connected at start-up: the name may be out of reach once
 * privileges are gone.
 */

#define PRM_NOTIFY_READY    "READY=1"
#define PRM_NOTIFY_STOPPING "STOPPING=1"
#define PRM_NOTIFY_WATCHDOG "WATCHDOG=1"

/**
 * prm_notify_open() - connect to the service manager
 * @ret_fd: socket for prm_notify_send(), close-on-exec; -1 when nobody wants
 *          to know (no NOTIFY_SOCKET). Written on success only
 *
 * Takes NOTIFY_SOCKET out of the environment, so call it before there are
 * threads.
 *
 * Return: 0; -EAFNOSUPPORT for an address that is neither a path nor an
 * abstract name; -ENAMETOOLONG; or the error of socket(2) or connect(2).
 */
int prm_notify_open(int *ret_fd);

/**
 * prm_notify_watchdog_ms() - how often the service manager wants to hear of us
 *
 * Takes WATCHDOG_USEC and WATCHDOG_PID out of the environment, so call it before
 * there are threads; once, and before a fork.
 *
 * Return: the time after which it takes us for dead, in milliseconds; 0 if it
 * does not watch this process.
 */
unsigned int prm_notify_watchdog_ms(void);

/**
 * prm_notify_send() - send one state
 * @fd:    from prm_notify_open(); -1 does nothing
 * @state: such as PRM_NOTIFY_READY; several are separated by newlines
 *
 * Waits for a manager whose queue is full, for 5 s at the most.
 *
 * Return: 0; -ETIMEDOUT; or the error of send(2).
 */
int prm_notify_send(int fd, const char *state);

/**
 * prm_notify_try() - send one state, if that can be done at once
 * @fd:    from prm_notify_open(); -1 does nothing
 * @state: as for prm_notify_send()
 *
 * For a thread that has no time to wait.
 *
 * Return: 0; -EAGAIN when the manager's queue is full; or the error of send(2).
 */
int prm_notify_try(int fd, const char *state);

#endif
