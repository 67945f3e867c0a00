/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_TESTS_UNIT_HELPER_START_FOLDER_H
#define PRM_TESTS_UNIT_HELPER_START_FOLDER_H

/*
 * A folder of its own for each test, short enough for the names of sockets.
 *
 * Include after cmocka.h. Use make_folder() and remove_folder() as setup and
 * teardown, and in() for paths.
 */

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static char folder[32];

static int make_folder(void **state)
{
	(void)snprintf(folder, sizeof(folder), "/tmp/prm-start-XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static inline int remove_folder(void **state)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	while ((entry = readdir(dir)))
		if (unlinkat(dirfd(dir), entry->d_name, 0) < 0)
			(void)unlinkat(dirfd(dir), entry->d_name, AT_REMOVEDIR);
	(void)closedir(dir);
	return rmdir(folder);
}

/* The path of @name in the folder; good until the next but three. */
static inline const char *in(const char *name)
{
	static char paths[4][512];
	static unsigned int next;
	char *path = paths[next++ % 4];

	(void)snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
	return path;
}

static inline size_t files_in_folder(void)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	size_t count = 0;

	while ((entry = readdir(dir)))
		count += entry->d_name[0] != '.';
	(void)closedir(dir);
	return count;
}

/* A file with some text. */
static inline void put_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static inline void assert_file_holds(const char *path, const char *text)
{
	char buf[128] = "";
	FILE *file = fopen(path, "re");

	assert_non_null(file);
	(void)fread(buf, 1, sizeof(buf) - 1, file);
	(void)fclose(file);
	assert_string_equal(buf, text);
}

/* A socket bound to @path; it listens with @backlog unless that is negative. */
static inline int put_socket(const char *path, int type, int backlog)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	(void)snprintf(name.sun_path, sizeof(name.sun_path), "%s", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
	if (backlog >= 0)
		assert_int_equal(listen(fd, backlog), 0);
	return fd;
}

#endif
