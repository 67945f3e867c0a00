/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Taking over what a guest has registered and reserved through another nexus.
 *
 *   check    READ KEYS, READ RESERVATION: the guest must still have it
 *   join     register the guest's key on this nexus
 *   move     PREEMPT key by key: one atomic step for the device, which makes
 *            this nexus the holder and removes the other's registration
 *   restore  what devices that read SPC to the letter dropped along the way:
 *            the preemptor's own registration where it is not the holder's
 *
 * The guest may be fenced by its cluster at any moment, by a PREEMPT of its
 * key.  A fence that was granted must hold: to register the key again
 * afterwards would bring a dead node back to life.  Hence the guest's own key
 * is used all along (one that nobody knows could not be fenced), and after each
 * step the numbers are compared: the registrations with the key, which only
 * grow by our own doing, and PRGENERATION, which counts what anybody did.  Where
 * they do not agree, or a unit attention says that we were preempted, the other
 * has won.  While the key is not registered at all a fence is refused by the
 * device, so nobody is misled in that moment either.  What cannot be told from a
 * fence (an initiator that changes its key at the wrong moment) counts as one:
 * then the move fails, and the guest has to register anew.
 *
 * Up to the move everything can be undone by unregistering; after it the other
 * side can take everything back by doing the same.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "base/lock.h"
#include "manager/error.h"
#include "passthrough/pr.h"
#include "scsi/cdb.h"
#include "scsi/names.h"
#include "scsi/pr_in.h"
#include "scsi/sense.h"

/* Unit attentions in a row: as many as there are events, then it is a fault. */
#define ATTENTIONS_MAX 16

/* A busy device gets two seconds. */
#define BUSY_MAX      20
#define BUSY_PAUSE_NS 100000000

/* How often to begin again because others registered at the same time. */
#define ROUNDS_MAX 8

/**
 * struct look - what READ KEYS said
 * @generation: PRGENERATION
 * @total:      registrations
 * @count:      those with the guest's key
 */
struct look {
	uint32_t generation;
	unsigned int total;
	unsigned int count;
};

/**
 * struct move - a take-over under way
 * @device:     where to
 * @key:        the guest's key
 * @type:       reservation to have in the end; 0 for none
 * @joined:     we registered the key on a nexus that did not have it
 * @had_key:    the nexus had the key before
 * @fenced:     a unit attention said that the registration was taken away
 * @look:       the last look at the keys
 * @ret_error:  where words go
 */
struct move {
	struct prm_passthrough *device;
	uint64_t key;
	uint8_t type;
	bool joined;
	bool had_key;
	bool fenced;
	struct look look;
	char **ret_error;
};

static int fail_fenced(const struct move *move, const char *what)
{
	return prm_fail(move->ret_error, -ESTALE,
			"key 0x%" PRIx64 " was taken away by another "
			"initiator: %s",
			move->key, what);
}

/* Whether to send a command again, after a pause if need be. */
static bool is_passing(struct move *move, const struct prm_reply *reply,
		       unsigned int *attentions, unsigned int *busy)
{
	const struct timespec pause = { 0, BUSY_PAUSE_NS };
	uint32_t code = prm_track_attention_code(reply);

	if (code == PRM_SENSE_RESERVATIONS_PREEMPTED ||
	    code == PRM_SENSE_REGISTRATIONS_PREEMPTED)
		move->fenced |= move->joined || move->had_key;
	if (code)
		return ++*attentions <= ATTENTIONS_MAX;
	if (reply->status != PRM_STATUS_BUSY &&
	    reply->status != PRM_STATUS_TASK_SET_FULL)
		return false;
	(void)nanosleep(&pause, NULL);
	return ++*busy <= BUSY_MAX;
}

/* What a device that refuses has to say. */
static int fail_refused(const struct move *move, const char *what,
			const struct prm_reply *reply)
{
	char text[PRM_SENSE_TEXT_ROOM] = "";
	struct prm_sense sense;

	if (reply->status == PRM_STATUS_CHECK_CONDITION &&
	    !prm_sense_decode(reply->sense, reply->sense_len, &sense))
		prm_sense_text(&sense, text);
	return prm_fail(move->ret_error, -EIO, "%s failed: %s%s%s", what,
			prm_status_name(reply->status), *text ? ", " : "",
			text);
}

static int fail_unanswered(const struct move *move, const char *what, int error)
{
	return prm_fail(move->ret_error, error, "%s had no answer: %s", what,
			strerror(-error));
}

/* Send until the answer is about the command itself. */
static int send_out(struct move *move, uint8_t action, uint64_t key,
		    uint64_t new_key, struct prm_reply *ret_reply)
{
	uint8_t type = move->type ? move->type : PRM_PR_TYPE_WRITE_EXCLUSIVE;
	unsigned int attentions = 0, busy = 0;
	int r;

	do {
		r = prm_pr_out(move->device, action, type, key, new_key,
			       ret_reply);
		if (r < 0)
			return fail_unanswered(
				move, prm_pr_action_name(true, action), r);
	} while (is_passing(move, ret_reply, &attentions, &busy));
	return 0;
}

static int send_in(struct move *move, uint8_t action, void *data,
		   size_t *ret_len)
{
	const char *name = prm_pr_action_name(false, action);
	struct prm_reply reply = PRM_REPLY_INIT;
	unsigned int attentions = 0, busy = 0;
	int r;

	do {
		r = prm_pr_in(move->device, action, data, &reply);
		if (r < 0)
			return fail_unanswered(move, name, r);
	} while (is_passing(move, &reply, &attentions, &busy));
	if (reply.status != PRM_STATUS_GOOD)
		return fail_refused(move, name, &reply);
	*ret_len = reply.data_len;
	return 0;
}

/* Look at the keys: PRGENERATION and registrations with the guest's key. */
static int look_at_keys(struct move *move)
{
	uint8_t data[PRM_PR_ROOM];
	struct prm_keys keys;
	uint64_t key;
	size_t len;
	int r;

	r = send_in(move, PRM_PR_IN_READ_KEYS, data, &len);
	if (r < 0)
		return r;
	if (prm_keys_decode(data, len, &keys) || !keys.complete)
		return prm_fail(move->ret_error, -EIO,
				"the device's list of keys cannot be read");
	move->look = (struct look){ .generation = keys.generation };
	while (prm_keys_next(&keys, &key)) {
		move->look.total++;
		move->look.count += key == move->key;
	}
	return 0;
}

/*
 * Whether all that happened since @before, apart from what we did ourselves,
 * was that others registered: each adds one to PRGENERATION and one key.  Our
 * own part is @steps of the one and @removed of the other.
 */
static bool only_grew(const struct move *move, const struct look *before,
		      uint32_t steps, unsigned int removed)
{
	uint32_t others = move->look.generation - before->generation - steps;

	return move->look.total + removed == before->total + others;
}

static int look_at_reservation(struct move *move,
			       struct prm_reservation *ret_reservation)
{
	uint8_t data[PRM_PR_ROOM];
	size_t len = 0;
	int r;

	r = send_in(move, PRM_PR_IN_READ_RESERVATION, data, &len);
	if (r < 0)
		return r;
	if (prm_reservation_decode(data, len, ret_reservation))
		return prm_fail(move->ret_error, -EIO,
				"the device's reservation cannot be read");
	return 0;
}

/* Whether registrants with the guest's key hold the reservation it had. */
static bool is_held(const struct move *move,
		    const struct prm_reservation *reservation)
{
	return reservation->held && reservation->type == move->type &&
	       (prm_pr_type_is_all_registrants(move->type) ||
		reservation->key == move->key);
}

/* The guest must still have what it had. */
static int check(struct move *move)
{
	struct prm_reservation reservation;
	int r;

	r = look_at_keys(move);
	if (r < 0)
		return r;
	if (!move->look.count)
		return fail_fenced(move, "it is not registered any more");
	r = look_at_reservation(move, &reservation);
	if (r < 0)
		return r;
	/* Of these types every registrant is a holder, whoever reserved. */
	if (!move->type && reservation.held &&
	    prm_pr_type_is_all_registrants(reservation.type))
		move->type = reservation.type;
	if (move->type && !is_held(move, &reservation))
		return fail_fenced(move,
				   "its reservation is not held any more");
	return 0;
}

static int register_key(struct move *move, uint8_t action, uint64_t key,
			uint64_t new_key, bool *ret_done)
{
	struct prm_reply reply = PRM_REPLY_INIT;
	int r;

	r = send_out(move, action, key, new_key, &reply);
	if (r < 0)
		return r;
	*ret_done = prm_track_was_executed(&reply);
	if (*ret_done || reply.status == PRM_STATUS_RESERVATION_CONFLICT)
		return 0;
	return fail_refused(move, prm_pr_action_name(true, action), &reply);
}

/* Undo joining; if even that fails, the error that led here says more. */
static void leave(struct move *move)
{
	char **ret_error = move->ret_error;
	bool done;

	if (!move->joined)
		return;
	move->ret_error = NULL;
	(void)register_key(move, PRM_PR_OUT_REGISTER, move->key, 0, &done);
	move->ret_error = ret_error;
	move->joined = false;
}

/*
 * Register the key.  REGISTER tells whether the nexus is registered already:
 * with the same key, because source and destination share it or by an earlier
 * attempt, or with one that nobody else needs now.
 */
static int join(struct move *move)
{
	bool done;
	int r;

	r = register_key(move, PRM_PR_OUT_REGISTER, 0, move->key, &done);
	move->joined = r == 0 && done;
	if (r < 0 || done)
		return r;
	r = register_key(move, PRM_PR_OUT_REGISTER, move->key, move->key,
			 &done);
	move->had_key = r == 0 && done;
	if (r < 0 || done)
		return r;
	r = register_key(move, PRM_PR_OUT_REGISTER_AND_IGNORE, 0, move->key,
			 &done);
	move->joined = r == 0 && done;
	if (r == 0 && !done)
		return prm_fail(move->ret_error, -EIO,
				"the device refuses to register the key");
	return r;
}

/* Check and join until nobody interfered in between. */
static int check_and_join(struct move *move)
{
	unsigned int round;
	struct look before;
	int r = 0;

	for (round = 0; round < ROUNDS_MAX; round++) {
		r = check(move);
		if (r < 0)
			return r;
		before = move->look;
		r = join(move);
		if (r < 0)
			return r;
		r = look_at_keys(move);
		if (r < 0 || move->fenced)
			break;
		if (move->look.count == before.count + move->joined ||
		    (move->joined && only_grew(move, &before, 0, 0)))
			return 0;
		leave(move);
		move->had_key = false;
	}
	leave(move);
	if (r < 0)
		return r;
	return move->fenced ? fail_fenced(move, "it was preempted")
			    : prm_fail(move->ret_error, -EBUSY,
				       "others keep registering");
}

/*
 * A command that only registrants may send was refused.  Not every device says
 * RESERVATION CONFLICT to those who are none (LIO says 02/08/00).
 */
static int fail_as_registrant(struct move *move, const char *what,
			      const struct prm_reply *reply)
{
	int r = look_at_keys(move);

	if (r < 0)
		return r;
	if (move->fenced || !move->look.count ||
	    reply->status == PRM_STATUS_RESERVATION_CONFLICT)
		return fail_fenced(move, "it was preempted or cleared");
	return fail_refused(move, what, reply);
}

static int preempt(struct move *move)
{
	struct prm_reply reply = PRM_REPLY_INIT;
	int r;

	r = send_out(move, PRM_PR_OUT_PREEMPT, move->key, move->key, &reply);
	if (r < 0)
		return r;
	if (move->fenced)
		return fail_fenced(move, "it was preempted");
	if (prm_track_was_executed(&reply))
		return 0;
	r = fail_as_registrant(move, "PREEMPT", &reply);
	leave(move);
	return r;
}

/* Have the registration back that the device dropped with the other's. */
static int restore_key(struct move *move, const struct look *before)
{
	struct look dropped = move->look;
	bool done;
	int r;

	if (!only_grew(move, before, 1, before->count))
		return fail_fenced(move, "it was preempted or cleared");
	r = register_key(move, PRM_PR_OUT_REGISTER, 0, move->key, &done);
	if (r < 0)
		return r;
	if (!done)
		return prm_fail(move->ret_error, -EIO,
				"the device refuses to register the key again");
	move->joined = true;
	r = look_at_keys(move);
	if (r < 0 || only_grew(move, &dropped, 0, 0))
		return r;
	leave(move);
	return fail_fenced(move, "all keys were cleared");
}

/* Have the reservation back that ended with its last registrant. */
static int restore_reservation(struct move *move)
{
	struct prm_reservation reservation;
	struct prm_reply reply = PRM_REPLY_INIT;
	int r;

	if (!move->type)
		return 0;
	r = look_at_reservation(move, &reservation);
	if (r < 0 || is_held(move, &reservation))
		return r;
	if (move->fenced)
		return fail_fenced(move, "it was preempted or cleared");
	if (reservation.held)
		return fail_fenced(move, "another holds the reservation");
	r = send_out(move, PRM_PR_OUT_RESERVE, move->key, 0, &reply);
	if (r < 0 || prm_track_was_executed(&reply))
		return r;
	return fail_as_registrant(move, "RESERVE", &reply);
}

/* After the PREEMPT: what was dropped comes back, what was lost is lost. */
static int restore(struct move *move, const struct look *before)
{
	int r;

	r = look_at_keys(move);
	if (r < 0)
		return r;
	if (!move->look.count && !move->fenced) {
		r = restore_key(move, before);
		if (r < 0)
			return r;
	}
	if (move->fenced)
		return fail_fenced(move, "it was preempted");
	r = restore_reservation(move);
	if (r < 0)
		return r;
	r = look_at_keys(move);
	if (r < 0)
		return r;
	if (!move->look.count || move->fenced)
		return fail_fenced(move, "it was preempted");
	return 0;
}

static int take_over(struct move *move)
{
	struct look before;
	int r;

	r = check_and_join(move);
	if (r < 0)
		return r;
	/* Source and destination are one nexus: it is all here. */
	if (move->had_key && move->look.count == 1)
		return 0;
	before = move->look;
	r = preempt(move);
	if (r < 0)
		return r;
	return restore(move, &before);
}

static int check_state(const struct prm_passthrough_state *state,
		       char **ret_error)
{
	if (!state || state->size < sizeof(*state))
		return prm_fail(ret_error, -EINVAL, "there is no state");
	if (state->type < 0 || state->type > 15 ||
	    (state->type && !prm_pr_type_is_valid((uint8_t)state->type)))
		return prm_fail(ret_error, -EINVAL,
				"there is no reservation type %d", state->type);
	if (state->type && !state->key)
		return prm_fail(ret_error, -EINVAL,
				"a reservation without a key");
	return 0;
}

static void remember(struct prm_passthrough *device,
		     const struct prm_passthrough_state *state)
{
	LOCK_SCOPE(&device->lock);

	device->track = (struct prm_track){
		.key = state->key,
		.type = (uint8_t)state->type,
	};
}

static int take_over_state(struct prm_passthrough *device,
			   const struct prm_passthrough_state *state,
			   char **ret_error)
{
	LOCK_SCOPE(&device->order);
	struct move move = { .device = device, .ret_error = ret_error };
	int r;

	r = check_state(state, ret_error);
	if (r < 0)
		return r;
	move.key = state->key;
	move.type = (uint8_t)state->type;
	if (move.key) {
		r = take_over(&move);
		if (r < 0)
			return r;
	}
	remember(device, state);
	return 0;
}

int prm_passthrough_take_over(struct prm_passthrough *device,
			      const struct prm_passthrough_state *state,
			      char **ret_error)
{
	char *error = NULL;
	int r;

	r = take_over_state(device, state, &error);
	if (r < 0 && ret_error)
		*ret_error = steal_ptr(&error);
	free(error);
	return r;
}

int prm_passthrough_export(struct prm_passthrough *device,
			   struct prm_passthrough_state *ret_state)
{
	if (!ret_state || ret_state->size < sizeof(*ret_state))
		return -EINVAL;
	LOCK_SCOPE(&device->order);
	prm_pr_ask(device);
	(void)pthread_mutex_lock(&device->lock);
	ret_state->key = device->track.key;
	ret_state->type = device->track.type;
	ret_state->uncertain = device->track.uncertain || device->track.ask ||
			       device->track.ask_keys;
	(void)pthread_mutex_unlock(&device->lock);
	return 0;
}
