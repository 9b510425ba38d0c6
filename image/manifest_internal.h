/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "image/manifest.h"

/* What the parsers of an image's documents share. */

#define ANNOTATION_REF_NAME "org.opencontainers.image.ref.name"

#define OCI_LAYOUT_FILE "oci-layout"
#define OCI_LAYOUT_TEXT "{\"imageLayoutVersion\":\"1.0.0\"}"

extern const struct json_field platform_fields[];

/* A json_field_handler: char *, owned, a valid digest. */
int read_digest(struct json_reader *reader, const json_t *value, void *field, struct error *err);

/* json_doc_parse() of at most @max bytes. */
int parse_limited(struct json_doc *doc, const char *name, const char *text, size_t len, size_t max,
		  struct error *err);

/* Type, digest and size. */
json_t *descriptor_json(const struct descriptor *descriptor);

/* The text of an index with these @manifests, which it takes.  Caller frees. */
char *index_text(json_t *manifests);
