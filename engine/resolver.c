/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/resolver.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/step.h"
#include "engine/networks.h"
#include "net/dns_server.h"
#include "net/names.h"
#include "net/network.h"
#include "net/peers.h"
#include "net/redirect.h"

#define HOST_CONF "/etc/resolv.conf"

/* What systemd-resolved asks itself, where /etc/resolv.conf names only its own address. */
#define UPSTREAM_CONF "/run/systemd/resolve/resolv.conf"

#define CONF_MAX (256U << 10)

enum { DNS_PORT = 53 };

struct resolver {
	const struct record *record;
	struct networks networks;
	struct peers *peers;
	struct dns_server *server;
	int udp, tcp;            /* until there is a server */
	int netns;               /* the container's; -1: not needed */
	bool has_way_out;        /* as the server was told */
	struct timespec changed; /* the host's resolv.conf, likewise */
};

/* ---- the host's servers ----------------------------------------------------------------------- */

static char *read_conf(const char *path)
{
	struct error ignored;
	char *text = NULL;

	return file_read(path, CONF_MAX, &text, NULL, &ignored) < 0 ? xstrdup("") : text;
}

/* It names servers, and all of them are on the loopback. */
static bool is_on_loopback(const char *text)
{
	auto_strv struct strv servers = { 0 };

	names_servers(text, &servers);
	for (size_t i = 0; i < servers.n; i++) {
		if (!names_is_loopback(servers.items[i]))
			return false;
	}
	return servers.n > 0;
}

char *resolver_host_text(void)
{
	auto_free char *text = read_conf(HOST_CONF);
	auto_free char *other = is_on_loopback(text) ? read_conf(UPSTREAM_CONF) : NULL;
	auto_strv struct strv servers = { 0 };

	if (other)
		names_servers(other, &servers);
	return servers.n ? take_ptr(other) : take_ptr(text);
}

bool resolver_is_wanted(const struct record *record)
{
	auto_free char *text = NULL;

	if (record->networks.n == 0 || network_is_pseudo(record->networks.items[0]))
		return false;
	if (record->networks.n > 1 || !str_eq(record->networks.items[0], NETWORK_DEFAULT))
		return true;
	if (record->options.dns.n)
		return false;
	text = resolver_host_text();
	return is_on_loopback(text);
}

/* ---- whom to ask ------------------------------------------------------------------------------ */

/* "fe80::1%eth0": an address that means something on one interface only. */
static bool parse_server(const char *text, struct sockaddr_storage *ret)
{
	size_t len = strcspn(text, "%");
	auto_free char *address = xstrndup(text, len);
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(DNS_PORT) };
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(DNS_PORT) };

	*ret = (struct sockaddr_storage){ 0 };
	if (inet_pton(AF_INET, text, &v4.sin_addr) == 1) {
		memcpy(ret, &v4, sizeof(v4));
		return true;
	}
	if (inet_pton(AF_INET6, address, &v6.sin6_addr) != 1)
		return false;
	if (text[len])
		v6.sin6_scope_id = if_nametoindex(text + len + 1);
	memcpy(ret, &v6, sizeof(v6));
	return true;
}

static size_t parse_servers(const struct strv *servers, struct sockaddr_storage *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < servers->n && n < DNS_UPSTREAMS_MAX; i++)
		n += parse_server(servers->items[i], &ret[n]);
	return n;
}

/* Tells the server when something has changed: looked at whenever somebody asks for a name. */
static void refresh_upstreams(struct resolver *r)
{
	struct sockaddr_storage upstreams[DNS_UPSTREAMS_MAX];
	const struct strv *given = &r->record->options.dns;
	bool has_way_out = peers_have_way_out(r->peers);
	auto_strv struct strv servers = { 0 };
	struct stat st = { 0 };
	size_t n = 0;

	if (has_way_out && given->n == 0 && stat(HOST_CONF, &st) < 0)
		st = (struct stat){ 0 };
	if (has_way_out == r->has_way_out && st.st_mtim.tv_sec == r->changed.tv_sec &&
	    st.st_mtim.tv_nsec == r->changed.tv_nsec)
		return;
	if (has_way_out && given->n == 0) {
		auto_free char *text = read_conf(HOST_CONF);

		names_servers(text, &servers);
	}
	if (has_way_out)
		n = parse_servers(given->n ? given : &servers, upstreams);
	dns_server_set_upstreams(r->server, upstreams, n);
	r->has_way_out = has_way_out;
	r->changed = st.st_mtim;
}

static bool look_up(void *arg, const char *name, struct dns_addresses *ret)
{
	struct resolver *r = arg;

	refresh_upstreams(r);
	return peers_lookup(r->peers, name, ret);
}

static bool reverse(void *arg, struct in_addr address, char ret[DNS_NAME_MAX])
{
	struct resolver *r = arg;

	refresh_upstreams(r);
	return peers_reverse(r->peers, address, ret);
}

/* ---- its life --------------------------------------------------------------------------------- */

/* The well-known port stays free for the container, where the kernel can do that. */
static int open_sockets(struct resolver *r, const struct netns *netns, struct error *err)
{
	struct in_addr address = { 0 };
	struct error why;
	uint16_t port = 0;
	int rc;

	(void)inet_pton(AF_INET, RESOLVER_ADDRESS, &address);
	rc = dns_sockets_open(netns->fd, address, 0, &r->udp, &r->tcp, &port, err);
	if (rc < 0)
		return rc;
	rc = redirect_port(netns, address, DNS_PORT, port, &why);
	if (rc == 0) {
		step_note("%s:%u is answered by the supervisor, at port %u", RESOLVER_ADDRESS,
			  DNS_PORT, port);
		return 0;
	}
	log_debug("%s", why.msg);
	close_fd(&r->udp);
	close_fd(&r->tcp);
	return dns_sockets_open(netns->fd, address, DNS_PORT, &r->udp, &r->tcp, &port, err);
}

int resolver_open(const struct engine_dirs *dirs, const struct record *record,
		  const struct netns *netns, struct resolver **ret, struct error *err)
{
	struct resolver *r = xcalloc(1, sizeof(*r));
	const struct strv *dns = &record->options.dns;
	int rc;

	*r = (struct resolver){ .record = record, .udp = -1, .tcp = -1, .netns = -1 };
	rc = networks_open(dirs, &r->networks, err);
	if (rc == 0)
		rc = open_sockets(r, netns, err);
	/* 127.0.0.1 that was asked for is the container's own. */
	if (rc == 0 && dns->n && names_is_loopback(dns->items[0])) {
		r->netns = fcntl(netns->fd, F_DUPFD_CLOEXEC, 3);
		rc = r->netns < 0 ? err_sys(err, "keep '%s'", netns->path) : 0;
	}
	if (rc < 0) {
		resolver_free(r);
		return err_wrap(err, "make the resolver");
	}
	r->peers = peers_new(&r->networks.dir, record->id);
	*ret = r;
	return 0;
}

int resolver_start(struct resolver *r, struct loop *loop, struct error *err)
{
	const struct dns_config config = {
		.loop = loop,
		.udp = take_fd(&r->udp),
		.tcp = take_fd(&r->tcp),
		.lookup = look_up,
		.reverse = reverse,
		.arg = r,
		.upstream_netns = r->netns,
	};

	r->server = dns_server_new(&config, err);
	if (!r->server)
		return err_wrap(err, "start the resolver");
	refresh_upstreams(r);
	return 0;
}

void resolver_free(struct resolver *r)
{
	if (!r)
		return;
	dns_server_free(r->server);
	peers_free(r->peers);
	networks_close(&r->networks);
	close_fd(&r->udp);
	close_fd(&r->tcp);
	close_fd(&r->netns);
	free(r);
}
