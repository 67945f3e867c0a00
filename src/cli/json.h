/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_CLI_JSON_H
#define PRM_CLI_JSON_H

/*
 * JSON (RFC 8259), written as it goes: one object on one line.
 *
 * @name is the member's name within an object, NULL within an array and for
 * the outermost object.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/**
 * struct prm_json - where to write, and whether a comma is due
 * @file:  the stream, borrowed
 * @comma: something stands before what comes next
 */
struct prm_json {
	FILE *file;
	bool comma;
};

/* Begin an object; to be ended by prm_json_end_object(). */
void prm_json_begin_object(struct prm_json *json, const char *name);

/* End the innermost object. */
void prm_json_end_object(struct prm_json *json);

/* Begin an array; to be ended by prm_json_end_array(). */
void prm_json_begin_array(struct prm_json *json, const char *name);

/* End the innermost array. */
void prm_json_end_array(struct prm_json *json);

/* A string; bytes that are not UTF-8 become U+FFFD. */
void prm_json_string(struct prm_json *json, const char *name,
		     const char *value);

/* A reservation key: a string of 0x and 16 hex digits, since JSON's numbers
 * do not have 64 bits everywhere. */
void prm_json_key(struct prm_json *json, const char *name, uint64_t value);

/* A number. */
void prm_json_number(struct prm_json *json, const char *name, uint64_t value);

/* true or false. */
void prm_json_bool(struct prm_json *json, const char *name, bool value);

/* null. */
void prm_json_null(struct prm_json *json, const char *name);

/* End the line and see that it is on its way. */
void prm_json_end_line(struct prm_json *json);

#endif
