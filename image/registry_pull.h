/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "image/http.h"
#include "image/registry_request.h"

/*
 * The reader of a pull (image/load_internal.h): fetches manifest and config, asks the keeper at the
 * other end of @sock for files, fetches layers into them, several at a time, and tells what the image
 * is.  Documents are verified here and by the keeper, layers by their unpackers.
 */
int registry_pull(struct http *http, const struct registry_request *request, int sock,
		  struct error *err);
