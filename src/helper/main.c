/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* pr-helper: arguments and exit status. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "helper/daemon.h"
#include "helper/log/trace.h"
#include "helper/start/background.h"
#include "helper/start/arguments.h"

static void list_events(void)
{
	for (int event = 0; event < PRM_TRACE_EVENT_COUNT; event++)
		(void)puts(prm_trace_name((enum prm_trace_event)event));
}

static int act(const struct prm_arguments *options, const char *name,
	       struct prm_fault *fault, int *ret_status)
{
	switch (options->action) {
	case PRM_ARGUMENTS_HELP: prm_arguments_help(stdout, name); break;
	case PRM_ARGUMENTS_VERSION:
		(void)printf("%s (pr-manager) %s\n", name, PRM_VERSION);
		break;
	case PRM_ARGUMENTS_EVENTS: list_events(); break;
	case PRM_ARGUMENTS_SERVE:
		return prm_daemon_run(options, name, fault, ret_status);
	}
	*ret_status = fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
	return 0;
}

int main(int argc, char **argv)
{
	const char *name = program_invocation_short_name;
	struct prm_arguments options;
	struct prm_fault fault;
	int error, status;

	if (prm_background_fill() < 0)
		return EXIT_FAILURE;
	error = prm_arguments_parse(argc, argv, &fault, &options);
	if (error == 0)
		error = act(&options, name, &fault, &status);
	if (error == 0)
		return status;
	(void)fprintf(stderr, "%s: %s\n", name, fault.text);
	return EXIT_FAILURE;
}
