/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Commands through libprmanager, for tests in Python.
 *
 *	pr-client MANAGER DEVICE MODE
 *
 * MODE is how DEVICE is opened: r or rw.  Each line of input is a command, each
 * line of output its outcome:
 *
 *	in ACTION LENGTH		status 00 data 00..
 *	out ACTION TYPE KEY NEW-KEY	status 02 sense 0b/00/06
 *	connected			yes, or no
 *
 * Instead of a status there may be an error: "error ENOTCONN".
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <prmanager/prmanager.h>

static struct prm_manager *manager;
static int device;
static uint8_t data[65536];

static void put_be64(uint8_t *bytes, uint64_t value)
{
	int i;

	for (i = 0; i < 8; i++)
		bytes[i] = (uint8_t)(value >> (56 - 8 * i));
}

static void run(struct prm_command *command)
{
	struct prm_reply reply = PRM_REPLY_INIT;
	size_t i;
	int r;

	command->cdb_len = 10;
	command->cdb[7] = (uint8_t)(command->data_len >> 8);
	command->cdb[8] = (uint8_t)command->data_len;
	command->data = data;
	r = prm_manager_run(manager, device, command, &reply);
	if (r < 0) {
		printf("error %s\n", strerrorname_np(-r));
		return;
	}
	printf("status %02x", (unsigned int)reply.status);
	if (reply.sense_len)
		printf(" sense %02x/%02x/%02x", reply.sense[2] & 0x0f,
		       reply.sense[12], reply.sense[13]);
	if (reply.data_len)
		printf(" data ");
	for (i = 0; i < reply.data_len; i++)
		printf("%02x", data[i]);
	printf("\n");
}

static void handle(const char *line)
{
	struct prm_command command = PRM_COMMAND_INIT;
	unsigned int action, type;
	uint64_t key, new_key;

	memset(data, 0, sizeof(data));
	if (sscanf(line, "in %u %zu", &action, &command.data_len) == 2) {
		command.cdb[0] = 0x5e;
		command.cdb[1] = (uint8_t)action;
		run(&command);
	} else if (sscanf(line, "out %u %u %" SCNx64 " %" SCNx64, &action,
			  &type, &key, &new_key) == 4) {
		command.cdb[0] = 0x5f;
		command.cdb[1] = (uint8_t)action;
		command.cdb[2] = (uint8_t)type;
		put_be64(data, key);
		put_be64(data + 8, new_key);
		command.data_len = 24;
		run(&command);
	} else if (!strncmp(line, "connected", 9)) {
		printf("%s\n",
		       prm_manager_is_connected(manager) ? "yes" : "no");
	} else {
		printf("what?\n");
	}
	fflush(stdout);
}

int main(int argc, char **argv)
{
	char line[256], *error = NULL;

	if (argc != 4)
		return 2;
	device = open(argv[2], (argv[3][1] ? O_RDWR : O_RDONLY) | O_CLOEXEC);
	if (device < 0) {
		perror(argv[2]);
		return 1;
	}
	if (prm_manager_new(argv[1], &manager, &error) < 0) {
		fprintf(stderr, "%s\n", error);
		free(error);
		return 1;
	}
	while (fgets(line, sizeof(line), stdin))
		handle(line);
	(void)prm_manager_unref(manager);
	(void)close(device);
	return 0;
}
