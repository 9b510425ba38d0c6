/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/cmd_look.h"
#include "cli/output.h"
#include "cli/ps_text.h"
#include "engine/list.h"
#include "net/ipam.h"

/* PORT[/tcp|udp|sctp] */
static int parse_wanted(const char *text, struct port_mapping *ret, struct error *err)
{
	struct error ignored;

	if (strchr(text, ':') || parse_port(text, ret, &ignored) < 0 || ret->count != 1)
		return err_set(err, EINVAL, "'%s' is no port: like 80 or 53/udp", text);
	return 0;
}

/* What listens on the host for the @i-th port of a range; an address of IPv6 in brackets. */
static void add_host_end(const struct port_mapping *port, unsigned int i, struct str *out)
{
	const char *ip = *port->host_ip ? port->host_ip : "0.0.0.0";
	bool is_ipv6 = strchr(ip, ':');

	str_addf(out, "%s%s%s:%u\n", is_ipv6 ? "[" : "", ip, is_ipv6 ? "]" : "",
		 port->host_port + i);
}

static void add_ports(const struct record *record, const struct port_mapping *wanted,
		      struct str *out)
{
	for (size_t n = 0; n < record->n_ports; n++) {
		const struct port_mapping *port = &record->ports[n];

		for (unsigned int i = 0; i < port->count; i++) {
			unsigned int inner = port->container_port + i;

			if (wanted &&
			    (wanted->container_port != inner || wanted->protocol != port->protocol))
				continue;
			if (!wanted)
				str_addf(out, "%u/%s -> ", inner, port_protocol(port->protocol));
			add_host_end(port, i, out);
		}
	}
}

int ports_text(const struct list_entry *entry, const char *port, struct str *out, struct error *err)
{
	struct port_mapping wanted;
	size_t before = out->len;
	int rc = parse_wanted(port, &wanted, err);

	if (rc < 0)
		return rc;
	/* Published is what can be reached. */
	if (entry->pid)
		add_ports(&entry->record, &wanted, out);
	if (out->len == before)
		return err_set(err, ENOENT, "no public port '%u/%s' published for '%s'",
			       wanted.container_port, port_protocol(wanted.protocol),
			       entry->record.name);
	return 0;
}

static int run_port(void *options, const struct strv *args, struct error *err)
{
	auto_list_entry struct list_entry entry = { 0 };
	auto_str struct str out = { 0 };
	struct port_mapping checked;
	int rc = 0;

	(void)options;
	if (geteuid() != 0)
		return err_set(err, EPERM, "containers are shown to root only");
	if (args->n > 1)
		rc = parse_wanted(args->items[1], &checked, err);
	if (rc == 0)
		rc = list_find(&engine_dirs, args->items[0], &entry, err);
	if (rc == 0 && args->n > 1)
		rc = ports_text(&entry, args->items[1], &out, err);
	else if (rc == 0 && entry.pid)
		add_ports(&entry.record, NULL, &out);
	return rc < 0 ? rc : output_print(&out, err);
}

const struct command cmd_port = {
	.name = "port",
	.group = "Containers",
	.summary = "Show which ports of the host lead into a container",
	.synopsis = "CONTAINER [PORT[/PROTOCOL]]",
	.min_args = 1,
	.max_args = 2,
	.run = run_port,
};
