/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * prmctl ping: connect and shake hands, which takes a worker of the helper that
 * is free to talk.  Nothing is sent to any device.
 */
#include <inttypes.h>
#include <stdio.h>
#include "base/clock.h"
#include "cli/command.h"
#include "cli/exit_status.h"
#include "cli/fault.h"
#include "cli/session.h"

int prm_cli_run_ping(const struct prm_cli_arguments *arguments)
{
	struct prm_json json = { .file = stdout };
	struct prm_manager *manager;
	struct prm_cli_fault fault;
	int64_t start = prm_clock_ns(), us;

	if (prm_cli_manager_new(arguments, &manager, &fault) != PRM_EXIT_GOOD)
		return prm_cli_report(&fault, arguments);
	us = (prm_clock_ns() - start) / PRM_NS_PER_US;
	(void)prm_manager_unref(manager);
	if (!(arguments->given & PRM_CLI_JSON)) {
		printf("alive, %" PRId64 " microseconds\n", us);
		return PRM_EXIT_GOOD;
	}
	prm_cli_json_begin(&json, arguments);
	prm_json_bool(&json, "alive", true);
	prm_json_number(&json, "microseconds", (uint64_t)us);
	prm_json_end_object(&json);
	prm_json_end_line(&json);
	return PRM_EXIT_GOOD;
}
