/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Commands on threads of the library, and completions by descriptor. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include <prmanager/manager.h>

/* A gate that commands wait at, and what was seen of them. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool open;
	unsigned int inside, most, entered, destroyed;
	uint8_t order[64];
	bool signals_blocked;
	dev_t rdev;
} gate = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.changed = PTHREAD_COND_INITIALIZER,
};

static int device;

static int enter(void *instance, int fd, const struct prm_command *command,
		 struct prm_reply *ret_reply)
{
	struct stat st = { 0 };
	sigset_t blocked;

	(void)fstat(fd, &st);
	(void)pthread_sigmask(SIG_BLOCK, NULL, &blocked);
	(void)pthread_mutex_lock(&gate.lock);
	gate.rdev = st.st_rdev;
	gate.signals_blocked = sigismember(&blocked, SIGINT) &&
			       sigismember(&blocked, SIGUSR1);
	if (gate.entered < sizeof(gate.order))
		gate.order[gate.entered] = command->cdb[1];
	gate.entered++;
	if (++gate.inside > gate.most)
		gate.most = gate.inside;
	(void)pthread_cond_broadcast(&gate.changed);
	while (!gate.open)
		(void)pthread_cond_wait(&gate.changed, &gate.lock);
	gate.inside--;
	(void)pthread_mutex_unlock(&gate.lock);
	ret_reply->status = PRM_STATUS_GOOD;
	return 0;
}

static void destroy(void *instance)
{
	(void)pthread_mutex_lock(&gate.lock);
	gate.destroyed++;
	(void)pthread_cond_broadcast(&gate.changed);
	(void)pthread_mutex_unlock(&gate.lock);
}

static void open_gate(void)
{
	(void)pthread_mutex_lock(&gate.lock);
	gate.open = true;
	(void)pthread_cond_broadcast(&gate.changed);
	(void)pthread_mutex_unlock(&gate.lock);
}

static void wait_for_entered(unsigned int count)
{
	(void)pthread_mutex_lock(&gate.lock);
	while (gate.entered < count)
		(void)pthread_cond_wait(&gate.changed, &gate.lock);
	(void)pthread_mutex_unlock(&gate.lock);
}

static void wait_for_destroyed(unsigned int count)
{
	(void)pthread_mutex_lock(&gate.lock);
	while (gate.destroyed < count)
		(void)pthread_cond_wait(&gate.changed, &gate.lock);
	(void)pthread_mutex_unlock(&gate.lock);
}

static int begin(void **state)
{
	gate.open = false;
	gate.inside = gate.most = gate.entered = gate.destroyed = 0;
	return 0;
}

static int set_up(void **state)
{
	struct prm_manager_class class = {
		.size = sizeof(class),
		.name = "pr-manager-gate",
		.run = enter,
		.destroy = destroy,
		.max_parallel = 1,
	};

	device = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (prm_manager_class_register(&class))
		return -1;
	class.name = "pr-manager-gates";
	class.max_parallel = 3;
	return prm_manager_class_register(&class);
}

static int tear_down(void **state)
{
	return close(device);
}

static struct prm_manager *make(const char *options)
{
	struct prm_manager *manager = NULL;

	assert_int_equal(prm_manager_new(options, &manager, NULL), 0);
	return manager;
}

static struct prm_command pr_in(uint8_t action)
{
	struct prm_command command = PRM_COMMAND_INIT;

	command.cdb[0] = 0x5e;
	command.cdb[1] = action;
	command.cdb_len = 10;
	return command;
}

struct ended {
	atomic_uint count;
	atomic_int error;
	atomic_int status;
};

static void count_end(void *opaque, int error, const struct prm_reply *reply)
{
	struct ended *ended = opaque;

	atomic_store(&ended->error, error);
	atomic_store(&ended->status, reply->status);
	atomic_fetch_add(&ended->count, 1);
}

static void execute(struct prm_manager *manager, uint8_t action,
		    struct ended *ended)
{
	struct prm_command command = pr_in(action);

	assert_int_equal(prm_manager_execute(manager, device, &command,
					     count_end, ended),
			 0);
}

static void commands_run_in_order_one_at_a_time(void **state)
{
	struct prm_manager *manager = make("pr-manager-gate,id=a");
	struct ended ended = { 0 };
	uint8_t i;

	for (i = 0; i < 20; i++)
		execute(manager, i, &ended);
	wait_for_entered(1);
	assert_int_equal(ended.count, 0);
	open_gate();
	prm_manager_drain(manager);
	assert_int_equal(ended.count, 20);
	assert_int_equal(ended.error, 0);
	assert_int_equal(ended.status, PRM_STATUS_GOOD);
	assert_int_equal(gate.most, 1);
	for (i = 0; i < 20; i++)
		assert_int_equal(gate.order[i], i);
	assert_true(gate.signals_blocked);
	(void)prm_manager_unref(manager);
}

static void as_many_run_at_a_time_as_the_class_can_use(void **state)
{
	struct prm_manager *manager = make("pr-manager-gates,id=a");
	struct ended ended = { 0 };
	uint8_t i;

	for (i = 0; i < 20; i++)
		execute(manager, i, &ended);
	wait_for_entered(3);
	open_gate();
	prm_manager_drain(manager);
	assert_int_equal(ended.count, 20);
	assert_int_equal(gate.most, 3);
	(void)prm_manager_unref(manager);
}

static void the_descriptor_may_be_closed_at_once(void **state)
{
	struct prm_manager *manager = make("pr-manager-gate,id=a");
	struct prm_command command = pr_in(0);
	struct ended ended = { 0 };
	struct stat st;
	int fd = dup(device);

	assert_int_equal(fstat(device, &st), 0);
	assert_int_equal(prm_manager_execute(manager, fd, &command, count_end,
					     &ended),
			 0);
	(void)close(fd);
	open_gate();
	prm_manager_drain(manager);
	assert_int_equal(ended.error, 0);
	assert_int_equal(gate.rdev, st.st_rdev);
	(void)prm_manager_unref(manager);
}

static void refused_commands_have_no_completion(void **state)
{
	struct prm_manager *manager = make("pr-manager-gate,id=a");
	struct prm_command command = pr_in(0);
	struct ended ended = { 0 };

	assert_int_equal(prm_manager_execute(manager, -1, &command, count_end,
					     &ended),
			 -EBADF);
	assert_int_equal(prm_manager_execute(manager, device, &command, NULL,
					     &ended),
			 -EINVAL);
	assert_int_equal(prm_manager_execute(NULL, device, &command, count_end,
					     &ended),
			 -EINVAL);
	command.cdb_len = 5;
	assert_int_equal(prm_manager_execute(manager, device, &command,
					     count_end, &ended),
			 -EINVAL);
	prm_manager_drain(manager);
	assert_int_equal(ended.count, 0);
	(void)prm_manager_unref(manager);
}

static void dropping_the_last_reference_loses_no_completion(void **state)
{
	struct prm_manager *manager = make("pr-manager-gate,id=a");
	struct ended ended = { 0 };
	uint8_t i;

	for (i = 0; i < 5; i++)
		execute(manager, i, &ended);
	(void)prm_manager_unref(manager);
	assert_int_equal(gate.destroyed, 0);
	open_gate();
	wait_for_destroyed(1);
	assert_int_equal(ended.count, 5);
	assert_int_equal(ended.error, 0);
}

static void deletion_cancels_what_waits_and_finishes_what_runs(void **state)
{
	struct prm_manager *manager = make("pr-manager-gate,id=a");
	struct prm_command command = pr_in(0);
	struct ended first = { 0 }, rest = { 0 };
	uint8_t i;

	execute(manager, 0, &first);
	wait_for_entered(1);
	for (i = 0; i < 5; i++)
		execute(manager, i, &rest);
	(void)prm_manager_ref(manager);
	(void)prm_manager_delete(manager);
	assert_int_equal(prm_manager_execute(manager, device, &command,
					     count_end, &rest),
			 -ENOTCONN);
	open_gate();
	prm_manager_drain(manager);
	assert_int_equal(first.count, 1);
	assert_int_equal(first.error, 0);
	assert_int_equal(rest.count, 5);
	assert_int_equal(rest.error, -ENOTCONN);
	assert_int_equal(rest.status, PRM_STATUS_CHECK_CONDITION);
	assert_int_equal(gate.entered, 1);
	(void)prm_manager_unref(manager);
	assert_int_equal(gate.destroyed, 1);
}

static void unref_in_callback(void *opaque, int error,
			      const struct prm_reply *reply)
{
	(void)prm_manager_unref(opaque);
}

static void the_last_reference_may_be_dropped_in_a_callback(void **state)
{
	struct prm_manager *manager = make("pr-manager-gate,id=a");
	struct prm_command command = pr_in(0);

	assert_int_equal(prm_manager_execute(manager, device, &command,
					     unref_in_callback, manager),
			 0);
	open_gate();
	wait_for_destroyed(1);
}

struct chain {
	struct prm_manager *manager;
	atomic_int left;
};

static void execute_next(void *opaque, int error, const struct prm_reply *reply)
{
	struct chain *chain = opaque;
	struct prm_command command = pr_in(0);

	if (atomic_fetch_sub(&chain->left, 1) > 1)
		(void)prm_manager_execute(chain->manager, device, &command,
					  execute_next, chain);
}

static void a_callback_may_execute_the_next(void **state)
{
	struct chain chain = { .manager = make("pr-manager-gate,id=a") };

	atomic_store(&chain.left, 10);
	open_gate();
	execute_next(&chain, 0, NULL);
	while (atomic_load(&chain.left) > 0)
		prm_manager_drain(chain.manager);
	prm_manager_drain(chain.manager);
	assert_int_equal(gate.entered, 9);
	(void)prm_manager_unref(chain.manager);
}

static bool is_readable(int fd)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };

	return poll(&ready, 1, 0) == 1;
}

static void a_queue_is_readable_while_it_holds_completions(void **state)
{
	struct prm_manager *manager = make("pr-manager-gate,id=a");
	struct prm_completion completion = PRM_COMPLETION_INIT;
	struct prm_command command = pr_in(0);
	struct prm_queue *queue;
	int marks[3], i;

	assert_int_equal(prm_queue_new(&queue), 0);
	assert_true(fcntl(prm_queue_fd(queue), F_GETFD) & FD_CLOEXEC);
	assert_false(is_readable(prm_queue_fd(queue)));
	assert_int_equal(prm_queue_next(queue, &completion), -EAGAIN);
	for (i = 0; i < 3; i++)
		assert_int_equal(prm_queue_submit(queue, manager, device,
						  &command, &marks[i]),
				 0);
	assert_false(is_readable(prm_queue_fd(queue)));
	open_gate();
	prm_manager_drain(manager);
	for (i = 0; i < 3; i++) {
		assert_true(is_readable(prm_queue_fd(queue)));
		assert_int_equal(prm_queue_next(queue, &completion), 0);
		assert_ptr_equal(completion.opaque, &marks[i]);
		assert_int_equal(completion.error, 0);
		assert_int_equal(completion.reply.status, PRM_STATUS_GOOD);
	}
	assert_false(is_readable(prm_queue_fd(queue)));
	assert_int_equal(prm_queue_next(queue, &completion), -EAGAIN);
	assert_null(prm_queue_free(queue));
	(void)prm_manager_unref(manager);
}

static void a_queue_waits_for_what_was_submitted(void **state)
{
	struct prm_manager *manager = make("pr-manager-gate,id=a");
	struct prm_command command = pr_in(0);
	struct prm_queue *queue;
	int i;

	assert_int_equal(prm_queue_new(&queue), 0);
	open_gate();
	for (i = 0; i < 10; i++)
		assert_int_equal(prm_queue_submit(queue, manager, device,
						  &command, NULL),
				 0);
	(void)prm_queue_free(queue);
	assert_int_equal(gate.entered, 10);
	prm_manager_drain(manager);
	(void)prm_manager_unref(manager);
	assert_null(prm_queue_free(NULL));
}

/* The parent's command, and the parent's eventfd. */
static void a_child_frees_a_queue_without_waiting(void **state)
{
	struct prm_command command = pr_in(0);
	struct prm_manager *manager;
	struct prm_queue *queue;
	int status;
	pid_t pid;

	/*
	 * It may wait forever for a lock of qemu-user's own, and to valgrind
	 * it loses what its parent's threads have.
	 */
	if (getenv("PRM_EMULATED") || getenv("PRM_VALGRIND"))
		skip();
	manager = make("pr-manager-gate,id=a");
	assert_int_equal(prm_queue_new(&queue), 0);
	assert_int_equal(
		prm_queue_submit(queue, manager, device, &command, NULL), 0);
	wait_for_entered(1);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)prm_queue_free(queue);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	open_gate();
	(void)prm_queue_free(queue);
	prm_manager_drain(manager);
	(void)prm_manager_unref(manager);
}

static void what_a_queue_refuses_does_not_count(void **state)
{
	struct prm_manager *manager = make("pr-manager-gate,id=a");
	struct prm_completion completion = PRM_COMPLETION_INIT;
	struct prm_command command = pr_in(0);
	struct prm_queue *queue;

	assert_int_equal(prm_queue_new(&queue), 0);
	assert_int_equal(prm_queue_submit(queue, manager, -1, &command, NULL),
			 -EBADF);
	assert_int_equal(prm_queue_submit(NULL, manager, device, &command,
					  NULL),
			 -EINVAL);
	completion.size--;
	assert_int_equal(prm_queue_next(queue, &completion), -EINVAL);
	(void)prm_queue_free(queue);
	(void)prm_manager_unref(manager);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(commands_run_in_order_one_at_a_time,
				       begin),
		cmocka_unit_test_setup(
			as_many_run_at_a_time_as_the_class_can_use, begin),
		cmocka_unit_test_setup(the_descriptor_may_be_closed_at_once,
				       begin),
		cmocka_unit_test_setup(refused_commands_have_no_completion,
				       begin),
		cmocka_unit_test_setup(
			dropping_the_last_reference_loses_no_completion, begin),
		cmocka_unit_test_setup(
			deletion_cancels_what_waits_and_finishes_what_runs,
			begin),
		cmocka_unit_test_setup(
			the_last_reference_may_be_dropped_in_a_callback, begin),
		cmocka_unit_test_setup(a_callback_may_execute_the_next, begin),
		cmocka_unit_test_setup(
			a_queue_is_readable_while_it_holds_completions, begin),
		cmocka_unit_test_setup(a_queue_waits_for_what_was_submitted,
				       begin),
		cmocka_unit_test_setup(a_child_frees_a_queue_without_waiting,
				       begin),
		cmocka_unit_test_setup(what_a_queue_refuses_does_not_count,
				       begin),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
