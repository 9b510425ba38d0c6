/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "image/manifest.h"
#include "tests/fuzz/expect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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

/* A manifest of OCI or docker, and the index of docker's archives. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_free char *text = input_text(data, size);
	auto_image_manifest struct image_manifest manifest = { 0 };
	auto_archive_index struct archive_index archive = { 0 };
	struct error err = { 0 };

	try_manifest(text, size, &manifest);
	if (archive_index_parse("manifest.json", text, size, &archive, &err) == 0)
		for (size_t i = 0; i < archive.n; i++)
			expect(archive.images[i].config != NULL);
	return 0;
}
