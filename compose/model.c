/* SPDX-License-Identifier: Apache-2.0 */
#include "compose/model.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "base/mem.h"
#include "compose/hash.h"
#include "compose/model_internal.h"

void project_fini(struct project *project)
{
	for (size_t i = 0; i < project->n_services; i++)
		service_fini(&project->services[i]);
	free(project->services);
	free(project->networks);
	free(project->volumes);
	free(project->secrets);
	free(project->configs);
	free(project->directory);
	node_free(project->tree);
	strv_fini(&project->files);
	strv_fini(&project->env);
	strv_fini(&project->warnings);
	strv_fini(&project->inactive);
	*project = (struct project){ 0 };
}

ssize_t project_find(const struct project *project, const char *service)
{
	for (size_t i = 0; i < project->n_services; i++) {
		if (strcmp(project->services[i].name, service) == 0)
			return (ssize_t)i;
	}
	return -1;
}

/* ---- profiles -------------------------------------------------------------------------------- */

static bool is_active(const struct project_input *input, const struct node *service)
{
	const struct node *profiles = node_get(service, "profiles");

	if (!profiles || profiles->n == 0 || strv_has(&input->services, service->key) ||
	    strv_has(&input->profiles, "*"))
		return true;
	for (size_t i = 0; i < profiles->n; i++) {
		if (strv_has(&input->profiles, profiles->items[i]->text))
			return true;
	}
	return false;
}

static int keep_active(struct project *project, const struct project_input *input,
		       struct node *services, struct error *err)
{
	size_t i = 0;

	for (size_t j = 0; j < input->services.n; j++) {
		if (!node_get(services, input->services.items[j]))
			return err_set(err, EINVAL, "there is no service '%.100s' in '%.200s'",
				       input->services.items[j], project->files.items[0]);
	}
	while (i < services->n) {
		struct node *service = services->items[i];

		if (!is_active(input, service)) {
			strv_add(&project->inactive, service->key);
			node_free(node_detach(service));
		} else {
			i++;
		}
	}
	return 0;
}

/* ---- the first level ------------------------------------------------------------------------- */

static void add_default_network(struct project *project)
{
	struct node *networks = node_get(project->tree, "networks");

	if (!networks) {
		networks = node_new(NODE_MAP, NULL, project->tree);
		node_set(project->tree, "networks", networks);
	}
	if (!node_get(networks, "default"))
		node_set(networks, "default", node_new(NODE_MAP, NULL, networks));
}

/* A service that names no network is on `default`. */
static int attach_default(struct project *project, struct node *service, struct error *err)
{
	const struct node *mode = node_get(service, "network_mode");
	struct node *networks = node_get(service, "networks");

	if (mode && networks)
		return node_error(mode, err, "goes with 'networks' no more than they with it");
	if (mode)
		return 0;
	if (!networks) {
		networks = node_new(NODE_MAP, NULL, service);
		node_set(service, "networks", networks);
	}
	if (networks->n == 0)
		node_set(networks, "default", node_new(NODE_MAP, NULL, networks));
	if (node_get(networks, "default"))
		add_default_network(project);
	return 0;
}

/* "<project>_<key>", but for what is not ours. */
static int name_entries(struct project *project, const char *section, struct error *err)
{
	struct node *entries = node_get(project->tree, section);

	for (size_t i = 0; entries && i < entries->n; i++) {
		struct node *entry = entries->items[i];
		const char *external = node_get_text(entry, "external");
		bool is_external = external && external[0] == 't';
		auto_free char *name = NULL;

		name = is_external ? xstrdup(entry->key)
				   : xasprintf("%s_%s", project->name, entry->key);
		if (!node_get(entry, "name"))
			node_set_text(entry, "name", name);
		if (strlen(node_get_text(entry, "name")) > 128)
			return node_error(entry, err, "limit: a name of more than 128 bytes");
	}
	return 0;
}

static bool is_true(const struct node *map, const char *key)
{
	const char *text = node_get_text(map, key);

	return text && text[0] == 't';
}

static void make_networks(struct project *project)
{
	const struct node *entries = node_get(project->tree, "networks");

	project->n_networks = entries ? entries->n : 0;
	project->networks = xcalloc(project->n_networks + 1, sizeof(*project->networks));
	for (size_t i = 0; i < project->n_networks; i++) {
		const struct node *entry = entries->items[i];
		struct network *network = &project->networks[i];

		*network = (struct network){
			.key = entry->key,
			.name = node_get_text(entry, "name"),
			.node = entry,
			.is_external = is_true(entry, "external"),
			.is_internal = is_true(entry, "internal"),
			.is_isolated = is_true(entry, "x-isolated"),
		};
		node_hash(entry, network->hash);
	}
}

static void make_volumes(struct project *project)
{
	const struct node *entries = node_get(project->tree, "volumes");

	project->n_volumes = entries ? entries->n : 0;
	project->volumes = xcalloc(project->n_volumes + 1, sizeof(*project->volumes));
	for (size_t i = 0; i < project->n_volumes; i++)
		project->volumes[i] = (struct volume){
			.key = entries->items[i]->key,
			.name = node_get_text(entries->items[i], "name"),
			.node = entries->items[i],
			.is_external = is_true(entries->items[i], "external"),
		};
}

static int make_grant(struct project *project, const struct node *entry, struct grant_source *grant,
		      struct error *err)
{
	const char *variable = node_get_text(entry, "environment");
	int n;

	*grant = (struct grant_source){
		.key = entry->key,
		.node = entry,
		.file = node_get_text(entry, "file"),
		.content = node_get_text(entry, "content"),
	};
	n = (grant->file != NULL) + (grant->content != NULL) + (variable != NULL);
	if (is_true(entry, "external"))
		return node_error(entry, err, "nobody keeps secrets and configs here: name a file");
	if (n != 1)
		return node_error(entry, err, "needs one of file, content, environment");
	if (!variable)
		return 0;
	grant->content = strv_getenv(&project->env, variable);
	if (!grant->content)
		return node_error(node_get(entry, "environment"), err,
				  "the variable '%.100s' is not set", variable);
	return 0;
}

static int make_grants(struct project *project, const char *section, struct grant_source **ret,
		       size_t *ret_n, struct error *err)
{
	const struct node *entries = node_get(project->tree, section);
	int rc = 0;

	*ret_n = entries ? entries->n : 0;
	*ret = xcalloc(*ret_n + 1, sizeof(**ret));
	for (size_t i = 0; rc == 0 && i < *ret_n; i++)
		rc = make_grant(project, entries->items[i], &(*ret)[i], err);
	return rc;
}

/* ---- services -------------------------------------------------------------------------------- */

/* What only one service can have: a name, a port of the host. */
struct claim {
	char *what; /* owned */
	size_t service;
	const struct node *node;
};

struct claims {
	struct claim *items;
	size_t n;
};

/* @what is taken over. */
static void add_claim(struct claims *claims, char *what, size_t service, const struct node *node)
{
	/* Room doubles at powers of two. */
	if ((claims->n & (claims->n - 1)) == 0)
		claims->items =
			xrealloc(claims->items, MAX(2 * claims->n, 1U), sizeof(*claims->items));
	claims->items[claims->n++] = (struct claim){ what, service, node };
}

static void add_claims(struct claims *claims, const struct service *service, size_t index)
{
	const struct node *ports = node_get(service->node, "ports");

	if (service->container_name)
		add_claim(claims, xasprintf("name %s", service->container_name), index,
			  node_get(service->node, "container_name"));
	for (size_t i = 0; ports && i < ports->n; i++) {
		const struct node *port = ports->items[i];
		const char *published = node_get_text(port, "published");
		const char *address = node_get_text(port, "host_ip");

		if (published)
			add_claim(claims,
				  xasprintf("port %s:%s/%s", address ? address : "", published,
					    node_get_text(port, "protocol")),
				  index, node_get(port, "published"));
	}
}

static int by_claim(const void *a, const void *b)
{
	const struct claim *left = a;
	const struct claim *right = b;
	int order = strcmp(left->what, right->what);

	return order ? order : (left->service > right->service) - (left->service < right->service);
}

static int check_claims(const struct project *project, struct error *err)
{
	struct claims claims = { 0 };
	int rc = 0;

	for (size_t i = 0; i < project->n_services; i++)
		add_claims(&claims, &project->services[i], i);
	if (claims.n)
		qsort(claims.items, claims.n, sizeof(*claims.items), by_claim);
	for (size_t i = 1; rc == 0 && i < claims.n; i++) {
		const struct claim *first = &claims.items[i - 1];
		const struct claim *second = &claims.items[i];

		if (first->service != second->service && strcmp(first->what, second->what) == 0)
			rc = node_error(second->node, err, "service '%s' has it already",
					project->services[first->service].name);
	}
	for (size_t i = 0; i < claims.n; i++)
		free(claims.items[i].what);
	free(claims.items);
	return rc;
}

static int make_services(struct project *project, struct error *err)
{
	struct node *entries = node_get(project->tree, "services");
	int rc = 0;

	project->n_services = entries->n;
	project->services = xcalloc(entries->n + 1, sizeof(*project->services));
	for (size_t i = 0; i < entries->n; i++) {
		project->services[i].node = entries->items[i];
		project->services[i].name = entries->items[i]->key;
	}
	for (size_t i = 0; rc == 0 && i < project->n_services; i++)
		rc = service_make(&project->services[i], err);
	for (size_t i = 0; rc == 0 && i < project->n_services; i++)
		rc = service_link(project, &project->services[i], err);
	if (rc == 0)
		rc = check_claims(project, err);
	for (size_t i = 0; rc == 0 && i < project->n_services; i++)
		service_hash(project->services[i].node, project->services[i].hash);
	return rc;
}

static int normalise(struct project *project, const struct project_input *input, struct error *err)
{
	struct node *tree = project->tree;
	struct node *services = node_get(tree, "services");
	struct node *version = node_get(tree, "version");
	struct node *include = node_get(tree, "include");
	int rc;

	if (include)
		return node_error_at_key(include, err, "other files are named by -f, or extended");
	if (version)
		node_free(node_detach(version));
	if (!services || services->n == 0)
		return node_error(services ? services : tree, err, "there are no services");
	rc = keep_active(project, input, services, err);
	for (size_t i = 0; rc == 0 && i < services->n; i++) {
		rc = attach_default(project, services->items[i], err);
		if (rc == 0)
			rc = environment_make(project, input, services->items[i], err);
	}
	if (rc == 0)
		rc = name_entries(project, "networks", err);
	if (rc == 0)
		rc = name_entries(project, "volumes", err);
	if (rc == 0)
		rc = name_entries(project, "configs", err);
	if (rc == 0)
		rc = name_entries(project, "secrets", err);
	return rc;
}

/* As people write it: the name first, what is ours last. */
static void order_sections(struct node *tree)
{
	static const char *const sections[] = { "name",    "services", "networks",
						"volumes", "configs",  "secrets" };
	size_t at = 0;

	for (size_t i = 0; i < ARRAY_LEN(sections); i++) {
		struct node *node = node_get(tree, sections[i]);

		if (!node)
			continue;
		for (size_t j = node->index; j > at; j--)
			tree->items[j] = tree->items[j - 1];
		tree->items[at++] = node;
		for (size_t j = 0; j < tree->n; j++)
			tree->items[j]->index = j;
	}
}

int model_make(struct project *project, const struct project_input *input, struct error *err)
{
	int rc = normalise(project, input, err);

	if (rc < 0)
		return rc;
	node_sort(project->tree);
	order_sections(project->tree);
	make_networks(project);
	make_volumes(project);
	rc = make_grants(project, "secrets", &project->secrets, &project->n_secrets, err);
	if (rc == 0)
		rc = make_grants(project, "configs", &project->configs, &project->n_configs, err);
	return rc < 0 ? rc : make_services(project, err);
}

int project_scale(struct project *project, const char *service, int replicas, struct error *err)
{
	ssize_t index = project_find(project, service);
	struct service *found;

	if (index < 0)
		return err_set(err, EINVAL, "there is no service '%.100s' to scale", service);
	found = &project->services[index];
	if (found->container_name && replicas > 1)
		return node_error(node_get(found->node, "container_name"), err,
				  "%d containers cannot have one name", replicas);
	found->replicas = replicas;
	return 0;
}
