/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The whole life of the daemon.
 *
 * The order is the point.  First comes what can fail without a trace: options,
 * rights, the locks on the names.  Then what others can see: the pid file, and
 * the socket last, because libvirt takes the appearance of its file for "ready".
 * Then everything that is not needed any more is given up, system calls
 * included, and only then is there a thread, and a byte of a client.
 *
 * Until the socket is there, an error is one line on stderr; libvirt shows it
 * to its user.
 */

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include <prmanager/manager.h>
#include "backend/multipath.h"
#include "base/fd.h"
#include "base/signals.h"
#include "helper/daemon.h"
#include "helper/log/log.h"
#include "helper/log/trace.h"
#include "helper/serve/server.h"
#include "helper/start/background.h"
#include "helper/start/broker.h"
#include "helper/start/claim.h"
#include "helper/start/confine.h"
#include "helper/start/pidfile.h"
#include "helper/start/rawio.h"
#include "ipc/activation.h"
#include "ipc/notify.h"

/* For a reader of the log that stalls, at the very end. */
#define LOG_CLOSE_MS 1000

/* How often a watchdog hears of us in the time after which it bites. */
#define PULSES 4

/* What a start has gathered so far; released by daemon_deinit(). */
struct daemon {
	const struct prm_arguments *options;
	struct prm_fault *fault;
	struct prm_background background;
	struct prm_pidfile *pidfile;
	struct prm_claim *claim; /* NULL under socket activation */
	struct prm_manager *scsi;
	struct prm_broker *broker;     /* NULL without multipath support */
	struct prm_manager *multipath; /* likewise */
	struct prm_server *server;
	int listener;
	int signal_fd;
	int notify_fd;
	unsigned int watchdog_ms; /* 0 if there is none */
	int log_error; /* of reaching the log, to be told once we are up */
};

static void daemon_deinit(struct daemon *daemon)
{
	/* Threads that hang in a device may use the managers: they stay. */
	(void)prm_server_free(daemon->server);
	(void)prm_broker_free(daemon->broker);
	(void)prm_claim_free(daemon->claim);
	(void)prm_pidfile_free(daemon->pidfile);
	(void)prm_fd_close(daemon->listener);
	(void)prm_fd_close(daemon->signal_fd);
	(void)prm_fd_close(daemon->notify_fd);
	(void)prm_fd_close(daemon->background.pipe);
	(void)prm_fd_close(daemon->background.null);
}

/* The listener of a service manager, if it passed one. */
static int take_activation(struct daemon *daemon)
{
	int error = prm_activation_take(&daemon->listener);

	if (error == -E2BIG)
		return prm_fault(
			daemon->fault, error,
			"the service manager passed more than one "
			"socket (LISTEN_FDS), and pr-helper serves one");
	if (error < 0)
		return prm_fault(daemon->fault, error,
				 "the service manager passed something that is "
				 "not a listening Unix stream socket "
				 "(LISTEN_FDS): %s",
				 strerror(-error));
	if (daemon->listener < 0)
		return 0;
	if (daemon->options->socket_given)
		return prm_fault(daemon->fault, -EINVAL,
				 "-k cannot be used with socket activation: "
				 "the service manager has chosen the path");
	if (daemon->options->owner_given)
		return prm_fault(daemon->fault, -EINVAL,
				 "--socket-mode and --socket-owner cannot be "
				 "used with socket activation: set SocketMode= "
				 "and its kind in the socket unit");
	return 0;
}

static int apply_traces(struct daemon *daemon)
{
	for (size_t i = 0; i < daemon->options->traces_count; i++) {
		const char *trace = daemon->options->traces[i];
		int error = prm_trace_option(trace);

		if (error < 0)
			return prm_fault(daemon->fault, error,
					 "cannot apply -T '%s': %s", trace,
					 strerror(-error));
	}
	return 0;
}

/*
 * Signals would make SG_IO send its command again (I11): from here on they are
 * read from a descriptor, in every thread to come.  That nohup(1) or a shell made
 * us ignore some of them does not matter: the kernel ignores no signal that is
 * blocked.
 */
static int redirect_signals(struct daemon *daemon)
{
	static const int stops[] = { SIGTERM, SIGINT, SIGHUP };
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	sigset_t all, stop;

	prm_signals_to_block(&all);
	(void)sigemptyset(&stop);
	for (size_t i = 0; i < sizeof(stops) / sizeof(stops[0]); i++)
		(void)sigaddset(&stop, stops[i]);
	(void)sigaction(SIGPIPE, &ignore, NULL);
	(void)pthread_sigmask(SIG_SETMASK, &all, NULL);

	daemon->signal_fd = signalfd(-1, &stop, SFD_CLOEXEC | SFD_NONBLOCK);
	if (daemon->signal_fd < 0)
		return prm_fault(daemon->fault, -errno,
				 "cannot receive signals: %s", strerror(errno));
	return 0;
}

static int open_log(const struct prm_arguments *options, const char *name)
{
	struct prm_log_config config = {
		.name = name,
		.level = PRM_LOG_NOTICE,
		.sink = options->daemonize ? PRM_LOG_SINK_SYSLOG
					   : PRM_LOG_SINK_AUTO,
	};

	if (options->verbosity > 0)
		config.level = options->verbosity > 1 ? PRM_LOG_DEBUG
						      : PRM_LOG_INFO;
	if (options->quiet)
		config.level = PRM_LOG_ERROR;
	return prm_log_open(&config);
}

/* A descriptor for each session and one for its request: take all there are. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

/* A manager for this process alone. */
static int make_manager(struct daemon *daemon, const char *options,
			struct prm_manager **ret_manager)
{
	char *words = NULL;
	int error = prm_manager_new(options, ret_manager, &words);

	if (error < 0)
		error = prm_fault(daemon->fault, error, "%s",
				  words ?: strerror(-error));
	free(words);
	return error;
}

/* While we still are who we were started as: later nobody could. */
static int start_multipath(struct daemon *daemon)
{
	char options[sizeof("pr-manager-multipath,id=multipath,channel=") + 16];
	int error;

	error = prm_broker_new(daemon->options->multipath_program,
			       daemon->options->timeout_ms / 1000,
			       daemon->options->sandbox, daemon->fault,
			       &daemon->broker);
	if (error < 0 || !daemon->broker)
		return error;
	error = prm_manager_class_register(&prm_multipath_class);
	if (error < 0)
		return prm_fault(daemon->fault, error,
				 "cannot add multipath support: %s",
				 strerror(-error));
	(void)snprintf(options, sizeof(options),
		       "pr-manager-multipath,id=multipath,channel=%d",
		       prm_broker_channel(daemon->broker));
	return make_manager(daemon, options, &daemon->multipath);
}

/* What can fail and leaves nothing behind. */
static int prepare(struct daemon *daemon, const char *name)
{
	const struct prm_arguments *options = daemon->options;
	int error;

	error = redirect_signals(daemon);
	if (error < 0)
		return error;
	daemon->log_error = open_log(options, name);
	raise_descriptor_limit();
	error = make_manager(daemon, "pr-manager-scsi,id=scsi,inspect=off",
			     &daemon->scsi);
	if (error < 0)
		return error;
	if (options->pidfile) {
		error = prm_pidfile_new(options->pidfile, daemon->fault,
					&daemon->pidfile);
		if (error < 0)
			return error;
	}
	if (daemon->listener < 0) {
		error = prm_claim_new(options->socket, daemon->fault,
				      &daemon->claim);
		if (error < 0)
			return error;
	}
	return start_multipath(daemon);
}

/* The pid file, and then the socket. */
static int appear(struct daemon *daemon)
{
	const struct prm_arguments *options = daemon->options;
	struct prm_listen_config config = {
		.mode = options->mode,
		.uid = options->owner.uid,
		.gid = options->owner.gid,
	};
	int error;

	if (daemon->pidfile) {
		error = prm_pidfile_write(daemon->pidfile, daemon->fault);
		if (error < 0)
			return error;
	}
	if (!daemon->claim)
		return 0;
	error = prm_claim_bind(daemon->claim, &config, daemon->fault,
			       &daemon->listener);
	if (error < 0)
		return error;
	PRM_TRACE(listen, daemon->listener, options->socket);
	prm_claim_unlock(daemon->claim);
	return 0;
}

/*
 * Before clients are kept waiting: whoever is started now finds a helper that
 * listens, or no file, and never one that is ending.
 */
static void begin_to_stop(void *opaque)
{
	struct daemon *daemon = opaque;

	(void)prm_notify_try(daemon->notify_fd, PRM_NOTIFY_STOPPING);
	if (daemon->claim)
		prm_claim_remove(daemon->claim);
}

static void show_life(void *opaque)
{
	struct daemon *daemon = opaque;

	(void)prm_notify_try(daemon->notify_fd, PRM_NOTIFY_WATCHDOG);
}

static int make_server(struct daemon *daemon)
{
	const struct prm_arguments *options = daemon->options;
	struct prm_server_config config = {
		.path_fd = -1,
		.watch_fd = -1,
		.signal_fd = daemon->signal_fd,
		.timeout_ms = options->timeout_ms,
		.max_sessions = options->max_sessions,
		.max_workers = options->max_workers,
		.scsi = daemon->scsi,
		.multipath = daemon->multipath,
		.stopping = begin_to_stop,
		.alive = show_life,
		.alive_ms = daemon->watchdog_ms
				    ? daemon->watchdog_ms / PULSES + 1
				    : 0,
		.opaque = daemon,
	};
	int error;

	if (daemon->claim) {
		config.path_fd = prm_claim_path_fd(daemon->claim);
		config.watch_fd = prm_claim_watch_fd(daemon->claim);
	}
	error = prm_server_new(&config, &daemon->listener, &daemon->server);
	if (error < 0)
		return prm_fault(daemon->fault, error, "cannot serve: %s",
				 strerror(-error));
	return 0;
}

/* What went wrong and does not matter enough to end. */
static void warn(const char *what, int error)
{
	if (error < 0)
		prm_log(PRM_LOG_WARNING, "%s: %s", what, strerror(-error));
}

/* Let the others know that we are up. */
static int announce(struct daemon *daemon)
{
	bool daemonize = daemon->options->daemonize;
	int error;

	/* The last chance to be heard. */
	warn(daemonize ? "cannot reach syslog, and so log nothing"
		       : "cannot reach the journal",
	     daemon->log_error);
	error = prm_confine(daemon->options->sandbox, daemon->fault);
	if (error == 0 && daemonize)
		error = prm_background_detach(&daemon->background,
					      daemon->fault);
	if (error < 0)
		return error;
	warn("cannot start the log's thread", prm_log_start());
	warn("cannot tell the service manager that we are up",
	     prm_notify_send(daemon->notify_fd, PRM_NOTIFY_READY));
	warn("cannot hear what is said about multipath maps",
	     daemon->broker ? prm_broker_read_log(daemon->broker) : 0);
	prm_log(PRM_LOG_INFO, "system calls: sandbox is %s",
		prm_sandbox_name(daemon->options->sandbox));
	prm_log(PRM_LOG_INFO, "serving %s",
		daemon->claim ? daemon->options->socket
			      : "the service manager's socket");
	return 0;
}

/* Give up what a helper does not need, and be one. */
static int settle(struct daemon *daemon)
{
	int error =
		prm_privileges_drop(&daemon->options->identity, daemon->fault);

	if (error < 0)
		return error;
	prm_rawio_install();
	error = make_server(daemon);
	return error < 0 ? error : announce(daemon);
}

static int serve(struct daemon *daemon)
{
	enum prm_server_end end;
	int error = prm_server_run(daemon->server, &end);

	if (error < 0) {
		/* In the background, stderr does not reach anybody. */
		if (daemon->options->daemonize)
			prm_log(PRM_LOG_ERROR, "cannot serve: %s",
				strerror(-error));
		return prm_fault(daemon->fault, error, "cannot serve: %s",
				 strerror(-error));
	}
	if (end == PRM_SERVER_TAKEN_OVER)
		prm_log(PRM_LOG_WARNING,
			"%s does not lead here any more, and the last client "
			"has gone: this helper ends",
			daemon->options->socket);
	return 0;
}

/* In the process that is to be the daemon. */
static int live(struct daemon *daemon, const char *name)
{
	int error = prepare(daemon, name);

	if (error == 0)
		error = appear(daemon);
	if (error == 0)
		error = settle(daemon);
	if (error == 0)
		error = serve(daemon);

	if (daemon->claim)
		prm_claim_remove(daemon->claim);
	if (error < 0 && daemon->pidfile)
		prm_pidfile_abandon(daemon->pidfile);
	prm_log_close(LOG_CLOSE_MS);
	return error;
}

int prm_daemon_run(const struct prm_arguments *options, const char *name,
		   struct prm_fault *fault, int *ret_status)
{
	CLEANUP(daemon_deinit)
	struct daemon daemon = {
		.options = options,
		.fault = fault,
		.background.pipe = -1,
		.background.null = -1,
		.listener = -1,
		.signal_fd = -1,
		.notify_fd = -1,
	};
	int error = take_activation(&daemon);

	if (error == 0)
		error = apply_traces(&daemon);
	if (error == 0)
		error = prm_privileges_check(&options->identity, fault);
	if (error < 0)
		return error;

	/* A manager that cannot be told will notice by itself. */
	(void)prm_notify_open(&daemon.notify_fd);
	daemon.watchdog_ms = prm_notify_watchdog_ms();
	if (options->daemonize) {
		error = prm_background_fork(fault, &daemon.background);
		if (error < 0)
			return error;
		if (daemon.background.parent) {
			*ret_status = prm_background_wait(&daemon.background);
			return 0;
		}
	}
	error = live(&daemon, name);
	if (error == 0)
		*ret_status = EXIT_SUCCESS;
	return error;
}
