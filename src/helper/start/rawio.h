/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRM_HELPER_START_RAWIO_H
#define PRM_HELPER_START_RAWIO_H

/**
 * prm_rawio_install() - give SG_IO, and nothing else, CAP_SYS_RAWIO
 *
 * From now on the sg_io of the table in use (device/kernel.h) makes
 * CAP_SYS_RAWIO effective in the calling thread for the length of the call.
 * Where that fails, the command is not sent and sg_io returns -EPERM.
 *
 * Once, before threads start.
 */
void prm_rawio_install(void);

#endif
