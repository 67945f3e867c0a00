/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One record is one line, whatever is put into it. */
#include "log_test.h"
#include "helper/log/record.h"

__attribute__((format(printf, 2, 3))) static void
put_text(struct prm_log_record *record, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	prm_log_record_text(record, format, args);
	va_end(args);
}

static void assert_text(const struct prm_log_record *record,
			const char *expected)
{
	assert_int_equal(record->text_len, strlen(expected));
	assert_memory_equal(record->text, expected, record->text_len);
}

static void a_new_record_is_empty_and_of_now(void **state)
{
	struct prm_log_record record;
	struct timespec before, after;

	memset(&record, 0xaa, sizeof(record));
	(void)clock_gettime(CLOCK_REALTIME, &before);
	prm_log_record_init(&record, PRM_LOG_INFO);
	(void)clock_gettime(CLOCK_REALTIME, &after);
	assert_int_equal(record.level, PRM_LOG_INFO);
	assert_false(record.trace);
	assert_int_equal(record.lost, 0);
	assert_int_equal(record.text_len, 0);
	assert_int_equal(record.fields_len, 0);
	assert_true(record.time.tv_sec >= before.tv_sec);
	assert_true(record.time.tv_sec <= after.tv_sec);
}

static void text_is_formatted_and_appended(void **state)
{
	struct prm_log_record record;

	prm_log_record_init(&record, PRM_LOG_INFO);
	put_text(&record, "%s=%d", "a", 1);
	assert_text(&record, "a=1");
	put_text(&record, " b");
	assert_text(&record, "a=1 b");
}

static void control_characters_are_replaced(void **state)
{
	struct prm_log_record record;

	prm_log_record_init(&record, PRM_LOG_INFO);
	put_text(&record, "a\nb\rc\033[2Jd\te\177f \303\244");
	assert_text(&record, "a?b?c?[2Jd?e?f \303\244");
}

static void text_is_cut_at_its_limit(void **state)
{
	static char text[2 * PRM_LOG_TEXT_MAX];
	struct prm_log_record record;

	for (size_t len = PRM_LOG_TEXT_MAX - 2; len <= PRM_LOG_TEXT_MAX + 2;
	     len++) {
		bool cut = len > PRM_LOG_TEXT_MAX;

		memset(text, 'x', len);
		text[len] = '\0';
		prm_log_record_init(&record, PRM_LOG_INFO);
		put_text(&record, "%s", text);
		assert_int_equal(record.text_len, cut ? PRM_LOG_TEXT_MAX : len);
		assert_memory_equal(record.text + record.text_len - 3,
				    cut ? "..." : "xxx", 3);
		/* And nothing more fits after that. */
		put_text(&record, "%s", text);
		assert_true(record.text_len <= PRM_LOG_TEXT_MAX);
	}
}

static void a_field_is_a_line(void **state)
{
	static const struct prm_log_field a = { "PRM_A", "one" };
	static const struct prm_log_field b = { "PRM_B", "t\nMESSAGE=wo" };
	static const char expected[] = "PRM_A=one\nPRM_B=t?MESSAGE=wo\n";
	struct prm_log_record record;

	prm_log_record_init(&record, PRM_LOG_INFO);
	prm_log_record_field(&record, &a);
	prm_log_record_field(&record, &b);
	assert_int_equal(record.fields_len, strlen(expected));
	assert_memory_equal(record.fields, expected, strlen(expected));
}

static void a_field_is_there_whole_or_not_at_all(void **state)
{
	static char value[PRM_LOG_FIELDS_SIZE];
	struct prm_log_field field = { "A", value };
	struct prm_log_record record;

	/* "A=", the value, the newline, and snprintf's NUL. */
	memset(value, 'x', PRM_LOG_FIELDS_SIZE - 3);
	prm_log_record_init(&record, PRM_LOG_INFO);
	prm_log_record_field(&record, &field);
	assert_int_equal(record.fields_len, 0);
	value[PRM_LOG_FIELDS_SIZE - 4] = '\0';
	prm_log_record_field(&record, &field);
	assert_int_equal(record.fields_len, PRM_LOG_FIELDS_SIZE - 1);
	assert_int_equal(record.fields[record.fields_len - 1], '\n');
	prm_log_record_field(&record, &(struct prm_log_field){ "B", "" });
	assert_int_equal(record.fields_len, PRM_LOG_FIELDS_SIZE - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_record_is_empty_and_of_now),
		cmocka_unit_test(text_is_formatted_and_appended),
		cmocka_unit_test(control_characters_are_replaced),
		cmocka_unit_test(text_is_cut_at_its_limit),
		cmocka_unit_test(a_field_is_a_line),
		cmocka_unit_test(a_field_is_there_whole_or_not_at_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
