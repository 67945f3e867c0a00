/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_SCSI_PR_OUT_H
#define PRM_SCSI_PR_OUT_H

/*
 * Parameter lists of PERSISTENT RESERVE OUT (SPC-4, 6.16.3 and 6.16.4).
 *
 * REGISTER AND MOVE has a list of its own; all other service actions share the
 * basic one, which SPEC_I_PT extends by a list of TransportIDs.
 *
 * Ownership: decoded values borrow the bytes they were decoded from.
 * Threads:   pure functions.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/cursor.h"
#include "scsi/transport_id.h"

/* Bytes of the basic list, and before the TransportID of REGISTER AND MOVE. */
#define PRM_PR_OUT_BASIC_LEN 24
#define PRM_PR_OUT_MOVE_LEN  24

/* Bytes before the TransportIDs that SPEC_I_PT announces. */
#define PRM_PR_OUT_SPEC_LEN 28

/*
 * The most TransportIDs in one list: sg_persist's limit, and
 * MPATH_MX_TIDS of libmpathpersist, which holds no more.
 */
#define PRM_PR_OUT_TRANSPORT_IDS_MAX 32

/**
 * struct prm_pr_out - a parameter list
 * @key:                  RESERVATION KEY
 * @new_key:              SERVICE ACTION RESERVATION KEY
 * @aptpl:                APTPL, persist through power loss
 * @all_target_ports:     ALL_TG_PT; false for REGISTER AND MOVE
 * @spec_i_pt:            SPEC_I_PT, TransportIDs follow; false for REGISTER AND
 *                        MOVE
 * @unreg:                UNREG; REGISTER AND MOVE only, else false
 * @relative_target_port: RELATIVE TARGET PORT IDENTIFIER; REGISTER AND MOVE
 *                        only, else 0
 * @transport_id_count:   TransportIDs in @transport_ids; exactly 1 for REGISTER
 *                        AND MOVE. Not used by the encoder
 * @transport_ids:        to take them from with prm_transport_ids_next(). Not
 *                        used by the encoder
 */
struct prm_pr_out {
	uint64_t key;
	uint64_t new_key;
	bool aptpl;
	bool all_target_ports;
	bool spec_i_pt;
	bool unreg;
	uint16_t relative_target_port;
	size_t transport_id_count;
	struct prm_reader transport_ids;
};

/**
 * prm_pr_out_decode() - take a parameter list apart and check all its lengths
 * @action:  service action; whatever is not REGISTER AND MOVE has a basic list
 * @list:    the list
 * @len:     bytes at @list, which is the parameter list length
 * @ret_out: the list
 *
 * Reserved and obsolete fields are ignored. Every TransportID is decoded once,
 * so taking them out afterwards cannot fail. Whether the flags fit the service
 * action is not judged.
 *
 * Return: PRM_DECODE_OK; PRM_DECODE_INCOMPLETE if the list ends within its
 * fixed part; PRM_DECODE_TRAILING if bytes follow its end;
 * PRM_DECODE_MALFORMED if the TransportIDs do not fit the list or one of them
 * is wrong; PRM_DECODE_TOO_LARGE above 32 TransportIDs or for one of more than
 * 256 bytes. prm_pr_out_sense() is what SPC answers. @ret_out is written on OK
 * only.
 */
enum prm_decode prm_pr_out_decode(uint8_t action, const void *list, size_t len,
				  struct prm_pr_out *ret_out);

/**
 * prm_pr_out_sense() - the sense that a refused list deserves
 * @result: of prm_pr_out_decode(), but not PRM_DECODE_OK
 *
 * Return: PRM_SENSE_PARAMETER_LIST_LENGTH_ERROR for INCOMPLETE and TRAILING,
 * PRM_SENSE_INVALID_FIELD_IN_PARAMETER_LIST for the others (SPC-4, 6.16.3).
 */
uint32_t prm_pr_out_sense(enum prm_decode result);

/**
 * prm_transport_ids_next() - take the next TransportID of a list
 * @ids:    reader over TransportIDs back to back, moved on
 * @ret_id: the port
 *
 * Return: false at the end, or where the next one is wrong; @ret_id is
 * untouched.
 */
bool prm_transport_ids_next(struct prm_reader *ids,
			    struct prm_transport_id *ret_id);

/**
 * prm_pr_out_encode() - write a parameter list
 * @action:   service action; REGISTER AND MOVE needs exactly one TransportID,
 *            the others take TransportIDs only with @out->spec_i_pt
 * @out:      the fields
 * @ids:      the TransportIDs
 * @id_count: how many
 * @list:     where to
 * @room:     bytes at @list
 * @ret_len:  bytes written, the parameter list length
 *
 * Return: 0; -EINVAL if the TransportIDs do not fit the service action;
 * -E2BIG above 32 of them; -ENOSPC if @room is too small. On failure the bytes
 * at @list are undefined.
 */
int prm_pr_out_encode(uint8_t action, const struct prm_pr_out *out,
		      const struct prm_transport_id *ids, size_t id_count,
		      void *list, size_t room, size_t *ret_len);

#endif
