/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "image/http.h"
#include "image/registry_request.h"

/* Whether the registry takes the request's credentials: RESULT (an empty text), or a failure. */
int registry_login(struct http *http, const struct registry_request *request, int sock,
		   struct error *err);
