/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

struct port_mapping;

/* What the parts of `inspect` share. */

/* NULL becomes "", as docker has it. */
void inspect_put_text(json_t *object, const char *key, const char *text);

/* "80/tcp": the container's @i-th port of the range. */
void inspect_port_key(const struct port_mapping *port, unsigned int i, char ret[32]);

/*
 * Adds {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8080"}]} for each port of the range; @all is
 * what stands for all addresses.
 */
void inspect_add_ports(const struct port_mapping *port, const char *all, json_t *ports);
