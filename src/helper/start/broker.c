/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Starting the broker and listening to what it says.
 *
 * It is another program, re-executed: it has an address space that no client's
 * byte ever entered, and the daemon keeps nothing of what it may do.  What it
 * inherits is chosen here: a channel, a pipe for its words, one variable of the
 * environment, and no descriptor besides.
 */

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/fd.h"
#include "helper/log/log.h"
#include "helper/start/broker.h"

#define SOCKET_VARIABLE "MULTIPATH_SOCKET_NAME"

struct prm_broker {
	int channel;
	int words; /* read end of what it writes to stderr */
	int stop;  /* eventfd: nobody is to read that any more */
	bool is_read;
	pthread_t reader;
};

/* What the broker is started with. */
struct launch {
	int program;
	int channel;
	int words;
	unsigned int timeout_s;
	enum prm_sandbox_mode sandbox;
};

static bool may_start(void)
{
	return geteuid() == 0 &&
	       capng_have_capability(CAPNG_EFFECTIVE, CAP_SYS_ADMIN) &&
	       capng_have_capability(CAPNG_EFFECTIVE, CAP_SYS_RAWIO);
}

static void become_broker(const struct launch *launch)
{
	const char *socket_name = getenv(SOCKET_VARIABLE);
	char timeout[sizeof("--timeout=4294967295")];
	char sandbox[sizeof("--sandbox=off")];
	char variable[256] = "";
	char *const argv[] = { (char *)"pr-helper-multipath",
			       (char *)"--broker", timeout, sandbox, NULL };
	char *const environment[] = { socket_name ? variable : NULL, NULL };
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	sigset_t none;

	(void)snprintf(timeout, sizeof(timeout), "--timeout=%u",
		       launch->timeout_s);
	(void)snprintf(sandbox, sizeof(sandbox), "--sandbox=%s",
		       prm_sandbox_name(launch->sandbox));
	if (socket_name)
		(void)snprintf(variable, sizeof(variable), "%s=%s",
			       SOCKET_VARIABLE, socket_name);
	if (null < 0 || dup2(launch->channel, STDIN_FILENO) < 0 ||
	    dup2(null, STDOUT_FILENO) < 0 ||
	    dup2(launch->words, STDERR_FILENO) < 0)
		return;
	if (close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
		return;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)execveat(launch->program, "", argv, environment, AT_EMPTY_PATH);
}

static int fork_broker(const struct launch *launch)
{
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (pid > 0)
		return 0;
	become_broker(launch);
	(void)dprintf(STDERR_FILENO, "cannot execute the program: %s\n",
		      strerror(errno));
	_exit(EXIT_FAILURE);
}

static int start(struct launch *launch, struct prm_broker *broker)
{
	CLEANUP(prm_fd_closep) int channel = -1;
	CLEANUP(prm_fd_closep) int words = -1;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	broker->channel = pair[0];
	channel = pair[1];
	if (pipe2(pair, O_CLOEXEC) < 0)
		return -errno;
	broker->words = pair[0];
	words = pair[1];
	launch->channel = channel;
	launch->words = words;
	return fork_broker(launch);
}

int prm_broker_new(const char *program, unsigned int timeout_s,
		   enum prm_sandbox_mode sandbox, struct prm_fault *fault,
		   struct prm_broker **ret_broker)
{
	CLEANUP(prm_broker_freep) struct prm_broker *broker = NULL;
	CLEANUP(prm_fd_closep) int fd = -1;
	struct launch launch = { .timeout_s = timeout_s + PRM_BROKER_GRACE_S,
				 .sandbox = sandbox };
	const char *path = program ? program : PRM_MULTIPATH_PROGRAM;
	int error;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && program)
		return prm_fault(fault, -errno,
				 "cannot open the multipath program '%s': %s",
				 path, strerror(errno));
	if (fd < 0 || (!program && !may_start())) {
		*ret_broker = NULL;
		return 0;
	}
	broker = calloc(1, sizeof(*broker));
	if (!broker)
		return prm_fault(fault, -ENOMEM, "out of memory");
	*broker = (struct prm_broker){ .channel = -1, .words = -1, .stop = -1 };
	launch.program = fd;
	error = start(&launch, broker);
	if (error < 0)
		return prm_fault(fault, error, "cannot start '%s': %s", path,
				 strerror(-error));
	*ret_broker = steal_ptr(&broker);
	return 0;
}

int prm_broker_channel(const struct prm_broker *broker)
{
	return broker->channel;
}

static void say(const char *line)
{
	if (*line)
		prm_log(PRM_LOG_WARNING, "multipath: %s", line);
}

/* Say the whole lines of what has been read; returns what is left of it. */
static size_t say_lines(char *text, size_t len)
{
	char *line = text, *end;

	text[len] = '\0';
	while ((end = strchr(line, '\n'))) {
		*end = '\0';
		say(line);
		line = end + 1;
	}
	len -= (size_t)(line - text);
	memmove(text, line, len + 1);
	return len;
}

/* Wait for words; false when there will be no more, or nobody to say them. */
static bool wait_for_words(const struct prm_broker *broker)
{
	struct pollfd fds[] = {
		{ .fd = broker->words, .events = POLLIN },
		{ .fd = broker->stop, .events = POLLIN },
	};

	while (poll(fds, 2, -1) < 0)
		;
	return !fds[1].revents;
}

static void *read_log(void *opaque)
{
	const struct prm_broker *broker = opaque;
	char text[PRM_LOG_TEXT_MAX];
	size_t len = 0;
	ssize_t got;

	while (wait_for_words(broker)) {
		got = read(broker->words, text + len, sizeof(text) - 1 - len);
		if (got <= 0) {
			prm_log(PRM_LOG_ERROR,
				"the multipath broker is gone: commands for "
				"multipath maps fail until pr-helper is "
				"started again");
			return NULL;
		}
		len = say_lines(text, len + (size_t)got);
		if (len == sizeof(text) - 1) {
			say(text);
			len = 0;
		}
	}
	return NULL;
}

int prm_broker_read_log(struct prm_broker *broker)
{
	int error;

	broker->stop = eventfd(0, EFD_CLOEXEC);
	if (broker->stop < 0)
		return -errno;
	error = pthread_create(&broker->reader, NULL, read_log, broker);
	broker->is_read = error == 0;
	return -error;
}

static void stop_reading(struct prm_broker *broker)
{
	const uint64_t one = 1;

	if (!broker->is_read)
		return;
	(void)!write(broker->stop, &one, sizeof(one));
	(void)pthread_join(broker->reader, NULL);
}

struct prm_broker *prm_broker_free(struct prm_broker *broker)
{
	if (!broker)
		return NULL;
	stop_reading(broker);
	(void)prm_fd_close(broker->channel);
	(void)prm_fd_close(broker->words);
	(void)prm_fd_close(broker->stop);
	free(broker);
	return NULL;
}
