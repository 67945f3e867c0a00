/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Managers: named objects, each of a class.
 *
 * The registry knows every object that lives, but holds no reference: an object
 * is there as long as somebody has one, and its name is free when the last one
 * is dropped, or earlier when it is deleted.  Counting references under the
 * registry's lock makes looking up and dropping the last one exclude each
 * other.
 *
 * Creating an object may take as long as connecting does.  Its name is taken
 * before, so that two threads cannot create the same, but it is not found until
 * it is whole.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/lock.h"
#include "manager/class.h"
#include "manager/error.h"
#include "manager/object.h"
#include "manager/options.h"

static pthread_mutex_t registry_lock = PTHREAD_MUTEX_INITIALIZER;
LOCK_OVER_FORK(registry_lock)

static struct prm_manager *registry;

static struct prm_manager *find_locked(const char *id)
{
	struct prm_manager *manager;

	for (manager = registry; manager; manager = manager->next) {
		if (!strcmp(manager->id, id))
			return manager;
	}
	return NULL;
}

static int list(struct prm_manager *manager, char **ret_error)
{
	LOCK_SCOPE(&registry_lock);
	struct prm_manager **last = &registry;

	if (find_locked(manager->id))
		return prm_fail(ret_error, -EEXIST,
				"there is a manager with the id '%s' already",
				manager->id);
	while (*last)
		last = &(*last)->next;
	*last = manager;
	manager->listed = true;
	return 0;
}

static void unlist_locked(struct prm_manager *manager)
{
	struct prm_manager **link = &registry;

	if (!manager->listed)
		return;
	while (*link != manager)
		link = &(*link)->next;
	*link = manager->next;
	manager->listed = false;
}

/* The rule of QEMU for ids. */
static bool is_id(const char *id)
{
	if (!isalpha((unsigned char)*id))
		return false;
	while (*++id) {
		if (!isalnum((unsigned char)*id) && !strchr("-._", *id))
			return false;
	}
	return true;
}

static void init_listener_lock(struct prm_manager *manager)
{
	pthread_mutexattr_t attr;

	(void)pthread_mutexattr_init(&attr);
	(void)pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
	(void)pthread_mutex_init(&manager->listener_lock, &attr);
	(void)pthread_mutexattr_destroy(&attr);
}

/* An object without an instance. */
static int allocate(const char *id, const struct prm_manager_class *class,
		    struct prm_manager **ret_manager)
{
	struct prm_manager *manager = calloc(1, sizeof(*manager));

	if (!manager)
		return -ENOMEM;
	manager->refs = 1;
	manager->class = class;
	atomic_init(&manager->deleted, false);
	init_listener_lock(manager);
	manager->id = strdup(id);
	if (!manager->id ||
	    prm_executor_new(class->max_parallel, &manager->executor) < 0) {
		(void)prm_manager_unref(manager);
		return -ENOMEM;
	}
	*ret_manager = manager;
	return 0;
}

static void release(struct prm_manager *manager)
{
	if (manager->ready)
		manager->class->destroy(manager->instance);
	(void)prm_executor_free(manager->executor);
	(void)pthread_mutex_destroy(&manager->listener_lock);
	free(manager->id);
	free(manager);
}

static int create(const char *id, const struct prm_manager_class *class,
		  const struct prm_options *options,
		  struct prm_manager **ret_manager, char **ret_error)
{
	CLEANUP(prm_manager_unrefp) struct prm_manager *manager = NULL;
	int r;

	r = allocate(id, class, &manager);
	if (r < 0)
		return r;
	r = list(manager, ret_error);
	if (r < 0)
		return r;
	r = class->create(manager, options, &manager->instance, ret_error);
	if (r < 0)
		return r;
	(void)pthread_mutex_lock(&registry_lock);
	manager->ready = true;
	(void)pthread_mutex_unlock(&registry_lock);
	*ret_manager = steal_ptr(&manager);
	return 0;
}

/* prm_manager_new() with a place for the message at hand. */
static int create_from_text(const char *text, struct prm_manager **ret_manager,
			    char **ret_error)
{
	CLEANUP(prm_options_freep) struct prm_options *options = NULL;
	const struct prm_manager_class *class;
	const char *name, *id;
	int r;

	r = prm_options_parse(text, "qom-type", &options, ret_error);
	if (r < 0)
		return r;
	name = prm_options_take(options, "qom-type");
	if (!name)
		return prm_fail(ret_error, -EINVAL, "no class is named");
	r = prm_class_lookup(name, &class, ret_error);
	if (r < 0)
		return r;
	id = prm_options_take(options, "id");
	if (!id)
		return prm_fail(ret_error, -EINVAL,
				"%s needs the property 'id'", name);
	if (!is_id(id))
		return prm_fail(ret_error, -EINVAL,
				"property 'id': '%s' is not an id (a letter, "
				"then letters, digits, '-', '.' and '_')",
				id);
	r = prm_options_check(options, name, class->properties,
			      class->property_count, ret_error);
	if (r < 0)
		return r;
	return create(id, class, options, ret_manager, ret_error);
}

int prm_manager_new(const char *options, struct prm_manager **ret_manager,
		    char **ret_error)
{
	char *error = NULL;
	int r;

	if (!options || !ret_manager)
		return prm_fail(ret_error, -EINVAL, "no options are given");
	r = create_from_text(options, ret_manager, &error);
	if (r < 0 && !error)
		r = prm_fail(&error, r, "%s", strerror(-r));
	if (r < 0 && ret_error)
		*ret_error = steal_ptr(&error);
	free(error);
	return r;
}

struct prm_manager *prm_manager_ref(struct prm_manager *manager)
{
	LOCK_SCOPE(&registry_lock);

	if (manager)
		manager->refs++;
	return manager;
}

struct prm_manager *prm_manager_unref(struct prm_manager *manager)
{
	bool is_last;

	if (!manager)
		return NULL;
	(void)pthread_mutex_lock(&registry_lock);
	is_last = --manager->refs == 0;
	if (is_last)
		unlist_locked(manager);
	(void)pthread_mutex_unlock(&registry_lock);
	if (is_last)
		release(manager);
	return NULL;
}

struct prm_manager *prm_manager_delete(struct prm_manager *manager)
{
	if (!manager)
		return NULL;
	(void)pthread_mutex_lock(&registry_lock);
	unlist_locked(manager);
	(void)pthread_mutex_unlock(&registry_lock);
	atomic_store(&manager->deleted, true);
	manager->class->interrupt(manager->instance, true);
	return prm_manager_unref(manager);
}

int prm_manager_lookup(const char *id, struct prm_manager **ret_manager)
{
	LOCK_SCOPE(&registry_lock);
	struct prm_manager *manager;

	if (!id)
		return -EINVAL;
	manager = find_locked(id);
	if (!manager || !manager->ready)
		return -ENOENT;
	manager->refs++;
	*ret_manager = manager;
	return 0;
}

int prm_manager_list(struct prm_manager ***ret_managers)
{
	LOCK_SCOPE(&registry_lock);
	struct prm_manager **managers;
	struct prm_manager *manager;
	size_t count = 0;

	for (manager = registry; manager; manager = manager->next)
		count++;
	/* NOLINTNEXTLINE: they are pointers. */
	managers = calloc(count + 1, sizeof(*managers));
	if (!managers)
		return -ENOMEM;
	count = 0;
	for (manager = registry; manager; manager = manager->next) {
		if (!manager->ready)
			continue;
		manager->refs++;
		managers[count++] = manager;
	}
	*ret_managers = managers;
	return 0;
}

void prm_manager_list_free(struct prm_manager **managers)
{
	size_t i;

	if (!managers)
		return;
	for (i = 0; managers[i]; i++)
		(void)prm_manager_unref(managers[i]);
	free(managers);
}

const char *prm_manager_id(const struct prm_manager *manager)
{
	return manager->id;
}

const char *prm_manager_class_name(const struct prm_manager *manager)
{
	return manager->class->name;
}

bool prm_manager_is_connected(struct prm_manager *manager)
{
	return manager->class->is_connected(manager->instance);
}
