/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * RESERVATION CONFLICT carries no sense: SPC has one answer for "somebody else
 * holds it", "you are not registered" and "that is not your key".  Which of
 * them it was can be asked for afterwards, best effort: the state may have
 * changed since, and some devices do not tell.
 */
#include <inttypes.h>
#include <string.h>
#include "cli/command.h"
#include "cli/conflict.h"
#include "cli/exit_status.h"
#include "cli/fault.h"
#include "cli/print.h"
#include "scsi/cdb.h"
#include "scsi/names.h"

static void find_holder(struct prm_cli_session *session,
			struct prm_cli_conflict *conflict)
{
	struct prm_registrant registrant;
	struct prm_full_status status;
	uint8_t data[PRM_DATA_SIZE];
	struct prm_cli_fault fault;

	if (prm_cli_read_full_status(session, data, &status, &fault) !=
	    PRM_EXIT_GOOD)
		return;
	while (prm_full_status_next(&status, &registrant))
		if (registrant.holder &&
		    registrant.key == conflict->reservation.key) {
			prm_print_initiator(&registrant, conflict->initiator);
			return;
		}
}

bool prm_cli_conflict_has_victim(const struct prm_cli_arguments *arguments)
{
	return arguments->command->action == PRM_PR_OUT_PREEMPT ||
	       arguments->command->action == PRM_PR_OUT_PREEMPT_AND_ABORT;
}

static void find_keys(struct prm_cli_session *session,
		      const struct prm_pr_out *out,
		      struct prm_cli_conflict *conflict)
{
	uint8_t data[PRM_DATA_SIZE];
	struct prm_cli_fault fault;
	struct prm_keys keys;
	uint64_t key;

	if (prm_cli_read_keys(session, data, &keys, &fault) != PRM_EXIT_GOOD)
		return;
	conflict->key_known = keys.complete;
	while (prm_keys_next(&keys, &key)) {
		conflict->key_there |= key == out->key;
		conflict->victim_there |= key == out->new_key;
	}
}

void prm_cli_conflict_ask(struct prm_cli_session *session,
			  const struct prm_cli_arguments *arguments,
			  struct prm_cli_conflict *conflict)
{
	struct prm_cli_fault fault;

	memset(conflict, 0, sizeof(*conflict));
	if (prm_cli_read_reservation(session, &conflict->reservation, &fault) !=
	    PRM_EXIT_GOOD)
		return;
	conflict->known = true;
	if (conflict->reservation.held &&
	    !prm_pr_type_is_all_registrants(conflict->reservation.type))
		find_holder(session, conflict);
	find_keys(session, &arguments->out, conflict);
}

static void advise_on_holder(const struct prm_cli_conflict *conflict,
			     struct prm_cli_fault *fault)
{
	const struct prm_reservation *held = &conflict->reservation;

	if (!held->held)
		prm_cli_fault_advise(fault, "nothing is reserved now");
	else if (prm_pr_type_is_all_registrants(held->type))
		prm_cli_fault_advise(fault,
				     "held by every registrant, %s (type %u)",
				     prm_pr_type_name(held->type), held->type);
	else
		prm_cli_fault_advise(
			fault, "held by " PRM_KEY_FORMAT "%s%s, %s (type %u)",
			held->key, *conflict->initiator ? " of " : "",
			conflict->initiator, prm_pr_type_name(held->type),
			held->type);
}

static void advise_on_own_key(const struct prm_cli_conflict *conflict,
			      const struct prm_cli_arguments *arguments,
			      struct prm_cli_fault *fault)
{
	uint64_t key = arguments->out.key;

	if (key == 0 && arguments->command->action == PRM_PR_OUT_REGISTER)
		prm_cli_fault_advise(fault,
				     "this path is registered already: give "
				     "its key with --key, or use "
				     "register-ignore");
	else if (!conflict->key_there)
		prm_cli_fault_advise(fault,
				     PRM_KEY_FORMAT
				     " is not registered; see prmctl register",
				     key);
	else if (!conflict->reservation.held)
		prm_cli_fault_advise(fault,
				     PRM_KEY_FORMAT
				     " is registered, but not by this path",
				     key);
}

void prm_cli_conflict_advise(const struct prm_cli_conflict *conflict,
			     const struct prm_cli_arguments *arguments,
			     struct prm_cli_fault *fault)
{
	if (!conflict->known) {
		prm_cli_fault_advise(fault, "the device does not tell who is "
					    "in the way");
		return;
	}
	advise_on_holder(conflict, fault);
	if (!conflict->key_known)
		return;
	/* Whoever fences has to know that there is nobody to be fenced. */
	if (conflict->key_there && !conflict->victim_there &&
	    arguments->out.new_key && prm_cli_conflict_has_victim(arguments))
		prm_cli_fault_advise(fault,
				     "--victim " PRM_KEY_FORMAT
				     " is not registered",
				     arguments->out.new_key);
	else
		advise_on_own_key(conflict, arguments, fault);
}
