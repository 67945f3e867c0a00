/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Arguments and exit status of pr-helper-multipath. */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/fd.h"
#include "multipath/broker.h"
#include "multipath/confine.h"
#include "multipath/say.h"
#include "multipath/serve.h"

/* Longest --timeout: what pr-helper itself allows, and time to notice. */
#define TIMEOUT_MAX_S 100000

static const char *const usage =
	"Usage: pr-helper-multipath [--timeout=SECONDS] [--sandbox=MODE]\n"
	"       pr-helper-multipath --broker [--timeout=SECONDS] "
	"[--sandbox=MODE]\n"
	"\n"
	"Run one persistent reservation command on a multipath map. pr-helper\n"
	"starts this program by itself; there is no reason to start it by "
	"hand.\n"
	"\n"
	"Without --broker, descriptor 0 is a socket over which one request of\n"
	"the helper protocol arrives and is answered.\n"
	"\n"
	"      --broker           start one such process for each socket that\n"
	"                         arrives over descriptor 0\n"
	"      --timeout=SECONDS  end after this time (60)\n"
	"      --sandbox=MODE     on, log or off: whether system calls that "
	"are not\n"
	"                         needed are refused, or only logged\n"
	"  -h, --help             print this text and exit\n"
	"  -V, --version          print the version and exit\n";

struct arguments {
	bool broker;
	unsigned int timeout_s;
	enum prm_sandbox_mode sandbox;
};

static bool parse_timeout(const char *text, unsigned int *ret_timeout_s)
{
	char *end;
	unsigned long value;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || end == text || *end || !value || value > TIMEOUT_MAX_S)
		return false;
	*ret_timeout_s = (unsigned int)value;
	return true;
}

static bool parse_sandbox(const char *text, enum prm_sandbox_mode *ret_mode)
{
	int r = prm_sandbox_parse(text, ret_mode);

	if (r == -ENOTSUP)
		prm_say("--sandbox=%s is not possible: this program was built "
			"%s",
			text, prm_sandbox_obstacle());
	else if (r < 0)
		prm_say("--sandbox is on, log or off, not '%s'", text);
	return r == 0;
}

static bool parse(int argc, char **argv, struct arguments *arguments)
{
	static const struct option options[] = {
		{ "broker", no_argument, NULL, 'b' },
		{ "timeout", required_argument, NULL, 't' },
		{ "sandbox", required_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "hV", options, NULL)) != -1) {
		switch (c) {
		case 'b': arguments->broker = true; break;
		case 't':
			if (parse_timeout(optarg, &arguments->timeout_s))
				break;
			prm_say("--timeout takes 1 to %d seconds, not '%s'",
				TIMEOUT_MAX_S, optarg);
			return false;
		case 's':
			if (parse_sandbox(optarg, &arguments->sandbox))
				break;
			return false;
		case 'h': (void)fputs(usage, stdout); exit(EXIT_SUCCESS);
		case 'V':
			(void)puts("pr-helper-multipath " PRM_VERSION);
			exit(EXIT_SUCCESS);
		default: return false;
		}
	}
	if (optind < argc)
		prm_say("'%s' is one argument too many", argv[optind]);
	return optind == argc;
}

static bool is_socket(int fd)
{
	int type;
	socklen_t len = sizeof(type);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0;
}

/* Nothing runs without the limits that it was to have. */
static int said(int r)
{
	if (r < 0)
		prm_say("cannot limit the system calls of this process: %s; "
			"pr-helper --sandbox=off does without it",
			strerror(-r));
	return r;
}

static int run_broker(const struct arguments *arguments)
{
	CLEANUP(prm_fd_closep) int program = -1;
	int r;

	program = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (program < 0) {
		prm_say("cannot open the program itself: %s", strerror(errno));
		return -errno;
	}
	r = prm_broker_drop();
	if (r < 0) {
		prm_say("cannot reduce privileges to CAP_SYS_RAWIO and "
			"CAP_SYS_ADMIN: %s",
			strerror(-r));
		return r;
	}
	r = said(prm_confine_broker(arguments->sandbox));
	if (r < 0)
		return r;
	return prm_broker_run(STDIN_FILENO, program, arguments->timeout_s,
			      arguments->sandbox);
}

static int run_command(const struct arguments *arguments)
{
	int r = said(prm_confine_command(arguments->sandbox));

	if (r < 0)
		return r;
	/* Whoever started us may have had it ignored. */
	(void)signal(SIGALRM, SIG_DFL);
	(void)alarm(arguments->timeout_s);
	r = prm_multipath_serve(STDIN_FILENO);
	if (r < 0)
		prm_say("the request was not answered: %s", strerror(-r));
	return r;
}

int main(int argc, char **argv)
{
	struct arguments arguments = {
		.timeout_s = 60,
		.sandbox = prm_sandbox_default(),
	};
	int r;

	if (!parse(argc, argv, &arguments))
		return EXIT_FAILURE;
	if (!is_socket(STDIN_FILENO)) {
		prm_say("descriptor 0 is no socket: this program is started by "
			"pr-helper (see --help)");
		return EXIT_FAILURE;
	}
	r = arguments.broker ? run_broker(&arguments) : run_command(&arguments);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
