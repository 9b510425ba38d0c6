/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"
#include "image/challenge.h"
#include "image/http.h"

/*
 * One repository of a registry (distribution-spec 1.1): who we are to it, and exchanges that survive
 * what passes: redirects, expired tokens, refusals for a while, broken connections.
 */
#define REGISTRY_MAX_REDIRECTS 10
#define REGISTRY_MAX_ATTEMPTS  5     /* without a byte of progress */
#define REGISTRY_MAX_DELAY_MS  30000 /* between two, whatever the registry wishes */

struct registry_endpoint {
	char *base;           /* owned: "https://registry-1.docker.io" */
	bool is_verified;     /* its certificate has to be good */
	bool has_credentials; /* ours are for it; not for a mirror */
};

struct registry {
	struct http *http;       /* borrowed */
	struct http *token_http; /* owned; made when it is needed */
	const struct registry_endpoint *endpoint;
	const char *repository;                            /* "library/busybox" */
	const char *actions;                               /* "pull", "pull,push" */
	const char *user, *password, *identity_token, *ca; /* borrowed; NULL */
	int stall_seconds;                                 /* see http_request */

	char *authorization; /* owned; "Authorization: ..." */
};

struct registry_request;

/* For what is asked of us, at no endpoint yet.  Borrows from both. */
struct registry registry_for(struct http *http, const struct registry_request *request,
			     const char *actions);
void registry_fini(struct registry *registry);

/*
 * Takes an endpoint: asks whether it is there, and what it wants to see.  -EACCES: it does not want
 * us; other failures mean that another endpoint may be tried.
 */
int registry_open(struct registry *registry, const struct registry_endpoint *endpoint,
		  struct error *err);

struct exchange {
	struct http_request
		request;     /* method, body, take, max: by the caller; no url, no headers */
	char *path;          /* owned: "/v2/...", or a whole address on the same registry */
	struct strv headers; /* "Accept: ..." */
	bool may_fail;       /* a status of 400 to 499 is an answer, too */

	int redirects, attempts;
	bool is_redirected, has_authenticated;
	int64_t due_ns; /* by clock_boot_ns(): not to be begun before */
};

void exchange_fini(struct exchange *x);
#define auto_exchange __attribute__((cleanup(exchange_fini)))

int exchange_begin(struct registry *registry, struct exchange *x, struct error *err);

/*
 * What its end means: 1 done, 0 to be begun again (not before @due_ns), or the failure that it is.
 * @made_progress: bytes came, so that a broken connection is not one of many attempts in vain.
 */
int exchange_end(struct registry *registry, struct exchange *x, bool made_progress,
		 struct error *err);

/* The whole of it, waiting.  Nothing else may be under way. */
int exchange_run(struct registry *registry, struct exchange *x, struct error *err);
