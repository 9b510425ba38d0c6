/* SPDX-License-Identifier: Apache-2.0 */
#include "compose/options.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/macros.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/path.h"
#include "compose/hash.h"
#include "compose/options_internal.h"
#include "compose/schema.h"
#include "net/ipam.h"

char *service_container_name(const struct project *project, const struct service *service,
			     int number)
{
	if (service->container_name)
		return xstrdup(service->container_name);
	return xasprintf("%s-%s-%d", project->name, service->name, number);
}

/* ---- what is understood, and cannot be done -------------------------------------------------- */

static int check_done(const struct key *key, const struct node *node, struct error *err)
{
	int rc = 0;

	if (!key)
		return 0;
	if (key->is_undone) {
		(void)node_error_at_key(node, err, "minictr cannot do this");
		err->code = ENOTSUP;
		return -ENOTSUP;
	}
	for (size_t i = 0; rc == 0 && key->keys && i < node->n; i++) {
		const struct node *child = node->items[i];
		const struct key entry = { .kind = KEY_MAP, .keys = key->keys };

		rc = check_done(key->kind == KEY_MAP ? key_find(key->keys, child->key) : &entry,
				child, err);
	}
	return rc;
}

/* ---- keys ------------------------------------------------------------------------------------ */

static void set_text(char **text, const char *value)
{
	if (value)
		*text = xstrdup(value);
}

static void set_list(struct strv *list, const struct node *node)
{
	for (size_t i = 0; node && i < node->n; i++)
		strv_add(list, node->items[i]->text);
}

static void set_pairs(struct strv *pairs, const struct node *node)
{
	for (size_t i = 0; node && i < node->n; i++)
		strv_setenv(pairs, node->items[i]->key, node->items[i]->text);
}

static bool is_true(const struct node *map, const char *key)
{
	const char *text = node_get_text(map, key);

	return text && text[0] == 't';
}

/* Canonical texts are numbers; 0 if there is none. */
static int64_t number(const char *text)
{
	return text ? strtoll(text, NULL, 10) : 0;
}

static void set_process(const struct node *node, struct run_options *o)
{
	set_list(&o->command, node_get(node, "command"));
	o->has_entrypoint = node_get(node, "entrypoint") != NULL;
	set_list(&o->entrypoint, node_get(node, "entrypoint"));
	set_pairs(&o->env, node_get(node, "environment"));
	set_text(&o->workdir, node_get_text(node, "working_dir"));
	set_text(&o->user, node_get_text(node, "user"));
	set_text(&o->hostname, node_get_text(node, "hostname"));
	set_text(&o->stop_signal, node_get_text(node, "stop_signal"));
	o->has_tty = is_true(node, "tty");
	o->is_interactive = is_true(node, "stdin_open");
	o->has_init = is_true(node, "init");
	o->is_read_only = is_true(node, "read_only");
	o->is_privileged = is_true(node, "privileged");
}

/* What can be said of a limit in two places is the same in both. */
static const char *limit_text(const struct node *node, const char *key, const char *part,
			      const char *limit)
{
	const struct node *resources = node_get(node_get(node, "deploy"), "resources");
	const char *text = node_get_text(node, key);

	return text ? text : node_get_text(node_get(resources, part), limit);
}

static int set_limits(const struct node *node, struct run_options *o, struct error *err)
{
	const char *cpus = limit_text(node, "cpus", "limits", "cpus");
	const char *pids = limit_text(node, "pids_limit", "limits", "pids");
	const char *swap = node_get_text(node, "memswap_limit");
	const char *score = node_get_text(node, "oom_score_adj");

	o->memory = (uint64_t)number(limit_text(node, "mem_limit", "limits", "memory"));
	o->memory_reservation =
		(uint64_t)number(limit_text(node, "mem_reservation", "reservations", "memory"));
	o->has_memory_swap = swap != NULL;
	o->memory_swap = number(swap);
	o->cpu_shares = (uint64_t)number(node_get_text(node, "cpu_shares"));
	o->shm_size = (uint64_t)number(node_get_text(node, "shm_size"));
	set_text(&o->cpuset_cpus, node_get_text(node, "cpuset"));
	o->has_pids_limit = pids && number(pids) != 0;
	o->pids_limit = number(pids);
	o->has_oom_score_adj = score != NULL;
	o->oom_score_adj = (int)number(score);
	return cpus ? parse_cpus(cpus, &o->cpus_nano, err) : 0;
}

static int set_ulimits(const struct node *limits, struct run_options *o, struct error *err)
{
	if (!limits)
		return 0;
	o->ulimits = xcalloc(limits->n + 1, sizeof(*o->ulimits));
	for (size_t i = 0; i < limits->n; i++) {
		const struct node *item = limits->items[i];
		auto_free char *text = xasprintf("%s=%s:%s", item->key, node_get_text(item, "soft"),
						 node_get_text(item, "hard"));

		if (parse_ulimit(text, &o->ulimits[i], err) < 0)
			return node_wrap(item, err);
		o->n_ulimits++;
	}
	return 0;
}

static int set_capabilities(struct strv *names, const struct node *list, struct error *err)
{
	for (size_t i = 0; list && i < list->n; i++) {
		char *name = NULL;

		if (parse_capability(list->items[i]->text, &name, err) < 0)
			return node_wrap(list->items[i], err);
		strv_take(names, name);
	}
	return 0;
}

/* "seccomp=FILE": relative to the project. */
static int set_security(const struct project *project, const struct node *list,
			struct run_options *o, struct error *err)
{
	for (size_t i = 0; list && i < list->n; i++) {
		const struct node *item = list->items[i];
		const char *value = item->text + strcspn(item->text, "=:");

		value += *value != '\0';
		if (str_starts(item->text, "no-new-privileges")) {
			if (parse_bool(*value ? value : "true", &o->no_new_privileges, err) < 0)
				return node_wrap(item, err);
		} else if (str_starts(item->text, "seccomp") && *value) {
			free(o->seccomp);
			o->seccomp = strcmp(value, "unconfined") == 0
					     ? xstrdup(value)
					     : path_join(project->directory, value);
		}
	}
	return 0;
}

static int set_ports(const struct node *list, struct run_options *o, struct error *err)
{
	if (!list)
		return 0;
	o->ports = xcalloc(list->n + 1, sizeof(*o->ports));
	for (size_t i = 0; i < list->n; i++) {
		const struct node *item = list->items[i];
		const char *address = node_get_text(item, "host_ip");
		const char *published = node_get_text(item, "published");
		auto_free char *text =
			xasprintf("%s%s%s:%s/%s", address ? address : "", address ? ":" : "",
				  published ? published : "", node_get_text(item, "target"),
				  node_get_text(item, "protocol"));

		if (parse_port(text, &o->ports[i], err) < 0)
			return node_wrap(item, err);
		o->n_ports++;
	}
	return 0;
}

static void set_labels(const struct project *project, const struct service *service, int n,
		       struct run_options *o)
{
	auto_node struct node *config = service_config(service->node);
	auto_json json_t *json = node_to_json(config);
	auto_free char *text = json_to_text(json, JSON_SORT_KEYS | JSON_COMPACT);
	auto_str struct str files = { 0 };
	auto_free char *number_text = xasprintf("%d", n);

	for (size_t i = 0; i < project->files.n; i++)
		str_addf(&files, "%s%s", i ? "," : "", project->files.items[i]);
	set_pairs(&o->labels, node_get(service->node, "labels"));
	strv_setenv(&o->labels, LABEL_PROJECT, project->name);
	strv_setenv(&o->labels, LABEL_SERVICE, service->name);
	strv_setenv(&o->labels, LABEL_NUMBER, number_text);
	strv_setenv(&o->labels, LABEL_ONEOFF, "False");
	strv_setenv(&o->labels, LABEL_HASH, service->hash);
	strv_setenv(&o->labels, LABEL_FILES, files.text);
	strv_setenv(&o->labels, LABEL_DIR, project->directory);
	strv_setenv(&o->labels, LABEL_CONFIG, text);
}

/* Whose replica it is, and in isolated networks who may connect to it. */
static void set_service(const struct project *project, const struct service *service,
			struct run_options *o)
{
	set_text(&o->project, project->name);
	set_text(&o->service, service->name);
	for (size_t i = 0; i < service->n_allows; i++) {
		const struct allow_rule *rule = &service->allows[i];
		const struct port_mapping ports = {
			.container_port = rule->port,
			.count = rule->count,
			.protocol = rule->protocol,
		};
		auto_str struct str text = { 0 };

		str_addf(&text, "%s:", project->services[rule->from].name);
		port_format(&ports, &text);
		strv_add(&o->allows, text.text);
	}
}

static int by_priority(const void *a, const void *b)
{
	const struct attachment *x = *(const struct attachment *const *)a;
	const struct attachment *y = *(const struct attachment *const *)b;

	if (x->priority != y->priority)
		return x->priority > y->priority ? -1 : 1;
	return x < y ? -1 : 1;
}

/* The one with the highest priority is eth0, which the default route goes by. */
static void set_networks(const struct project *project, const struct service *service,
			 struct run_options *o)
{
	size_t n = service->network_mode ? 0 : service->n_networks;
	auto_free const struct attachment **sorted = xcalloc(n + 1, sizeof(*sorted));

	if (service->network_mode)
		(void)run_options_add_network(o, service->network_mode);
	for (size_t i = 0; i < n; i++)
		sorted[i] = &service->networks[i];
	qsort(sorted, n, sizeof(*sorted), by_priority);
	for (size_t i = 0; i < n; i++) {
		const struct attachment *attachment = sorted[i];
		const char *name = project->networks[attachment->network].name;
		struct network_request *request = run_options_add_network(o, name);

		strv_copy(&request->aliases, &attachment->aliases);
		set_text(&request->address, attachment->ipv4);
	}
}

static int set_health(const struct service *service, struct run_options *o, struct error *err)
{
	auto_strv struct strv test = { 0 };
	int rc;

	health_test_format(&service->health.test, &test);
	rc = health_test_parse(&test, &o->health.test, err);
	o->health.interval_ns = service->health.interval_ns;
	o->health.timeout_ns = service->health.timeout_ns;
	o->health.start_period_ns = service->health.start_period_ns;
	o->health.start_interval_ns = service->health.start_interval_ns;
	o->health.retries = service->health.retries;
	return rc;
}

static int set_options(const struct project *project, const struct service *service, int n,
		       struct run_options *o, struct error *err)
{
	const struct node *node = service->node;
	int rc;

	if (!service->image)
		return node_error(node, err, "there is no image, and nothing here builds one");
	set_text(&o->image, service->image);
	o->name = service_container_name(project, service, n);
	o->is_detached = true;
	o->stop_timeout =
		(int)MIN((service->stop_grace_ns + 999999999) / 1000000000, (int64_t)INT32_MAX);
	o->stop_timeout = MAX(o->stop_timeout, 1);
	set_process(node, o);
	set_pairs(&o->sysctls, node_get(node, "sysctls"));
	set_list(&o->dns, node_get(node, "dns"));
	set_list(&o->dns_search, node_get(node, "dns_search"));
	set_list(&o->dns_options, node_get(node, "dns_opt"));
	set_list(&o->extra_hosts, node_get(node, "extra_hosts"));
	set_networks(project, service, o);
	set_service(project, service, o);
	set_labels(project, service, n, o);
	o->restart.policy = service->restart;
	o->restart.max_retries = service->restart_max;
	rc = set_health(service, o, err);
	if (rc == 0)
		rc = set_limits(node, o, err);
	if (rc == 0)
		rc = set_ulimits(node_get(node, "ulimits"), o, err);
	if (rc == 0)
		rc = set_capabilities(&o->cap_add, node_get(node, "cap_add"), err);
	if (rc == 0)
		rc = set_capabilities(&o->cap_drop, node_get(node, "cap_drop"), err);
	if (rc == 0)
		rc = set_security(project, node_get(node, "security_opt"), o, err);
	if (rc == 0)
		rc = set_ports(node_get(node, "ports"), o, err);
	return rc < 0 ? rc : options_mounts(project, service, o, err);
}

int service_options(const struct project *project, const struct service *service, int n,
		    struct run_options *ret, struct error *err)
{
	static const struct key key = { "", KEY_MAP, schema_service };
	struct run_options o = { 0 };
	int rc = check_done(&key, service->node, err);

	if (rc == 0)
		rc = set_options(project, service, n, &o, err);
	if (rc < 0)
		run_options_fini(&o);
	*ret = o;
	return rc;
}
