/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Pieces of output that more than one command has.
 *
 * A reservation of all registrants has no single holder, and SPC has the device
 * report key 0 for it; nobody should have to know that.
 */
#include <inttypes.h>
#include <string.h>
#include "cli/print.h"
#include "scsi/cdb.h"
#include "scsi/names.h"

void prm_print_reservation_json(struct prm_json *json,
				const struct prm_reservation *reservation)
{
	if (!reservation->held) {
		prm_json_null(json, "reservation");
		return;
	}
	prm_json_begin_object(json, "reservation");
	if (prm_pr_type_is_all_registrants(reservation->type))
		prm_json_null(json, "key");
	else
		prm_json_key(json, "key", reservation->key);
	prm_json_number(json, "type", reservation->type);
	prm_json_string(json, "type-name", prm_pr_type_word(reservation->type));
	prm_json_number(json, "scope", reservation->scope);
	prm_json_end_object(json);
}

void prm_print_initiator(const struct prm_registrant *registrant,
			 char text[PRM_TRANSPORT_ID_TEXT_ROOM])
{
	struct prm_transport_id id;

	if (prm_transport_id_decode(registrant->transport_id,
				    registrant->transport_id_len,
				    &id) == PRM_DECODE_OK)
		prm_transport_id_text(&id, text);
	else
		strcpy(text, "unknown");
}

void prm_print_reservation(FILE *file,
			   const struct prm_reservation *reservation)
{
	if (!reservation->held) {
		fprintf(file, "reservation  none\n");
		return;
	}
	fprintf(file, "reservation  %s (type %u)\n",
		prm_pr_type_name(reservation->type), reservation->type);
	if (prm_pr_type_is_all_registrants(reservation->type))
		fprintf(file, "holder       every registrant\n");
	else
		fprintf(file, "holder       " PRM_KEY_FORMAT "\n",
			reservation->key);
}
