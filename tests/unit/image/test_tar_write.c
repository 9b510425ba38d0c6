/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "image/tar.h"
#include "image/tar_write.h"
#include "tests/unit/test.h"

/* What was written is read by our own reader, which takes nothing on trust. */
static char whole[1 << 20];
static size_t whole_len;

static int fill(void *arg, const uint8_t **ret, size_t *ret_len, struct error *err)
{
	bool *is_given = arg;

	(void)err;
	*ret = (const uint8_t *)whole;
	*ret_len = *is_given ? 0 : whole_len;
	*is_given = true;
	return 0;
}

static void write_all(const struct tar_member *members, const char *const *texts, size_t n)
{
	auto_tar_writer struct tar_writer writer;
	struct error err = { 0 };
	int fd = memfd_create("tar", MFD_CLOEXEC);

	tar_writer_init(&writer, fd, "test");
	for (size_t i = 0; i < n; i++) {
		size_t len = texts[i] ? strlen(texts[i]) : 0;

		ck_assert_int_eq(tar_write_member(&writer, &members[i], &err), 0);
		/* In two pieces, as files come. */
		ck_assert_int_eq(tar_write_data(&writer, texts[i], len / 2, &err), 0);
		ck_assert_int_eq(tar_write_data(&writer, len ? texts[i] + len / 2 : NULL,
						len - len / 2, &err),
				 0);
	}
	ck_assert_int_eq(tar_write_end(&writer, &err), 0);
	whole_len = (size_t)lseek(fd, 0, SEEK_END);
	ck_assert_uint_le(whole_len, sizeof(whole));
	ck_assert_int_eq(pread(fd, whole, whole_len, 0), whole_len);
	close_fd(&fd);
}

static char *long_text(size_t len, char letter)
{
	char *text = xmalloc(len + 1);

	memset(text, letter, len);
	text[len] = '\0';
	return text;
}

START_TEST(comes_back_as_it_was)
{
	auto_free char *path = long_text(300, 'p');
	auto_free char *link = long_text(200, 'l');
	auto_free char *data = long_text(200000, 'd');
	static const struct tar_attribute attributes[] = { { "user.color", "r\0d", 3 },
							   { "security.capability", "", 0 } };
	const struct tar_member members[] = {
		{ .path = "dir/", .type = '5', .mode = 01755, .uid = 1, .gid = 2, .mtime = 1000 },
		{ .path = "dir/file", .type = '0', .mode = 04711, .size = 5, .mtime = -5 },
		{ .path = path, .type = '0', .mode = 0600, .uid = 4000000000U, .size = 200000 },
		{ .path = "hard", .type = '1', .link = "dir/file" },
		{ .path = "soft", .type = '2', .link = link, .mode = 0777 },
		{ .path = "null", .type = '3', .mode = 0666, .major = 1, .minor = 3 },
		{ .path = "pipe", .type = '6', .gid = 3000000 },
		{ .path = "colored", .type = '0', .attributes = attributes, .n_attributes = 2 },
	};
	static const enum tar_type types[] = { TAR_DIR,     TAR_FILE, TAR_FILE, TAR_HARDLINK,
					       TAR_SYMLINK, TAR_CHAR, TAR_FIFO, TAR_FILE };
	const char *const texts[] = { NULL, "hello", data, NULL, NULL, NULL, NULL, NULL };
	bool is_given = false;
	const struct tar_source source = { .fill = fill, .arg = &is_given };
	auto_tar struct tar *tar = NULL;
	const struct tar_entry *entry;
	struct error err = { 0 };

	write_all(members, texts, ARRAY_LEN(members));
	tar = tar_new(&source);
	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		size_t done = 0, len;
		const uint8_t *piece;
		uint64_t at;

		ck_assert_msg(tar_next(tar, &entry, &err) == 1, "%zu: %s", i, err.msg);
		ck_assert_str_eq(entry->path, members[i].path);
		ck_assert_str_eq(entry->link, members[i].link ? members[i].link : "");
		ck_assert_int_eq(entry->type, types[i]);
		ck_assert_uint_eq(entry->mode, members[i].mode);
		ck_assert_uint_eq(entry->uid, members[i].uid);
		ck_assert_uint_eq(entry->gid, members[i].gid);
		ck_assert_int_eq(entry->mtime.tv_sec, members[i].mtime);
		ck_assert_uint_eq(entry->major, members[i].major);
		ck_assert_uint_eq(entry->minor, members[i].minor);
		ck_assert_uint_eq(entry->n_xattrs, members[i].n_attributes);
		for (size_t j = 0; j < entry->n_xattrs; j++) {
			ck_assert_str_eq(entry->xattrs[j].name, attributes[j].name);
			ck_assert_uint_eq(entry->xattrs[j].len, attributes[j].len);
			ck_assert_int_eq(memcmp(entry->xattrs[j].value, attributes[j].value,
						attributes[j].len),
					 0);
		}
		while (tar_data(tar, &piece, &len, &at, &err) == 1) {
			ck_assert_uint_eq(at, done);
			ck_assert_int_eq(memcmp(piece, texts[i] + done, len), 0);
			done += len;
		}
		ck_assert_uint_eq(done, members[i].size);
	}
	ck_assert_int_eq(tar_next(tar, &entry, &err), 0);
	ck_assert(tar_has_end_mark(tar));
}
END_TEST

/* The length of a pax record counts its own digits: all lengths around the places where they grow. */
START_TEST(counts_digits_of_digits)
{
	for (size_t len = 101; len<1100; len += len> 120 && len < 960 ? 20 : 1) {
		auto_free char *path = long_text(len, 'x');
		const struct tar_member member = { .path = path, .type = '5', .mode = 0755 };
		static const char *const texts[] = { NULL };
		bool is_given = false;
		const struct tar_source source = { .fill = fill, .arg = &is_given };
		auto_tar struct tar *tar = NULL;
		const struct tar_entry *entry;
		struct error err = { 0 };

		write_all(&member, texts, 1);
		tar = tar_new(&source);
		ck_assert_msg(tar_next(tar, &entry, &err) == 1, "%zu: %s", len, err.msg);
		ck_assert_str_eq(entry->path, path);
	}
}
END_TEST

START_TEST(says_what_cannot_be_written)
{
	auto_tar_writer struct tar_writer writer;
	struct error err = { 0 };
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	tar_writer_init(&writer, fd, "out.tar");
	ck_assert_int_eq(tar_write_end(&writer, &err), -ENOSPC);
	ck_assert_str_eq(err.msg, "write 'out.tar': no space left on device");
	close_fd(&fd);
}
END_TEST

TEST_MAIN("image/tar_write", comes_back_as_it_was, counts_digits_of_digits,
	  says_what_cannot_be_written)
