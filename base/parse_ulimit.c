/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>

#include "base/macros.h"
#include "base/mem.h"
#include "base/parse.h"

static const struct {
	const char *name;
	int resource;
} rlimits[] = {
	{ "RLIMIT_AS", RLIMIT_AS },
	{ "RLIMIT_CORE", RLIMIT_CORE },
	{ "RLIMIT_CPU", RLIMIT_CPU },
	{ "RLIMIT_DATA", RLIMIT_DATA },
	{ "RLIMIT_FSIZE", RLIMIT_FSIZE },
	{ "RLIMIT_LOCKS", RLIMIT_LOCKS },
	{ "RLIMIT_MEMLOCK", RLIMIT_MEMLOCK },
	{ "RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE },
	{ "RLIMIT_NICE", RLIMIT_NICE },
	{ "RLIMIT_NOFILE", RLIMIT_NOFILE },
	{ "RLIMIT_NPROC", RLIMIT_NPROC },
	{ "RLIMIT_RSS", RLIMIT_RSS },
	{ "RLIMIT_RTPRIO", RLIMIT_RTPRIO },
	{ "RLIMIT_RTTIME", RLIMIT_RTTIME },
	{ "RLIMIT_SIGPENDING", RLIMIT_SIGPENDING },
	{ "RLIMIT_STACK", RLIMIT_STACK },
};

#define PREFIX_LEN (sizeof("RLIMIT_") - 1)

int rlimit_by_name(const char *name, int *ret_resource)
{
	for (size_t i = 0; i < ARRAY_LEN(rlimits); i++) {
		if (strcmp(name, rlimits[i].name) == 0) {
			*ret_resource = rlimits[i].resource;
			return 1;
		}
	}
	return 0;
}

static const char *name_of(const char *text)
{
	for (size_t i = 0; i < ARRAY_LEN(rlimits); i++) {
		if (strcasecmp(text, rlimits[i].name) == 0 ||
		    strcasecmp(text, rlimits[i].name + PREFIX_LEN) == 0)
			return rlimits[i].name;
	}
	return NULL;
}

static int parse_value(const char *text, uint64_t *ret, struct error *err)
{
	if (strcmp(text, "-1") == 0 || strcasecmp(text, "unlimited") == 0) {
		*ret = UINT64_MAX;
		return 0;
	}
	return parse_uint64(text, UINT64_MAX, ret, err);
}

int parse_ulimit(const char *text, struct rlimit_text *ret, struct error *err)
{
	const char *equals = strchrnul(text, '=');
	const char *colon = strchr(equals, ':');
	auto_free char *name = xstrndup(text, (size_t)(equals - text));
	auto_free char *soft = NULL;
	struct rlimit_text limit = { .name = name_of(name) };

	if (!*equals)
		return err_set(err, EINVAL, "parse ulimit '%s': not NAME=SOFT[:HARD]", text);
	if (!limit.name)
		return err_set(err, EINVAL, "parse ulimit '%s': no limit is named '%s'", text,
			       name);

	soft = colon ? xstrndup(equals + 1, (size_t)(colon - equals - 1)) : xstrdup(equals + 1);
	if (parse_value(soft, &limit.soft, err) < 0 ||
	    (colon && parse_value(colon + 1, &limit.hard, err) < 0))
		return err_wrap(err, "parse ulimit '%s'", text);
	if (!colon)
		limit.hard = limit.soft;
	if (limit.soft > limit.hard)
		return err_set(err, EINVAL,
			       "parse ulimit '%s': the soft limit is above the hard limit", text);
	*ret = limit;
	return 0;
}
