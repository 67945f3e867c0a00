/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Snapshots of registrations and reservation.
 *
 * READ KEYS has one entry for each I_T nexus in no particular order, and hosts
 * with several paths register the same key on each.  So keys are a multiset:
 * sorted, and compared by walking along both.
 */
#include <stdlib.h>
#include "cli/snapshot.h"

static int compare_keys(const void *a, const void *b)
{
	uint64_t one = *(const uint64_t *)a, other = *(const uint64_t *)b;

	return (one > other) - (one < other);
}

void prm_snapshot_set_keys(struct prm_snapshot *snapshot, struct prm_keys *keys)
{
	size_t count = 0;

	snapshot->generation = keys->generation;
	while (count < PRM_SNAPSHOT_KEYS_MAX &&
	       prm_keys_next(keys, &snapshot->keys[count]))
		count++;
	snapshot->key_count = count;
	qsort(snapshot->keys, count, sizeof(snapshot->keys[0]), compare_keys);
}

struct teller {
	void (*tell)(const struct prm_change *change, void *opaque);
	void *opaque;
	struct prm_change change;
};

static void tell(struct teller *teller, enum prm_change_kind kind, uint64_t key)
{
	teller->change.kind = kind;
	teller->change.key = key;
	teller->tell(&teller->change, teller->opaque);
}

/* Each key that @some has more often than @others. */
static void tell_surplus(struct teller *teller, enum prm_change_kind kind,
			 const struct prm_snapshot *some,
			 const struct prm_snapshot *others)
{
	size_t i = 0, j = 0;

	while (i < some->key_count) {
		if (j == others->key_count || some->keys[i] < others->keys[j])
			tell(teller, kind, some->keys[i++]);
		else if (some->keys[i] == others->keys[j])
			i++, j++;
		else
			j++;
	}
}

static bool same_reservation(const struct prm_reservation *a,
			     const struct prm_reservation *b)
{
	return a->held == b->held && a->key == b->key && a->type == b->type &&
	       a->scope == b->scope;
}

void prm_snapshot_compare(const struct prm_snapshot *before,
			  const struct prm_snapshot *after,
			  void (*tell_change)(const struct prm_change *change,
					      void *opaque),
			  void *opaque)
{
	struct teller teller = {
		.tell = tell_change,
		.opaque = opaque,
		.change = { .generation = after->generation,
			    .before = before,
			    .after = after },
	};

	if (before->generation != after->generation)
		tell(&teller, PRM_CHANGE_GENERATION, 0);
	tell_surplus(&teller, PRM_CHANGE_UNREGISTERED, before, after);
	tell_surplus(&teller, PRM_CHANGE_REGISTERED, after, before);
	if (same_reservation(&before->reservation, &after->reservation))
		return;
	if (before->reservation.held && !after->reservation.held)
		tell(&teller, PRM_CHANGE_RELEASED, 0);
	if (after->reservation.held)
		tell(&teller, PRM_CHANGE_RESERVED, 0);
}
