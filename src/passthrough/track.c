/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Remembering what a guest has.
 *
 * Only commands that the device has carried out count: GOOD, or CHECK CONDITION
 * with RECOVERED ERROR.  What each leaves behind is SPC-4, 5.13.  Two things
 * cannot be told from the command: what a PREEMPT has brought about depends on
 * who held what, so the device is asked afterwards; and that another initiator
 * has taken everything away comes as a unit attention, on any command.
 *
 * An unregistered guest holds nothing, which also settles the types of which
 * every registrant is a holder.
 */
#include <errno.h>
#include <string.h>
#include "base/cursor.h"
#include "passthrough/track.h"
#include "scsi/cdb.h"
#include "scsi/pr_in.h"
#include "scsi/sense.h"

/* Where a parameter list has its SERVICE ACTION RESERVATION KEY and UNREG. */
#define NEW_KEY_AT 8
#define UNREG_AT   17
#define UNREG_BIT  0x02

static bool decode_sense(const struct prm_reply *reply,
			 struct prm_sense *ret_sense)
{
	return reply->status == PRM_STATUS_CHECK_CONDITION &&
	       !prm_sense_decode(reply->sense, reply->sense_len, ret_sense) &&
	       !ret_sense->deferred;
}

bool prm_track_was_executed(const struct prm_reply *reply)
{
	struct prm_sense sense;

	return reply->status == PRM_STATUS_GOOD ||
	       (decode_sense(reply, &sense) &&
		sense.key == PRM_SENSE_KEY_RECOVERED_ERROR);
}

uint32_t prm_track_attention_code(const struct prm_reply *reply)
{
	struct prm_sense sense;

	if (!decode_sense(reply, &sense) ||
	    sense.key != PRM_SENSE_KEY_UNIT_ATTENTION)
		return 0;
	return prm_sense_code(&sense);
}

static void set_key(struct prm_track *track, uint64_t key)
{
	track->key = key;
	if (!key)
		track->type = PRM_PR_TYPE_NONE;
}

static void move_away(struct prm_track *track,
		      const struct prm_command *command)
{
	const uint8_t *list = command->data;

	track->type = PRM_PR_TYPE_NONE;
	if (command->data_len > UNREG_AT && (list[UNREG_AT] & UNREG_BIT))
		track->key = 0;
}

static void learn(struct prm_track *track, const struct prm_pr_cdb *cdb,
		  const struct prm_command *command)
{
	uint64_t new_key = 0;

	if (command->data_len >= NEW_KEY_AT + sizeof(new_key))
		new_key = prm_get_be64((const uint8_t *)command->data +
				       NEW_KEY_AT);
	switch (cdb->action) {
	case PRM_PR_OUT_REGISTER:
	case PRM_PR_OUT_REGISTER_AND_IGNORE: set_key(track, new_key); break;
	case PRM_PR_OUT_RESERVE: track->type = cdb->type; break;
	case PRM_PR_OUT_RELEASE:
		if (track->type == cdb->type)
			track->type = PRM_PR_TYPE_NONE;
		break;
	case PRM_PR_OUT_CLEAR: set_key(track, 0); break;
	case PRM_PR_OUT_PREEMPT:
	case PRM_PR_OUT_PREEMPT_AND_ABORT:
		track->ask = true;
		track->ask_keys = new_key == track->key;
		break;
	case PRM_PR_OUT_REGISTER_AND_MOVE: move_away(track, command); break;
	case PRM_PR_OUT_REPLACE_LOST:
		track->key = new_key;
		track->type = cdb->type;
		break;
	default: break;
	}
}

void prm_track_out(struct prm_track *track, const struct prm_command *command,
		   int error, const struct prm_reply *reply)
{
	struct prm_pr_cdb cdb;

	if (prm_pr_cdb_decode(command->cdb, command->cdb_len, &cdb) || !cdb.out)
		return;
	if (error == -ENOTCONN || error == -EINVAL || error == -EBADF)
		return;
	if (error < 0) {
		track->uncertain = true;
		return;
	}
	if (prm_track_was_executed(reply))
		learn(track, &cdb, command);
	else
		prm_track_attention(track, reply);
}

void prm_track_attention(struct prm_track *track, const struct prm_reply *reply)
{
	switch (prm_track_attention_code(reply)) {
	case PRM_SENSE_RESERVATIONS_PREEMPTED:
	case PRM_SENSE_REGISTRATIONS_PREEMPTED: set_key(track, 0); break;
	default: break;
	}
}

void prm_track_reservation(struct prm_track *track, const void *data,
			   size_t len)
{
	struct prm_reservation reservation;

	if (prm_reservation_decode(data, len, &reservation))
		return;
	track->ask = false;
	track->type = PRM_PR_TYPE_NONE;
	if (!track->key || !reservation.held)
		return;
	if (prm_pr_type_is_all_registrants(reservation.type) ||
	    reservation.key == track->key)
		track->type = reservation.type;
}

void prm_track_keys(struct prm_track *track, const void *data, size_t len)
{
	struct prm_keys keys;
	uint64_t key;

	if (prm_keys_decode(data, len, &keys))
		return;
	track->ask_keys = false;
	while (prm_keys_next(&keys, &key)) {
		if (key == track->key)
			return;
	}
	if (keys.complete)
		set_key(track, 0);
}
