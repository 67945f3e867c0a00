/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The one capability, effective for one call only (I7).
 *
 * CAP_SYS_RAWIO switches off the kernel's filter of SCSI commands, and the
 * kernel's verdict on a device (I8) is only worth something from a thread that
 * does not have it effective.  So threads run without it, and the table that
 * every command goes through is replaced by one whose sg_io raises it and
 * lowers it again.
 *
 * Capabilities belong to a thread, and capset(2) on the calling thread costs
 * well below a microsecond; libcap-ng would read /proc first.
 */

#include <errno.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "device/kernel.h"
#include "helper/start/rawio.h"

static struct prm_kernel with_rawio;
static int (*plain_sg_io)(int fd, struct sg_io_hdr *hdr);

static int set_rawio(bool effective)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {
		{ .permitted = 1u << CAP_SYS_RAWIO,
		  .effective = effective ? 1u << CAP_SYS_RAWIO : 0 },
	};

	return (int)syscall(SYS_capset, &header, sets);
}

static int sg_io_with_rawio(int fd, struct sg_io_hdr *hdr)
{
	int error;

	if (set_rawio(true) < 0)
		return -EPERM;
	error = plain_sg_io(fd, hdr);

	/* Giving up a right cannot fail, and must not be believed to have. */
	if (set_rawio(false) < 0)
		abort();
	return error;
}

void prm_rawio_install(void)
{
	with_rawio = *prm_kernel();
	plain_sg_io = with_rawio.sg_io;
	with_rawio.sg_io = sg_io_with_rawio;
	(void)prm_kernel_use(&with_rawio);
}
