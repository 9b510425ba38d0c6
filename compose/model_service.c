/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/enum.h"
#include "base/macros.h"
#include "base/mem.h"
#include "base/parse.h"
#include "compose/model_internal.h"

void service_fini(struct service *service)
{
	for (size_t i = 0; i < service->n_networks; i++)
		strv_fini(&service->networks[i].aliases);
	free(service->networks);
	free(service->depends);
	free(service->allows);
	health_config_fini(&service->health);
}

static const struct node *node_at(const struct node *node, const char *a, const char *b,
				  const char *c, const char *d)
{
	const char *const keys[] = { a, b, c, d };

	for (size_t i = 0; node && i < 4 && keys[i]; i++)
		node = node_get(node, keys[i]);
	return node;
}

/* The texts are canonical: they parse. */
static int64_t number_of(const struct node *node)
{
	struct error ignored;
	int64_t value = 0;

	(void)parse_int64(node->text, INT64_MIN, INT64_MAX, &value, &ignored);
	return value;
}

static int64_t duration_of(const struct node *map, const char *key, int64_t otherwise)
{
	const char *text = node_get_text(map, key);
	struct error ignored;
	int64_t ns = otherwise;

	if (text)
		(void)parse_duration(text, &ns, &ignored);
	return ns;
}

/* What can be said in two places must be the same in both. */
static int check_twice(const struct node *service, const char *key, const struct node *deploy,
		       struct error *err)
{
	const struct node *node = node_get(service, key);

	if (!node || !deploy || str_eq(node->text, deploy->text))
		return 0;
	return node_error(deploy, err, "'%s' says %s", key, node->text);
}

static int check_limits(const struct node *node, struct error *err)
{
	static const struct {
		const char *key, *part, *limit;
	} rows[] = {
		{ "cpus", "limits", "cpus" },
		{ "mem_limit", "limits", "memory" },
		{ "pids_limit", "limits", "pids" },
		{ "mem_reservation", "reservations", "memory" },
	};
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(rows); i++)
		rc = check_twice(node, rows[i].key,
				 node_at(node, "deploy", "resources", rows[i].part, rows[i].limit),
				 err);
	return rc;
}

static int set_replicas(struct service *service, struct error *err)
{
	const struct node *replicas = node_at(service->node, "deploy", "replicas", NULL, NULL);
	const struct node *scale = node_get(service->node, "scale");
	int64_t n = 1;
	int rc = check_twice(service->node, "scale", replicas, err);

	if (rc < 0)
		return rc;
	if (scale || replicas)
		n = number_of(scale ? scale : replicas);
	if (n > 1000)
		return node_error(scale ? scale : replicas, err, "limit: more than 1000 replicas");
	if (n > 1 && service->container_name)
		return node_error(node_get(service->node, "container_name"), err,
				  "%d containers cannot have one name", (int)n);
	service->replicas = (int)n;
	return 0;
}

/* `restart`, or what deploy.restart_policy means on one machine. */
static void set_restart(struct service *service)
{
	static const struct enum_name names[] = {
		{ "no", RESTART_NO },
		{ "always", RESTART_ALWAYS },
		{ "unless-stopped", RESTART_UNLESS_STOPPED },
		{ "on-failure", RESTART_ON_FAILURE },
		{ "none", RESTART_NO },
		{ "any", RESTART_ALWAYS },
		{ NULL, 0 },
	};
	const char *text = node_get_text(service->node, "restart");
	const struct node *policy = node_at(service->node, "deploy", "restart_policy", NULL, NULL);
	const char *condition = node_get_text(policy, "condition");
	const struct node *attempts = node_get(policy, "max_attempts");
	const char *colon = text ? strchr(text, ':') : NULL;
	auto_free char *word = NULL;
	int value = RESTART_NO;

	if (!text && !policy)
		return;
	word = text ? xstrndup(text, strcspn(text, ":")) : xstrdup(condition ? condition : "any");
	(void)enum_from_name(names, word, &value);
	service->restart = (enum restart_policy)value;
	if (colon)
		service->restart_max = atoi(colon + 1);
	else if (!text && attempts && value == RESTART_ON_FAILURE)
		service->restart_max = (int)number_of(attempts);
}

static int set_health(struct service *service, struct error *err)
{
	const struct node *node = node_get(service->node, "healthcheck");
	const struct node *test = node_get(node, "test");
	const struct node *retries = node_get(node, "retries");
	const char *disable = node_get_text(node, "disable");
	const char *action = node_get_text(service->node, "x-on-unhealthy");
	struct health_config *health = &service->health;
	auto_strv struct strv words = { 0 };
	int value = HEALTH_ACT_NONE;

	health->interval_ns = duration_of(node, "interval", 0);
	health->timeout_ns = duration_of(node, "timeout", 0);
	health->start_period_ns = duration_of(node, "start_period", 0);
	health->start_interval_ns = duration_of(node, "start_interval", 0);
	health->retries = retries ? (int)number_of(retries) : 0;
	if (action)
		(void)enum_from_name(health_actions, action, &value);
	health->action = (enum health_action)value;
	for (size_t i = 0; test && i < test->n; i++)
		strv_add(&words, test->items[i]->text);
	if (test && health_test_parse(&words, &health->test, err) < 0)
		return node_wrap(test, err);
	if (disable && disable[0] == 't') {
		health_test_fini(&health->test);
		health->test.kind = HEALTH_TEST_NONE;
	}
	return 0;
}

int service_make(struct service *service, struct error *err)
{
	const struct node *node = service->node;
	int rc;

	service->image = node_get_text(node, "image");
	service->container_name = node_get_text(node, "container_name");
	service->network_mode = node_get_text(node, "network_mode");
	service->pull_policy = node_get_text(node, "pull_policy");
	service->stop_grace_ns = duration_of(node, "stop_grace_period", 10000000000);
	if ((!service->image || !*service->image) && !node_get(node, "build"))
		return node_error(node, err, "'image' is missing");
	rc = check_limits(node, err);
	if (rc == 0)
		rc = set_replicas(service, err);
	if (rc == 0)
		rc = set_health(service, err);
	set_restart(service);
	return rc;
}
