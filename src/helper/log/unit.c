/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The systemd unit that a process belongs to.
 *
 * systemd names the control group of a unit after it, so the path of the
 * group tells, without asking anybody.  The first service or scope on the way
 * down is the unit; below it are groups of the unit's own making, such as
 * libvirt's for emulator and vCPUs.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/cleanup.h"
#include "base/fd.h"
#include "helper/log/unit.h"

/* What is read of the file; one line for each of some 14 hierarchies. */
#define CGROUP_SIZE 4096

static bool ends_with(const char *text, size_t len, const char *end)
{
	size_t end_len = strlen(end);

	return len > end_len && memcmp(text + len - end_len, end, end_len) == 0;
}

static bool is_unit(const char *text, size_t len)
{
	return ends_with(text, len, ".service") ||
	       ends_with(text, len, ".scope");
}

/* Choose the component of @path that names the process best. */
static int choose(const char *path, size_t len, char name[PRM_UNIT_SIZE])
{
	const char *end = path + len;
	const char *best = NULL;
	size_t best_len = 0;

	while (path < end) {
		const char *slash = memchr(path, '/', (size_t)(end - path));
		size_t part_len = (size_t)((slash ? slash : end) - path);

		if (part_len) {
			best = path;
			best_len = part_len;
		}
		if (is_unit(path, part_len))
			break;
		path += part_len + 1;
	}
	if (!best)
		return -ENOENT;
	if (best_len >= PRM_UNIT_SIZE)
		best_len = PRM_UNIT_SIZE - 1;
	memcpy(name, best, best_len);
	name[best_len] = '\0';
	return 0;
}

/* The path in a line "ID:CONTROLLERS:PATH" of systemd's own hierarchy. */
static const char *path_of_line(const char *line, size_t len)
{
	static const char *const heads[] = { "::", ":name=systemd:" };
	const char *id_end = memchr(line, ':', len);
	size_t left;

	if (!id_end)
		return NULL;
	left = len - (size_t)(id_end - line);
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		size_t head_len = strlen(heads[i]);

		if (left >= head_len && memcmp(id_end, heads[i], head_len) == 0)
			return id_end + head_len;
	}
	return NULL;
}

int prm_unit_of_text(const char *text, size_t len, char name[PRM_UNIT_SIZE])
{
	const char *end = text + len;
	int r = -ENOENT;

	name[0] = '\0';
	while (r < 0 && text < end) {
		const char *eol = memchr(text, '\n', (size_t)(end - text));
		const char *line_end = eol ? eol : end;
		const char *path;

		path = path_of_line(text, (size_t)(line_end - text));
		if (path)
			r = choose(path, (size_t)(line_end - path), name);
		text = line_end + 1;
	}
	return r;
}

/* The kernel has this file ready in one piece (proc_single_show()). */
static ssize_t read_once(int fd, char *text, size_t size)
{
	ssize_t got;

	do
		got = read(fd, text, size);
	while (got < 0 && errno == EINTR);
	return got < 0 ? -errno : got;
}

int prm_unit_of_pid(pid_t pid, char name[PRM_UNIT_SIZE])
{
	CLEANUP(prm_fd_closep) int fd = -1;
	char path[sizeof("/proc/-2147483648/cgroup")];
	char text[CGROUP_SIZE];
	ssize_t len;

	name[0] = '\0';
	(void)snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	len = read_once(fd, text, sizeof(text));
	if (len < 0)
		return (int)len;
	return prm_unit_of_text(text, (size_t)len, name);
}
