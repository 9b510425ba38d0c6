/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
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

/* What its place in the @i-th network is going to be, but for the interface and the route. */
static int describe(struct run *run, const struct dir *networks, size_t i, struct endpoint *e,
		    struct error *err)
{
	struct record *record = &run->record;
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
	return 0;
}

/* The default route goes by it, and published ports lead to it. */
static void give_route(struct run *run, struct endpoint *e)
{
	e->has_route = true;
	e->ports = run->record.ports;
	e->n_ports = run->record.n_ports;
}

/* The networks, and what its place in each is going to be. */
static int begin(struct run *run, const struct dir *networks, struct error *err)
{
	struct record *record = &run->record;
	bool has_route = false;

	run->endpoints = xcalloc(record->networks.n, sizeof(*run->endpoints));
	run->n_endpoints = record->networks.n;
	for (size_t i = 0; i < run->n_endpoints; i++) {
		struct endpoint *e = &run->endpoints[i];
		int rc = describe(run, networks, i, e, err);

		if (rc < 0)
			return rc;
		e->index = (uint32_t)i;
		if (!has_route && !e->network.is_internal)
			give_route(run, e);
		has_route = has_route || e->has_route;
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
static int reserve_one(struct run *run, const struct dir *networks, size_t i, struct error *err)
{
	struct record *record = &run->record;
	struct endpoint *e = &run->endpoints[i];
	const char *wanted =
		i < record->options.n_networks ? record->options.networks[i].address : NULL;
	const char *last = i < record->addresses.n ? record->addresses.items[i] : "";
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
static int reserve_patiently(struct run *run, const struct networks *networks, size_t i,
			     struct error *err)
{
	struct endpoint *e = &run->endpoints[i];
	struct in_addr address = e->address;
	int rc = reserve_one(run, &networks->dir, i, err);

	if (rc >= 0 || (err->code != EADDRINUSE && err->code != ENOSPC))
		return rc;
	reclaim_leases(run->dirs, networks);
	e->address = address;
	return reserve_one(run, &networks->dir, i, err);
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
		rc = reserve_patiently(run, &networks, i, err);
	if (rc < 0)
		return rc;
	note_addresses(run);
	run->has_resolver = resolver_is_wanted(&run->record);
	return note_ports(run, err);
}

/* ---- while it runs ---------------------------------------------------------------------------- */

/* Of its interfaces: eth0, eth1 and so on. */
static uint32_t free_index(const struct run *run)
{
	uint32_t index = 0;

	for (size_t i = 0; i < run->n_endpoints; i++) {
		if (run->endpoints[i].index == index) {
			index++;
			i = SIZE_MAX;
		}
	}
	return index;
}

static void let_ports_go(struct run *run)
{
	for (size_t i = 0; i < run->n_port_fds; i++)
		close_fd(&run->port_fds[i]);
	free(take_ptr(run->port_fds));
	run->n_port_fds = 0;
}

/* Its namespace, held by the fd that is returned. */
static int open_netns(const struct run *run, char path[48], struct error *err)
{
	int fd;

	(void)snprintf(path, 48, "/proc/%d/ns/net", run->container.pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? err_sys(err, "open '%s'", path) : fd;
}

/* A service's replica is asked for there, too, if it is anywhere. */
static int tell_ready(const struct run *run, const struct dir *networks, struct error *err)
{
	return run->is_ready ? endpoint_set_ready(networks, run->record.id, true, err) : 0;
}

static int add_endpoint(struct run *run, const struct dir *networks, struct error *err)
{
	size_t at = run->n_endpoints;
	uint32_t index = free_index(run);
	struct endpoint *e;
	int rc;

	run->endpoints = xrealloc(run->endpoints, at + 1, sizeof(*run->endpoints));
	e = &run->endpoints[at];
	*e = (struct endpoint){ .index = index };
	rc = describe(run, networks, at, e, err);
	if (rc < 0)
		return rc;
	/* What others pointed to may have moved. */
	for (size_t i = 0; i < at; i++)
		run->endpoints[i].aliases = &run->record.options.networks[i].aliases;
	if (!e->network.is_internal && !(at && run_main_endpoint(run)->has_route)) {
		let_ports_go(run);
		give_route(run, e);
	}
	run->n_endpoints++;
	return reserve_one(run, networks, at, err);
}

int run_connect(struct run *run, struct error *err)
{
	auto_networks struct networks networks = NETWORKS_CLOSED;
	auto_fd int fd = -1;
	char path[48];
	int rc = networks_open(run->dirs, &networks, err);

	if (rc == 0)
		rc = fd = open_netns(run, path, err);
	if (rc >= 0)
		rc = add_endpoint(run, &networks.dir, err);
	if (rc == 0)
		rc = endpoint_attach(&networks.dir, &run->endpoints[run->n_endpoints - 1],
				     &(struct netns){ fd, path }, err);
	if (rc < 0)
		return rc;
	note_addresses(run);
	return tell_ready(run, &networks.dir, err);
}

/* The first that has a way out. */
static int move_route(struct run *run, const struct dir *networks, struct error *err)
{
	auto_fd int fd = -1;
	char path[48];
	int rc;

	for (size_t i = 0; i < run->n_endpoints; i++) {
		struct endpoint *e = &run->endpoints[i];

		if (e->network.is_internal)
			continue;
		fd = open_netns(run, path, err);
		if (fd < 0)
			return fd;
		give_route(run, e);
		rc = endpoint_take_route(networks, e, &(struct netns){ fd, path }, err);
		return rc < 0 ? rc : tell_ready(run, networks, err);
	}
	return 0;
}

int run_disconnect(struct run *run, const char *network, struct error *err)
{
	auto_networks struct networks networks = NETWORKS_CLOSED;
	int rc = networks_open(run->dirs, &networks, err);

	if (rc == 0)
		rc = endpoint_release(&networks.dir, network, run->record.id, err);
	for (size_t i = 0; rc == 0 && i < run->n_endpoints; i++) {
		bool had_route = run->endpoints[i].has_route;

		if (strcmp(run->endpoints[i].network.name, network) != 0)
			continue;
		run->n_endpoints--;
		memmove(&run->endpoints[i], &run->endpoints[i + 1],
			(run->n_endpoints - i) * sizeof(*run->endpoints));
		return had_route ? move_route(run, &networks.dir, err) : 0;
	}
	return rc;
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
	let_ports_go(run);
	free(take_ptr(run->endpoints));
	run->n_endpoints = 0;
	run->is_ready = false;
}
