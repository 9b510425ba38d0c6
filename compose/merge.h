/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "compose/shape.h"

/*
 * Puts a later file (or a service that extends another) over an earlier one, both in the form of
 * shape.h (compose-spec "Merge"): maps by member, lists one after the other, items that mean the
 * same (a port, a target, a path) replaced, other values replaced; !reset removes, !override
 * replaces.  @over is used up: the caller frees what is left of it.
 */
void merge(const struct key *key, struct node *base, struct node *over);

/* Afterwards: takes out what is still marked !reset, having met nothing to remove. */
void merge_finish(struct node *node);
