/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/macros.h"
#include "base/mem.h"
#include "base/parse.h"
#include "compose/shape_internal.h"
#include "engine/health.h"

/* A list of names, or a map whose values have what was not said. */
int shape_depends_on(struct shaper *s, struct node **node, struct error *err)
{
	(void)s;
	if ((*node)->kind == NODE_LIST) {
		auto_node struct node *map = node_new(NODE_MAP, NULL, *node);

		for (size_t i = 0; i < (*node)->n; i++) {
			const struct node *item = (*node)->items[i];
			struct node *member;

			if (!node_is_scalar(item) || item->kind == NODE_NULL)
				return node_wrong(item, "the name of a service", err);
			if (node_get(map, item->text))
				return node_error(item, err, "'%.100s' stands twice", item->text);
			member = node_new(NODE_MAP, NULL, item);
			node_set_text(member, "condition", "service_started");
			node_set(map, item->text, member);
		}
		node_replace(*node, map);
		*node = take_ptr(map);
	}
	for (size_t i = 0; i < (*node)->n && (*node)->kind == NODE_MAP; i++) {
		struct node *member = (*node)->items[i];

		if (member->kind == NODE_MAP && !node_get(member, "required"))
			node_set(member, "required", node_new(NODE_BOOL, "true", member));
	}
	return 0;
}

/* Text is for a shell. */
int shape_health_test(struct shaper *s, struct node **node, struct error *err)
{
	struct node *list;

	(void)s;
	(void)err;
	if (!node_is_scalar(*node))
		return 0;
	list = node_new(NODE_LIST, NULL, *node);
	node_add(list, node_new(NODE_TEXT, "CMD-SHELL", *node));
	node_add(list, node_new(NODE_TEXT, (*node)->text, *node));
	node_replace(*node, list);
	*node = list;
	return 0;
}

int check_health_test(struct shaper *s, struct node **node, struct error *err)
{
	struct health_test test = { 0 };
	auto_strv struct strv words = { 0 };
	int rc;

	(void)s;
	for (size_t i = 0; i < (*node)->n; i++)
		strv_add(&words, (*node)->items[i]->text);
	rc = health_test_parse(&words, &test, err);
	health_test_fini(&test);
	return rc < 0 ? node_wrap(*node, err) : 0;
}

static int add_host(struct node *list, const struct node *like, const char *line, struct error *err)
{
	char *host = NULL;

	if (parse_host_line(line, &host, err) < 0)
		return node_wrap(like, err);
	node_add(list, node_new(NODE_TEXT, host, like));
	free(host);
	return 0;
}

static int add_addresses(struct node *list, const struct node *member, struct error *err)
{
	int rc = 0;

	for (size_t i = 0; i < (member->kind == NODE_LIST ? member->n : 1) && rc == 0; i++) {
		const struct node *item = member->kind == NODE_LIST ? member->items[i] : member;
		auto_free char *line = NULL;

		if (!node_is_scalar(item) || item->kind == NODE_NULL)
			return node_wrong(item, "an address", err);
		line = xasprintf("%s=%s", member->key, item->text);
		rc = add_host(list, item, line, err);
	}
	return rc;
}

/* A map of names to addresses becomes a list of NAME:ADDRESS. */
int shape_extra_hosts(struct shaper *s, struct node **node, struct error *err)
{
	auto_node struct node *list = node_new(NODE_LIST, NULL, *node);
	int rc = 0;

	(void)s;
	if (node_is_scalar(*node))
		return node_wrong(*node, "a map, or a list of NAME:ADDRESS", err);
	for (size_t i = 0; rc == 0 && i < (*node)->n; i++) {
		const struct node *item = (*node)->items[i];

		if ((*node)->kind == NODE_MAP)
			rc = add_addresses(list, item, err);
		else if (node_is_scalar(item) && item->kind != NODE_NULL)
			rc = add_host(list, item, item->text, err);
		else
			rc = node_wrong(item, "NAME:ADDRESS", err);
	}
	if (rc < 0)
		return rc;
	node_replace(*node, list);
	*node = take_ptr(list);
	return 0;
}

static int ulimit_text(const struct node *node, const char **ret, struct error *err)
{
	if (!node || !node_is_scalar(node) || node->kind == NODE_NULL)
		return node ? node_wrong(node, "a number", err) : 0;
	*ret = node->text;
	return 0;
}

/* nofile: 1024, or {soft: 1024, hard: 2048}; both become the latter. */
int shape_ulimits(struct shaper *s, struct node **node, struct error *err)
{
	(void)s;
	if ((*node)->kind != NODE_MAP)
		return node_wrong(*node, "a map", err);
	for (size_t i = 0; i < (*node)->n; i++) {
		struct node *item = (*node)->items[i];
		bool is_map = item->kind == NODE_MAP;
		struct rlimit_text limit;
		const char *soft = NULL;
		const char *hard = NULL;
		auto_free char *text = NULL;
		auto_free char *number = NULL;

		if (item->mark == NODE_RESETS)
			continue;
		if (ulimit_text(is_map ? node_get(item, "soft") : item, &soft, err) < 0 ||
		    ulimit_text(is_map ? node_get(item, "hard") : item, &hard, err) < 0)
			return -EINVAL;
		if (!soft || !hard || (is_map && item->n != 2))
			return node_error(item, err, "'soft' and 'hard' are needed, and no more");
		text = xasprintf("%s=%s:%s", item->key, soft, hard);
		if (parse_ulimit(text, &limit, err) < 0)
			return node_wrap(item, err);
		if (is_map)
			continue;
		number = xstrdup(item->text);
		item = shape_new_map(&item);
		node_set_text(item, "soft", number);
		node_set_text(item, "hard", number);
	}
	return 0;
}

int shape_extends(struct shaper *s, struct node **node, struct error *err)
{
	auto_free char *name = NULL;

	(void)s;
	(void)err;
	if (!node_is_scalar(*node))
		return 0;
	name = xstrdup((*node)->text);
	node_set_text(shape_new_map(node), "service", name);
	return 0;
}

int shape_build(struct shaper *s, struct node **node, struct error *err)
{
	auto_free char *context = NULL;

	(void)s;
	(void)err;
	if (!node_is_scalar(*node))
		return 0;
	context = xstrdup((*node)->text);
	node_set_text(shape_new_map(node), "context", context);
	return 0;
}

/* external: true, or the old {name: x}, which says both. */
int shape_external(struct shaper *s, struct node **node, struct error *err)
{
	const char *name = node_get_text(*node, "name");
	struct node *up = (*node)->up;

	(void)s;
	(void)err;
	if ((*node)->kind != NODE_MAP || !name)
		return 0;
	if (!node_get(up, "name"))
		node_set_text(up, "name", name);
	*node = node_get(up, "external");
	node_replace(*node, node_new(NODE_BOOL, "true", *node));
	*node = node_get(up, "external");
	return 0;
}

/* "no" is false to older YAML, and people know that it is. */
int shape_restart(struct shaper *s, struct node **node, struct error *err)
{
	static const char *const words[] = { "no", "always", "unless-stopped", "on-failure" };
	auto_strv struct strv parts = { 0 };
	uint64_t count = 0;

	(void)s;
	if ((*node)->kind == NODE_BOOL && (*node)->text[0] == 'f') {
		(*node)->kind = NODE_TEXT;
		free((*node)->text);
		(*node)->text = xstrdup("no");
	}
	if (!node_is_scalar(*node) || (*node)->kind == NODE_BOOL)
		return node_wrong(*node, "text", err);
	strv_split(&parts, (*node)->text, ':');
	if (parts.n == 2 && strcmp(parts.items[0], "on-failure") == 0)
		return parse_uint64(parts.items[1], INT32_MAX, &count, err) < 0
			       ? node_wrap(*node, err)
			       : 0;
	for (size_t i = 0; parts.n == 1 && i < ARRAY_LEN(words); i++) {
		if (strcmp((*node)->text, words[i]) == 0)
			return 0;
	}
	return node_error(*node, err,
			  "'%.60s' is none of no, always, unless-stopped, on-failure[:N]",
			  (*node)->text);
}

/* ---- checks of texts ------------------------------------------------------------------------- */

int check_hostname(struct shaper *s, struct node **node, struct error *err)
{
	(void)s;
	return parse_hostname((*node)->text, err) < 0 ? node_wrap(*node, err) : 0;
}

int check_name_text(struct shaper *s, struct node **node, struct error *err)
{
	(void)s;
	if (is_valid_name((*node)->text))
		return 0;
	return node_error(*node, err,
			  "'%.100s' is no name: a letter or digit, then up to 127 of those and "
			  "_.+-",
			  (*node)->text);
}

int check_capabilities(struct shaper *s, struct node **node, struct error *err)
{
	(void)s;
	for (size_t i = 0; i < (*node)->n; i++) {
		struct node *item = (*node)->items[i];
		char *name = NULL;

		if (parse_capability(item->text, &name, err) < 0)
			return node_wrap(item, err);
		free(name);
	}
	return 0;
}

int check_address(struct shaper *s, struct node **node, struct error *err)
{
	(void)s;
	if (is_address((*node)->text))
		return 0;
	return node_error(*node, err, "'%.60s' is no address", (*node)->text);
}

int check_addresses(struct shaper *s, struct node **node, struct error *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < (*node)->n; i++) {
		struct node *item = (*node)->items[i];

		rc = check_address(s, &item, err);
	}
	return rc;
}

int check_subnet(struct shaper *s, struct node **node, struct error *err)
{
	const char *slash = strchrnul((*node)->text, '/');
	auto_free char *address = xstrndup((*node)->text, (size_t)(slash - (*node)->text));
	uint64_t bits = 0;

	(void)s;
	if (!*slash || !is_address(address) ||
	    parse_uint64(slash + 1, strchr(address, ':') ? 128 : 32, &bits, err) < 0)
		return node_error(*node, err, "'%.60s' is no subnet like 10.1.2.0/24",
				  (*node)->text);
	return 0;
}

int check_signal(struct shaper *s, struct node **node, struct error *err)
{
	int number;

	(void)s;
	return parse_signal((*node)->text, &number, err) < 0 ? node_wrap(*node, err) : 0;
}

int check_absolute(struct shaper *s, struct node **node, struct error *err)
{
	(void)s;
	if ((*node)->text[0] == '/')
		return 0;
	return node_error(*node, err, "'%.200s' is not an absolute path", (*node)->text);
}

int check_cpu_list(struct shaper *s, struct node **node, struct error *err)
{
	(void)s;
	return parse_cpu_list((*node)->text, err) < 0 ? node_wrap(*node, err) : 0;
}

/* docker separates by '=', and by ':' of old. */
int check_security(struct shaper *s, struct node **node, struct error *err)
{
	static const char *const names[] = { "no-new-privileges", "seccomp", "apparmor", "label" };

	(void)s;
	for (size_t i = 0; i < (*node)->n; i++) {
		const struct node *item = (*node)->items[i];
		size_t len = strcspn(item->text, "=:");
		bool is_known = false;

		for (size_t j = 0; j < ARRAY_LEN(names); j++)
			is_known |=
				strlen(names[j]) == len && strncmp(item->text, names[j], len) == 0;
		if (!is_known)
			return node_error(item, err,
					  "'%.60s' is none of no-new-privileges, seccomp=FILE, "
					  "seccomp=unconfined",
					  item->text);
	}
	return 0;
}

int check_no_nulls(struct shaper *s, struct node **node, struct error *err)
{
	(void)s;
	for (size_t i = 0; i < (*node)->n; i++) {
		if ((*node)->items[i]->kind == NODE_NULL)
			return node_error((*node)->items[i], err, "has no value");
	}
	return 0;
}

int check_network_mode(struct shaper *s, struct node **node, struct error *err)
{
	const char *text = (*node)->text;
	const char *name = str_starts(text, "service:")     ? text + strlen("service:")
			   : str_starts(text, "container:") ? text + strlen("container:")
							    : text;

	(void)s;
	if (is_valid_name(name))
		return 0;
	return node_error(*node, err,
			  "'%.60s' is none of bridge, host, none, service:NAME, container:NAME",
			  text);
}
