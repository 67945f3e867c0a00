/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_HELPER_LOG_UNIT_H
#define PRM_HELPER_LOG_UNIT_H

/*
 * The systemd unit that a process belongs to: for a virtual machine its
 * scope, which names it better than a pid does.
 */

#include <stddef.h>
#include <sys/types.h>

/* Room for every name of a unit (systemd's limit is 255), with its NUL. */
#define PRM_UNIT_SIZE 256

/**
 * prm_unit_of_text() - the unit in the text of a /proc/PID/cgroup
 * @text: the file's contents
 * @len:  their length in bytes
 * @name: receives the name; "" on failure
 *
 * It is the first service or scope in the path of systemd's hierarchy; in a
 * path without any (another container manager), the last component.
 *
 * Return: 0; -ENOENT when there is no such hierarchy or the process is in
 * its root.
 */
int prm_unit_of_text(const char *text, size_t len, char name[PRM_UNIT_SIZE]);

/**
 * prm_unit_of_pid() - the unit of a running process
 * @pid:  of the process; pids are reused, so ask when it connects
 * @name: receives the name; "" on failure
 *
 * Return: 0; -ENOENT; -ESRCH for a process that is gone, or a @pid of 0; or
 * the error of open(2) or read(2).
 */
int prm_unit_of_pid(pid_t pid, char name[PRM_UNIT_SIZE]);

#endif
