/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A device, a manager, and commands that go from one through the other.
 *
 * Queries open the device for reading only: closing a device that was open for
 * writing makes udev look at it again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "base/fd.h"
#include "cli/command.h"
#include "cli/exit_status.h"
#include "cli/fault.h"
#include "cli/session.h"
#include "cli/spec.h"
#include "scsi/cdb.h"

int prm_cli_spec(const struct prm_cli_arguments *arguments,
		 char spec[PRM_SPEC_ROOM])
{
	bool direct = arguments->given & PRM_CLI_DIRECT;
	int r;

	r = prm_spec_make(direct ? "pr-manager-scsi" : arguments->manager,
			  spec);
	if (r == 0 && !strstr(spec, ",id="))
		r = prm_spec_set(spec, "id", "prmctl");
	return r;
}

/* What to try when there is no manager. */
static void advise_on_manager(struct prm_cli_fault *fault, const char *spec,
			      int error)
{
	bool is_helper = strstr(spec, "pr-manager-helper");

	if (error == -ENOENT && !is_helper)
		prm_cli_fault_advise(fault,
				     "a helper's socket is named by its whole "
				     "path, which begins with '/'");
	else if (error == -ENOENT || error == -ECONNREFUSED)
		prm_cli_fault_advise(
			fault, "is pr-helper running? --manager PATH names "
			       "another socket, --direct does without one");
	else if (error == -EACCES || error == -EPERM)
		prm_cli_fault_advise(
			fault, "you need the right to write to the "
			       "socket, see --socket-mode in pr-helper(8)");
}

int prm_cli_manager_new(const struct prm_cli_arguments *arguments,
			struct prm_manager **ret_manager,
			struct prm_cli_fault *fault)
{
	char spec[PRM_SPEC_ROOM], *error = NULL;
	int r;

	r = prm_cli_spec(arguments, spec);
	if (r < 0)
		return prm_cli_fault_set(fault, PRM_EXIT_SYNTAX,
					 "--manager is longer than %d bytes",
					 PRM_SPEC_ROOM);
	r = prm_manager_new(spec, ret_manager, &error);
	if (r == 0)
		return PRM_EXIT_GOOD;
	prm_cli_fault_set(fault, r == -EINVAL ? PRM_EXIT_SYNTAX : PRM_EXIT_FILE,
			  "%s", error ? error : strerror(-r));
	free(error);
	advise_on_manager(fault, spec, r);
	return fault->exit;
}

static int open_device(struct prm_cli_session *session, const char *path,
		       bool write, struct prm_cli_fault *fault)
{
	int flags = (write ? O_RDWR : O_RDONLY) | O_NONBLOCK | O_CLOEXEC;
	struct stat st;

	session->fd = open(path, flags);
	if (session->fd < 0) {
		prm_cli_fault_set(fault, PRM_EXIT_FILE,
				  "cannot open it for %s: %s",
				  write ? "writing" : "reading",
				  strerror(errno));
		return fault->exit;
	}
	if (fstat(session->fd, &st) == 0 && !S_ISBLK(st.st_mode) &&
	    !S_ISCHR(st.st_mode))
		return prm_cli_fault_set(fault, PRM_EXIT_FILE,
					 "it is not a device");
	return PRM_EXIT_GOOD;
}

int prm_cli_session_open(struct prm_cli_session *session,
			 const struct prm_cli_arguments *arguments, bool write,
			 struct prm_cli_fault *fault)
{
	int exit;

	*session = (struct prm_cli_session){
		.fd = -1,
		.timeout_ms = arguments->timeout_ms,
	};
	exit = open_device(session, arguments->device, write, fault);
	if (exit != PRM_EXIT_GOOD)
		return exit;
	return prm_cli_manager_new(arguments, &session->manager, fault);
}

void prm_cli_session_close(struct prm_cli_session *session)
{
	session->manager = prm_manager_unref(session->manager);
	session->fd = prm_fd_close(session->fd);
}

static int run(struct prm_cli_session *session, const struct prm_pr_cdb *cdb,
	       void *data, struct prm_cli_fault *fault)
{
	struct prm_command command = PRM_COMMAND_INIT;
	struct prm_reply reply = PRM_REPLY_INIT;
	int r;

	prm_pr_cdb_encode(cdb, command.cdb);
	command.cdb_len = PRM_PR_CDB_LEN;
	command.data = data;
	command.data_len = cdb->length;
	command.timeout_ms = session->timeout_ms;
	r = prm_manager_run(session->manager, session->fd, &command, &reply);
	if (r < 0)
		return prm_cli_fault_of_errno(fault, r);
	return prm_cli_fault_of_reply(fault, &reply);
}

/* A query; its data is decoded by the caller. */
static int run_in(struct prm_cli_session *session, uint8_t action,
		  uint8_t data[PRM_DATA_SIZE], size_t *ret_len,
		  struct prm_cli_fault *fault)
{
	struct prm_pr_cdb cdb = { .action = action, .length = PRM_DATA_SIZE };
	int exit;

	exit = run(session, &cdb, data, fault);
	if (exit == PRM_EXIT_GOOD)
		*ret_len = fault->reply.data_len;
	return exit;
}

static int malformed(struct prm_cli_fault *fault, size_t len)
{
	return prm_cli_fault_set(fault, PRM_EXIT_MALFORMED,
				 "the device's answer of %zu bytes makes no "
				 "sense",
				 len);
}

int prm_cli_read_keys(struct prm_cli_session *session,
		      uint8_t data[PRM_DATA_SIZE], struct prm_keys *ret_keys,
		      struct prm_cli_fault *fault)
{
	size_t len;
	int exit;

	exit = run_in(session, PRM_PR_IN_READ_KEYS, data, &len, fault);
	if (exit == PRM_EXIT_GOOD &&
	    prm_keys_decode(data, len, ret_keys) != PRM_DECODE_OK)
		return malformed(fault, len);
	return exit;
}

int prm_cli_read_reservation(struct prm_cli_session *session,
			     struct prm_reservation *ret_reservation,
			     struct prm_cli_fault *fault)
{
	uint8_t data[PRM_DATA_SIZE];
	size_t len;
	int exit;

	exit = run_in(session, PRM_PR_IN_READ_RESERVATION, data, &len, fault);
	if (exit == PRM_EXIT_GOOD &&
	    prm_reservation_decode(data, len, ret_reservation) != PRM_DECODE_OK)
		return malformed(fault, len);
	return exit;
}

int prm_cli_read_capabilities(struct prm_cli_session *session,
			      struct prm_capabilities *ret_capabilities,
			      struct prm_cli_fault *fault)
{
	uint8_t data[PRM_DATA_SIZE];
	size_t len;
	int exit;

	exit = run_in(session, PRM_PR_IN_REPORT_CAPABILITIES, data, &len,
		      fault);
	if (exit == PRM_EXIT_GOOD &&
	    prm_capabilities_decode(data, len, ret_capabilities) !=
		    PRM_DECODE_OK)
		return malformed(fault, len);
	return exit;
}

int prm_cli_read_full_status(struct prm_cli_session *session,
			     uint8_t data[PRM_DATA_SIZE],
			     struct prm_full_status *ret_status,
			     struct prm_cli_fault *fault)
{
	size_t len;
	int exit;

	exit = run_in(session, PRM_PR_IN_READ_FULL_STATUS, data, &len, fault);
	if (exit == PRM_EXIT_GOOD &&
	    prm_full_status_decode(data, len, ret_status) != PRM_DECODE_OK)
		return malformed(fault, len);
	return exit;
}

int prm_cli_out(struct prm_cli_session *session,
		const struct prm_cli_arguments *arguments,
		struct prm_cli_fault *fault)
{
	uint8_t list[PRM_DATA_SIZE + PRM_TRANSPORT_ID_MAX];
	struct prm_pr_cdb cdb = {
		.out = true,
		.action = arguments->command->action,
		.scope = PRM_PR_SCOPE_LU,
		.type = arguments->type,
	};
	size_t len;
	int r;

	r = prm_pr_out_encode(cdb.action, &arguments->out,
			      arguments->transport_ids,
			      arguments->transport_id_count, list, sizeof(list),
			      &len);
	if (r < 0 || len > PRM_DATA_SIZE)
		return prm_cli_fault_set(fault, PRM_EXIT_SYNTAX,
					 "the TransportIDs are too long "
					 "together");
	cdb.length = (uint32_t)len;
	return run(session, &cdb, list, fault);
}
