/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_TEST_FAKE_MAP_H
#define PRM_TEST_FAKE_MAP_H

/*
 * A multipath map that exists in a test alone: a kernel, a device-mapper and a
 * libmpathpersist made of a few variables.  Include it in one file.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include "base/cursor.h"
#include "device/kernel.h"
#include "multipath/dm.h"
#include "multipath/library.h"
#include "multipath/node.h"

#define FAKE_PATHS 2

static struct {
	/* sysfs */
	const char *uuid;
	const char *states[FAKE_PATHS];
	const char *names[FAKE_PATHS];
	unsigned int hosts[FAKE_PATHS];
	bool nodes[FAKE_PATHS];
	int flags;
	mode_t type;
	/* device-mapper */
	const char *status; /* NULL: made from @active */
	bool active[FAKE_PATHS];
	int dm_error;
	/* libmpathpersist */
	bool no_multipathd;
	int result;
	unsigned int calls;
	struct prm_pr_cdb cdb;
	struct prm_pr_out list;
	bool lose_path_1; /* while the library works */
	/* the target: what SG_IO on the map does */
	struct {
		int error;
		unsigned int host;
		uint8_t status;
		uint32_t sense; /* 0xKKAAQQ */
	} answers[16];
	size_t answer_count, asked;
	/* what it says on each path */
	struct {
		bool has_no_node;
		bool is_not_registered;
		unsigned int attentions;
		unsigned int host;
		unsigned int asked;
		uint8_t list[24];
	} nexus[FAKE_PATHS];
	uint64_t keys[64];
	size_t key_count;
	uint8_t last_opcode;
} fake;

static int fake_stat(int fd, mode_t *ret_type, dev_t *ret_number)
{
	*ret_type = fake.type;
	*ret_number = makedev(253, 7);
	return 0;
}

static int fake_flags(int fd, int *ret_flags)
{
	*ret_flags = fake.flags;
	return 0;
}

static int fake_sg_version(int fd)
{
	return 0;
}

static void fake_answer_keys(struct sg_io_hdr *hdr)
{
	uint8_t data[8 + sizeof(fake.keys)] = { 0 };
	size_t len = 8 + 8 * fake.key_count;

	prm_put_be32(data + 4, (uint32_t)(8 * fake.key_count));
	for (size_t i = 0; i < fake.key_count; i++)
		prm_put_be64(data + 8 + 8 * i, fake.keys[i]);
	if (len > hdr->dxfer_len)
		len = hdr->dxfer_len;
	memcpy(hdr->dxferp, data, len);
	hdr->resid = (int)(hdr->dxfer_len - len);
}

static void fake_sense(struct sg_io_hdr *hdr, uint32_t code)
{
	uint8_t *sense = hdr->sbp;

	sense[0] = 0x70;
	sense[2] = (uint8_t)(code >> 16);
	sense[7] = 10;
	sense[12] = (uint8_t)(code >> 8);
	sense[13] = (uint8_t)code;
	hdr->sb_len_wr = 18;
	hdr->driver_status = 8;
	hdr->status = 2;
}

/* Descriptors of paths, of which none is open. */
#define FAKE_PATH_FD 1000000

static int fake_path_io(int i, struct sg_io_hdr *hdr)
{
	fake.nexus[i].asked++;
	if (hdr->cmdp[0] != 0x5f || hdr->dxfer_len != 24)
		return -EINVAL;
	memcpy(fake.nexus[i].list, hdr->dxferp, 24);
	hdr->host_status = (unsigned short)fake.nexus[i].host;
	if (fake.nexus[i].attentions) {
		fake.nexus[i].attentions--;
		fake_sense(hdr, 0x062a03);
	} else if (fake.nexus[i].is_not_registered) {
		hdr->status = 0x18;
	}
	return 0;
}

static int fake_sg_io(int fd, struct sg_io_hdr *hdr)
{
	size_t i;

	if (fd >= FAKE_PATH_FD)
		return fake_path_io(fd - FAKE_PATH_FD, hdr);
	i = fake.asked++;
	fake.last_opcode = hdr->cmdp[0];
	if (i < fake.answer_count) {
		hdr->host_status = (unsigned short)fake.answers[i].host;
		hdr->status = fake.answers[i].status;
		if (hdr->status == 2)
			fake_sense(hdr, fake.answers[i].sense);
		if (hdr->host_status || hdr->status || fake.answers[i].error)
			return fake.answers[i].error;
	}
	/* As with adapters: a device that may send more than there is room. */
	if (hdr->cmdp[0] == 0x5e &&
	    prm_get_be16(hdr->cmdp + 7) != hdr->dxfer_len)
		hdr->host_status = 7;
	else if (hdr->cmdp[0] == 0x5e)
		fake_answer_keys(hdr);
	return 0;
}

static int fake_path_of(const char *path, const char *rest)
{
	for (int i = 0; i < FAKE_PATHS; i++) {
		char wanted[128];

		(void)snprintf(wanted, sizeof(wanted), "class/block/%s/%s",
			       fake.names[i], rest);
		if (strcmp(path, wanted) == 0)
			return i;
	}
	return -1;
}

static dev_t fake_number(int i)
{
	return makedev(8, 16 * (unsigned int)i);
}

static int fake_read(const char *path, char *buf, size_t size)
{
	int i;

	if (strcmp(path, "dev/block/253:7/dm/uuid") == 0)
		return snprintf(buf, size, "%s", fake.uuid) < 0 ? -EIO : 0;
	i = fake_path_of(path, "dev");
	if (i >= 0) {
		dev_t number = fake_number(i);

		(void)snprintf(buf, size, "%u:%u", major(number),
			       minor(number));
		return 0;
	}
	i = fake_path_of(path, "device/state");
	if (i < 0)
		return -ENOENT;
	(void)snprintf(buf, size, "%s", fake.states[i]);
	return 0;
}

static int fake_list(const char *path, char (*names)[PRM_KERNEL_NAME_SIZE],
		     size_t max)
{
	int i;

	if (strcmp(path, "dev/block/253:7/slaves") == 0) {
		for (i = 0; i < FAKE_PATHS && (size_t)i < max; i++)
			(void)snprintf(names[i], PRM_KERNEL_NAME_SIZE, "%s",
				       fake.names[i]);
		return FAKE_PATHS;
	}
	i = fake_path_of(path, "device/scsi_device");
	if (i < 0)
		return -ENOENT;
	(void)snprintf(names[0], PRM_KERNEL_NAME_SIZE, "%u:0:0:0",
		       fake.hosts[i]);
	return 1;
}

static int fake_exists(const char *path)
{
	return strncmp(path, "dev/block/253:7", 15) == 0 ? 0 : -ENOENT;
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

bool prm_node_is_there(const char *name, dev_t number)
{
	for (int i = 0; i < FAKE_PATHS; i++)
		if (strcmp(name, fake.names[i]) == 0)
			return fake.nodes[i] && number == fake_number(i);
	return false;
}

int prm_node_open(const char *name, dev_t number, int *ret_fd)
{
	for (int i = 0; i < FAKE_PATHS; i++)
		if (strcmp(name, fake.names[i]) == 0 &&
		    !fake.nexus[i].has_no_node && number == fake_number(i)) {
			*ret_fd = FAKE_PATH_FD + i;
			return 0;
		}
	return -ENOENT;
}

int prm_dm_status(dev_t number, char ret_status[PRM_DM_STATUS_SIZE])
{
	if (fake.dm_error)
		return fake.dm_error;
	if (fake.status) {
		(void)snprintf(ret_status, PRM_DM_STATUS_SIZE, "%s",
			       fake.status);
		return 0;
	}
	(void)snprintf(ret_status, PRM_DM_STATUS_SIZE,
		       "0 0 1 1 A 0 2 0 %u:%u %c 0 %u:%u %c 0",
		       major(fake_number(0)), minor(fake_number(0)),
		       fake.active[0] ? 'A' : 'F', major(fake_number(1)),
		       minor(fake_number(1)), fake.active[1] ? 'A' : 'F');
	return 0;
}

bool prm_library_carries(const struct prm_transport_id *id)
{
	return id->protocol == PRM_PROTOCOL_FCP;
}

bool prm_library_has_multipathd(void)
{
	return !fake.no_multipathd;
}

int prm_library_out(int fd, const struct prm_pr_cdb *cdb,
		    const struct prm_pr_out *list)
{
	fake.calls++;
	fake.cdb = *cdb;
	fake.list = *list;
	if (fake.lose_path_1)
		fake.active[1] = false;
	return fake.result;
}

#endif
