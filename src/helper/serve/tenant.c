/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tenants: a list, since there are no more of them than connections, and they
 * are looked for when somebody connects.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "helper/serve/tenant.h"

static bool is_one(const struct prm_tenant *tenant, uid_t uid, const char *unit)
{
	return tenant->uid == uid &&
	       strcmp(tenant->unit ? tenant->unit : "", unit) == 0;
}

static struct prm_tenant *find(struct prm_link *tenants, uid_t uid,
			       const char *unit)
{
	prm_list_each(at, following, tenants)
	{
		struct prm_tenant *tenant =
			prm_container(at, struct prm_tenant, link);

		if (is_one(tenant, uid, unit))
			return tenant;
	}
	return NULL;
}

static struct prm_tenant *make(struct prm_server *server, uid_t uid,
			       const char *unit, size_t share)
{
	struct prm_tenant *tenant = calloc(1, sizeof(*tenant));

	if (!tenant)
		return NULL;
	if (unit[0]) {
		tenant->unit = strdup(unit);
		if (!tenant->unit) {
			free(tenant);
			return NULL;
		}
	}
	tenant->server = server;
	tenant->uid = uid;
	prm_list_init(&tenant->link);
	prm_closer_queue_init(&tenant->queue, share);
	return tenant;
}

struct prm_tenant *prm_tenant_get(struct prm_link *tenants,
				  struct prm_server *server, uid_t uid,
				  const char *unit, size_t share)
{
	struct prm_tenant *tenant = find(tenants, uid, unit);

	if (!tenant) {
		tenant = make(server, uid, unit, share);
		if (!tenant)
			return NULL;
		prm_list_append(tenants, &tenant->link);
	}
	tenant->refs++;
	return tenant;
}

void prm_tenant_put(struct prm_tenant *tenant)
{
	if (!tenant || --tenant->refs)
		return;
	prm_list_remove(&tenant->link);
	free(tenant->unit);
	free(tenant);
}

void prm_tenant_name(const struct prm_tenant *tenant, char *name, size_t size)
{
	(void)snprintf(name, size, "uid=%u unit=%s", (unsigned int)tenant->uid,
		       tenant->unit ? tenant->unit : "?");
}
