/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Option text: what is accepted, and that each error names what is wrong. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "manager/options.h"

static const struct prm_property properties[] = {
	{ "path", PRM_PROPERTY_STRING, true, 0, 0 },
	{ "timeout", PRM_PROPERTY_NUMBER, false, 1, 100 },
	{ "inspect", PRM_PROPERTY_BOOL, false, 0, 0 },
};

#define COUNT (sizeof(properties) / sizeof(properties[0]))

static struct prm_options *parse(const char *text)
{
	struct prm_options *options = NULL;
	char *error = NULL;

	if (prm_options_parse(text, "qom-type", &options, &error) < 0)
		fail_msg("%s: %s", text, error);
	return options;
}

static int parse_and_check(const char *text, char **ret_error)
{
	CLEANUP(prm_options_freep) struct prm_options *options = NULL;
	int r;

	r = prm_options_parse(text, "qom-type", &options, ret_error);
	if (r < 0)
		return r;
	(void)prm_options_take(options, "qom-type");
	return prm_options_check(options, "a-class", properties, COUNT,
				 ret_error);
}

static void assert_refused(const char *text, const char *message)
{
	char *error = NULL;

	assert_int_equal(parse_and_check(text, &error), -EINVAL);
	assert_non_null(error);
	assert_string_equal(error, message);
	free(error);
}

static void the_class_may_come_first_or_by_name(void **state)
{
	static const char *const texts[] = {
		"c,path=/p",
		"qom-type=c,path=/p",
		"path=/p,qom-type=c",
	};
	struct prm_options *options;
	size_t i;

	for (i = 0; i < 3; i++) {
		options = parse(texts[i]);
		assert_string_equal(prm_options_take(options, "qom-type"), "c");
		assert_string_equal(prm_options_string(options, "path", NULL),
				    "/p");
		(void)prm_options_free(options);
	}
}

static void a_doubled_comma_is_a_comma(void **state)
{
	static const char *const texts[][2] = {
		{ "c,path=/a,,b", "/a,b" },
		{ "c,path=,,", "," },
		{ "c,path=,,,,x", ",,x" },
		{ "c,path=a=b,,", "a=b," },
	};
	struct prm_options *options;
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		options = parse(texts[i][0]);
		assert_string_equal(prm_options_string(options, "path", NULL),
				    texts[i][1]);
		(void)prm_options_free(options);
	}
}

static void values_are_read_as_their_types(void **state)
{
	struct prm_options *options = parse("path=/p,timeout=100,inspect=off");

	assert_int_equal(
		prm_options_check(options, "c", properties, COUNT, NULL), 0);
	assert_int_equal(prm_options_number(options, "timeout", 7), 100);
	assert_false(prm_options_bool(options, "inspect", true));
	(void)prm_options_free(options);

	options = parse("path=/p");
	assert_int_equal(
		prm_options_check(options, "c", properties, COUNT, NULL), 0);
	assert_int_equal(prm_options_number(options, "timeout", 7), 7);
	assert_true(prm_options_bool(options, "inspect", true));
	assert_string_equal(prm_options_string(options, "other", "x"), "x");
	(void)prm_options_free(options);
}

static void truth_has_six_words(void **state)
{
	static const char *const words[] = { "off", "on",    "no",
					     "yes", "false", "true" };
	struct prm_options *options;
	char text[64];
	size_t i;

	for (i = 0; i < 6; i++) {
		(void)snprintf(text, sizeof(text), "path=/p,inspect=%s",
			       words[i]);
		options = parse(text);
		assert_int_equal(prm_options_check(options, "c", properties,
						   COUNT, NULL),
				 0);
		assert_int_equal(prm_options_bool(options, "inspect", !(i % 2)),
				 i % 2);
		(void)prm_options_free(options);
	}
}

static void errors_name_the_property(void **state)
{
	assert_refused("c", "a-class needs the property 'path'");
	assert_refused("c,path=/p,color=red",
		       "a-class has no property 'color'");
	assert_refused("c,path=/p,timeout=1,timeout=1",
		       "property 'timeout' is given more than once");
	assert_refused("c,path=", "property 'path' has an empty value");
	assert_refused("", "property 'qom-type' has an empty value");
	assert_refused("c,path", "expected '=' after 'path'");
	assert_refused("c,path=/p,", "expected '=' after ''");
	assert_refused("c,=/p", "no name before '=/p'");
	assert_refused("c,path=/p,inspect=maybe",
		       "property 'inspect': 'maybe' is neither 'on' nor 'off'");
}

static void numbers_are_digits_within_their_range(void **state)
{
	static const char *const wrong[] = {
		"1s", "-1", "+1", " 1", "0x10", "1.0", "99999999999999999999999"
	};
	char text[80], message[128];
	size_t i;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		(void)snprintf(text, sizeof(text), "path=/p,timeout=%s",
			       wrong[i]);
		(void)snprintf(message, sizeof(message),
			       "property 'timeout': '%s' is not a number",
			       wrong[i]);
		assert_refused(text, message);
	}
	assert_refused("path=/p,timeout=0",
		       "property 'timeout': 0 is out of range (1 to 100)");
	assert_refused("path=/p,timeout=101",
		       "property 'timeout': 101 is out of range (1 to 100)");
	assert_int_equal(parse_and_check("path=/p,timeout=1", NULL), 0);
	assert_int_equal(parse_and_check("path=/p,timeout=100", NULL), 0);
}

static void the_number_of_properties_is_bounded(void **state)
{
	char text[1024];
	size_t len, i;

	len = (size_t)snprintf(text, sizeof(text), "c");
	for (i = 1; i < PRM_OPTIONS_MAX; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
					",p%zu=1", i);
	(void)prm_options_free(parse(text));
	(void)snprintf(text + len, sizeof(text) - len, ",more=1");
	assert_refused(text, "more than 32 properties");
}

static void what_was_taken_needs_no_property(void **state)
{
	struct prm_options *options = parse("c,id=a,path=/p");

	assert_int_equal(prm_options_check(options, "c", properties, COUNT,
					   NULL),
			 -EINVAL);
	assert_string_equal(prm_options_take(options, "qom-type"), "c");
	assert_string_equal(prm_options_take(options, "id"), "a");
	assert_null(prm_options_take(options, "none"));
	assert_int_equal(
		prm_options_check(options, "c", properties, COUNT, NULL), 0);
	(void)prm_options_free(options);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_class_may_come_first_or_by_name),
		cmocka_unit_test(a_doubled_comma_is_a_comma),
		cmocka_unit_test(values_are_read_as_their_types),
		cmocka_unit_test(truth_has_six_words),
		cmocka_unit_test(errors_name_the_property),
		cmocka_unit_test(numbers_are_digits_within_their_range),
		cmocka_unit_test(the_number_of_properties_is_bounded),
		cmocka_unit_test(what_was_taken_needs_no_property),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
