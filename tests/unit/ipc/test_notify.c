/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Telling the service manager how we are. */
#include <limits.h>
#include <pthread.h>
#include "ipc_test.h"
#include "base/fd.h"
#include "ipc/address.h"
#include "ipc/notify.h"

static int bind_manager(const struct prm_ipc_address *address)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&address->un,
			      address->len),
			 0);
	return fd;
}

static void assert_received(int fd, const char *expected)
{
	char text[64];
	ssize_t len = recv(fd, text, sizeof(text), 0);

	assert_int_equal(len, strlen(expected));
	assert_memory_equal(text, expected, strlen(expected));
}

static void exchange(const struct prm_ipc_address *address, const char *name)
{
	int manager = bind_manager(address), fd;

	(void)setenv("NOTIFY_SOCKET", name, 1);
	assert_int_equal(prm_notify_open(&fd), 0);
	assert_true(fd >= 0 && is_cloexec(fd));
	assert_null(getenv("NOTIFY_SOCKET"));
	assert_int_equal(prm_notify_send(fd, PRM_NOTIFY_READY), 0);
	assert_received(manager, "READY=1");
	assert_int_equal(prm_notify_send(fd, PRM_NOTIFY_STOPPING), 0);
	assert_received(manager, "STOPPING=1");
	prm_fd_close(fd);
	prm_fd_close(manager);
}

static unsigned int watchdog(const char *usec, const char *pid)
{
	if (usec)
		(void)setenv("WATCHDOG_USEC", usec, 1);
	if (pid)
		(void)setenv("WATCHDOG_PID", pid, 1);
	return prm_notify_watchdog_ms();
}

static void a_watchdog_says_how_long_it_waits(void **state)
{
	char own[16];

	(void)snprintf(own, sizeof(own), "%d", (int)getpid());
	assert_int_equal(watchdog("30000000", own), 30000);
	assert_null(getenv("WATCHDOG_USEC"));
	assert_null(getenv("WATCHDOG_PID"));
	assert_int_equal(watchdog("30000000", NULL), 30000);
	assert_int_equal(watchdog("1", NULL), 1);
	assert_int_equal(watchdog("18446744073709551615", NULL), UINT_MAX);
}

static void another_processs_watchdog_is_not_ours(void **state)
{
	assert_int_equal(watchdog(NULL, NULL), 0);
	assert_int_equal(watchdog("30000000", "1"), 0);
	assert_int_equal(watchdog("30000000", "x"), 0);
	assert_int_equal(watchdog("-1", NULL), 0);
	assert_int_equal(watchdog("1x", NULL), 0);
	assert_int_equal(watchdog("", NULL), 0);
	assert_int_equal(watchdog("99999999999999999999", NULL), 0);
	assert_null(getenv("WATCHDOG_USEC"));
}

static void a_manager_at_a_path_is_told(void **state)
{
	struct scratch *scratch = *state;
	struct prm_ipc_address address;

	assert_int_equal(prm_ipc_address_path(scratch->path, &address), 0);
	exchange(&address, scratch->path);
}

static void a_manager_with_an_abstract_name_is_told(void **state)
{
	struct scratch *scratch = *state;
	struct prm_ipc_address address;
	char name[80];

	snprintf(name, sizeof(name), "@%s", scratch->path);
	assert_int_equal(prm_ipc_address_abstract(name + 1, &address), 0);
	exchange(&address, name);
}

static void without_a_manager_nothing_happens(void **state)
{
	int fd = 77;

	(void)unsetenv("NOTIFY_SOCKET");
	assert_int_equal(prm_notify_open(&fd), 0);
	assert_int_equal(fd, -1);
	assert_int_equal(prm_notify_send(fd, PRM_NOTIFY_READY), 0);
	fd = 77;
	(void)setenv("NOTIFY_SOCKET", "", 1);
	assert_int_equal(prm_notify_open(&fd), 0);
	assert_int_equal(fd, -1);
}

static void an_address_that_leads_nowhere_is_an_error(void **state)
{
	struct scratch *scratch = *state;
	char name[128] = "/";
	int fd = 77;

	(void)setenv("NOTIFY_SOCKET", "relative", 1);
	assert_int_equal(prm_notify_open(&fd), -EAFNOSUPPORT);
	assert_null(getenv("NOTIFY_SOCKET"));
	(void)setenv("NOTIFY_SOCKET", "vsock:2:1234", 1);
	assert_int_equal(prm_notify_open(&fd), -EAFNOSUPPORT);
	(void)setenv("NOTIFY_SOCKET", scratch->path, 1);
	assert_int_equal(prm_notify_open(&fd), -ENOENT);
	(void)setenv("NOTIFY_SOCKET", "@", 1);
	assert_int_equal(prm_notify_open(&fd), -EINVAL);
	memset(name + 1, 'x', 107);
	(void)setenv("NOTIFY_SOCKET", name, 1);
	assert_int_equal(prm_notify_open(&fd), -ENAMETOOLONG);
	assert_int_equal(fd, 77);
}

static void a_manager_that_is_gone_is_an_error(void **state)
{
	struct scratch *scratch = *state;
	struct prm_ipc_address address;
	int manager, fd;

	assert_int_equal(prm_ipc_address_path(scratch->path, &address), 0);
	manager = bind_manager(&address);
	(void)setenv("NOTIFY_SOCKET", scratch->path, 1);
	assert_int_equal(prm_notify_open(&fd), 0);
	prm_fd_close(manager);
	assert_int_equal(prm_notify_send(fd, PRM_NOTIFY_READY), -ECONNREFUSED);
	prm_fd_close(fd);
}

/* A connection to a manager at the test's path whose queue is full. */
static int open_full(struct scratch *scratch, int *ret_manager)
{
	struct prm_ipc_address address;
	int fd, r;

	assert_int_equal(prm_ipc_address_path(scratch->path, &address), 0);
	*ret_manager = bind_manager(&address);
	(void)setenv("NOTIFY_SOCKET", scratch->path, 1);
	assert_int_equal(prm_notify_open(&fd), 0);
	do
		r = prm_notify_try(fd, PRM_NOTIFY_READY);
	while (r == 0);
	assert_int_equal(r, -EAGAIN);
	return fd;
}

/* Read until the manager is told that we stop. */
static void *read_late(void *opaque)
{
	const int *manager = opaque;
	char text[64];
	ssize_t len;

	do
		len = recv(*manager, text, sizeof(text), 0);
	while (len > 0 && text[0] != PRM_NOTIFY_STOPPING[0]);
	return NULL;
}

static void a_manager_that_reads_late_is_told(void **state)
{
	pthread_t reader;
	int manager, fd = open_full(*state, &manager);

	assert_int_equal(pthread_create(&reader, NULL, read_late, &manager), 0);
	assert_int_equal(prm_notify_send(fd, PRM_NOTIFY_STOPPING), 0);
	assert_int_equal(pthread_join(reader, NULL), 0);
	prm_fd_close(fd);
	prm_fd_close(manager);
}

static void a_manager_that_never_reads_is_given_up(void **state)
{
	int manager, fd = open_full(*state, &manager);

	assert_int_equal(prm_notify_send(fd, PRM_NOTIFY_STOPPING), -ETIMEDOUT);
	prm_fd_close(fd);
	prm_fd_close(manager);
}

static void without_descriptors_nobody_is_told(void **state)
{
	struct scratch *scratch = *state;
	struct rlimit before = allow_no_more_fds();
	int fd = 77;

	(void)setenv("NOTIFY_SOCKET", scratch->path, 1);
	assert_int_equal(prm_notify_open(&fd), -EMFILE);
	assert_int_equal(fd, 77);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_watchdog_says_how_long_it_waits),
		cmocka_unit_test(another_processs_watchdog_is_not_ours),
		scratch_test(a_manager_at_a_path_is_told),
		scratch_test(a_manager_with_an_abstract_name_is_told),
		scratch_test(without_a_manager_nothing_happens),
		scratch_test(an_address_that_leads_nowhere_is_an_error),
		scratch_test(a_manager_that_is_gone_is_an_error),
		scratch_test(a_manager_that_reads_late_is_told),
		scratch_test(a_manager_that_never_reads_is_given_up),
		scratch_test(without_descriptors_nobody_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
