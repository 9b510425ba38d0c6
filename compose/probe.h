/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

/*
 * What a health check does: the `test` of a project file, or an image's HEALTHCHECK.
 *
 *	["NONE"]                          nothing, not even what the image has
 *	["CMD", "pg_isready", "-q"]       a program in the container
 *	["CMD-SHELL", "curl -f ..."]      by its shell
 *	["HTTP", "http://:8080/health"]   a GET from inside of its network; 200 to 399 is good
 *	["TCP", ":5432"]                  a connection from inside of its network
 *
 * The last two need nothing in the image.  Without a host they ask 127.0.0.1.
 */
enum probe_kind { PROBE_NONE, PROBE_COMMAND, PROBE_SHELL, PROBE_HTTP, PROBE_TCP };

struct probe {
	enum probe_kind kind;
	struct strv words; /* PROBE_COMMAND; PROBE_SHELL has one */
	char *host;        /* PROBE_HTTP, PROBE_TCP: an address or name, without brackets */
	uint16_t port;
	char *path; /* PROBE_HTTP: with '/' in front, and the query */
};

void probe_fini(struct probe *probe);
int probe_parse(const struct strv *test, struct probe *ret, struct error *err);
