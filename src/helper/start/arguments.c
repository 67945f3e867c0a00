/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The command line: qemu-pr-helper's, and what it lacks.
 *
 * Scripts and libvirt start us by the name and with the options of QEMU's
 * helper, so each of those means here what it means there.  What is different:
 * surplus arguments are an error, because they are always a mistake.
 *
 * Every message says what was wrong, with which value, and what would be right:
 * one line, since libvirt shows it to somebody who never saw this program.
 */

#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <pwd.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "helper/serve/limits.h"
#include "helper/start/arguments.h"
#include "ipc/address.h"
#include "ipc/listen.h"

#define TIMEOUT_MIN_S 1
#define TIMEOUT_MAX_S 3600
#define SESSIONS_MIN  1
#define SESSIONS_MAX  65536
#define WORKERS_MIN   2
#define WORKERS_MAX   4096
#define MS_PER_S      1000

enum long_only {
	OPTION_SOCKET_MODE = 256,
	OPTION_SOCKET_OWNER,
	OPTION_TIMEOUT,
	OPTION_MAX_SESSIONS,
	OPTION_MAX_WORKERS,
	OPTION_MULTIPATH_PROGRAM,
	OPTION_SANDBOX,
};

/* The leading colon: getopt is to leave the messages to us. */
static const char short_options[] = ":hVdf:k:T:u:g:vq";

static const struct option long_options[] = {
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ "daemon", no_argument, NULL, 'd' },
	{ "pidfile", required_argument, NULL, 'f' },
	{ "socket", required_argument, NULL, 'k' },
	{ "socket-mode", required_argument, NULL, OPTION_SOCKET_MODE },
	{ "socket-owner", required_argument, NULL, OPTION_SOCKET_OWNER },
	{ "trace", required_argument, NULL, 'T' },
	{ "user", required_argument, NULL, 'u' },
	{ "group", required_argument, NULL, 'g' },
	{ "timeout", required_argument, NULL, OPTION_TIMEOUT },
	{ "max-sessions", required_argument, NULL, OPTION_MAX_SESSIONS },
	{ "max-workers", required_argument, NULL, OPTION_MAX_WORKERS },
	{ "multipath-program", required_argument, NULL,
	  OPTION_MULTIPATH_PROGRAM },
	{ "sandbox", required_argument, NULL, OPTION_SANDBOX },
	{ "verbose", no_argument, NULL, 'v' },
	{ "quiet", no_argument, NULL, 'q' },
	{ NULL, 0, NULL, 0 },
};

/* What parsing has to remember beyond the options themselves. */
struct parse {
	struct prm_arguments options;
	struct prm_fault *fault;
	const char *user; /* as given with -u, or NULL */
	gid_t user_gid;   /* its group, or (gid_t)-1 */
};

/* Digits and nothing else, in @base, up to @max. */
static int parse_number(const char *text, int base, unsigned long max,
			unsigned long *ret_value)
{
	const char *digits = base == 8 ? "01234567" : "0123456789";
	unsigned long value;

	if (!*text || text[strspn(text, digits)])
		return -EINVAL;
	errno = 0;
	value = strtoul(text, NULL, base);
	if (errno || value > max)
		return -ERANGE;
	*ret_value = value;
	return 0;
}

/* Where the helper is found again after its folder has changed: see -d. */
static int parse_multipath_program(struct parse *parse, const char *value)
{
	if (*value != '/')
		return prm_fault(parse->fault, -EINVAL,
				 "--multipath-program '%s' is not an absolute "
				 "path",
				 value);
	parse->options.multipath_program = value;
	return 0;
}

static int parse_limit(struct parse *parse, const char *option,
		       const char *text, unsigned int min, unsigned int max,
		       unsigned int *ret_value)
{
	unsigned long value;

	if (parse_number(text, 10, max, &value) < 0 || value < min)
		return prm_fault(parse->fault, -EINVAL,
				 "--%s '%s' is not a number from %u to %u",
				 option, text, min, max);
	*ret_value = (unsigned int)value;
	return 0;
}

static int parse_timeout(struct parse *parse, const char *text)
{
	unsigned int seconds = 0;
	int error = parse_limit(parse, "timeout", text, TIMEOUT_MIN_S,
				TIMEOUT_MAX_S, &seconds);

	if (error == 0)
		parse->options.timeout_ms = seconds * MS_PER_S;
	return error;
}

static int parse_mode(struct parse *parse, const char *text)
{
	unsigned long mode;

	if (parse_number(text, 8, 0777, &mode) < 0)
		return prm_fault(parse->fault, -EINVAL,
				 "--socket-mode '%s' is not an octal mode such "
				 "as 0660",
				 text);
	parse->options.mode = (mode_t)mode;
	parse->options.owner_given = true;
	return 0;
}

/* (uid_t)-1 means "leave it" to the kernel, so it is nobody's. */
static int parse_id(const char *text, unsigned int *ret_id)
{
	unsigned long value;

	if (parse_number(text, 10, UINT32_MAX - 1ul, &value) < 0)
		return -EINVAL;
	*ret_id = (unsigned int)value;
	return 0;
}

/* A name, or a number; *@ret_gid is -1 for a number that has no name. */
static int find_user(struct parse *parse, const char *text, uid_t *ret_uid,
		     gid_t *ret_gid)
{
	const struct passwd *entry = getpwnam(text);

	if (!entry) {
		if (parse_id(text, ret_uid) < 0)
			return prm_fault(parse->fault, -EINVAL,
					 "there is no user '%s'", text);
		entry = getpwuid(*ret_uid);
	}
	if (entry)
		*ret_uid = entry->pw_uid;
	*ret_gid = entry ? entry->pw_gid : (gid_t)-1;
	return 0;
}

static int find_group(struct parse *parse, const char *text, gid_t *ret_gid)
{
	const struct group *entry = getgrnam(text);

	if (entry)
		*ret_gid = entry->gr_gid;
	else if (parse_id(text, ret_gid) < 0)
		return prm_fault(parse->fault, -EINVAL,
				 "there is no group '%s'", text);
	return 0;
}

static int parse_owner(struct parse *parse, const char *text)
{
	struct prm_identity *owner = &parse->options.owner;
	const char *colon = strchr(text, ':');
	size_t len = colon ? (size_t)(colon - text) : strlen(text);
	gid_t unused;
	char user[256];
	int error;

	if (len == 0 || len >= sizeof(user) || (colon && !colon[1]))
		return prm_fault(parse->fault, -EINVAL,
				 "--socket-owner '%s' is not USER or "
				 "USER:GROUP",
				 text);
	memcpy(user, text, len);
	user[len] = '\0';
	error = find_user(parse, user, &owner->uid, &unused);
	if (error == 0 && colon)
		error = find_group(parse, colon + 1, &owner->gid);
	parse->options.owner_given = true;
	return error;
}

static int parse_socket(struct parse *parse, const char *text)
{
	size_t len = strlen(text);

	if (text[0] != '/')
		return prm_fault(parse->fault, -EINVAL,
				 "socket path '%s' is not absolute: begin it "
				 "with a slash",
				 text);
	if (text[len - 1] == '/')
		return prm_fault(parse->fault, -EINVAL,
				 "socket path '%s' names a folder", text);
	if (len > PRM_IPC_PATH_MAX)
		return prm_fault(parse->fault, -EINVAL,
				 "socket path '%s' is too long: it has %zu "
				 "bytes, and the kernel allows %zu",
				 text, len, PRM_IPC_PATH_MAX);
	parse->options.socket = text;
	parse->options.socket_given = true;
	return 0;
}

static int parse_pidfile(struct parse *parse, const char *text)
{
	if (!*text)
		return prm_fault(parse->fault, -EINVAL,
				 "the path of the pid file is empty");
	parse->options.pidfile = text;
	return 0;
}

static int parse_trace(struct parse *parse, const char *text)
{
	struct prm_arguments *options = &parse->options;

	if (strcmp(text, "help") == 0 || strcmp(text, "?") == 0) {
		options->action = PRM_ARGUMENTS_EVENTS;
		return 0;
	}
	if (options->traces_count == PRM_ARGUMENTS_TRACES_MAX)
		return prm_fault(parse->fault, -EINVAL,
				 "more than %d options -T: put the patterns in "
				 "a file, for -T events=FILE",
				 PRM_ARGUMENTS_TRACES_MAX);
	options->traces[options->traces_count++] = text;
	return 0;
}

static int parse_sandbox(struct parse *parse, const char *text)
{
	int error = prm_sandbox_parse(text, &parse->options.sandbox);

	if (error == -ENOTSUP)
		return prm_fault(parse->fault, error,
				 "--sandbox '%s' is not possible: this program "
				 "was built %s",
				 text, prm_sandbox_obstacle());
	if (error < 0)
		return prm_fault(parse->fault, error,
				 "--sandbox '%s' is not on, log or off", text);
	return 0;
}

static int parse_user(struct parse *parse, const char *text)
{
	parse->user = text;
	return find_user(parse, text, &parse->options.identity.uid,
			 &parse->user_gid);
}

/* getopt met something that is no option, or one without its value. */
static int parse_unknown(struct parse *parse, char **argv)
{
	const char *word = argv[optind - 1];

	if (optopt == 0 || optopt > 255)
		return prm_fault(parse->fault, -EINVAL,
				 "'%s' is not an option, or takes no value; "
				 "see --help",
				 word);
	return prm_fault(parse->fault, -EINVAL,
			 "'-%c' is not an option, or takes no value; see "
			 "--help",
			 optopt);
}

static int parse_option(struct parse *parse, int option, char **argv)
{
	struct prm_arguments *options = &parse->options;

	switch (option) {
	case 'h': options->action = PRM_ARGUMENTS_HELP; return 0;
	case 'V': options->action = PRM_ARGUMENTS_VERSION; return 0;
	case 'd': options->daemonize = true; return 0;
	case 'v': options->verbosity++; return 0;
	case 'q': options->quiet = true; return 0;
	case 'f': return parse_pidfile(parse, optarg);
	case 'k': return parse_socket(parse, optarg);
	case 'T': return parse_trace(parse, optarg);
	case 'u': return parse_user(parse, optarg);
	case 'g': return find_group(parse, optarg, &options->identity.gid);
	case OPTION_SOCKET_MODE: return parse_mode(parse, optarg);
	case OPTION_SOCKET_OWNER: return parse_owner(parse, optarg);
	case OPTION_TIMEOUT: return parse_timeout(parse, optarg);
	case OPTION_MAX_SESSIONS:
		return parse_limit(parse, "max-sessions", optarg, SESSIONS_MIN,
				   SESSIONS_MAX, &options->max_sessions);
	case OPTION_MAX_WORKERS:
		return parse_limit(parse, "max-workers", optarg, WORKERS_MIN,
				   WORKERS_MAX, &options->max_workers);
	case OPTION_MULTIPATH_PROGRAM:
		return parse_multipath_program(parse, optarg);
	case OPTION_SANDBOX: return parse_sandbox(parse, optarg);
	case ':':
		return prm_fault(parse->fault, -EINVAL,
				 "option '%s' needs a value; see --help",
				 argv[optind - 1]);
	default: return parse_unknown(parse, argv);
	}
}

/* What can only be said once everything was read. */
static int finish(struct parse *parse)
{
	struct prm_arguments *options = &parse->options;
	struct prm_identity *identity = &options->identity;

	if (options->daemonize && !options->pidfile)
		options->pidfile = PRM_DEFAULT_PIDFILE;
	if (!parse->user || identity->gid != (gid_t)-1)
		return 0;

	/* QEMU's helper would stay in root's group. */
	identity->gid = parse->user_gid;
	if (identity->gid == (gid_t)-1)
		return prm_fault(parse->fault, -EINVAL,
				 "user %s has no entry that would tell its "
				 "group: name one with -g",
				 parse->user);
	return 0;
}

int prm_arguments_parse(int argc, char **argv, struct prm_fault *fault,
			struct prm_arguments *ret_arguments)
{
	struct parse parse = {
		.options = {
			.socket = PRM_DEFAULT_SOCKET,
			.mode = PRM_LISTEN_MODE_UMASK,
			.owner = PRM_IDENTITY_INIT,
			.identity = PRM_IDENTITY_INIT,
			.timeout_ms = PRM_TIMEOUT_MS,
			.max_sessions = PRM_MAX_SESSIONS,
			.max_workers = PRM_MAX_WORKERS,
			.sandbox = prm_sandbox_default(),
		},
		.fault = fault,
		.user_gid = (gid_t)-1,
	};
	int option, error;

	optind = 0; /* glibc: begin anew, for a second call */
	while ((option = getopt_long(argc, argv, short_options, long_options,
				     NULL)) != -1) {
		error = parse_option(&parse, option, argv);
		if (error < 0)
			return error;
		if (parse.options.action != PRM_ARGUMENTS_SERVE) {
			*ret_arguments = parse.options;
			return 0;
		}
	}
	if (optind < argc)
		return prm_fault(fault, -EINVAL,
				 "'%s' is not an option, and pr-helper takes "
				 "nothing else; see --help",
				 argv[optind]);
	error = finish(&parse);
	if (error == 0)
		*ret_arguments = parse.options;
	return error;
}
