/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * prmctl run: put the preload library in front of a program.
 *
 * The manager is tried first, so that a missing helper is said here and not by
 * a program that has never heard of one.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cli/command.h"
#include "cli/exit_status.h"
#include "cli/fault.h"
#include "cli/preload.h"
#include "cli/session.h"
#include "cli/spec.h"

/* As env(1) and the shell have them. */
#define EXIT_CANNOT_RUN 126
#define EXIT_NOT_FOUND  127

/* Room for LD_PRELOAD, whatever was in it before. */
#define PRELOAD_ROOM 8192

static const char *preload_path(void)
{
	const char *path = secure_getenv("PRMCTL_PRELOAD");

	return path ? path : PRM_PRELOAD_PATH;
}

/* Put ours before whatever else is preloaded. */
static int set_preload(struct prm_cli_fault *fault)
{
	const char *path = preload_path(), *others = getenv("LD_PRELOAD");
	char value[PRELOAD_ROOM];
	int n;

	if (strpbrk(path, " :"))
		return prm_cli_fault_set(fault, PRM_EXIT_FILE,
					 "the dynamic linker cannot take a "
					 "path with blanks or colons: '%s'",
					 path);
	if (access(path, R_OK) < 0)
		return prm_cli_fault_set(fault, PRM_EXIT_FILE,
					 "cannot read the preload library "
					 "'%s': %s",
					 path, strerror(errno));
	n = snprintf(value, sizeof(value), "%s%s%s", path,
		     others && *others ? ":" : "", others ? others : "");
	if (n < 0 || (size_t)n >= sizeof(value) ||
	    setenv("LD_PRELOAD", value, 1) < 0)
		return prm_cli_fault_set(fault, PRM_EXIT_FILE,
					 "LD_PRELOAD is too long");
	return PRM_EXIT_GOOD;
}

static int set_manager(const struct prm_cli_arguments *arguments,
		       struct prm_cli_fault *fault)
{
	struct prm_manager *manager;
	char spec[PRM_SPEC_ROOM];
	int exit;

	exit = prm_cli_manager_new(arguments, &manager, fault);
	if (exit != PRM_EXIT_GOOD)
		return exit;
	(void)prm_manager_unref(manager);
	if (prm_cli_spec(arguments, spec) < 0 ||
	    setenv(PRM_PRELOAD_MANAGER, spec, 1) < 0)
		return prm_cli_fault_set(fault, PRM_EXIT_SYNTAX,
					 "--manager is too long");
	return PRM_EXIT_GOOD;
}

int prm_cli_run_program(const struct prm_cli_arguments *arguments)
{
	struct prm_cli_fault fault;
	int exit;

	exit = set_manager(arguments, &fault);
	if (exit == PRM_EXIT_GOOD)
		exit = set_preload(&fault);
	if (exit != PRM_EXIT_GOOD)
		return prm_cli_report(&fault, arguments);
	(void)execvp(arguments->program[0], arguments->program);
	exit = errno == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN;
	prm_cli_fault_set(&fault, exit, "cannot run '%s': %s",
			  arguments->program[0], strerror(errno));
	return prm_cli_report(&fault, arguments);
}
