/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_HELPER_SERVE_LIST_H
#define PRM_HELPER_SERVE_LIST_H

/*
 * Doubly linked lists whose links lie inside what they link.
 *
 * A link that is in no list points at itself, so removing it once more does
 * no harm; prm_list_init() makes heads and lonely links alike.
 */

#include <stdbool.h>
#include <stddef.h>

struct prm_link {
	struct prm_link *prev;
	struct prm_link *next;
};

/* The structure of @type that has @link as its @member. */
#define prm_container(link, type, member)                                      \
	((type *)((char *)(link)-offsetof(type, member)))

/* Walk over the links of @head; the current one may be removed. */
#define prm_list_each(at, following, head)                                     \
	for (struct prm_link *at = (head)->next, *following = at->next;        \
	     at != (head); at = following, following = at->next)

/* An empty list, or a link in no list. */
static inline void prm_list_init(struct prm_link *link)
{
	link->prev = link;
	link->next = link;
}

/* Whether a head has no links, or a link is in no list. */
static inline bool prm_list_empty(const struct prm_link *link)
{
	return link->next == link;
}

/* Put @link, which is in no list, at the end of @head. */
static inline void prm_list_append(struct prm_link *head, struct prm_link *link)
{
	link->prev = head->prev;
	link->next = head;
	head->prev->next = link;
	head->prev = link;
}

/* Take @link out of its list, if it is in one. */
static inline void prm_list_remove(struct prm_link *link)
{
	link->prev->next = link->next;
	link->next->prev = link->prev;
	prm_list_init(link);
}

/* The first link of @head, which has one. */
static inline struct prm_link *prm_list_first(const struct prm_link *head)
{
	return head->next;
}

#endif
