/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_BASE_CLOCK_H
#define PRM_BASE_CLOCK_H

/*
 * Time that only goes forward: CLOCK_MONOTONIC in nanoseconds.  64 bits last
 * for 292 years after boot, so sums are taken without a check.
 */

#include <stdint.h>
#include <time.h>

#define PRM_NS_PER_US INT64_C(1000)
#define PRM_NS_PER_MS INT64_C(1000000)
#define PRM_NS_PER_S  INT64_C(1000000000)

/* Now, in nanoseconds since an unspecified start; any thread. */
static inline int64_t prm_clock_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * PRM_NS_PER_S + now.tv_nsec;
}

/* @ns, not negative, as calls of the kernel and of POSIX want it. */
static inline struct timespec prm_clock_timespec(int64_t ns)
{
	return (struct timespec){
		.tv_sec = (time_t)(ns / PRM_NS_PER_S),
		.tv_nsec = (long)(ns % PRM_NS_PER_S),
	};
}

#endif
