/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "base/str.h"

/*
 * What a registry wants to see (RFC 9110 11.6.1; distribution's "token" specification):
 *
 *	Bearer realm="https://auth.example/token",service="registry",scope="repository:a/b:pull"
 *	Basic realm="registry"
 */
enum challenge_kind { CHALLENGE_NONE, CHALLENGE_BASIC, CHALLENGE_BEARER };

struct challenge {
	enum challenge_kind kind;
	char *realm, *service, *scope; /* owned; NULL if not given */
};

void challenge_fini(struct challenge *challenge);
#define auto_challenge __attribute__((cleanup(challenge_fini)))

/* The first challenge of the header's value that we can answer; -EINVAL if there is none. */
int challenge_parse(const char *text, struct challenge *ret, struct error *err);

/* The address to ask for a token, with service and scope (@scope if the challenge has none). */
char *challenge_token_url(const struct challenge *challenge, const char *scope);
