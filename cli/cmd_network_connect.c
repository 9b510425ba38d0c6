/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "cli/cmd_network.h"
#include "engine/options.h"
#include "engine/verbs.h"

static int check_root(struct error *err)
{
	return geteuid() == 0 ? 0 : err_set(err, EPERM, "networks are root's");
}

/* ---- connect ---------------------------------------------------------------------------------- */

struct connect_options {
	struct strv aliases;
	char *address;
};

static int parse_address(const char *text, void *field, struct error *err)
{
	char **address = field;
	struct in_addr ignored;

	if (inet_pton(AF_INET, text, &ignored) != 1)
		return err_set(err, EINVAL, "'%s' is no IPv4 address", text);
	free(*address);
	*address = xstrdup(text);
	return 0;
}

static const struct opt connect_opts[] = {
	{ "alias", 0, OPT_LIST, OPT_FIELD(struct connect_options, aliases), "NAME",
	  "A further name of the container in that network" },
	{ "ip", 0, OPT_PARSE, OPT_FIELD(struct connect_options, address), "ADDRESS",
	  "Its address there; the next free one otherwise", .parse = parse_address },
	OPTS_END,
};

static void connect_fini(void *options)
{
	struct connect_options *o = options;

	strv_fini(&o->aliases);
	free(o->address);
}

static int run_connect(void *options, const struct strv *args, struct error *err)
{
	struct connect_options *o = options;
	const struct network_request request = {
		.name = args->items[0],
		.aliases = o->aliases,
		.address = o->address,
	};
	int rc = check_root(err);

	return rc < 0 ? rc : verb_connect(&engine_dirs, args->items[1], &request, err);
}

const struct command cmd_net_connect = {
	.name = "network connect",
	.group = "Networks",
	.summary = "Connect a container to a network",
	.synopsis = "[OPTIONS] NETWORK CONTAINER",
	.details =
		"One that runs gets a further interface at once, others when they start.  The default\n"
		"route and published ports come along if the container has had no way out so far.",
	.opts = connect_opts,
	.options_size = sizeof(struct connect_options),
	.options_fini = connect_fini,
	.min_args = 2,
	.max_args = 2,
	.run = run_connect,
};

/* ---- disconnect ------------------------------------------------------------------------------- */

struct disconnect_options {
	bool is_forced;
};

static const struct opt disconnect_opts[] = {
	{ "force", 'f', OPT_FLAG, OPT_FIELD(struct disconnect_options, is_forced), NULL,
	  "What is not there need not be disconnected" },
	OPTS_END,
};

static int run_disconnect(void *options, const struct strv *args, struct error *err)
{
	const struct disconnect_options *o = options;
	int rc = check_root(err);

	if (rc == 0)
		rc = verb_disconnect(&engine_dirs, args->items[1], args->items[0], err);
	return rc == -ENOENT && o->is_forced ? 0 : rc;
}

const struct command cmd_net_disconnect = {
	.name = "network disconnect",
	.group = "Networks",
	.summary = "Take a container out of a network",
	.synopsis = "[OPTIONS] NETWORK CONTAINER",
	.details =
		"If its default route went by that network it goes by another one from then on, and\n"
		"so do published ports, if there is one with a way out.",
	.opts = disconnect_opts,
	.options_size = sizeof(struct disconnect_options),
	.min_args = 2,
	.max_args = 2,
	.run = run_disconnect,
};
