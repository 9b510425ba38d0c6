/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "image/manifest.h"
#include "image/registry.h"
#include "image/registry_request.h"

/* Manifest and config of one image, verified. */
struct documents {
	char digest[DIGEST_TEXT]; /* of what the reference leads to: an index, or the manifest */
	char *manifest_text, *config_text; /* owned */
	size_t manifest_len, config_len;
	char manifest_digest[DIGEST_TEXT];
	struct image_manifest manifest;
	struct image_config config;
};

void documents_fini(struct documents *documents);
#define auto_documents __attribute__((cleanup(documents_fini)))

/* From the endpoint that is open; follows indexes down to the platform that is wanted. */
int documents_fetch(struct registry *registry, const struct registry_request *request,
		    struct documents *ret, struct error *err);
