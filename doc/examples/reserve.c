/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reserve a LUN for this machine: reserve SOCKET DEVICE KEY
 *
 * Exits 0 when it is reserved, 1 when the device refused, 2 when nothing was
 * done, 3 when nobody knows.
 *
 *	cc reserve.c $(pkg-config --cflags --libs prmanager)
 */
#include <endian.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <prmanager/prmanager.h>

enum { RESERVE = 1, REGISTER_AND_IGNORE = 6, WRITE_EXCLUSIVE_RO = 5 };

/* PERSISTENT RESERVE OUT; exits unless the device carried it out. */
static void pr_out(struct prm_manager *manager, int fd, uint8_t action,
		   uint8_t type, uint64_t key, uint64_t new_key)
{
	uint64_t list[3] = { htobe64(key), htobe64(new_key), 0 };
	struct prm_command command = PRM_COMMAND_INIT;
	struct prm_reply reply = PRM_REPLY_INIT;
	const uint8_t cdb[10] = { 0x5f, action, type, [8] = sizeof(list) };
	int r;

	memcpy(command.cdb, cdb, sizeof(cdb));
	command.cdb_len = sizeof(cdb);
	command.data = list;
	command.data_len = sizeof(list);
	r = prm_manager_run(manager, fd, &command, &reply);
	if (r == -ENOTCONN || r == -EINVAL || r == -EBADF)
		errx(2, "not sent: %s", strerror(-r));
	if (r < 0)
		errx(3, "nobody knows: %s", strerror(-r));
	if (reply.status != PRM_STATUS_GOOD)
		errx(1, "refused with status %02xh", (unsigned)reply.status);
}

int main(int argc, char **argv)
{
	struct prm_manager *manager;
	char options[256], *error;
	uint64_t key;
	int fd;

	if (argc != 4)
		errx(2, "usage: reserve SOCKET DEVICE KEY");
	snprintf(options, sizeof(options),
		 "pr-manager-helper,id=helper,path=%s", argv[1]);
	if (prm_manager_new(options, &manager, &error) < 0)
		errx(2, "%s", error);
	fd = open(argv[2], O_RDWR | O_CLOEXEC);
	if (fd < 0)
		err(2, "%s", argv[2]);
	key = strtoull(argv[3], NULL, 0);
	pr_out(manager, fd, REGISTER_AND_IGNORE, 0, 0, key);
	pr_out(manager, fd, RESERVE, WRITE_EXCLUSIVE_RO, key, 0);
	printf("%s is reserved\n", argv[2]);
	prm_manager_unref(manager);
	return 0;
}
