/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_HELPER_LOG_EVENTS_H
#define PRM_HELPER_LOG_EVENTS_H

/*
 * The table of trace events: EVENT(name, format), one for each, and a line
 * for each in doc/tracing.md.  The arguments of PRM_TRACE() are checked
 * against the format.
 */

#include <inttypes.h>

/* clang-format off */
#define PRM_TRACE_EVENTS(EVENT)                                                \
	EVENT(session_open, "session=%" PRIu64 " pid=%d uid=%u")               \
	EVENT(session_hello, "session=%" PRIu64 " features=0x%08" PRIx32)      \
	EVENT(session_refuse, "session=%" PRIu64 " reason=%s")                 \
	EVENT(session_close, "session=%" PRIu64 " requests=%" PRIu64)          \
	EVENT(pause, "session=%" PRIu64)                                       \
	EVENT(resume, "session=%" PRIu64)                                      \
	EVENT(request, "session=%" PRIu64 " opcode=0x%02x action=0x%02x "      \
		       "length=%u")                                            \
	EVENT(reply, "session=%" PRIu64 " status=0x%02x payload=%zu")          \
	EVENT(park, "session=%" PRIu64 " device=%s")                           \
	EVENT(unpark, "session=%" PRIu64 " device=%s")                         \
	EVENT(drop, "session=%" PRIu64 " device=%s")                           \
	EVENT(run, "session=%" PRIu64 " device=%s manager=%s")                 \
	EVENT(done, "session=%" PRIu64 " device=%s duration_us=%" PRId64)      \
	EVENT(deadline, "session=%" PRIu64 " device=%s")                       \
	EVENT(late, "session=%" PRIu64 " device=%s status=0x%02x")             \
	EVENT(worker_start, "workers=%u")                                      \
	EVENT(worker_end, "workers=%u")                                        \
	EVENT(listen, "fd=%d path=%s")                                         \
	EVENT(accept_pause, "errno=%d")                                        \
	EVENT(accept_resume, "sessions=%zu")                                   \
	EVENT(taken_over, "sessions=%zu")                                      \
	EVENT(stop, "sessions=%zu")
/* clang-format on */

#endif
