/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What goes wrong again and again, told twice. */
#include <inttypes.h>
#include "base/clock.h"
#include "base/lock.h"
#include "helper/log/log.h"
#include "helper/serve/deadline.h"
#include "helper/serve/spell.h"

#define CALM_NS (PRM_SPELL_CALM_MS * PRM_NS_PER_MS)

/* What the last line says, before the count. */
static const char *const endings[PRM_SPELL_COUNT] = {
	[PRM_SPELL_ACCEPT] = "clients are accepted again; it had failed",
	[PRM_SPELL_TURNED] = "no client is turned away any more; there were",
	[PRM_SPELL_PAUSED] = "all clients are read from again; one was not",
	[PRM_SPELL_MEMORY] = "no command lacks memory any more; it did",
	[PRM_SPELL_WORKERS] = "no worker is missing any more; it had failed",
};

void prm_spells_init(struct prm_spells *spells)
{
	*spells = (struct prm_spells){ .count = { 0 } };
	(void)pthread_mutex_init(&spells->lock, NULL);
}

void prm_spells_deinit(struct prm_spells *spells)
{
	(void)pthread_mutex_destroy(&spells->lock);
}

bool prm_spell_begins(struct prm_spells *spells, enum prm_spell spell,
		      int64_t now_ns)
{
	LOCK_SCOPE(&spells->lock);

	spells->last_ns[spell] = now_ns;
	return spells->count[spell]++ == 0;
}

void prm_spell_lasts(struct prm_spells *spells, enum prm_spell spell,
		     int64_t now_ns)
{
	LOCK_SCOPE(&spells->lock);

	if (spells->count[spell])
		spells->last_ns[spell] = now_ns;
}

void prm_spells_look(struct prm_spells *spells, int64_t now_ns)
{
	LOCK_SCOPE(&spells->lock);

	for (int i = 0; i < PRM_SPELL_COUNT; i++) {
		if (!spells->count[i] || now_ns < spells->last_ns[i] + CALM_NS)
			continue;
		prm_log(PRM_LOG_WARNING, "%s %" PRIu64 " times", endings[i],
			spells->count[i]);
		spells->count[i] = 0;
	}
}

int64_t prm_spells_next(struct prm_spells *spells)
{
	int64_t next = PRM_DEADLINE_NEVER;
	LOCK_SCOPE(&spells->lock);

	for (int i = 0; i < PRM_SPELL_COUNT; i++) {
		if (spells->count[i] && spells->last_ns[i] + CALM_NS < next)
			next = spells->last_ns[i] + CALM_NS;
	}
	return next;
}
