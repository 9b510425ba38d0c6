/* SPDX-License-Identifier: Apache-2.0 */
#include "image/config_change.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/macros.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/path.h"
#include "base/str.h"

#define BLANKS " \t\r\n"

struct changing {
	json_t *config;
	bool has_cmd; /* a change has set it */
};

/* ---- words ------------------------------------------------------------------------------------ */

/* The value of a variable of the image; "" if it has none of that name. */
static const char *variable(const json_t *config, const char *name, size_t len)
{
	const json_t *env = json_object_get(config, "Env");

	for (size_t i = json_array_size(env); i-- > 0;) {
		const char *text = json_string_value(json_array_get(env, i));

		if (text && strncmp(text, name, len) == 0 && text[len] == '=')
			return text + len + 1;
	}
	return "";
}

static size_t name_length(const char *text)
{
	size_t n = 0;

	if (isdigit((unsigned char)*text))
		return 0;
	while (isalnum((unsigned char)text[n]) || text[n] == '_')
		n++;
	return n;
}

/* *at is behind the '$'. */
static int expand(const json_t *config, const char **at, struct str *ret, struct error *err)
{
	bool is_braced = **at == '{';
	const char *name = *at + is_braced;
	size_t len = name_length(name);

	if (len == 0 && !is_braced) {
		str_add(ret, "$");
		return 0;
	}
	if (len == 0 || (is_braced && name[len] != '}'))
		return err_set(err, EINVAL, "only ${NAME} is known of what begins with '${'");
	str_add(ret, variable(config, name, len));
	*at = name + len + is_braced;
	return 0;
}

/*
 * The next word, without its quotes; 1, or 0 at the end.  @config NULL: no variables.  @stop: a letter
 * that ends a word, too, outside of quotes; it stays where it is.
 */
static int next_word(const json_t *config, const char **at, char stop, struct str *ret,
		     struct error *err)
{
	const char *c = *at + strspn(*at, BLANKS);
	char quote = '\0';
	int rc = 0;

	str_clear(ret);
	if (!*c)
		return 0;
	while (rc == 0 && *c && (quote || (!strchr(BLANKS, *c) && *c != stop))) {
		if (*c == quote) {
			quote = '\0';
			c++;
		} else if (!quote && (*c == '"' || *c == '\'')) {
			quote = *c++;
		} else if (*c == '\\' && quote != '\'' && c[1]) {
			str_add_len(ret, c + 1, 1);
			c += 2;
		} else if (*c == '$' && quote != '\'' && config) {
			c++;
			rc = expand(config, &c, ret, err);
		} else {
			str_add_len(ret, c++, 1);
		}
	}
	*at = c;
	if (rc == 0 && quote)
		return err_set(err, EINVAL, "a %c without its other end", quote);
	return rc < 0 ? rc : 1;
}

static int words(const json_t *config, const char *text, struct strv *ret, struct error *err)
{
	auto_str struct str word = { 0 };
	int rc;

	while ((rc = next_word(config, &text, '\0', &word, err)) > 0)
		strv_add(ret, word.text ? word.text : "");
	return rc;
}

/* ["a", "b"], or NULL if that is none. */
static json_t *list_form(const char *text)
{
	json_t *list = *text == '[' ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;

	for (size_t i = 0; i < json_array_size(list); i++) {
		if (!json_is_string(json_array_get(list, i))) {
			json_unref(&list);
			return NULL;
		}
	}
	return list;
}

/* ---- members ---------------------------------------------------------------------------------- */

/* The object or array of that name, which is made if there is none. */
static json_t *member(json_t *config, const char *key, json_t *(*make)(void), int type)
{
	json_t *value = json_object_get(config, key);

	if (!value || (int)json_typeof(value) != type) {
		value = make();
		json_put(config, key, value);
	}
	return value;
}

static json_t *object_of(json_t *config, const char *key)
{
	return member(config, key, json_object_new, JSON_OBJECT);
}

/* A list of words, or a line for the shell. */
static int put_command(json_t *config, const char *key, const char *text)
{
	json_t *list = list_form(text);

	if (!list) {
		list = json_array_new();
		json_add(list, json_text("/bin/sh"));
		json_add(list, json_text("-c"));
		json_add(list, json_text(text));
	}
	json_put(config, key, list);
	return 0;
}

static int change_cmd(struct changing *c, const char *text, struct error *err)
{
	(void)err;
	c->has_cmd = true;
	return put_command(c->config, "Cmd", text);
}

/* The command that was there belongs to the entry point that was there. */
static int change_entrypoint(struct changing *c, const char *text, struct error *err)
{
	(void)err;
	if (!c->has_cmd)
		(void)json_object_del(c->config, "Cmd");
	return put_command(c->config, "Entrypoint", text);
}

/* ---- NAME=VALUE ------------------------------------------------------------------------------- */

typedef void put_pair(json_t *config, const char *name, const char *value);

static void put_env(json_t *config, const char *name, const char *value)
{
	json_t *env = member(config, "Env", json_array_new, JSON_ARRAY);
	auto_free char *text = xasprintf("%s=%s", name, value);
	size_t len = strlen(name) + 1;

	for (size_t i = 0; i < json_array_size(env); i++) {
		const char *old = json_string_value(json_array_get(env, i));

		if (old && strncmp(old, text, len) == 0) {
			(void)json_array_set_new(env, i, json_text(text));
			return;
		}
	}
	json_add(env, json_text(text));
}

static void put_label(json_t *config, const char *name, const char *value)
{
	json_put_string(object_of(config, "Labels"), name, value);
}

/* The old form: NAME and, behind a blank, the rest of the line. */
static int change_single(struct changing *c, const char *text, put_pair *put, struct error *err)
{
	size_t len = strcspn(text, BLANKS);
	auto_free char *name = xstrndup(text, len);
	const char *rest = text + len + strspn(text + len, BLANKS);
	auto_str struct str value = { 0 };
	auto_str struct str word = { 0 };
	int rc;

	if (!*rest)
		return err_set(err, EINVAL, "'%s' is not NAME=VALUE", name);
	while ((rc = next_word(c->config, &rest, '\0', &word, err)) > 0)
		str_addf(&value, "%s%s", value.len ? " " : "", word.text ? word.text : "");
	if (rc == 0)
		put(c->config, name, value.text ? value.text : "");
	return rc;
}

static int change_pairs(struct changing *c, const char *text, put_pair *put, struct error *err)
{
	auto_json json_t *before = json_deep_copy(c->config);
	auto_str struct str name = { 0 };
	auto_str struct str value = { 0 };
	int rc;

	if (!memchr(text, '=', strcspn(text, BLANKS)))
		return change_single(c, text, put, err);
	/* Variables are those from before the line. */
	while ((rc = next_word(before, &text, '=', &name, err)) > 0) {
		if (*text != '=' || !name.len)
			return err_set(err, EINVAL, "'%s' is not NAME=VALUE",
				       name.text ? name.text : "");
		text++;
		str_clear(&value);
		if (*text && !strchr(BLANKS, *text))
			rc = next_word(before, &text, '\0', &value, err);
		if (rc < 0)
			return rc;
		put(c->config, name.text, value.text ? value.text : "");
	}
	return rc;
}

static int change_env(struct changing *c, const char *text, struct error *err)
{
	return change_pairs(c, text, put_env, err);
}

static int change_label(struct changing *c, const char *text, struct error *err)
{
	return change_pairs(c, text, put_label, err);
}

/* ---- ports and paths -------------------------------------------------------------------------- */

/* "80", "80/udp", "8000-8010/tcp" */
static int expose(json_t *config, const char *word, struct error *err)
{
	size_t len = strcspn(word, "/");
	auto_free char *range = xstrndup(word, len);
	char *dash = strchr(range, '-');
	const char *protocol = word[len] ? word + len + 1 : "tcp";
	uint64_t first, last;
	int rc;

	if (dash)
		*dash = '\0';
	rc = parse_uint64(range, UINT16_MAX, &first, err);
	last = first;
	if (rc == 0 && dash)
		rc = parse_uint64(dash + 1, UINT16_MAX, &last, err);
	if (rc < 0 || first == 0 || last < first ||
	    (strcmp(protocol, "tcp") != 0 && strcmp(protocol, "udp") != 0 &&
	     strcmp(protocol, "sctp") != 0))
		return err_set(err, EINVAL, "'%s' is no port, like 80, 53/udp or 8000-8010", word);
	for (; first <= last; first++) {
		char key[32];

		(void)snprintf(key, sizeof(key), "%u/%s", (unsigned int)first, protocol);
		json_put(object_of(config, "ExposedPorts"), key, json_object_new());
	}
	return 0;
}

static int change_expose(struct changing *c, const char *text, struct error *err)
{
	auto_strv struct strv list = { 0 };
	int rc = words(c->config, text, &list, err);

	for (size_t i = 0; rc == 0 && i < list.n; i++)
		rc = expose(c->config, list.items[i], err);
	return rc;
}

static int change_volume(struct changing *c, const char *text, struct error *err)
{
	auto_json json_t *form = list_form(text);
	auto_strv struct strv list = { 0 };
	int rc = 0;

	for (size_t i = 0; i < json_array_size(form); i++)
		strv_add(&list, json_string_value(json_array_get(form, i)));
	if (!form)
		rc = words(c->config, text, &list, err);
	for (size_t i = 0; rc == 0 && i < list.n; i++) {
		if (list.items[i][0] != '/')
			return err_set(err, EINVAL, "volume '%s' is no absolute path",
				       list.items[i]);
		json_put(object_of(c->config, "Volumes"), list.items[i], json_object_new());
	}
	return rc;
}

/* ---- single words ----------------------------------------------------------------------------- */

static int one_word(const struct changing *c, const char *text, struct str *ret, struct error *err)
{
	auto_strv struct strv list = { 0 };
	int rc = words(c->config, text, &list, err);

	if (rc == 0 && (list.n != 1 || !*list.items[0]))
		return err_set(err, EINVAL, "it takes one word");
	if (rc == 0)
		str_add(ret, list.items[0]);
	return rc;
}

static int change_user(struct changing *c, const char *text, struct error *err)
{
	auto_str struct str word = { 0 };
	int rc = one_word(c, text, &word, err);

	if (rc == 0)
		json_put_string(c->config, "User", word.text);
	return rc;
}

static int change_workdir(struct changing *c, const char *text, struct error *err)
{
	const char *before = json_string_value(json_object_get(c->config, "WorkingDir"));
	auto_str struct str word = { 0 };
	auto_free char *path = NULL;
	auto_free char *cleaned = NULL;
	int rc = one_word(c, text, &word, err);

	if (rc < 0)
		return rc;
	path = path_join(before && *before ? before : "/", word.text);
	cleaned = path_clean(path);
	json_put_string(c->config, "WorkingDir", cleaned);
	return 0;
}

static int change_stop_signal(struct changing *c, const char *text, struct error *err)
{
	auto_str struct str word = { 0 };
	int rc = one_word(c, text, &word, err), signal;

	if (rc == 0)
		rc = parse_signal(word.text, &signal, err);
	if (rc == 0)
		json_put_string(c->config, "StopSignal", word.text);
	return rc;
}

/* ---- health ----------------------------------------------------------------------------------- */

static const struct {
	const char *option, *key;
	bool is_count;
} health_options[] = {
	{ "--interval=", "Interval", false },
	{ "--timeout=", "Timeout", false },
	{ "--start-period=", "StartPeriod", false },
	{ "--start-interval=", "StartInterval", false },
	{ "--retries=", "Retries", true },
};

static int put_health_option(json_t *check, const char *word, struct error *err)
{
	for (size_t i = 0; i < ARRAY_LEN(health_options); i++) {
		const char *text = word + strlen(health_options[i].option);
		uint64_t count = 0;
		int64_t ns = 0;
		int rc;

		if (!str_starts(word, health_options[i].option))
			continue;
		rc = health_options[i].is_count ? parse_uint64(text, INT_MAX, &count, err)
						: parse_duration(text, &ns, err);
		if (rc == 0)
			json_put_int(check, health_options[i].key,
				     health_options[i].is_count ? (int64_t)count : ns);
		return rc;
	}
	return err_set(err, EINVAL, "unknown option '%s'", word);
}

/* Behind CMD: a list of words, or a line for the shell. */
static json_t *health_test(const char *text)
{
	auto_json json_t *form = list_form(text);
	json_t *test = json_array_new();

	json_add(test, json_text(form ? "CMD" : "CMD-SHELL"));
	if (form)
		(void)json_array_extend(test, form);
	else
		json_add(test, json_text(text));
	return test;
}

static int change_health(struct changing *c, const char *text, struct error *err)
{
	json_t *check = json_object_new();
	int rc = 0;

	json_put(c->config, "Healthcheck", check);
	while (rc == 0 && str_starts(text, "--")) {
		auto_free char *word = xstrndup(text, strcspn(text, BLANKS));

		rc = put_health_option(check, word, err);
		text += strlen(word);
		text += strspn(text, BLANKS);
	}
	if (rc < 0)
		return rc;
	if (strcasecmp(text, "NONE") == 0) {
		json_t *none = json_array_new();

		json_add(none, json_text("NONE"));
		json_put(check, "Test", none);
		return 0;
	}
	if (strncasecmp(text, "CMD", 3) != 0 || !text[3] || !strchr(BLANKS, text[3]))
		return err_set(err, EINVAL, "it takes CMD and a command, or NONE");
	json_put(check, "Test", health_test(text + 3 + strspn(text + 3, BLANKS)));
	return 0;
}

/* ---- all -------------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	int (*change)(struct changing *c, const char *text, struct error *err);
} instructions[] = {
	{ "CMD", change_cmd },
	{ "ENTRYPOINT", change_entrypoint },
	{ "ENV", change_env },
	{ "EXPOSE", change_expose },
	{ "HEALTHCHECK", change_health },
	{ "LABEL", change_label },
	{ "STOPSIGNAL", change_stop_signal },
	{ "USER", change_user },
	{ "VOLUME", change_volume },
	{ "WORKDIR", change_workdir },
};

static int change_one(struct changing *c, const char *line, struct error *err)
{
	size_t len = strcspn(line += strspn(line, BLANKS), BLANKS);
	size_t rest_len = strlen(line + len + strspn(line + len, BLANKS));
	auto_free char *rest = xstrdup(line + len + strspn(line + len, BLANKS));

	while (rest_len && strchr(BLANKS, rest[rest_len - 1]))
		rest[--rest_len] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(instructions); i++) {
		if (strlen(instructions[i].name) != len ||
		    strncasecmp(instructions[i].name, line, len) != 0)
			continue;
		if (!*rest)
			return err_set(err, EINVAL, "nothing is behind it");
		return instructions[i].change(c, rest, err);
	}
	return err_set(err, EINVAL,
		       "CMD, ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, LABEL, STOPSIGNAL, USER, VOLUME "
		       "and WORKDIR are known");
}

int config_change_all(json_t *config, const struct strv *changes, struct error *err)
{
	struct changing c = { .config = config };

	for (size_t i = 0; i < changes->n; i++) {
		auto_free char *shown = str_escape(changes->items[i]);
		int rc = change_one(&c, changes->items[i], err);

		if (rc < 0)
			return err_wrap(err, "change '%.200s'", shown);
	}
	return 0;
}
