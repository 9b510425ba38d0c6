/* SPDX-License-Identifier: Apache-2.0 */
#include "compose/things.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "compose/labels.h"
#include "engine/networks.h"
#include "engine/options.h"
#include "engine/reclaim.h"
#include "net/endpoint.h"
#include "net/network.h"
#include "net/subnet.h"

int things_find_network(const struct engine_dirs *dirs, const char *name, char **ret_hash,
			struct error *err)
{
	auto_networks struct networks networks = NETWORKS_CLOSED;
	auto_network_record struct network_record record = { 0 };
	int rc = networks_open(dirs, &networks, err);

	if (rc == 0)
		rc = network_find(&networks.dir, name, &record, err);
	/* It may have been found by the beginning of its id. */
	if (rc != 1 || strcmp(record.network.name, name) != 0)
		return rc < 0 ? rc : 0;
	*ret_hash = xstrdup(strv_getenv(&record.labels, LABEL_HASH));
	return 1;
}

static int read_wish(const struct network_wish *wish, struct network_record *record,
		     struct error *err)
{
	struct network *network = &record->network;
	struct subnet subnet;
	int rc;

	if (snprintf(network->name, sizeof(network->name), "%s", wish->name) >=
	    (int)sizeof(network->name))
		return err_set(err, EINVAL, "'%.100s' is too long for the name of a network",
			       wish->name);
	strv_setenv(&record->labels, LABEL_PROJECT, wish->project);
	strv_setenv(&record->labels, LABEL_NETWORK, wish->key);
	strv_setenv(&record->labels, LABEL_HASH, wish->hash);
	network->is_internal = wish->is_internal;
	if (wish->is_isolated && network_option(record, "isolated=true", err) < 0)
		return -err->code;
	if (wish->gateway && inet_pton(AF_INET, wish->gateway, &network->gateway) != 1)
		return err_set(err, EINVAL, "gateway '%.100s' is no IPv4 address", wish->gateway);
	if (!wish->subnet)
		return 0;
	rc = subnet_parse(wish->subnet, &subnet, err);
	if (rc < 0)
		return rc;
	network->subnet = subnet.address;
	network->prefix = subnet.prefix;
	return 0;
}

int things_make_network(const struct engine_dirs *dirs, const struct network_wish *wish,
			struct error *err)
{
	auto_networks struct networks networks = NETWORKS_CLOSED;
	auto_network_record struct network_record record = { 0 };
	int rc = networks_open(dirs, &networks, err);

	if (rc == 0)
		rc = read_wish(wish, &record, err);
	return rc < 0 ? rc : network_create(&networks.dir, &record, err);
}

int things_remove_network(const struct engine_dirs *dirs, const char *name, struct error *err)
{
	auto_networks struct networks networks = NETWORKS_CLOSED;
	int rc = networks_open(dirs, &networks, err);

	if (rc == 0)
		rc = network_remove(&networks.dir, name, err);
	/* Who is in it may be dead. */
	if (rc == -EBUSY) {
		reclaim_leases(dirs, &networks);
		rc = network_remove(&networks.dir, name, err);
	}
	if (rc == -ENOENT)
		return 0;
	return rc < 0 ? rc : 1;
}

int things_hold_port(const struct engine_dirs *dirs, const struct run_options *options,
		     size_t index, struct held_ports *held, struct error *err)
{
	const struct endpoint endpoint = {
		.project = options->project,
		.service = options->service,
		.ports = &options->ports[index],
		.n_ports = 1,
	};
	auto_networks struct networks networks = NETWORKS_CLOSED;
	int rc = networks_open(dirs, &networks, err);

	return rc < 0 ? rc : endpoint_hold_ports(&networks.dir, &endpoint, held, err);
}

int things_remove_volume(const struct engine_dirs *dirs, const char *name, struct error *err)
{
	auto_free char *path = path_join(dirs->data, "volumes");
	auto_fd int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;
	int rc;

	if (fd < 0)
		return errno == ENOENT ? 0 : err_sys(err, "open '%s'", path);
	if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : err_sys(err, "look for volume '%s'", name);
	rc = tree_remove_at(&(struct dir){ .fd = fd, .path = path }, name, err);
	return rc < 0 ? err_wrap(err, "remove volume '%s'", name) : 1;
}
