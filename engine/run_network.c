/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/step.h"
#include "engine/networks.h"
#include "engine/reclaim.h"
#include "engine/resolver.h"
#include "engine/run_internal.h"

bool run_has_endpoint(const struct record *record)
{
	return record->networks.n && !network_is_pseudo(record->networks.items[0]);
}

const struct endpoint *run_main_endpoint(const struct run *run)
{
	for (size_t i = 0; i < run->n_endpoints; i++) {
		if (run->endpoints[i].has_route)
			return &run->endpoints[i];
	}
	return run->n_endpoints ? &run->endpoints[0] : NULL;
}

/* ---- reserve ---------------------------------------------------------------------------------- */

/* The networks, and what its place in each is going to be. */
static int begin(struct run *run, const struct dir *networks, struct error *err)
{
	struct record *record = &run->record;
	bool has_route = false;

	run->endpoints = xcalloc(record->networks.n, sizeof(*run->endpoints));
	run->n_endpoints = record->networks.n;
	for (size_t i = 0; i < run->n_endpoints; i++) {
		struct endpoint *e = &run->endpoints[i];
		int rc = network_ensure(networks, record->networks.items[i], &e->network, err);

		if (rc < 0)
			return rc;
		memcpy(e->container_id, record->id, sizeof(record->id));
		e->container_name = record->name;
		if (i < record->options.n_networks)
			e->aliases = &record->options.networks[i].aliases;
		e->service = record->options.service;
		e->project = record->options.project;
		e->allows = &record->options.allows;
		/* A service's replica once it runs, and is healthy. */
		e->is_ready = !e->service;
		e->index = (uint32_t)i;
		e->has_route = !has_route && !e->network.is_internal;
		has_route = has_route || e->has_route;
		if (e->has_route) {
			e->ports = record->ports;
			e->n_ports = record->n_ports;
		}
	}
	if (record->n_ports && !has_route)
		return err_set(err, EINVAL, "publish ports: network '%s' is internal",
			       record->networks.items[0]);
	return 0;
}

/* What was asked for, without what the host chose then. */
static void forget_choices(struct record *record, struct endpoint *e)
{
	e->address.s_addr = 0;
	for (size_t i = 0; i < e->n_ports; i++)
		e->ports[i] = record->options.ports[i];
}

/* One that is made again gets what it had, unless others have that by now. */
static int reserve_one(struct run *run, const struct dir *networks, struct endpoint *e,
		       struct error *err)
{
	struct record *record = &run->record;
	const char *wanted = e->index < record->options.n_networks
				     ? record->options.networks[e->index].address
				     : NULL;
	const char *last = e->index < record->addresses.n ? record->addresses.items[e->index] : "";
	bool has_choices = inet_pton(AF_INET, wanted ? wanted : last, &e->address) == 1;
	struct error why;
	int *fds = NULL;
	size_t n = 0;
	int rc = endpoint_reserve(networks, e, &fds, &n, err);

	if (rc < 0 && has_choices && !wanted) {
		forget_choices(record, e);
		rc = endpoint_reserve(networks, e, &fds, &n, &why);
		if (rc < 0)
			*err = why;
	}
	if (n) {
		run->port_fds = fds;
		run->n_port_fds = n;
	} else {
		free(fds);
	}
	return rc;
}

/* Who has what it wants may be dead. */
static int reserve_patiently(struct run *run, const struct networks *networks, struct endpoint *e,
			     struct error *err)
{
	struct in_addr address = e->address;
	int rc = reserve_one(run, &networks->dir, e, err);

	if (rc >= 0 || (err->code != EADDRINUSE && err->code != ENOSPC))
		return rc;
	reclaim_leases(run->dirs, networks);
	e->address = address;
	return reserve_one(run, &networks->dir, e, err);
}

static void note_addresses(struct run *run)
{
	struct strv addresses = { 0 };

	for (size_t i = 0; i < run->n_endpoints; i++) {
		char text[INET_ADDRSTRLEN];

		(void)inet_ntop(AF_INET, &run->endpoints[i].address, text, sizeof(text));
		strv_add(&addresses, text);
	}
	strv_fini(&run->record.addresses);
	run->record.addresses = addresses;
}

/* With ports that the host chose, the record is written again: they are what `ps` shows. */
static int note_ports(struct run *run, struct error *err)
{
	const struct run_options *o = &run->record.options;

	for (size_t i = 0; i < o->n_ports; i++) {
		if (!o->ports[i].host_port)
			return record_write(&run->place, &run->record, err);
	}
	return 0;
}

int run_reserve(struct run *run, struct error *err)
{
	auto_networks struct networks networks = NETWORKS_CLOSED;
	int rc;

	if (!run_has_endpoint(&run->record))
		return 0;
	rc = networks_open(run->dirs, &networks, err);
	if (rc == 0) {
		reclaim_after_boot(run->dirs, &networks);
		rc = begin(run, &networks.dir, err);
	}
	for (size_t i = 0; rc == 0 && i < run->n_endpoints; i++)
		rc = reserve_patiently(run, &networks, &run->endpoints[i], err);
	if (rc < 0)
		return rc;
	note_addresses(run);
	run->has_resolver = resolver_is_wanted(&run->record);
	return note_ports(run, err);
}

/* ---- attach and release ----------------------------------------------------------------------- */

int run_attach(void *arg, pid_t pid, int netns_fd, struct error *err)
{
	struct run *run = arg;
	auto_networks struct networks networks = NETWORKS_CLOSED;
	char path[48];
	const struct netns netns = { .fd = netns_fd, .path = path };
	int rc = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	if (run->n_endpoints)
		rc = networks_open(run->dirs, &networks, err);
	for (size_t i = 0; rc == 0 && i < run->n_endpoints; i++)
		rc = endpoint_attach(&networks.dir, &run->endpoints[i], &netns, err);
	if (rc == 0 && run->has_resolver)
		rc = resolver_open(run->dirs, &run->record, &netns, &run->resolver, err);
	return rc;
}

int run_set_ready(struct run *run, bool is_ready, struct error *err)
{
	auto_networks struct networks networks = NETWORKS_CLOSED;
	int rc;

	if (run->is_ready == is_ready || !run->record.options.service || run->n_endpoints == 0)
		return 0;
	rc = networks_open(run->dirs, &networks, err);
	if (rc == 0)
		rc = endpoint_set_ready(&networks.dir, run->record.id, is_ready, err);
	if (rc == 0)
		run->is_ready = is_ready;
	return rc;
}

int run_offer(struct run *run, struct error *err)
{
	if (!run_has_health_check(run))
		return run_set_ready(run, true, err);
	if (run->record.options.service && run->record.n_ports)
		step_note("its ports are published once it is healthy");
	return 0;
}

int run_release(struct run *run, struct error *err)
{
	auto_networks struct networks networks = NETWORKS_CLOSED;
	int rc;

	if (!run_has_endpoint(&run->record))
		return 0;
	rc = networks_open(run->dirs, &networks, err);
	if (rc < 0)
		return rc;
	run_stop_resolver(run);
	rc = endpoint_release(&networks.dir, NULL, run->record.id, err);
	for (size_t i = 0; i < run->n_port_fds; i++)
		close_fd(&run->port_fds[i]);
	run->n_port_fds = 0;
	return rc;
}

void run_stop_resolver(struct run *run)
{
	resolver_free(take_ptr(run->resolver));
}

void run_forget_networks(struct run *run)
{
	run_stop_resolver(run);
	run->has_resolver = false;
	for (size_t i = 0; i < run->n_port_fds; i++)
		close_fd(&run->port_fds[i]);
	free(take_ptr(run->port_fds));
	run->n_port_fds = 0;
	free(take_ptr(run->endpoints));
	run->n_endpoints = 0;
	run->is_ready = false;
}
