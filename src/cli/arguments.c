/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The command line.
 *
 * Options may stand anywhere, but what follows the program of `run' is the
 * program's: so words are taken one by one, and options between them.  Whoever
 * types something wrong is told what, and what would have been right.
 */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/values.h"
#include "scsi/names.h"

/* How often `watch' looks, in milliseconds, if it is not told. */
#define INTERVAL_MS 1000

/* Above every short option. */
enum {
	OPTION_FIRST = 256,
	OPTION_APTPL = OPTION_FIRST,
	OPTION_ALL_TARGET_PORTS,
	OPTION_TRANSPORT_ID,
	OPTION_RELATIVE_TARGET_PORT,
	OPTION_UNREG,
	OPTION_INTERVAL,
	OPTION_TIMEOUT,
};

static const char short_options[] = "+:hVjdm:k:n:t:";

static const struct option long_options[] = {
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ "json", no_argument, NULL, 'j' },
	{ "direct", no_argument, NULL, 'd' },
	{ "manager", required_argument, NULL, 'm' },
	{ "key", required_argument, NULL, 'k' },
	{ "new-key", required_argument, NULL, 'n' },
	{ "victim", required_argument, NULL, 'n' },
	{ "type", required_argument, NULL, 't' },
	{ "aptpl", no_argument, NULL, OPTION_APTPL },
	{ "all-target-ports", no_argument, NULL, OPTION_ALL_TARGET_PORTS },
	{ "transport-id", required_argument, NULL, OPTION_TRANSPORT_ID },
	{ "relative-target-port", required_argument, NULL,
	  OPTION_RELATIVE_TARGET_PORT },
	{ "unreg", no_argument, NULL, OPTION_UNREG },
	{ "interval", required_argument, NULL, OPTION_INTERVAL },
	{ "timeout", required_argument, NULL, OPTION_TIMEOUT },
	{ NULL, 0, NULL, 0 },
};

__attribute__((format(printf, 2, 3))) static int
fail(char error[PRM_CLI_ERROR_ROOM], const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(error, PRM_CLI_ERROR_ROOM, format, args);
	va_end(args);
	return -EINVAL;
}

const char *prm_cli_option_name(unsigned int option)
{
	switch (option) {
	case PRM_CLI_KEY: return "--key";
	case PRM_CLI_NEW_KEY: return "--new-key";
	case PRM_CLI_TYPE: return "--type";
	case PRM_CLI_APTPL: return "--aptpl";
	case PRM_CLI_ALL_TARGET_PORTS: return "--all-target-ports";
	case PRM_CLI_TRANSPORT_ID: return "--transport-id";
	case PRM_CLI_RELATIVE_TARGET_PORT: return "--relative-target-port";
	case PRM_CLI_UNREG: return "--unreg";
	case PRM_CLI_INTERVAL: return "--interval";
	case PRM_CLI_MANAGER: return "--manager";
	case PRM_CLI_DIRECT: return "--direct";
	case PRM_CLI_JSON: return "--json";
	default: return "--timeout";
	}
}

static int take_key(const char *option, const char *text, uint64_t *ret_key,
		    char *error)
{
	if (prm_cli_parse_key(text, ret_key) < 0)
		return fail(error,
			    "%s '%s' is not a key: up to 16 hexadecimal "
			    "digits, with or without 0x",
			    option, text);
	return 0;
}

static int take_type(struct prm_cli_arguments *arguments, const char *text,
		     char *error)
{
	if (prm_pr_type_parse(text, &arguments->type) < 0)
		return fail(error,
			    "--type '%s' is not a reservation type: we (1), "
			    "ea (3), wero (5), earo (6), wear (7), eaar (8), "
			    "or in words as write-exclusive-registrants-only",
			    text);
	return 0;
}

static int take_transport_id(struct prm_cli_arguments *arguments,
			     const char *text, char *error)
{
	struct prm_transport_id *id;

	if (arguments->transport_id_count == PRM_PR_OUT_TRANSPORT_IDS_MAX)
		return fail(error, "more than %d --transport-id",
			    PRM_PR_OUT_TRANSPORT_IDS_MAX);
	id = &arguments->transport_ids[arguments->transport_id_count];
	if (prm_transport_id_parse(text, id) < 0)
		return fail(error,
			    "--transport-id '%s' is not a TransportID: "
			    "iqn.NAME[,i,0xISID], sas,ADDRESS, fcp,NAME, "
			    "srp,ID, sbp,EUI64, spi,ADDRESS,PORT, sop,ID, or "
			    "its bytes in hexadecimal",
			    text);
	arguments->transport_id_count++;
	arguments->out.spec_i_pt = true;
	return 0;
}

static int take_seconds(const char *option, const char *text,
			unsigned int *ret_ms, char *error)
{
	if (prm_cli_parse_seconds(text, ret_ms) < 0)
		return fail(error,
			    "%s '%s' is not a number of seconds from 0.001 to "
			    "86400",
			    option, text);
	return 0;
}

/* An option with a value for the device. Returns its bit, or -EINVAL. */
static int take_pr_value(struct prm_cli_arguments *arguments, int option,
			 char *error)
{
	struct prm_pr_out *out = &arguments->out;

	switch (option) {
	case 'k':
		return take_key("--key", optarg, &out->key, error) < 0
			       ? -EINVAL
			       : PRM_CLI_KEY;
	case 'n':
		return take_key("--new-key", optarg, &out->new_key, error) < 0
			       ? -EINVAL
			       : PRM_CLI_NEW_KEY;
	case 't':
		return take_type(arguments, optarg, error) < 0 ? -EINVAL
							       : PRM_CLI_TYPE;
	case OPTION_TRANSPORT_ID:
		return take_transport_id(arguments, optarg, error) < 0
			       ? -EINVAL
			       : PRM_CLI_TRANSPORT_ID;
	default:
		if (prm_cli_parse_port(optarg, &out->relative_target_port) < 0)
			return fail(error,
				    "--relative-target-port '%s' is not a "
				    "number from 0 to 65535",
				    optarg);
		return PRM_CLI_RELATIVE_TARGET_PORT;
	}
}

/* Any other option. Returns its bit, 0 for --help, or -EINVAL. */
static int take_other(struct prm_cli_arguments *arguments, int option,
		      char *error)
{
	switch (option) {
	case 'h': arguments->request = PRM_CLI_SHOW_HELP; return 0;
	case 'V': arguments->request = PRM_CLI_SHOW_VERSION; return 0;
	case 'j': return PRM_CLI_JSON;
	case 'd': return PRM_CLI_DIRECT;
	case 'm':
		arguments->manager = optarg;
		return *optarg ? PRM_CLI_MANAGER
			       : fail(error, "--manager is empty");
	case OPTION_APTPL: arguments->out.aptpl = true; return PRM_CLI_APTPL;
	case OPTION_ALL_TARGET_PORTS:
		arguments->out.all_target_ports = true;
		return PRM_CLI_ALL_TARGET_PORTS;
	case OPTION_UNREG: arguments->out.unreg = true; return PRM_CLI_UNREG;
	case OPTION_INTERVAL:
		return take_seconds("--interval", optarg,
				    &arguments->interval_ms, error) < 0
			       ? -EINVAL
			       : PRM_CLI_INTERVAL;
	default:
		return take_seconds("--timeout", optarg, &arguments->timeout_ms,
				    error) < 0
			       ? -EINVAL
			       : PRM_CLI_TIMEOUT;
	}
}

/* What getopt_long() did not like. */
static int complain(char **argv, int option, char *error)
{
	const char *word = argv[optind - 1];

	if (option == ':')
		return fail(error, "%s needs a value", word);
	/* An unknown letter may stand within a word not yet done with. */
	if (optopt && optopt < OPTION_FIRST && !strchr(short_options, optopt))
		return fail(error, "there is no option -%c", optopt);
	if (optopt)
		return fail(error, "%.*s takes no value",
			    (int)strcspn(word, "="), word);
	return fail(error, "there is no option %.*s", (int)strcspn(word, "="),
		    word);
}

static int take_option(struct prm_cli_arguments *arguments, char **argv,
		       int option, char *error)
{
	int bit;

	switch (option) {
	case '?':
	case ':': return complain(argv, option, error);
	case 'k':
	case 'n':
	case 't':
	case OPTION_TRANSPORT_ID:
	case OPTION_RELATIVE_TARGET_PORT:
		bit = take_pr_value(arguments, option, error);
		break;
	default: bit = take_other(arguments, option, error); break;
	}
	if (bit < 0)
		return bit;
	/* Which of two keys was meant is not to be guessed. */
	if ((arguments->given & (unsigned int)bit) &&
	    bit != PRM_CLI_TRANSPORT_ID)
		return fail(error, "%s is given twice",
			    prm_cli_option_name((unsigned int)bit));
	arguments->given |= (unsigned int)bit;
	return 0;
}

static int take_command(struct prm_cli_arguments *arguments, const char *word,
			char *error)
{
	if (strcmp(word, "help") == 0 &&
	    arguments->request != PRM_CLI_SHOW_HELP) {
		arguments->request = PRM_CLI_SHOW_HELP;
		return 0;
	}
	arguments->command = prm_cli_command_find(word);
	if (!arguments->command)
		return fail(error,
			    "there is no command '%s'; prmctl --help lists "
			    "them",
			    word);
	return 0;
}

/* The words behind the options so far; sets optind behind what it takes. */
static int take_word(struct prm_cli_arguments *arguments, char **argv,
		     char *error)
{
	char *word = argv[optind];

	if (!arguments->command) {
		optind++;
		return take_command(arguments, word, error);
	}
	if (arguments->command->positional == PRM_CLI_PROGRAM) {
		arguments->program = argv + optind;
		while (argv[optind])
			optind++;
		return 0;
	}
	if (arguments->command->positional == PRM_CLI_NOTHING ||
	    arguments->device)
		return fail(error, "%s: '%s' is one word too many",
			    arguments->command->name, word);
	arguments->device = word;
	optind++;
	return 0;
}

/* The next option, or -1 where a word stands. */
static int next_option(int argc, char **argv, bool *only_words)
{
	int option = -1;

	if (!*only_words)
		option = getopt_long(argc, argv, short_options, long_options,
				     NULL);
	if (option == -1 && optind > 0 && strcmp(argv[optind - 1], "--") == 0)
		*only_words = true;
	return option;
}

/* All words and options; what they say together is checked afterwards. */
static int take_all(struct prm_cli_arguments *arguments, int argc, char **argv,
		    char *error)
{
	bool only_words = false;
	int option, r = 0;

	/* 0, not 1, makes glibc forget an earlier command line. */
	optind = 0;
	opterr = 0;
	do {
		option = next_option(argc, argv, &only_words);
		if (option != -1)
			r = take_option(arguments, argv, option, error);
		else if (optind < argc)
			r = take_word(arguments, argv, error);
	} while (r == 0 && optind < argc);
	return r;
}

static int check_options(const struct prm_cli_arguments *arguments, char *error)
{
	const struct prm_cli_command *command = arguments->command;
	unsigned int surplus = arguments->given & ~command->allowed;
	unsigned int missing = command->required & ~arguments->given;

	if (surplus)
		return fail(error, "%s does not take %s", command->name,
			    prm_cli_option_name(surplus & -surplus));
	if (missing)
		return fail(error, "%s needs %s; see prmctl %s --help",
			    command->name,
			    prm_cli_option_name(missing & -missing),
			    command->name);
	if ((arguments->given & PRM_CLI_MANAGER) &&
	    (arguments->given & PRM_CLI_DIRECT))
		return fail(error, "--direct and --manager exclude each other");
	if ((command->required & PRM_CLI_TRANSPORT_ID) &&
	    arguments->transport_id_count > 1)
		return fail(error, "%s takes one --transport-id only",
			    command->name);
	return 0;
}

static int check(const struct prm_cli_arguments *arguments, char *error)
{
	if (arguments->request != PRM_CLI_RUN)
		return 0;
	if (!arguments->command)
		return fail(error, "no command is given; prmctl --help lists "
				   "them");
	if (arguments->command->positional == PRM_CLI_DEVICE &&
	    !arguments->device)
		return fail(error, "%s needs a DEVICE, /dev/sdX or the like",
			    arguments->command->name);
	if (arguments->command->positional == PRM_CLI_PROGRAM &&
	    !arguments->program)
		return fail(error, "%s needs a PROGRAM",
			    arguments->command->name);
	return check_options(arguments, error);
}

int prm_cli_parse(int argc, char **argv,
		  struct prm_cli_arguments *ret_arguments,
		  char ret_error[PRM_CLI_ERROR_ROOM])
{
	struct prm_cli_arguments arguments;
	int r;

	memset(&arguments, 0, sizeof(arguments));
	arguments.interval_ms = INTERVAL_MS;
	r = take_all(&arguments, argc, argv, ret_error);
	if (r == 0)
		r = check(&arguments, ret_error);
	if (r == 0)
		*ret_arguments = arguments;
	return r;
}
