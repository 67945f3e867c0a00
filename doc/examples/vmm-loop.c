/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The skeleton of a VMM with a SCSI passthrough device.
 *
 *	vmm-loop MANAGER DEVICE-OPTIONS DEVICE
 *
 *	vmm-loop pr-manager-helper,id=helper0,path=/var/run/qemu-pr-helper.sock \
 *		 scsi-block,pr-manager=helper0,migrate-pr=on /dev/sdb
 *
 * One thread, one poll(2): commands of the guest come in, are handed over
 * without waiting, and their completions come back on a descriptor.  In place
 * of a virtio queue, the guest is a line of text for each command:
 *
 *	none CDB
 *	in   CDB LENGTH
 *	out  CDB DATA
 *
 * CDB and DATA in hexadecimal.  Each answer is a line, too, and so is each
 * change of the connection to the helper.  At the end of input the guest's
 * registration and reservation are printed as they would be sent along to the
 * host that the guest moves to.
 *
 *	cc vmm-loop.c $(pkg-config --cflags --libs prmanager)
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <prmanager/prmanager.h>

#define DATA_SIZE 65536

/* A command of the guest, from its arrival to its completion. */
struct request {
	unsigned int number;
	struct prm_command command;
	unsigned char data[DATA_SIZE];
};

struct vmm {
	struct prm_manager *manager;
	struct prm_passthrough *device;
	struct prm_queue *queue;
	char input[2 * DATA_SIZE + 64];
	size_t input_len;
	int at_end;
	unsigned int submitted, completed;
};

/* Called from the library's threads: a real VMM would wake its loop. */
static void on_event(struct prm_manager *manager, enum prm_event event,
		     int error, void *opaque)
{
	static const char *const names[] = { "", "connected", "disconnected",
					     "reconnect failed" };

	printf("%s: %s%s%s\n", prm_manager_id(manager), names[event],
	       error ? ": " : "", error ? strerror(-error) : "");
	fflush(stdout);
}

static size_t parse_hex(const char *text, unsigned char *bytes, size_t max)
{
	unsigned int byte;
	size_t len = 0;

	while (len < max && sscanf(text + 2 * len, "%2x", &byte) == 1)
		bytes[len++] = (unsigned char)byte;
	return len;
}

/* A line of the guest's; 0 if it is a command. */
static int parse(char *line, struct request *request)
{
	static const char blanks[] = " \t\n";
	char *save = NULL;
	const char *kind = strtok_r(line, blanks, &save);
	const char *cdb = strtok_r(NULL, blanks, &save);
	const char *more = strtok_r(NULL, blanks, &save);
	struct prm_command *command = &request->command;

	if (!kind || !cdb)
		return -EINVAL;
	command->data = request->data;
	command->cdb_len = parse_hex(cdb, command->cdb, PRM_CDB_SIZE);
	if (!strcmp(kind, "none")) {
		command->direction = PRM_DIRECTION_NONE;
		return 0;
	}
	if (!more)
		return -EINVAL;
	if (!strcmp(kind, "in")) {
		command->direction = PRM_DIRECTION_IN;
		command->data_len = strtoul(more, NULL, 0);
		return command->data_len <= DATA_SIZE ? 0 : -EINVAL;
	}
	command->direction = PRM_DIRECTION_OUT;
	command->data_len = parse_hex(more, request->data, DATA_SIZE);
	return strcmp(kind, "out") ? -EINVAL : 0;
}

/* What the guest gets to see of a command that has ended. */
static void answer(const struct request *request, int error,
		   const struct prm_reply *reply)
{
	struct prm_reply made_up = PRM_REPLY_INIT;
	size_t i;

	if (error < 0) {
		prm_reply_set_error(error, &made_up);
		reply = &made_up;
	}
	printf("%u: status %02x", request->number, (unsigned int)reply->status);
	if (reply->sense_len)
		printf(" sense %02x/%02x/%02x", reply->sense[2] & 0x0f,
		       reply->sense[12], reply->sense[13]);
	if (reply->data_len)
		printf(" data ");
	for (i = 0; i < reply->data_len; i++)
		printf("%02x", request->data[i]);
	printf("\n");
	fflush(stdout);
}

static void handle_line(struct vmm *vmm, char *line)
{
	struct request *request = calloc(1, sizeof(*request));
	const struct prm_command init = PRM_COMMAND_INIT;
	const struct prm_reply none = PRM_REPLY_INIT;
	int r;

	if (!request)
		abort();
	request->command = init;
	request->number = vmm->submitted++;
	r = parse(line, request);
	if (r == 0)
		r = prm_queue_submit_passthrough(vmm->queue, vmm->device,
						 &request->command, request);
	if (r == 0)
		return;
	answer(request, r, &none);
	free(request);
	vmm->completed++;
}

static void handle_input(struct vmm *vmm)
{
	size_t room = sizeof(vmm->input) - 1 - vmm->input_len;
	char *line = vmm->input, *end;
	ssize_t n;

	n = read(STDIN_FILENO, vmm->input + vmm->input_len, room);
	if (n <= 0) {
		vmm->at_end = 1;
		return;
	}
	vmm->input_len += (size_t)n;
	vmm->input[vmm->input_len] = '\0';
	while ((end = strchr(line, '\n'))) {
		*end = '\0';
		handle_line(vmm, line);
		line = end + 1;
	}
	vmm->input_len = strlen(line);
	memmove(vmm->input, line, vmm->input_len);
}

static void handle_completions(struct vmm *vmm)
{
	struct prm_completion completion = PRM_COMPLETION_INIT;
	struct request *request;

	while (prm_queue_next(vmm->queue, &completion) == 0) {
		request = completion.opaque;
		answer(request, completion.error, &completion.reply);
		free(request);
		vmm->completed++;
	}
}

static void loop(struct vmm *vmm)
{
	struct pollfd fds[2] = {
		{ .fd = prm_queue_fd(vmm->queue), .events = POLLIN },
		{ .fd = STDIN_FILENO, .events = POLLIN },
	};

	while (!vmm->at_end || vmm->completed < vmm->submitted) {
		if (poll(fds, vmm->at_end ? 1 : 2, -1) < 0 && errno != EINTR)
			return;
		if (fds[0].revents)
			handle_completions(vmm);
		if (!vmm->at_end && fds[1].revents)
			handle_input(vmm);
	}
}

static int open_all(struct vmm *vmm, char **argv)
{
	char *error = NULL;
	int r;

	r = prm_manager_new(argv[1], &vmm->manager, &error);
	if (r == 0) {
		prm_manager_set_listener(vmm->manager, on_event, vmm);
		r = prm_passthrough_open(argv[3], argv[2], &vmm->device,
					 &error);
	}
	if (r == 0)
		r = prm_queue_new(&vmm->queue);
	if (r < 0)
		fprintf(stderr, "%s\n", error ? error : strerror(-r));
	free(error);
	return r;
}

int main(int argc, char **argv)
{
	static struct vmm vmm;
	struct prm_passthrough_state state = PRM_PASSTHROUGH_STATE_INIT;
	int r;

	if (argc != 4) {
		fprintf(stderr, "usage: vmm-loop MANAGER DEVICE-OPTIONS "
				"DEVICE\n");
		return 2;
	}
	r = open_all(&vmm, argv);
	if (r == 0) {
		loop(&vmm);
		prm_passthrough_export(vmm.device, &state);
		printf("key 0x%" PRIx64 " type %d\n", state.key, state.type);
	}
	prm_queue_free(vmm.queue);
	prm_passthrough_close(vmm.device);
	prm_manager_unref(vmm.manager);
	return r == 0 ? 0 : 1;
}
