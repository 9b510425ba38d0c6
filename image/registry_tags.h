/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "image/registry_request.h"

/*
 * All tags of a repository (distribution-spec, "Listing Tags"), page by page.  A registry may cut its
 * pages as it likes, but not for ever.
 */
#define REGISTRY_MAX_TAGS  10000
#define REGISTRY_MAX_PAGES 200

struct http;

/* Sends {"tags": [...]} as LOAD_RESULT to @sock; each once, as they come. */
int registry_tags(struct http *http, const struct registry_request *request, int sock,
		  struct error *err);

/*
 * 1 and where the next page is (owned by the caller), by the value of a header "Link" (RFC 8288) in an
 * answer from @url; 0: there is none.  -EPROTO for one on another host.  Pure.
 */
int registry_next_page(const char *url, const char *link, char **ret, struct error *err);
