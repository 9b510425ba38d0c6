/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/parse.h"
#include "compose/shape_internal.h"

static const char *protocol_name(uint8_t protocol)
{
	return protocol == IPPROTO_UDP ? "udp" : protocol == IPPROTO_SCTP ? "sctp" : "tcp";
}

static struct node *number_node(unsigned int number, enum node_kind kind, const struct node *like)
{
	char text[16];

	(void)snprintf(text, sizeof(text), "%u", number);
	return node_new(kind, text, like);
}

/* "8000-8001:80-81/udp" -> a map for each port. */
static int add_short(struct node *list, const struct node *item, struct error *err)
{
	struct port_mapping mapping = { 0 };
	int rc = parse_port(item->text, &mapping, err);

	if (rc < 0)
		return node_wrap(item, err);
	if (list->n + mapping.count > TREE_MAX_ITEMS)
		return node_error(item, err, "limit: more than %d ports", TREE_MAX_ITEMS);
	for (unsigned int i = 0; i < mapping.count; i++) {
		struct node *map = node_new(NODE_MAP, NULL, item);

		node_add(list, map);
		node_set(map, "target", number_node(mapping.container_port + i, NODE_INT, item));
		if (mapping.host_port)
			node_set(map, "published",
				 number_node(mapping.host_port + i, NODE_TEXT, item));
		if (mapping.host_ip[0])
			node_set_text(map, "host_ip", mapping.host_ip);
		node_set_text(map, "protocol", protocol_name(mapping.protocol));
	}
	return 0;
}

int shape_ports(struct shaper *s, struct node **node, struct error *err)
{
	auto_node struct node *list = node_new(NODE_LIST, NULL, *node);
	int rc = 0;

	(void)s;
	if ((*node)->kind != NODE_LIST)
		return node_wrong(*node, "a list of ports", err);
	for (size_t i = 0; rc == 0 && i < (*node)->n; i++) {
		struct node *item = (*node)->items[i];

		if (item->kind == NODE_MAP)
			node_add(list, node_copy(item));
		else if (node_is_scalar(item) && item->kind != NODE_NULL)
			rc = add_short(list, item, err);
		else
			rc = node_wrong(item, "a port like 8080:80, or a map", err);
	}
	if (rc < 0)
		return rc;
	node_replace(*node, list);
	*node = take_ptr(list);
	return 0;
}

/* A map by the rules of the short form. */
static int check_port(struct node *item, struct error *err)
{
	const char *address = node_get_text(item, "host_ip");
	const char *published = node_get_text(item, "published");
	const char *protocol = node_get_text(item, "protocol");
	auto_free char *text = xasprintf("%s%s%s:%s/%s", address ? address : "", address ? ":" : "",
					 published ? published : "", node_get_text(item, "target"),
					 protocol ? protocol : "tcp");
	struct port_mapping mapping = { 0 };
	int rc = parse_port(text, &mapping, err);

	if (rc < 0)
		return node_wrap(item, err);
	if (mapping.host_ip[0])
		node_set_text(item, "host_ip", mapping.host_ip);
	node_set_text(item, "protocol", protocol_name(mapping.protocol));
	if (!mapping.host_port && published)
		node_free(node_detach(node_get(item, "published")));
	return 0;
}

int check_ports(struct shaper *s, struct node **node, struct error *err)
{
	int rc = 0;

	(void)s;
	for (size_t i = 0; rc == 0 && i < (*node)->n; i++)
		rc = check_port((*node)->items[i], err);
	return rc;
}

static const char *text_or(const struct node *map, const char *key, const char *otherwise)
{
	const char *text = node_get_text(map, key);

	return text ? text : otherwise;
}

char *port_identity(const struct node *item)
{
	return xasprintf("%s:%s:%s/%s", text_or(item, "host_ip", ""),
			 text_or(item, "published", ""), text_or(item, "target", ""),
			 text_or(item, "protocol", "tcp"));
}

int check_expose(struct shaper *s, struct node **node, struct error *err)
{
	struct port_mapping mapping;

	(void)s;
	for (size_t i = 0; i < (*node)->n; i++) {
		const struct node *item = (*node)->items[i];

		if (parse_port(item->text, &mapping, err) < 0)
			return node_wrap(item, err);
		if (strchr(item->text, ':'))
			return node_error(item, err, "'%.60s': only ports of the container",
					  item->text);
	}
	return 0;
}

/* {from: api, port: 5432}: the port has the form of expose. */
int check_allows(struct shaper *s, struct node **node, struct error *err)
{
	struct port_mapping mapping;

	(void)s;
	for (size_t i = 0; i < (*node)->n; i++) {
		struct node *item = (*node)->items[i];
		struct node *port = node_get(item, "port");

		if (parse_port(port->text, &mapping, err) < 0)
			return node_wrap(port, err);
		if (strchr(port->text, ':'))
			return node_error(port, err, "'%.60s': only a port of the container",
					  port->text);
	}
	return 0;
}

char *allow_identity(const struct node *item)
{
	return xasprintf("%s:%s", text_or(item, "from", ""), text_or(item, "port", ""));
}
