/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The calls to the kernel that runs this. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <cmocka.h>
#include "device/device.h"
#include "device/kernel.h"

static uint64_t effective_caps(void)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3,
						 0 };
	/* Filled, because valgrind knows of one element only. */
	struct __user_cap_data_struct caps[2] = { 0 };

	assert_int_equal(syscall(SYS_capget, &head, caps), 0);
	return caps[0].effective | (uint64_t)caps[1].effective << 32;
}

/* Before any test could have changed them. */
static uint64_t caps_at_start, caps_at_verdict;

/* The C library's, but for a look at who asks for the verdict. */
int ioctl(int fd, unsigned long request, ...);

int ioctl(int fd, unsigned long request, ...)
{
	va_list args;
	void *arg;

	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	if (request == SG_GET_VERSION_NUM)
		caps_at_verdict = effective_caps();
	return (int)syscall(SYS_ioctl, fd, request, arg);
}

static void stat_tells_type_and_number(void **state)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	mode_t type;
	dev_t number;

	assert_int_equal(prm_kernel()->stat(fd, &type, &number), 0);
	assert_int_equal(type, S_IFCHR);
	assert_true(number == makedev(1, 3));
	close(fd);
	assert_int_equal(prm_kernel()->stat(fd, &type, &number), -EBADF);
}

static void flags_are_those_of_the_open(void **state)
{
	static const int modes[] = { O_RDONLY, O_WRONLY, O_RDWR };
	int fd, flags;

	for (size_t i = 0; i < 3; i++) {
		fd = open("/dev/null", modes[i] | O_CLOEXEC);
		assert_int_equal(prm_kernel()->flags(fd, &flags), 0);
		assert_int_equal(flags & O_ACCMODE, modes[i]);
		close(fd);
	}
	fd = open("/dev/null", O_PATH | O_CLOEXEC);
	assert_int_equal(prm_kernel()->flags(fd, &flags), 0);
	assert_true(flags & O_PATH);
	close(fd);
	assert_int_equal(prm_kernel()->flags(fd, &flags), -EBADF);
}

static void every_other_kind_of_descriptor_is_refused(void **state)
{
	struct prm_device_info info;
	int fds[9], pair[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	fds[2] = pair[0];
	fds[3] = pair[1];
	fds[4] = epoll_create1(EPOLL_CLOEXEC);
	fds[5] = memfd_create("x", MFD_CLOEXEC);
	fds[6] = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fds[7] = open("/dev/zero", O_RDWR | O_CLOEXEC);
	fds[8] = open("/dev/null", O_PATH | O_CLOEXEC);
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		assert_true(fds[i] >= 0);
		assert_int_equal(prm_device_inspect(fds[i], &info), -ENOTBLK);
		close(fds[i]);
	}
	assert_int_equal(prm_device_inspect(fds[0], &info), -EBADF);
}

static void what_is_no_scsi_device_gets_enotty(void **state)
{
	struct prm_device_info info = { .kind = PRM_DEVICE_SCSI };
	struct sg_io_hdr hdr = { .interface_id = 'S' };
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	assert_int_equal(prm_device_verdict_fd(fd, &info), -ENOTTY);
	assert_int_equal(prm_device_sg_io(fd, &hdr), -ENOTTY);
	close(fd);
}

static void the_verdict_is_asked_without_the_capability(void **state)
{
	const uint64_t rawio = 1ull << CAP_SYS_RAWIO;
	struct prm_device_info info = { .kind = PRM_DEVICE_SCSI };

	caps_at_verdict = ~0ull;
	assert_int_equal(prm_device_verdict_fd(-1, &info), -EBADF);
	assert_true(caps_at_verdict == (caps_at_start & ~rawio));
	assert_true(effective_caps() == caps_at_start);
}

static uint64_t mask_seen;
static int error_given;

static int mask_sg_io(int fd, struct sg_io_hdr *hdr)
{
	assert_int_equal(syscall(SYS_rt_sigprocmask, SIG_SETMASK, NULL,
				 &mask_seen, sizeof(mask_seen)),
			 0);
	return error_given;
}

static void sg_io_runs_with_every_signal_blocked(void **state)
{
	/* KILL and STOP cannot be blocked; the C library's own 32, 33 can. */
	const uint64_t all = ~(1ull << (SIGKILL - 1) | 1ull << (SIGSTOP - 1));
	static const struct prm_kernel kernel = { .sg_io = mask_sg_io };
	static const int errors[] = { 0, -EIO };
	struct sg_io_hdr hdr = { .interface_id = 'S' };
	sigset_t before, after, some;

	sigemptyset(&some);
	sigaddset(&some, SIGUSR2);
	pthread_sigmask(SIG_SETMASK, &some, &before);
	pthread_sigmask(SIG_BLOCK, NULL, &some);
	prm_kernel_use(&kernel);
	for (size_t i = 0; i < 2; i++) {
		mask_seen = 0;
		error_given = errors[i];
		assert_int_equal(prm_device_sg_io(-1, &hdr), errors[i]);
		assert_true(mask_seen == all);
		pthread_sigmask(SIG_BLOCK, NULL, &after);
		for (int sig = 1; sig < 65; sig++)
			assert_int_equal(sigismember(&some, sig),
					 sigismember(&after, sig));
	}
	prm_kernel_use(NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void *send_with_signals_blocked(void *opaque)
{
	struct sg_io_hdr hdr = { .interface_id = 'S' };

	prm_device_prepare_thread();
	*(int *)opaque = prm_device_sg_io(-1, &hdr);
	return NULL;
}

static void a_thread_may_block_signals_once_for_all(void **state)
{
	static const struct prm_kernel kernel = { .sg_io = mask_sg_io };
	uint64_t fatal = 0, unsent = 3ull << (32 - 1);
	static const int signals[] = { SIGSEGV, SIGBUS,  SIGFPE, SIGILL,
				       SIGABRT, SIGTRAP, SIGSYS };
	pthread_t thread;
	int result = 0;

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		fatal |= 1ull << (signals[i] - 1);
	error_given = -EIO;
	mask_seen = 0;
	prm_kernel_use(&kernel);
	assert_int_equal(pthread_create(&thread, NULL,
					send_with_signals_blocked, &result),
			 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	prm_kernel_use(NULL);
	assert_int_equal(result, -EIO);
	assert_true((mask_seen | fatal | unsent | 1ull << (SIGKILL - 1) |
		     1ull << (SIGSTOP - 1)) == UINT64_MAX);
}

static void *ask_in_a_prepared_thread(void *opaque)
{
	struct prm_device_info info = { .kind = PRM_DEVICE_SCSI };
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3,
						 0 };
	struct __user_cap_data_struct caps[2] = { 0 };

	if (*(bool *)opaque)
		(void)syscall(SYS_capset, &head, caps);
	prm_device_prepare_thread();
	caps_at_verdict = ~0ull;
	(void)prm_device_verdict_fd(-1, &info);
	return NULL;
}

static void a_prepared_thread_asks_without_the_capability(void **state)
{
	const uint64_t rawio = 1ull << CAP_SYS_RAWIO;
	bool without[] = { false, true };
	pthread_t thread;

	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(pthread_create(&thread, NULL,
						ask_in_a_prepared_thread,
						&without[i]),
				 0);
		assert_int_equal(pthread_join(thread, NULL), 0);
		assert_true(caps_at_verdict ==
			    (without[i] ? 0 : caps_at_start & ~rawio));
	}
}

static void sysfs_is_read_without_the_newline(void **state)
{
	char buf[64], tiny[2];

	if (access("/sys/kernel/mm", F_OK) < 0)
		skip();
	assert_int_equal(prm_kernel()->exists("kernel"), 0);
	assert_int_equal(prm_kernel()->exists("no-such-thing"), -ENOENT);
	assert_int_equal(prm_kernel()->read("no-such-thing", buf, 64), -ENOENT);
	assert_int_equal(prm_kernel()->read("kernel", buf, 64), -EISDIR);
	if (access("/sys/kernel/uevent_seqnum", R_OK) < 0)
		skip();
	assert_int_equal(prm_kernel()->read("kernel/uevent_seqnum", buf, 64),
			 0);
	assert_int_equal(strspn(buf, "0123456789"), strlen(buf));
	assert_int_equal(prm_kernel()->read("kernel/uevent_seqnum", tiny, 2),
			 0);
	assert_int_equal(strlen(tiny), 1);
}

static void folders_are_listed_without_dots(void **state)
{
	char names[4][PRM_KERNEL_NAME_SIZE], one[1][PRM_KERNEL_NAME_SIZE];
	int n;

	if (access("/sys/kernel/mm", F_OK) < 0)
		skip();
	n = prm_kernel()->list("kernel", names, 4);
	assert_true(n > 4);
	for (size_t i = 0; i < 4; i++)
		assert_true(names[i][0] != '.' && names[i][0] != '\0');
	assert_int_equal(prm_kernel()->list("kernel", one, 1), n);
	assert_string_equal(one[0], names[0]);
	assert_int_equal(prm_kernel()->list("kernel", NULL, 0), n);
	assert_int_equal(prm_kernel()->list("no-such-thing", names, 4),
			 -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stat_tells_type_and_number),
		cmocka_unit_test(flags_are_those_of_the_open),
		cmocka_unit_test(every_other_kind_of_descriptor_is_refused),
		cmocka_unit_test(what_is_no_scsi_device_gets_enotty),
		cmocka_unit_test(the_verdict_is_asked_without_the_capability),
		cmocka_unit_test(sg_io_runs_with_every_signal_blocked),
		cmocka_unit_test(a_thread_may_block_signals_once_for_all),
		cmocka_unit_test(a_prepared_thread_asks_without_the_capability),
		cmocka_unit_test(sysfs_is_read_without_the_newline),
		cmocka_unit_test(folders_are_listed_without_dots),
	};

	caps_at_start = effective_caps();
	return cmocka_run_group_tests_name("kernel", tests, NULL, NULL);
}
