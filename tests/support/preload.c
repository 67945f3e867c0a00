/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Scripted devices (scripted.c) for a program of somebody else's: LD_PRELOAD
 * this, and its ioctl(SG_IO) ends here.
 */
#include <errno.h>
#include <scsi/sg.h>
#include <stdarg.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "device/kernel.h"

/* The C library's prototype differs between its versions. */
int ioctl(int fd, unsigned long request, ...);

static __thread bool inside;

int ioctl(int fd, unsigned long request, ...)
{
	va_list args;
	void *arg;
	int r;

	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	if (inside || request != SG_IO)
		return (int)syscall(SYS_ioctl, fd, request, arg);

	/* For what is no script, the table calls ioctl(2) itself. */
	inside = true;
	r = prm_kernel()->sg_io(fd, arg);
	inside = false;
	if (r == 0)
		return 0;
	errno = -r;
	return -1;
}
