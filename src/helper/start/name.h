/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_HELPER_START_NAME_H
#define PRM_HELPER_START_NAME_H

/* Whether a file still has the name by which it was opened. */

#include <stdbool.h>
#include <sys/stat.h>

/* Whether @one and @other describe the same file. */
static inline bool prm_same_file(const struct stat *one,
				 const struct stat *other)
{
	return one->st_dev == other->st_dev && one->st_ino == other->st_ino;
}

/* Whether @path, itself and not what a link says, leads to what @fd is. */
static inline bool prm_is_at(int fd, const char *path)
{
	struct stat ours, theirs;

	return fstat(fd, &ours) == 0 && lstat(path, &theirs) == 0 &&
	       prm_same_file(&ours, &theirs);
}

#endif
