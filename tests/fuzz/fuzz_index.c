/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "image/manifest.h"
#include "tests/fuzz/expect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_free char *text = input_text(data, size);

	try_index(text, size);
	return 0;
}
