/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Option text: "pr-manager-helper,id=helper0,path=/run/a,,b.sock".
 *
 * The grammar is QEMU's, since that is what administrators have in their
 * scripts: properties separated by commas, a doubled comma inside a value for
 * one, and a first property that may lack its name.  What QEMU lets pass and a
 * fencing set-up should not (a property given twice, an empty value) is an
 * error here, and each error names the property.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "manager/error.h"
#include "manager/options.h"

struct prm_option {
	char *name;
	char *value;
	bool taken;
	uint64_t number;
	bool boolean;
};

struct prm_options {
	size_t count;
	struct prm_option list[PRM_OPTIONS_MAX];
};

struct prm_options *prm_options_free(struct prm_options *options)
{
	size_t i;

	if (!options)
		return NULL;
	for (i = 0; i < options->count; i++) {
		free(options->list[i].name);
		free(options->list[i].value);
	}
	free(options);
	return NULL;
}

static const struct prm_option *find(const struct prm_options *options,
				     const char *name)
{
	size_t i;

	for (i = 0; i < options->count; i++) {
		if (!strcmp(options->list[i].name, name))
			return &options->list[i];
	}
	return NULL;
}

/* Where the value at @text ends: at a comma that is not doubled. */
static size_t value_span(const char *text)
{
	size_t len = 0;

	while (text[len]) {
		if (text[len] == ',') {
			if (text[len + 1] != ',')
				break;
			len++;
		}
		len++;
	}
	return len;
}

/* The value of @len bytes at @text, doubled commas made single. */
static char *unescape(const char *text, size_t len)
{
	char *value = malloc(len + 1);
	size_t from, to = 0;

	if (!value)
		return NULL;
	for (from = 0; from < len; from++) {
		value[to++] = text[from];
		if (text[from] == ',')
			from++;
	}
	value[to] = '\0';
	return value;
}

/* Append NAME=VALUE, both of which this owns from now on. */
static int append(struct prm_options *options, char *name, char *value,
		  char **ret_error)
{
	struct prm_option *option;

	if (!name || !value || options->count == PRM_OPTIONS_MAX) {
		free(name);
		free(value);
		return options->count == PRM_OPTIONS_MAX
			       ? prm_fail(ret_error, -EINVAL,
					  "more than %d properties",
					  PRM_OPTIONS_MAX)
			       : -ENOMEM;
	}
	option = &options->list[options->count++];
	option->name = name;
	option->value = value;
	return 0;
}

static int check_last(const struct prm_options *options, char **ret_error)
{
	const struct prm_option *last = &options->list[options->count - 1];

	if (find(options, last->name) != last)
		return prm_fail(ret_error, -EINVAL,
				"property '%s' is given more than once",
				last->name);
	if (!last->value[0])
		return prm_fail(ret_error, -EINVAL,
				"property '%s' has an empty value", last->name);
	return 0;
}

/* One property of the text at *@at, which is moved behind it. */
static int parse_one(struct prm_options *options, const char **at,
		     const char *implied, char **ret_error)
{
	const char *text = *at;
	size_t name_len = strcspn(text, "=,");
	bool is_named = text[name_len] == '=';
	char *name;
	size_t len;
	int r;

	if (!is_named && !implied)
		return prm_fail(ret_error, -EINVAL, "expected '=' after '%.*s'",
				(int)name_len, text);
	if (is_named && !name_len)
		return prm_fail(ret_error, -EINVAL, "no name before '%s'",
				text);
	if (is_named) {
		name = strndup(text, name_len);
		text += name_len + 1;
	} else {
		name = strdup(implied);
	}
	len = value_span(text);
	r = append(options, name, unescape(text, len), ret_error);
	if (r < 0)
		return r;
	*at = text + len;
	return check_last(options, ret_error);
}

int prm_options_parse(const char *text, const char *implied,
		      struct prm_options **ret_options, char **ret_error)
{
	CLEANUP(prm_options_freep) struct prm_options *options = NULL;
	int r;

	options = calloc(1, sizeof(*options));
	if (!options)
		return -ENOMEM;
	for (;;) {
		r = parse_one(options, &text, options->count ? NULL : implied,
			      ret_error);
		if (r < 0)
			return r;
		if (!*text)
			break;
		text++;
	}
	*ret_options = steal_ptr(&options);
	return 0;
}

const char *prm_options_take(struct prm_options *options, const char *name)
{
	struct prm_option *option = (struct prm_option *)find(options, name);

	if (!option)
		return NULL;
	option->taken = true;
	return option->value;
}

/* Digits only: strtoull(3) by itself takes signs, blanks and hex. */
static bool parse_number(const char *value, uint64_t *ret_number)
{
	char *end;

	if (strspn(value, "0123456789") != strlen(value))
		return false;
	errno = 0;
	*ret_number = strtoull(value, &end, 10);
	return !errno && !*end;
}

static bool parse_bool(const char *value, bool *ret_boolean)
{
	static const char *const words[][2] = {
		{ "off", "on" },
		{ "no", "yes" },
		{ "false", "true" },
	};
	size_t i, j;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		for (j = 0; j < 2; j++) {
			if (!strcmp(value, words[i][j])) {
				*ret_boolean = j;
				return true;
			}
		}
	}
	return false;
}

static int check_number(struct prm_option *option,
			const struct prm_property *property, char **ret_error)
{
	if (!parse_number(option->value, &option->number))
		return prm_fail(ret_error, -EINVAL,
				"property '%s': '%s' is not a number",
				option->name, option->value);
	if (option->number < property->min || option->number > property->max)
		return prm_fail(ret_error, -EINVAL,
				"property '%s': %s is out of range (%" PRIu64
				" to %" PRIu64 ")",
				option->name, option->value, property->min,
				property->max);
	return 0;
}

static int check_value(struct prm_option *option,
		       const struct prm_property *property, char **ret_error)
{
	switch (property->type) {
	case PRM_PROPERTY_STRING: return 0;
	case PRM_PROPERTY_NUMBER:
		return check_number(option, property, ret_error);
	case PRM_PROPERTY_BOOL:
		if (parse_bool(option->value, &option->boolean))
			return 0;
		return prm_fail(ret_error, -EINVAL,
				"property '%s': '%s' is neither 'on' nor 'off'",
				option->name, option->value);
	default:
		return prm_fail(ret_error, -EINVAL,
				"property '%s' is of an unknown type",
				option->name);
	}
}

static int check_option(struct prm_option *option, const char *owner,
			const struct prm_property *properties, size_t count,
			char **ret_error)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (!strcmp(option->name, properties[i].name))
			return check_value(option, &properties[i], ret_error);
	}
	return prm_fail(ret_error, -EINVAL, "%s has no property '%s'", owner,
			option->name);
}

int prm_options_check(struct prm_options *options, const char *owner,
		      const struct prm_property *properties, size_t count,
		      char **ret_error)
{
	size_t i;
	int r;

	for (i = 0; i < options->count; i++) {
		if (options->list[i].taken)
			continue;
		r = check_option(&options->list[i], owner, properties, count,
				 ret_error);
		if (r < 0)
			return r;
	}
	for (i = 0; i < count; i++) {
		if (properties[i].required &&
		    !find(options, properties[i].name))
			return prm_fail(ret_error, -EINVAL,
					"%s needs the property '%s'", owner,
					properties[i].name);
	}
	return 0;
}

const char *prm_options_string(const struct prm_options *options,
			       const char *name, const char *fallback)
{
	const struct prm_option *option = find(options, name);

	return option ? option->value : fallback;
}

uint64_t prm_options_number(const struct prm_options *options, const char *name,
			    uint64_t fallback)
{
	const struct prm_option *option = find(options, name);

	return option ? option->number : fallback;
}

bool prm_options_bool(const struct prm_options *options, const char *name,
		      bool fallback)
{
	const struct prm_option *option = find(options, name);

	return option ? option->boolean : fallback;
}
