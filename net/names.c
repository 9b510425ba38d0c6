/* SPDX-License-Identifier: Apache-2.0 */
#include "net/names.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

void names_veth(struct in_addr address, char ret[16])
{
	(void)snprintf(ret, 16, "veth%08x", ntohl(address.s_addr));
}

/* FNV-1a, going on from @value. */
static uint32_t hash_on(uint32_t value, const char *text)
{
	for (const char *c = text; *c; c++)
		value = (value ^ (uint8_t)*c) * 16777619U;
	return value;
}

static uint32_t hash(const char *text)
{
	return hash_on(2166136261U, text);
}

void names_network_id(const char *network, char ret[65])
{
	uint32_t value = hash("network ");

	for (size_t i = 0; i < 8; i++) {
		value = hash_on(value, network);
		(void)snprintf(ret + 8 * i, 9, "%08x", value);
	}
}

void names_bridge(const char *network, char ret[16])
{
	if (strcmp(network, "bridge") == 0)
		(void)snprintf(ret, 16, "minictr0");
	else
		(void)snprintf(ret, 16, "mc-%08x", hash(network));
}

void names_mac(struct in_addr address, uint8_t ret[6])
{
	ret[0] = 0x02;
	ret[1] = 0x42;
	memcpy(ret + 2, &address, sizeof(address));
}

/* "host:ip"; an IPv6 address has colons of its own. */
bool names_host_line(struct str *out, const char *entry, const struct in_addr *gateway)
{
	const char *colon = strchr(entry, ':');
	const char *address = colon ? colon + 1 : NULL;
	char text[INET_ADDRSTRLEN];

	if (address && strcmp(address, "host-gateway") == 0)
		address = gateway ? inet_ntop(AF_INET, gateway, text, sizeof(text)) : NULL;
	if (!address)
		return false;
	str_addf(out, "%s\t%.*s\n", address, (int)(colon - entry), entry);
	return true;
}

void names_hosts(struct str *out, const struct in_addr *addresses, size_t n_addresses,
		 const struct in_addr *gateway, const char *hostname, const struct strv *extra)
{
	char text[INET_ADDRSTRLEN];

	str_add(out, "127.0.0.1\tlocalhost\n"
		     "::1\tlocalhost ip6-localhost ip6-loopback\n"
		     "fe00::0\tip6-localnet\n"
		     "ff00::0\tip6-mcastprefix\n"
		     "ff02::1\tip6-allnodes\n"
		     "ff02::2\tip6-allrouters\n");
	if (!hostname || !*hostname)
		n_addresses = 0;
	else if (n_addresses == 0)
		str_addf(out, "127.0.1.1\t%s\n", hostname);
	for (size_t i = 0; i < n_addresses; i++) {
		(void)inet_ntop(AF_INET, &addresses[i], text, sizeof(text));
		str_addf(out, "%s\t%s\n", text, hostname);
	}
	for (size_t i = 0; extra && i < extra->n; i++)
		(void)names_host_line(out, extra->items[i], gateway);
}

/* The next word of a line at *@at; NULL at its end. */
static const char *next_word(const char **at, const char *end, size_t *ret_len)
{
	static const char blanks[] = " \t\r";
	const char *begin = *at;

	while (begin < end && strchr(blanks, *begin))
		begin++;
	*at = begin;
	while (*at < end && !strchr(blanks, **at))
		(*at)++;
	*ret_len = (size_t)(*at - begin);
	return *ret_len ? begin : NULL;
}

bool names_is_loopback(const char *server)
{
	struct in6_addr v6;
	struct in_addr v4;

	if (inet_pton(AF_INET, server, &v4) == 1)
		return ntohl(v4.s_addr) >> 24 == 127;
	return inet_pton(AF_INET6, server, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

/* What the host's resolver uses; the last `search` or `domain` line wins (resolv.conf(5)). */
struct resolver {
	struct strv servers, search, options;
};

static void read_line(const char *line, const char *end, struct resolver *r)
{
	size_t len = 0;
	const char *keyword = next_word(&line, end, &len);
	const char *word;
	bool is_search;

	if (!keyword || *keyword == '#' || *keyword == ';')
		return;
	if (len == 10 && strncmp(keyword, "nameserver", len) == 0) {
		word = next_word(&line, end, &len);
		if (word)
			strv_addf(&r->servers, "%.*s", (int)len, word);
		return;
	}
	is_search = len == 6 &&
		    (strncmp(keyword, "search", len) == 0 || strncmp(keyword, "domain", len) == 0);
	if (is_search)
		strv_fini(&r->search);
	else if (len != 7 || strncmp(keyword, "options", len) != 0)
		return;
	while ((word = next_word(&line, end, &len)))
		strv_addf(is_search ? &r->search : &r->options, "%.*s", (int)len, word);
}

static void read_resolver(const char *text, struct resolver *r)
{
	while (*text) {
		const char *end = strchr(text, '\n');

		end = end ? end : text + strlen(text);
		read_line(text, end, r);
		text = *end ? end + 1 : end;
	}
}

void names_servers(const char *text, struct strv *ret)
{
	struct resolver r = { 0 };

	read_resolver(text, &r);
	for (size_t i = 0; i < r.servers.n; i++)
		strv_add(ret, r.servers.items[i]);
	strv_fini(&r.servers);
	strv_fini(&r.search);
	strv_fini(&r.options);
}

static void add_words(const char *keyword, const struct strv *words, struct str *out)
{
	if (!words->n)
		return;
	str_add(out, keyword);
	for (size_t i = 0; i < words->n; i++)
		str_addf(out, " %s", words->items[i]);
	str_add(out, "\n");
}

void names_resolv_conf(struct str *out, const char *host_text, const struct strv *servers,
		       const struct strv *search, const struct strv *options)
{
	struct resolver host = { 0 };

	/* Also keeps the file from being empty, which some programs take for a missing one. */
	str_add(out, "# made by minictr for this container\n");
	if (host_text)
		read_resolver(host_text, &host);
	add_words("search", search && search->n ? search : &host.search, out);
	if (servers && servers->n) {
		for (size_t i = 0; i < servers->n; i++)
			str_addf(out, "nameserver %s\n", servers->items[i]);
	} else {
		for (size_t i = 0; i < host.servers.n; i++) {
			if (!names_is_loopback(host.servers.items[i]))
				str_addf(out, "nameserver %s\n", host.servers.items[i]);
		}
	}
	add_words("options", options && options->n ? options : &host.options, out);
	strv_fini(&host.servers);
	strv_fini(&host.search);
	strv_fini(&host.options);
}
