/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "net/nl.h"

/* Messages of nf_tables (nft_expr.c). */
struct rules_expr;

/* @family: NFPROTO_INET, NFPROTO_NETDEV */
struct nl_msg *nft_message(uint8_t family, int type, int flags);
void nft_put_data(struct nl_msg *msg, int attribute, const void *data, size_t len);
void nft_put_expr(struct nl_msg *msg, const struct rules_expr *e);
