/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Passthrough devices: opening, closing, and which way a command goes.
 *
 * PERSISTENT RESERVE IN and OUT go to the manager and nothing else does: that
 * is decided here, by the first byte, and nowhere else.  Everything else is
 * SG_IO with the rights that the program has, so that a guest can do no more
 * than the program could.
 *
 * Opening asks what the node is: a guest's disk must be a whole disk, or its
 * commands would reach beyond what the guest was given.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "backend/status.h"
#include "base/fd.h"
#include "base/lock.h"
#include "device/device.h"
#include "device/kernel.h"
#include "manager/error.h"
#include "manager/options.h"
#include "passthrough/object.h"

/* QEMU's own for passthrough, in seconds. */
#define TIMEOUT_S 30

#define THREADS     4
#define THREADS_MAX 64

static const struct prm_property properties[] = {
	{ "pr-manager", PRM_PROPERTY_STRING, true, 0, 0 },
	{ "migrate-pr", PRM_PROPERTY_BOOL, false, 0, 0 },
	{ "read-only", PRM_PROPERTY_BOOL, false, 0, 0 },
	{ "timeout", PRM_PROPERTY_NUMBER, false, 1, INT_MAX / 1000 },
	{ "threads", PRM_PROPERTY_NUMBER, false, 1, THREADS_MAX },
};

/* Take the text apart and check it. */
static int parse(const char *text, struct prm_options **ret_options,
		 char **ret_error)
{
	CLEANUP(prm_options_freep) struct prm_options *options = NULL;
	const char *kind;
	int r;

	r = prm_options_parse(text, "driver", &options, ret_error);
	if (r < 0)
		return r;
	kind = prm_options_take(options, "driver");
	if (!kind || (strcmp(kind, "scsi-block") != 0 &&
		      strcmp(kind, "scsi-generic") != 0))
		return prm_fail(ret_error, -EINVAL,
				"a passthrough device is 'scsi-block' or "
				"'scsi-generic', not '%s'",
				kind ? kind : "");
	r = prm_options_check(options, kind, properties,
			      sizeof(properties) / sizeof(properties[0]),
			      ret_error);
	if (r < 0)
		return r;
	*ret_options = steal_ptr(&options);
	return 0;
}

/* Whether the descriptor is what a device of this kind needs. */
static int inspect(int fd, const char *path, const char *kind, char **ret_error)
{
	struct prm_device_info info;
	mode_t type;
	dev_t number;
	int r;

	r = prm_device_inspect(fd, &info);
	if (r < 0)
		return prm_fail(ret_error, r,
				"%s needs a SCSI device, which '%s' is not",
				kind, path);
	r = prm_kernel()->stat(fd, &type, &number);
	if (r < 0)
		return r;
	if (!strcmp(kind, "scsi-block") && !S_ISBLK(type))
		return prm_fail(ret_error, -ENOTBLK,
				"scsi-block needs a block device, which '%s' "
				"is not; use scsi-generic for an sg node",
				path);
	if (info.kind == PRM_DEVICE_MULTIPATH)
		return 0;
	r = prm_device_verdict_fd(fd, &info);
	if (r < 0)
		return prm_fail(ret_error, r,
				"'%s' (%s) is no whole SCSI device: %s", path,
				info.name, strerror(-r));
	return 0;
}

static int find_manager(const struct prm_options *options,
			struct prm_manager **ret_manager, char **ret_error)
{
	const char *id = prm_options_string(options, "pr-manager", "");
	int r;

	r = prm_manager_lookup(id, ret_manager);
	if (r < 0)
		return prm_fail(ret_error, r,
				"property 'pr-manager': there is no manager "
				"with the id '%s'",
				id);
	return 0;
}

static void device_free(struct prm_passthrough *device)
{
	if (!device)
		return;
	(void)prm_executor_free(device->executor);
	(void)prm_executor_free(device->pr_executor);
	(void)prm_manager_unref(device->manager);
	(void)pthread_mutex_destroy(&device->order);
	(void)pthread_mutex_destroy(&device->lock);
	(void)prm_fd_close(device->fd);
	free(device);
}
DEFINE_CLEANUP(struct prm_passthrough *, device_free)

/* A device with neither descriptor nor manager yet. */
static int allocate(const struct prm_options *options,
		    struct prm_passthrough **ret_device)
{
	CLEANUP(device_freep) struct prm_passthrough *device = NULL;
	unsigned int threads;
	int r;

	device = calloc(1, sizeof(*device));
	if (!device)
		return -ENOMEM;
	device->fd = -1;
	(void)pthread_mutex_init(&device->order, NULL);
	(void)pthread_mutex_init(&device->lock, NULL);
	threads = (unsigned int)prm_options_number(options, "threads", THREADS);
	r = prm_executor_new(threads, &device->executor);
	if (r < 0)
		return r;
	r = prm_executor_new(1, &device->pr_executor);
	if (r < 0)
		return r;
	device->hides = prm_options_bool(options, "migrate-pr", false);
	device->timeout_ms = 1000 * (unsigned int)prm_options_number(
					    options, "timeout", TIMEOUT_S);
	*ret_device = steal_ptr(&device);
	return 0;
}

static int make(int *fd, const char *path, const struct prm_options *options,
		struct prm_passthrough **ret_device, char **ret_error)
{
	CLEANUP(device_freep) struct prm_passthrough *device = NULL;
	int r;

	r = allocate(options, &device);
	if (r < 0)
		return r;
	r = find_manager(options, &device->manager, ret_error);
	if (r < 0)
		return r;
	r = inspect(*fd, path, prm_options_string(options, "driver", ""),
		    ret_error);
	if (r < 0)
		return r;
	device->fd = steal_fd(fd);
	*ret_device = steal_ptr(&device);
	return 0;
}

static int open_node(const char *path, const struct prm_options *options,
		     int *ret_fd, char **ret_error)
{
	int flags = prm_options_bool(options, "read-only", false) ? O_RDONLY
								  : O_RDWR;
	int fd;

	/* Without O_NONBLOCK an sg node may wait for another's O_EXCL. */
	fd = open(path, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return prm_fail(ret_error, -errno, "cannot open '%s': %s", path,
				strerror(errno));
	*ret_fd = fd;
	return 0;
}

/* Both constructors; @path is NULL where @fd is given. */
static int construct(const char *path, int *fd, const char *text,
		     struct prm_passthrough **ret_device, char **ret_error)
{
	CLEANUP(prm_options_freep) struct prm_options *options = NULL;
	CLEANUP(prm_fd_closep) int opened = -1;
	char name[32];
	int r;

	r = parse(text, &options, ret_error);
	if (r < 0)
		return r;
	if (path) {
		r = open_node(path, options, &opened, ret_error);
		if (r < 0)
			return r;
		return make(&opened, path, options, ret_device, ret_error);
	}
	(void)snprintf(name, sizeof(name), "descriptor %d", *fd);
	return make(fd, name, options, ret_device, ret_error);
}

/* Give a failure without words the system's. */
static int finish(int result, char **error, char **ret_error)
{
	if (result < 0 && !*error)
		(void)prm_fail(error, result, "%s", strerror(-result));
	if (result < 0 && ret_error)
		*ret_error = steal_ptr(error);
	free(*error);
	return result;
}

int prm_passthrough_open(const char *path, const char *options,
			 struct prm_passthrough **ret_device, char **ret_error)
{
	char *error = NULL;

	if (!path || !options || !ret_device)
		return -EINVAL;
	return finish(construct(path, NULL, options, ret_device, &error),
		      &error, ret_error);
}

int prm_passthrough_new(int *fd, const char *options,
			struct prm_passthrough **ret_device, char **ret_error)
{
	char *error = NULL;

	if (!fd || !options || !ret_device)
		return -EINVAL;
	return finish(construct(NULL, fd, options, ret_device, &error), &error,
		      ret_error);
}

struct prm_passthrough *prm_passthrough_close(struct prm_passthrough *device)
{
	if (!device)
		return NULL;
	prm_executor_drain(device->executor);
	prm_executor_drain(device->pr_executor);
	device_free(device);
	return NULL;
}

int prm_passthrough_fd(const struct prm_passthrough *device)
{
	return device->fd;
}

void prm_reply_set_error(int error, struct prm_reply *reply)
{
	/*
	 * QEMU's guests see its own refusals as INVALID FIELD IN CDB and all
	 * else as I/O PROCESS TERMINATED; a missing helper is no dead device.
	 */
	prm_status_from_errno(reply, error == -EINVAL ? error : -EIO);
}
