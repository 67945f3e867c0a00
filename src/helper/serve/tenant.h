/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_HELPER_SERVE_TENANT_H
#define PRM_HELPER_SERVE_TENANT_H

/*
 * Who connects, as far as it can be told: all connections of one user from one
 * systemd unit (or control group) are one tenant's.  A virtual machine has a
 * unit of its own, which its processes cannot leave; a pid or a connection
 * costs nothing.  Connections whose unit is not known are their user's.
 *
 * What there is a limited number of, a tenant has a share of.
 *
 * Threads: no lock; the owner of the list has one. What a queue holds is the
 * closer's.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include "helper/serve/closer.h"
#include "helper/serve/list.h"

struct prm_server;

/**
 * struct prm_tenant - one who connects
 * @link:     among the others
 * @server:   whose it is
 * @uid:      effective user of its processes when they connected
 * @unit:     systemd unit or control group, owned; NULL when not known
 * @refs:     connections, and sockets that were turned away and are not closed
 * @sessions: connections that were let in, until all they left is gone
 * @queue:    what waits for its close
 */
struct prm_tenant {
	struct prm_link link;
	struct prm_server *server;
	uid_t uid;
	char *unit;
	size_t refs;
	size_t sessions;
	struct prm_closer_queue queue;
};

/**
 * prm_tenant_get() - the tenant of a connection
 * @tenants: list of all of them
 * @server:  whose they are
 * @uid:     of the connection
 * @unit:    of the connection; "" when not known
 * @share:   places of the closer's pile that a new one gets
 *
 * Return: the tenant, made if there is none, with one reference more; NULL
 * without memory.
 */
struct prm_tenant *prm_tenant_get(struct prm_link *tenants,
				  struct prm_server *server, uid_t uid,
				  const char *unit, size_t share);

/* Drop a reference; without any, the tenant is forgotten. NULL is a no-op. */
void prm_tenant_put(struct prm_tenant *tenant);

/* "uid=... unit=..." for the log, of at most @size bytes with the NUL. */
void prm_tenant_name(const struct prm_tenant *tenant, char *name, size_t size);

#endif
