/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_HELPER_SERVE_SERVER_H
#define PRM_HELPER_SERVE_SERVER_H

/*
 * The daemon at run time: everything between a listening socket and a device.
 *
 *     int listener = ...;
 *     prm_server_new(&config, &listener, &server);
 *     prm_server_run(server, &end);       until told to stop, and drained
 *     prm_server_free(server);
 *
 * The caller has opened what needs rights and has dropped them: the first
 * thread is started, and the first client byte read, in prm_server_run().
 * What the server calls from then on, for a system call filter: accept4,
 * recvmsg, sendmsg, shutdown, getsockopt, setsockopt, ioctl, statx, fcntl,
 * openat (reading sysfs), close, epoll_*, eventfd2, poll, read, futex, clone,
 * mmap and what the C library needs to start and end threads.
 *
 * Errors: 0 or a negative errno; no ret_ parameter is written on failure.
 */

#include <stdbool.h>
#include "base/cleanup.h"
#include "helper/serve/limits.h"

struct prm_manager;
struct prm_server;

/**
 * struct prm_server_config - what a server is made of
 * @path_fd:      O_PATH descriptor of the listening socket's own file, which
 *                shows by st_nlink 0 that another helper took the name over;
 *                -1 under socket activation, where nobody may. Borrowed
 * @watch_fd:     inotify descriptor, non-blocking, with a watch for IN_ATTRIB
 *                and IN_DELETE_SELF on that file: says when to look at
 *                @path_fd. What is read from it is thrown away. -1 if there
 *                is none: then the server looks every PRM_TAKE_OVER_POLL_MS.
 *                Borrowed
 * @signal_fd:    non-blocking signalfd of the signals that mean "stop": when
 *                it is readable the server stops. Those signals, like all
 *                others, are blocked in the thread that calls
 *                prm_server_run(), and so in every thread it starts. Borrowed
 * @timeout_ms:   how long a client waits for a reply, in milliseconds; also
 *                how long stopping may take; PRM_TIMEOUT_MS
 * @max_sessions: clients at a time; PRM_MAX_SESSIONS. Fewer when
 *                RLIMIT_NOFILE leaves no room, see prm_limits_init()
 * @max_workers:  threads that run commands; PRM_MAX_WORKERS
 * @scsi:         manager that sends a command down the descriptor it is given.
 *                Borrowed
 * @multipath:    manager for multipath maps, or NULL where support for them is
 *                not there: commands for them are refused then. Borrowed
 * @stopping:     called once when a signal says "stop", by the thread that runs
 *                the server and while it still listens; must not block. May be
 *                NULL
 * @alive:        called every @alive_ms by the thread that runs the server, if
 *                since the last time an event has found its way through the set
 *                that workers wait on to somebody who takes them: nobody serves
 *                without that. Must not block
 * @alive_ms:     in milliseconds; 0 for never
 * @opaque:       for @stopping and @alive
 */
struct prm_server_config {
	int path_fd;
	int watch_fd;
	int signal_fd;
	unsigned int timeout_ms;
	unsigned int max_sessions;
	unsigned int max_workers;
	struct prm_manager *scsi;
	struct prm_manager *multipath;
	void (*stopping)(void *opaque);
	void (*alive)(void *opaque);
	unsigned int alive_ms;
	void *opaque;
};

/**
 * enum prm_server_end - why a server returned
 * @PRM_SERVER_STOPPED:    a signal; the socket's name is still its own
 * @PRM_SERVER_TAKEN_OVER: another helper has the name, and the last client of
 *                         this one has gone
 */
enum prm_server_end {
	PRM_SERVER_STOPPED,
	PRM_SERVER_TAKEN_OVER,
};

/**
 * prm_server_new() - make a server; no thread runs and no client is read yet
 * @config:     copied; what it points at is borrowed until the server is freed
 * @listener:   listening socket, AF_UNIX and SOCK_STREAM; made non-blocking;
 *              taken (and set to -1) on success. It is closed as soon as the
 *              server stops accepting, so that nobody waits at it in vain
 * @ret_server: the server, released with prm_server_free()
 *
 * Reads RLIMIT_NOFILE: raise it before.
 *
 * Return: 0; -EINVAL if a limit is 0; -EMFILE if RLIMIT_NOFILE has no room for
 * a single client; -ENOMEM; or what the kernel said.
 */
int prm_server_new(const struct prm_server_config *config, int *listener,
		   struct prm_server **ret_server);

/**
 * prm_server_run() - serve clients; may be called once
 * @server:  the server
 * @ret_end: why it ended
 *
 * Returns after a stop (requests whose CDB was read have been answered, or the
 * timeout has passed) or after a take-over (no client is left). Commands that
 * outlast the timeout still occupy their threads: the process is expected to
 * exit soon after.
 *
 * Return: 0, or a negative errno when the first threads cannot be started.
 */
int prm_server_run(struct prm_server *server, enum prm_server_end *ret_end);

/**
 * prm_server_free() - release a server that does not run
 * @server: may be NULL
 *
 * Memory that threads stuck in a device may still touch is left alone.
 *
 * Return: NULL.
 */
struct prm_server *prm_server_free(struct prm_server *server);
DEFINE_CLEANUP(struct prm_server *, prm_server_free)

#endif
