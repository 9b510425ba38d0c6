/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/health.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "image/image.h"

#define MILLISECOND INT64_C(1000000)
#define SECOND      (1000 * MILLISECOND)

/* moby daemon/health.go */
#define DEFAULT_INTERVAL       (30 * SECOND)
#define DEFAULT_TIMEOUT        (30 * SECOND)
#define DEFAULT_START_INTERVAL (5 * SECOND)
#define DEFAULT_RETRIES        3

/* Probes are not to become the load. */
#define SHORTEST_PAUSE (100 * MILLISECOND)

#define FIRST_PAUSE (20 * MILLISECOND)

static const struct enum_name states[] = {
	{ "none", HEALTH_NONE },
	{ "starting", HEALTH_STARTING },
	{ "healthy", HEALTH_HEALTHY },
	{ "unhealthy", HEALTH_UNHEALTHY },
	{ NULL, 0 },
};

const char *health_state_name(enum health_state state)
{
	return enum_to_name(states, (int)state);
}

const struct enum_name health_actions[] = {
	{ "none", HEALTH_ACT_NONE },
	{ "kill", HEALTH_ACT_KILL },
	{ "restart", HEALTH_ACT_RESTART },
	{ "stop", HEALTH_ACT_STOP },
	{ NULL, 0 },
};

/* ---- configuration ---------------------------------------------------------------------------- */

void health_config_fini(struct health_config *config)
{
	health_test_fini(&config->test);
	*config = (struct health_config){ 0 };
}

bool health_config_is_set(const struct health_config *config)
{
	return config->test.kind != HEALTH_TEST_INHERIT || config->interval_ns ||
	       config->timeout_ns || config->start_period_ns || config->start_interval_ns ||
	       config->retries || config->has_docker_clock || config->action != HEALTH_ACT_NONE;
}

static int complete(const char *name, int64_t *value, int64_t fallback, struct error *err)
{
	if (*value != 0 && *value < MILLISECOND)
		return err_set(err, EINVAL, "healthcheck: %s cannot be less than 1ms", name);
	if (*value == 0)
		*value = fallback;
	return 0;
}

int health_config_complete(struct health_config *c, struct error *err)
{
	int rc = complete("interval", &c->interval_ns, DEFAULT_INTERVAL, err);

	if (rc == 0)
		rc = complete("timeout", &c->timeout_ns, DEFAULT_TIMEOUT, err);
	if (rc == 0)
		rc = complete("start period", &c->start_period_ns, 0, err);
	if (rc == 0)
		rc = complete("start interval", &c->start_interval_ns, DEFAULT_START_INTERVAL, err);
	if (rc == 0 && c->retries < 0)
		rc = err_set(err, EINVAL, "healthcheck: retries cannot be negative");
	if (rc == 0 && c->retries == 0)
		c->retries = DEFAULT_RETRIES;
	return rc;
}

int health_config_resolve(const struct health_config *asked, const struct image_healthcheck *image,
			  struct health_config *ret, struct error *err)
{
	auto_strv struct strv test = { 0 };
	struct health_config config = *asked;
	int rc;

	health_test_format(&asked->test, &test);
	config.test = (struct health_test){ 0 };
	if (image && !test.n)
		strv_copy(&test, &image->test);
	if (image) {
		config.interval_ns = config.interval_ns ? config.interval_ns : image->interval_ns;
		config.timeout_ns = config.timeout_ns ? config.timeout_ns : image->timeout_ns;
		config.start_period_ns =
			config.start_period_ns ? config.start_period_ns : image->start_period_ns;
		config.start_interval_ns = config.start_interval_ns ? config.start_interval_ns
								    : image->start_interval_ns;
		config.retries = config.retries ? config.retries : image->retries;
	}
	rc = health_test_parse(&test, &config.test, err);
	if (rc == 0)
		rc = health_config_complete(&config, err);
	if (rc < 0)
		health_config_fini(&config);
	else
		*ret = config;
	return rc;
}

/* ---- the clock -------------------------------------------------------------------------------- */

/* How long docker waits after @now: less often once it is healthy, or should be. */
static int64_t interval(const struct health *h, int64_t now)
{
	const struct health_config *c = h->config;
	bool is_starting = now < c->start_period_ns && h->state == HEALTH_STARTING;

	return MAX(is_starting ? c->start_interval_ns : c->interval_ns, SHORTEST_PAUSE);
}

static void set_next(struct health *h, int64_t end)
{
	h->next = h->due;
	if (h->config->has_docker_clock || h->state != HEALTH_STARTING)
		return;
	h->pause = h->pause ? h->pause * 2 : FIRST_PAUSE;
	h->pause = MIN(h->pause, MAX(h->config->start_interval_ns, SHORTEST_PAUSE));
	h->next = MIN(h->due, end + h->pause);
}

int64_t health_delay(const struct health *h, int64_t now)
{
	return MAX(h->next - now, 0);
}

/* ---- state x event ---------------------------------------------------------------------------- */

enum event {
	STARTED,
	PASSED,
	FAILED,      /* and it counts */
	FAILED_LAST, /* the last one that is put up with */
	FAILED_FREE, /* in the start period, or before docker would have looked */
	EVENTS,
};

static const enum health_state transitions[HEALTH_STATES][EVENTS] = {
	[HEALTH_NONE] = {
		[STARTED] = HEALTH_STARTING,
		[PASSED] = HEALTH_NONE,
		[FAILED] = HEALTH_NONE,
		[FAILED_LAST] = HEALTH_NONE,
		[FAILED_FREE] = HEALTH_NONE,
	},
	[HEALTH_STARTING] = {
		[STARTED] = HEALTH_STARTING,
		[PASSED] = HEALTH_HEALTHY,
		[FAILED] = HEALTH_STARTING,
		[FAILED_LAST] = HEALTH_UNHEALTHY,
		[FAILED_FREE] = HEALTH_STARTING,
	},
	[HEALTH_HEALTHY] = {
		[STARTED] = HEALTH_STARTING,
		[PASSED] = HEALTH_HEALTHY,
		[FAILED] = HEALTH_HEALTHY,
		[FAILED_LAST] = HEALTH_UNHEALTHY,
		[FAILED_FREE] = HEALTH_HEALTHY,
	},
	[HEALTH_UNHEALTHY] = {
		[STARTED] = HEALTH_STARTING,
		[PASSED] = HEALTH_HEALTHY,
		[FAILED] = HEALTH_UNHEALTHY,
		[FAILED_LAST] = HEALTH_UNHEALTHY,
		[FAILED_FREE] = HEALTH_UNHEALTHY,
	},
};

/* Only a starting container's failures are forgiven; @is_early: docker would not have looked yet. */
static enum event classify(const struct health *h, int64_t begin, bool is_early, int exit_code)
{
	if (exit_code == 0)
		return PASSED;
	if (h->state == HEALTH_STARTING && (is_early || begin < h->config->start_period_ns))
		return FAILED_FREE;
	return h->failing_streak + 1 >= h->config->retries ? FAILED_LAST : FAILED;
}

static bool happen(struct health *h, enum event event)
{
	enum health_state before = h->state;

	h->state = transitions[before][event];
	if (event == STARTED || event == PASSED)
		h->failing_streak = 0;
	else if (event != FAILED_FREE)
		h->failing_streak++;
	return h->state != before;
}

void health_start(struct health *h)
{
	if (!h->config)
		return;
	(void)happen(h, STARTED);
	h->pause = 0;
	h->due = interval(h, 0);
	h->next = h->config->has_docker_clock ? h->due : 0;
}

void health_resume(struct health *h, int64_t now)
{
	if (!h->config)
		return;
	h->due = now + interval(h, now);
	h->pause = 0;
	set_next(h, now);
}

static void add_to_log(struct health *h, struct health_result *result)
{
	if (h->n_log == HEALTH_LOG) {
		free(h->log[0].output);
		memmove(h->log, h->log + 1, sizeof(h->log) - sizeof(h->log[0]));
		h->n_log--;
	}
	h->log[h->n_log++] = *result;
	*result = (struct health_result){ 0 };
}

struct health_verdict health_probed(struct health *h, int64_t begin, int64_t end,
				    struct health_result *result)
{
	struct health_verdict verdict = { 0 };
	bool is_early = !h->config->has_docker_clock && begin < h->due;
	enum event event = classify(h, begin, is_early, result->exit_code);

	add_to_log(h, result);
	verdict.is_changed = happen(h, event);
	if (verdict.is_changed && h->state == HEALTH_UNHEALTHY)
		verdict.action = h->config->action;
	/* An early one changes docker's clock only by what it found. */
	if (!is_early || h->state != HEALTH_STARTING)
		h->due = end + interval(h, end);
	set_next(h, end);
	return verdict;
}

void health_fini(struct health *h)
{
	for (size_t i = 0; i < h->n_log; i++)
		free(h->log[i].output);
	*h = (struct health){ 0 };
}

json_t *health_to_json(const struct health *h)
{
	json_t *json = json_object_new();
	json_t *log = json_array_new();

	json_put_string(json, "Status", health_state_name(h->state));
	json_put_int(json, "FailingStreak", h->failing_streak);
	for (size_t i = 0; i < h->n_log; i++) {
		const struct health_result *r = &h->log[i];
		json_t *entry = json_object_new();
		char text[CLOCK_TEXT];

		clock_format(r->begin_ns, text);
		json_put_string(entry, "Start", text);
		clock_format(r->end_ns, text);
		json_put_string(entry, "End", text);
		json_put_int(entry, "ExitCode", r->exit_code);
		json_put(entry, "Output", json_text(r->output ? r->output : ""));
		json_add(log, entry);
	}
	json_put(json, "Log", log);
	return json;
}
