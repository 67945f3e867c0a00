/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_HELPER_SERVE_NEXUS_H
#define PRM_HELPER_SERVE_NEXUS_H

/*
 * Clients that have registered through the same path.
 *
 * To the target, all clients of a host that use one path (or one multipath map)
 * are one I_T nexus: what one of them registers, the other has registered as
 * well, and neither can fence the other.  Nobody but the helper sees that there
 * are two, so the helper says so.
 *
 * It knows of the registrations that it has seen, of clients that are still
 * connected, by device number: a disk's block node and its sg node are told
 * apart, and the same LUN through another path is another nexus.
 *
 * Threads: no lock; the owner of the list has one.
 */

#include <stdbool.h>
#include "helper/serve/lane.h"
#include "helper/serve/list.h"
#include "helper/serve/request.h"

struct prm_client;

/**
 * prm_nexus_note() - note what a command has done, which was GOOD
 * @nexuses: list of all registrations
 * @client:  who sent it; connected
 * @lane:    the device
 * @request: the command and its list
 *
 * Without memory a registration is not noted.
 *
 * Return: another client that has registered there, if @client has done so just
 * now and had not before; else NULL.
 */
const struct prm_client *prm_nexus_note(struct prm_link *nexuses,
					struct prm_client *client,
					struct prm_lane_id lane,
					const struct prm_request *request);

/* Forget what @client has registered: it is connected no more. */
void prm_nexus_forget(struct prm_link *nexuses,
		      const struct prm_client *client);

#endif
