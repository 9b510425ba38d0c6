/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "image/tar.h"
#include "tests/unit/image/tarball.h"
#include "tests/unit/test.h"

static const size_t steps[] = { 1, 7, 512, 513, 10000000 };

static void show_xattrs(struct str *out, const struct tar_entry *entry)
{
	for (size_t i = 0; i < entry->n_xattrs; i++) {
		auto_free char *value = xstrndup(entry->xattrs[i].value, entry->xattrs[i].len);
		auto_free char *shown = str_escape(value);

		str_addf(out, " %s=%s/%zu", entry->xattrs[i].name, shown, entry->xattrs[i].len);
	}
}

/* Data as "offset:text"; pieces that lie together are one. */
static void show_data(struct str *out, struct tar *tar)
{
	uint64_t offset, end = UINT64_MAX;
	const uint8_t *data;
	struct error err = { 0 };
	size_t len;
	int rc;

	while ((rc = tar_data(tar, &data, &len, &offset, &err)) > 0) {
		if (offset != end)
			str_addf(out, " %" PRIu64 ":", offset);
		str_add_len(out, (const char *)data, len);
		end = offset + len;
	}
	ck_assert_msg(rc == 0, "%s", err.msg);
}

/* One line for each entry. */
static void show(struct str *out, struct tar *tar)
{
	static const char *const types[] = {
		"file", "hard", "sym", "char", "block", "dir", "fifo"
	};
	const struct tar_entry *entry;
	struct error err = { 0 };
	int rc;

	while ((rc = tar_next(tar, &entry, &err)) > 0) {
		str_addf(out, "%s %s %o %u:%u %lld.%09ld %" PRIu64, types[entry->type], entry->path,
			 entry->mode, entry->uid, entry->gid, (long long)entry->mtime.tv_sec,
			 entry->mtime.tv_nsec, entry->size);
		if (*entry->link)
			str_addf(out, " -> %s", entry->link);
		if (entry->major || entry->minor)
			str_addf(out, " %u,%u", entry->major, entry->minor);
		show_xattrs(out, entry);
		show_data(out, tar);
		str_add(out, "\n");
	}
	if (rc < 0)
		str_addf(out, "error: %s\n", err.msg);
}

/* Reads the tar in pieces of different sizes, each time to the same text. */
static void expect(const struct tarball *t, const char *wanted)
{
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		struct tarball_source source = { .bytes = t->bytes.text,
						 .len = t->bytes.len,
						 .step = steps[i] };
		const struct tar_source from = { .fill = tarball_fill, .arg = &source };
		struct tar *tar = tar_new(&from);
		auto_str struct str got = { 0 };

		show(&got, tar);
		ck_assert_str_eq(got.text ? got.text : "", wanted);
		ck_assert_uint_eq(source.at, source.len);
		tar_free(tar);
		free(source.piece);
	}
}

START_TEST(reads_all_kinds)
{
	struct tarball t = { 0 };

	tarball_add(&t, (struct tarball_entry){ .name = "d/", .type = '5', .mode = 01755 });
	tarball_add(&t, (struct tarball_entry){ .name = "d/f",
						.mode = 04755,
						.uid = 1000,
						.gid = 50,
						.mtime = 1700000000,
						.data = "hello" });
	tarball_add(&t, (struct tarball_entry){ .name = "h", .type = '1', .link = "d/f" });
	tarball_add(&t, (struct tarball_entry){
				.name = "s", .type = '2', .mode = 0777, .link = "d/f" });
	tarball_add(&t, (struct tarball_entry){
				.name = "c", .type = '3', .mode = 0666, .major = 1, .minor = 3 });
	tarball_add(&t, (struct tarball_entry){ .name = "b", .type = '4', .major = 8 });
	tarball_add(&t, (struct tarball_entry){ .name = "p", .type = '6', .mode = 0600 });
	tarball_add(&t, (struct tarball_entry){ .name = "7", .type = '7', .data = "contiguous" });
	tarball_end(&t);
	expect(&t, "dir d/ 1755 0:0 0.000000000 0\n"
		   "file d/f 4755 1000:50 1700000000.000000000 5 0:hello\n"
		   "hard h 0 0:0 0.000000000 0 -> d/f\n"
		   "sym s 777 0:0 0.000000000 0 -> d/f\n"
		   "char c 666 0:0 0.000000000 0 1,3\n"
		   "block b 0 0:0 0.000000000 0 8,0\n"
		   "fifo p 600 0:0 0.000000000 0\n"
		   "file 7 0 0:0 0.000000000 10 0:contiguous\n");
	tarball_fini(&t);
}
END_TEST

START_TEST(ends_without_a_mark)
{
	struct tarball t = { 0 };

	expect(&t, "");
	tarball_add(&t, (struct tarball_entry){ .name = "f", .data = "x" });
	expect(&t, "file f 0 0:0 0.000000000 1 0:x\n");
	tarball_end(&t);
	tarball_end(&t);
	expect(&t, "file f 0 0:0 0.000000000 1 0:x\n");
	tarball_fini(&t);
}
END_TEST

START_TEST(tells_the_end_mark)
{
	struct tarball t = { 0 };
	const struct tar_entry *entry;
	struct error err;

	tarball_add(&t, (struct tarball_entry){ .name = "f" });
	for (int has_mark = 0; has_mark < 2; has_mark++) {
		struct tarball_source source = { .bytes = t.bytes.text,
						 .len = t.bytes.len,
						 .step = 512 };
		const struct tar_source from = { .fill = tarball_fill, .arg = &source };
		struct tar *tar = tar_new(&from);

		ck_assert_int_eq(tar_next(tar, &entry, &err), 1);
		ck_assert_int_eq(tar_next(tar, &entry, &err), 0);
		ck_assert_int_eq(tar_next(tar, &entry, &err), 0);
		ck_assert_int_eq(tar_has_end_mark(tar), has_mark);
		tar_free(tar);
		free(source.piece);
		tarball_end(&t);
	}
	tarball_fini(&t);
}
END_TEST

START_TEST(joins_prefix_and_name)
{
	const struct tarball_entry entry = { .name = "name" };
	struct tar_header h = tarball_header(&entry, 0);
	struct tarball t = { 0 };

	(void)strcpy(h.prefix, "some/prefix");
	tarball_seal(&h);
	tarball_add_header(&t, &h);

	/* GNU has times there. */
	memcpy(h.magic, "ustar  ", 8);
	tarball_seal(&h);
	tarball_add_header(&t, &h);

	/* star's prefix is shorter. */
	memcpy(h.magic, "ustar\00000", 8);
	memset(h.prefix, 'p', sizeof(h.prefix));
	memcpy(h.rest + 8, "tar", 4);
	tarball_seal(&h);
	tarball_add_header(&t, &h);

	/* A name may fill its field to the last byte. */
	h = tarball_header(&entry, 0);
	memset(h.name, 'n', sizeof(h.name));
	tarball_seal(&h);
	tarball_add_header(&t, &h);
	expect(&t, "file some/prefix/name 0 0:0 0.000000000 0\n"
		   "file name 0 0:0 0.000000000 0\n"
		   "file "
		   "ppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppp"
		   "pppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppp"
		   "/name 0 0:0 0.000000000 0\n"
		   "file "
		   "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
		   "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
		   " 0 0:0 0.000000000 0\n");
	tarball_fini(&t);
}
END_TEST

START_TEST(reads_the_oldest_form)
{
	const struct tarball_entry entry = { .name = "dir/", .mode = 0755 };
	struct tar_header h = tarball_header(&entry, 0);
	struct tarball t = { 0 };

	h.typeflag = '\0';
	memset(h.magic, 0, sizeof(h.magic) + sizeof(h.version));
	(void)snprintf(h.mode, sizeof(h.mode), "%6o ", 0100755); /* blanks around, type in front */
	tarball_seal(&h);
	tarball_add_header(&t, &h);
	expect(&t, "dir dir/ 755 0:0 0.000000000 0\n");
	tarball_fini(&t);
}
END_TEST

/* The sum may be one of signed bytes. */
START_TEST(accepts_both_sums)
{
	const struct tarball_entry entry = { .name = "\xc3\xa9" };
	struct tar_header h = tarball_header(&entry, 0);
	struct tarball t = { 0 };
	int sum = 0;

	memset(h.chksum, ' ', sizeof(h.chksum));
	for (size_t i = 0; i < sizeof(h); i++)
		sum += ((const signed char *)&h)[i];
	(void)snprintf(h.chksum, sizeof(h.chksum), "%06o", (unsigned int)sum);
	tarball_add_header(&t, &h);
	expect(&t, "file \xc3\xa9 0 0:0 0.000000000 0\n");
	tarball_fini(&t);
}
END_TEST

START_TEST(reads_big_and_negative_numbers)
{
	const struct tarball_entry entry = { .name = "f" };
	struct tar_header h = tarball_header(&entry, 0);
	struct tarball t = { 0 };

	memcpy(h.uid, "\x80\0\0\0\xff\xff\xff\xfe", 8);
	memcpy(h.mtime, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe", 12);
	tarball_seal(&h);
	tarball_add_header(&t, &h);
	expect(&t, "file f 0 4294967294:0 -2.000000000 0\n");
	tarball_fini(&t);
}
END_TEST

START_TEST(reads_gnu_names)
{
	char name[300], wanted[700];
	struct tarball t = { 0 };

	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	tarball_add(&t, (struct tarball_entry){ .name = "././@LongLink",
						.type = 'L',
						.data = name,
						.len = sizeof(name) });
	tarball_add(&t, (struct tarball_entry){ .name = "././@LongLink",
						.type = 'K',
						.data = name,
						.len = sizeof(name) });
	tarball_add(&t, (struct tarball_entry){ .name = "x", .type = '2', .link = "x" });
	tarball_add(&t, (struct tarball_entry){ .name = "y", .type = '2', .link = "z" });
	(void)snprintf(wanted, sizeof(wanted),
		       "sym %s 0 0:0 0.000000000 0 -> %s\n"
		       "sym y 0 0:0 0.000000000 0 -> z\n",
		       name, name);
	expect(&t, wanted);
	tarball_fini(&t);
}
END_TEST

START_TEST(pax_goes_before_the_header)
{
	struct tarball t = { 0 };

	tarball_pax(&t,
		    PAX("path=long/name", "linkpath=long/target", "uid=70000", "gid=80000",
			"mtime=1700000000.25", "comment=unknown keys are passed over", "atime=1"));
	tarball_add(&t, (struct tarball_entry){ .name = "x", .type = '2', .link = "x", .uid = 7 });
	/* Only for one entry. */
	tarball_add(&t, (struct tarball_entry){ .name = "x", .uid = 7 });
	/* The header's size is too small for what pax says. */
	tarball_pax(&t, PAX("size=3", "mtime=-1.5"));
	tarball_add(&t, (struct tarball_entry){ .name = "s" });
	tarball_block(&t, "abc", 3);
	/* An empty value takes nothing from the header; a global header says nothing. */
	tarball_add(&t, (struct tarball_entry){ .name = "g", .type = 'g', .data = "11 path=zz\n" });
	tarball_pax(&t, PAX("path=", "size="));
	tarball_add(&t, (struct tarball_entry){ .name = "e", .data = "ee" });
	tarball_end(&t);
	expect(&t, "sym long/name 0 70000:80000 1700000000.250000000 0 -> long/target\n"
		   "file x 0 7:0 0.000000000 0\n"
		   "file s 0 0:0 -2.500000000 3 0:abc\n"
		   "file e 0 0:0 0.000000000 2 0:ee\n");
	tarball_fini(&t);
}
END_TEST

START_TEST(reads_attributes)
{
	auto_str struct str text = { 0 };
	struct tarball t = { 0 };

	tarball_record(&text, "SCHILY.xattr.user.bytes", "a\0\n=b", 5);
	tarball_record(&text, "LIBARCHIVE.xattr.user.100%25", "Zm9vYg==", 8);
	tarball_record(&text, "LIBARCHIVE.xattr.user.bytes", "AAAA", 4); /* the same once more */
	tarball_record(&text, "SCHILY.xattr.user.empty", "", 0);
	tarball_pax_text(&t, text.text, text.len);
	tarball_add(&t, (struct tarball_entry){ .name = "f" });
	tarball_add(&t, (struct tarball_entry){ .name = "g" });
	expect(&t, "file f 0 0:0 0.000000000 0 user.bytes=a/5 user.100%=foob/4 user.empty=/0\n"
		   "file g 0 0:0 0.000000000 0\n");
	tarball_fini(&t);
}
END_TEST

/* ---- sparse files ---------------------------------------------------------------------------- */

static void add_sparse_header(struct tarball *t, size_t stored, uint64_t size, const uint64_t *map,
			      size_t n, char is_extended)
{
	const struct tarball_entry entry = { .name = "old", .type = 'S' };
	struct tar_header h = tarball_header(&entry, stored);

	memcpy(h.magic, "ustar  ", 8);
	for (size_t i = 0; i < n; i++) {
		tarball_octal(h.gnu.sparse[i].offset, 12, map[2 * i]);
		tarball_octal(h.gnu.sparse[i].len, 12, map[2 * i + 1]);
	}
	h.gnu.is_extended = is_extended;
	tarball_octal(h.gnu.real_size, 12, size);
	tarball_seal(&h);
	tarball_add_header(t, &h);
}

START_TEST(reads_old_gnu_sparse)
{
	const uint64_t map[] = { 4096, 3, 8192, 2, 20000, 0 };
	struct tar_sparse_block more = { 0 };
	struct tarball t = { 0 };

	add_sparse_header(&t, 5, 20000, map, 3, 0);
	tarball_block(&t, "abcde", 5);
	tarball_add(&t, (struct tarball_entry){ .name = "next" });

	/* A map that goes on in a block of its own. */
	add_sparse_header(&t, 6, 1000, (const uint64_t[]){ 0, 1, 10, 1, 20, 1, 30, 1 }, 4, 1);
	tarball_octal(more.sparse[0].offset, 12, 40);
	tarball_octal(more.sparse[0].len, 12, 2);
	tarball_block(&t, &more, sizeof(more));
	tarball_block(&t, "123456", 6);
	expect(&t, "file old 0 0:0 0.000000000 20000 4096:abc 8192:de\n"
		   "file next 0 0:0 0.000000000 0\n"
		   "file old 0 0:0 0.000000000 1000 0:1 10:2 20:3 30:4 40:56\n");
	tarball_fini(&t);
}
END_TEST

START_TEST(reads_pax_sparse)
{
	const struct tarball_entry entry = { .name = "x" };
	const struct tar_header header = tarball_header(&entry, TAR_BLOCK_SIZE + 3);
	struct tarball t = { 0 };

	tarball_pax(&t,
		    PAX("GNU.sparse.size=100", "GNU.sparse.numblocks=2", "GNU.sparse.offset=10",
			"GNU.sparse.numbytes=2", "GNU.sparse.offset=50", "GNU.sparse.numbytes=1"));
	tarball_add(&t, (struct tarball_entry){ .name = "0.0", .data = "abc" });

	tarball_pax(&t, PAX("GNU.sparse.name=0.1", "path=GNUSparseFile.1/x", "GNU.sparse.size=100",
			    "GNU.sparse.numblocks=2", "GNU.sparse.map=10,2,50,1"));
	tarball_add(&t, (struct tarball_entry){ .name = "x", .data = "abc" });

	tarball_pax(&t, PAX("GNU.sparse.major=1", "GNU.sparse.minor=0", "GNU.sparse.name=1.0",
			    "GNU.sparse.realsize=100"));
	tarball_add_header(&t, &header);
	tarball_block(&t, "2\n10\n2\n50\n1\n", 13);
	tarball_block(&t, "abc", 3);
	tarball_add(&t, (struct tarball_entry){ .name = "next" });
	expect(&t, "file 0.0 0 0:0 0.000000000 100 10:ab 50:c\n"
		   "file 0.1 0 0:0 0.000000000 100 10:ab 50:c\n"
		   "file 1.0 0 0:0 0.000000000 100 10:ab 50:c\n"
		   "file next 0 0:0 0.000000000 0\n");
	tarball_fini(&t);
}
END_TEST

/* A file that is all hole, and one whose data nobody asks for. */
START_TEST(passes_over_what_is_not_read)
{
	struct tarball t = { 0 };
	struct tarball_source source = { .step = 100 };
	const struct tar_source from = { .fill = tarball_fill, .arg = &source };
	struct tar *tar = tar_new(&from);
	const struct tar_entry *entry;
	struct error err;
	char big[5000];

	memset(big, 'b', sizeof(big));
	tarball_add(&t, (struct tarball_entry){ .name = "a", .data = big, .len = sizeof(big) });
	tarball_pax(&t, PAX("GNU.sparse.size=1000000", "GNU.sparse.map="));
	tarball_add(&t, (struct tarball_entry){ .name = "b" });
	tarball_end(&t);
	source.bytes = t.bytes.text;
	source.len = t.bytes.len;
	ck_assert_int_eq(tar_next(tar, &entry, &err), 1);
	ck_assert_uint_eq(tar_data_offset(tar), 512);
	ck_assert_int_eq(tar_next(tar, &entry, &err), 1);
	ck_assert_str_eq(entry->path, "b");
	ck_assert(entry->is_sparse);
	ck_assert_uint_eq(entry->size, 1000000);
	ck_assert_int_eq(tar_next(tar, &entry, &err), 0);
	tar_free(tar);
	free(source.piece);
	tarball_fini(&t);
}
END_TEST

START_TEST(shows_names)
{
	auto_free char *escaped = tar_shown("a\nb\x1b");
	auto_free char *lengthy = xasprintf("%0300d", 7);
	auto_free char *shortened = tar_shown(lengthy);

	ck_assert_str_eq(escaped, "a\\x0ab\\x1b");
	ck_assert_uint_eq(strlen(shortened), 160);
	ck_assert(str_ends(shortened, "0007"));
}
END_TEST

TEST_MAIN("image/tar", reads_all_kinds, ends_without_a_mark, tells_the_end_mark,
	  joins_prefix_and_name, reads_the_oldest_form, accepts_both_sums,
	  reads_big_and_negative_numbers, reads_gnu_names, pax_goes_before_the_header,
	  reads_attributes, reads_old_gnu_sparse, reads_pax_sparse, passes_over_what_is_not_read,
	  shows_names)
