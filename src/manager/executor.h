/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_MANAGER_EXECUTOR_H
#define PRM_MANAGER_EXECUTOR_H

/*
 * A bounded number of threads that run jobs in the order of their arrival.
 *
 * Threads: every function may be called from any thread, jobs included unless
 * said otherwise.
 */

#include <stdint.h>
#include "base/cleanup.h"

struct prm_executor;

/**
 * struct prm_job - something to run; embedded in what it is about
 * @run:    runs the job, and may free it
 * @next:   the executor's
 */
struct prm_job {
	void (*run)(struct prm_job *job);
	struct prm_job *next;
};

/**
 * prm_executor_new() - make an executor; no thread is started yet
 * @max_threads:  the most jobs to run at a time; at least 1
 * @ret_executor: the executor, ended with prm_executor_free()
 *
 * Return: 0 or -ENOMEM.
 */
int prm_executor_new(unsigned int max_threads,
		     struct prm_executor **ret_executor);

/**
 * prm_executor_free() - let an executor end
 * @executor: the executor, or NULL; all its jobs have been run, but for one
 *            that may be calling this
 *
 * Waits for its threads to end, except for one that may be calling this.
 *
 * Return: NULL.
 */
struct prm_executor *prm_executor_free(struct prm_executor *executor);

/**
 * prm_executor_submit() - run a job on a thread of the executor
 * @executor: the executor
 * @job:      the job
 *
 * Return: 0 if it will be run; -EAGAIN if there is no thread, nor can one be
 * started: it will not.
 */
int prm_executor_submit(struct prm_executor *executor, struct prm_job *job);

/* Wait until every job submitted before has returned; not from a job. */
void prm_executor_drain(struct prm_executor *executor);

#endif
