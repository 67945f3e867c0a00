/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Classes, objects and their names, listeners. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <prmanager/manager.h>

/* What the class of these tests has been asked. */
static struct {
	unsigned int created, destroyed, interrupted;
	bool for_good;
	bool connected;
	int fail;
	struct prm_manager *manager;
} seen;

static int create(struct prm_manager *manager,
		  const struct prm_options *options, void **ret_instance,
		  char **ret_error)
{
	if (seen.fail) {
		if (prm_options_bool(options, "explain", false))
			*ret_error = strdup("the device is on fire");
		return seen.fail;
	}
	seen.created++;
	seen.manager = manager;
	*ret_instance = &seen;
	return 0;
}

static void destroy(void *instance)
{
	assert_ptr_equal(instance, &seen);
	seen.destroyed++;
}

static int run(void *instance, int fd, const struct prm_command *command,
	       struct prm_reply *ret_reply)
{
	return -EIO;
}

static bool is_connected(void *instance)
{
	return seen.connected;
}

static void interrupt(void *instance, bool for_good)
{
	seen.interrupted++;
	seen.for_good = for_good;
}

static const struct prm_property properties[] = {
	{ "explain", PRM_PROPERTY_BOOL, false, 0, 0 },
};

static const struct prm_manager_class test_class = {
	.size = sizeof(test_class),
	.name = "pr-manager-test",
	.properties = properties,
	.property_count = 1,
	.create = create,
	.destroy = destroy,
	.run = run,
	.is_connected = is_connected,
	.interrupt = interrupt,
};

static int begin(void **state)
{
	memset(&seen, 0, sizeof(seen));
	return 0;
}

static int register_class(void **state)
{
	return prm_manager_class_register(&test_class);
}

static struct prm_manager *make(const char *options)
{
	struct prm_manager *manager = NULL;
	char *error = NULL;

	if (prm_manager_new(options, &manager, &error) < 0)
		fail_msg("%s: %s", options, error);
	return manager;
}

static void assert_refused(const char *options, int error, const char *message)
{
	struct prm_manager *manager = (void *)&seen;
	char *text = NULL;

	assert_int_equal(prm_manager_new(options, &manager, &text), error);
	assert_ptr_equal(manager, &seen);
	assert_non_null(text);
	if (strcmp(text, message))
		fail_msg("'%s' is refused with '%s'", options, text);
	free(text);
}

static void class_tables_are_checked(void **state)
{
	struct prm_manager_class class = test_class;

	assert_int_equal(prm_manager_class_register(NULL), -EINVAL);
	assert_int_equal(prm_manager_class_register(&class), -EEXIST);
	class.name = "pr-manager-other";
	class.run = NULL;
	assert_int_equal(prm_manager_class_register(&class), -EINVAL);
	class.run = run;
	class.size = offsetof(struct prm_manager_class, run);
	assert_int_equal(prm_manager_class_register(&class), -EINVAL);
	class.size = sizeof(class);
	class.name = NULL;
	assert_int_equal(prm_manager_class_register(&class), -EINVAL);
	class.name = "pr-manager-helper";
	assert_int_equal(prm_manager_class_register(&class), -EEXIST);
	class.name = "pr-manager-scsi";
	assert_int_equal(prm_manager_class_register(&class), -EEXIST);
}

/* A class of the first version of the header, and nothing but run. */
static void what_a_class_lacks_has_its_default(void **state)
{
	struct prm_manager_class old;
	struct prm_manager *manager;

	memset(&old, 0xff, sizeof(old));
	old.size = offsetof(struct prm_manager_class, is_connected);
	old.name = "pr-manager-old";
	old.properties = NULL;
	old.create = NULL;
	old.destroy = NULL;
	old.run = run;
	assert_int_equal(prm_manager_class_register(&old), 0);
	manager = make("pr-manager-old,id=old");
	assert_true(prm_manager_is_connected(manager));
	prm_manager_interrupt(manager);
	assert_null(prm_manager_delete(manager));
}

static void a_class_of_a_later_version_is_taken(void **state)
{
	struct {
		struct prm_manager_class class;
		void *more[4];
	} later = { .class = test_class };

	later.class.size = sizeof(later);
	later.class.name = "pr-manager-later";
	assert_int_equal(prm_manager_class_register(&later.class), 0);
	(void)prm_manager_unref(make("pr-manager-later,id=later"));
	assert_int_equal(seen.destroyed, 1);
}

static void errors_say_what_is_wrong(void **state)
{
	struct prm_manager *manager;

	assert_refused("pr-manager-test", -EINVAL,
		       "pr-manager-test needs the property 'id'");
	assert_refused("pr-manager-test,id=1", -EINVAL,
		       "property 'id': '1' is not an id (a letter, then "
		       "letters, digits, '-', '.' and '_')");
	assert_refused("pr-manager-test,id=a b", -EINVAL,
		       "property 'id': 'a b' is not an id (a letter, then "
		       "letters, digits, '-', '.' and '_')");
	assert_refused("pr-manager-test,id=a,color=red", -EINVAL,
		       "pr-manager-test has no property 'color'");
	assert_refused("id=a", -EINVAL, "no class is named");
	manager = make("pr-manager-test,id=a");
	assert_refused("pr-manager-test,id=a", -EEXIST,
		       "there is a manager with the id 'a' already");
	(void)prm_manager_unref(manager);
	assert_int_equal(prm_manager_new(NULL, &manager, NULL), -EINVAL);
	assert_int_equal(prm_manager_new("pr-manager-test", &manager, NULL),
			 -EINVAL);
}

static void an_unknown_class_is_told_what_there_is(void **state)
{
	struct prm_manager *manager;
	char *text = NULL;

	assert_int_equal(prm_manager_new("pr-manager-x,id=a", &manager, &text),
			 -ENOENT);
	assert_non_null(strstr(text, "'pr-manager-x'"));
	assert_non_null(strstr(text, "pr-manager-helper"));
	assert_non_null(strstr(text, "pr-manager-scsi"));
	assert_non_null(strstr(text, "pr-manager-test"));
	free(text);
}

static void a_class_that_fails_leaves_nothing(void **state)
{
	struct prm_manager *manager;

	seen.fail = -EHOSTDOWN;
	assert_refused("pr-manager-test,id=a,explain=on", -EHOSTDOWN,
		       "the device is on fire");
	assert_refused("pr-manager-test,id=a", -EHOSTDOWN, "Host is down");
	assert_int_equal(prm_manager_new("pr-manager-test,id=a,explain=on",
					 &manager, NULL),
			 -EHOSTDOWN);
	assert_int_equal(prm_manager_lookup("a", &manager), -ENOENT);
	assert_int_equal(seen.destroyed, 0);
	seen.fail = 0;
	(void)prm_manager_unref(make("pr-manager-test,id=a"));
}

static void the_last_reference_destroys(void **state)
{
	struct prm_manager *manager = make("pr-manager-test,id=a");
	struct prm_manager *found = NULL;

	assert_string_equal(prm_manager_id(manager), "a");
	assert_string_equal(prm_manager_class_name(manager), "pr-manager-test");
	assert_ptr_equal(prm_manager_ref(manager), manager);
	assert_null(prm_manager_unref(manager));
	assert_int_equal(prm_manager_lookup("a", &found), 0);
	assert_ptr_equal(found, manager);
	(void)prm_manager_unref(found);
	assert_int_equal(seen.destroyed, 0);
	(void)prm_manager_unref(manager);
	assert_int_equal(seen.destroyed, 1);
	assert_int_equal(prm_manager_lookup("a", &found), -ENOENT);
	assert_null(prm_manager_ref(NULL));
	assert_null(prm_manager_unref(NULL));
	assert_null(prm_manager_delete(NULL));
	assert_int_equal(prm_manager_lookup(NULL, &found), -EINVAL);
}

static void deletion_frees_the_name_at_once(void **state)
{
	struct prm_manager *manager = make("pr-manager-test,id=a");
	struct prm_manager *other;

	(void)prm_manager_ref(manager);
	(void)prm_manager_delete(manager);
	assert_int_equal(seen.interrupted, 1);
	assert_true(seen.for_good);
	assert_int_equal(prm_manager_lookup("a", &other), -ENOENT);
	other = make("pr-manager-test,id=a");
	assert_ptr_not_equal(other, manager);
	assert_string_equal(prm_manager_id(manager), "a");
	(void)prm_manager_unref(manager);
	(void)prm_manager_unref(other);
	assert_int_equal(seen.destroyed, 2);
}

static void the_list_is_in_order_and_holds_references(void **state)
{
	struct prm_manager *a = make("pr-manager-test,id=a");
	struct prm_manager *b = make("pr-manager-test,id=b");
	struct prm_manager **list;

	assert_int_equal(prm_manager_list(&list), 0);
	assert_ptr_equal(list[0], a);
	assert_ptr_equal(list[1], b);
	assert_null(list[2]);
	(void)prm_manager_unref(a);
	(void)prm_manager_unref(b);
	assert_string_equal(prm_manager_id(list[0]), "a");
	assert_false(prm_manager_is_connected(list[0]));
	seen.connected = true;
	assert_true(prm_manager_is_connected(list[0]));
	prm_manager_list_free(list);
	assert_int_equal(seen.destroyed, 2);
	assert_int_equal(prm_manager_list(&list), 0);
	assert_null(list[0]);
	prm_manager_list_free(list);
	prm_manager_list_free(NULL);
}

struct heard {
	unsigned int count;
	enum prm_event event;
	int error;
	bool leave;
};

static void hear(struct prm_manager *manager, enum prm_event event, int error,
		 void *opaque)
{
	struct heard *heard = opaque;

	heard->count++;
	heard->event = event;
	heard->error = error;
	if (heard->leave)
		prm_manager_set_listener(manager, NULL, NULL);
}

static void a_listener_hears_events_until_it_is_replaced(void **state)
{
	struct prm_manager *manager = make("pr-manager-test,id=a");
	struct heard heard = { 0 }, other = { 0 };

	prm_manager_notify(seen.manager, PRM_EVENT_CONNECTED, 0);
	prm_manager_set_listener(manager, hear, &heard);
	prm_manager_notify(seen.manager, PRM_EVENT_DISCONNECTED, -EPIPE);
	assert_int_equal(heard.count, 1);
	assert_int_equal(heard.event, PRM_EVENT_DISCONNECTED);
	assert_int_equal(heard.error, -EPIPE);
	prm_manager_set_listener(manager, hear, &other);
	prm_manager_notify(seen.manager, PRM_EVENT_CONNECTED, 0);
	assert_int_equal(heard.count, 1);
	assert_int_equal(other.count, 1);
	prm_manager_set_listener(manager, NULL, NULL);
	prm_manager_notify(seen.manager, PRM_EVENT_CONNECTED, 0);
	assert_int_equal(other.count, 1);
	(void)prm_manager_unref(manager);
}

static void a_listener_may_leave_from_within(void **state)
{
	struct prm_manager *manager = make("pr-manager-test,id=a");
	struct heard heard = { .leave = true };

	prm_manager_set_listener(manager, hear, &heard);
	prm_manager_notify(manager, PRM_EVENT_CONNECTED, 0);
	prm_manager_notify(manager, PRM_EVENT_CONNECTED, 0);
	assert_int_equal(heard.count, 1);
	(void)prm_manager_unref(manager);
}

static void interrupts_reach_the_class(void **state)
{
	struct prm_manager *manager = make("pr-manager-test,id=a");

	prm_manager_interrupt(manager);
	assert_int_equal(seen.interrupted, 1);
	assert_false(seen.for_good);
	(void)prm_manager_unref(manager);
}

static void *make_same(void *opaque)
{
	struct prm_manager *manager;

	return prm_manager_new("pr-manager-test,id=same", &manager, NULL)
		       ? NULL
		       : manager;
}

static void one_of_many_threads_gets_the_name(void **state)
{
	struct prm_manager *winner = NULL;
	pthread_t threads[16];
	void *made;
	size_t i;

	for (i = 0; i < 16; i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, make_same, NULL), 0);
	for (i = 0; i < 16; i++) {
		assert_int_equal(pthread_join(threads[i], &made), 0);
		assert_true(!made || !winner);
		if (made)
			winner = made;
	}
	assert_non_null(winner);
	(void)prm_manager_unref(winner);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(class_tables_are_checked, begin),
		cmocka_unit_test_setup(what_a_class_lacks_has_its_default,
				       begin),
		cmocka_unit_test_setup(a_class_of_a_later_version_is_taken,
				       begin),
		cmocka_unit_test_setup(errors_say_what_is_wrong, begin),
		cmocka_unit_test_setup(an_unknown_class_is_told_what_there_is,
				       begin),
		cmocka_unit_test_setup(a_class_that_fails_leaves_nothing,
				       begin),
		cmocka_unit_test_setup(the_last_reference_destroys, begin),
		cmocka_unit_test_setup(deletion_frees_the_name_at_once, begin),
		cmocka_unit_test_setup(
			the_list_is_in_order_and_holds_references, begin),
		cmocka_unit_test_setup(
			a_listener_hears_events_until_it_is_replaced, begin),
		cmocka_unit_test_setup(a_listener_may_leave_from_within, begin),
		cmocka_unit_test_setup(interrupts_reach_the_class, begin),
		cmocka_unit_test_setup(one_of_many_threads_gets_the_name,
				       begin),
	};

	return cmocka_run_group_tests(tests, register_class, NULL);
}
