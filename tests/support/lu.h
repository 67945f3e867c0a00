/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_TESTS_LU_H
#define PRM_TESTS_LU_H

/*
 * A logical unit with persistent reservations, in memory.
 *
 * What SPC-4 asks of REGISTER, RESERVE, RELEASE, CLEAR, PREEMPT and the data of
 * PERSISTENT RESERVE IN, for tests that need a device with a memory.  It is no
 * reference: TransportIDs and APTPL are refused.
 *
 * Threads: any; one command at a time is carried out.
 */

#include <stddef.h>
#include <stdint.h>

/* Longest name of a logical unit or of a nexus, with its NUL. */
#define LU_NAME_SIZE 32

/* Most I_T nexuses of a logical unit: those that ever sent a command. */
#define LU_NEXUS_MAX 64

/* Room for the longest answer, READ FULL STATUS of all nexuses, in bytes. */
#define LU_DATA_SIZE (8 + LU_NEXUS_MAX * 48)

/**
 * struct lu_answer - how a command ended
 * @status:   SCSI status
 * @sense:    sense code, 0xKKAAQQ, with CHECK CONDITION
 * @data:     of PERSISTENT RESERVE IN, before it is cut to size
 * @data_len: bytes of it
 */
struct lu_answer {
	uint8_t status;
	uint32_t sense;
	uint8_t data[LU_DATA_SIZE];
	size_t data_len;
};

/**
 * lu_run() - run a command
 * @lu:     which logical unit; it comes into being with its first command
 * @nexus:  through which I_T nexus
 * @cdb:    10 bytes
 * @list:   the parameter list of PERSISTENT RESERVE OUT
 * @len:    bytes of it
 * @answer: filled in
 */
void lu_run(const char *lu, const char *nexus, const uint8_t *cdb,
	    const uint8_t *list, size_t len, struct lu_answer *answer);

#endif
