/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/str.h"
#include "image/credentials.h"
#include "image/digest.h"
#include "image/registry_request.h"

/*
 * Images from and to registries.  minictr-registry talks to them; what it fetches goes through
 * minictr-image, as an archive does, into the store.
 *
 * A registry is reached by https.  One on this machine's loopback, one that the configuration calls
 * insecure, and any with @is_insecure: also with a certificate that is not good, and by http.
 *
 * Configuration: /etc/minictr/registries.json
 *
 *	{"docker.io": {"mirrors": ["https://mirror.example"]}, "lab:5000": {"insecure": true}}
 *
 * Authorities for certificates: <cert_dir>/ca.crt, or /etc/{minictr,docker,containers}/certs.d/HOST.
 */
struct remote_options {
	const char *platform; /* "linux/arm64/v8"; NULL: this machine's */
	const char *cert_dir; /* NULL */
	bool is_insecure;     /* --tls-verify=false */
	int stall_seconds;    /* 0: the usual */
	enum registry_progress progress;
};

struct remote_pulled {
	char *name;               /* owned; as the store has it */
	char digest[DIGEST_TEXT]; /* of what the registry has under that name */
	bool is_new;              /* not what the name was before */
};

void remote_pulled_fini(struct remote_pulled *pulled);

/* Adds what docker says of it: two lines, its digest and whether it is new. */
void remote_pulled_text(const struct remote_pulled *pulled, struct str *out);

/*
 * -ENOENT: the registry has no such image; -EACCES: not for us.  err->status is 128 and a signal's
 * number if that ended it.  What has come of it is kept for the next time.
 */
int remote_pull(const char *store_path, const char *reference, const struct remote_options *options,
		struct remote_pulled *ret, struct error *err);

/*
 * The same for all tags of a name that has none; @report: of each as it comes.  Ends at the first
 * failure; what has come stays.  *ret_name: the name, normalised, owned by the caller.
 */
int remote_pull_all(const char *store_path, const char *reference,
		    const struct remote_options *options,
		    void (*report)(void *arg, const struct remote_pulled *pulled), void *arg,
		    char **ret_name, struct error *err);

int remote_push(const char *store_path, const char *reference, const struct remote_options *options,
		char ret_digest[DIGEST_TEXT], struct error *err);

/* Whether @host takes the credentials; -EACCES if not. */
int remote_login(const char *host, const struct remote_options *options,
		 const struct credentials *credentials, struct error *err);

/* What remote_options say, as a terminal or something else wants to be told. */
enum registry_progress remote_progress(bool is_quiet);
