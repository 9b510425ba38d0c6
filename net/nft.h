/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "net/nl.h"
#include "net/rules.h"

/*
 * The table of net/rules.h in the kernel, by nf_tables netlink messages: no program is needed.
 * Each change is one atomic batch and one step, recorded as the `nft` command that does the same.
 */

/*
 * This process's socket to nf_tables, in *ret: opened once, and not closed.  After elements were
 * deleted the closing waits for an RCU grace period (the kernel's nft_rcv_nl_event()), ten
 * milliseconds that the end of a process has more easily than the end of a container.
 */
int nft_socket(struct nl **ret, struct error *err);

/* This process has closed all that it inherited: the number may be another file's soon. */
void nft_forget(void);

/* True in *ret if all rules are there and untouched, and all of @elements. */
int nft_is_whole(struct nl *nl, const struct rules_elements *elements, bool *ret,
		 struct error *err);

/* True in *ret if all of @elements are there, with whatever data. */
int nft_has(struct nl *nl, const struct rules_elements *elements, bool *ret, struct error *err);

/*
 * The elements of the @n sets and maps that lead to a container, or name it, whoever added them;
 * none if there is no table.
 */
int nft_find(struct nl *nl, const enum rules_set *sets, size_t n, struct in_addr container,
	     struct rules_elements *ret, struct error *err);

/* Makes the table, or puts it right, with @elements in it; what else is in its maps stays. */
int nft_build(struct nl *nl, const struct rules_elements *elements, struct error *err);

/* Adds elements; those that are there with other data are replaced. */
int nft_add(struct nl *nl, const struct rules_elements *elements, struct error *err);

/* Removes @old, all of which are there, and adds @now: nobody sees a state between the two. */
int nft_replace(struct nl *nl, const struct rules_elements *old, const struct rules_elements *now,
		struct error *err);

/* Removes elements; those that are not there, and a missing table, are no error. */
int nft_remove(struct nl *nl, const struct rules_elements *elements, struct error *err);
