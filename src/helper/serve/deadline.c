/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Deadlines of one span, first set, first passed.
 *
 * There is no timer behind them: a request would then cost the arming of one.
 * The watcher asks for the next when it has nothing else to do; and as none
 * set later can pass earlier than one span from now, it need not be woken for
 * a new one if it never sleeps for longer than that.
 */
#include "base/clock.h"
#include "helper/serve/deadline.h"

void prm_deadlines_init(struct prm_deadlines *queue, unsigned int span_ms)
{
	prm_list_init(&queue->items);
	queue->span_ns = (int64_t)span_ms * PRM_NS_PER_MS;
}

void prm_deadline_init(struct prm_deadline *deadline)
{
	prm_list_init(&deadline->link);
	deadline->due_ns = PRM_DEADLINE_NEVER;
}

bool prm_deadline_is_set(const struct prm_deadline *deadline)
{
	return !prm_list_empty(&deadline->link);
}

/*
 * Threads read the clock before they take the lock, so @now_ns can be a little
 * older than the last one's: the order of the queue is what counts, and such a
 * deadline passes no earlier than the one before it.
 */
static int64_t not_before_last(const struct prm_deadlines *queue,
			       int64_t due_ns)
{
	const struct prm_deadline *last;

	if (prm_list_empty(&queue->items))
		return due_ns;
	last = prm_container(queue->items.prev, struct prm_deadline, link);
	return due_ns > last->due_ns ? due_ns : last->due_ns;
}

void prm_deadline_set(struct prm_deadlines *queue,
		      struct prm_deadline *deadline, int64_t now_ns)
{
	prm_list_remove(&deadline->link);
	deadline->due_ns = not_before_last(queue, now_ns + queue->span_ns);
	prm_list_append(&queue->items, &deadline->link);
}

void prm_deadline_clear(struct prm_deadline *deadline)
{
	prm_list_remove(&deadline->link);
}

static struct prm_deadline *first(const struct prm_deadlines *queue)
{
	if (prm_list_empty(&queue->items))
		return NULL;
	return prm_container(prm_list_first(&queue->items), struct prm_deadline,
			     link);
}

struct prm_deadline *prm_deadlines_passed(struct prm_deadlines *queue,
					  int64_t now_ns)
{
	struct prm_deadline *deadline = first(queue);

	if (!deadline || deadline->due_ns > now_ns)
		return NULL;
	prm_deadline_clear(deadline);
	return deadline;
}

int64_t prm_deadlines_next(const struct prm_deadlines *queue)
{
	const struct prm_deadline *deadline = first(queue);

	return deadline ? deadline->due_ns : PRM_DEADLINE_NEVER;
}
