/* SPDX-License-Identifier: Apache-2.0 */
#include "compose/probe.h"

#include <errno.h>
#include <string.h>

#include "base/enum.h"
#include "base/mem.h"
#include "base/parse.h"

static const struct enum_name kinds[] = {
	{ "NONE", PROBE_NONE }, { "CMD", PROBE_COMMAND }, { "CMD-SHELL", PROBE_SHELL },
	{ "HTTP", PROBE_HTTP }, { "TCP", PROBE_TCP },     { NULL, 0 },
};

void probe_fini(struct probe *probe)
{
	strv_fini(&probe->words);
	free(probe->host);
	free(probe->path);
	*probe = (struct probe){ 0 };
}

/* "[::1]:80", "db:5432", ":80", "80": host and port; 0 if no port is given. */
static int parse_authority(const char *text, bool is_port_alone, struct probe *probe,
			   struct error *err)
{
	const char *close = text[0] == '[' ? strchr(text, ']') : NULL;
	const char *colon = strchr(close ? close : text, ':');
	const char *port_text = colon ? colon + 1 : is_port_alone ? text : NULL;
	auto_free char *host = NULL;
	uint64_t port = 0;

	if (close)
		host = xstrndup(text + 1, (size_t)(close - text - 1));
	else if (colon || !is_port_alone)
		host = xstrndup(text, colon ? (size_t)(colon - text) : strlen(text));
	if (host && close && !is_address(host))
		return err_set(err, EINVAL, "'%.100s' is no address", host);
	if (host && *host && !is_address(host) && parse_hostname(host, err) < 0)
		return -EINVAL;
	if (close && close[1] && close + 1 != colon)
		return err_set(err, EINVAL, "'%.100s' is not HOST:PORT", text);
	if (port_text && (parse_uint64(port_text, UINT16_MAX, &port, err) < 0 || port == 0))
		return err_set(err, EINVAL, "'%.60s' is no port from 1 to 65535", port_text);
	probe->host = host && *host ? take_ptr(host) : xstrdup("127.0.0.1");
	probe->port = (uint16_t)port;
	return 0;
}

static int parse_http(const char *url, struct probe *probe, struct error *err)
{
	static const char scheme[] = "http://";
	const char *authority = url + strlen(scheme);
	const char *path;
	auto_free char *host = NULL;

	if (!str_starts(url, scheme))
		return err_set(err, EINVAL, "'%.200s' does not begin with http://", url);
	path = authority + strcspn(authority, "/?");
	host = xstrndup(authority, (size_t)(path - authority));
	if (parse_authority(host, false, probe, err) < 0)
		return -EINVAL;
	for (const char *p = path; *p; p++) {
		if ((unsigned char)*p <= ' ' || *p == 0x7f || *p == '#')
			return err_set(err, EINVAL,
				       "the path of '%.200s' has a blank, a '#' or "
				       "something that is not shown",
				       url);
	}
	probe->port = probe->port ? probe->port : 80;
	probe->path = xasprintf("%s%s", *path == '/' ? "" : "/", path);
	return 0;
}

static int parse_kind(const struct strv *test, struct probe *probe, struct error *err)
{
	size_t n = test->n - 1;
	int rc;

	switch (probe->kind) {
	case PROBE_NONE:
		return n ? err_set(err, EINVAL, "NONE takes nothing behind it") : 0;
	case PROBE_COMMAND:
		if (n == 0)
			return err_set(err, EINVAL, "CMD needs a command behind it");
		break;
	case PROBE_SHELL:
	case PROBE_HTTP:
	case PROBE_TCP:
		if (n != 1)
			return err_set(err, EINVAL, "%s takes one text behind it", test->items[0]);
		break;
	}
	if (probe->kind == PROBE_HTTP)
		return parse_http(test->items[1], probe, err);
	if (probe->kind == PROBE_TCP) {
		rc = parse_authority(test->items[1], true, probe, err);
		if (rc == 0 && !probe->port)
			rc = err_set(err, EINVAL, "'%.100s' is not [HOST]:PORT", test->items[1]);
		return rc;
	}
	for (size_t i = 1; i <= n; i++)
		strv_add(&probe->words, test->items[i]);
	return 0;
}

int probe_parse(const struct strv *test, struct probe *ret, struct error *err)
{
	struct probe probe = { 0 };
	int kind = 0;
	int rc;

	if (test->n == 0)
		return err_set(err, EINVAL, "an empty test: [\"NONE\"] is none");
	if (!enum_from_name(kinds, test->items[0], &kind)) {
		auto_free char *names = enum_names(kinds);

		return err_set(err, EINVAL, "a test begins with one of %s, not with '%.60s'", names,
			       test->items[0]);
	}
	probe.kind = (enum probe_kind)kind;
	rc = parse_kind(test, &probe, err);
	if (rc < 0)
		probe_fini(&probe);
	else
		*ret = probe;
	return rc;
}
