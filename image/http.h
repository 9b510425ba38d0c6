/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/str.h"

/*
 * HTTP for a registry, by libcurl: several requests at a time in one thread.  A request is one
 * exchange: redirects, refusals and failures that may pass are the caller's (image/registry.h).
 *
 * What a server sends is limited: headers in number and size, a body by whoever takes it.  One that
 * sends nothing for so many seconds is given up.
 */
#define HTTP_CONNECT_SECONDS 15
#define HTTP_STALL_SECONDS   30 /* the usual */

struct http;

struct http *http_new(struct error *err);
void http_free(struct http *http); /* NULL is fine; ends what is under way */
void http_freep(struct http **http);
#define auto_http __attribute__((cleanup(http_freep)))

/* Owned by the caller, who must not move it while it is under way. */
struct http_request {
	/* ---- asked ---- */
	const char *method;  /* NULL: GET */
	char *url;           /* owned */
	struct strv headers; /* "Name: value" */
	bool is_verified;    /* the server's certificate has to be good */
	int stall_seconds;   /* 0: HTTP_STALL_SECONDS */
	const char *ca;      /* PEM of the authority that signs it; NULL: those of this machine */

	/* What is sent: @body, or @body_size bytes of @body_fd by way of pread(2). */
	const char *body;
	int body_fd; /* with @body NULL; -1: none */
	uint64_t body_size;

	/*
	 * Takes bytes of a successful answer (status 200 to 299): 0, or a negative errno with @err,
	 * which ends the request.  NULL: they are kept in @text.
	 */
	int (*take)(void *arg, struct http_request *request, const char *data, size_t len,
		    struct error *err);
	void *arg;
	size_t max; /* bytes of @text of a success; more is -EFBIG */

	/* ---- answered, once http_wait() has returned it ---- */
	int status;      /* 0: there was no answer */
	struct str text; /* owned; of refusals the first 8 KiB */
	char *location, *content_type, *challenge, *digest, *upload_range; /* owned; NULL */
	char *link;           /* the same; the last one that has a next page */
	uint64_t range_start; /* of Content-Range */
	bool has_range;
	int64_t retry_after; /* seconds; -1: not said */
	struct error failed; /* code 0: there was a whole answer */
	bool may_pass;       /* a failure on the way, which may not come again */
	bool is_tls_failure; /* the server does not speak TLS, or its certificate is bad */

	/* ---- http.c's ---- */
	void *easy;
	void *header_list;
	uint64_t body_at;
	struct http *http;
};

/* Frees what is in it; it must not be under way. */
void http_request_fini(struct http_request *request);

/* Forgets an answer, so that the request can be made again. */
void http_request_again(struct http_request *request);

int http_start(struct http *http, struct http_request *request, struct error *err);

/* Gives up one that is under way. */
void http_stop(struct http_request *request);

/*
 * Works until a request has ended (returned), @fd can be read (-1: none), or @timeout_ms are over:
 * NULL then.
 */
struct http_request *http_wait(struct http *http, int fd, int timeout_ms);

/* ---- pure ------------------------------------------------------------------------------------- */

/* One header line as it came: what of it is kept.  Repeated ones: the last counts. */
void http_take_header(struct http_request *request, const char *line, size_t len);

/* Scheme, host and port are the same: credentials for one are for the other, too. */
bool http_same_origin(const char *url, const char *other);

/*
 * Where a redirect from @url to @location leads; caller frees.  -EINVAL: to something else than HTTP,
 * or from https to http.
 */
int http_redirect(const char *url, const char *location, char **ret, struct error *err);
