/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One path, one helper.
 *
 * QEMU's helper unlinks whatever has the name it wants: a second one started by
 * mistake cuts off every client of the first, and a typing error removes a
 * file.  Here the name is locked, the old socket is asked whether it lives, and
 * only a socket that does not is replaced.
 *
 * Whether the name was taken from us later is told by the link count of the
 * socket file, through a descriptor opened while we could: under libvirt the
 * folder belongs to another user and cannot be searched once privileges are
 * gone.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/fd.h"
#include "helper/start/claim.h"
#include "helper/start/lock.h"
#include "helper/start/name.h"
#include "helper/start/probe.h"

/* A start takes milliseconds, or as long as somebody else is silent. */
#define LOCK_WAIT_MS 15000

struct prm_claim {
	char *path;
	struct prm_lock *lock; /* NULL once unlocked */
	struct stat stale;     /* the socket to replace; st_nlink 0 if none */
	int path_fd;           /* -1 until bound */
	int watch_fd;          /* -1 until bound, or without inotify */
};

struct prm_claim *prm_claim_free(struct prm_claim *claim)
{
	if (!claim)
		return NULL;
	prm_claim_unlock(claim);
	(void)prm_fd_close(claim->path_fd);
	(void)prm_fd_close(claim->watch_fd);
	free(claim->path);
	free(claim);
	return NULL;
}

static const char *kind_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG: return "a regular file";
	case S_IFDIR: return "a folder";
	case S_IFLNK: return "a symbolic link";
	case S_IFIFO: return "a named pipe";
	case S_IFBLK: return "a block device";
	case S_IFCHR: return "a character device";
	default: return "something else";
	}
}

static int judge(const char *path, enum prm_probe probe,
		 struct prm_fault *fault)
{
	switch (probe) {
	case PRM_PROBE_STALE: return 0;
	case PRM_PROBE_LIVE:
		return prm_fault(fault, -EADDRINUSE,
				 "a helper is serving %s already: stop that "
				 "one first, or name another path with -k",
				 path);
	case PRM_PROBE_BUSY:
		return prm_fault(fault, -EADDRINUSE,
				 "somebody has %s and takes no more clients, "
				 "perhaps a helper with too many: stop that "
				 "one first, or name another path with -k",
				 path);
	case PRM_PROBE_FOREIGN: break;
	}
	return prm_fault(fault, -EEXIST,
			 "%s is a socket of another type, in use by some other "
			 "program: name another path with -k",
			 path);
}

/* Whether the path is free or stale; the latter is noted in @claim. */
static int inspect(struct prm_claim *claim, struct prm_fault *fault)
{
	static const struct prm_probe_patience patience = PRM_PROBE_PATIENCE;
	const char *path = claim->path;
	enum prm_probe probe;
	struct stat st;
	int error;

	if (lstat(path, &st) < 0) {
		if (errno == ENOENT)
			return 0;
		return prm_fault(fault, -errno, "cannot look at %s: %s", path,
				 strerror(errno));
	}
	if (!S_ISSOCK(st.st_mode))
		return prm_fault(fault, -EEXIST,
				 "%s is %s, not a socket, and is left alone: "
				 "name another path with -k",
				 path, kind_of(st.st_mode));
	error = prm_probe(path, &patience, &probe);
	if (error == -ENOENT)
		return 0;
	if (error < 0)
		return prm_fault(fault, error,
				 "cannot tell whether a helper is serving %s: "
				 "%s",
				 path, strerror(-error));
	claim->stale = st;
	return judge(path, probe, fault);
}

/* A claim on nothing yet; NULL without memory. */
static struct prm_claim *new_claim(const char *path)
{
	struct prm_claim *claim = calloc(1, sizeof(*claim));

	if (!claim)
		return NULL;
	claim->path_fd = -1;
	claim->watch_fd = -1;
	claim->path = strdup(path);
	return claim->path ? claim : prm_claim_free(claim);
}

int prm_claim_new(const char *path, struct prm_fault *fault,
		  struct prm_claim **ret_claim)
{
	CLEANUP(prm_claim_freep) struct prm_claim *claim = new_claim(path);
	int error;

	if (!claim)
		return prm_fault(fault, -ENOMEM, "out of memory");
	error = prm_lock_new(path, LOCK_WAIT_MS, fault, &claim->lock);
	if (error < 0)
		return error;
	error = inspect(claim, fault);
	if (error < 0)
		return error;
	*ret_claim = steal_ptr(&claim);
	return 0;
}

/* Remove the stale socket, if it is still the one that was found stale. */
static int remove_stale(struct prm_claim *claim, struct prm_fault *fault)
{
	struct stat st;

	if (claim->stale.st_nlink == 0 || lstat(claim->path, &st) < 0)
		return 0;
	if (!prm_same_file(&claim->stale, &st))
		return prm_fault(fault, -EADDRINUSE,
				 "%s was replaced while pr-helper started",
				 claim->path);
	if (unlink(claim->path) < 0 && errno != ENOENT)
		return prm_fault(fault, -errno,
				 "cannot replace the stale socket %s: %s",
				 claim->path, strerror(errno));
	return 0;
}

/* An event for each change of the file's link count; -1 where not to be had. */
static int watch(const char *path)
{
	CLEANUP(prm_fd_closep)
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	if (fd < 0 ||
	    inotify_add_watch(fd, path,
			      IN_ATTRIB | IN_DELETE_SELF | IN_DONT_FOLLOW) < 0)
		return -1;
	return steal_fd(&fd);
}

int prm_claim_bind(struct prm_claim *claim,
		   const struct prm_listen_config *config,
		   struct prm_fault *fault, int *ret_listener)
{
	struct prm_listen_config here = *config;
	int error = remove_stale(claim, fault);

	if (error < 0)
		return error;
	here.path = claim->path;
	error = prm_listen(&here, ret_listener, &claim->path_fd);
	if (error == -EPERM && config->uid != (uid_t)-1)
		return prm_fault(fault, error,
				 "cannot give %s to user %u: that needs "
				 "CAP_CHOWN; start pr-helper as root, or "
				 "without --socket-owner",
				 claim->path, config->uid);
	if (error < 0)
		return prm_fault(fault, error, "cannot listen on %s: %s",
				 claim->path, strerror(-error));
	claim->watch_fd = watch(claim->path);
	return 0;
}

void prm_claim_unlock(struct prm_claim *claim)
{
	claim->lock = prm_lock_free(claim->lock);
}

int prm_claim_path_fd(const struct prm_claim *claim)
{
	return claim->path_fd;
}

int prm_claim_watch_fd(const struct prm_claim *claim)
{
	return claim->watch_fd;
}

void prm_claim_remove(struct prm_claim *claim)
{
	if (claim->path_fd < 0)
		return;
	if (!claim->lock && prm_lock_join(claim->path, &claim->lock) < 0)
		return;
	/* Else it was taken over: there is nothing of ours. */
	if (prm_is_at(claim->path_fd, claim->path))
		(void)unlink(claim->path);
	prm_claim_unlock(claim);
}
