/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The audit line: every key every time, and the same for the journal. */
#include "log_test.h"
#include "helper/log/audit.h"
#include "helper/log/log.h"
#include "helper/log/rate.h"

static struct {
	int calls;
	bool kept;
	enum prm_log_level level;
	char text[2048];
	char fields[2048];
} seen;

/* Stands in for the log. */
__attribute__((format(printf, 4, 0))) static void
see(enum prm_log_level level, const struct prm_log_field *fields, size_t count,
    const char *format, va_list args)
{
	size_t len = 0;

	seen.calls++;
	seen.level = level;
	(void)vsnprintf(seen.text, sizeof(seen.text), format, args);
	for (size_t i = 0; i < count; i++)
		len += (size_t)snprintf(seen.fields + len,
					sizeof(seen.fields) - len, "%s=%s ",
					fields[i].name, fields[i].value);
}

#define STAND_IN(name, is_kept)                                                \
	void __wrap_##name(enum prm_log_level level,                           \
			   const struct prm_log_field *fields, size_t count,   \
			   const char *format, ...)                            \
		__attribute__((format(printf, 4, 5)));                         \
	void __wrap_##name(enum prm_log_level level,                           \
			   const struct prm_log_field *fields, size_t count,   \
			   const char *format, ...)                            \
	{                                                                      \
		va_list args;                                                  \
		va_start(args, format);                                        \
		seen.kept = is_kept;                                           \
		see(level, fields, count, format, args);                       \
		va_end(args);                                                  \
	}

STAND_IN(prm_log_fields, false)
STAND_IN(prm_log_keep, true)

static int setup(void **state)
{
	memset(&seen, 0, sizeof(seen));
	return 0;
}

static const struct prm_audit complete = {
	.pid = 4711,
	.uid = 64055,
	.unit = "machine-qemu\\x2d1\\x2dvm.scope",
	.device = "8:16",
	.action = "PREEMPT AND ABORT",
	.has_keys = true,
	.key = 1,
	.sa_key = UINT64_C(0xfedcba9876543210),
	.type = 5,
	.status = "CHECK CONDITION",
	.has_sense = true,
	.sense_key = 5,
	.asc = 0x26,
	.ascq = 0x04,
	.duration_ns = 1873999,
};

static const char complete_line[] =
	"audit pid=4711 uid=64055 unit=machine-qemu\\x2d1\\x2dvm.scope "
	"device=8:16 action=PREEMPT_AND_ABORT key=0x0000000000000001 "
	"sa_key=0xfedcba9876543210 type=5 status=CHECK_CONDITION "
	"sense=5/26/04 duration_us=1873 late=no dropped=no";

static void a_line_says_who_did_what_and_what_came_of_it(void **state)
{
	prm_audit_log(&complete);
	assert_int_equal(seen.calls, 1);
	assert_int_equal(seen.level, PRM_LOG_NOTICE);
	assert_string_equal(seen.text, complete_line);
}

static void what_is_not_known_is_a_question_mark(void **state)
{
	static const struct prm_audit audit = { .uid = 0, .dropped = true };

	prm_audit_log(&audit);
	assert_string_equal(
		seen.text,
		"audit pid=? uid=0 unit=? device=? action=? "
		"key=? sa_key=? type=0 status=- sense=- duration_us=0 late=no "
		"dropped=yes");
}

static void late_answers_are_marked(void **state)
{
	struct prm_audit audit = complete;

	audit.late = true;
	prm_audit_log(&audit);
	assert_true(ends_in(seen.text, " late=yes dropped=no"));
}

/* Refusals come as fast as a client likes; they must not crowd out the rest. */
static void what_may_have_changed_something_is_kept(void **state)
{
	struct prm_audit audit = complete;

	prm_audit_log(&audit);
	assert_false(seen.kept);
	for (uint8_t key = 0; key < 16; key++) {
		audit.sense_key = key;
		prm_audit_log(&audit);
		assert_int_equal(seen.kept, key != 5);
	}
	audit.has_sense = false;
	audit.sense_key = 5;
	audit.status = "GOOD";
	prm_audit_log(&audit);
	assert_true(seen.kept);
	audit.dropped = true;
	prm_audit_log(&audit);
	assert_false(seen.kept);
	audit.dropped = false;
	audit.is_conflict = true;
	prm_audit_log(&audit);
	assert_false(seen.kept);
}

/* However many there are, of what changed nothing: changes are all there. */
static void only_what_changed_nothing_is_limited(void **state)
{
	struct prm_audit audit = complete;
	int logged;

	for (int i = 0; i < 10 * PRM_AUDIT_RATE_PER_S; i++)
		prm_audit_log(&audit);
	logged = seen.calls;
	/* A slow machine may take more than a second. */
	assert_true(logged < 10 * PRM_AUDIT_RATE_PER_S);
	audit.has_sense = false;
	for (int i = 0; i < 10 * PRM_AUDIT_RATE_PER_S; i++)
		prm_audit_log(&audit);
	assert_int_equal(seen.calls, logged + 10 * PRM_AUDIT_RATE_PER_S);
}

static void no_value_can_forge_another(void **state)
{
	struct prm_audit audit = complete;

	audit.unit = "evil pid=1\tuid=0\n.scope";
	prm_audit_log(&audit);
	assert_non_null(strstr(seen.text, " unit=evil_pid=1_uid=0_.scope "));
	audit.unit = "";
	prm_audit_log(&audit);
	assert_non_null(strstr(seen.text, " unit=? "));
}

static void the_longest_unit_is_not_cut(void **state)
{
	struct prm_audit audit = complete;
	char unit[256], expected[300];

	memset(unit, 'u', 255);
	unit[255] = '\0';
	audit.unit = unit;
	prm_audit_log(&audit);
	snprintf(expected, sizeof(expected), " unit=%s device=", unit);
	assert_non_null(strstr(seen.text, expected));
	assert_true(strlen(seen.text) < PRM_LOG_TEXT_MAX);
}

/* "PRM_KEY=" for each "key=" of the line, with the same value. */
static void fields_and_line_say_the_same(void **state)
{
	char line[1024], *rest = line, *word, field[300];

	prm_audit_log(&complete);
	strcpy(line, seen.text);
	word = strsep(&rest, " ");
	assert_string_equal(word, "audit");
	while (rest) {
		word = strsep(&rest, " ");
		for (char *c = word; *c != '='; c++)
			*c = (char)(*c >= 'a' ? *c - 'a' + 'A' : *c);
		snprintf(field, sizeof(field), "PRM_%s ", word);
		assert_non_null(strstr(seen.fields, field));
	}
}

static const char *doc_path;

/* The manual's example and table are what is really written. */
static void the_manual_tells_every_key(void **state)
{
	static char doc[65536];
	char line[1024], *rest = line, *word, cell[64];
	int fd = open(doc_path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	read_all(fd, doc, sizeof(doc));
	prm_audit_log(&complete);
	assert_non_null(strstr(doc, seen.text));
	strcpy(line, seen.text);
	(void)strsep(&rest, " ");
	while (rest) {
		word = strsep(&rest, " ");
		snprintf(cell, sizeof(cell), "| `%.*s` |",
			 (int)strcspn(word, "="), word);
		assert_non_null(strstr(doc, cell));
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(
			a_line_says_who_did_what_and_what_came_of_it, setup),
		cmocka_unit_test_setup(what_is_not_known_is_a_question_mark,
				       setup),
		cmocka_unit_test_setup(late_answers_are_marked, setup),
		cmocka_unit_test_setup(what_may_have_changed_something_is_kept,
				       setup),
		cmocka_unit_test_setup(no_value_can_forge_another, setup),
		cmocka_unit_test_setup(the_longest_unit_is_not_cut, setup),
		cmocka_unit_test_setup(fields_and_line_say_the_same, setup),
		cmocka_unit_test_setup(the_manual_tells_every_key, setup),
		/* Last: it leaves nothing of this second to others. */
		cmocka_unit_test_setup(only_what_changed_nothing_is_limited,
				       setup),
	};

	if (argc != 2) {
		fprintf(stderr, "usage: %s doc/audit.md\n", argv[0]);
		return 2;
	}
	doc_path = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
