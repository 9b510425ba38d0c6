/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "tests/unit/test.h"

/* A sanitizer's, which keeps what is freed for a while. */
#if defined(__has_feature)
#	define HAS_OTHER_HEAP __has_feature(address_sanitizer)
#else
#	define HAS_OTHER_HEAP 0
#endif

static size_t resident_kib(void)
{
	FILE *file = fopen("/proc/self/smaps_rollup", "re");
	char line[256];
	size_t kib = 0;

	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "Rss: %zu", &kib) == 1)
			break;
	}
	(void)fclose(file);
	return kib;
}

/* Calls itself so deep that it uses @pages of stack; the sum keeps them from being left out. */
static unsigned int use_stack(unsigned int pages)
{
	volatile unsigned char page[4096];

	for (size_t i = 0; i < sizeof(page); i++)
		page[i] = (unsigned char)pages;
	return pages ? use_stack(pages - 1) + page[pages] : 0;
}

START_TEST(gives_back_what_is_unused)
{
	char here[] = "this stays";
	char *items[1000], *last;
	size_t before, after;

	ck_assert_uint_gt(use_stack(12), 0);
	for (size_t i = 0; i < ARRAY_LEN(items); i++) {
		items[i] = xmalloc(2000);
		memset(items[i], 'x', 2000);
	}
	last = items[ARRAY_LEN(items) - 1];
	memcpy(last, here, sizeof(here));
	for (size_t i = 0; i < ARRAY_LEN(items) - 1; i++)
		free(items[i]);
	before = resident_kib();
	mem_trim();
	after = resident_kib();
	ck_assert(HAS_OTHER_HEAP || after + 1500 < before);
	ck_assert_str_eq(here, "this stays");
	ck_assert_str_eq(last, here);
	ck_assert_uint_gt(use_stack(12), 0);
	free(last);
}
END_TEST

TEST_MAIN("base/mem", gives_back_what_is_unused)
