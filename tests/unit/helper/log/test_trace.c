/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Trace events: chosen by name, free of charge when off. */
#include "log_test.h"
#include "helper/log/log.h"
#include "helper/log/trace.h"

static char text[65536];
static const char *doc_path;

static int setup(void **state)
{
	static const struct prm_log_config config = {
		.name = "prog",
		.level = PRM_LOG_NOTICE,
		.sink = PRM_LOG_SINK_STDERR,
	};

	(void)prm_trace_set("-*");
	return prm_log_open(&config);
}

static int teardown(void **state)
{
	(void)prm_trace_set("-*");
	prm_log_close(0);
	return 0;
}

static size_t count_on(void)
{
	size_t count = 0;

	for (size_t i = 0; i < PRM_TRACE_EVENT_COUNT; i++)
		count += prm_trace_on[i];
	return count;
}

static void an_event_that_is_on_is_logged_at_any_level(void **state)
{
	struct capture capture = capture_begin();
	size_t named = prm_trace_set("park");

	PRM_TRACE(park, UINT64_C(7), "8:16");
	PRM_TRACE(unpark, UINT64_C(8), "8:32");
	capture_end(&capture, text, sizeof(text));
	assert_int_equal(named, 1);
	assert_string_equal(text, "prog: park session=7 device=8:16\n");
}

static int evaluated;

static uint64_t evaluate(void)
{
	evaluated++;
	return 1;
}

static void an_event_that_is_off_costs_no_argument(void **state)
{
	struct capture capture = capture_begin();

	evaluated = 0;
	PRM_TRACE(park, evaluate(), "8:16");
	capture_end(&capture, text, sizeof(text));
	assert_string_equal(text, "");
	assert_int_equal(evaluated, 0);
	assert_false(PRM_TRACE_ENABLED(park));
}

static void tracing_keeps_errno(void **state)
{
	struct capture capture = capture_begin();
	int after;

	(void)prm_trace_set("park");
	errno = ENOTTY;
	PRM_TRACE(park, UINT64_C(1), "x");
	after = errno;
	capture_end(&capture, text, sizeof(text));
	assert_int_equal(after, ENOTTY);
}

static void patterns_have_stars_and_question_marks(void **state)
{
	static const struct {
		const char *pattern;
		const char *name; /* one that it covers, or NULL */
	} cases[] = {
		{ "session_open", "session_open" },
		{ "session_*", "session_open" },
		{ "*_open", "session_open" },
		{ "s*n_o*n", "session_open" },
		{ "*s*s*n*", "session_open" },
		{ "session?open", "session_open" },
		{ "????", "park" },
		{ "**", "park" },
		{ "par", NULL },
		{ "parks", NULL },
		{ "park?", NULL },
		{ "Park", NULL },
		{ "", NULL },
		{ "x*", NULL },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool found = false;
		size_t named;

		(void)prm_trace_set("-*");
		named = prm_trace_set(cases[i].pattern);
		assert_int_equal(named, count_on());
		for (size_t e = 0; e < PRM_TRACE_EVENT_COUNT; e++)
			found |= prm_trace_on[e] && cases[i].name &&
				 strcmp(prm_trace_name((enum prm_trace_event)e),
					cases[i].name) == 0;
		assert_int_equal(found, cases[i].name != NULL);
		if (!cases[i].name)
			assert_int_equal(named, 0);
	}
	assert_int_equal(prm_trace_set("*"), PRM_TRACE_EVENT_COUNT);
}

static void a_minus_switches_off(void **state)
{
	assert_int_equal(prm_trace_set("*"), PRM_TRACE_EVENT_COUNT);
	assert_int_equal(prm_trace_set("-park"), 1);
	assert_int_equal(count_on(), PRM_TRACE_EVENT_COUNT - 1);
	assert_false(PRM_TRACE_ENABLED(park));
	assert_int_equal(prm_trace_set("-session_*"), 4);
	assert_int_equal(count_on(), PRM_TRACE_EVENT_COUNT - 5);
}

static void the_option_is_spelled_as_qemu_spells_it(void **state)
{
	assert_int_equal(prm_trace_option("park"), 0);
	assert_int_equal(count_on(), 1);
	assert_int_equal(prm_trace_option("enable=unpark"), 0);
	assert_int_equal(count_on(), 2);
	assert_int_equal(prm_trace_option("enable=session_*,enable=-park"), 0);
	assert_false(PRM_TRACE_ENABLED(park));
	assert_true(PRM_TRACE_ENABLED(unpark));
	assert_true(PRM_TRACE_ENABLED(session_close));
}

static void nonsense_is_an_error(void **state)
{
	static const char *const wrong[] = {
		"",
		"enable=",
		"colour=red",
		"park,unpark",
		"enable=,x",
		"park,",
		"events=",
		"file=",
		"events=/nowhere/at/all",
		"file=/nowhere/at/all",
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_true(prm_trace_option(wrong[i]) < 0);
}

static void an_unknown_event_is_warned_about(void **state)
{
	struct capture capture = capture_begin();
	int r = prm_trace_option("pr_manager_run");

	capture_end(&capture, text, sizeof(text));
	assert_int_equal(r, 0);
	assert_string_equal(text, "prog: warning: trace event "
				  "'pr_manager_run' does not exist\n");
}

static char path[64];

/* Make a file of the test's own; returns a descriptor. */
static int make_file(void)
{
	int fd;

	strcpy(path, "/tmp/prm-trace-XXXXXX");
	fd = mkostemp(path, O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static void events_are_read_from_a_file(void **state)
{
	static const char lines[] =
		"# comment\n\n  park  # here\n\tsession_*\r\n"
		"-session_close\nunpark";
	char option[80];
	int fd = make_file();

	assert_int_equal(write(fd, lines, strlen(lines)), strlen(lines));
	prm_fd_close(fd);
	snprintf(option, sizeof(option), "events=%s", path);
	assert_int_equal(prm_trace_option(option), 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(count_on(), 5);
	assert_true(PRM_TRACE_ENABLED(park) && PRM_TRACE_ENABLED(unpark));
	assert_true(PRM_TRACE_ENABLED(session_open));
	assert_false(PRM_TRACE_ENABLED(session_close));
}

static void events_are_appended_to_a_file(void **state)
{
	struct capture capture;
	char option[80], rest[256];
	int fd = make_file(), r;

	assert_int_equal(write(fd, "before\n", 7), 7);
	snprintf(option, sizeof(option), "park,file=%s", path);
	capture = capture_begin();
	r = prm_trace_option(option);
	PRM_TRACE(park, UINT64_C(1), "a");
	(void)prm_log_start();
	PRM_TRACE(park, UINT64_C(2), "b");
	prm_log_close(120000);
	capture_end(&capture, rest, sizeof(rest));
	assert_int_equal(r, 0);
	assert_string_equal(rest, "");
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	read_all(fd, text, sizeof(text));
	assert_int_equal(unlink(path), 0);
	assert_memory_equal(text, "before\n", 7);
	assert_non_null(strstr(text, "Z prog: park session=1 device=a\n"));
	assert_true(ends_in(text, "Z prog: park session=2 device=b\n"));
}

/* One row for each event, with its format, and none besides. */
static void the_manual_lists_every_event(void **state)
{
#define FORMAT(name, format) format,
	static const char *const formats[] = { PRM_TRACE_EVENTS(FORMAT) };
	size_t rows = 0;
	char row[128];
	int fd = open(doc_path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	read_all(fd, text, sizeof(text));
	for (const char *at = strstr(text, "\n| `"); at;
	     at = strstr(at + 1, "\n| `"))
		rows++;
	assert_int_equal(rows, PRM_TRACE_EVENT_COUNT);
	for (size_t e = 0; e < PRM_TRACE_EVENT_COUNT; e++) {
		const char *key = formats[e], *at;

		snprintf(row, sizeof(row), "\n| `%s` |",
			 prm_trace_name((enum prm_trace_event)e));
		at = strstr(text, row);
		assert_non_null(at);
		/* "session=%d pid=%d" is told as `session` `pid`. */
		for (; key;
		     key = strchr(key, ' ') ? strchr(key, ' ') + 1 : NULL) {
			char cell[64];

			snprintf(cell, sizeof(cell), "`%.*s`",
				 (int)strcspn(key, "="), key);
			at = strstr(at + 1, cell);
			assert_non_null(at);
		}
		assert_null(memchr(strstr(text, row) + 1, '\n',
				   (size_t)(at - strstr(text, row) - 1)));
	}
}

#define trace_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		trace_test(an_event_that_is_on_is_logged_at_any_level),
		trace_test(an_event_that_is_off_costs_no_argument),
		trace_test(tracing_keeps_errno),
		trace_test(patterns_have_stars_and_question_marks),
		trace_test(a_minus_switches_off),
		trace_test(the_option_is_spelled_as_qemu_spells_it),
		trace_test(nonsense_is_an_error),
		trace_test(an_unknown_event_is_warned_about),
		trace_test(events_are_read_from_a_file),
		trace_test(events_are_appended_to_a_file),
		trace_test(the_manual_lists_every_event),
	};

	if (argc != 2) {
		fprintf(stderr, "usage: %s doc/tracing.md\n", argv[0]);
		return 2;
	}
	doc_path = argv[1];
	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
