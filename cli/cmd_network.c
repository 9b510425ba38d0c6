/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cmd_network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "cli/agree.h"
#include "engine/list.h"
#include "engine/networks.h"
#include "engine/reclaim.h"
#include "net/network.h"
#include "net/subnet.h"

static int check_root(struct error *err)
{
	return geteuid() == 0 ? 0 : err_set(err, EPERM, "networks are made by root only");
}

/* ---- create ----------------------------------------------------------------------------------- */

struct create_options {
	struct network_record record;
	char *driver;
};

static int parse_subnet(const char *text, void *field, struct error *err)
{
	struct network *network = field;
	struct subnet subnet;
	int rc;

	if (network->prefix)
		return err_set(err, EINVAL, "a network has one subnet only");
	rc = subnet_parse(text, &subnet, err);
	if (rc < 0)
		return rc;
	network->subnet = subnet.address;
	network->prefix = subnet.prefix;
	return 0;
}

static int parse_gateway(const char *text, void *field, struct error *err)
{
	return inet_pton(AF_INET, text, field) == 1
		       ? 0
		       : err_set(err, EINVAL, "'%s' is no address", text);
}

static int parse_label(const char *text, void *field, struct error *err)
{
	const char *equals = strchrnul(text, '=');
	auto_free char *name = xstrndup(text, (size_t)(equals - text));

	if (!*name)
		return err_set(err, EINVAL, "'%s' has no name in front of '='", text);
	strv_setenv(field, name, *equals ? equals + 1 : "");
	return 0;
}

static int parse_option(const char *text, void *field, struct error *err)
{
	return network_option(field, text, err);
}

#define CREATE(member) OPT_FIELD(struct create_options, member)

static const struct opt create_opts[] = {
	{ "driver", 'd', OPT_STRING, CREATE(driver), "DRIVER", "bridge: there is no other" },
	{ "gateway", 0, OPT_PARSE, CREATE(record.network.gateway), "ADDRESS",
	  "The host's address in it; the subnet's first otherwise", .parse = parse_gateway },
	{ "internal", 0, OPT_FLAG, CREATE(record.network.is_internal), NULL,
	  "No way out, and no published ports" },
	{ "label", 0, OPT_PARSE, CREATE(record.labels), "NAME=VALUE", "Attach a label",
	  .parse = parse_label },
	{ "opt", 'o', OPT_PARSE, CREATE(record), "NAME=VALUE",
	  "isolated, com.docker.network.driver.mtu=N, com.docker.network.bridge.name=NAME",
	  .parse = parse_option },
	{ "subnet", 0, OPT_PARSE, CREATE(record.network), "ADDRESS/PREFIX",
	  "Its addresses; the first free /24 of a private pool otherwise", .parse = parse_subnet },
	OPTS_END,
};

static void create_fini(void *options)
{
	struct create_options *o = options;

	network_record_fini(&o->record);
	free(o->driver);
}

static int run_create(void *options, const struct strv *args, struct error *err)
{
	struct create_options *o = options;
	struct network *network = &o->record.network;
	auto_networks struct networks networks = NETWORKS_CLOSED;
	int rc = check_root(err);

	if (rc < 0)
		return rc;
	if (o->driver && !str_eq(o->driver, "bridge"))
		return err_set(err, EINVAL, "there is no driver '%s' for networks, only bridge",
			       o->driver);
	if (strlen(args->items[0]) >= NETWORK_NAME_MAX)
		return err_set(err, EINVAL, "'%s' is no name for a network", args->items[0]);
	(void)snprintf(network->name, sizeof(network->name), "%s", args->items[0]);
	rc = networks_open(&engine_dirs, &networks, err);
	if (rc == 0)
		rc = network_create(&networks.dir, &o->record, err);
	if (rc == 0)
		puts(o->record.id);
	return rc;
}

const struct command cmd_net_create = {
	.name = "network create",
	.group = "Networks",
	.summary = "Make a network",
	.synopsis = "[OPTIONS] NAME",
	.details = "Containers of an isolated network reach each other only as services of compose "
		   "allow\n(x-allow); the way out and published ports are as in others.",
	.opts = create_opts,
	.options_size = sizeof(struct create_options),
	.options_fini = create_fini,
	.min_args = 1,
	.max_args = 1,
	.run = run_create,
};

/* ---- rm --------------------------------------------------------------------------------------- */

struct remove_options {
	bool is_forced;
};

static const struct opt remove_opts[] = {
	{ "force", 'f', OPT_FLAG, OPT_FIELD(struct remove_options, is_forced), NULL,
	  "A missing one is no failure" },
	OPTS_END,
};

static int remove_one(const struct networks *networks, const char *text, struct error *err)
{
	auto_network_record struct network_record record = { 0 };
	int rc;

	if (network_is_pseudo(text))
		return err_set(err, EPERM, "network '%s' is predefined and stays", text);
	rc = network_find(&networks->dir, text, &record, err);
	if (rc < 0)
		return rc;
	return network_remove(&networks->dir, rc > 0 ? record.network.name : text, err);
}

static int run_remove(void *options, const struct strv *args, struct error *err)
{
	const struct remove_options *o = options;
	auto_networks struct networks networks = NETWORKS_CLOSED;
	struct error last = { 0 };
	int rc = check_root(err);

	if (rc == 0)
		rc = networks_open(&engine_dirs, &networks, err);
	/* A container that died with its supervisor is in no network any more. */
	if (rc == 0)
		reclaim_leases(&engine_dirs, &networks);
	for (size_t i = 0; rc == 0 && i < args->n; i++) {
		struct error failure = { 0 };

		if (remove_one(&networks, args->items[i], &failure) == 0) {
			puts(args->items[i]);
			continue;
		}
		if (failure.code == ENOENT && o->is_forced) {
			log_error("%s", failure.msg);
			continue;
		}
		/* All are tried; each failure has its line, the last one by main. */
		if (last.code)
			log_error("%s", last.msg);
		last = failure;
	}
	if (rc < 0)
		return rc;
	*err = last;
	return -last.code;
}

#define REMOVE_COMMAND(name_, group_)                                                              \
	{                                                                                          \
		.name = (name_), .group = (group_), .summary = "Remove networks",                  \
		.synopsis = "[OPTIONS] NETWORK [NETWORK...]",                                      \
		.details = "NETWORK is a name, an id, or the beginning of one. One that a "        \
			   "running container\nis in stays.",                                      \
		.opts = remove_opts, .options_size = sizeof(struct remove_options), .min_args = 1, \
		.max_args = ARGS_MANY, .run = run_remove                                           \
	}

const struct command cmd_net_rm = REMOVE_COMMAND("network rm", "Networks");
const struct command cmd_net_remove = REMOVE_COMMAND("network remove", NULL);

/* ---- prune ------------------------------------------------------------------------------------ */

struct prune_options {
	bool is_forced;
};

static const struct opt prune_opts[] = {
	{ "force", 'f', OPT_FLAG, OPT_FIELD(struct prune_options, is_forced), NULL,
	  "Do not ask first" },
	OPTS_END,
};

/* Also by one that has ended: it may be started again. */
static bool is_used(const struct list_entry *entries, size_t n, const char *network)
{
	for (size_t i = 0; i < n; i++) {
		if (strv_has(&entries[i].record.networks, network))
			return true;
	}
	return false;
}

static int remove_unused(const struct networks *networks, struct error *err)
{
	auto_network_records struct network_records records = { 0 };
	struct list_entry *entries = NULL;
	bool has_any = false;
	size_t n = 0;
	int rc = list_containers(&engine_dirs, &entries, &n, err);

	if (rc == 0)
		rc = network_list(&networks->dir, &records, err);
	for (size_t i = 0; rc == 0 && i < records.n; i++) {
		const char *name = records.items[i].network.name;

		if (str_eq(name, NETWORK_DEFAULT) || is_used(entries, n, name))
			continue;
		rc = network_remove(&networks->dir, name, err);
		if (rc == 0)
			printf("%s%s\n", has_any ? "" : "Deleted Networks:\n", name);
		has_any = true;
		/* Somebody was faster, in either direction. */
		if (rc == -EBUSY || rc == -ENOENT)
			rc = 0;
	}
	list_free(entries, n);
	return rc;
}

int prune_networks(struct error *err)
{
	auto_networks struct networks networks = NETWORKS_CLOSED;
	int rc = networks_open(&engine_dirs, &networks, err);

	if (rc < 0)
		return rc;
	reclaim_leases(&engine_dirs, &networks);
	return remove_unused(&networks, err);
}

static int run_prune(void *options, const struct strv *args, struct error *err)
{
	const struct prune_options *o = options;
	int rc = check_root(err);

	(void)args;
	if (rc < 0 || (!o->is_forced && !agree("This will remove all custom networks not used by "
					       "at least one container.")))
		return rc;
	return prune_networks(err);
}

const struct command cmd_net_prune = {
	.name = "network prune",
	.group = "Networks",
	.summary = "Remove all networks that no container uses",
	.synopsis = "[OPTIONS]",
	.opts = prune_opts,
	.options_size = sizeof(struct prune_options),
	.run = run_prune,
};
