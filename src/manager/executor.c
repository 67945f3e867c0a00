/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Threads for commands that nobody waits for.
 *
 * Each manager has an executor of its own, so that one whose device hangs
 * cannot keep another's commands waiting.  A thread is started when a job comes
 * and none is idle, up to the limit, and ends after a few idle seconds: a
 * program that runs a command an hour pays for no thread in between.
 *
 * Who ends an executor waits for its threads, so that none is left behind when
 * a program drops its last object and exits.  Only where that is a job on one
 * of those threads, that one goes on by itself and frees the executor.  A job
 * runs with all signals blocked (they are the program's business, and would
 * disturb a command).
 *
 * Draining waits for what was submitted before, not for idleness that may never
 * come: jobs carry numbers, and every thread shows the one that it is busy
 * with.
 *
 * After fork(2) the child has none of the threads, and its copies of queued
 * jobs belong to the parent; the first use in the child starts over.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include "base/lock.h"
#include "manager/executor.h"

/* How long a thread waits for the next job, in seconds. */
#define IDLE_S 5

/* A thread's place in the list of those that run a job. */
struct running {
	struct running *next;
	uint64_t number;
};

struct prm_executor {
	pthread_mutex_t lock;
	pthread_cond_t arrived; /* a job, or the end */
	pthread_cond_t ended;   /* a job has returned */
	_Atomic pid_t pid;
	unsigned int max_threads;
	unsigned int threads; /* in @ids */
	unsigned int idle;
	bool ending;
	bool orphaned; /* freed by the thread that ended it */
	struct prm_job *first;
	struct prm_job **last;
	uint64_t submitted; /* number of the last job */
	uint64_t started;   /* number of the last one taken up */
	struct running *running;
	pthread_t ids[];
};

static void init_locks(struct prm_executor *executor)
{
	pthread_condattr_t attr;

	(void)pthread_mutex_init(&executor->lock, NULL);
	(void)pthread_cond_init(&executor->ended, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&executor->arrived, &attr);
	(void)pthread_condattr_destroy(&attr);
}

static void start_over(struct prm_executor *executor)
{
	init_locks(executor);
	executor->threads = 0;
	executor->idle = 0;
	executor->first = NULL;
	executor->last = &executor->first;
	executor->submitted = 0;
	executor->started = 0;
	executor->running = NULL;
	atomic_store(&executor->pid, getpid());
}

/* Held by the first thread of a child that gets here. */
static pthread_mutex_t fork_lock = PTHREAD_MUTEX_INITIALIZER;
LOCK_OVER_FORK(fork_lock)

/* In a child of fork(2), which may have threads of its own by now. */
static void notice_fork(struct prm_executor *executor)
{
	if (atomic_load(&executor->pid) == getpid())
		return;
	LOCK_SCOPE(&fork_lock);
	if (atomic_load(&executor->pid) != getpid())
		start_over(executor);
}

int prm_executor_new(unsigned int max_threads,
		     struct prm_executor **ret_executor)
{
	struct prm_executor *executor;

	executor = calloc(1, sizeof(*executor) +
				     max_threads * sizeof(executor->ids[0]));
	if (!executor)
		return -ENOMEM;
	executor->max_threads = max_threads;
	start_over(executor);
	*ret_executor = executor;
	return 0;
}

static void release(struct prm_executor *executor)
{
	(void)pthread_cond_destroy(&executor->arrived);
	(void)pthread_cond_destroy(&executor->ended);
	(void)pthread_mutex_destroy(&executor->lock);
	free(executor);
}

/* Take a thread out of the list: true if there was one. */
static bool take_thread(struct prm_executor *executor, pthread_t *ret_id)
{
	LOCK_SCOPE(&executor->lock);

	executor->ending = true;
	(void)pthread_cond_broadcast(&executor->arrived);
	if (!executor->threads)
		return false;
	*ret_id = executor->ids[--executor->threads];
	return true;
}

struct prm_executor *prm_executor_free(struct prm_executor *executor)
{
	bool orphaned = false;
	pthread_t id;

	if (!executor)
		return NULL;
	notice_fork(executor);
	while (take_thread(executor, &id)) {
		if (pthread_equal(id, pthread_self())) {
			(void)pthread_detach(id);
			orphaned = true;
		} else {
			(void)pthread_join(id, NULL);
		}
	}
	if (orphaned)
		executor->orphaned = true;
	else
		release(executor);
	return NULL;
}

/* Wait for a job: false when it is time for the thread to end. */
static bool wait_locked(struct prm_executor *executor)
{
	struct timespec until;
	int r = 0;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += IDLE_S;
	executor->idle++;
	while (!executor->first && !executor->ending && r != ETIMEDOUT)
		r = pthread_cond_timedwait(&executor->arrived, &executor->lock,
					   &until);
	executor->idle--;
	return executor->first;
}

static struct prm_job *take_locked(struct prm_executor *executor,
				   struct running *self)
{
	struct prm_job *job = executor->first;

	executor->first = job->next;
	if (!executor->first)
		executor->last = &executor->first;
	self->number = ++executor->started;
	self->next = executor->running;
	executor->running = self;
	return job;
}

static void leave_locked(struct prm_executor *executor, struct running *self)
{
	struct running **link = &executor->running;

	while (*link != self)
		link = &(*link)->next;
	*link = self->next;
	(void)pthread_cond_broadcast(&executor->ended);
}

/* An idle thread that ends by itself is waited for by nobody. */
static void forget_self_locked(struct prm_executor *executor)
{
	unsigned int i;

	for (i = 0; i < executor->threads; i++) {
		if (!pthread_equal(executor->ids[i], pthread_self()))
			continue;
		executor->ids[i] = executor->ids[--executor->threads];
		(void)pthread_detach(pthread_self());
		return;
	}
}

static void *work(void *opaque)
{
	struct prm_executor *executor = opaque;
	struct running self;
	struct prm_job *job;
	bool orphaned;

	(void)pthread_mutex_lock(&executor->lock);
	while (executor->first || wait_locked(executor)) {
		job = take_locked(executor, &self);
		(void)pthread_mutex_unlock(&executor->lock);
		job->run(job);
		(void)pthread_mutex_lock(&executor->lock);
		leave_locked(executor, &self);
	}
	if (!executor->ending)
		forget_self_locked(executor);
	orphaned = executor->orphaned;
	(void)pthread_mutex_unlock(&executor->lock);
	if (orphaned)
		release(executor);
	return NULL;
}

/* Signals are blocked before the thread exists: it never sees one. */
static int start_locked(struct prm_executor *executor)
{
	sigset_t all, before;
	int r;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&executor->ids[executor->threads], NULL, work,
			   executor);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r)
		return -EAGAIN;
	executor->threads++;
	return 0;
}

static bool wants_thread_locked(const struct prm_executor *executor)
{
	uint64_t waiting = executor->submitted - executor->started;

	return executor->threads < executor->max_threads &&
	       waiting >= executor->idle;
}

int prm_executor_submit(struct prm_executor *executor, struct prm_job *job)
{
	notice_fork(executor);
	LOCK_SCOPE(&executor->lock);

	if (wants_thread_locked(executor) && start_locked(executor) < 0 &&
	    !executor->threads)
		return -EAGAIN;
	job->next = NULL;
	*executor->last = job;
	executor->last = &job->next;
	executor->submitted++;
	(void)pthread_cond_signal(&executor->arrived);
	return 0;
}

static bool has_pending_locked(const struct prm_executor *executor,
			       uint64_t number)
{
	const struct running *running;

	if (executor->started < number)
		return true;
	for (running = executor->running; running; running = running->next) {
		if (running->number <= number)
			return true;
	}
	return false;
}

void prm_executor_drain(struct prm_executor *executor)
{
	uint64_t number;

	notice_fork(executor);
	LOCK_SCOPE(&executor->lock);
	number = executor->submitted;
	while (has_pending_locked(executor, number))
		(void)pthread_cond_wait(&executor->ended, &executor->lock);
}
