/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_TESTS_LU_MANAGER_H
#define PRM_TESTS_LU_MANAGER_H

/*
 * A class of managers whose devices are logical units in memory (lu.h), each
 * manager being one nexus; and a kernel that has a disk to open.
 */

#include <prmanager/prmanager.h>
#include <scsi/sg.h>

/* The one logical unit of these tests. */
#define LU "lu"

/**
 * struct lu_script - what happens to commands of one nexus
 * @nexus:      which; NULL for none
 * @commands:   commands of that nexus so far, counted up
 * @at:         the number of the command before which @act is called once
 * @act:        another initiator's doing, or NULL
 * @fail:       what to return for command @at, instead of an answer; 0 for none
 * @carry_out:  whether the device sees the command that fails
 * @refuse:     whether command @at ends with CHECK CONDITION, unseen
 * @busy:       how many commands from @at on end with BUSY, unseen
 * @mute:       the device reports no unit attentions
 */
struct lu_script {
	const char *nexus;
	unsigned int commands;
	unsigned int at;
	void (*act)(void);
	int fail;
	bool carry_out;
	bool refuse;
	unsigned int busy;
	bool mute;
};

extern struct lu_script lu_script;

/* SG_IO commands that went to the kernel, and what it shall answer. */
struct kernel_script {
	unsigned int calls;
	struct sg_io_hdr asked;
	uint8_t cdb[16];
	int error;
	uint8_t status;
	uint16_t host_status;
	uint8_t sense[18];
	int resid;
	bool is_char;
	int verdict;
};

extern struct kernel_script kernel_script;

/* Register the class and put the kernel in place; a cmocka setup. */
int lu_manager_set_up(void **state);

/* Empty the logical unit and both scripts; a cmocka setup. */
int lu_manager_begin(void **state);

/* A manager whose id is the nexus's name. */
struct prm_manager *lu_manager_new(const char *nexus);

/* A passthrough device through that manager. */
struct prm_passthrough *lu_device_new(const char *nexus, const char *more);

/* Run PERSISTENT RESERVE OUT past all managers; the status. */
int lu_out(const char *nexus, uint8_t action, uint8_t type, uint64_t key,
	   uint64_t new_key);

/* The same through a device. */
int lu_device_out(struct prm_passthrough *device, uint8_t action, uint8_t type,
		  uint64_t key, uint64_t new_key);

/* Byte 2 of the answer to REPORT CAPABILITIES; -1 for the unit's own. */
void lu_set_capabilities(int byte);

/* How many registrations there are with a key, 0 for all. */
unsigned int lu_count(uint64_t key);

/* The reservation: type (0 for none) and key. */
void lu_reservation(uint8_t *ret_type, uint64_t *ret_key);

/* Whether a nexus is registered with a key. */
bool lu_is_registered(const char *nexus, uint64_t key);

#endif
