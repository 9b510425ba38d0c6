/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "image/challenge.h"
#include "image/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An answer's headers, a line each; then what of them leads somewhere. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_request request = { .retry_after = -1 };
	auto_challenge struct challenge challenge = { 0 };
	auto_free char *next = NULL;
	struct error err = { 0 };

	while (size > 0) {
		const uint8_t *end = memchr(data, '\n', size);
		size_t len = end ? (size_t)(end - data) + 1 : size;

		http_take_header(&request, (const char *)data, len);
		data += len;
		size -= len;
	}
	if (request.challenge && challenge_parse(request.challenge, &challenge, &err) == 0 &&
	    challenge.kind == CHALLENGE_BEARER) {
		auto_free char *url = challenge_token_url(&challenge, "repository:a/b:pull");

		if (strncmp(url, challenge.realm, strlen(challenge.realm)) != 0)
			abort();
	}
	/* From https it never leads to anything else. */
	if (request.location &&
	    http_redirect("https://a.example/v2/", request.location, &next, &err) == 0 &&
	    strncmp(next, "https://", strlen("https://")) != 0)
		abort();
	http_request_fini(&request);
	return 0;
}
