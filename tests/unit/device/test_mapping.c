/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Device-mapper devices told apart, on a sysfs made of a few lines. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <cmocka.h>
#include "device/kernel.h"
#include "device/mapping.h"

#define MAP "dev/block/253:0"

/* A file with text, a folder with names ("a b"), or one that cannot be read. */
struct node {
	const char *path;
	const char *text;
	int error;
};

static const struct node *sysfs;
static unsigned int n_reads;

static const struct node *find(const char *path)
{
	n_reads++;
	for (const struct node *node = sysfs; node->path; node++)
		if (strcmp(node->path, path) == 0)
			return node;
	return NULL;
}

static int fake_read(const char *path, char *buf, size_t size)
{
	const struct node *node = find(path);

	if (!node)
		return -ENOENT;
	if (node->error)
		return node->error;
	assert_in_range(strlen(node->text), 0, size - 1);
	strcpy(buf, node->text);
	return 0;
}

static int fake_list(const char *path, char (*names)[PRM_KERNEL_NAME_SIZE],
		     size_t max)
{
	const struct node *node = find(path);
	char copy[512], *next = copy, *name;
	size_t n = 0;

	if (!node)
		return -ENOENT;
	if (node->error)
		return node->error;
	snprintf(copy, sizeof(copy), "%s", node->text);
	while ((name = strsep(&next, " "))) {
		if (*name == '\0')
			continue;
		if (n < max)
			snprintf(names[n], PRM_KERNEL_NAME_SIZE, "%s", name);
		n++;
	}
	return (int)n;
}

static int fake_exists(const char *path)
{
	size_t len = strlen(path);

	for (const struct node *node = sysfs; node->path; node++)
		if (strncmp(node->path, path, len) == 0)
			return 0;
	return -ENOENT;
}

static const struct prm_kernel fake_kernel = {
	.read = fake_read,
	.list = fake_list,
	.exists = fake_exists,
};

static void assert_kind_of(dev_t number, const struct node *nodes,
			   enum prm_device_kind want)
{
	sysfs = nodes;
	n_reads = 0;
	prm_kernel_use(&fake_kernel);
	assert_int_equal(prm_mapping_kind(number), want);
	prm_kernel_use(NULL);
}

#define assert_kind(want, ...)                                                 \
	assert_kind_of(makedev(253, 0),                                        \
		       (const struct node[]){ __VA_ARGS__, { NULL } }, want)

static void multipath_maps_are_known_by_their_uuid(void **state)
{
	assert_kind(PRM_DEVICE_MULTIPATH,
		    { MAP "/dm/uuid", "mpath-36001405abcd" },
		    { MAP "/slaves", "sda sdb" });
	/* One path left, or none. */
	assert_kind(PRM_DEVICE_MULTIPATH, { MAP "/dm/uuid", "mpath-x" },
		    { MAP "/slaves", "sda" });
	assert_kind(PRM_DEVICE_MULTIPATH, { MAP "/dm/uuid", "mpath-x" },
		    { MAP "/slaves", "" });
	/* Which they are does not matter. */
	assert_kind(PRM_DEVICE_MULTIPATH, { MAP "/dm/uuid", "mpath-x" },
		    { MAP "/slaves", NULL, -EACCES });
}

static void a_name_that_only_contains_mpath_is_none(void **state)
{
	static const char *const uuids[] = { "LVM-mpath-",  "mpath",
					     "Mpath-1",     " mpath-1",
					     "party-mpath", "part1-LVM-x",
					     "partmpath-1", "CRYPT-LUKS2-x" };

	for (size_t i = 0; i < sizeof(uuids) / sizeof(uuids[0]); i++)
		assert_kind(PRM_DEVICE_MAPPED, { MAP "/dm/uuid", uuids[i] },
			    { MAP "/slaves", "sda" },
			    { MAP "/slaves/sda/slaves", "" });
}

static void partitions_of_multipath_are_refused(void **state)
{
	assert_kind(PRM_DEVICE_ON_MULTIPATH,
		    { MAP "/dm/uuid", "part1-mpath-x" },
		    { MAP "/slaves", "dm-3" });
	assert_kind(PRM_DEVICE_ON_MULTIPATH,
		    { MAP "/dm/uuid", "part128-mpath-x" },
		    { MAP "/slaves", "dm-3" });
}

static void what_is_stacked_on_multipath_is_refused(void **state)
{
	assert_kind(PRM_DEVICE_ON_MULTIPATH, { MAP "/dm/uuid", "LVM-x" },
		    { MAP "/slaves", "dm-3" },
		    { MAP "/slaves/dm-3/dm/uuid", "mpath-x" });
	/* A logical volume with two disks, the second one deep below. */
	assert_kind(PRM_DEVICE_ON_MULTIPATH, { MAP "/dm/uuid", "LVM-x" },
		    { MAP "/slaves", "sda dm-4" },
		    { MAP "/slaves/sda/slaves", "" },
		    { MAP "/slaves/dm-4/dm/uuid", "CRYPT-x" },
		    { MAP "/slaves/dm-4/slaves", "md0" },
		    { MAP "/slaves/dm-4/slaves/md0/slaves", "sdb dm-5" },
		    { MAP "/slaves/dm-4/slaves/md0/slaves/sdb/slaves", "" },
		    { MAP "/slaves/dm-4/slaves/md0/slaves/dm-5/dm/uuid",
		      "part2-mpath-x" });
	/* Not device-mapper itself. */
	assert_kind(PRM_DEVICE_ON_MULTIPATH, { MAP "/slaves", "dm-3" },
		    { MAP "/slaves/dm-3/dm/uuid", "mpath-x" });
	/* A sibling that nobody can read does not hide it. */
	assert_kind(PRM_DEVICE_ON_MULTIPATH, { MAP "/dm/uuid", "LVM-x" },
		    { MAP "/slaves", "dm-2 dm-3" },
		    { MAP "/slaves/dm-2/dm/uuid", NULL, -EACCES },
		    { MAP "/slaves/dm-3/dm/uuid", "mpath-x" });
}

static void other_maps_are_left_to_the_verdict(void **state)
{
	assert_kind(PRM_DEVICE_MAPPED, { MAP "/dm/uuid", "LVM-x" },
		    { MAP "/slaves", "sda1" },
		    { MAP "/slaves/sda1/partition", "1" });
	assert_kind(PRM_DEVICE_MAPPED, { MAP "/dm/uuid", "" },
		    { MAP "/slaves", "sda" }, { MAP "/slaves/sda/slaves", "" });
	assert_kind(PRM_DEVICE_MAPPED, { MAP "/dm/uuid", "" },
		    { MAP "/slaves", "" });
}

static void what_sysfs_does_not_tell_is_unknown(void **state)
{
	/* No sysfs at all. */
	assert_kind(PRM_DEVICE_UNKNOWN, { "kernel", "" });
	assert_kind(PRM_DEVICE_UNKNOWN, { MAP "/dm/uuid", NULL, -EACCES },
		    { MAP "/slaves", "" });
	assert_kind(PRM_DEVICE_UNKNOWN, { MAP "/dm/uuid", NULL, -EIO },
		    { MAP "/slaves", "" });
	/* Two devices and no uuid: a multipath map made by hand looks so. */
	assert_kind(PRM_DEVICE_UNKNOWN, { MAP "/dm/uuid", "" },
		    { MAP "/slaves", "sda sdb" },
		    { MAP "/slaves/sda/slaves", "" },
		    { MAP "/slaves/sdb/slaves", "" });
	assert_kind(PRM_DEVICE_UNKNOWN, { MAP "/dm/uuid", "LVM-x" },
		    { MAP "/slaves", NULL, -EACCES });
	/* What cannot be told one level down cannot be told. */
	assert_kind(PRM_DEVICE_UNKNOWN, { MAP "/dm/uuid", "LVM-x" },
		    { MAP "/slaves", "dm-2" },
		    { MAP "/slaves/dm-2/dm/uuid", NULL, -EACCES });
	assert_kind(PRM_DEVICE_UNKNOWN, { MAP "/dm/uuid", "LVM-x" },
		    { MAP "/slaves", "gone" });
}

/* A chain of @depth devices of LVM above one disk. */
static enum prm_device_kind kind_of_chain(unsigned int depth)
{
	static char paths[64][512];
	struct node nodes[64] = { { NULL } };
	char base[512] = MAP;
	size_t n = 0;

	for (unsigned int i = 0; i < depth; i++) {
		snprintf(paths[n], 512, "%.400s/dm/uuid", base);
		nodes[n] = (struct node){ paths[n], "LVM-x" };
		n++;
		snprintf(paths[n], 512, "%.400s/slaves", base);
		nodes[n] = (struct node){ paths[n], "d" };
		snprintf(base, 512, "%.400s/d", paths[n]);
		n++;
	}
	snprintf(paths[n], 512, "%.400s/slaves", base);
	nodes[n] = (struct node){ paths[n], "" };
	sysfs = nodes;
	prm_kernel_use(&fake_kernel);
	return prm_mapping_kind(makedev(253, 0));
}

static void a_stack_is_looked_through_up_to_eight_levels(void **state)
{
	for (unsigned int depth = 1; depth <= 20; depth++)
		assert_int_equal(kind_of_chain(depth),
				 depth <= 8 ? PRM_DEVICE_MAPPED
					    : PRM_DEVICE_UNKNOWN);
	prm_kernel_use(NULL);
}

/* A map over @n_disks disks with names of @len characters. */
static enum prm_device_kind kind_of_wide(unsigned int n_disks)
{
	static char paths[64][64];
	struct node nodes[66] = { { MAP "/dm/uuid", "LVM-x" } };
	char names[512] = "";
	size_t n = 2;

	for (unsigned int i = 0; i < n_disks; i++) {
		sprintf(names + strlen(names), "d%u ", i);
		sprintf(paths[i], MAP "/slaves/d%u/slaves", i);
		nodes[n++] = (struct node){ paths[i], "" };
	}
	nodes[1] = (struct node){ MAP "/slaves", names };
	sysfs = nodes;
	prm_kernel_use(&fake_kernel);
	return prm_mapping_kind(makedev(253, 0));
}

static void a_map_over_more_devices_than_fit_is_unknown(void **state)
{
	assert_int_equal(kind_of_wide(31), PRM_DEVICE_MAPPED);
	assert_int_equal(kind_of_wide(32), PRM_DEVICE_MAPPED);
	assert_int_equal(kind_of_wide(33), PRM_DEVICE_UNKNOWN);
	prm_kernel_use(NULL);
}

static void disks_are_never_looked_up(void **state)
{
	static const unsigned int majors[] = { 7,   8,   11,  65,  66,  67,
					       68,  69,  70,  71,  128, 129,
					       130, 131, 132, 133, 134, 135 };
	const struct node none[] = { { NULL } };

	for (size_t i = 0; i < sizeof(majors) / sizeof(majors[0]); i++) {
		assert_kind_of(makedev(majors[i], 16), none, PRM_DEVICE_SCSI);
		assert_int_equal(n_reads, 0);
	}
	assert_kind_of(makedev(9, 0), none, PRM_DEVICE_UNKNOWN);
	assert_kind_of(makedev(64, 0), none, PRM_DEVICE_UNKNOWN);
	assert_kind_of(makedev(72, 0), none, PRM_DEVICE_UNKNOWN);
	assert_kind_of(makedev(127, 0), none, PRM_DEVICE_UNKNOWN);
	assert_kind_of(makedev(136, 0), none, PRM_DEVICE_UNKNOWN);
}

static void what_is_no_map_may_be_a_scsi_device(void **state)
{
	assert_kind(PRM_DEVICE_SCSI, { MAP "/slaves", "" },
		    { MAP "/size", "8" });
	assert_kind(PRM_DEVICE_SCSI, { MAP "/partition", "1" });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(multipath_maps_are_known_by_their_uuid),
		cmocka_unit_test(a_name_that_only_contains_mpath_is_none),
		cmocka_unit_test(partitions_of_multipath_are_refused),
		cmocka_unit_test(what_is_stacked_on_multipath_is_refused),
		cmocka_unit_test(other_maps_are_left_to_the_verdict),
		cmocka_unit_test(what_sysfs_does_not_tell_is_unknown),
		cmocka_unit_test(a_stack_is_looked_through_up_to_eight_levels),
		cmocka_unit_test(a_map_over_more_devices_than_fit_is_unknown),
		cmocka_unit_test(disks_are_never_looked_up),
		cmocka_unit_test(what_is_no_map_may_be_a_scsi_device),
	};

	return cmocka_run_group_tests_name("mapping", tests, NULL, NULL);
}
