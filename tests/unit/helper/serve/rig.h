/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef RIG_H
#define RIG_H

/*
 * A server in a thread, devices that no machine has, and clients for it.
 *
 * A device is a file in memory that says which one it is; the table of
 * device/kernel.h and a class of managers are put in place so that they read
 * this.  A device with a gate holds whoever goes into it until the test opens
 * the gate; nothing here depends on time.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/types.h>
#include <prmanager/command.h>
#include "helper/log/audit.h"
#include "helper/serve/server.h"

/* Long enough for any machine: only what hangs gets this far. */
#define RIG_PATIENCE_MS 120000

/* Gates that a device may have; 0 is none. */
#define RIG_GATES 64

struct rig_device {
	char magic[8];
	uint32_t type;
	uint32_t pad;
	uint64_t number;
	int32_t verdict;   /* 0 or -errno */
	int32_t error;     /* of run: 0 or -errno */
	int32_t status;    /* of the reply */
	uint32_t sense;    /* with CHECK CONDITION */
	uint32_t data_len; /* of PERSISTENT RESERVE IN, bytes 'd' */
	uint32_t verdict_gate;
	uint32_t gate;
};

/* What device-mapper makes of a device. */
enum rig_mapping {
	RIG_NOT_MAPPED,
	RIG_MULTIPATH,
	RIG_UNKNOWN, /* sysfs cannot be read */
};

struct rig {
	struct prm_server *server;
	struct prm_manager *manager;
	char path[108];
	int signal_fd;
	int watch_fd;
	int path_fd;
	pthread_t thread;
	bool left_behind; /* a thread stays in the server: free nothing */
	int result;
	enum prm_server_end end;
};

/* A good disk: 8:@index. */
struct rig_device rig_disk(unsigned int index);

/* A device of device-mapper's. */
struct rig_device rig_mapped(enum rig_mapping mapping);

/* A descriptor of the device, open for reading only or for writing too. */
int rig_open(const struct rig_device *device, bool writable);

/* Forget all gates and audits, put the doubles in place. */
void rig_set_up(void);
void rig_tear_down(void);

/* Start a server; a @config of zeros is filled with defaults. */
void rig_start(struct rig *rig, struct prm_server_config config);

/* The same in two steps: it listens, and then it runs. */
void rig_prepare(struct rig *rig, struct prm_server_config config);
void rig_run(struct rig *rig);

/* Tell it to stop, and wait until it has returned. */
void rig_stop(struct rig *rig);

/* Wait until it returns of itself. */
enum prm_server_end rig_join(struct rig *rig);

/* Wait until @count have been held at @gate since rig_set_up(), or open it. */
void rig_wait_at_gate(unsigned int gate, unsigned int count);
void rig_open_gate(unsigned int gate);
unsigned int rig_held_at_gate(unsigned int gate);

/* Whether any thread but the test's own gets memory, or zeroed memory. */
void rig_starve(bool starve);
void rig_starve_of_zeroed(bool starve);

/* Commands that managers have run since rig_set_up(), and their first keys. */
unsigned int rig_runs(void);
uint64_t rig_run_key(unsigned int index);

/* What was put on record; waits until there are @count lines. */
const struct prm_audit *rig_audit(unsigned int count);
unsigned int rig_audits(void);

/* Clients. */
int rig_connect(struct rig *rig);
void rig_connect_with(struct rig *rig, int sock);
void rig_expect_hello(int sock);
int rig_greet(int sock);
int rig_client(struct rig *rig);
void rig_cdb(uint8_t cdb[16], bool out, uint8_t action, uint16_t length);
void rig_send(int sock, const void *bytes, size_t len, const int *fds,
	      size_t count);
void rig_send_in(int sock, int fd);
void rig_send_out(int sock, int fd, uint64_t key);

struct rig_reply {
	uint32_t status;
	uint32_t size;
	uint8_t sense[96];
	uint8_t data[8192];
};

/* Read a whole reply; false at end of file. */
bool rig_receive(int sock, struct rig_reply *reply);

/* Read a reply that must be CHECK CONDITION with this sense, 0xKKAAQQ. */
void rig_expect_sense(int sock, uint32_t sense);

/* Read a reply that must be this status without sense. */
void rig_expect_status(int sock, uint32_t status);

/* Wait for the end of the connection. */
void rig_expect_end(int sock);

/*
 * Pretend that all deadlines of requests, or of clients, have passed, until the
 * server has something to say to @sock. It may be late in setting one.
 */
void rig_overdue(struct rig *rig, int sock);
void rig_impatient(struct rig *rig, int sock);

/* The same for clients, once, whatever comes of it. */
void rig_impatient_once(struct rig *rig);

/* Wait until @count requests are parked. */
void rig_wait_parked(struct rig *rig, size_t count);

/* Wait until the only client has sent a CDB and owes its list. */
void rig_wait_list(struct rig *rig);

/* Open descriptors of this process, server and clients together. */
unsigned int rig_count_fds(void);

/* Wait until there are no more than @count. */
void rig_wait_fds(unsigned int count);

/* Wait until @done says so, for long; fails the test otherwise. */
void rig_wait(bool (*done)(void *), void *opaque);

#endif
