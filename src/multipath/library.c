/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libmpathpersist, called once.
 *
 * The library keeps process-wide state, reads its configuration when it is
 * initialised, cannot be initialised again, and ends the process's threads in
 * ways of its own.  None of that matters here: this process makes one call and
 * exits, which is also why nothing is torn down.
 */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
/* These two include nothing that they use. */
#include <mpath_cmd.h>
#include <mpath_persist.h>
#include "base/cursor.h"
#include "multipath/library.h"

/* Errors of the library's own; above that it tells of each message it sends. */
#define VERBOSE 1

_Static_assert(PRM_MPATH_SUCCESS == MPATH_PR_SUCCESS, "a value moved");
_Static_assert(PRM_MPATH_ILLEGAL_REQUEST == MPATH_PR_ILLEGAL_REQ,
	       "a value moved");
_Static_assert(PRM_MPATH_CONFLICT == MPATH_PR_RESERV_CONFLICT, "a value moved");
_Static_assert(PRM_MPATH_OTHER == MPATH_PR_OTHER, "a value moved");
_Static_assert(PRM_PR_OUT_TRANSPORT_IDS_MAX == MPATH_MX_TIDS,
	       "the library holds another number of TransportIDs");

/* What the library takes, with room for all the pointers that it may read. */
struct parameters {
	struct prout_param_descriptor *list;
	struct transportid ids[MPATH_MX_TIDS];
};

bool prm_library_carries(const struct prm_transport_id *id)
{
	return id->protocol == PRM_PROTOCOL_FCP ||
	       id->protocol == PRM_PROTOCOL_SAS ||
	       id->protocol == PRM_PROTOCOL_ISCSI;
}

bool prm_library_has_multipathd(void)
{
	int fd = mpath_connect();

	return fd >= 0 && mpath_disconnect(fd) == 0;
}

static void convert_id(const struct prm_transport_id *id,
		       struct transportid *converted)
{
	*converted = (struct transportid){
		.protocol_id = id->protocol,
		.format_code = id->format ? MPATH_WWUI_PORT_IDENTIFIER
					  : MPATH_WWUI_DEVICE_NAME,
	};
	if (id->protocol == PRM_PROTOCOL_FCP)
		prm_put_be64(converted->n_port_name, id->address);
	else if (id->protocol == PRM_PROTOCOL_SAS)
		prm_put_be64(converted->sas_address, id->address);
	else
		memcpy(converted->iscsi_name, id->name, sizeof(id->name));
}

static void convert_ids(struct prm_reader from, struct parameters *parameters)
{
	struct prout_param_descriptor *list = parameters->list;
	struct prm_transport_id id;

	while (list->num_transportid < MPATH_MX_TIDS &&
	       prm_transport_ids_next(&from, &id)) {
		uint32_t i = list->num_transportid++;

		convert_id(&id, &parameters->ids[i]);
		list->trnptid_list[i] = &parameters->ids[i];
	}
}

static int convert(const struct prm_pr_out *from, struct parameters *parameters)
{
	struct prout_param_descriptor *list;

	list = calloc(1, sizeof(*list) +
				 MPATH_MX_TIDS * sizeof(struct transportid *));
	if (!list)
		return PRM_MPATH_OTHER;
	*parameters = (struct parameters){ .list = list };
	prm_put_be64(list->key, from->key);
	prm_put_be64(list->sa_key, from->new_key);
	if (from->aptpl)
		list->sa_flags |= MPATH_F_APTPL_MASK;
	if (from->all_target_ports)
		list->sa_flags |= MPATH_F_ALL_TG_PT_MASK;
	if (from->spec_i_pt) {
		list->sa_flags |= MPATH_F_SPEC_I_PT_MASK;
		convert_ids(from->transport_ids, parameters);
	}
	return PRM_MPATH_SUCCESS;
}

int prm_library_out(int fd, const struct prm_pr_cdb *cdb,
		    const struct prm_pr_out *list)
{
	struct parameters parameters;
	int r;

	if (libmpathpersist_init())
		return PRM_MPATH_OTHER;
	r = convert(list, &parameters);
	if (r != PRM_MPATH_SUCCESS)
		return r;
	r = mpath_persistent_reserve_out(fd, cdb->action, cdb->scope, cdb->type,
					 parameters.list, 0, VERBOSE);
	free(parameters.list);
	return r;
}
