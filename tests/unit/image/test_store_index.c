/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "tests/unit/image/fixture.h"
#include "tests/unit/test.h"

/* An index in short: "busybox=a1 team/x:2=b -=c"; manifest and id are that letter (and digit) again
 * and again. */
static struct store_line line_of(const char *id)
{
	struct store_line line = { .media_type = (char *)(uintptr_t)MEDIA_TYPE_MANIFEST };

	layer_of(id[0], line.digest);
	layer_of(id[0], line.id);
	line.id[DIGEST_TEXT - 2] = id[1] ? id[1] : id[0];
	return line;
}

static char *show(const struct store_index *index)
{
	struct str text = { 0 };

	for (size_t i = 0; i < index->n; i++)
		str_addf(&text, "%s%s=%c", i ? " " : "",
			 index->lines[i].name ? index->lines[i].name : "-",
			 index->lines[i].digest[7]);
	return str_take(&text);
}

static void add(struct store_index *index, const char *name, const char *id)
{
	const struct store_line line = line_of(id);

	store_index_add(index, &line, name);
}

#define EXPECT(index, wanted)                           \
	do {                                            \
		auto_free char *shown = show(&(index)); \
                                                        \
		ck_assert_str_eq(shown, wanted);        \
	} while (0)

START_TEST(adds_names)
{
	auto_store_index struct store_index index = { 0 };

	add(&index, "x:1", "a");
	add(&index, "x:1", "a");
	add(&index, NULL, "a");
	EXPECT(index, "x:1=a");
	add(&index, "x:2", "a");
	EXPECT(index, "x:1=a x:2=a");
	/* The name moves on; the image keeps its other one. */
	add(&index, "x:2", "b");
	EXPECT(index, "x:1=a x:2=b");
	/* Nobody's name any more. */
	add(&index, "x:1", "b");
	EXPECT(index, "-=a x:2=b x:1=b");
	add(&index, NULL, "c");
	add(&index, NULL, "c");
	EXPECT(index, "-=a x:2=b x:1=b -=c");
	/* An image without a name gets one. */
	add(&index, "y:1", "a");
	EXPECT(index, "y:1=a x:2=b x:1=b -=c");
	store_index_drop(&index, 1);
	EXPECT(index, "y:1=a x:1=b -=c");
	store_index_unname(&index, 1);
	EXPECT(index, "y:1=a -=b -=c");
}
END_TEST

START_TEST(finds)
{
	static const struct {
		const char *reference;
		int at; /* -1: none */
		bool is_name;
		const char *error;
	} rows[] = {
		{ "x", 0, true, NULL },
		{ "x:latest", 0, true, NULL },
		{ "docker.io/library/x", 0, true, NULL },
		{ "x:2", 1, true, NULL },
		{ "team/x", 2, true, NULL },
		/* A name goes before an id. */
		{ "dd", 3, true, NULL },
		{ "aaaa", 0, false, NULL },
		{ "sha256:aaaa", 0, false, NULL },
		{ "sha256:ddd", 5, false, NULL },
		{ "bb", -1, false, "'bb' is the beginning of several ids" },
		{ "ffff", -1, false, "no such image: 'ffff'" },
		{ "x:3", -1, false, "no such image: 'x:3'" },
		{ "team/x:2", -1, false, "no such image: 'team/x:2'" },
		{ "xx", -1, false, "no such image: 'xx'" },
		{ "No", -1, false, "invalid image name 'No': a name must be in lower case" },
		{ "", -1, false, "invalid image name '': a name must be like [host[:port]/]path" },
	};
	auto_store_index struct store_index index = { 0 };

	add(&index, "docker.io/library/x:latest", "a");
	add(&index, "docker.io/library/x:2", "a");
	add(&index, "docker.io/team/x:latest", "b");
	add(&index, "docker.io/library/dd:latest", "c");
	index.lines = xrealloc(index.lines, 6, sizeof(*index.lines));
	index.lines[4] = line_of("b1");
	index.lines[4].media_type = NULL;
	index.lines[5] = line_of("d");
	index.lines[5].media_type = NULL;
	index.n = 6;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct error err = { 0 };
		bool is_name = false;
		size_t at = 77;
		int rc = store_index_find(&index, rows[i].reference, &at, &is_name, &err);

		if (rows[i].at < 0) {
			ck_assert_int_lt(rc, 0);
			ck_assert_str_eq(err.msg, rows[i].error);
			continue;
		}
		ck_assert_msg(rc == 0, "%s: %s", rows[i].reference, err.msg);
		ck_assert_int_eq((int)at, rows[i].at);
		ck_assert_int_eq(is_name, rows[i].is_name);
		ck_assert_int_eq(err.code, 0);
	}
}
END_TEST

START_TEST(finds_by_digest)
{
	auto_store_index struct store_index index = { 0 };
	struct error err = { 0 };
	char text[200], digest[DIGEST_TEXT];
	bool is_name = false;
	size_t at = 0;

	add(&index, "docker.io/library/x:1", "a");
	add(&index, "docker.io/library/x:2", "b");
	layer_of('b', digest);
	(void)snprintf(text, sizeof(text), "x@%s", digest);
	ck_assert_int_eq(store_index_find(&index, text, &at, &is_name, &err), 0);
	ck_assert_uint_eq(at, 1);
	ck_assert(is_name);
	(void)snprintf(text, sizeof(text), "x:1@%s", digest);
	ck_assert_int_eq(store_index_find(&index, text, &at, &is_name, &err), -ENOENT);
	(void)snprintf(text, sizeof(text), "y@%s", digest);
	ck_assert_int_eq(store_index_find(&index, text, &at, &is_name, &err), -ENOENT);
}
END_TEST

START_TEST(writes_and_reads)
{
	auto_store_index struct store_index index = { 0 };
	auto_store_index struct store_index again = { 0 };
	struct store_line line = line_of("a1");
	struct error err = { 0 };
	struct shop shop;

	shop_make(&shop);
	ck_assert_int_eq(store_index_read(&shop.store, &again, &err), 0);
	ck_assert_uint_eq(again.n, 0);
	line.created = 1714566600;
	line.size = UINT64_MAX;
	line.manifest_size = 512;
	store_index_add(&index, &line, "docker.io/library/x:latest");
	add(&index, NULL, "b");
	ck_assert_int_eq(store_index_write(&shop.store, &index, &err), 0);
	ck_assert_int_eq(store_index_read(&shop.store, &again, &err), 0);
	EXPECT(again, "docker.io/library/x:latest=a -=b");
	ck_assert_str_eq(again.lines[0].id, line.id);
	ck_assert_str_eq(again.lines[0].digest, line.digest);
	ck_assert_str_eq(again.lines[0].media_type, MEDIA_TYPE_MANIFEST);
	ck_assert_int_eq(again.lines[0].created, 1714566600);
	ck_assert_uint_eq(again.lines[0].size, UINT64_MAX);
	ck_assert_uint_eq(again.lines[0].manifest_size, 512);
	shop_remove(&shop);
}
END_TEST

START_TEST(refuses_others_work)
{
	static const char foreign[] =
		"{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"" MEDIA_TYPE_MANIFEST
		"\",\"size\":1,\"digest\":\"sha256:"
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"}]}";
	auto_free char *wanted = NULL;
	struct store_index index = { 0 };
	struct error err = { 0 };
	struct shop shop;

	shop_make(&shop);
	ck_assert_int_eq(file_replace_at(&shop.store, STORE_INDEX, foreign, strlen(foreign), 0600,
					 FILE_FAST, &err),
			 0);
	ck_assert_int_eq(store_index_read(&shop.store, &index, &err), -EINVAL);
	wanted = xasprintf("image store '%s': entry sha256:"
			   "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
			   " was not written by minictr",
			   shop.path);
	ck_assert_str_eq(err.msg, wanted);
	ck_assert_int_eq(file_replace_at(&shop.store, STORE_INDEX, "{", 1, 0600, FILE_FAST, &err),
			 0);
	ck_assert_int_eq(store_index_read(&shop.store, &index, &err), -EINVAL);
	shop_remove(&shop);
}
END_TEST

TEST_MAIN("image/store_index", adds_names, finds, finds_by_digest, writes_and_reads,
	  refuses_others_work)
