/* SPDX-License-Identifier: Apache-2.0 */
#include "image/image.h"

#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/mem.h"
#include "image/store_internal.h"

void image_fini(struct image *image)
{
	char *const texts[] = {
		image->name, image->architecture, image->os,
		image->user, image->working_dir,  image->stop_signal,
	};
	struct strv *const lists[] = {
		&image->env,
		&image->entrypoint,
		&image->cmd,
		&image->volumes,
		&image->labels,
		&image->exposed_ports,
		&image->healthcheck.test,
		&image->layers,
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		free(texts[i]);
	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		strv_fini(lists[i]);
	*image = (struct image){ 0 };
}

int image_open(const struct dir *store, const char *reference, struct image *ret, struct error *err)
{
	auto_image_manifest struct image_manifest manifest = { 0 };
	auto_image_config struct image_config config = { 0 };
	auto_store_index struct store_index index = { 0 };
	const struct store_line *line;
	bool is_name = false;
	size_t at = 0;
	int rc = store_index_read(store, &index, err);

	if (rc == 0)
		rc = store_index_find(&index, reference, &at, &is_name, err);
	if (rc < 0)
		return rc;
	line = &index.lines[at];
	rc = store_line_read(store, line, &manifest, &config, err);
	if (rc < 0)
		return err_wrap(err, "image '%s'", line->name ? line->name : line->id);

	*ret = config.image;
	config.image = (struct image){ 0 };
	memcpy(ret->id, manifest.config.digest, DIGEST_TEXT);
	memcpy(ret->digest, line->digest, DIGEST_TEXT);
	ret->name = is_name ? xstrdup(line->name) : NULL;
	ret->size = line->size;
	for (size_t i = 0; i < config.diff_ids.n; i++) {
		char name[LAYER_NAME];

		layer_name(config.diff_ids.items[i], name);
		strv_add(&ret->layers, name);
	}
	return 0;
}

int image_read_config(const struct dir *store, const struct image *image, struct json_doc *ret,
		      struct error *err)
{
	auto_free char *text = NULL;
	size_t len = 0;
	int rc = store_blob_read(store, image->id, -1, CONFIG_MAX_SIZE, &text, &len, err);

	return rc < 0 ? rc : json_doc_parse(ret, image->id, text, len, err);
}
