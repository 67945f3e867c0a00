/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A socket file appears complete, and a failure leaves none. */
#include "ipc_test.h"
#include <sys/syscall.h>
#include <sys/un.h>
#include "base/fd.h"
#include "ipc/connect.h"
#include "ipc/listen.h"

static struct prm_listen_config config_of(const char *path)
{
	return (struct prm_listen_config){
		.path = path,
		.mode = PRM_LISTEN_MODE_UMASK,
		.uid = (uid_t)-1,
		.gid = (gid_t)-1,
	};
}

/* What somebody else does with the name, once it is there. */
static void (*meanwhile)(const char *path);

/* Stands in for that of the C library. */
int bind(int fd, const struct sockaddr *address, socklen_t len)
{
	int r = (int)syscall(SYS_bind, fd, address, len);

	if (r == 0 && meanwhile) {
		void (*once)(const char *path) = meanwhile;

		meanwhile = NULL;
		once(((const struct sockaddr_un *)address)->sun_path);
	}
	return r;
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	return st.st_mode & 07777;
}

static void clients_can_connect_at_once(void **state)
{
	struct scratch *scratch = *state;
	struct prm_listen_config config = config_of(scratch->path);
	int listener, path_fd, client, server;
	char byte;

	assert_int_equal(prm_listen(&config, &listener, &path_fd), 0);
	assert_int_equal(prm_connect(scratch->path, 0, &client), 0);
	assert_int_equal(prm_listen_accept(listener, &server), 0);
	assert_int_equal(write(client, "x", 1), 1);
	assert_int_equal(read(server, &byte, 1), 1);
	prm_fd_close(client);
	prm_fd_close(server);
	prm_fd_close(path_fd);
	prm_fd_close(listener);
}

static void descriptors_are_born_right(void **state)
{
	struct scratch *scratch = *state;
	struct prm_listen_config config = config_of(scratch->path);
	int listener, path_fd, client, server;

	assert_int_equal(prm_listen(&config, &listener, &path_fd), 0);
	assert_true(is_cloexec(listener) && is_nonblocking(listener));
	assert_true(is_cloexec(path_fd));
	assert_int_equal(prm_listen_accept(listener, &server), -EAGAIN);
	assert_int_equal(prm_connect(scratch->path, 0, &client), 0);
	assert_int_equal(prm_listen_accept(listener, &server), 0);
	assert_true(is_cloexec(server) && is_nonblocking(server));
	prm_fd_close(client);
	prm_fd_close(server);
	prm_fd_close(path_fd);
	prm_fd_close(listener);
}

static void an_explicit_mode_is_exact(void **state)
{
	static const mode_t modes[] = { 0600, 0660, 0666, 0777 };
	struct scratch *scratch = *state;
	struct prm_listen_config config = config_of(scratch->path);
	mode_t umask_was = umask(027);
	int listener;

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		config.mode = modes[i];
		assert_int_equal(prm_listen(&config, &listener, NULL), 0);
		assert_int_equal(mode_of(scratch->path), modes[i]);
		prm_fd_close(listener);
		assert_int_equal(unlink(scratch->path), 0);
	}
	/* And the umask is as before. */
	assert_int_equal(umask(umask_was), 027);
}

static void without_a_mode_the_umask_decides(void **state)
{
	struct scratch *scratch = *state;
	struct prm_listen_config config = config_of(scratch->path);
	mode_t umask_was = umask(037);
	int listener;

	assert_int_equal(prm_listen(&config, &listener, NULL), 0);
	assert_int_equal(mode_of(scratch->path), 0740);
	assert_int_equal(umask(umask_was), 037);
	prm_fd_close(listener);
}

static void the_owner_is_the_one_asked_for(void **state)
{
	struct scratch *scratch = *state;
	struct prm_listen_config config = config_of(scratch->path);
	struct stat st;
	int listener;

	if (geteuid() != 0)
		skip();
	config.uid = 107;
	config.gid = 108;
	config.mode = 0660;
	assert_int_equal(prm_listen(&config, &listener, NULL), 0);
	assert_int_equal(lstat(scratch->path, &st), 0);
	assert_int_equal(st.st_uid, 107);
	assert_int_equal(st.st_gid, 108);
	assert_int_equal(st.st_mode & 07777, 0660);
	prm_fd_close(listener);
}

static void the_group_alone_may_be_given(void **state)
{
	struct scratch *scratch = *state;
	struct prm_listen_config config = config_of(scratch->path);
	struct stat st;
	int listener;

	if (geteuid() != 0)
		skip();
	config.gid = 108;
	assert_int_equal(prm_listen(&config, &listener, NULL), 0);
	assert_int_equal(lstat(scratch->path, &st), 0);
	assert_int_equal(st.st_uid, 0);
	assert_int_equal(st.st_gid, 108);
	prm_fd_close(listener);
}

/* Whoever cannot give the socket away leaves nothing in the folder. */
static void a_failure_after_bind_removes_the_name(void **state)
{
	struct scratch *scratch = *state;
	struct prm_listen_config config = config_of(scratch->path);
	int listener = 77, path_fd = 78;

	if (geteuid() != 0)
		skip();
	assert_int_equal(chown(scratch->dir, 65534, (gid_t)-1), 0);
	assert_int_equal(seteuid(65534), 0);
	config.uid = 0;
	assert_int_equal(prm_listen(&config, &listener, &path_fd), -EPERM);
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(access(scratch->path, F_OK), -1);
	assert_int_equal(listener, 77);
	assert_int_equal(path_fd, 78);
}

static void remove_name(const char *path)
{
	assert_int_equal(unlink(path), 0);
}

static void replace_by_file(const char *path)
{
	remove_name(path);
	prm_fd_close(open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600));
}

/* Which another user would be made the owner of again. */
static void replace_by_socket_of_another(const char *path)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un name = { .sun_family = AF_UNIX };

	remove_name(path);
	(void)snprintf(name.sun_path, sizeof(name.sun_path), "%s", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
	assert_int_equal(chown(path, 65534, (gid_t)-1), 0);
	prm_fd_close(fd);
}

static void what_has_replaced_it_is_left_alone(void **state)
{
	void (*const others[])(const char *) = { replace_by_file,
						 replace_by_socket_of_another,
						 remove_name };
	struct scratch *scratch = *state;
	struct prm_listen_config config = config_of(scratch->path);
	int listener = 77, path_fd = 78;
	struct stat st;

	if (geteuid() != 0)
		skip();
	config.gid = 108;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		meanwhile = others[i];
		assert_int_equal(prm_listen(&config, &listener, &path_fd),
				 -ESTALE);
		assert_null(meanwhile);
		if (others[i] == remove_name)
			continue;
		assert_int_equal(lstat(scratch->path, &st), 0);
		assert_int_not_equal(st.st_gid, 108);
		remove_name(scratch->path);
	}
	assert_int_equal(listener, 77);
	assert_int_equal(path_fd, 78);
}

static void a_name_that_is_taken_is_left_alone(void **state)
{
	struct scratch *scratch = *state;
	struct prm_listen_config config = config_of(scratch->path);
	int listener = 77, path_fd = 78, fd;
	struct stat before, after;

	fd = open(scratch->path, O_CREAT | O_RDWR | O_CLOEXEC, 0640);
	assert_int_equal(write(fd, "precious", 8), 8);
	assert_int_equal(fstat(fd, &before), 0);
	config.mode = 0777;
	assert_int_equal(prm_listen(&config, &listener, &path_fd), -EADDRINUSE);
	assert_int_equal(lstat(scratch->path, &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	assert_int_equal(before.st_mode, after.st_mode);
	assert_int_equal(after.st_size, 8);
	assert_int_equal(listener, 77);
	assert_int_equal(path_fd, 78);
	prm_fd_close(fd);
}

static void a_symbolic_link_is_not_followed(void **state)
{
	struct scratch *scratch = *state;
	struct prm_listen_config config = config_of(scratch->path);
	char target[64];
	int listener;

	snprintf(target, sizeof(target), "%s/target", scratch->dir);
	assert_int_equal(symlink(target, scratch->path), 0);
	assert_int_equal(prm_listen(&config, &listener, NULL), -EADDRINUSE);
	assert_int_equal(access(target, F_OK), -1);
}

static void a_path_must_be_absolute_and_short(void **state)
{
	struct prm_listen_config config = config_of("relative");
	char path[128] = "/tmp/";
	int listener;

	assert_int_equal(prm_listen(&config, &listener, NULL), -EINVAL);
	config.path = "";
	assert_int_equal(prm_listen(&config, &listener, NULL), -EINVAL);
	memset(path + 5, 'x', 108 - 5);
	config.path = path;
	assert_int_equal(prm_listen(&config, &listener, NULL), -ENAMETOOLONG);
	config.path = "/nowhere/at/all";
	assert_int_equal(prm_listen(&config, &listener, NULL), -ENOENT);
}

static void the_pinned_file_tells_when_its_name_is_gone(void **state)
{
	struct scratch *scratch = *state;
	struct prm_listen_config config = config_of(scratch->path);
	int listener, path_fd, other;
	struct stat st;

	assert_int_equal(prm_listen(&config, &listener, &path_fd), 0);
	assert_int_equal(fstat(path_fd, &st), 0);
	assert_int_equal(st.st_nlink, 1);
	/* Taken over by another: ours is gone though the name is not. */
	assert_int_equal(unlink(scratch->path), 0);
	assert_int_equal(prm_listen(&config, &other, NULL), 0);
	assert_int_equal(fstat(path_fd, &st), 0);
	assert_int_equal(st.st_nlink, 0);
	prm_fd_close(other);
	prm_fd_close(path_fd);
	prm_fd_close(listener);
}

/* A byte sent with MSG_OOB is read in its place. */
static void urgent_data_is_read_in_line(void **state)
{
	struct scratch *scratch = *state;
	struct prm_listen_config config = config_of(scratch->path);
	int listener, client, server;
	size_t got = 0;
	char bytes[8];

	assert_int_equal(prm_listen(&config, &listener, NULL), 0);
	assert_int_equal(prm_connect(scratch->path, 0, &client), 0);
	assert_int_equal(prm_listen_accept(listener, &server), 0);
	assert_int_equal(send(client, "ab", 2, 0), 2);
	if (send(client, "!", 1, MSG_OOB) < 0) {
		/* A kernel that has no such thing hides nothing. */
		assert_int_equal(errno, EOPNOTSUPP);
		assert_int_equal(send(client, "!", 1, 0), 1);
	}
	assert_int_equal(send(client, "cd", 2, 0), 2);
	while (got < 5) {
		ssize_t n = read(server, bytes + got, sizeof(bytes) - got);

		assert_true(n > 0);
		got += (size_t)n;
	}
	assert_memory_equal(bytes, "ab!cd", 5);
	prm_fd_close(client);
	prm_fd_close(server);
	prm_fd_close(listener);
}

static void a_connection_that_is_gone_is_still_accepted(void **state)
{
	struct scratch *scratch = *state;
	struct prm_listen_config config = config_of(scratch->path);
	int listener, client, server;
	char byte;

	assert_int_equal(prm_listen(&config, &listener, NULL), 0);
	assert_int_equal(prm_connect(scratch->path, 0, &client), 0);
	prm_fd_close(client);
	assert_int_equal(prm_listen_accept(listener, &server), 0);
	assert_int_equal(read(server, &byte, 1), 0);
	prm_fd_close(server);
	prm_fd_close(listener);
}

static void accepting_from_what_does_not_listen_fails(void **state)
{
	int fd = 77;

	assert_int_equal(prm_listen_accept(-1, &fd), -EBADF);
	assert_int_equal(fd, 77);
}

static void without_descriptors_nothing_is_left_at_the_path(void **state)
{
	struct scratch *scratch = *state;
	struct prm_listen_config config = {
		.path = scratch->path,
		.mode = 0600,
		.uid = (uid_t)-1,
		.gid = (gid_t)-1,
	};
	struct rlimit before = allow_no_more_fds();
	int fd = 77;

	assert_int_equal(prm_listen(&config, &fd, NULL), -EMFILE);
	assert_int_equal(fd, 77);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(access(scratch->path, F_OK), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(clients_can_connect_at_once),
		scratch_test(descriptors_are_born_right),
		scratch_test(an_explicit_mode_is_exact),
		scratch_test(without_a_mode_the_umask_decides),
		scratch_test(the_owner_is_the_one_asked_for),
		scratch_test(the_group_alone_may_be_given),
		scratch_test(a_failure_after_bind_removes_the_name),
		scratch_test(what_has_replaced_it_is_left_alone),
		scratch_test(a_name_that_is_taken_is_left_alone),
		scratch_test(a_symbolic_link_is_not_followed),
		scratch_test(a_path_must_be_absolute_and_short),
		scratch_test(the_pinned_file_tells_when_its_name_is_gone),
		scratch_test(urgent_data_is_read_in_line),
		scratch_test(a_connection_that_is_gone_is_still_accepted),
		scratch_test(accepting_from_what_does_not_listen_fails),
		scratch_test(without_descriptors_nothing_is_left_at_the_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
