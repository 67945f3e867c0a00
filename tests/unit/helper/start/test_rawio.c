/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* I7: CAP_SYS_RAWIO is effective around SG_IO and nowhere else. */
#include <errno.h>
#include <linux/capability.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "device/kernel.h"
#include "helper/start/rawio.h"

#define RAWIO (1u << CAP_SYS_RAWIO)

static struct __user_cap_data_struct seen[2];
static unsigned int calls;
static int answer;

static void get_sets(struct __user_cap_data_struct *sets)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};

	assert_int_equal(syscall(SYS_capget, &header, sets), 0);
}

static void set_sets(uint32_t permitted)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct sets[2] = { { .permitted = permitted } };

	assert_int_equal(syscall(SYS_capset, &header, sets), 0);
}

static int fake_sg_io(int fd, struct sg_io_hdr *hdr)
{
	calls++;
	get_sets(seen);
	return answer;
}

static void install(void)
{
	static struct prm_kernel fake;

	fake = *prm_kernel();
	fake.sg_io = fake_sg_io;
	(void)prm_kernel_use(&fake);
	prm_rawio_install();
	calls = 0;
}

static void raised_for_the_call_and_lowered_after_it(void **state)
{
	struct __user_cap_data_struct after[2];
	struct sg_io_hdr hdr = { 0 };

	set_sets(RAWIO);
	install();
	answer = -EIO;
	assert_int_equal(prm_kernel()->sg_io(-1, &hdr), -EIO);
	assert_int_equal(calls, 1);
	assert_int_equal(seen[0].effective, RAWIO);
	assert_int_equal(seen[0].permitted, RAWIO);
	assert_int_equal(seen[1].effective, 0);
	get_sets(after);
	assert_int_equal(after[0].effective, 0);
	assert_int_equal(after[0].permitted, RAWIO);
	assert_int_equal(after[0].inheritable, 0);
}

static void *in_another_thread(void *opaque)
{
	struct sg_io_hdr hdr = { 0 };

	*(int *)opaque = prm_kernel()->sg_io(-1, &hdr);
	return NULL;
}

static void raised_in_the_thread_that_calls(void **state)
{
	struct __user_cap_data_struct here[2];
	int result = -1;
	pthread_t thread;

	install();
	answer = 0;
	assert_int_equal(
		pthread_create(&thread, NULL, in_another_thread, &result), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(result, 0);
	assert_int_equal(seen[0].effective, RAWIO);
	get_sets(here);
	assert_int_equal(here[0].effective, 0);
}

/* Last: what was given up does not come back. */
static void without_the_capability_nothing_is_sent(void **state)
{
	struct sg_io_hdr hdr = { 0 };

	set_sets(0);
	install();
	answer = 0;
	assert_int_equal(prm_kernel()->sg_io(-1, &hdr), -EPERM);
	assert_int_equal(calls, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(raised_for_the_call_and_lowered_after_it),
		cmocka_unit_test(raised_in_the_thread_that_calls),
		cmocka_unit_test(without_the_capability_nothing_is_sent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
