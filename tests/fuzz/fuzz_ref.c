/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "image/ref.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Promised of what was taken for a name: @text means the same image as @ref. */
static void expect_same(const char *text, const struct image_ref *ref)
{
	auto_ref struct image_ref again = { 0 };
	struct error err = { 0 };

	if (ref_parse(text, &again, &err) < 0 || !str_eq(again.name, ref->name) ||
	    !str_eq(again.tag, ref->tag) || !str_eq(again.digest, ref->digest))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_free char *text = xmalloc(size + 1);
	auto_ref struct image_ref ref = { 0 };
	auto_free char *normal = NULL;
	struct error err = { 0 };

	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';

	if (ref_id_digits(text) && strlen(ref_id_digits(text)) > DIGEST_HEX)
		abort();
	if (ref_parse(text, &ref, &err) < 0) {
		if (strchr(err.msg, '\n') || ref.name)
			abort();
		return 0;
	}
	/* Only what can stand in a file name, a URL and on a terminal. */
	if (strlen(ref.name) > REF_MAX_NAME || strstr(ref.name, "..") || ref.name[0] == '/' ||
	    strpbrk(ref.name, " \t\n\x1b@%?#"))
		abort();
	normal = ref_text(&ref);
	expect_same(normal, &ref);
	expect_same(ref_familiar(normal), &ref);
	return 0;
}
