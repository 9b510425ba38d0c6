/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/parse.h"
#include "engine/health.h"

#define HTTP_PORT 80

void health_test_fini(struct health_test *test)
{
	strv_fini(&test->args);
	free(test->target.authority);
	free(test->target.path);
	*test = (struct health_test){ 0 };
}

/* ---- targets ---------------------------------------------------------------------------------- */

static bool parse_port_number(const char *text, uint16_t *ret)
{
	struct error ignored;
	uint64_t port;

	if (parse_uint64(text, 65535, &port, &ignored) < 0 || port == 0)
		return false;
	*ret = (uint16_t)port;
	return true;
}

static bool set_address(const char *host, uint16_t port, struct health_target *ret)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)&ret->address;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&ret->address;

	if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		ret->address_len = sizeof(*v4);
		return true;
	}
	if (inet_pton(AF_INET6, host, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(port);
		ret->address_len = sizeof(*v6);
		return true;
	}
	return false;
}

/*
 * "HOST", "HOST:PORT", ":PORT", "PORT", "[::1]:PORT" -> address.  @default_port 0: it has to be
 * given.
 */
static int parse_authority(const char *kind, const char *text, uint16_t default_port,
			   struct health_target *ret, struct error *err)
{
	auto_free char *copy = xstrdup(text);
	char *host = copy;
	char *port_text = NULL;
	uint16_t port = default_port;

	if (*host == '[') {
		char *end = strchr(++host, ']');

		if (!end || (end[1] && end[1] != ':'))
			return err_set(err, EINVAL, "healthcheck: %s: '%s' is no address", kind,
				       text);
		*end = '\0';
		port_text = end[1] ? end + 2 : NULL;
	} else if ((port_text = strchr(host, ':'))) {
		*port_text++ = '\0';
	} else if (*host && host[strspn(host, "0123456789")] == '\0') {
		port_text = host;
		host = NULL;
	}
	if (port_text ? !parse_port_number(port_text, &port) : port == 0)
		return err_set(err, EINVAL, "healthcheck: %s: '%s' has no port from 1 to 65535",
			       kind, text);
	if (!host || !*host || strcmp(host, "localhost") == 0) {
		ret->authority = xasprintf("localhost:%u", port);
		host = NULL;
	} else {
		ret->authority = xstrdup(text);
	}
	if (!set_address(host ? host : "127.0.0.1", port, ret))
		return err_set(err, EINVAL,
			       "healthcheck: %s: '%s' is no literal address, nor localhost", kind,
			       host);
	return 0;
}

/* What goes into a request as it stands: printable, no blanks. */
static bool is_path(const char *text)
{
	for (; *text; text++) {
		if (*text <= ' ' || *text > '~')
			return false;
	}
	return true;
}

static int parse_http(const char *text, struct health_target *ret, struct error *err)
{
	const char *begin = text;
	auto_free char *authority = NULL;
	size_t len;

	if (str_starts(begin, "https:"))
		return err_set(err, EINVAL, "healthcheck: HTTP: '%s': https is not supported",
			       text);
	if (str_starts(begin, "http://"))
		begin += strlen("http://");
	len = strcspn(begin, "/?#");
	authority = xstrndup(begin, len);
	begin += len;
	len = strcspn(begin, "#");
	ret->path = xasprintf("%s%.*s", *begin == '/' ? "" : "/", (int)len, begin);
	if (!is_path(ret->path) || !is_path(authority) || strchr(authority, '@'))
		return err_set(err, EINVAL, "healthcheck: HTTP: '%s' is no URL", text);
	return parse_authority("HTTP", authority, HTTP_PORT, ret, err);
}

/* ---- the list --------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	enum health_kind kind;
	size_t min_args, max_args; /* behind the name */
} kinds[] = {
	{ "NONE", HEALTH_TEST_NONE, 0, SIZE_MAX },
	{ "CMD", HEALTH_TEST_CMD, 1, SIZE_MAX },
	{ "CMD-SHELL", HEALTH_TEST_SHELL, 1, SIZE_MAX },
	{ "HTTP", HEALTH_TEST_HTTP, 1, 1 },
	{ "TCP", HEALTH_TEST_TCP, 1, 1 },
};

static int find_kind(const struct strv *list, struct health_test *ret, struct error *err)
{
	size_t n = list->n - 1;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (strcmp(kinds[i].name, list->items[0]) != 0)
			continue;
		if (n < kinds[i].min_args)
			return err_set(err, EINVAL, "healthcheck: %s: nothing behind it",
				       kinds[i].name);
		if (n > kinds[i].max_args)
			return err_set(err, EINVAL, "healthcheck: %s: more than one target",
				       kinds[i].name);
		ret->kind = kinds[i].kind;
		return 0;
	}
	return err_set(err, EINVAL,
		       "healthcheck: unknown kind '%s': NONE, CMD, CMD-SHELL, HTTP and TCP are "
		       "known",
		       list->items[0]);
}

int health_test_parse(const struct strv *list, struct health_test *ret, struct error *err)
{
	struct health_test test = { 0 };
	int rc = list->n ? find_kind(list, &test, err) : 0;

	if (rc == 0 && (test.kind == HEALTH_TEST_CMD || test.kind == HEALTH_TEST_SHELL)) {
		for (size_t i = 1; i < list->n; i++)
			strv_add(&test.args, list->items[i]);
	}
	if (rc == 0 && test.kind == HEALTH_TEST_CMD && !*test.args.items[0])
		rc = err_set(err, EINVAL, "healthcheck: CMD: the program's name is empty");
	if (rc == 0 && test.kind == HEALTH_TEST_HTTP)
		rc = parse_http(list->items[1], &test.target, err);
	if (rc == 0 && test.kind == HEALTH_TEST_TCP)
		rc = parse_authority("TCP", list->items[1], 0, &test.target, err);
	if (rc < 0) {
		health_test_fini(&test);
		return rc;
	}
	*ret = test;
	return 0;
}

void health_test_format(const struct health_test *test, struct strv *ret)
{
	if (test->kind == HEALTH_TEST_INHERIT)
		return;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (kinds[i].kind == test->kind)
			strv_add(ret, kinds[i].name);
	}
	for (size_t i = 0; i < test->args.n; i++)
		strv_add(ret, test->args.items[i]);
	if (test->kind == HEALTH_TEST_HTTP)
		strv_addf(ret, "http://%s%s", test->target.authority, test->target.path);
	else if (test->kind == HEALTH_TEST_TCP)
		strv_add(ret, test->target.authority);
}
