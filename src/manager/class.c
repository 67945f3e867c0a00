/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The registry of classes.
 *
 * A class comes as a table of functions whose size says how much of it the
 * program's header knew.  It is copied into one of ours with every default
 * filled in, so that nobody else ever asks whether a function is there.
 * Classes are never removed: their objects may live as long as the process.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/lock.h"
#include "manager/builtin.h"
#include "manager/class.h"
#include "manager/error.h"

/* What the first version of the table had, and every table must have. */
#define CLASS_SIZE_MIN                                                         \
	(offsetof(struct prm_manager_class, run) +                             \
	 sizeof(((struct prm_manager_class *)NULL)->run))

struct entry {
	struct entry *next;
	struct prm_manager_class class;
};

static pthread_mutex_t registry_lock = PTHREAD_MUTEX_INITIALIZER;
LOCK_OVER_FORK(registry_lock)

static struct entry *registry;
static bool has_builtin;

static int default_create(struct prm_manager *manager,
			  const struct prm_options *options,
			  void **ret_instance, char **ret_error)
{
	*ret_instance = NULL;
	return 0;
}

static void default_destroy(void *instance)
{
}

static bool default_is_connected(void *instance)
{
	return true;
}

static void default_interrupt(void *instance, bool for_good)
{
}

static void fill_in(struct prm_manager_class *class,
		    const struct prm_manager_class *from)
{
	size_t size = from->size < sizeof(*class) ? from->size : sizeof(*class);

	memset(class, 0, sizeof(*class));
	memcpy(class, from, size);
	class->size = sizeof(*class);
	if (!class->properties)
		class->property_count = 0;
	if (!class->create)
		class->create = default_create;
	if (!class->destroy)
		class->destroy = default_destroy;
	if (!class->is_connected)
		class->is_connected = default_is_connected;
	if (!class->interrupt)
		class->interrupt = default_interrupt;
	if (!class->max_parallel)
		class->max_parallel = 1;
}

static struct entry *find_locked(const char *name)
{
	struct entry *entry;

	for (entry = registry; entry; entry = entry->next) {
		if (!strcmp(entry->class.name, name))
			return entry;
	}
	return NULL;
}

static int add_locked(const struct prm_manager_class *class)
{
	struct entry *entry;
	struct entry **last = &registry;

	if (find_locked(class->name))
		return -EEXIST;
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return -ENOMEM;
	fill_in(&entry->class, class);
	while (*last)
		last = &(*last)->next;
	*last = entry;
	return 0;
}

static int add_builtin_locked(void)
{
	size_t i;
	int r;

	if (has_builtin)
		return 0;
	for (i = 0; prm_builtin_classes[i]; i++) {
		r = add_locked(prm_builtin_classes[i]);
		if (r < 0 && r != -EEXIST)
			return r;
	}
	has_builtin = true;
	return 0;
}

int prm_manager_class_register(const struct prm_manager_class *manager_class)
{
	LOCK_SCOPE(&registry_lock);
	int r;

	if (!manager_class || manager_class->size < CLASS_SIZE_MIN ||
	    !manager_class->name || !manager_class->run)
		return -EINVAL;
	r = add_builtin_locked();
	return r < 0 ? r : add_locked(manager_class);
}

static int fail_unknown_locked(const char *name, char **ret_error)
{
	char names[512] = "";
	struct entry *entry;
	size_t len = 0;

	for (entry = registry; entry && len < sizeof(names);
	     entry = entry->next)
		len += (size_t)snprintf(names + len, sizeof(names) - len,
					"%s%s", len ? ", " : "",
					entry->class.name);
	return prm_fail(ret_error, -ENOENT,
			"there is no class '%s' (there are: %s)", name, names);
}

int prm_class_lookup(const char *name,
		     const struct prm_manager_class **ret_class,
		     char **ret_error)
{
	LOCK_SCOPE(&registry_lock);
	struct entry *entry;
	int r;

	r = add_builtin_locked();
	if (r < 0)
		return r;
	entry = find_locked(name);
	if (!entry)
		return fail_unknown_locked(name, ret_error);
	*ret_class = &entry->class;
	return 0;
}
