/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "compose/tree.h"

/*
 * YAML -> tree, by the events of libyaml; the core schema of YAML 1.2 only ("yes" is text, "010"
 * is ten).  Anchors, aliases and merge keys are resolved; a duplicate key, a tag that is not of the
 * core schema (or !reset, !override), a second document, a key that is no scalar, and whatever
 * passes the limits of tree.h are refused.
 *
 * @file is for messages, borrowed by the tree.  An empty document gives a NODE_NULL.
 */
int yaml_parse(const char *file, const char *text, size_t len, struct node **ret,
	       struct error *err);

/* What a plain scalar is by the core schema. */
enum node_kind yaml_kind_of(const char *text);
