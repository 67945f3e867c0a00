/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_DEVICE_MAPPING_H
#define PRM_DEVICE_MAPPING_H

#include <sys/types.h>
#include "device/device.h"

/**
 * prm_mapping_kind() - tell device-mapper devices apart
 * @number: number of a block device
 *
 * Reads sysfs only: needs no privilege, never waits for a device. Any thread.
 *
 * Return: the kind; what cannot be read is PRM_DEVICE_UNKNOWN, never
 * PRM_DEVICE_SCSI.
 */
enum prm_device_kind prm_mapping_kind(dev_t number);

#endif
