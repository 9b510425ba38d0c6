/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The network folder as a program, for tests/integration/endpoints:
 *
 *	net_endpoint [OPTION] DIR ensure NETWORK
 *	net_endpoint [OPTION] DIR create NETWORK SUBNET|- [internal]
 *	net_endpoint [OPTION] DIR reserve NETWORK ID[@ADDRESS] [PORT...]
 *	net_endpoint [OPTION] DIR attach NETWORK ID NETNS [PORT...]   ensure, reserve and attach
 *	net_endpoint [OPTION] DIR hold NETWORK ID NETNS [PORT...]     and then keep the ports
 *	net_endpoint [OPTION] DIR release NETWORK ID
 *	net_endpoint DIR time NETWORK N
 *	net_endpoint DIR rules -
 *
 * It tells the address, and each published port; errors as minictr does.  --explain tells the steps;
 * --no-nft does it as on a kernel without nf_tables.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <seccomp.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/explain.h"
#include "net/endpoint.h"
#include "net/ipam.h"
#include "net/network.h"
#include "net/nft.h"
#include "net/nl.h"
#include "net/rules.h"

enum { PORTS_MAX = 16 };

struct call {
	struct dir dir;
	const char *network;
	const char *id;
	const char *netns;
	struct port_mapping ports[PORTS_MAX];
	size_t n_ports;
};

static int parse_ports(struct call *c, char **texts, struct error *err)
{
	for (; *texts; texts++) {
		int rc = parse_port(*texts, &c->ports[c->n_ports++], err);

		if (rc < 0)
			return rc;
	}
	return 0;
}

static int reserve(struct call *c, struct endpoint *e, int **fds, size_t *n_fds, struct error *err)
{
	const char *at = strchr(c->id, '@');
	int rc = network_ensure(&c->dir, c->network, &e->network, err);

	e->has_route = true;
	e->ports = c->ports;
	e->n_ports = c->n_ports;
	(void)snprintf(e->container_id, sizeof(e->container_id), "%.*s", (int)strcspn(c->id, "@"),
		       c->id);
	if (at && inet_pton(AF_INET, at + 1, &e->address) != 1)
		return err_set(err, EINVAL, "'%s' is no address", at + 1);
	if (rc == 0)
		rc = endpoint_reserve(&c->dir, e, fds, n_fds, err);
	return rc;
}

static int attach(struct call *c, const struct endpoint *e, struct error *err)
{
	auto_fd int fd = open(c->netns, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(err, "open '%s'", c->netns);
	return endpoint_attach(&c->dir, e, &(struct netns){ fd, c->netns }, err);
}

static void show(const struct endpoint *e)
{
	char text[INET_ADDRSTRLEN];

	(void)inet_ntop(AF_INET, &e->address, text, sizeof(text));
	printf("%s", text);
	for (size_t i = 0; i < e->n_ports; i++) {
		auto_str struct str port = { 0 };

		port_format(&e->ports[i], &port);
		printf(" %s", port.text);
	}
	printf("\n");
	(void)fflush(stdout);
}

static int run(struct call *c, const char *verb, struct error *err)
{
	auto_free int *fds = NULL;
	size_t n_fds = 0;
	struct endpoint e = { 0 };
	int rc = reserve(c, &e, &fds, &n_fds, err);

	if (rc == 0 && strcmp(verb, "reserve") != 0)
		rc = attach(c, &e, err);
	if (rc < 0)
		return rc;
	show(&e);
	if (strcmp(verb, "hold") == 0)
		(void)pause();
	return 0;
}

static int create(const struct call *c, const char *subnet_text, bool is_internal,
		  struct error *err)
{
	auto_network_record struct network_record record = { 0 };
	struct subnet subnet = { 0 };
	int rc = strcmp(subnet_text, "-") == 0 ? 0 : subnet_parse(subnet_text, &subnet, err);

	if (rc < 0)
		return rc;
	(void)snprintf(record.network.name, NETWORK_NAME_MAX, "%s", c->network);
	record.network.is_internal = is_internal;
	record.network.subnet = subnet.address;
	record.network.prefix = subnet.prefix;
	return network_create(&c->dir, &record, err);
}

/* ---- how long it takes ---- */

static uint64_t now_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static int by_value(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* A process in a network namespace of its own. */
static pid_t start_namespace(void)
{
	int fds[2];
	char byte;
	pid_t pid;

	if (pipe(fds) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		if (unshare(CLONE_NEWNET) < 0 || write(fds[1], "x", 1) != 1)
			_exit(1);
		(void)pause();
		_exit(0);
	}
	(void)!read(fds[0], &byte, 1);
	(void)close(fds[0]);
	(void)close(fds[1]);
	return pid;
}

enum { ENSURE, RESERVE, ATTACH, RELEASE, N_PARTS };

static int time_once(struct call *c, int us[N_PARTS], struct error *err)
{
	pid_t pid = start_namespace();
	auto_free char *netns = xasprintf("/proc/%d/ns/net", pid);
	struct network network;
	struct endpoint e = { 0 };
	auto_free int *fds = NULL;
	size_t n_fds = 0;
	uint64_t begun = now_us();
	int rc = network_ensure(&c->dir, c->network, &network, err);

	us[ENSURE] = (int)(now_us() - begun);
	c->netns = netns;
	(void)parse_port("0:80", &c->ports[0], err);
	c->n_ports = 1;
	e.network = network;
	e.has_route = true;
	e.ports = c->ports;
	e.n_ports = c->n_ports;
	(void)snprintf(e.container_id, sizeof(e.container_id), "%s", c->id);
	begun = now_us();
	if (rc == 0)
		rc = endpoint_reserve(&c->dir, &e, &fds, &n_fds, err);
	us[RESERVE] = (int)(now_us() - begun);
	begun = now_us();
	if (rc == 0)
		rc = attach(c, &e, err);
	us[ATTACH] = (int)(now_us() - begun);
	(void)usleep(20000);
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	begun = now_us();
	if (rc == 0)
		rc = endpoint_release(&c->dir, c->network, c->id, err);
	us[RELEASE] = (int)(now_us() - begun);
	for (size_t i = 0; i < n_fds; i++)
		(void)close(fds[i]);
	return rc;
}

static int time_all(struct call *c, int n, struct error *err)
{
	static const char *const names[N_PARTS] = { "ensure", "reserve", "attach", "release" };
	auto_free int *us = xcalloc((size_t)n, N_PARTS * sizeof(int));
	auto_free int *column = xcalloc((size_t)n, sizeof(int));

	c->id = "timed";
	for (int i = 0; i < n; i++) {
		int rc = time_once(c, us + i * N_PARTS, err);

		if (rc < 0)
			return rc;
	}
	for (int part = 0; part < N_PARTS; part++) {
		for (int i = 0; i < n; i++)
			column[i] = us[i * N_PARTS + part];
		qsort(column, (size_t)n, sizeof(int), by_value);
		printf("%-8s median %5d us, least %5d, most %5d\n", names[part], column[n / 2],
		       column[0], column[n - 1]);
	}
	return 0;
}

/* ---- a kernel without nf_tables ---- */

static int without_nft(struct error *err)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int rc = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPROTONOSUPPORT), SCMP_SYS(socket), 2,
				  SCMP_A0(SCMP_CMP_EQ, AF_NETLINK),
				  SCMP_A2(SCMP_CMP_EQ, NETLINK_NETFILTER));

	if (rc == 0)
		rc = seccomp_load(filter);
	seccomp_release(filter);
	if (rc < 0)
		return err_set(err, -rc, "forbid nf_tables: %s", err_text(-rc));
	return 0;
}

/* ---- which verb ---- */

/* Makes the table with some elements in it, and tells what nft would read to do the same. */
static int build_rules(struct error *err)
{
	auto_rules_elements struct rules_elements elements = { 0 };
	auto_str struct str text = { 0 };
	struct port_mapping port = {
		.host_port = 8080, .container_port = 80, .count = 2, .protocol = IPPROTO_TCP
	};
	struct port_mapping slots = { .host_port = 8090, .count = 1, .protocol = IPPROTO_TCP };
	const struct in_addr one = { htonl(0x0a580002) };
	const struct in_addr two = { htonl(0x0a580003) };
	const struct in_addr targets[] = { one, two };
	const struct rules_network first = { .bridge = "minictr0",
					     .subnet = { { htonl(0x0a580000) }, 24 } };
	const struct rules_network second = { .bridge = "minictr1",
					      .subnet = { { htonl(0x0a590000) }, 16 },
					      .is_internal = true,
					      .is_isolated = true };
	struct nl *nl;
	int rc = nft_socket(&nl, err);

	rules_add_network(&elements, &first);
	rules_add_network(&elements, &second);
	rules_add_ports(&elements, &port, one);
	rules_add_slots(&elements, &slots, targets, 2);
	port.protocol = slots.protocol = IPPROTO_UDP;
	(void)snprintf(port.host_ip, sizeof(port.host_ip), "192.0.2.1");
	(void)snprintf(slots.host_ip, sizeof(slots.host_ip), "192.0.2.1");
	rules_add_ports(&elements, &port, two);
	rules_add_slots(&elements, &slots, targets, 2);
	rules_add_siblings(&elements, one, two);
	rules_add_allowed(&elements, two, one, &port);
	rules_text(&elements, &text);
	printf("%s", text.text);
	return rc < 0 ? rc : nft_build(nl, &elements, err);
}

static int call(int argc, char **argv, struct error *err)
{
	struct call c = { .dir = { .path = argv[0] }, .network = argv[2] };
	const char *verb = argv[1];
	bool has_netns = strcmp(verb, "attach") == 0 || strcmp(verb, "hold") == 0;
	auto_fd int fd = open(argv[0], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct network network;
	int rc;

	if (fd < 0)
		return err_sys(err, "open '%s'", argv[0]);
	c.dir.fd = fd;
	if (strcmp(verb, "rules") == 0)
		return build_rules(err);
	if (strcmp(verb, "ensure") == 0)
		return network_ensure(&c.dir, c.network, &network, err);
	if (argc < 4 || (has_netns && argc < 5) || argc > 5 + PORTS_MAX)
		return err_set(err, EINVAL, "wrong arguments");
	c.id = argv[3];
	if (strcmp(verb, "create") == 0)
		return create(&c, argv[3], argc > 4, err);
	if (strcmp(verb, "release") == 0)
		return endpoint_release(&c.dir, c.network, c.id, err);
	if (strcmp(verb, "time") == 0)
		return time_all(&c, atoi(argv[3]), err);
	c.netns = argv[4];
	rc = parse_ports(&c, argv + (has_netns ? 5 : 4), err);
	return rc < 0 ? rc : run(&c, verb, err);
}

int main(int argc, char **argv)
{
	bool has_option = argc > 1 && argv[1][0] == '-';
	bool is_explained = has_option && strcmp(argv[1], "--explain") == 0;
	struct error err = { 0 };
	int steps = -1;
	int rc = 0;

	argc -= 1 + has_option;
	argv += 1 + has_option;
	if (argc < 3) {
		fputs("usage: net_endpoint [--explain|--no-nft] DIR VERB NETWORK ...\n", stderr);
		return 2;
	}
	if (is_explained)
		steps = explain_begin(&err);
	else if (has_option)
		rc = without_nft(&err);
	if (rc == 0)
		rc = call(argc, argv, &err);
	if (is_explained) {
		auto_str struct str text = { 0 };

		(void)explain_read(EXPLAIN_TEXT, steps, &text, &err);
		fputs(text.text ? text.text : "", stderr);
	}
	if (rc < 0)
		fprintf(stderr, "net_endpoint: %s\n", err.msg);
	return rc < 0 ? 1 : 0;
}
