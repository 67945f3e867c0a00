/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Commands that somebody else waits for.
 *
 * A job holds all that it needs: a copy of the command, a descriptor of its own
 * (the caller may close his), and a reference to the manager, so that an
 * object cannot go away with commands in it.  Each accepted job ends with
 * exactly one call of its completion, whatever becomes of the manager.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include "base/fd.h"
#include "manager/command.h"
#include "manager/object.h"

struct command_job {
	struct prm_job job; /* first: what the executor hands back */
	struct prm_manager *manager;
	int fd;
	struct prm_command command;
	prm_complete complete;
	void *opaque;
};

static void job_free(struct command_job *job)
{
	if (!job)
		return;
	(void)prm_fd_close(job->fd);
	(void)prm_manager_unref(job->manager);
	free(job);
}
DEFINE_CLEANUP(struct command_job *, job_free)

static void run_command(struct prm_job *base)
{
	CLEANUP(job_freep) struct command_job *job = (void *)base;
	struct prm_reply reply = PRM_REPLY_INIT;
	int r;

	r = prm_manager_run(job->manager, job->fd, &job->command, &reply);
	job->complete(job->opaque, r, &reply);
}

static int make_job(struct prm_manager *manager, int fd,
		    const struct prm_command *command,
		    struct command_job **ret_job)
{
	CLEANUP(job_freep) struct command_job *job = NULL;
	int r;

	job = calloc(1, sizeof(*job));
	if (!job)
		return -ENOMEM;
	job->fd = -1;
	job->job.run = run_command;
	r = prm_command_copy(command, &job->command);
	if (r < 0)
		return r;
	r = prm_command_check(&job->command, fd);
	if (r < 0)
		return r;
	job->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (job->fd < 0)
		return -errno;
	job->manager = prm_manager_ref(manager);
	*ret_job = steal_ptr(&job);
	return 0;
}

int prm_manager_execute(struct prm_manager *manager, int fd,
			const struct prm_command *command,
			prm_complete complete, void *opaque)
{
	CLEANUP(job_freep) struct command_job *job = NULL;
	int r;

	if (!manager || !complete)
		return -EINVAL;
	r = make_job(manager, fd, command, &job);
	if (r < 0)
		return r;
	if (atomic_load(&manager->deleted))
		return -ENOTCONN;
	/* To clang's analyzer, errno may be 0. NOLINTNEXTLINE */
	job->complete = complete;
	job->opaque = opaque;
	r = prm_executor_submit(manager->executor, &job->job);
	if (r < 0)
		return r;
	(void)steal_ptr(&job);
	return 0;
}

void prm_manager_drain(struct prm_manager *manager)
{
	prm_executor_drain(manager->executor);
}
