/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The table of built-in classes: a backend is one file, and one line here.
 */
#include "backend/helper.h"
#include "backend/scsi.h"
#include "manager/builtin.h"

const struct prm_manager_class *const prm_builtin_classes[] = {
	&prm_helper_class,
	&prm_scsi_class,
	NULL,
};
