/* SPDX-License-Identifier: Apache-2.0 */
#include "compose/interpolate.h"

#include <errno.h>
#include <string.h>

#include "base/macros.h"
#include "base/mem.h"

#define MAX_NESTED 16

static const char name_first[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
static const char name_rest[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";

static size_t name_length(const char *text)
{
	return *text && strchr(name_first, *text) ? strspn(text, name_rest) : 0;
}

const char *variables_get(const struct variables *variables, const char *name)
{
	const char *value = strv_getenv(variables->env, name);

	return value || !variables->more ? value : strv_getenv(variables->more, name);
}

/* The '}' that ends what begins at @text, behind inner ${...}; NULL: there is none. */
static const char *closing_brace(const char *text)
{
	size_t open = 0;

	for (; *text; text++) {
		if (text[0] == '$' && text[1] == '$') {
			text++;
		} else if (text[0] == '$' && text[1] == '{') {
			open++;
			text++;
		} else if (*text == '}' && open-- == 0) {
			return text;
		}
	}
	return NULL;
}

static int add_result(struct str *out, const char *text, size_t len, const struct variables *v,
		      struct error *err)
{
	if (len > *v->budget)
		return err_set(err, E2BIG, "limit: variables make more than %u MiB of it",
			       INTERPOLATE_MAX >> 20);
	*v->budget -= len;
	str_add_len(out, text, len);
	return 0;
}

static int expand(const char *text, size_t len, const struct variables *v, int depth,
		  struct str *out, struct error *err);

static int add_value(const char *name, const char *value, const struct variables *v,
		     struct str *out, struct error *err)
{
	if (!value) {
		if (v->unset && !strv_has(v->unset, name))
			strv_add(v->unset, name);
		return 0;
	}
	return add_result(out, value, strlen(value), v, err);
}

static int missing(const char *name, const char *text, size_t len, const struct variables *v,
		   int depth, struct error *err)
{
	auto_str struct str message = { 0 };
	int rc = expand(text, len, v, depth, &message, err);

	if (rc < 0)
		return rc;
	if (!message.len)
		return err_set(err, EINVAL, "the variable '%s' is required, and not set", name);
	return err_set(err, EINVAL, "the variable '%s' is required: %.300s", name, message.text);
}

/* ${...}: @text is what stands in the braces. */
static int expand_braces(const char *text, size_t len, const struct variables *v, int depth,
			 struct str *out, struct error *err)
{
	size_t name_len = name_length(text);
	auto_free char *name = xstrndup(text, MIN(name_len, len));
	bool has_colon = name_len < len && text[name_len] == ':';
	const char *sign = text + name_len + has_colon;
	const char *end = text + len;
	const char *value;
	bool is_set;

	if (name_len == 0 || name_len > len || (sign < end ? !strchr("-?+", *sign) : has_colon))
		return err_set(err, EINVAL, "'${%.*s}' is no variable: see ${NAME:-default}",
			       (int)MIN(len, 60U), text);
	value = variables_get(v, name);
	is_set = value && (*value || !has_colon);
	if (sign == end)
		return add_value(name, value, v, out, err);
	if (*sign == '+')
		return is_set ? expand(sign + 1, (size_t)(end - sign - 1), v, depth, out, err) : 0;
	if (is_set)
		return add_result(out, value, strlen(value), v, err);
	if (*sign == '?')
		return missing(name, sign + 1, (size_t)(end - sign - 1), v, depth, err);
	return expand(sign + 1, (size_t)(end - sign - 1), v, depth, out, err);
}

/* What a '$' at @text begins; *ret_len is how much of the text it was. */
static int expand_dollar(const char *text, size_t len, const struct variables *v, int depth,
			 struct str *out, size_t *ret_len, struct error *err)
{
	size_t name_len = name_length(text + 1);
	auto_free char *name = NULL;
	const char *close;

	if (len > 1 && text[1] == '$') {
		*ret_len = 2;
		return add_result(out, "$", 1, v, err);
	}
	if (name_len && name_len < len) {
		name = xstrndup(text + 1, name_len);
		*ret_len = 1 + name_len;
		return add_value(name, variables_get(v, name), v, out, err);
	}
	if (len > 1 && text[1] == '{') {
		close = closing_brace(text + 2);
		if (close && close < text + len) {
			*ret_len = (size_t)(close + 1 - text);
			return expand_braces(text + 2, (size_t)(close - text - 2), v, depth + 1,
					     out, err);
		}
		if (!v->is_lenient)
			return err_set(err, EINVAL, "'%.*s' has no closing brace",
				       (int)MIN(len, 60U), text);
	}
	if (!v->is_lenient)
		return err_set(err, EINVAL,
			       "'%.*s' begins no variable: write '$$' for a dollar sign",
			       (int)MIN(len, 20U), text);
	*ret_len = 1;
	return add_result(out, "$", 1, v, err);
}

static int expand(const char *text, size_t len, const struct variables *v, int depth,
		  struct str *out, struct error *err)
{
	size_t at = 0;
	int rc = 0;

	if (depth > MAX_NESTED)
		return err_set(err, EINVAL, "limit: variables nested deeper than %d", MAX_NESTED);
	while (rc == 0 && at < len) {
		const char *dollar = memchr(text + at, '$', len - at);
		size_t plain = dollar ? (size_t)(dollar - text) - at : len - at;
		size_t used = 0;

		rc = add_result(out, text + at, plain, v, err);
		at += plain;
		if (rc == 0 && dollar)
			rc = expand_dollar(dollar, len - at, v, depth, out, &used, err);
		at += used;
	}
	return rc;
}

int interpolate(const char *text, const struct variables *variables, char **ret, struct error *err)
{
	auto_str struct str out = { 0 };
	int rc = expand(text, strlen(text), variables, 0, &out, err);

	if (rc == 0)
		*ret = str_take(&out);
	return rc;
}

static int expand_node(struct node *node, const struct variables *v, struct strv *warnings,
		       struct error *err)
{
	size_t told = v->unset->n;
	char *text = NULL;
	int rc = interpolate(node->text, v, &text, err);

	if (rc < 0)
		return node_wrap(node, err);
	free(node->text);
	node->text = text;
	node->kind = NODE_TEXT;
	for (size_t i = told; i < v->unset->n; i++)
		node_warn(node, warnings, "the variable '%s' is not set, and stands for nothing",
			  v->unset->items[i]);
	return 0;
}

static int expand_all(struct node *node, const struct variables *v, struct strv *warnings,
		      struct error *err)
{
	int rc = 0;

	if (node->text && strchr(node->text, '$'))
		return expand_node(node, v, warnings, err);
	for (size_t i = 0; rc == 0 && i < node->n; i++)
		rc = expand_all(node->items[i], v, warnings, err);
	return rc;
}

int interpolate_tree(struct node *node, const struct strv *env, struct strv *warnings,
		     struct error *err)
{
	auto_strv struct strv unset = { 0 };
	size_t budget = INTERPOLATE_MAX;
	const struct variables v = { .env = env, .unset = &unset, .budget = &budget };

	return expand_all(node, &v, warnings, err);
}
