/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_PASSTHROUGH_TRACK_H
#define PRM_PASSTHROUGH_TRACK_H

/*
 * What an initiator has, learnt from its own commands and their answers.
 *
 * Threads: no shared state, no system call.
 */

#include <prmanager/command.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct prm_track - what is known
 * @key:       registered key, 0 for none
 * @type:      type of the reservation held, 0 for none
 * @uncertain: a PERSISTENT RESERVE OUT had no answer
 * @ask:       a PREEMPT was carried out; only the device knows what it did
 * @ask_keys:  and it named our own key, which some devices then drop
 */
struct prm_track {
	uint64_t key;
	uint8_t type;
	bool uncertain;
	bool ask;
	bool ask_keys;
};

/**
 * prm_track_out() - learn from a PERSISTENT RESERVE OUT
 * @track:   what is known, updated
 * @command: the command
 * @error:   what running it returned
 * @reply:   its answer, if @error is 0
 */
void prm_track_out(struct prm_track *track, const struct prm_command *command,
		   int error, const struct prm_reply *reply);

/**
 * prm_track_attention() - learn from the answer to any command
 * @track: what is known, updated: a unit attention may say that another has
 *         taken it away
 * @reply: the answer
 */
void prm_track_attention(struct prm_track *track,
			 const struct prm_reply *reply);

/**
 * prm_track_reservation() - learn from READ RESERVATION, after a PREEMPT
 * @track: what is known, updated
 * @data:  the answer
 * @len:   bytes at @data
 */
void prm_track_reservation(struct prm_track *track, const void *data,
			   size_t len);

/**
 * prm_track_keys() - learn from READ KEYS, after a PREEMPT of our own key
 * @track: what is known, updated
 * @data:  the answer
 * @len:   bytes at @data
 */
void prm_track_keys(struct prm_track *track, const void *data, size_t len);

/* Whether the device has carried the command out. */
bool prm_track_was_executed(const struct prm_reply *reply);

/* The code of a unit attention in @reply (enum prm_sense_code), else 0. */
uint32_t prm_track_attention_code(const struct prm_reply *reply);

#endif
