/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A logical unit with persistent reservations, after SPC-4, 5.9.
 *
 * Nexuses are slots of a table: a key of 0 is no registration.  A nexus has
 * one unit attention at most, the latest; it is reported by its next command.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "base/cursor.h"
#include "lu.h"

#define LU_MAX 16

enum {
	GOOD = 0x00,
	CHECK_CONDITION = 0x02,
	RESERVATION_CONFLICT = 0x18,
};

enum {
	INVALID_FIELD_IN_CDB = 0x052400,
	INVALID_FIELD_IN_LIST = 0x052600,
	INVALID_RELEASE = 0x052604,
	LIST_LENGTH_ERROR = 0x051a00,
	INVALID_OPCODE = 0x052000,
	RESERVATIONS_PREEMPTED = 0x062a03,
	RESERVATIONS_RELEASED = 0x062a04,
	REGISTRATIONS_PREEMPTED = 0x062a05,
};

struct nexus {
	char name[LU_NAME_SIZE];
	uint64_t key;
	uint32_t attention;
};

struct lu {
	char name[LU_NAME_SIZE];
	struct nexus nexuses[LU_NEXUS_MAX];
	size_t n_nexuses;
	uint32_t generation;
	uint8_t type;               /* 0: nothing is reserved */
	const struct nexus *holder; /* NULL with all-registrants types */
};

/* One PERSISTENT RESERVE OUT, taken apart. */
struct out {
	struct lu *lu;
	struct nexus *self;
	uint8_t action, scope, type;
	uint64_t key, sa_key;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct lu lus[LU_MAX];
static size_t n_lus;

static void set_name(char name[LU_NAME_SIZE], const char *text)
{
	(void)snprintf(name, LU_NAME_SIZE, "%s", text);
}

/* The tables are larger than any test: the last slot is shared after that. */
static struct lu *find_lu(const char *name)
{
	for (size_t i = 0; i < n_lus; i++)
		if (strcmp(lus[i].name, name) == 0)
			return &lus[i];
	if (n_lus < LU_MAX)
		set_name(lus[n_lus++].name, name);
	return &lus[n_lus - 1];
}

static struct nexus *find_nexus(struct lu *lu, const char *name)
{
	for (size_t i = 0; i < lu->n_nexuses; i++)
		if (strcmp(lu->nexuses[i].name, name) == 0)
			return &lu->nexuses[i];
	if (lu->n_nexuses < LU_NEXUS_MAX)
		set_name(lu->nexuses[lu->n_nexuses++].name, name);
	return &lu->nexuses[lu->n_nexuses - 1];
}

static bool is_all_registrants(uint8_t type)
{
	return type == 7 || type == 8;
}

static bool is_valid_type(uint8_t type)
{
	return type == 1 || type == 3 || (type >= 5 && type <= 8);
}

static bool is_holder(const struct lu *lu, const struct nexus *nexus)
{
	if (is_all_registrants(lu->type))
		return nexus->key != 0;
	return lu->type != 0 && lu->holder == nexus;
}

/* A unit attention for every registrant but @self. */
static void tell_registrants(struct lu *lu, const struct nexus *self,
			     uint32_t attention)
{
	for (size_t i = 0; i < lu->n_nexuses; i++)
		if (&lu->nexuses[i] != self && lu->nexuses[i].key)
			lu->nexuses[i].attention = attention;
}

static void release(struct lu *lu, const struct nexus *self)
{
	uint8_t type = lu->type;

	lu->type = 0;
	lu->holder = NULL;
	if (type >= 5)
		tell_registrants(lu, self, RESERVATIONS_RELEASED);
}

static void reserve(struct lu *lu, const struct nexus *self, uint8_t type)
{
	lu->type = type;
	lu->holder = is_all_registrants(type) ? NULL : self;
}

static bool has_registrants(const struct lu *lu)
{
	for (size_t i = 0; i < lu->n_nexuses; i++)
		if (lu->nexuses[i].key)
			return true;
	return false;
}

static void unregister(struct lu *lu, struct nexus *self)
{
	bool held = is_holder(lu, self);

	self->key = 0;
	if (held && (!is_all_registrants(lu->type) || !has_registrants(lu)))
		release(lu, self);
}

static uint32_t do_register(const struct out *out)
{
	if (out->sa_key == 0)
		unregister(out->lu, out->self);
	else
		out->self->key = out->sa_key;
	out->lu->generation++;
	return GOOD;
}

static uint32_t do_reserve(const struct out *out)
{
	if (out->scope != 0 || !is_valid_type(out->type))
		return INVALID_FIELD_IN_CDB;
	if (out->lu->type == 0)
		reserve(out->lu, out->self, out->type);
	else if (!is_holder(out->lu, out->self) || out->lu->type != out->type)
		return RESERVATION_CONFLICT;
	return GOOD;
}

static uint32_t do_release(const struct out *out)
{
	if (!is_holder(out->lu, out->self))
		return GOOD;
	if (out->scope != 0 || out->lu->type != out->type)
		return INVALID_RELEASE;
	release(out->lu, out->self);
	return GOOD;
}

static uint32_t do_clear(const struct out *out)
{
	struct lu *lu = out->lu;

	tell_registrants(lu, out->self, RESERVATIONS_PREEMPTED);
	for (size_t i = 0; i < lu->n_nexuses; i++)
		lu->nexuses[i].key = 0;
	lu->type = 0;
	lu->holder = NULL;
	lu->generation++;
	return GOOD;
}

/* Drop what is registered with the key, all but @self's if it is spared. */
static bool remove_registrations(const struct out *out, bool all, bool spare)
{
	struct lu *lu = out->lu;
	bool removed = false;

	for (size_t i = 0; i < lu->n_nexuses; i++) {
		struct nexus *nexus = &lu->nexuses[i];

		if (!nexus->key || (!all && nexus->key != out->sa_key) ||
		    (spare && nexus == out->self))
			continue;
		if (nexus != out->self)
			nexus->attention = REGISTRATIONS_PREEMPTED;
		unregister(lu, nexus);
		removed = true;
	}
	return removed;
}

static uint32_t preempt_reservation(const struct out *out)
{
	struct lu *lu = out->lu;
	bool all = is_all_registrants(lu->type);
	uint8_t was = lu->type;

	if (out->scope != 0 || !is_valid_type(out->type))
		return INVALID_FIELD_IN_CDB;
	lu->type = 0;
	lu->holder = NULL;
	(void)remove_registrations(out, all, true);
	if (was != out->type)
		tell_registrants(lu, out->self, RESERVATIONS_RELEASED);
	reserve(lu, out->self, out->type);
	lu->generation++;
	return GOOD;
}

static uint32_t do_preempt(const struct out *out)
{
	struct lu *lu = out->lu;
	bool all = is_all_registrants(lu->type);

	if (all && out->sa_key == 0)
		return preempt_reservation(out);
	if (out->sa_key == 0)
		return INVALID_FIELD_IN_LIST;
	if (lu->type != 0 && !all && lu->holder->key == out->sa_key)
		return preempt_reservation(out);
	if (!remove_registrations(out, false, false))
		return RESERVATION_CONFLICT;
	lu->generation++;
	return GOOD;
}

/* Unregistered nexuses may only register; others must know their key. */
static bool is_allowed(const struct out *out)
{
	if (out->action == 6)
		return true;
	if (out->self->key == 0)
		return out->action == 0 && out->key == 0;
	return out->key == out->self->key;
}

static uint32_t run_out(struct lu *lu, struct nexus *self, const uint8_t *cdb,
			const uint8_t *list, size_t len)
{
	struct out out = { lu, self, cdb[1] & 0x1f, cdb[2] >> 4, cdb[2] & 0xf };

	if (len != 24)
		return LIST_LENGTH_ERROR;
	out.key = prm_get_be64(list);
	out.sa_key = prm_get_be64(list + 8);
	if (out.action > 6)
		return INVALID_FIELD_IN_CDB;
	if (list[20] != 0)
		return INVALID_FIELD_IN_LIST;
	if (!is_allowed(&out))
		return RESERVATION_CONFLICT;
	switch (out.action) {
	case 1: return do_reserve(&out);
	case 2: return do_release(&out);
	case 3: return do_clear(&out);
	case 4:
	case 5: return do_preempt(&out);
	default: return do_register(&out);
	}
}

static void put_keys(const struct lu *lu, struct prm_writer *writer)
{
	for (size_t i = 0; i < lu->n_nexuses; i++)
		if (lu->nexuses[i].key)
			prm_write_be64(writer, lu->nexuses[i].key);
}

static void put_reservation(const struct lu *lu, struct prm_writer *writer)
{
	if (lu->type == 0)
		return;
	prm_write_be64(writer, lu->holder ? lu->holder->key : 0);
	prm_write_zeros(writer, 5);
	prm_write_u8(writer, lu->type);
	prm_write_zeros(writer, 2);
}

/* TransportIDs are SAS addresses, numbered as the nexuses are. */
static void put_full_status(const struct lu *lu, struct prm_writer *writer)
{
	for (size_t i = 0; i < lu->n_nexuses; i++) {
		const struct nexus *nexus = &lu->nexuses[i];
		bool held = is_holder(lu, nexus);

		if (!nexus->key)
			continue;
		prm_write_be64(writer, nexus->key);
		prm_write_zeros(writer, 4);
		prm_write_u8(writer, held);
		prm_write_u8(writer, held ? lu->type : 0);
		prm_write_zeros(writer, 4);
		prm_write_be16(writer, 1);
		prm_write_be32(writer, 24);
		prm_write_u8(writer, 6);
		prm_write_zeros(writer, 3);
		prm_write_be64(writer, 0x5000000000000000u + i);
		prm_write_zeros(writer, 12);
	}
}

/* Header, and what comes behind it: nearly all data looks like this. */
static void put_list(const struct lu *lu, struct lu_answer *answer,
		     void (*put)(const struct lu *, struct prm_writer *))
{
	struct prm_writer head = prm_writer(answer->data, 8);
	struct prm_writer body =
		prm_writer(answer->data + 8, sizeof(answer->data) - 8);

	put(lu, &body);
	prm_write_be32(&head, lu->generation);
	prm_write_be32(&head, (uint32_t)body.done);
	answer->data_len = 8 + body.done;
}

static uint32_t run_in(const struct lu *lu, uint8_t action,
		       struct lu_answer *answer)
{
	/* ALLOW COMMANDS 4, all types; neither APTPL, SPEC_I_PT nor ALL_TG_PT */
	static const uint8_t capabilities[] = { 0, 8, 0, 0xc0, 0xea, 1, 0, 0 };

	switch (action) {
	case 0: put_list(lu, answer, put_keys); return GOOD;
	case 1: put_list(lu, answer, put_reservation); return GOOD;
	case 2:
		memcpy(answer->data, capabilities, sizeof(capabilities));
		answer->data_len = sizeof(capabilities);
		return GOOD;
	case 3: put_list(lu, answer, put_full_status); return GOOD;
	default: return INVALID_FIELD_IN_CDB;
	}
}

static uint32_t run(struct lu *lu, struct nexus *self, const uint8_t *cdb,
		    const uint8_t *list, size_t len, struct lu_answer *answer)
{
	uint32_t attention = self->attention;

	if (cdb[0] != 0x5e && cdb[0] != 0x5f)
		return INVALID_OPCODE;
	self->attention = 0;
	if (attention)
		return attention;
	if (cdb[0] == 0x5e)
		return run_in(lu, cdb[1] & 0x1f, answer);
	return run_out(lu, self, cdb, list, len);
}

void lu_run(const char *name, const char *nexus, const uint8_t *cdb,
	    const uint8_t *list, size_t len, struct lu_answer *answer)
{
	struct lu *lu;
	uint32_t result;

	memset(answer, 0, sizeof(*answer));
	(void)pthread_mutex_lock(&lock);
	lu = find_lu(name);
	result = run(lu, find_nexus(lu, nexus), cdb, list, len, answer);
	(void)pthread_mutex_unlock(&lock);

	/* Sense codes have three bytes, a status has one. */
	answer->status = (uint8_t)(result > 0xff ? CHECK_CONDITION : result);
	answer->sense = result > 0xff ? result : 0;
}
