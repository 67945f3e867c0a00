/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_SCSI_NAMES_H
#define PRM_SCSI_NAMES_H

/*
 * Names for people and for programs, and numbers out of what people type.
 *
 * Names are static strings and never NULL, so that they can be printed.
 *
 * Threads: pure functions.
 */

#include <stdbool.h>
#include <stdint.h>

/**
 * prm_pr_action_name() - SPC's name of a service action
 * @out:    of PERSISTENT RESERVE OUT, else IN
 * @action: service action
 *
 * Return: "PREEMPT AND ABORT" or the like; "reserved service action" for those
 * that SPC does not define.
 */
const char *prm_pr_action_name(bool out, uint8_t action);

/**
 * prm_pr_type_name() - SPC's name of a reservation type
 * @type: TYPE field
 *
 * Return: "Write Exclusive, registrants only" or the like; "no type" for 0,
 * "obsolete type" or "reserved type" for the others that cannot be reserved.
 */
const char *prm_pr_type_name(uint8_t type);

/**
 * prm_pr_type_word() - a reservation type as one word
 * @type: TYPE field
 *
 * Return: "write-exclusive-registrants-only" or the like, which
 * prm_pr_type_parse() reads; "none" for 0, "reserved" for what cannot be
 * reserved.
 */
const char *prm_pr_type_word(uint8_t type);

/**
 * prm_pr_type_parse() - read a reservation type
 * @text:     SPC's number ("5"), the word of prm_pr_type_word(), SPC's name, or
 *            an abbreviation ("we", "ea", "wero" or "we-ro", "earo", "wear",
 *            "eaar"); in upper or lower case, with blanks, commas, underscores
 *            and hyphens taken for the same
 * @ret_type: the type, a valid one
 *
 * Return: 0, or -EINVAL.
 */
int prm_pr_type_parse(const char *text, uint8_t *ret_type);

/**
 * prm_status_name() - name of a SCSI status
 * @status: SCSI status code (SAM-5, 5.3.1)
 *
 * Return: "RESERVATION CONFLICT" or the like; "unknown status" for the others.
 */
const char *prm_status_name(int status);

/**
 * prm_protocol_name() - name of a transport protocol
 * @protocol: PROTOCOL IDENTIFIER, see enum prm_protocol
 *
 * Return: "iSCSI" or the like; "reserved protocol" for those that SPC does not
 * define.
 */
const char *prm_protocol_name(uint8_t protocol);

/**
 * prm_allow_commands_text() - what ALLOW COMMANDS promises
 * @value: ALLOW COMMANDS of REPORT CAPABILITIES, 0 to 7 (SPC-4, table
 *         "ALLOW COMMANDS field")
 *
 * Return: a line for people.
 */
const char *prm_allow_commands_text(uint8_t value);

#endif
