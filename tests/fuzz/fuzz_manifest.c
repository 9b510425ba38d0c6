/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "image/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool is_true)
{
	if (!is_true)
		abort();
}

static void try_index(const char *text, size_t size)
{
	auto_image_index struct image_index index = { 0 };
	const struct descriptor *entry = NULL;
	struct error err = { 0 };

	if (image_index_parse("index.json", NULL, text, size, &index, &err) < 0) {
		expect(err.code > 0 && index.n == 0);
		return;
	}
	expect(index.n <= INDEX_MAX_ENTRIES);
	for (size_t i = 0; i < index.n; i++) {
		expect(digest_is_valid(index.entries[i].digest));
		expect(index.entries[i].size <= BLOB_MAX_SIZE);
		(void)descriptor_image_name(&index.entries[i]);
	}
	if (image_index_choose(&index, &entry, &err) == 0)
		expect(platform_runs_here(&entry->platform));
}

static void try_manifest(const char *text, size_t size, struct image_manifest *manifest)
{
	auto_image_manifest struct image_manifest again = { 0 };
	auto_free char *written = NULL;
	struct error err = { 0 };

	if (image_manifest_parse("manifest", NULL, text, size, manifest, &err) < 0) {
		expect(err.code > 0 && manifest->n_layers == 0);
		return;
	}
	expect(manifest->n_layers <= IMAGE_MAX_LAYERS);
	expect(digest_is_valid(manifest->config.digest));
	for (size_t i = 0; i < manifest->n_layers; i++)
		expect(digest_is_valid(manifest->layers[i].digest));
	written = image_manifest_text(&manifest->config, manifest->layers, manifest->n_layers);
	expect(image_manifest_parse("again", MEDIA_TYPE_MANIFEST, written, strlen(written), &again,
				    &err) == 0);
	expect(again.n_layers == manifest->n_layers);
}

static void try_config(const char *text, size_t size, const struct image_manifest *manifest)
{
	auto_image_config struct image_config config = { 0 };
	struct error err = { 0 };

	if (image_config_parse("config", text, size, &config, &err) < 0)
		return;
	for (size_t i = 0; i < config.diff_ids.n; i++)
		expect(digest_is_valid(config.diff_ids.items[i]));
	for (size_t i = 0; i < config.image.env.n; i++)
		expect(strchr(config.image.env.items[i] + 1, '=') != NULL);
	(void)image_config_check_platform(&config, &err);
	(void)image_layers_match(manifest, &config, &err);
}

/* Each document of an image as each of them. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_image_manifest struct image_manifest manifest = { 0 };
	auto_archive_index struct archive_index archive = { 0 };
	auto_free char *text = xmalloc(size + 1);
	struct error err = { 0 };

	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';

	try_index(text, size);
	try_manifest(text, size, &manifest);
	try_config(text, size, &manifest);
	if (archive_index_parse("manifest.json", text, size, &archive, &err) == 0)
		for (size_t i = 0; i < archive.n; i++)
			expect(archive.images[i].config != NULL);
	return 0;
}
