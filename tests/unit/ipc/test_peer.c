/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who is at the other end of a Unix socket. */
#include <sys/wait.h>
#include "ipc_test.h"
#include "base/fd.h"
#include "ipc/connect.h"
#include "ipc/listen.h"
#include "ipc/peer.h"

static void a_pair_is_this_process_twice(void **state)
{
	struct prm_peer peer;
	int fds[2];

	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	assert_int_equal(prm_peer_get(fds[0], &peer), 0);
	assert_int_equal(peer.pid, getpid());
	assert_int_equal(peer.uid, geteuid());
	assert_int_equal(peer.gid, getegid());
	prm_fd_close(fds[0]);
	prm_fd_close(fds[1]);
}

static int open_listener(const char *path)
{
	struct prm_listen_config config = {
		.path = path,
		.mode = 0666,
		.uid = (uid_t)-1,
		.gid = (gid_t)-1,
	};
	int listener;

	assert_int_equal(prm_listen(&config, &listener, NULL), 0);
	return listener;
}

/* In a child: connect as somebody else, and stay until the parent is done. */
static void connect_as(const char *path, uid_t uid, gid_t gid, int until_fd)
{
	char byte;
	int fd;

	if (setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
		_exit(1);
	if (prm_connect(path, 0, &fd) < 0)
		_exit(2);
	while (read(until_fd, &byte, 1) < 0 && errno == EINTR)
		;
	_exit(0);
}

static int accept_wait(int listener)
{
	int fd;

	assert_int_equal(fcntl(listener, F_SETFL, 0), 0);
	assert_int_equal(prm_listen_accept(listener, &fd), 0);
	return fd;
}

static void a_client_is_known_by_pid_and_ids(void **state)
{
	struct scratch *scratch = *state;
	struct prm_peer peer;
	int listener, fd, until[2], status;
	pid_t pid;

	if (geteuid() != 0)
		skip();
	assert_int_equal(chmod(scratch->dir, 0755), 0);
	listener = open_listener(scratch->path);
	assert_int_equal(pipe2(until, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		prm_fd_close(until[1]);
		connect_as(scratch->path, 107, 108, until[0]);
	}
	prm_fd_close(until[0]);
	fd = accept_wait(listener);
	assert_int_equal(prm_peer_get(fd, &peer), 0);
	assert_int_equal(peer.pid, pid);
	assert_int_equal(peer.uid, 107);
	assert_int_equal(peer.gid, 108);
	prm_fd_close(until[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	prm_fd_close(fd);
	prm_fd_close(listener);
}

static void what_has_no_peer_is_an_error(void **state)
{
	struct prm_peer peer = { .pid = 77 };
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	assert_int_equal(prm_peer_get(fd, &peer), -ENOTSOCK);
	prm_fd_close(fd);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(prm_peer_get(fd, &peer), -ENOTCONN);
	prm_fd_close(fd);
	assert_int_equal(prm_peer_get(-1, &peer), -EBADF);
	assert_int_equal(peer.pid, 77);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(a_pair_is_this_process_twice),
		scratch_test(a_client_is_known_by_pid_and_ids),
		scratch_test(what_has_no_peer_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
