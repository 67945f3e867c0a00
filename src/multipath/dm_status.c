/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One ioctl.  libdevmapper would do the same with a library's worth of code in
 * a process that is to stay small; this interface has been stable since Linux
 * 2.6.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include "base/cleanup.h"
#include "base/fd.h"
#include "multipath/dm.h"

struct answer {
	struct dm_ioctl head;
	char room[PRM_DM_STATUS_SIZE + sizeof(struct dm_target_spec)];
};

static void free_answer(struct answer **slot)
{
	free(*slot);
}

static int ask(struct answer *answer, dev_t number)
{
	CLEANUP(prm_fd_closep) int control = -1;

	answer->head = (struct dm_ioctl){
		.version = { 4, 0, 0 },
		.data_size = sizeof(*answer),
		.data_start = offsetof(struct answer, room),
		.flags = DM_NOFLUSH_FLAG,
		.dev = number,
	};
	control = open("/dev/mapper/control", O_RDWR | O_CLOEXEC);
	if (control < 0)
		return -errno;
	return ioctl(control, DM_TABLE_STATUS, answer) < 0 ? -errno : 0;
}

int prm_dm_status(dev_t number, char ret_status[PRM_DM_STATUS_SIZE])
{
	CLEANUP(free_answer) struct answer *answer = NULL;
	struct dm_target_spec spec;
	int r;

	answer = calloc(1, sizeof(*answer));
	if (!answer)
		return -ENOMEM;
	r = ask(answer, number);
	if (r < 0)
		return r;
	if (answer->head.flags & DM_BUFFER_FULL_FLAG)
		return -ENOBUFS;
	memcpy(&spec, answer->room, sizeof(spec));
	if (answer->head.target_count != 1 ||
	    strncmp(spec.target_type, "multipath", sizeof(spec.target_type)) !=
		    0)
		return -EMEDIUMTYPE;
	answer->room[sizeof(answer->room) - 1] = '\0';
	(void)snprintf(ret_status, PRM_DM_STATUS_SIZE, "%s",
		       answer->room + sizeof(spec));
	return 0;
}
