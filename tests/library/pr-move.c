/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A guest moves from one nexus of a real logical unit to another while a third
 * nexus fences it, clears everything, or merely registers: before each command
 * of the take-over in turn, for each kind of reservation.
 *
 *	pr-move MANAGER SOURCE TARGET THIRD
 *
 * MANAGER has the id "helper0".  Each order must end in one of the states that
 * are allowed; the first that does not is printed, and the exit status is 1.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <prmanager/prmanager.h>

#define KEY   UINT64_C(0x6775657374)
#define THIRD UINT64_C(0x7468697264)

enum { SOURCE, TARGET, OTHER, NODES };

static struct prm_manager *helper, *hook;
static const char *paths[NODES];
static int fds[NODES];

/* What happens before which command of the target. */
static void (*act)(uint8_t type);
static uint8_t act_type;
static unsigned int at, commands;
static int act_status;

static int run_hook(void *instance, int fd, const struct prm_command *command,
		    struct prm_reply *ret_reply)
{
	if (act && commands++ == at)
		act(act_type);
	return prm_manager_run(helper, fd, command, ret_reply);
}

static void put_be64(uint8_t *bytes, uint64_t value)
{
	int i;

	for (i = 0; i < 8; i++)
		bytes[i] = (uint8_t)(value >> (56 - 8 * i));
}

static uint64_t get_be64(const uint8_t *bytes)
{
	uint64_t value = 0;
	int i;

	for (i = 0; i < 8; i++)
		value = value << 8 | bytes[i];
	return value;
}

/* Run until it is no unit attention; the status. */
static int run(int node, struct prm_command *command, struct prm_reply *reply)
{
	int r;

	command->cdb_len = 10;
	do {
		r = prm_manager_run(helper, fds[node], command, reply);
		if (r < 0)
			errx(2, "%s: %s", paths[node], strerror(-r));
	} while (reply->status == PRM_STATUS_CHECK_CONDITION &&
		 (reply->sense[2] & 0x0f) == 0x06);
	return reply->status;
}

static int out(int node, uint8_t action, uint8_t type, uint64_t key,
	       uint64_t new_key)
{
	struct prm_command command = PRM_COMMAND_INIT;
	struct prm_reply reply = PRM_REPLY_INIT;
	uint8_t list[24] = { 0 };

	put_be64(list, key);
	put_be64(list + 8, new_key);
	command.cdb[0] = 0x5f;
	command.cdb[1] = action;
	command.cdb[2] = type;
	command.cdb[8] = sizeof(list);
	command.data = list;
	command.data_len = sizeof(list);
	return run(node, &command, &reply);
}

static size_t in(int node, uint8_t action, uint8_t *data, size_t room)
{
	struct prm_command command = PRM_COMMAND_INIT;
	struct prm_reply reply = PRM_REPLY_INIT;

	command.cdb[0] = 0x5e;
	command.cdb[1] = action;
	command.cdb[7] = (uint8_t)(room >> 8);
	command.cdb[8] = (uint8_t)room;
	command.data = data;
	command.data_len = room;
	if (run(node, &command, &reply) != PRM_STATUS_GOOD)
		errx(2, "%s: PERSISTENT RESERVE IN: status %02x", paths[node],
		     (unsigned int)reply.status);
	return reply.data_len;
}

static unsigned int count(uint64_t key)
{
	uint8_t data[1024];
	size_t len = in(OTHER, 0, data, sizeof(data));
	unsigned int found = 0;
	size_t place;

	for (place = 8; place + 8 <= len; place += 8)
		found += get_be64(data + place) == key;
	return found;
}

static void third_preempts(uint8_t type)
{
	act_status = out(OTHER, 4, type, THIRD, KEY);
}

static void third_clears(uint8_t type)
{
	act_status = out(OTHER, 3, 0, THIRD, 0);
}

/* No fence: the guest has nothing to do with it. */
static void third_registers(uint8_t type)
{
	(void)out(OTHER, 6, 0, 0, THIRD);
}

static const struct {
	const char *name;
	void (*act)(uint8_t type);
} acts[] = {
	{ "nothing", NULL },
	{ "preempt", third_preempts },
	{ "clear", third_clears },
	{ "register", third_registers },
};

static void reset(void)
{
	uint8_t data[8];
	int node;

	act = NULL;
	act_status = -1;
	(void)out(OTHER, 6, 0, 0, THIRD);
	(void)out(OTHER, 3, 0, THIRD, 0);
	for (node = 0; node < NODES; node++)
		(void)in(node, 0, data, sizeof(data));
	(void)out(OTHER, 6, 0, 0, THIRD);
}

static struct prm_passthrough *open_device(int node, const char *manager)
{
	struct prm_passthrough *device;
	char options[64], *error = NULL;

	snprintf(options, sizeof(options), "scsi-block,pr-manager=%s", manager);
	if (prm_passthrough_open(paths[node], options, &device, &error) < 0)
		errx(2, "%s", error);
	return device;
}

static void guest_out(struct prm_passthrough *device, uint8_t action,
		      uint8_t type, uint64_t key, uint64_t new_key)
{
	struct prm_command command = PRM_COMMAND_INIT;
	struct prm_reply reply = PRM_REPLY_INIT;
	uint8_t list[24] = { 0 };

	put_be64(list, key);
	put_be64(list + 8, new_key);
	command.cdb[0] = 0x5f;
	command.cdb[1] = action;
	command.cdb[2] = type;
	command.cdb[8] = sizeof(list);
	command.cdb_len = 10;
	command.data = list;
	command.data_len = sizeof(list);
	if (prm_passthrough_run(device, &command, &reply) < 0 || reply.status)
		errx(2, "the guest's command %u: status %02x", action,
		     (unsigned int)reply.status);
}

/* Whether the target has what the source had, and the source has nothing. */
static const char *judge_moved(uint8_t type)
{
	uint8_t data[24] = { 0 };

	if (out(TARGET, 0, 0, KEY, KEY))
		return "the target is not registered";
	if (!out(SOURCE, 0, 0, KEY, KEY))
		return "the source is registered";
	if (count(KEY) != 1)
		return "the key is not registered once";
	(void)in(OTHER, 1, data, sizeof(data));
	if (type && (data[21] & 0x0f) != type)
		return "the reservation is of another type or gone";
	if (type && get_be64(data + 8) != (type >= 7 ? 0 : KEY))
		return "another holds the reservation";
	return NULL;
}

static const char *judge(int r, uint8_t type)
{
	if (act_status == 0 && r != -ESTALE)
		return "a fence was granted, and the move was not refused";
	if (act_status == 0 && count(KEY))
		return "a fence was granted, and the key is registered";
	if (act_status != 0 && r != 0)
		return "the move failed, and there was no fence";
	return r == 0 ? judge_moved(type) : NULL;
}

/* One order; false when the move has no such command any more. */
static bool try_order(size_t which, uint8_t type, unsigned int place)
{
	struct prm_passthrough_state state = PRM_PASSTHROUGH_STATE_INIT;
	struct prm_passthrough *source, *target;
	const char *wrong;
	char *error = NULL;
	int r;

	reset();
	if (acts[which].act == third_registers)
		(void)out(OTHER, 6, 0, 0, 0);
	source = open_device(SOURCE, "helper0");
	target = open_device(TARGET, "hook");
	guest_out(source, 6, 0, 0, KEY);
	if (type)
		guest_out(source, 1, type, KEY, 0);
	prm_passthrough_export(source, &state);
	act = acts[which].act;
	act_type = type ? type : 5;
	at = place;
	commands = 0;
	r = prm_passthrough_take_over(target, &state, &error);
	act = NULL;
	wrong = judge(r, type);
	if (wrong)
		errx(1, "%s before command %u, type %u: %s (%s)",
		     acts[which].name, place, type, wrong,
		     error ? error : "no error");
	free(error);
	prm_passthrough_close(source);
	prm_passthrough_close(target);
	return commands > place;
}

static void open_all(char **argv)
{
	const struct prm_manager_class class = {
		.size = sizeof(class),
		.name = "pr-manager-hook",
		.run = run_hook,
	};
	char *error = NULL;
	int node;

	if (prm_manager_new(argv[1], &helper, &error) < 0)
		errx(2, "%s", error);
	if (prm_manager_class_register(&class) < 0 ||
	    prm_manager_new("pr-manager-hook,id=hook", &hook, &error) < 0)
		errx(2, "%s", error);
	for (node = 0; node < NODES; node++) {
		paths[node] = argv[2 + node];
		fds[node] = open(paths[node], O_RDWR | O_CLOEXEC);
		if (fds[node] < 0)
			err(2, "%s", paths[node]);
	}
}

int main(int argc, char **argv)
{
	/* None, one that has a holder, one that all registrants hold. */
	static const uint8_t types[] = { 0, 5, 7 };
	unsigned int place, orders = 0;
	size_t which, i;

	if (argc != 5)
		errx(2, "usage: pr-move MANAGER SOURCE TARGET THIRD");
	open_all(argv);
	for (which = 0; which < sizeof(acts) / sizeof(acts[0]); which++) {
		for (i = 0; i < sizeof(types); i++) {
			place = 0;
			do
				orders++;
			while (try_order(which, types[i], place++));
		}
	}
	reset();
	printf("%u orders\n", orders);
	prm_manager_unref(hook);
	prm_manager_unref(helper);
	return 0;
}
