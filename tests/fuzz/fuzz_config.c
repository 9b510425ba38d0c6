/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "image/manifest.h"
#include "tests/fuzz/expect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct image_config *config)
{
	struct image_manifest manifest = { .n_layers = config->diff_ids.n };
	struct error err = { 0 };

	for (size_t i = 0; i < config->diff_ids.n; i++)
		expect(digest_is_valid(config->diff_ids.items[i]));
	for (size_t i = 0; i < config->image.env.n; i++)
		expect(strchr(config->image.env.items[i] + 1, '=') != NULL);
	(void)image_config_check_platform(config, &err);
	expect(image_layers_match(&manifest, config, &err) == 0);
	manifest.n_layers++;
	expect(image_layers_match(&manifest, config, &err) < 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_free char *text = input_text(data, size);
	auto_image_config struct image_config config = { 0 };
	struct error err = { 0 };

	if (image_config_parse("config", text, size, &config, &err) == 0)
		check(&config);
	else
		expect(err.code > 0);
	return 0;
}
