/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A listener from the service manager, or from nobody. */
#include "ipc_test.h"
#include "base/fd.h"
#include "ipc/activation.h"
#include "ipc/address.h"

static int saved_fd = -1;

/* Descriptor 3 belongs to each test; whatever was there comes back. */
static int setup(void **state)
{
	saved_fd = fcntl(PRM_ACTIVATION_FD, F_DUPFD_CLOEXEC, 100);
	(void)close(PRM_ACTIVATION_FD);
	return scratch_setup(state);
}

static int teardown(void **state)
{
	int r;

	(void)close(PRM_ACTIVATION_FD);
	r = scratch_teardown(state);
	if (saved_fd >= 0)
		(void)dup2(saved_fd, PRM_ACTIVATION_FD);
	saved_fd = prm_fd_close(saved_fd);
	return r;
}

static void set_environment(const char *pid, const char *fds)
{
	char self[16];

	snprintf(self, sizeof(self), "%d", (int)getpid());
	(void)unsetenv("LISTEN_PID");
	(void)unsetenv("LISTEN_FDS");
	if (pid)
		(void)setenv("LISTEN_PID", strcmp(pid, "self") ? pid : self, 1);
	if (fds)
		(void)setenv("LISTEN_FDS", fds, 1);
	(void)setenv("LISTEN_FDNAMES", "pr-helper.socket", 1);
}

static void assert_environment_clean(void)
{
	assert_null(getenv("LISTEN_PID"));
	assert_null(getenv("LISTEN_FDS"));
	assert_null(getenv("LISTEN_FDNAMES"));
}

/* Put @fd where the manager would. */
static void pass_fd(int fd)
{
	if (fd == PRM_ACTIVATION_FD)
		return;
	assert_int_equal(dup2(fd, PRM_ACTIVATION_FD), PRM_ACTIVATION_FD);
	prm_fd_close(fd);
}

static void pass_socket(struct scratch *scratch, int type, bool do_listen)
{
	struct prm_ipc_address address;
	int fd = socket(AF_UNIX, type, 0);

	assert_int_equal(prm_ipc_address_path(scratch->path, &address), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address.un, address.len),
			 0);
	if (do_listen)
		assert_int_equal(listen(fd, 1), 0);
	pass_fd(fd);
}

static void the_listener_is_taken_and_made_ours(void **state)
{
	int fd = 77;

	pass_socket(*state, SOCK_STREAM, true);
	set_environment("self", "1");
	assert_int_equal(prm_activation_take(&fd), 0);
	assert_int_equal(fd, 3);
	assert_true(is_cloexec(fd) && is_nonblocking(fd));
	assert_environment_clean();
}

static void without_variables_there_is_no_activation(void **state)
{
	int fd = 77;

	set_environment(NULL, NULL);
	assert_int_equal(prm_activation_take(&fd), 0);
	assert_int_equal(fd, -1);
	fd = 77;
	set_environment("self", NULL);
	assert_int_equal(prm_activation_take(&fd), 0);
	assert_int_equal(fd, -1);
	fd = 77;
	set_environment(NULL, "1");
	assert_int_equal(prm_activation_take(&fd), 0);
	assert_int_equal(fd, -1);
	assert_environment_clean();
}

/* The environment may be libvirtd's, which was activated itself. */
static void variables_for_another_process_are_ignored(void **state)
{
	int fd = 77;

	pass_socket(*state, SOCK_STREAM, true);
	set_environment("1", "1");
	assert_int_equal(prm_activation_take(&fd), 0);
	assert_int_equal(fd, -1);
	/* What it has to do with that descriptor is none of our business. */
	assert_true(is_open(PRM_ACTIVATION_FD));
	assert_false(is_cloexec(PRM_ACTIVATION_FD));
	assert_environment_clean();
	fd = 77;
	set_environment("1", "garbage");
	assert_int_equal(prm_activation_take(&fd), 0);
	assert_int_equal(fd, -1);
}

static void only_one_descriptor_is_taken(void **state)
{
	int fd = 77;

	pass_socket(*state, SOCK_STREAM, true);
	set_environment("self", "2");
	assert_int_equal(prm_activation_take(&fd), -E2BIG);
	assert_int_equal(fd, 77);
	assert_environment_clean();
}

static void numbers_must_be_numbers(void **state)
{
	static const char *const wrong[] = {
		"", "x", "1x", " 1", "+1", "-1", "0x1", "99999999999999999999",
	};
	int fd = 77;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		set_environment("self", wrong[i]);
		assert_int_equal(prm_activation_take(&fd), -EINVAL);
		set_environment(wrong[i], "1");
		assert_int_equal(prm_activation_take(&fd), -EINVAL);
		assert_environment_clean();
	}
	assert_int_equal(fd, 77);
}

static void a_descriptor_must_be_a_listener(void **state)
{
	struct scratch *scratch = *state;
	int fd = 77;

	set_environment("self", "1");
	assert_int_equal(prm_activation_take(&fd), -EBADF);

	pass_socket(scratch, SOCK_STREAM, false);
	set_environment("self", "1");
	assert_int_equal(prm_activation_take(&fd), -EPROTOTYPE);
	(void)close(PRM_ACTIVATION_FD);
	(void)unlink(scratch->path);

	pass_socket(scratch, SOCK_SEQPACKET, true);
	set_environment("self", "1");
	assert_int_equal(prm_activation_take(&fd), -EPROTOTYPE);
	(void)close(PRM_ACTIVATION_FD);

	pass_fd(open("/dev/null", O_RDONLY));
	set_environment("self", "1");
	assert_int_equal(prm_activation_take(&fd), -ENOTSOCK);
	assert_int_equal(fd, 77);
	assert_false(is_cloexec(PRM_ACTIVATION_FD));
}

static void a_socket_of_the_network_is_refused(void **state)
{
	int fd = 77, sock = socket(AF_INET, SOCK_STREAM, 0);

	if (sock < 0)
		skip();
	pass_fd(sock);
	set_environment("self", "1");
	assert_int_equal(prm_activation_take(&fd), -EAFNOSUPPORT);
	assert_int_equal(fd, 77);
}

#define activation_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		activation_test(the_listener_is_taken_and_made_ours),
		activation_test(without_variables_there_is_no_activation),
		activation_test(variables_for_another_process_are_ignored),
		activation_test(only_one_descriptor_is_taken),
		activation_test(numbers_must_be_numbers),
		activation_test(a_descriptor_must_be_a_listener),
		activation_test(a_socket_of_the_network_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
