/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_CLI_SESSION_H
#define PRM_CLI_SESSION_H

/*
 * A device and the manager its commands go through.
 *
 * Results: functions return an exit status, PRM_EXIT_GOOD or what went wrong,
 * and then struct prm_cli_fault says it in words.
 *
 * Threads: one session, one thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <prmanager/manager.h>
#include "cli/arguments.h"
#include "cli/spec.h"
#include "scsi/pr_in.h"
#include "scsi/pr_out.h"

/* Room for words about what went wrong. */
#define PRM_CLI_MESSAGE_ROOM 1024

/**
 * struct prm_cli_session - what commands are sent with; zero before opening
 * @manager:    the manager
 * @fd:         the device
 * @timeout_ms: what a command may take, 0 for the manager's own limit
 */
struct prm_cli_session {
	struct prm_manager *manager;
	int fd;
	unsigned int timeout_ms;
};

/**
 * struct prm_cli_fault - what went wrong
 * @exit:      exit status
 * @has_reply: the device answered, with @reply
 * @reply:     its answer
 * @message:   the whole in words, one line without a newline
 * @advice:    what to do, lines that end with newlines; may be empty
 */
struct prm_cli_fault {
	int exit;
	bool has_reply;
	struct prm_reply reply;
	char message[PRM_CLI_MESSAGE_ROOM];
	char advice[PRM_CLI_MESSAGE_ROOM];
};

/**
 * prm_cli_spec() - the option text that the user asked for
 * @arguments: --manager, --direct
 * @spec:      option text, with an id
 *
 * Return: 0, or -ENAMETOOLONG.
 */
int prm_cli_spec(const struct prm_cli_arguments *arguments,
		 char spec[PRM_SPEC_ROOM]);

/**
 * prm_cli_manager_new() - create the manager that the user asked for
 * @arguments:   --manager, --direct, --timeout
 * @ret_manager: the manager
 * @fault:       written on failure
 *
 * Return: exit status.
 */
int prm_cli_manager_new(const struct prm_cli_arguments *arguments,
			struct prm_manager **ret_manager,
			struct prm_cli_fault *fault);

/**
 * prm_cli_session_open() - open the device and create the manager
 * @session:   to be closed with prm_cli_session_close(), also on failure
 * @arguments: the command line
 * @write:     open it for writing: PERSISTENT RESERVE OUT needs that
 * @fault:     written on failure
 *
 * Return: exit status.
 */
int prm_cli_session_open(struct prm_cli_session *session,
			 const struct prm_cli_arguments *arguments, bool write,
			 struct prm_cli_fault *fault);

/* Close what is open. */
void prm_cli_session_close(struct prm_cli_session *session);

/**
 * prm_cli_read_keys() - READ KEYS
 * @session:  the session
 * @data:     room for PRM_DATA_SIZE bytes, which @ret_keys borrows
 * @ret_keys: the answer
 * @fault:    written on failure
 *
 * Return: exit status.
 */
int prm_cli_read_keys(struct prm_cli_session *session,
		      uint8_t data[PRM_DATA_SIZE], struct prm_keys *ret_keys,
		      struct prm_cli_fault *fault);

/**
 * prm_cli_read_reservation() - READ RESERVATION
 * @session:         the session
 * @ret_reservation: the answer
 * @fault:           written on failure
 *
 * Return: exit status.
 */
int prm_cli_read_reservation(struct prm_cli_session *session,
			     struct prm_reservation *ret_reservation,
			     struct prm_cli_fault *fault);

/**
 * prm_cli_read_capabilities() - REPORT CAPABILITIES
 * @session:          the session
 * @ret_capabilities: the answer
 * @fault:            written on failure
 *
 * Return: exit status.
 */
int prm_cli_read_capabilities(struct prm_cli_session *session,
			      struct prm_capabilities *ret_capabilities,
			      struct prm_cli_fault *fault);

/**
 * prm_cli_read_full_status() - READ FULL STATUS
 * @session:    the session
 * @data:       room for PRM_DATA_SIZE bytes, which @ret_status borrows
 * @ret_status: the answer
 * @fault:      written on failure
 *
 * Return: exit status.
 */
int prm_cli_read_full_status(struct prm_cli_session *session,
			     uint8_t data[PRM_DATA_SIZE],
			     struct prm_full_status *ret_status,
			     struct prm_cli_fault *fault);

/**
 * prm_cli_out() - run a PERSISTENT RESERVE OUT
 * @session:   the session
 * @arguments: type, parameter list and TransportIDs
 * @fault:     written on failure; its message is empty, and @fault->reply what
 *             the device said, on success
 *
 * Return: exit status.
 */
int prm_cli_out(struct prm_cli_session *session,
		const struct prm_cli_arguments *arguments,
		struct prm_cli_fault *fault);

#endif
