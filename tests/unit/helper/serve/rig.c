/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>
#include <prmanager/manager.h>
#include "base/clock.h"
#include "base/cursor.h"
#include "base/fd.h"
#include "base/lock.h"
#include "device/kernel.h"
#include "helper/serve/client.h"
#include "helper/serve/serve.h"
#include "helper/serve/state.h"
#include "rig.h"

#define MAGIC "device"

static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool open[RIG_GATES];
	unsigned int held[RIG_GATES];
	unsigned int runs;
	uint64_t keys[1024];
	unsigned int audits;
	struct prm_audit audit[1024];
} rig_state = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* Memory */

static atomic_bool starving, starving_of_zeroed;
static __thread bool is_test;

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);

void *__wrap_malloc(size_t size)
{
	return atomic_load(&starving) && !is_test ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	if (atomic_load(&starving_of_zeroed) && !is_test)
		return NULL;
	return __real_calloc(count, size);
}

void rig_starve(bool starve)
{
	rig_starve_of_zeroed(starve);
	atomic_store(&starving, starve);
}

void rig_starve_of_zeroed(bool starve)
{
	is_test = true;
	atomic_store(&starving_of_zeroed, starve);
}

/* Devices */

static bool read_device(int fd, struct rig_device *device)
{
	return pread(fd, device, sizeof(*device), 0) == sizeof(*device) &&
	       !strcmp(device->magic, MAGIC);
}

static void pass_gate(unsigned int gate)
{
	if (!gate)
		return;
	LOCK_SCOPE(&rig_state.lock);
	rig_state.held[gate]++;
	(void)pthread_cond_broadcast(&rig_state.changed);
	while (!rig_state.open[gate])
		(void)pthread_cond_wait(&rig_state.changed, &rig_state.lock);
}

static int fake_stat(int fd, mode_t *ret_type, dev_t *ret_number)
{
	struct rig_device device;
	struct stat st;

	if (read_device(fd, &device)) {
		*ret_type = device.type;
		*ret_number = device.number;
		return 0;
	}
	if (fstat(fd, &st) < 0)
		return -errno;
	*ret_type = st.st_mode & S_IFMT;
	*ret_number = st.st_rdev;
	return 0;
}

static int fake_flags(int fd, int *ret_flags)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return -errno;
	*ret_flags = flags;
	return 0;
}

static int fake_sg_version(int fd)
{
	struct rig_device device;

	if (!read_device(fd, &device))
		return -ENOTTY;
	pass_gate(device.verdict_gate);
	return device.verdict;
}

static int fake_sg_io(int fd, struct sg_io_hdr *hdr)
{
	return -EIO;
}

/* The minor number of device-mapper's devices is what they are. */
static enum rig_mapping mapping_of(const char *path)
{
	unsigned int minor_number;

	if (sscanf(path, "dev/block/253:%u", &minor_number) == 1)
		return minor_number;
	return RIG_NOT_MAPPED;
}

static int fake_read(const char *path, char *buf, size_t size)
{
	switch (mapping_of(path)) {
	case RIG_MULTIPATH: (void)snprintf(buf, size, "mpath-3600"); return 0;
	case RIG_UNKNOWN: return -EACCES;
	default: return -ENOENT;
	}
}

static int fake_list(const char *path, char (*names)[PRM_KERNEL_NAME_SIZE],
		     size_t max)
{
	return 0;
}

static int fake_exists(const char *path)
{
	return mapping_of(path) == RIG_UNKNOWN ? -EACCES : 0;
}

static const struct prm_kernel fake_kernel = {
	.stat = fake_stat,
	.flags = fake_flags,
	.sg_version = fake_sg_version,
	.sg_io = fake_sg_io,
	.read = fake_read,
	.list = fake_list,
	.exists = fake_exists,
};

static void count_run(const struct prm_command *command)
{
	LOCK_SCOPE(&rig_state.lock);

	if (rig_state.runs < 1024)
		rig_state.keys[rig_state.runs] =
			command->cdb[0] == 0x5f && command->data_len >= 8
				? prm_get_be64(command->data)
				: 0;
	rig_state.runs++;
	(void)pthread_cond_broadcast(&rig_state.changed);
}

static int fake_run(void *instance, int fd, const struct prm_command *command,
		    struct prm_reply *ret_reply)
{
	struct rig_device device;

	if (!read_device(fd, &device))
		return -EIO;
	count_run(command);
	pass_gate(device.gate);
	if (device.error)
		return device.error;
	ret_reply->status = device.status;
	if (device.status == PRM_STATUS_CHECK_CONDITION) {
		ret_reply->sense[0] = 0x70;
		ret_reply->sense[2] = (uint8_t)(device.sense >> 16);
		ret_reply->sense[7] = 10;
		ret_reply->sense[12] = (uint8_t)(device.sense >> 8);
		ret_reply->sense[13] = (uint8_t)device.sense;
		ret_reply->sense_len = 18;
	}
	if (device.status == 0 && command->cdb[0] == 0x5e) {
		size_t len = device.data_len < command->data_len
				     ? device.data_len
				     : command->data_len;

		if (len)
			memset(command->data, 'd', len);
		ret_reply->data_len = len;
	}
	return 0;
}

static const struct prm_manager_class fake_class = {
	.size = sizeof(fake_class),
	.name = "pr-manager-rig",
	.run = fake_run,
};

struct rig_device rig_disk(unsigned int index)
{
	return (struct rig_device){
		.magic = MAGIC,
		.type = S_IFBLK,
		.number = makedev(8, index),
	};
}

struct rig_device rig_mapped(enum rig_mapping mapping)
{
	struct rig_device device = rig_disk(0);

	device.number = makedev(253, mapping);
	return device;
}

int rig_open(const struct rig_device *device, bool writable)
{
	int fd = memfd_create("device", MFD_CLOEXEC), reopened;
	char path[64];

	assert_true(fd >= 0);
	assert_int_equal(write(fd, device, sizeof(*device)), sizeof(*device));
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	reopened = open(path, (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC);
	assert_true(reopened >= 0);
	(void)close(fd);
	return reopened;
}

/* Records */

void prm_audit_log(const struct prm_audit *audit)
{
	LOCK_SCOPE(&rig_state.lock);

	if (rig_state.audits < 1024) {
		struct prm_audit *copy = &rig_state.audit[rig_state.audits];

		*copy = *audit;
		if (audit->device)
			copy->device = strdup(audit->device);
		copy->unit = NULL;
	}
	rig_state.audits++;
	(void)pthread_cond_broadcast(&rig_state.changed);
}

static void forget_audits(void)
{
	for (unsigned int i = 0; i < rig_state.audits && i < 1024; i++)
		free((char *)(uintptr_t)rig_state.audit[i].device);
	rig_state.audits = 0;
}

/* Wait, with the lock held, for @value to reach @count. */
static void wait_for(const unsigned int *value, unsigned int count)
{
	struct timespec until;

	(void)clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += RIG_PATIENCE_MS / 1000;
	while (*value < count)
		if (pthread_cond_timedwait(&rig_state.changed, &rig_state.lock,
					   &until) == ETIMEDOUT) {
			(void)pthread_mutex_unlock(&rig_state.lock);
			fail_msg("waited in vain: %u of %u", *value, count);
		}
}

const struct prm_audit *rig_audit(unsigned int count)
{
	LOCK_SCOPE(&rig_state.lock);

	wait_for(&rig_state.audits, count);
	return &rig_state.audit[count - 1];
}

unsigned int rig_audits(void)
{
	LOCK_SCOPE(&rig_state.lock);

	return rig_state.audits;
}

void rig_wait_at_gate(unsigned int gate, unsigned int count)
{
	LOCK_SCOPE(&rig_state.lock);

	wait_for(&rig_state.held[gate], count);
}

unsigned int rig_held_at_gate(unsigned int gate)
{
	LOCK_SCOPE(&rig_state.lock);

	return rig_state.held[gate];
}

void rig_open_gate(unsigned int gate)
{
	LOCK_SCOPE(&rig_state.lock);

	rig_state.open[gate] = true;
	(void)pthread_cond_broadcast(&rig_state.changed);
}

unsigned int rig_runs(void)
{
	LOCK_SCOPE(&rig_state.lock);

	return rig_state.runs;
}

uint64_t rig_run_key(unsigned int index)
{
	LOCK_SCOPE(&rig_state.lock);

	return rig_state.keys[index];
}

void rig_set_up(void)
{
	static bool registered;

	(void)prm_kernel_use(&fake_kernel);
	if (!registered)
		assert_int_equal(prm_manager_class_register(&fake_class), 0);
	registered = true;
	LOCK_SCOPE(&rig_state.lock);
	memset(rig_state.open, 0, sizeof(rig_state.open));
	memset(rig_state.held, 0, sizeof(rig_state.held));
	rig_state.runs = 0;
	forget_audits();
}

void rig_tear_down(void)
{
	LOCK_SCOPE(&rig_state.lock);

	forget_audits();
	(void)prm_kernel_use(NULL);
}

/* The server */

static void *run_server(void *opaque)
{
	struct rig *rig = opaque;

	rig->result = prm_server_run(rig->server, &rig->end);
	return NULL;
}

static int listen_at(struct rig *rig)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char folder[] = "/tmp/prm-serve-XXXXXX";

	assert_true(listener >= 0);
	assert_non_null(mkdtemp(folder));
	(void)snprintf(rig->path, sizeof(rig->path), "%s/sock", folder);
	(void)strcpy(address.sun_path, rig->path);
	assert_int_equal(bind(listener, (void *)&address, sizeof(address)), 0);
	assert_int_equal(listen(listener, 128), 0);
	return listener;
}

void rig_prepare(struct rig *rig, struct prm_server_config config)
{
	static unsigned int count;
	int listener = listen_at(rig);
	char options[64];

	(void)snprintf(options, sizeof(options), "pr-manager-rig,id=rig%u",
		       count++);
	assert_int_equal(prm_manager_new(options, &rig->manager, NULL), 0);
	rig->signal_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	rig->path_fd = open(rig->path, O_PATH | O_CLOEXEC);
	rig->watch_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	assert_true(inotify_add_watch(rig->watch_fd, rig->path,
				      IN_ATTRIB | IN_DELETE_SELF) >= 0);
	config.signal_fd = rig->signal_fd;
	config.path_fd = rig->path_fd;
	config.watch_fd = rig->watch_fd;
	config.scsi = rig->manager;
	if (!config.timeout_ms)
		config.timeout_ms = 10 * RIG_PATIENCE_MS;
	if (!config.max_sessions)
		config.max_sessions = 256;
	if (!config.max_workers)
		config.max_workers = 64;
	assert_int_equal(prm_server_new(&config, &listener, &rig->server), 0);
	assert_int_equal(listener, -1);
}

void rig_run(struct rig *rig)
{
	assert_int_equal(pthread_create(&rig->thread, NULL, run_server, rig),
			 0);
}

void rig_start(struct rig *rig, struct prm_server_config config)
{
	rig_prepare(rig, config);
	rig_run(rig);
}

static void clean_up(struct rig *rig)
{
	(void)prm_server_free(rig->server);
	if (!rig->left_behind)
		(void)prm_manager_unref(rig->manager);
	(void)close(rig->signal_fd);
	(void)close(rig->watch_fd);
	(void)close(rig->path_fd);
	(void)unlink(rig->path);
	*strrchr(rig->path, '/') = '\0';
	(void)rmdir(rig->path);
}

enum prm_server_end rig_join(struct rig *rig)
{
	assert_int_equal(pthread_join(rig->thread, NULL), 0);
	clean_up(rig);
	assert_int_equal(rig->result, 0);
	return rig->end;
}

void rig_stop(struct rig *rig)
{
	const uint64_t one = 1;

	assert_int_equal(write(rig->signal_fd, &one, sizeof(one)), sizeof(one));
	assert_int_equal(rig_join(rig), PRM_SERVER_STOPPED);
}

/* Clients */

void rig_connect_with(struct rig *rig, int sock)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	(void)strcpy(address.sun_path, rig->path);
	assert_int_equal(connect(sock, (void *)&address, sizeof(address)), 0);
}

int rig_connect(struct rig *rig)
{
	int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(sock >= 0);
	rig_connect_with(rig, sock);
	return sock;
}

/* Read exactly @len bytes; the number before end of file. */
static size_t read_whole(int sock, void *bytes, size_t len)
{
	size_t done = 0;

	while (done < len) {
		struct pollfd at = { .fd = sock, .events = POLLIN };
		ssize_t n;

		if (poll(&at, 1, RIG_PATIENCE_MS) <= 0)
			fail_msg("waited in vain for the server");
		n = read(sock, (char *)bytes + done, len - done);
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	return done;
}

void rig_expect_hello(int sock)
{
	uint8_t hello[4];

	assert_int_equal(read_whole(sock, hello, sizeof(hello)), sizeof(hello));
	assert_int_equal(prm_get_be32(hello), 0);
}

int rig_greet(int sock)
{
	rig_expect_hello(sock);
	rig_send(sock, "\0\0\0\0", 4, NULL, 0);
	return sock;
}

int rig_client(struct rig *rig)
{
	return rig_greet(rig_connect(rig));
}

void rig_cdb(uint8_t cdb[16], bool out, uint8_t action, uint16_t length)
{
	memset(cdb, 0, 16);
	cdb[0] = out ? 0x5f : 0x5e;
	cdb[1] = action;
	prm_put_be16(cdb + 7, length);
}

void rig_send(int sock, const void *bytes, size_t len, const int *fds,
	      size_t count)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(253 * sizeof(int))];
	} control;
	struct iovec part = { .iov_base = (void *)(uintptr_t)bytes,
			      .iov_len = len };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

	if (count) {
		struct cmsghdr *cmsg;

		memset(&control, 0, sizeof(control));
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(count * sizeof(int));
		cmsg = CMSG_FIRSTHDR(&message);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(cmsg), fds, count * sizeof(int));
	}
	assert_int_equal(sendmsg(sock, &message, MSG_NOSIGNAL), len);
}

void rig_send_in(int sock, int fd)
{
	uint8_t cdb[16];

	rig_cdb(cdb, false, 0, 8192);
	rig_send(sock, cdb, sizeof(cdb), &fd, 1);
}

void rig_send_out(int sock, int fd, uint64_t key)
{
	uint8_t bytes[16 + 24] = { 0 };

	rig_cdb(bytes, true, 6, 24);
	prm_put_be64(bytes + 16, key);
	rig_send(sock, bytes, sizeof(bytes), &fd, 1);
}

bool rig_receive(int sock, struct rig_reply *reply)
{
	uint8_t head[104];

	if (read_whole(sock, head, sizeof(head)) != sizeof(head))
		return false;
	reply->status = prm_get_be32(head);
	reply->size = prm_get_be32(head + 4);
	memcpy(reply->sense, head + 8, sizeof(reply->sense));
	assert_in_range(reply->size, 0, sizeof(reply->data));
	assert_int_equal(read_whole(sock, reply->data, reply->size),
			 reply->size);
	return true;
}

void rig_expect_sense(int sock, uint32_t sense)
{
	struct rig_reply reply;

	assert_true(rig_receive(sock, &reply));
	assert_int_equal(reply.status, PRM_STATUS_CHECK_CONDITION);
	assert_int_equal(reply.size, 0);
	assert_int_equal(reply.sense[2] << 16 | reply.sense[12] << 8 |
				 reply.sense[13],
			 sense);
}

void rig_expect_status(int sock, uint32_t status)
{
	struct rig_reply reply;

	assert_true(rig_receive(sock, &reply));
	assert_int_equal(reply.status, status);
}

void rig_expect_end(int sock)
{
	uint8_t byte;

	assert_int_equal(read_whole(sock, &byte, 1), 0);
}

void rig_wait(bool (*done)(void *), void *opaque)
{
	int64_t until = prm_clock_ns() + RIG_PATIENCE_MS * PRM_NS_PER_MS;

	while (!done(opaque)) {
		if (prm_clock_ns() > until)
			fail_msg("waited in vain");
		(void)poll(NULL, 0, 2);
	}
}

/* Later than every deadline that was set until now. */
static int64_t far_future(void)
{
	return prm_clock_ns() + 100 * RIG_PATIENCE_MS * PRM_NS_PER_MS;
}

static bool is_readable(int sock)
{
	struct pollfd at = { .fd = sock, .events = POLLIN };

	return poll(&at, 1, 1) > 0;
}

void rig_overdue(struct rig *rig, int sock)
{
	int64_t until = prm_clock_ns() + RIG_PATIENCE_MS * PRM_NS_PER_MS;

	do
		prm_serve_overdue(rig->server, far_future());
	while (!is_readable(sock) && prm_clock_ns() < until);
}

void rig_impatient(struct rig *rig, int sock)
{
	int64_t until = prm_clock_ns() + RIG_PATIENCE_MS * PRM_NS_PER_MS;

	do
		prm_serve_impatient(rig->server, far_future());
	while (!is_readable(sock) && prm_clock_ns() < until);
}

void rig_impatient_once(struct rig *rig)
{
	prm_serve_impatient(rig->server, far_future());
}

struct parked {
	struct prm_desk *desk;
	size_t count;
};

static bool has_parked(void *opaque)
{
	struct parked *parked = opaque;
	LOCK_SCOPE(&parked->desk->lock);

	return parked->desk->lanes.parked == parked->count;
}

void rig_wait_parked(struct rig *rig, size_t count)
{
	struct parked parked = { &rig->server->desk, count };

	rig_wait(has_parked, &parked);
}

/* It has been armed again since its CDB came. */
static bool owes_list(void *opaque)
{
	struct prm_desk *desk = opaque;
	LOCK_SCOPE(&desk->lock);
	const struct prm_client *first;

	if (prm_list_empty(&desk->clients))
		return false;
	first = prm_container(prm_list_first(&desk->clients), struct prm_client,
			      link);
	return (first->progress >> 1 & 3) == PRM_PHASE_LIST;
}

void rig_wait_list(struct rig *rig)
{
	rig_wait(owes_list, &rig->server->desk);
}

unsigned int rig_count_fds(void)
{
	DIR *folder = opendir("/proc/self/fd");
	unsigned int count = 0;

	assert_non_null(folder);
	while (readdir(folder))
		count++;
	(void)closedir(folder);
	return count;
}

static bool has_fds(void *opaque)
{
	return rig_count_fds() <= *(unsigned int *)opaque;
}

void rig_wait_fds(unsigned int count)
{
	rig_wait(has_fds, &count);
}
