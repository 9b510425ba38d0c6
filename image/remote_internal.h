/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>

#include "image/remote.h"

/* remote.c: places and credentials.  @host: "docker.io", "localhost:5000" */
int remote_fill(struct registry_request *request, const char *host,
		const struct remote_options *options, struct error *err);

/* "docker.io/library/busybox" -> "docker.io", "library/busybox"; both owned by the caller. */
void remote_split(const char *name, char **ret_host, char **ret_repository);

/* "linux/arm64/v8", "arm64" */
int remote_parse_platform(const char *text, struct platform *ret, struct error *err);

/* True for "localhost", "127.0.0.1:5000", "[::1]". */
bool remote_is_loopback(const char *host);

/* remote_start.c: minictr-registry under way. */
struct remote_client {
	pid_t pid;
	int sock; /* to it */
	int report;
};

int remote_start(const struct registry_request *request, struct remote_client *ret,
		 struct error *err);

/* Ends it, if it has not ended; -errno if it could not be run at all. */
int remote_end(struct remote_client *client, struct error *err);

/* Waits for its RESULT, or the failure that it tells. */
int remote_wait(struct remote_client *client, struct error *err);

/* The same with the text of the result, of at most @max bytes; caller frees. */
int remote_wait_text(struct remote_client *client, size_t max, char **ret, size_t *ret_len,
		     struct error *err);
