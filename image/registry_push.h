/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "image/http.h"
#include "image/registry_request.h"

/*
 * Sends one image.  @sock leads to minictr, which sends BLOB messages (with a file each: layers,
 * config, and last the manifest), then WAITING.  What the registry has already is not sent.  RESULT
 * (an empty text), or a failure.
 */
int registry_push(struct http *http, const struct registry_request *request, int sock,
		  struct error *err);
