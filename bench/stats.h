/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_BENCH_STATS_H
#define PRM_BENCH_STATS_H

/*
 * Every sample of a measurement, and what they say in order.
 *
 * Averages hide what users feel, so no sample is folded into another: all are
 * kept and percentiles are read from the sorted whole.
 *
 * Ownership: a set owns its samples. Threads: one at a time.
 */

#include <stddef.h>
#include <stdint.h>

/**
 * struct prm_samples - durations in nanoseconds
 * @ns:    @count samples; in ascending order after prm_samples_sort()
 * @count: how many there are
 * @room:  how many fit
 */
struct prm_samples {
	int64_t *ns;
	size_t count;
	size_t room;
};

/**
 * prm_samples_init() - make room for samples
 * @samples: filled in
 * @room:    how many will come, at most
 *
 * Touches the memory, so that no measurement pays for its first use.
 *
 * Return: 0 or -ENOMEM; @samples is empty then.
 */
int prm_samples_init(struct prm_samples *samples, size_t room);

/* Release what @samples owns; it is empty afterwards. */
void prm_samples_deinit(struct prm_samples *samples);

/* Keep one more sample; beyond the room it is dropped. */
static inline void prm_samples_add(struct prm_samples *samples, int64_t ns)
{
	if (samples->count < samples->room)
		samples->ns[samples->count++] = ns;
}

/* Bring the samples in ascending order. */
void prm_samples_sort(struct prm_samples *samples);

/*
 * The sample that @per_mille of 1000 samples do not exceed (nearest rank), in
 * microseconds; 0 without samples. @samples are sorted.
 */
double prm_samples_us(const struct prm_samples *samples,
		      unsigned int per_mille);

#endif
