/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_CLI_PRINT_H
#define PRM_CLI_PRINT_H

/*
 * What devices say, for people and for programs.
 */

#include <stdint.h>
#include <stdio.h>
#include "cli/json.h"
#include "scsi/pr_in.h"
#include "scsi/transport_id.h"

/* How keys are printed everywhere, so that they can be searched for. */
#define PRM_KEY_FORMAT "0x%016" PRIx64

/**
 * prm_print_reservation_json() - member "reservation": an object or null
 * @json:        within an object
 * @reservation: the reservation
 */
void prm_print_reservation_json(struct prm_json *json,
				const struct prm_reservation *reservation);

/**
 * prm_print_initiator() - an initiator port as text
 * @registrant: whose TransportID it is
 * @text:       as prm_transport_id_text() has it; "unknown" where it cannot be
 *              decoded
 */
void prm_print_initiator(const struct prm_registrant *registrant,
			 char text[PRM_TRANSPORT_ID_TEXT_ROOM]);

/**
 * prm_print_reservation() - "none", or type and holder
 * @file:        where to
 * @reservation: the reservation
 *
 * Writes the lines "reservation" and, if there is one, "holder".
 */
void prm_print_reservation(FILE *file,
			   const struct prm_reservation *reservation);

#endif
