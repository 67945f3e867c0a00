/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The one idea: run(manager, device, command) -> reply; and the listener.
 *
 * A reply begins as CHECK CONDITION and is given to the caller only when the
 * class has said that it is the device's answer.
 */
#include <errno.h>
#include "base/lock.h"
#include "manager/command.h"
#include "manager/object.h"

int prm_manager_run(struct prm_manager *manager, int fd,
		    const struct prm_command *command,
		    struct prm_reply *ret_reply)
{
	struct prm_reply reply = PRM_REPLY_INIT;
	struct prm_command checked;
	int r;

	if (!manager || prm_reply_check(ret_reply) < 0 ||
	    prm_command_copy(command, &checked) < 0)
		return -EINVAL;
	r = prm_command_check(&checked, fd);
	if (r < 0)
		return r;
	if (atomic_load(&manager->deleted))
		return -ENOTCONN;
	r = manager->class->run(manager->instance, fd, &checked, &reply);
	if (r < 0)
		return r;
	prm_reply_deliver(&reply, &checked, ret_reply);
	return 0;
}

void prm_manager_interrupt(struct prm_manager *manager)
{
	manager->class->interrupt(manager->instance, false);
}

void prm_manager_set_listener(struct prm_manager *manager,
			      prm_listener listener, void *opaque)
{
	LOCK_SCOPE(&manager->listener_lock);

	manager->listener = listener;
	manager->opaque = opaque;
}

void prm_manager_notify(struct prm_manager *manager, enum prm_event event,
			int error)
{
	LOCK_SCOPE(&manager->listener_lock);

	if (manager->listener)
		manager->listener(manager, event, error, manager->opaque);
}
