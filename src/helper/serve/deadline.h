/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_HELPER_SERVE_DEADLINE_H
#define PRM_HELPER_SERVE_DEADLINE_H

/*
 * Deadlines that all lie equally far ahead, so that the order in which they
 * are set is the order in which they pass: setting, clearing and finding the
 * next are a few stores each, however many there are.
 *
 * Threads: no lock; the owner of a queue has one.
 */

#include <stdbool.h>
#include <stdint.h>
#include "helper/serve/list.h"

/* Nothing is due, ever. */
#define PRM_DEADLINE_NEVER INT64_MAX

/**
 * struct prm_deadline - what somebody waits for
 * @link:   in its queue, while it is set
 * @due_ns: when it passes (base/clock.h)
 */
struct prm_deadline {
	struct prm_link link;
	int64_t due_ns;
};

/**
 * struct prm_deadlines - those of one kind
 * @items:   in the order in which they pass
 * @span_ns: from setting one to its passing
 */
struct prm_deadlines {
	struct prm_link items;
	int64_t span_ns;
};

/* An empty queue of deadlines @span_ms milliseconds ahead. */
void prm_deadlines_init(struct prm_deadlines *queue, unsigned int span_ms);

/* A deadline that is not set. */
void prm_deadline_init(struct prm_deadline *deadline);

/* Whether @deadline is set, and has not been taken out as passed. */
bool prm_deadline_is_set(const struct prm_deadline *deadline);

/* Let @deadline pass the queue's span after @now_ns; it is set anew if set. */
void prm_deadline_set(struct prm_deadlines *queue,
		      struct prm_deadline *deadline, int64_t now_ns);

/* Take @deadline out of its queue, if it is in one. */
void prm_deadline_clear(struct prm_deadline *deadline);

/* Take out one that has passed at @now_ns; NULL if none has. */
struct prm_deadline *prm_deadlines_passed(struct prm_deadlines *queue,
					  int64_t now_ns);

/* When the next one passes, or PRM_DEADLINE_NEVER. */
int64_t prm_deadlines_next(const struct prm_deadlines *queue);

#endif
