/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "cli/layer_tree.h"
#include "tests/unit/test.h"

static uint64_t size(void *arg, const char *diff_id)
{
	(void)arg;
	return diff_id[7] == 'a' ? 58470000 : 3584;
}

/* Images of layers by letters: "ab". */
static struct layer_image *make(const char *const *texts, size_t n)
{
	struct layer_image *images = xcalloc(n, sizeof(*images));

	for (size_t i = 0; i < n; i++) {
		images[i].names = xasprintf("[%s]", texts[i]);
		for (const char *c = texts[i]; *c; c++)
			strv_addf(&images[i].layers, "sha256:%c%c%c%c%c%c%c%c%c%c%c%c%c", *c, *c,
				  *c, *c, *c, *c, *c, *c, *c, *c, *c, *c, *c);
	}
	return images;
}

static char *draw(const char *const *texts, size_t n, size_t at,
		  void (*how)(const struct layer_tree *tree, size_t at, struct str *ret))
{
	struct layer_image *images = make(texts, n);
	const struct layer_tree tree = { .images = images, .n = n, .size = size };
	struct str text = { 0 };

	how(&tree, at, &text);
	layer_images_free(images, n);
	return str_take(&text);
}

static const char *const texts[] = { "abc", "ab", "abd", "xb", "abcefg", "abceh", "abdij" };

START_TEST(shows_the_layers)
{
	auto_free char *text = draw(texts, ARRAY_LEN(texts), 0, layer_tree_of);
	auto_free char *alone = draw((const char *const[]){ "q" }, 1, 0, layer_tree_of);
	auto_free char *none = draw((const char *const[]){ "" }, 1, 0, layer_tree_of);

	ck_assert_str_eq(
		text,
		"├──  ID: aaaaaaaaaaaa Size:  58.5MB Shared by: 6 images\n"
		"├──  ID: bbbbbbbbbbbb Size:  3.58kB Shared by: 7 images Top Layer of: [ab]\n"
		"└──  ID: cccccccccccc Size:  3.58kB Shared by: 3 images Top Layer of: [abc]\n");
	ck_assert_str_eq(alone, "└──  ID: qqqqqqqqqqqq Size:  3.58kB Top Layer of: [q]\n");
	ck_assert_str_eq(none, "");
}
END_TEST

START_TEST(shows_what_is_on_top)
{
	auto_free char *text = draw(texts, ARRAY_LEN(texts), 1, layer_tree_above);
	auto_free char *chain = draw(texts, ARRAY_LEN(texts), 2, layer_tree_above);
	auto_free char *alone = draw(texts, ARRAY_LEN(texts), 3, layer_tree_above);

	ck_assert_str_eq(
		text,
		"└──  ID: bbbbbbbbbbbb Size:  3.58kB Shared by: 7 images Top Layer of: [ab]\n"
		"    ├──  ID: cccccccccccc Size:  3.58kB Shared by: 3 images Top Layer of: [abc]\n"
		"    │   └──  ID: eeeeeeeeeeee Size:  3.58kB Shared by: 2 images\n"
		"    │       ├──  ID: ffffffffffff Size:  3.58kB\n"
		"    │       │   └──  ID: gggggggggggg Size:  3.58kB Top Layer of: [abcefg]\n"
		"    │       └──  ID: hhhhhhhhhhhh Size:  3.58kB Top Layer of: [abceh]\n"
		"    └──  ID: dddddddddddd Size:  3.58kB Shared by: 2 images Top Layer of: [abd]\n"
		"        ├──  ID: iiiiiiiiiiii Size:  3.58kB\n"
		"        └──  ID: jjjjjjjjjjjj Size:  3.58kB Top Layer of: [abdij]\n");
	ck_assert_str_eq(
		chain,
		"└──  ID: dddddddddddd Size:  3.58kB Shared by: 2 images Top Layer of: [abd]\n"
		"    ├──  ID: iiiiiiiiiiii Size:  3.58kB\n"
		"    └──  ID: jjjjjjjjjjjj Size:  3.58kB Top Layer of: [abdij]\n");
	ck_assert_str_eq(
		alone,
		"└──  ID: bbbbbbbbbbbb Size:  3.58kB Shared by: 7 images Top Layer of: [xb]\n");
}
END_TEST

/* Two images of the same layers; an image of none below all others. */
START_TEST(shows_twins_and_nothing)
{
	static const char *const twins[] = { "", "a", "a" };
	auto_free char *text = draw(twins, 3, 0, layer_tree_above);

	ck_assert_str_eq(text, "└──  ID: aaaaaaaaaaaa Size:  58.5MB Shared by: 2 images Top Layer "
			       "of: [a] [a]\n");
}
END_TEST

TEST_MAIN("cli/layer_tree", shows_the_layers, shows_what_is_on_top, shows_twins_and_nothing)
