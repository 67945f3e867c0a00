/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_CLI_CONFLICT_H
#define PRM_CLI_CONFLICT_H

/* Who is in the way, when the answer is RESERVATION CONFLICT. */

#include <stdbool.h>
#include "cli/session.h"
#include "scsi/transport_id.h"

/**
 * struct prm_cli_conflict - what the device says after a conflict
 * @known:       it could be asked; the rest is 0 if not
 * @reservation: what is reserved
 * @initiator:   the holder's TransportID as text; "" if it cannot be told
 * @key_known:   the registered keys could be read too
 * @key_there:   the user's own key is among them
 * @victim_there: the key to be preempted is among them
 */
struct prm_cli_conflict {
	bool known;
	struct prm_reservation reservation;
	char initiator[PRM_TRANSPORT_ID_TEXT_ROOM];
	bool key_known;
	bool key_there;
	bool victim_there;
};

/**
 * prm_cli_conflict_ask() - ask the device who is in the way
 * @session:   the session
 * @arguments: the command line, for the user's own key and the victim's
 * @conflict:  what is known; as much as the device will tell
 */
void prm_cli_conflict_ask(struct prm_cli_session *session,
			  const struct prm_cli_arguments *arguments,
			  struct prm_cli_conflict *conflict);

/* Whether the command names a key to be preempted. */
bool prm_cli_conflict_has_victim(const struct prm_cli_arguments *arguments);

/**
 * prm_cli_conflict_advise() - say it as advice
 * @conflict:  what is known
 * @arguments: the command line
 * @fault:     the conflict's
 */
void prm_cli_conflict_advise(const struct prm_cli_conflict *conflict,
			     const struct prm_cli_arguments *arguments,
			     struct prm_cli_fault *fault);

#endif
