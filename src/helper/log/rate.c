/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How many audit lines there may be of commands that changed nothing. */
#include <pthread.h>
#include "base/clock.h"
#include "base/lock.h"
#include "helper/log/log.h"
#include "helper/log/rate.h"

static struct {
	pthread_mutex_t lock;
	int64_t begun_ns;
	unsigned int taken;
	unsigned long left_out;
} rate = { .lock = PTHREAD_MUTEX_INITIALIZER };

static bool is_over(int64_t now_ns)
{
	return now_ns >= rate.begun_ns + PRM_NS_PER_S;
}

bool prm_audit_rate_take(int64_t now_ns)
{
	LOCK_SCOPE(&rate.lock);

	if (is_over(now_ns)) {
		rate.begun_ns = now_ns;
		rate.taken = 0;
	}
	if (rate.taken == PRM_AUDIT_RATE_PER_S) {
		rate.left_out++;
		return false;
	}
	rate.taken++;
	return true;
}

unsigned long prm_audit_rate_left_out(int64_t now_ns)
{
	unsigned long count;
	LOCK_SCOPE(&rate.lock);

	if (!is_over(now_ns))
		return 0;
	count = rate.left_out;
	rate.left_out = 0;
	return count;
}

void prm_audit_rate_tell(int64_t now_ns)
{
	unsigned long count = prm_audit_rate_left_out(now_ns);

	if (count)
		prm_log(PRM_LOG_NOTICE,
			"%lu audit lines of commands that changed nothing were "
			"left out",
			count);
}
