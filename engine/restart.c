/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/restart.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/enum.h"
#include "base/macros.h"
#include "base/mem.h"
#include "base/parse.h"

#define MILLISECOND INT64_C(1000000)
#define FIRST_PAUSE (100 * MILLISECOND)
#define LAST_PAUSE  (60000 * MILLISECOND)
#define LONG_RUN    (10000 * MILLISECOND)

#define RETRIES_MAX 1000000

static const struct enum_name policies[] = {
	{ "no", RESTART_NO },
	{ "always", RESTART_ALWAYS },
	{ "unless-stopped", RESTART_UNLESS_STOPPED },
	{ "on-failure", RESTART_ON_FAILURE },
	{ NULL, 0 },
};

int restart_parse(const char *text, struct restart_config *ret, struct error *err)
{
	const char *colon = strchr(text, ':');
	auto_free char *name = xstrndup(text, colon ? (size_t)(colon - text) : strlen(text));
	struct error ignored;
	uint64_t retries = 0;
	int policy = RESTART_NO;

	if (*text && !enum_from_name(policies, name, &policy))
		return err_set(err, EINVAL,
			       "restart policy '%s': no, always, unless-stopped and "
			       "on-failure[:N] are known",
			       text);
	if (colon && policy != RESTART_ON_FAILURE)
		return err_set(err, EINVAL, "restart policy '%s': only on-failure has a number",
			       text);
	if (colon && parse_uint64(colon + 1, RETRIES_MAX, &retries, &ignored) < 0)
		return err_set(err, EINVAL, "restart policy '%s': '%s' is no number from 0 to %d",
			       text, colon + 1, RETRIES_MAX);
	*ret = (struct restart_config){
		.policy = (enum restart_policy)policy,
		.max_retries = (int)retries,
	};
	return 0;
}

void restart_format(const struct restart_config *config, char *buf)
{
	const char *name = enum_to_name(policies, (int)config->policy);

	if (config->max_retries)
		(void)snprintf(buf, RESTART_TEXT, "%s:%d", name, config->max_retries);
	else
		(void)snprintf(buf, RESTART_TEXT, "%s", name);
}

void restart_begin(struct restart *r)
{
	r->count = 0;
	r->pause_ns = 0;
}

/* Whatever is decided: a long run clears the past. */
static void lengthen_pause(struct restart *r, int64_t ran_ns)
{
	if (r->pause_ns == 0 || ran_ns >= LONG_RUN)
		r->pause_ns = FIRST_PAUSE;
	else
		r->pause_ns = MIN(r->pause_ns * 2, LAST_PAUSE);
}

bool restart_ended(struct restart *r, int exit_code, int64_t ran_ns, bool is_stopped)
{
	const struct restart_config *c = &r->config;
	bool is_wanted = false;

	lengthen_pause(r, ran_ns);
	switch (c->policy) {
	case RESTART_NO:
		break;
	case RESTART_ALWAYS:
	case RESTART_UNLESS_STOPPED:
		is_wanted = !is_stopped;
		break;
	case RESTART_ON_FAILURE:
		is_wanted = !is_stopped && exit_code != 0 &&
			    (c->max_retries == 0 || r->count < c->max_retries);
		break;
	}
	if (is_wanted)
		r->count++;
	return is_wanted;
}

bool restart_at_boot(const struct restart_config *c, bool was_running, int exit_code,
		     bool is_stopped)
{
	switch (c->policy) {
	case RESTART_NO:
		return false;
	case RESTART_ALWAYS:
		return true;
	case RESTART_UNLESS_STOPPED:
		return !is_stopped;
	case RESTART_ON_FAILURE:
		/* The end of the machine is none of its own. */
		return !is_stopped && (was_running || exit_code != 0);
	}
	return false;
}
