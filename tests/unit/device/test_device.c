/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which descriptors become devices, and who owns them then. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <cmocka.h>
#include "device/device.h"
#include "device/kernel.h"

static struct {
	mode_t type;
	dev_t number;
	int flags, stat_error, flags_error, verdict;
	const char *uuid; /* NULL: not device-mapper */
	unsigned int n_flags, n_verdicts, n_reads;
} fake;

static int fake_stat(int fd, mode_t *ret_type, dev_t *ret_number)
{
	if (fake.stat_error)
		return fake.stat_error;
	*ret_type = fake.type;
	*ret_number = fake.number;
	return 0;
}

static int fake_flags(int fd, int *ret_flags)
{
	fake.n_flags++;
	if (fake.flags_error)
		return fake.flags_error;
	*ret_flags = fake.flags;
	return 0;
}

static int fake_sg_version(int fd)
{
	fake.n_verdicts++;
	return fake.verdict;
}

static int fake_read(const char *path, char *buf, size_t size)
{
	fake.n_reads++;
	if (!fake.uuid)
		return -ENOENT;
	snprintf(buf, size, "%s", fake.uuid);
	return 0;
}

static int fake_list(const char *path, char (*names)[PRM_KERNEL_NAME_SIZE],
		     size_t max)
{
	return 0;
}

static int fake_exists(const char *path)
{
	return 0;
}

static const struct prm_kernel fake_kernel = {
	.stat = fake_stat,
	.flags = fake_flags,
	.sg_version = fake_sg_version,
	.read = fake_read,
	.list = fake_list,
	.exists = fake_exists,
};

static int set_up(void **state)
{
	memset(&fake, 0, sizeof(fake));
	fake.type = S_IFBLK;
	fake.number = makedev(8, 32);
	fake.flags = O_RDWR;
	prm_kernel_use(&fake_kernel);
	return 0;
}

static int tear_down(void **state)
{
	prm_kernel_use(NULL);
	return 0;
}

/* A descriptor of its own for each device: it is really closed. */
static int some_fd(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void a_device_owns_its_descriptor(void **state)
{
	struct prm_device *dev = NULL;
	int fd = some_fd(), was = fd;

	assert_int_equal(prm_device_new(&fd, &dev), 0);
	assert_int_equal(fd, -1);
	assert_int_equal(prm_device_fd(dev), was);
	assert_true(is_open(was));
	assert_string_equal(prm_device_name(dev), "8:32");
	assert_true(prm_device_number(dev) == makedev(8, 32));
	assert_int_equal(prm_device_kind(dev), PRM_DEVICE_SCSI);
	assert_null(prm_device_free(dev));
	assert_false(is_open(was));
	assert_null(prm_device_free(NULL));
}

static void a_name_is_the_number(void **state)
{
	static const struct {
		unsigned int major, minor;
		const char *name;
	} cases[] = {
		{ 8, 0, "8:0" },
		{ 65, 9, "65:9" },
		{ 253, 10, "253:10" },
		{ 259, 1048575, "259:1048575" },
		{ UINT_MAX, UINT_MAX, "4294967295:4294967295" },
	};
	struct prm_device_info info;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fake.number = makedev(cases[i].major, cases[i].minor);
		assert_int_equal(prm_device_inspect(0, &info), 0);
		assert_string_equal(info.name, cases[i].name);
	}
}

static void assert_refused(int want)
{
	struct prm_device *untouched = (void *)&fake, *dev = untouched;
	struct prm_device_info info, blank;
	int fd = some_fd(), was = fd;

	memset(&blank, 0xee, sizeof(blank));
	info = blank;
	assert_int_equal(prm_device_inspect(fd, &info), want);
	assert_memory_equal(&info, &blank, sizeof(info));
	assert_int_equal(prm_device_new(&fd, &dev), want);
	assert_int_equal(fd, was);
	assert_ptr_equal(dev, untouched);
	assert_true(is_open(fd));
	close(fd);
}

static void what_is_no_device_stays_with_the_caller(void **state)
{
	static const mode_t types[] = { S_IFREG,  S_IFDIR, S_IFIFO,
					S_IFSOCK, S_IFLNK, 0 };

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		fake.type = types[i];
		assert_refused(-ENOTBLK);
	}
	/* A file of a FUSE server is asked nothing but its type. */
	assert_int_equal(fake.n_flags + fake.n_reads + fake.n_verdicts, 0);
}

static void only_character_devices_of_scsi_pass(void **state)
{
	fake.type = S_IFCHR;
	for (unsigned int number = 0; number < 4096; number++) {
		struct prm_device_info info;
		bool scsi = number == 21 || number == 9 || number == 86 ||
			    number == 206;

		fake.number = makedev(number, 3);
		assert_int_equal(prm_device_inspect(0, &info),
				 scsi ? 0 : -ENOTBLK);
		if (scsi)
			assert_int_equal(info.kind, PRM_DEVICE_SCSI);
	}
	assert_int_equal(fake.n_reads, 0);
}

static void writable_is_how_the_client_opened_it(void **state)
{
	static const struct {
		int flags;
		bool writable;
	} cases[] = {
		{ O_RDONLY, false },
		{ O_WRONLY, true },
		{ O_RDWR, true },
		{ O_RDONLY | O_NONBLOCK | O_LARGEFILE, false },
		{ O_RDWR | O_APPEND | O_DIRECT, true },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct prm_device *dev;
		int fd = some_fd();

		fake.flags = cases[i].flags;
		assert_int_equal(prm_device_new(&fd, &dev), 0);
		assert_int_equal(prm_device_is_writable(dev),
				 cases[i].writable);
		prm_device_free(dev);
	}
}

static void a_path_alone_is_refused(void **state)
{
	fake.flags = O_PATH;
	assert_refused(-ENOTBLK);
	fake.flags = O_PATH | O_RDWR;
	assert_refused(-ENOTBLK);
}

static void errors_of_the_kernel_are_handed_on(void **state)
{
	fake.stat_error = -EBADF;
	assert_refused(-EBADF);
	fake.stat_error = 0;
	fake.flags_error = -EBADF;
	assert_refused(-EBADF);
}

static enum prm_device_kind kind_of_map(const char *uuid, int *ret_verdict)
{
	struct prm_device *dev;
	int fd = some_fd();
	enum prm_device_kind kind;

	fake.number = makedev(253, 1);
	fake.uuid = uuid;
	assert_int_equal(prm_device_new(&fd, &dev), 0);
	kind = prm_device_kind(dev);
	*ret_verdict = prm_device_verdict(dev);
	prm_device_free(dev);
	return kind;
}

static void multipath_is_never_asked_for_the_verdict(void **state)
{
	int verdict;

	assert_int_equal(kind_of_map("mpath-1", &verdict),
			 PRM_DEVICE_MULTIPATH);
	assert_int_equal(verdict, -ENOTTY);
	assert_int_equal(kind_of_map("part1-mpath-1", &verdict),
			 PRM_DEVICE_ON_MULTIPATH);
	assert_int_equal(verdict, -ENOTTY);
	assert_int_equal(fake.n_verdicts, 0);
}

static void the_verdict_is_the_kernels(void **state)
{
	static const int verdicts[] = { 0, -ENOTTY, -ENODEV, -EINVAL, -EIO };
	int verdict;

	for (size_t i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++) {
		fake.verdict = verdicts[i];
		assert_int_equal(kind_of_map("LVM-1", &verdict),
				 PRM_DEVICE_MAPPED);
		assert_int_equal(verdict, verdicts[i]);
	}
	assert_int_equal(fake.n_verdicts, 5);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_device_owns_its_descriptor),
		TEST(a_name_is_the_number),
		TEST(what_is_no_device_stays_with_the_caller),
		TEST(only_character_devices_of_scsi_pass),
		TEST(writable_is_how_the_client_opened_it),
		TEST(a_path_alone_is_refused),
		TEST(errors_of_the_kernel_are_handed_on),
		TEST(multipath_is_never_asked_for_the_verdict),
		TEST(the_verdict_is_the_kernels),
	};

	return cmocka_run_group_tests_name("device", tests, NULL, NULL);
}
