/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* JSON against RFC 8259, UTF-8 against RFC 3629. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "cli/json.h"

static char *written;
static size_t written_len;

static struct prm_json begin(void)
{
	struct prm_json json = { .file = open_memstream(&written,
							&written_len) };

	assert_non_null(json.file);
	return json;
}

static void assert_written(struct prm_json *json, const char *expected)
{
	assert_int_equal(fclose(json->file), 0);
	assert_string_equal(written, expected);
	free(written);
}

static void every_kind_of_value(void **state)
{
	struct prm_json json = begin();

	(void)state;
	prm_json_begin_object(&json, NULL);
	prm_json_string(&json, "s", "text");
	prm_json_number(&json, "n", UINT64_MAX);
	prm_json_key(&json, "k", 0x123abc);
	prm_json_bool(&json, "yes", true);
	prm_json_bool(&json, "no", false);
	prm_json_null(&json, "none");
	prm_json_begin_array(&json, "empty");
	prm_json_end_array(&json);
	prm_json_begin_array(&json, "list");
	prm_json_number(&json, NULL, 1);
	prm_json_begin_object(&json, NULL);
	prm_json_end_object(&json);
	prm_json_end_array(&json);
	prm_json_bool(&json, "last", true);
	prm_json_end_object(&json);
	prm_json_end_line(&json);
	prm_json_begin_object(&json, NULL);
	prm_json_end_object(&json);
	prm_json_end_line(&json);
	assert_written(&json, "{\"s\": \"text\", \"n\": 18446744073709551615, "
			      "\"k\": \"0x0000000000123abc\", \"yes\": true, "
			      "\"no\": false, \"none\": null, \"empty\": [], "
			      "\"list\": [1, {}], \"last\": true}\n{}\n");
}

static void assert_quoted(const char *text, const char *expected)
{
	struct prm_json json = begin();

	prm_json_string(&json, NULL, text);
	assert_written(&json, expected);
}

static void quotes_and_controls_are_escaped(void **state)
{
	(void)state;
	assert_quoted("", "\"\"");
	assert_quoted("a\"b\\c/d", "\"a\\\"b\\\\c/d\"");
	assert_quoted("\n\t\x01\x7f", "\"\\u000a\\u0009\\u0001\\u007f\"");
}

static void utf8_passes(void **state)
{
	(void)state;
	assert_quoted("\xc3\xa4", "\"\xc3\xa4\"");
	assert_quoted("\xe2\x82\xac", "\"\xe2\x82\xac\"");
	assert_quoted("\xed\x9f\xbf\xee\x80\x80",
		      "\"\xed\x9f\xbf\xee\x80\x80\"");
	assert_quoted("\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf",
		      "\"\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf\"");
}

static void what_is_no_utf8_is_replaced(void **state)
{
	(void)state;
	assert_quoted("a\xff"
		      "b",
		      "\"a\\ufffdb\"");
	assert_quoted("\xc3", "\"\\ufffd\"");
	assert_quoted("\xc3"
		      "A",
		      "\"\\ufffdA\"");
	assert_quoted("\x80", "\"\\ufffd\"");
	/* Overlong, a surrogate, and above the last code point. */
	assert_quoted("\xc1\x81", "\"\\ufffd\\ufffd\"");
	assert_quoted("\xe0\x80\x80", "\"\\ufffd\\ufffd\\ufffd\"");
	assert_quoted("\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\"");
	assert_quoted("\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\"");
	assert_quoted("\xe2\x82", "\"\\ufffd\\ufffd\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_of_value),
		cmocka_unit_test(quotes_and_controls_are_escaped),
		cmocka_unit_test(utf8_passes),
		cmocka_unit_test(what_is_no_utf8_is_replaced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
