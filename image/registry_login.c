/* SPDX-License-Identifier: Apache-2.0 */
#include "image/registry_login.h"

#include <errno.h>

#include "base/mem.h"
#include "image/load_internal.h"
#include "image/registry.h"

static int try_place(struct registry *registry, const struct registry_place *place,
		     struct error *err)
{
	const struct registry_endpoint endpoint = { .base = place->base,
						    .is_verified = place->is_verified,
						    .has_credentials = true };
	auto_exchange struct exchange x = { .request = { .body_fd = -1, .max = 64U << 10 },
					    .path = xstrdup("/v2/") };
	int rc = registry_open(registry, &endpoint, err);

	/* A password is only seen to be right or wrong when it is used. */
	if (rc == 0)
		rc = exchange_run(registry, &x, err);
	registry->endpoint = NULL;
	return rc;
}

int registry_login(struct http *http, const struct registry_request *request, int sock,
		   struct error *err)
{
	struct registry registry = registry_for(http, request, "");
	int rc = -ENOENT;

	for (size_t i = 0; i < request->n_places && rc < 0; i++) {
		*err = (struct error){ 0 };
		rc = try_place(&registry, &request->places[i], err);
		/* A wrong password is wrong everywhere. */
		if (rc == -EACCES)
			break;
	}
	registry_fini(&registry);
	return rc < 0 ? rc : load_send_text(sock, LOAD_RESULT, "{}", 2, "", err);
}
