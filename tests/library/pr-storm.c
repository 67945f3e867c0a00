/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A storm of signals, for tests that count commands.
 *
 *	pr-storm MANAGER DEVICE COUNT	send COUNT commands under one
 *	pr-storm PID			upon that process, until SIGTERM
 *
 * The former handles what it is sent, now with SA_RESTART and now without, as
 * programs do, and prints "GOOD good, SIGNALS signals".  The latter sends each
 * thread all but what would rightly end or stop it, and prints "SIGNALS signals".
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <prmanager/prmanager.h>

#define SIGNALS 64

/* Enough that many commands meet some, and leaves room for them to get on. */
#define PAUSE_US 1000

static volatile sig_atomic_t caught;
static volatile sig_atomic_t over;

static void note(int number)
{
	caught++;
}

static void end(int number)
{
	over = 1;
}

/*
 * What may be sent to a process that blocks all it can: not what ends or stops
 * it, nor what says that it has gone wrong.
 */
static bool is_harmless(int number)
{
	static const int others[] = {
		SIGKILL, SIGSTOP, SIGTERM, SIGINT,  SIGHUP,  SIGSEGV,
		SIGBUS,  SIGFPE,  SIGILL,  SIGABRT, SIGTRAP, SIGSYS,
	};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (others[i] == number)
			return false;
	/* The C library's own: nobody else can block or handle them. */
	return number < 32 || number >= SIGRTMIN;
}

/* To the process and to each of its threads; returns how many. */
static unsigned int strike(pid_t pid, int number)
{
	char path[64];
	unsigned int sent = kill(pid, number) == 0;
	struct dirent *entry;
	DIR *threads;

	(void)snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	threads = opendir(path);
	while (threads && (entry = readdir(threads)))
		sent += syscall(SYS_tgkill, pid, atoi(entry->d_name), number) ==
			0;
	if (threads)
		(void)closedir(threads);
	return sent;
}

static unsigned int storm(pid_t pid, bool (*may_send)(int number))
{
	unsigned int sent = 0, now;

	do {
		now = 0;
		for (int number = 1; number <= SIGNALS; number++) {
			if (!may_send(number))
				continue;
			now += strike(pid, number);
			(void)usleep(PAUSE_US);
		}
		sent += now;
	} while (now && !over);
	return sent;
}

/* What the program below has a handler for. */
static bool is_handled(int number)
{
	return number == SIGUSR1 || number == SIGUSR2 || number == SIGALRM ||
	       number == SIGCHLD || number == SIGRTMIN;
}

static void handle_signals(void)
{
	struct sigaction action = { .sa_handler = note };

	for (int number = 1; number <= SIGNALS; number++) {
		if (!is_handled(number))
			continue;
		action.sa_flags = number % 2 ? SA_RESTART : 0;
		(void)sigaction(number, &action, NULL);
	}
}

static pid_t start_storm(void)
{
	pid_t parent = getpid(), child = fork();

	if (child != 0)
		return child;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)storm(parent, is_handled);
	_exit(0);
}

static unsigned long run(struct prm_manager *manager, int device,
			 unsigned long count)
{
	uint8_t data[8];
	struct prm_command command = PRM_COMMAND_INIT;
	struct prm_reply reply;
	unsigned long good = 0;

	command.cdb[0] = 0x5e;
	command.cdb[8] = sizeof(data);
	command.cdb_len = 10;
	command.data = data;
	command.data_len = sizeof(data);
	for (unsigned long i = 0; i < count; i++) {
		reply = (struct prm_reply)PRM_REPLY_INIT;
		if (prm_manager_run(manager, device, &command, &reply) == 0 &&
		    reply.status == PRM_STATUS_GOOD)
			good++;
	}
	return good;
}

static int send_commands(char **argv)
{
	unsigned long good, count = strtoul(argv[3], NULL, 10);
	struct prm_manager *manager;
	int device = open(argv[2], O_RDWR | O_NONBLOCK | O_CLOEXEC);
	pid_t child;

	if (device < 0 || prm_manager_new(argv[1], &manager, NULL) < 0)
		return 1;
	handle_signals();
	child = start_storm();
	good = run(manager, device, count);
	(void)kill(child, SIGKILL);
	(void)printf("%lu good, %d signals\n", good, (int)caught);
	(void)prm_manager_unref(manager);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 4)
		return send_commands(argv);
	if (argc != 2)
		return 2;
	(void)signal(SIGTERM, end);
	(void)printf("%u signals\n", storm((pid_t)atoi(argv[1]), is_harmless));
	return 0;
}
