/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_CLI_SNAPSHOT_H
#define PRM_CLI_SNAPSHOT_H

/*
 * What is registered and reserved at one moment, and what has changed since
 * another.
 *
 * Threads: no shared state.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "scsi/pr_in.h"

/* The most keys that an answer has room for. */
#define PRM_SNAPSHOT_KEYS_MAX 1023

/**
 * struct prm_snapshot - registrations and the reservation
 * @generation:  PRGENERATION
 * @keys:        in ascending order; one for each I_T nexus
 * @key_count:   how many
 * @reservation: the reservation; its generation is not used
 */
struct prm_snapshot {
	uint32_t generation;
	uint64_t keys[PRM_SNAPSHOT_KEYS_MAX];
	size_t key_count;
	struct prm_reservation reservation;
};

/**
 * enum prm_change_kind - kinds of changes
 */
enum prm_change_kind {
	PRM_CHANGE_GENERATION,
	PRM_CHANGE_UNREGISTERED,
	PRM_CHANGE_REGISTERED,
	PRM_CHANGE_RELEASED,
	PRM_CHANGE_RESERVED,
};

/**
 * struct prm_change - a change
 * @kind:       what kind
 * @key:        of (UN)REGISTERED
 * @generation: the new one
 * @before:     the old snapshot
 * @after:      the new one
 */
struct prm_change {
	enum prm_change_kind kind;
	uint64_t key;
	uint32_t generation;
	const struct prm_snapshot *before;
	const struct prm_snapshot *after;
};

/**
 * prm_snapshot_set_keys() - take the keys out of an answer
 * @snapshot: gets keys and generation
 * @keys:     from prm_keys_decode(), moved to its end
 */
void prm_snapshot_set_keys(struct prm_snapshot *snapshot,
			   struct prm_keys *keys);

/**
 * prm_snapshot_compare() - tell what has changed
 * @before: the old snapshot
 * @after:  the new one
 * @tell:   called for each change, in the order of enum prm_change_kind
 * @opaque: passed to @tell
 */
void prm_snapshot_compare(const struct prm_snapshot *before,
			  const struct prm_snapshot *after,
			  void (*tell)(const struct prm_change *change,
				       void *opaque),
			  void *opaque);

#endif
