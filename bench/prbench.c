/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A load generator for helpers of the pr-helper protocol.
 *
 * It measures and prints; what the numbers mean against a peer's is bench/run's
 * to say. One JSON object goes to standard output, so that a script reads the
 * same figures as a person.
 */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <prmanager/manager.h>
#include "base/clock.h"
#include "base/fd.h"
#include "load.h"
#include "scsi/cdb.h"
#include "scsi/pr_in.h"
#include "scsi/pr_out.h"

#define NUMBER_MAX 100000000UL

enum mode { MODE_LOAD, MODE_CONNECT, MODE_LIBRARY };

struct options {
	enum mode mode;
	const char *path;
	const char *device;
	size_t clients;
	size_t idle;
	size_t warmup;
	size_t requests;
	int cpu; /* -1: wherever the kernel likes */
	bool out;
};

static const char *const usage =
	"Usage: prbench [OPTION]... SOCKET\n"
	"Put a load on the helper that listens at SOCKET and print, as JSON,\n"
	"how long its answers took.\n"
	"\n"
	"  -D, --device=PATH     send a descriptor of PATH (/dev/loop0)\n"
	"  -c, --clients=N       connections, each with one request at a time "
	"(1)\n"
	"  -n, --requests=N      requests to count, over all clients (10000)\n"
	"  -w, --warmup=N        requests before them that do not count "
	"(1000)\n"
	"  -i, --idle=N          further connections that only exist (0)\n"
	"  -o, --out             PERSISTENT RESERVE OUT instead of IN\n"
	"  -p, --cpu=N           stay on this CPU\n"
	"      --connect         connect, shake hands and close, N requests "
	"times\n"
	"      --library         send the requests through libprmanager\n"
	"  -h, --help            this text\n";

static size_t number(const char *name, const char *text)
{
	char *end = NULL;
	unsigned long value;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || end == text || *end || value > NUMBER_MAX) {
		(void)fprintf(stderr, "prbench: --%s takes 0 to %lu, not %s\n",
			      name, NUMBER_MAX, text);
		exit(EXIT_FAILURE);
	}
	return value;
}

static const struct option long_options[] = {
	{ "device", required_argument, NULL, 'D' },
	{ "clients", required_argument, NULL, 'c' },
	{ "requests", required_argument, NULL, 'n' },
	{ "warmup", required_argument, NULL, 'w' },
	{ "idle", required_argument, NULL, 'i' },
	{ "cpu", required_argument, NULL, 'p' },
	{ "out", no_argument, NULL, 'o' },
	{ "connect", no_argument, NULL, 'C' },
	{ "library", no_argument, NULL, 'L' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

static void take_option(struct options *options, int c)
{
	switch (c) {
	case 'D': options->device = optarg; break;
	case 'c': options->clients = number("clients", optarg); break;
	case 'n': options->requests = number("requests", optarg); break;
	case 'w': options->warmup = number("warmup", optarg); break;
	case 'i': options->idle = number("idle", optarg); break;
	case 'p': options->cpu = (int)number("cpu", optarg); break;
	case 'o': options->out = true; break;
	case 'C': options->mode = MODE_CONNECT; break;
	case 'L': options->mode = MODE_LIBRARY; break;
	case 'h': (void)fputs(usage, stdout); exit(EXIT_SUCCESS);
	default: (void)fputs(usage, stderr); exit(EXIT_FAILURE);
	}
}

static struct options parse(int argc, char **argv)
{
	struct options options = {
		.device = "/dev/loop0",
		.clients = 1,
		.warmup = 1000,
		.requests = 10000,
		.cpu = -1,
	};
	int c;

	while ((c = getopt_long(argc, argv, "D:c:n:w:i:p:oh", long_options,
				NULL)) != -1)
		take_option(&options, c);
	if (argc - optind != 1 || !options.clients || !options.requests) {
		(void)fprintf(stderr,
			      "prbench: name one socket, and at least one "
			      "client and one request\n");
		exit(EXIT_FAILURE);
	}
	options.path = argv[optind];
	return options;
}

/* READ KEYS with an allocation length of 8: the generation and a length. */
static void make_request(const struct options *options,
			 struct prm_wire_request *ret_request)
{
	const struct prm_pr_cdb in = {
		.action = PRM_PR_IN_READ_KEYS,
		.length = PRM_PR_IN_HEADER_LEN,
	};
	const struct prm_pr_cdb out = {
		.out = true,
		.action = PRM_PR_OUT_REGISTER_AND_IGNORE,
		.length = PRM_PR_OUT_BASIC_LEN,
	};
	uint8_t cdb[PRM_PR_CDB_ROOM];

	prm_pr_cdb_encode(options->out ? &out : &in, cdb);
	(void)prm_wire_request_init(ret_request, cdb, PRM_PR_CDB_LEN);
}

static int run_load(const struct options *options, int device,
		    struct prm_load_result *result)
{
	/* REGISTER AND IGNORE EXISTING KEY with key 0: unregisters. */
	static const uint8_t data[PRM_PR_OUT_BASIC_LEN];
	struct prm_load load = {
		.path = options->path,
		.device = device,
		.data = data,
		.clients = options->clients,
		.warmup = options->warmup,
		.requests = options->requests,
	};

	make_request(options, &load.request);
	return prm_load_run(&load, result);
}

static int run_connects(const struct options *options,
			struct prm_load_result *result)
{
	int64_t start_ns = prm_clock_ns();

	for (size_t i = 0; i < options->requests; i++) {
		int64_t from_ns = prm_clock_ns();
		int fd = -1;
		int r = prm_load_connect(options->path, &fd);

		if (r < 0)
			return r;
		(void)prm_fd_close(fd);
		prm_samples_add(&result->samples, prm_clock_ns() - from_ns);
	}
	result->ns = prm_clock_ns() - start_ns;
	return 0;
}

static int run_commands(struct prm_manager *manager,
			const struct options *options, int device,
			struct prm_load_result *result)
{
	uint8_t data[PRM_PR_OUT_BASIC_LEN] = { 0 };
	struct prm_command command = PRM_COMMAND_INIT;
	struct prm_wire_request request;
	int64_t start_ns = 0;

	make_request(options, &request);
	memcpy(command.cdb, request.cdb, sizeof(command.cdb));
	command.cdb_len = request.cdb_len;
	command.data = data;
	command.data_len = options->out ? sizeof(data) : request.length;
	for (size_t i = 0; i < options->warmup + options->requests; i++) {
		struct prm_reply reply = PRM_REPLY_INIT;
		int64_t from_ns = prm_clock_ns();
		int r;

		if (i == options->warmup)
			start_ns = from_ns;
		r = prm_manager_run(manager, device, &command, &reply);
		if (r < 0)
			return r;
		if (i < options->warmup)
			continue;
		result->ns = prm_clock_ns();
		prm_samples_add(&result->samples, result->ns - from_ns);
		result->statuses[reply.status % PRM_LOAD_STATUSES]++;
	}
	result->ns -= start_ns;
	return 0;
}

static int run_library(const struct options *options, int device,
		       struct prm_load_result *result)
{
	struct prm_manager *manager = NULL;
	char text[512];
	char *error = NULL;
	int r;

	(void)snprintf(text, sizeof(text), "pr-manager-helper,id=bench,path=%s",
		       options->path);
	r = prm_manager_new(text, &manager, &error);
	if (r < 0) {
		(void)fprintf(stderr, "prbench: %s\n", error ? error : text);
		free(error);
		return r;
	}
	r = run_commands(manager, options, device, result);
	(void)prm_manager_unref(manager);
	return r;
}

static void print_statuses(const struct prm_load_result *result)
{
	const char *comma = "";

	(void)printf(", \"statuses\": {");
	for (unsigned int i = 0; i < PRM_LOAD_STATUSES; i++) {
		if (!result->statuses[i])
			continue;
		(void)printf("%s\"%02x\": %llu", comma, i,
			     (unsigned long long)result->statuses[i]);
		comma = ", ";
	}
	(void)printf("}}\n");
}

static void print(const struct options *options, struct prm_load_result *result)
{
	const struct prm_samples *samples = &result->samples;

	prm_samples_sort(&result->samples);
	(void)printf("{\"clients\": %zu, \"idle\": %zu, \"requests\": %zu",
		     options->clients, options->idle, samples->count);
	(void)printf(", \"per_second\": %.0f", (double)samples->count *
						       (double)PRM_NS_PER_S /
						       (double)result->ns);
	(void)printf(", \"median_us\": %.2f, \"p90_us\": %.2f",
		     prm_samples_us(samples, 500),
		     prm_samples_us(samples, 900));
	(void)printf(", \"p99_us\": %.2f, \"max_us\": %.2f",
		     prm_samples_us(samples, 990),
		     prm_samples_us(samples, 1000));
	print_statuses(result);
}

static int hold_idle(const struct options *options)
{
	for (size_t i = 0; i < options->idle; i++) {
		int fd = -1;
		int r = prm_load_connect(options->path, &fd);

		if (r < 0)
			return r; /* those that are there go with the process */
	}
	return 0;
}

static int run(const struct options *options, struct prm_load_result *result)
{
	CLEANUP(prm_fd_closep)
	int device = open(options->device, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	int r;

	if (device < 0)
		return -errno;
	r = hold_idle(options);
	if (r < 0)
		return r;
	switch (options->mode) {
	case MODE_CONNECT: return run_connects(options, result);
	case MODE_LIBRARY: return run_library(options, device, result);
	case MODE_LOAD: break;
	}
	return run_load(options, device, result);
}

static void prepare(const struct options *options)
{
	struct rlimit limit;
	cpu_set_t cpus;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
	if (options->cpu < 0)
		return;
	CPU_ZERO(&cpus);
	CPU_SET((size_t)options->cpu, &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus) < 0)
		(void)fprintf(stderr, "prbench: cannot stay on CPU %d: %s\n",
			      options->cpu, strerror(errno));
}

int main(int argc, char **argv)
{
	struct options options = parse(argc, argv);
	struct prm_load_result result = { 0 };
	int r;

	prepare(&options);
	r = prm_samples_init(&result.samples, options.requests);
	if (r == 0)
		r = run(&options, &result);
	if (r == 0)
		print(&options, &result);
	else
		(void)fprintf(stderr, "prbench: %s with %s: %s\n", options.path,
			      options.device, strerror(-r));
	prm_samples_deinit(&result.samples);
	return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
