/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "image/manifest.h"

/* What minictr asks of minictr-registry, as a JSON document in a file without a name. */
enum registry_verb { REGISTRY_PULL, REGISTRY_PUSH, REGISTRY_LOGIN, REGISTRY_TAGS };
enum registry_progress { PROGRESS_PLAIN, PROGRESS_TTY, PROGRESS_JSON, PROGRESS_QUIET };

struct registry_place {
	char *base; /* "https://registry-1.docker.io" */
	bool is_verified, has_credentials;
};

struct registry_request {
	int verb, progress;
	char *host;                    /* for messages: "docker.io" */
	char *repository;              /* "library/busybox"; "" for a login */
	char *reference;               /* a tag or a digest */
	char *media_type;              /* of the manifest that is pushed */
	struct registry_place *places; /* owned; tried in this order */
	size_t n_places;
	char *user, *password, *identity_token; /* NULL: none */
	char *ca;                               /* PEM; NULL: the machine's */
	struct platform platform;               /* wanted; members NULL: this machine's */
	int parallel;                           /* layers at a time */
	int stall_seconds; /* a registry that sends nothing for so long is given up; 0: the usual */
};

void registry_request_fini(struct registry_request *request);
#define auto_registry_request __attribute__((cleanup(registry_request_fini)))

/* Caller frees. */
char *registry_request_text(const struct registry_request *request);
int registry_request_parse(const char *text, size_t len, struct registry_request *ret,
			   struct error *err);
