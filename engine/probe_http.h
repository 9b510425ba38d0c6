/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

/* The two texts of an HTTP probe.  Pure: what comes back is a stranger's. */
struct health_target;

/* The request; the caller frees it. */
char *probe_http_request(const struct health_target *target);

/* No response begins with more than this before its status is known. */
#define PROBE_HTTP_MAX 8192

/*
 * The status of the response that begins with @data[0..len): 200 to 599 (interim ones, 1xx, are
 * passed over), 0 if more of it is needed, -EPROTO if it is no HTTP/1 response or PROBE_HTTP_MAX
 * bytes do not tell.  RFC 9112, 4.
 */
int probe_http_status(const char *data, size_t len);
