/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/enum.h"
#include "base/mem.h"
#include "base/parse.h"
#include "compose/model_internal.h"

static const struct enum_name conditions[] = {
	{ "service_started", CONDITION_STARTED },
	{ "service_healthy", CONDITION_HEALTHY },
	{ "service_completed_successfully", CONDITION_COMPLETED },
	{ NULL, 0 },
};

/* The index of the service that @node, or its key, names. */
static int find_service(const struct project *project, const struct node *node, const char *name,
			size_t *ret, struct error *err)
{
	ssize_t index = project_find(project, name);

	if (index >= 0) {
		*ret = (size_t)index;
		return 0;
	}
	if (strv_has(&project->inactive, name))
		return node_error(node, err, "service '%.100s' is left out by its profiles", name);
	return node_error(node, err, "there is no service '%.100s'", name);
}

static void add_dependency(struct service *service, const struct dependency *dependency)
{
	for (size_t i = 0; i < service->n_depends; i++) {
		if (service->depends[i].service == dependency->service)
			return;
	}
	service->depends =
		xrealloc(service->depends, service->n_depends + 1, sizeof(*service->depends));
	service->depends[service->n_depends++] = *dependency;
}

static bool is_true(const struct node *map, const char *key)
{
	const char *text = node_get_text(map, key);

	return text && text[0] == 't';
}

static int link_depends(struct project *project, struct service *service, struct error *err)
{
	const struct node *entries = node_get(service->node, "depends_on");
	int rc = 0;

	for (size_t i = 0; entries && i < entries->n; i++) {
		const struct node *entry = entries->items[i];
		struct dependency dependency = {
			.is_required = is_true(entry, "required"),
			.restarts = is_true(entry, "restart"),
			.node = entry,
		};
		int condition = CONDITION_STARTED;

		rc = find_service(project, entry, entry->key, &dependency.service, err);
		if (rc < 0 && !dependency.is_required)
			continue;
		if (rc < 0)
			return rc;
		(void)enum_from_name(conditions, node_get_text(entry, "condition"), &condition);
		dependency.condition = (enum condition)condition;
		add_dependency(service, &dependency);
	}
	return 0;
}

/* What must be there first, though depends_on does not say so: links, network_mode: service:x. */
static int link_implied(struct project *project, struct service *service, struct error *err)
{
	const struct node *links = node_get(service->node, "links");
	const struct node *mode = node_get(service->node, "network_mode");
	struct dependency dependency = { .is_required = true };
	int rc;

	for (size_t i = 0; links && i < links->n; i++) {
		const struct node *item = links->items[i];
		auto_free char *name = xstrndup(item->text, strcspn(item->text, ":"));

		dependency.node = item;
		rc = find_service(project, item, name, &dependency.service, err);
		if (rc < 0)
			return rc;
		add_dependency(service, &dependency);
	}
	if (!mode || !str_starts(mode->text, "service:"))
		return 0;
	dependency.node = mode;
	rc = find_service(project, mode, strchr(mode->text, ':') + 1, &dependency.service, err);
	if (rc == 0)
		add_dependency(service, &dependency);
	return rc;
}

static int find_network(const struct project *project, const struct node *entry, size_t *ret,
			struct error *err)
{
	for (size_t i = 0; i < project->n_networks; i++) {
		if (strcmp(project->networks[i].key, entry->key) == 0) {
			*ret = i;
			return 0;
		}
	}
	return node_error_at_key(entry, err, "there is no network '%.100s'", entry->key);
}

static int link_network(struct project *project, struct service *service, const struct node *entry,
			struct error *err)
{
	struct attachment *attachment = &service->networks[service->n_networks];
	const struct node *aliases = node_get(entry, "aliases");
	const char *priority = node_get_text(entry, "priority");
	struct error ignored;
	int rc;

	*attachment = (struct attachment){
		.node = entry,
		.ipv4 = node_get_text(entry, "ipv4_address"),
		.ipv6 = node_get_text(entry, "ipv6_address"),
	};
	rc = find_network(project, entry, &attachment->network, err);
	if (rc < 0)
		return rc;
	service->n_networks++;
	if ((attachment->ipv4 || attachment->ipv6) && service->replicas > 1)
		return node_error(entry, err, "%d containers cannot have one address",
				  service->replicas);
	if (priority)
		(void)parse_int64(priority, INT64_MIN, INT64_MAX, &attachment->priority, &ignored);
	strv_add(&attachment->aliases, service->name);
	for (size_t i = 0; aliases && i < aliases->n; i++) {
		if (parse_hostname(aliases->items[i]->text, err) < 0)
			return node_wrap(aliases->items[i], err);
		if (!strv_has(&attachment->aliases, aliases->items[i]->text))
			strv_add(&attachment->aliases, aliases->items[i]->text);
	}
	project->networks[attachment->network].is_used = true;
	return 0;
}

static int link_networks(struct project *project, struct service *service, struct error *err)
{
	const struct node *entries = node_get(service->node, "networks");
	int rc = 0;

	if (!entries)
		return 0;
	service->networks = xcalloc(entries->n + 1, sizeof(*service->networks));
	for (size_t i = 0; rc == 0 && i < entries->n; i++)
		rc = link_network(project, service, entries->items[i], err);
	return rc;
}

static int link_volumes(struct project *project, struct service *service, struct error *err)
{
	const struct node *items = node_get(service->node, "volumes");

	for (size_t i = 0; items && i < items->n; i++) {
		const struct node *source = node_get(items->items[i], "source");
		bool is_found = false;

		if (!source || strcmp(node_get_text(items->items[i], "type"), "volume") != 0)
			continue;
		for (size_t j = 0; j < project->n_volumes; j++) {
			if (strcmp(project->volumes[j].key, source->text) == 0)
				is_found = project->volumes[j].is_used = true;
		}
		if (!is_found)
			return node_error(source, err,
					  "there is no volume '%.100s': name it under 'volumes'",
					  source->text);
	}
	return 0;
}

static int link_grants(const struct service *service, const char *key,
		       const struct grant_source *grants, size_t n, struct error *err)
{
	const struct node *items = node_get(service->node, key);

	for (size_t i = 0; items && i < items->n; i++) {
		const struct node *source = node_get(items->items[i], "source");
		size_t j;

		for (j = 0; j < n && strcmp(grants[j].key, source->text) != 0; j++)
			;
		if (j == n)
			return node_error(source, err,
					  "'%.100s' is not among the %s of the project",
					  source->text, key);
	}
	return 0;
}

static int link_allows(struct project *project, struct service *service, struct error *err)
{
	const struct node *items = node_get(service->node, "x-allow");

	if (!items)
		return 0;
	service->allows = xcalloc(items->n + 1, sizeof(*service->allows));
	for (size_t i = 0; i < items->n; i++) {
		const struct node *from = node_get(items->items[i], "from");
		struct allow_rule *rule = &service->allows[i];
		struct port_mapping port = { 0 };
		int rc = find_service(project, from, from->text, &rule->from, err);

		if (rc == 0)
			rc = parse_port(node_get_text(items->items[i], "port"), &port, err);
		if (rc < 0)
			return rc;
		rule->port = port.container_port;
		rule->count = port.count;
		rule->protocol = port.protocol;
		service->n_allows++;
	}
	return 0;
}

int service_link(struct project *project, struct service *service, struct error *err)
{
	int rc = link_depends(project, service, err);

	if (rc == 0)
		rc = link_implied(project, service, err);
	if (rc == 0)
		rc = link_networks(project, service, err);
	if (rc == 0)
		rc = link_volumes(project, service, err);
	if (rc == 0)
		rc = link_grants(service, "secrets", project->secrets, project->n_secrets, err);
	if (rc == 0)
		rc = link_grants(service, "configs", project->configs, project->n_configs, err);
	return rc < 0 ? rc : link_allows(project, service, err);
}
