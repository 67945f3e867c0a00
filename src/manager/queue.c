/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Completions for event loops.
 *
 * A VMM cannot have its device model called from a thread that it does not
 * know; it can poll a descriptor.  The room for a completion is taken when the
 * command is submitted, so that none can be lost for want of memory, and the
 * eventfd is readable exactly while the list is not empty: the lock is held
 * over both.
 *
 * In a child of fork(2) what was submitted is the parent's, and so are the
 * threads that would complete it: all that the child can do is let go.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "base/fd.h"
#include "base/lock.h"
#include "manager/command.h"
#include "manager/queue.h"

struct prm_queue_entry {
	struct prm_queue_entry *next;
	struct prm_queue *queue;
	void *opaque;
	int error;
	struct prm_reply reply;
};

struct prm_queue {
	pthread_mutex_t lock;
	pthread_cond_t ended;
	pid_t pid; /* whose commands these are */
	int event_fd;
	size_t outstanding;
	struct prm_queue_entry *first;
	struct prm_queue_entry **last;
};

static void init_locks(struct prm_queue *queue)
{
	(void)pthread_mutex_init(&queue->lock, NULL);
	(void)pthread_cond_init(&queue->ended, NULL);
}

int prm_queue_new(struct prm_queue **ret_queue)
{
	CLEANUP(prm_fd_closep) int fd = -1;
	struct prm_queue *queue;

	fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	queue = calloc(1, sizeof(*queue));
	if (!queue)
		return -ENOMEM;
	init_locks(queue);
	queue->pid = getpid();
	queue->last = &queue->first;
	queue->event_fd = steal_fd(&fd);
	*ret_queue = queue;
	return 0;
}

/* A thread that is not here may hold the lock, and nothing will end. */
static void notice_fork(struct prm_queue *queue)
{
	if (queue->pid == getpid())
		return;
	init_locks(queue);
	queue->first = NULL;
	queue->outstanding = 0;
}

static struct prm_queue_entry *take_locked(struct prm_queue *queue)
{
	struct prm_queue_entry *entry = queue->first;

	if (!entry)
		return NULL;
	queue->first = entry->next;
	if (!queue->first)
		queue->last = &queue->first;
	return entry;
}

struct prm_queue *prm_queue_free(struct prm_queue *queue)
{
	struct prm_queue_entry *entry;

	if (!queue)
		return NULL;
	notice_fork(queue);
	(void)pthread_mutex_lock(&queue->lock);
	while (queue->outstanding)
		(void)pthread_cond_wait(&queue->ended, &queue->lock);
	while ((entry = take_locked(queue)))
		free(entry);
	(void)pthread_mutex_unlock(&queue->lock);
	(void)prm_fd_close(queue->event_fd);
	(void)pthread_cond_destroy(&queue->ended);
	(void)pthread_mutex_destroy(&queue->lock);
	free(queue);
	return NULL;
}

int prm_queue_fd(const struct prm_queue *queue)
{
	return queue->event_fd;
}

int prm_queue_begin(struct prm_queue *queue, void *opaque,
		    struct prm_queue_entry **ret_entry)
{
	struct prm_queue_entry *entry;

	if (!queue)
		return -EINVAL;
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return -ENOMEM;
	entry->queue = queue;
	entry->opaque = opaque;
	LOCK_SCOPE(&queue->lock);
	queue->outstanding++;
	*ret_entry = entry;
	return 0;
}

static void end_locked(struct prm_queue *queue)
{
	if (--queue->outstanding == 0)
		(void)pthread_cond_broadcast(&queue->ended);
}

void prm_queue_cancel(struct prm_queue_entry *entry)
{
	struct prm_queue *queue = entry->queue;

	free(entry);
	LOCK_SCOPE(&queue->lock);
	end_locked(queue);
}

void prm_queue_complete(void *opaque, int error, const struct prm_reply *reply)
{
	struct prm_queue_entry *entry = opaque;
	struct prm_queue *queue = entry->queue;

	entry->error = error;
	entry->reply = *reply;
	entry->next = NULL;
	LOCK_SCOPE(&queue->lock);
	if (!queue->first)
		(void)eventfd_write(queue->event_fd, 1);
	*queue->last = entry;
	queue->last = &entry->next;
	end_locked(queue);
}

int prm_queue_submit(struct prm_queue *queue, struct prm_manager *manager,
		     int fd, const struct prm_command *command, void *opaque)
{
	struct prm_queue_entry *entry;
	int r;

	r = prm_queue_begin(queue, opaque, &entry);
	if (r < 0)
		return r;
	r = prm_manager_execute(manager, fd, command, prm_queue_complete,
				entry);
	if (r < 0)
		prm_queue_cancel(entry);
	return r;
}

static struct prm_queue_entry *next(struct prm_queue *queue)
{
	LOCK_SCOPE(&queue->lock);
	struct prm_queue_entry *entry = take_locked(queue);
	eventfd_t count;

	if (entry && !queue->first)
		(void)eventfd_read(queue->event_fd, &count);
	return entry;
}

int prm_queue_next(struct prm_queue *queue,
		   struct prm_completion *ret_completion)
{
	struct prm_queue_entry *entry;

	if (!queue || !ret_completion ||
	    ret_completion->size < sizeof(*ret_completion))
		return -EINVAL;
	entry = next(queue);
	if (!entry)
		return -EAGAIN;
	ret_completion->error = entry->error;
	ret_completion->opaque = entry->opaque;
	ret_completion->reply = entry->reply;
	free(entry);
	return 0;
}
