/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "base/parse.h"
#include "net/ipam.h"
#include "net/rules.h"

/*
 * Who may reach whom in an isolated network, as the leases tell [pure]: replicas of one service
 * each other, those of another service what this one allows.  A container that is no service's
 * reaches nobody.
 */

/* "gateway:8000-8001/tcp": a service, and ports that it may connect to.  *ret_len of its name. */
int tiers_parse(const char *text, size_t *ret_len, struct port_mapping *ret, struct error *err);

/* The elements that name @one, in either direction; NULL: of all.  Leases as read. */
void tiers_add(const struct leases *leases, const struct lease *one,
	       struct rules_elements *elements);
