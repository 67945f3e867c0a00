/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_HELPER_SERVE_SPELL_H
#define PRM_HELPER_SERVE_SPELL_H

/*
 * What goes wrong again and again, told twice: a line when it begins, and one
 * with a count when it has not happened for a while.  Nobody can fill the log
 * with it, and nobody who reads the log is left with a trouble that is over.
 *
 * Threads: any, but for prm_spells_init() and prm_spells_deinit().
 */

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* So long without it, and it is over. */
#define PRM_SPELL_CALM_MS 1000

/**
 * enum prm_spell - kinds of trouble
 * @PRM_SPELL_ACCEPT:   clients could not be accepted
 * @PRM_SPELL_TURNED:   clients were turned away
 * @PRM_SPELL_PAUSED:   clients were not read from for long
 * @PRM_SPELL_MEMORY:   commands were not run for want of memory
 * @PRM_SPELL_WORKERS:  workers could not be started
 */
enum prm_spell {
	PRM_SPELL_ACCEPT,
	PRM_SPELL_TURNED,
	PRM_SPELL_PAUSED,
	PRM_SPELL_MEMORY,
	PRM_SPELL_WORKERS,
	PRM_SPELL_COUNT,
};

/**
 * struct prm_spells - how often each has happened lately
 * @lock:    guards the others
 * @count:   times since it began; 0 while it is calm
 * @last_ns: the last time
 */
struct prm_spells {
	pthread_mutex_t lock;
	uint64_t count[PRM_SPELL_COUNT];
	int64_t last_ns[PRM_SPELL_COUNT];
};

/* All is calm. */
void prm_spells_init(struct prm_spells *spells);

/* Release what prm_spells_init() set up; nothing is logged. */
void prm_spells_deinit(struct prm_spells *spells);

/**
 * prm_spell_begins() - it has happened
 * @spells: all
 * @spell:  which
 * @now_ns: the time
 *
 * Return: whether this is the first time, to be logged by the caller, who then
 * sees to it that somebody comes to prm_spells_look() in time.
 */
bool prm_spell_begins(struct prm_spells *spells, enum prm_spell spell,
		      int64_t now_ns);

/* It has not ended yet, even if it does not happen again; any number. */
void prm_spell_lasts(struct prm_spells *spells, enum prm_spell spell,
		     int64_t now_ns);

/* Log what is over at @now_ns. */
void prm_spells_look(struct prm_spells *spells, int64_t now_ns);

/* When something may be over; PRM_DEADLINE_NEVER while all is calm. */
int64_t prm_spells_next(struct prm_spells *spells);

#endif
