/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The preload library of prmctl run: an ioctl(2) that sends PERSISTENT RESERVE
 * IN and OUT through a manager and leaves everything else to the next ioctl().
 *
 * The program must not notice.  So the header is filled in as the kernel does,
 * bad addresses give EFAULT and not a fault (the kernel copies, hence so do we,
 * see preload_memory.c), signals wait as they wait for the kernel, and no
 * cancellation strikes in between.
 *
 * Nothing is kept from one command to the next.  A program may close all
 * descriptors that it does not know, and fork, and use threads: a manager that
 * lives for one command only has no connection that could be closed, inherited
 * or fought over.  PR commands are rare; connecting costs microseconds.
 */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <scsi/sg.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/preload.h"
#include "cli/preload_memory.h"
#include "cli/spec.h"
#include "scsi/cdb.h"

#include <prmanager/manager.h>

/* driver_status of the kernel when there is sense data. */
#define DRIVER_SENSE 0x08

/* The kernel's limit on scatter lists. */
#define IOVEC_MAX 1024

/*
 * The kernel gives a command to a block device seven seconds at least
 * (BLK_MIN_SG_TIMEOUT), and there are programs that ask for a millisecond.
 */
#define TIMEOUT_MS_MIN 7000

/* What the kernel makes of interface_id in an sg_io_hdr of version 3. */
#define VERSION_3 'S'

typedef int (*ioctl_function)(int fd, unsigned long request, ...);

static ioctl_function next_ioctl;

/* Whether this thread is inside: pr-manager-scsi calls ioctl(), too. */
static __thread bool inside;

/* Text of the manager's options, copied before anybody changes environ. */
static char manager_spec[PRM_SPEC_ROOM];

__attribute__((constructor)) static void start(void)
{
	const char *spec = getenv(PRM_PRELOAD_MANAGER);

	*(void **)&next_ioctl = dlsym(RTLD_NEXT, "ioctl");
	if (spec && strlen(spec) < sizeof(manager_spec))
		strcpy(manager_spec, spec);
}

static int pass_on(int fd, unsigned long request, void *arg)
{
	/* Other libraries' constructors may come before ours. */
	if (!next_ioctl)
		return (int)syscall(SYS_ioctl, fd, request, arg);
	return next_ioctl(fd, request, arg);
}

/* A command on its way: everything of the program's, copied. */
struct job {
	struct sg_io_hdr hdr;
	struct prm_pr_cdb cdb;
	struct prm_command command;
	struct prm_reply reply;
	struct sg_iovec *iov; /* owned */
	size_t iov_count;
	size_t room; /* bytes of the program's that may be moved */
	uint8_t data[PRM_DATA_SIZE];
};

static void job_free(struct job *job)
{
	if (!job)
		return;
	free(job->iov);
	free(job);
}
DEFINE_CLEANUP(struct job *, job_free)

/* Whether it is a PERSISTENT RESERVE command in a header that we know. */
static bool is_ours(int fd, const void *arg, struct sg_io_hdr *hdr,
		    uint8_t cdb[PRM_CDB_SIZE])
{
	struct stat st;

	if (!*manager_spec || prm_copy_from(hdr, arg, sizeof(*hdr)) < 0 ||
	    hdr->interface_id != VERSION_3 || hdr->cmd_len < PRM_PR_CDB_LEN ||
	    hdr->cmd_len > PRM_CDB_SIZE)
		return false;
	memset(cdb, 0, PRM_CDB_SIZE);
	if (prm_copy_from(cdb, hdr->cmdp, hdr->cmd_len) < 0 ||
	    !prm_cdb_is_pr(cdb[0]))
		return false;
	/* The kernel has its own errors for what is no device. */
	return fstat(fd, &st) == 0 &&
	       (S_ISBLK(st.st_mode) || S_ISCHR(st.st_mode));
}

static int take_vector(struct job *job)
{
	size_t count = job->hdr.iovec_count, size;

	if (job->hdr.dxfer_len == 0)
		return 0;
	if (count > IOVEC_MAX)
		return -EINVAL;
	job->iov_count = count ? count : 1;
	size = job->iov_count * sizeof(*job->iov);
	job->iov = malloc(size);
	if (!job->iov)
		return -ENOMEM;
	if (count)
		return prm_copy_from(job->iov, job->hdr.dxferp, size);
	job->iov[0] = (struct sg_iovec){ job->hdr.dxferp, job->hdr.dxfer_len };
	return 0;
}

/* As much as both dxfer_len and the scatter list have. */
static void measure(struct job *job)
{
	size_t left = job->hdr.dxfer_len;

	for (size_t i = 0; i < job->iov_count; i++) {
		size_t part = job->iov[i].iov_len;

		left -= part < left ? part : left;
	}
	job->room = job->hdr.dxfer_len - left;
}

static int check_direction(const struct job *job)
{
	int direction = job->hdr.dxfer_direction;

	if (job->hdr.dxfer_len == 0)
		return 0;
	if (job->cdb.out)
		return direction == SG_DXFER_TO_DEV ? 0 : -EINVAL;
	return direction == SG_DXFER_FROM_DEV ||
			       direction == SG_DXFER_TO_FROM_DEV
		       ? 0
		       : -EINVAL;
}

/* Move @len bytes between our data and the program's memory. */
static int move(struct job *job, size_t len, bool to_program)
{
	size_t done = 0;

	for (size_t i = 0; i < job->iov_count && done < len; i++) {
		size_t part = job->iov[i].iov_len;
		int r;

		if (part > len - done)
			part = len - done;
		r = to_program ? prm_copy_to(job->iov[i].iov_base,
					     job->data + done, part)
			       : prm_copy_from(job->data + done,
					       job->iov[i].iov_base, part);
		if (r < 0)
			return r;
		done += part;
	}
	return 0;
}

/* 0 is the manager's own limit, as it is the kernel's. */
static unsigned int timeout_ms(unsigned int asked)
{
	return asked && asked < TIMEOUT_MS_MIN ? TIMEOUT_MS_MIN : asked;
}

/* Fill in the command. */
static int prepare(struct job *job, const uint8_t cdb[PRM_CDB_SIZE])
{
	struct prm_command *command = &job->command;
	int r;

	(void)prm_pr_cdb_decode(cdb, PRM_CDB_SIZE, &job->cdb);
	r = check_direction(job);
	if (r == 0)
		r = take_vector(job);
	if (r < 0)
		return r;
	measure(job);
	memcpy(command->cdb, cdb, PRM_CDB_SIZE);
	command->cdb_len = job->hdr.cmd_len;
	command->timeout_ms = timeout_ms(job->hdr.timeout);
	command->data = job->data;
	if (job->cdb.out) {
		/* No more than there is, and than the protocol can carry. */
		if (job->cdb.length > job->room ||
		    job->cdb.length > PRM_DATA_SIZE)
			return -EINVAL;
		command->data_len = job->cdb.length;
		return move(job, job->cdb.length, false);
	}
	if (job->cdb.length > PRM_DATA_SIZE)
		prm_put_be16(command->cdb + 7, PRM_DATA_SIZE);
	command->data_len = job->cdb.length < PRM_DATA_SIZE ? job->cdb.length
							    : PRM_DATA_SIZE;
	return 0;
}

/* A manager of the user's class for this command alone. */
static int make_manager(struct prm_manager **ret_manager)
{
	static atomic_uint counter;
	char spec[PRM_SPEC_ROOM], id[64];
	int r;

	(void)snprintf(id, sizeof(id), "prmctl-run-%d-%u", (int)getpid(),
		       atomic_fetch_add(&counter, 1));
	strcpy(spec, manager_spec);
	if (prm_spec_set(spec, "id", id) < 0)
		return -ENOTCONN;
	r = prm_manager_new(spec, ret_manager, NULL);
	if (r == -ENOMEM || r == -EMFILE || r == -ENFILE)
		return r;
	/* Whatever it is, it says that the command did not leave. */
	return r < 0 ? -ENOTCONN : 0;
}

/* What the kernel stores in the header, scsi_ioctl.c of Linux. */
static int store(struct job *job)
{
	const struct prm_reply *reply = &job->reply;
	struct sg_io_hdr *hdr = &job->hdr;
	size_t sense_len = reply->sense_len;
	size_t len = job->cdb.out ? job->cdb.length : reply->data_len;
	int r = 0;

	if (len > job->room)
		len = job->room;
	if (sense_len > hdr->mx_sb_len)
		sense_len = hdr->mx_sb_len;
	if (!hdr->sbp || reply->status != PRM_STATUS_CHECK_CONDITION)
		sense_len = 0;
	hdr->status = (unsigned char)reply->status;
	hdr->masked_status = (hdr->status >> 1) & 0x1f;
	hdr->msg_status = 0;
	hdr->host_status = 0;
	hdr->driver_status =
		hdr->status == PRM_STATUS_CHECK_CONDITION ? DRIVER_SENSE : 0;
	hdr->info = hdr->masked_status ? SG_INFO_CHECK : SG_INFO_OK;
	hdr->resid = (int)(hdr->dxfer_len - len);
	hdr->sb_len_wr = (unsigned char)sense_len;
	if (prm_copy_to(hdr->sbp, reply->sense, sense_len) < 0) {
		hdr->sb_len_wr = 0;
		r = -EFAULT;
	}
	if (!job->cdb.out && move(job, len, true) < 0)
		r = -EFAULT;
	return r;
}

static int run(struct job *job, int fd, const uint8_t cdb[PRM_CDB_SIZE])
{
	struct prm_manager *manager;
	int64_t start_ns;
	int r;

	r = prepare(job, cdb);
	if (r < 0)
		return r;
	r = make_manager(&manager);
	if (r < 0)
		return r;
	start_ns = prm_clock_ns();
	r = prm_manager_run(manager, fd, &job->command, &job->reply);
	(void)prm_manager_unref(manager);
	if (r < 0)
		return r;
	job->hdr.duration =
		(unsigned int)((prm_clock_ns() - start_ns) / PRM_NS_PER_MS);
	return store(job);
}

static int run_for_program(int fd, void *arg, const struct sg_io_hdr *hdr,
			   const uint8_t cdb[PRM_CDB_SIZE])
{
	CLEANUP(job_freep) struct job *job = calloc(1, sizeof(*job));
	int r;

	if (!job)
		return -ENOMEM;
	job->hdr = *hdr;
	job->command = (struct prm_command)PRM_COMMAND_INIT;
	job->reply = (struct prm_reply)PRM_REPLY_INIT;
	r = run(job, fd, cdb);
	/* EFAULT on data or sense does not keep the kernel from this. */
	if ((r == 0 || r == -EFAULT) &&
	    prm_copy_to(arg, &job->hdr, sizeof(job->hdr)) < 0)
		r = -EFAULT;
	return r;
}

/* The kernel's wait cannot be interrupted, and SG_IO cannot be cancelled. */
static int run_undisturbed(int fd, void *arg, const struct sg_io_hdr *hdr,
			   const uint8_t cdb[PRM_CDB_SIZE])
{
	sigset_t all, before;
	int cancel, saved = errno, r;

	(void)sigfillset(&all);
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	inside = true;
	r = run_for_program(fd, arg, hdr, cdb);
	inside = false;
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	(void)pthread_setcancelstate(cancel, NULL);
	errno = r < 0 ? -r : saved;
	return r < 0 ? -1 : 0;
}

/**
 * ioctl() - stands in for the C library's
 * @fd:      a descriptor
 * @request: what to do
 * @...:     one argument
 *
 * Return: what ioctl(2) returns.
 */
__attribute__((visibility("default"))) int ioctl(int fd, unsigned long request,
						 ...)
{
	uint8_t cdb[PRM_CDB_SIZE];
	struct sg_io_hdr hdr = { 0 };
	int saved = errno;
	va_list args;
	void *arg;

	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	if (request == SG_IO && !inside && is_ours(fd, arg, &hdr, cdb))
		return run_undisturbed(fd, arg, &hdr, cdb);
	errno = saved;
	return pass_on(fd, request, arg);
}
