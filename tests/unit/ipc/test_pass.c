/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every descriptor that comes ends up in the receiver's hands. */
#include <sys/resource.h>
#include <sys/uio.h>
#include "ipc_test.h"
#include "base/fd.h"
#include "ipc/pass.h"

struct pair {
	int a, b;
};

static struct pair open_pair(void)
{
	int fds[2];

	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	return (struct pair){ fds[0], fds[1] };
}

static void close_pair(struct pair pair)
{
	prm_fd_close(pair.a);
	prm_fd_close(pair.b);
}

static int open_null(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

/* Send @len bytes with @count copies of one descriptor, in one message. */
static void send_many(int sock, const char *bytes, size_t len, size_t count)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(PRM_PASS_FDS_MAX * sizeof(int))];
	} control;
	struct iovec iov = { (void *)bytes, len };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = CMSG_SPACE(count * sizeof(int)),
	};
	struct cmsghdr *cmsg;
	int fd = open_null();

	memset(&control, 0, sizeof(control));
	cmsg = CMSG_FIRSTHDR(&msg);
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(count * sizeof(int));
	for (size_t i = 0; i < count; i++)
		memcpy(CMSG_DATA(cmsg) + i * sizeof(int), &fd, sizeof(int));
	assert_int_equal(sendmsg(sock, &msg, 0), len);
	prm_fd_close(fd);
}

static void a_descriptor_arrives_with_its_bytes(void **state)
{
	struct pair pair = open_pair();
	struct prm_received_fds fds;
	int fd = open_null();
	struct stat sent, got;
	size_t len;
	char bytes[16];

	assert_int_equal(prm_pass_send(pair.a, "hello", 5, fd, &len), 0);
	assert_int_equal(len, 5);
	assert_int_equal(
		prm_pass_receive(pair.b, bytes, sizeof(bytes), &len, &fds), 0);
	assert_int_equal(len, 5);
	assert_memory_equal(bytes, "hello", 5);
	assert_int_equal(fds.count, 1);
	assert_false(fds.truncated);
	assert_true(is_cloexec(fds.fds[0]));
	assert_int_equal(fstat(fd, &sent), 0);
	assert_int_equal(fstat(fds.fds[0], &got), 0);
	assert_int_equal(sent.st_rdev, got.st_rdev);
	/* The sender still has its own. */
	assert_true(is_open(fd));
	prm_received_fds_close(&fds);
	assert_int_equal(fds.count, 0);
	prm_fd_close(fd);
	close_pair(pair);
}

static void bytes_alone_bring_no_descriptor(void **state)
{
	struct pair pair = open_pair();
	struct prm_received_fds fds = { .count = 7, .truncated = true };
	size_t len;
	char bytes[16];

	assert_int_equal(prm_pass_send(pair.a, "x", 1, -1, &len), 0);
	assert_int_equal(
		prm_pass_receive(pair.b, bytes, sizeof(bytes), &len, &fds), 0);
	assert_int_equal(len, 1);
	assert_int_equal(fds.count, 0);
	assert_false(fds.truncated);
	close_pair(pair);
}

static void all_of_253_descriptors_are_handed_over(void **state)
{
	struct pair pair = open_pair();
	struct prm_received_fds fds;
	size_t len;
	char byte;

	send_many(pair.a, "x", 1, PRM_PASS_FDS_MAX);
	assert_int_equal(prm_pass_receive(pair.b, &byte, 1, &len, &fds), 0);
	assert_int_equal(fds.count, PRM_PASS_FDS_MAX);
	assert_false(fds.truncated);
	for (size_t i = 0; i < fds.count; i++)
		assert_true(is_cloexec(fds.fds[i]));
	prm_received_fds_close(&fds);
	close_pair(pair);
}

/* No more descriptors than this process may have: the rest is gone. */
static void descriptors_that_do_not_fit_are_reported(void **state)
{
	struct pair pair = open_pair();
	struct prm_received_fds fds;
	struct rlimit before, low;
	size_t len;
	char byte;
	int top;

	send_many(pair.a, "x", 1, 100);
	/* Above every number that is taken, so that 3 are free below it. */
	top = fcntl(pair.a, F_DUPFD_CLOEXEC, 200);
	assert_true(top >= 200);
	for (int fd = 0; fd < top; fd++) {
		if (!is_open(fd))
			assert_int_equal(dup3(pair.a, fd, O_CLOEXEC), fd);
	}
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	low = before;
	low.rlim_cur = (rlim_t)top + 4;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	assert_int_equal(prm_pass_receive(pair.b, &byte, 1, &len, &fds), 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	/* Under valgrind the limit is not the kernel's. */
	if (fds.count == 100)
		skip();
	assert_true(fds.truncated);
	assert_int_equal(fds.count, 3);
	prm_received_fds_close(&fds);
}

/* What one read brings along belongs to its bytes and to no others. */
static void descriptors_stay_with_their_bytes(void **state)
{
	struct pair pair = open_pair();
	struct prm_received_fds fds;
	size_t len, got = 0, with = 0;
	char bytes[4];

	send_many(pair.a, "ab", 2, 1);
	send_many(pair.a, "cd", 2, 2);
	while (got < 4) {
		assert_int_equal(prm_pass_receive(pair.b, bytes, 4, &len, &fds),
				 0);
		assert_true(len > 0);
		with += fds.count;
		assert_true(fds.count <= 2);
		got += len;
		prm_received_fds_close(&fds);
	}
	assert_int_equal(with, 3);
	close_pair(pair);
}

static void the_end_of_the_stream_is_no_error(void **state)
{
	struct pair pair = open_pair();
	struct prm_received_fds fds;
	size_t len = 77;
	char byte;

	pair.a = prm_fd_close(pair.a);
	assert_int_equal(prm_pass_receive(pair.b, &byte, 1, &len, &fds), 0);
	assert_int_equal(len, 0);
	assert_int_equal(fds.count, 0);
	close_pair(pair);
}

static void failures_write_nothing(void **state)
{
	struct pair pair = open_pair();
	struct prm_received_fds fds = { .count = 7 };
	size_t len = 77;
	char byte;

	assert_int_equal(fcntl(pair.b, F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(prm_pass_receive(pair.b, &byte, 1, &len, &fds),
			 -EAGAIN);
	assert_int_equal(len, 77);
	assert_int_equal(fds.count, 0);
	pair.a = prm_fd_close(pair.a);
	/* No SIGPIPE: the test is still here. */
	assert_int_equal(prm_pass_send(pair.b, "x", 1, -1, &len), -EPIPE);
	assert_int_equal(prm_pass_receive(-1, &byte, 1, &len, &fds), -EBADF);
	assert_int_equal(prm_pass_send(-1, "x", 1, -1, &len), -EBADF);
	assert_int_equal(len, 77);
	close_pair(pair);
}

static void a_descriptor_that_is_none_is_not_sent(void **state)
{
	struct pair pair = open_pair();
	struct prm_received_fds fds;
	size_t len = 77;
	char byte;

	assert_int_equal(prm_pass_send(pair.a, "x", 1, 1 << 30, &len), -EBADF);
	assert_int_equal(len, 77);
	assert_int_equal(fcntl(pair.b, F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(prm_pass_receive(pair.b, &byte, 1, &len, &fds),
			 -EAGAIN);
	close_pair(pair);
}

static void a_full_socket_is_told_apart(void **state)
{
	static const char bytes[1 << 16];
	struct pair pair = open_pair();
	int fd = open_null(), r;
	size_t len;

	assert_int_equal(fcntl(pair.a, F_SETFL, O_NONBLOCK), 0);
	do {
		r = prm_pass_send(pair.a, bytes, sizeof(bytes), -1, &len);
		assert_true(r == -EAGAIN || (r == 0 && len > 0));
	} while (r == 0);
	len = 77;
	assert_int_equal(prm_pass_send(pair.a, bytes, sizeof(bytes), fd, &len),
			 -EAGAIN);
	assert_int_equal(len, 77);
	prm_fd_close(fd);
	close_pair(pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(a_descriptor_arrives_with_its_bytes),
		scratch_test(bytes_alone_bring_no_descriptor),
		scratch_test(all_of_253_descriptors_are_handed_over),
		scratch_test(descriptors_stay_with_their_bytes),
		scratch_test(the_end_of_the_stream_is_no_error),
		scratch_test(failures_write_nothing),
		scratch_test(a_descriptor_that_is_none_is_not_sent),
		scratch_test(a_full_socket_is_told_apart),
		/* Last: it fills the table of descriptors. */
		cmocka_unit_test(descriptors_that_do_not_fit_are_reported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
