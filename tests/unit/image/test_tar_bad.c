/* SPDX-License-Identifier: Apache-2.0 */
#include "image/limits.h"
#include "image/tar.h"
#include "tests/unit/image/tarball.h"
#include "tests/unit/test.h"

/* Reads all of it; returns the last tar_next()'s result. */
static int read_all(const char *bytes, size_t len, size_t step, struct error *err)
{
	struct tarball_source source = { .bytes = bytes, .len = len, .step = step };
	const struct tar_source from = { .fill = tarball_fill, .arg = &source };
	struct tar *tar = tar_new(&from);
	const struct tar_entry *entry;
	const uint8_t *data;
	uint64_t offset;
	size_t n;
	int rc;

	while ((rc = tar_next(tar, &entry, err)) > 0) {
		while ((rc = tar_data(tar, &data, &n, &offset, err)) > 0)
			ck_assert_uint_le(offset + n, entry->size);
		if (rc < 0)
			break;
	}
	tar_free(tar);
	free(source.piece);
	return rc;
}

/* Takes the tarball; it must fail with @wanted in the text. */
static void refuse(struct tarball *t, const char *wanted)
{
	struct error err = { 0 };

	ck_assert_msg(read_all(t->bytes.text, t->bytes.len, 1000, &err) < 0, "reads '%s'", wanted);
	ck_assert_msg(strstr(err.msg, wanted), "'%s' has no '%s'", err.msg, wanted);
	ck_assert_int_gt(err.code, 0);
	ck_assert_ptr_null(strchr(err.msg, '\n'));
	tarball_fini(t);
	*t = (struct tarball){ 0 };
}

START_TEST(refuses_headers)
{
	static const struct {
		size_t offset;
		const char *bytes;
		size_t len;
		const char *wanted;
	} cases[] = {
		{ offsetof(struct tar_header, size), "9", 1, "size is no number" },
		{ offsetof(struct tar_header, size), "-1", 2, "size is no number" },
		{ offsetof(struct tar_header, size), "\xff\xff\xff\xff", 4, "size is no number" },
		{ offsetof(struct tar_header, size), "\x80\0\0\0\x80", 5, "size is no number" },
		{ offsetof(struct tar_header, size), "\x80\0\1", 3, "size is no number" },
		{ offsetof(struct tar_header, mode), "x", 1, "mode is no number" },
		{ offsetof(struct tar_header, mode), "7777777", 7, "mode is no number" },
		{ offsetof(struct tar_header, uid), "\x80\0\0\0\xff\xff\xff\xff", 8,
		  "owner is no number" },
		{ offsetof(struct tar_header, gid), "\xff\xff\xff\xff\xff\xff\xff\xff", 8,
		  "group is no number" },
		{ offsetof(struct tar_header, mtime), "a", 1, "time is no number" },
		{ offsetof(struct tar_header, mtime), "\x80\1", 2, "time is no number" },
		{ offsetof(struct tar_header, typeflag), "M", 1, "kind 0x4d" },
		{ offsetof(struct tar_header, typeflag), "\x80", 1, "kind 0x80" },
		{ offsetof(struct tar_header, name), "\0", 1, "without a name" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct tarball_entry entry = { .name = "f" };
		struct tar_header h = tarball_header(&entry, 0);
		struct tarball t = { 0 };

		memcpy((char *)&h + cases[i].offset, cases[i].bytes, cases[i].len);
		tarball_seal(&h);
		tarball_add_header(&t, &h);
		tarball_end(&t);
		refuse(&t, cases[i].wanted);
	}
}
END_TEST

START_TEST(refuses_devices_out_of_range)
{
	struct tarball t = { 0 };

	tarball_add(&t, (struct tarball_entry){ .name = "c", .type = '3', .major = 4096 });
	refuse(&t, "device number");
	tarball_add(&t, (struct tarball_entry){ .name = "c", .type = '4', .minor = 1 << 20 });
	refuse(&t, "device number");
}
END_TEST

START_TEST(refuses_wrong_sums)
{
	const struct tarball_entry entry = { .name = "f" };
	struct tar_header h = tarball_header(&entry, 0);
	struct tarball t = { 0 };

	h.name[1] = 'x';
	tarball_add_header(&t, &h);
	refuse(&t, "byte 0: wrong checksum");
	memset(h.chksum, 'z', sizeof(h.chksum));
	tarball_add(&t, entry);
	tarball_add_header(&t, &h);
	refuse(&t, "byte 512: wrong checksum");
	str_add(&t.bytes, "hello, world");
	refuse(&t, "ends too early");
}
END_TEST

START_TEST(refuses_pax_records)
{
	static const struct {
		const char *text, *wanted;
	} cases[] = {
		{ "10 path=a\n", NULL }, /* this one is right */
		{ "11 path=a\n", "without its length" },
		{ "8 path=a\n", "newline" },
		{ "x path=a\n", "without its length" },
		{ "path=a\n", "without its length" },
		{ "0 path=a\n", "without its length" },
		{ "2 \n", "without its length" },
		{ "99999999999999999999 path=a\n", "without its length" },
		{ "18446744073709551615 path=a\n", "without its length" },
		{ "7 path\n", "without a key" },
		{ "6 =ab\n", "without a key" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct tarball t = { 0 };
		struct error err = { 0 };

		tarball_pax_text(&t, cases[i].text, strlen(cases[i].text));
		tarball_add(&t, (struct tarball_entry){ .name = "f" });
		tarball_end(&t);
		if (cases[i].wanted) {
			refuse(&t, cases[i].wanted);
			continue;
		}
		ck_assert_msg(read_all(t.bytes.text, t.bytes.len, 1000, &err) == 0, "%s", err.msg);
		tarball_fini(&t);
	}
}
END_TEST

START_TEST(refuses_pax_values)
{
	static const struct {
		const char *pair, *wanted;
	} cases[] = {
		{ "size=-1", "no number" },
		{ "size=1 ", "no number" },
		{ "size=9223372036854775808", "no number" },
		{ "size=9223372036854775807", "size is no number" },
		{ "size=99999999999999999999", "no number" },
		{ "uid=1.000", "no number" },
		{ "uid=4294967295", "owner or group" },
		{ "gid=4294967296", "owner or group" },
		{ "mtime=a", "no time" },
		{ "mtime=1.2.3", "no time" },
		{ "mtime=-", "no time" },
		{ "mtime=99999999999999999999", "no time" },
		{ "SCHILY.xattr.=value", "no name of an attribute" },
		{ "LIBARCHIVE.xattr.user.a=not*base", "base 64" },
		{ "LIBARCHIVE.xattr.user.%zz=AAAA", "no name of an attribute" },
		{ "LIBARCHIVE.xattr.user.a%0=AAAA", "no name of an attribute" },
		{ "LIBARCHIVE.xattr.user.a%00=AAAA", "no name of an attribute" },
		{ "GNU.sparse.major=2", "sparse file without" },
		{ "GNU.sparse.major=x", "no version" },
		{ "GNU.sparse.numbytes=5", "without its offset" },
		{ "GNU.sparse.offset=5", "has no length" },
		{ "GNU.sparse.map=1,", "its map is no list" },
		{ "GNU.sparse.map=1", "its map is no list" },
		{ "GNU.sparse.map=1,2,", "sparse file without" },
		{ "GNU.sparse.map=1,2,3", "its map is no list" },
		{ "GNU.sparse.map=-1,2", "its map is no list" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct tarball t = { 0 };

		tarball_pax(&t, PAX(cases[i].pair));
		tarball_add(&t, (struct tarball_entry){ .name = "f" });
		tarball_end(&t);
		refuse(&t, cases[i].wanted);
	}
}
END_TEST

START_TEST(refuses_nul_in_names)
{
	auto_str struct str text = { 0 };
	struct tarball t = { 0 };

	tarball_record(&text, "path", "a\0b", 3);
	tarball_pax_text(&t, text.text, text.len);
	tarball_add(&t, (struct tarball_entry){ .name = "f" });
	refuse(&t, "NUL");
}
END_TEST

START_TEST(limits_names)
{
	auto_free char *longest = xmalloc(TAR_MAX_PATH + 2);
	auto_free char *pair = NULL;
	struct tarball t = { 0 };
	struct error err;

	memset(longest, 'a', TAR_MAX_PATH + 1);
	longest[TAR_MAX_PATH] = '\0';
	pair = xasprintf("path=%s", longest);
	tarball_pax(&t, PAX(pair));
	tarball_add(&t,
		    (struct tarball_entry){
			    .name = "l", .type = 'K', .data = longest, .len = TAR_MAX_PATH + 1 });
	tarball_add(&t, (struct tarball_entry){ .name = "f", .type = '2' });
	ck_assert_int_eq(read_all(t.bytes.text, t.bytes.len, 333, &err), 0);
	tarball_fini(&t);

	t = (struct tarball){ 0 };
	longest[TAR_MAX_PATH] = 'a';
	longest[TAR_MAX_PATH + 1] = '\0';
	free(take_ptr(pair));
	pair = xasprintf("linkpath=%s", longest);
	tarball_pax(&t, PAX(pair));
	refuse(&t, "4096 bytes, the limit is 4095");
	tarball_add(&t, (struct tarball_entry){ .name = "l", .type = 'L', .data = longest });
	refuse(&t, "4096 bytes, the limit is 4095");
}
END_TEST

/* The sizes that headers announce are not allocated, nor waited for. */
START_TEST(limits_extensions)
{
	static const struct {
		char type;
		uint64_t size;
		const char *wanted;
	} cases[] = {
		{ 'x', TAR_MAX_PAX + 1, "pax header has 1048577 bytes" },
		{ 'g', TAR_MAX_PAX + 1, "pax header has 1048577 bytes" },
		{ 'L', TAR_MAX_LONGNAME + 1, "long name has 65537 bytes" },
		{ 'K', 077777777777, "long name has 8589934591 bytes" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct tarball_entry entry = { .name = "x", .type = cases[i].type };
		struct tar_header h = tarball_header(&entry, cases[i].size);
		struct tarball t = { 0 };

		tarball_add_header(&t, &h);
		refuse(&t, cases[i].wanted);
	}
}
END_TEST

START_TEST(limits_attributes)
{
	auto_str struct str text = { 0 };
	auto_free char *big = xmalloc(65537);
	struct tarball t = { 0 };

	for (unsigned int i = 0; i <= TAR_MAX_XATTRS; i++) {
		char key[64];

		(void)snprintf(key, sizeof(key), "SCHILY.xattr.user.%u", i);
		tarball_record(&text, key, "v", 1);
	}
	tarball_pax_text(&t, text.text, text.len);
	refuse(&t, "more than 256 attributes");

	str_clear(&text);
	memset(big, 'x', 65537);
	tarball_record(&text, "SCHILY.xattr.user.big", big, 65537);
	tarball_pax_text(&t, text.text, text.len);
	refuse(&t, "64 KiB");
}
END_TEST

START_TEST(refuses_maps)
{
	static const struct {
		const char *map, *size, *data, *wanted;
	} cases[] = {
		{ "0,3,2,1", "10", "abcd", "overlaps" },
		{ "5,1,0,1", "10", "ab", "overlaps" },
		{ "9,2", "10", "ab", "outside of its 10 bytes" },
		{ "11,0", "10", "", "outside of its 10 bytes" },
		{ "18446744073709551615,1", "10", "a", "outside" },
		{ "1,18446744073709551615", "10", "a", "outside" },
		{ "0,3", "10", "ab", "its map has 3 bytes, the archive 2" },
		{ "0,1", "10", "ab", "its map has 1 bytes, the archive 2" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_free char *map = xasprintf("GNU.sparse.map=%s", cases[i].map);
		auto_free char *size = xasprintf("GNU.sparse.size=%s", cases[i].size);
		struct tarball t = { 0 };

		tarball_pax(&t, PAX(map, size));
		tarball_add(&t, (struct tarball_entry){ .name = "f", .data = cases[i].data });
		refuse(&t, cases[i].wanted);
	}
}
END_TEST

START_TEST(refuses_maps_in_data)
{
	static const struct {
		const char *map;
		size_t size;
		const char *wanted;
	} cases[] = {
		{ "100001\n", 512, "100001 pieces of data" },
		{ "x\n", 512, "without a number" },
		{ "\n", 512, "without a number" },
		{ "1\n1\n", 512, "line that is too long" },
		{ "1\n", 100, "longer than its data" },
		{ "1000000000000000000000000000\n", 512, "too long" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct tarball_entry entry = { .name = "f" };
		struct tar_header h = tarball_header(&entry, cases[i].size);
		char block[TAR_BLOCK_SIZE];
		struct tarball t = { 0 };

		/* What follows the map's beginning goes on as digits. */
		memset(block, '1', sizeof(block));
		memcpy(block, cases[i].map, strlen(cases[i].map));
		tarball_pax(&t, PAX("GNU.sparse.major=1", "GNU.sparse.minor=0",
				    "GNU.sparse.realsize=10"));
		tarball_add_header(&t, &h);
		tarball_block(&t, block, sizeof(block));
		refuse(&t, cases[i].wanted);
	}
}
END_TEST

START_TEST(limits_old_maps)
{
	const struct tarball_entry entry = { .name = "f", .type = 'S' };
	struct tar_header h = tarball_header(&entry, 0);
	struct tar_sparse_block block = { .is_extended = 1 };
	struct tarball t = { 0 };

	h.gnu.is_extended = 1;
	tarball_octal(h.gnu.real_size, 12, 5);
	tarball_seal(&h);
	/* Blocks without a place would go on for ever. */
	tarball_add_header(&t, &h);
	for (int i = 0; i < 10; i++)
		tarball_block(&t, &block, sizeof(block));
	refuse(&t, "map has holes");

	for (size_t i = 0; i < ARRAY_LEN(block.sparse); i++) {
		tarball_octal(block.sparse[i].offset, 12, 0);
		tarball_octal(block.sparse[i].len, 12, 0);
	}
	tarball_add_header(&t, &h);
	for (unsigned int i = 0; i <= TAR_MAX_SEGMENTS / 21; i++)
		tarball_block(&t, &block, sizeof(block));
	refuse(&t, "more than 100000 pieces");
}
END_TEST

START_TEST(refuses_what_comes_behind)
{
	struct tarball t = { 0 };

	tarball_add(&t, (struct tarball_entry){ .name = "f" });
	tarball_end(&t);
	tarball_add(&t, (struct tarball_entry){ .name = "hidden" });
	refuse(&t, "data behind its end");

	tarball_block(&t, "", 1);
	tarball_add(&t, (struct tarball_entry){ .name = "g" });
	refuse(&t, "goes on after a block of zeros");

	tarball_end(&t);
	str_add_len(&t.bytes, "\0\0\1", 3);
	refuse(&t, "data behind its end");
}
END_TEST

/* Cut anywhere, it is an error, or what was read until then was whole. */
START_TEST(cut_anywhere)
{
	struct tarball t = { 0 };
	struct error err = { 0 };

	tarball_pax(&t, PAX("path=x", "GNU.sparse.size=100", "GNU.sparse.map=10,2"));
	tarball_add(&t, (struct tarball_entry){ .name = "f", .data = "ab" });
	tarball_add(&t, (struct tarball_entry){ .name = "l", .type = 'L', .data = "name" });
	tarball_add(&t, (struct tarball_entry){ .name = "f", .data = "ab" });
	tarball_end(&t);
	ck_assert_int_eq(read_all(t.bytes.text, t.bytes.len, 512, &err), 0);
	for (size_t len = 0; len < t.bytes.len; len++) {
		int rc = read_all(t.bytes.text, len, 100, &err);
		/* between entries; behind the last, where the end mark begins or is half */
		bool is_whole = len == 0 || len == 4 * 512 || len == 8 * 512 || len == 9 * 512;

		ck_assert_msg((rc == 0) == is_whole, "%zu bytes: %d %s", len, rc, err.msg);
	}
	tarball_fini(&t);
}
END_TEST

TEST_MAIN("image/tar_bad", refuses_headers, refuses_devices_out_of_range, refuses_wrong_sums,
	  refuses_pax_records, refuses_pax_values, refuses_nul_in_names, limits_names,
	  limits_extensions, limits_attributes, refuses_maps, refuses_maps_in_data, limits_old_maps,
	  refuses_what_comes_behind, cut_anywhere)
