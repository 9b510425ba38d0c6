/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "compose/tree.h"

/*
 * Hashes over the canonical form of what is set: the same for the same content, however it was
 * written, and the same for later versions that know more keys.  64 digits and a NUL.
 */
void node_hash(const struct node *node, char ret[65]);

/* What a container of the service is made of; left out is what matters only for what is done next
 * (how many there are, whom it waits for): CHANGE_NOTHING in schema.c. */
void service_hash(const struct node *service, char ret[65]);

/* The part of a service that service_hash() looks at; caller frees with node_free(). */
struct node *service_config(const struct node *service);
