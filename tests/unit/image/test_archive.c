/* SPDX-License-Identifier: Apache-2.0 */
#include <isa-l/igzip_lib.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image/archive.h"
#include "image/limits.h"
#include "tests/unit/base/temp.h"
#include "tests/unit/image/tarball.h"
#include "tests/unit/test.h"

#define ADD(...) tarball_add(&t, (struct tarball_entry){ __VA_ARGS__ })

static int file_of(const void *data, size_t len)
{
	int fd = memfd_create("archive", MFD_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pwrite(fd, data, len, 0), (ssize_t)len);
	return fd;
}

static void expect_text(const struct archive *archive, const char *path, const char *wanted)
{
	auto_free char *text = NULL;
	struct error err = { 0 };
	size_t len;
	int rc = archive_read(archive, path, 1000, &text, &len, &err);

	ck_assert_msg(rc == 0, "%s", err.msg);
	ck_assert_str_eq(text, wanted);
	ck_assert_uint_eq(len, strlen(wanted));
	ck_assert(archive_has(archive, path));
}

static void expect_error(const struct archive *archive, const char *path, const char *wanted)
{
	auto_free char *text = NULL;
	struct error err = { 0 };
	size_t len;

	ck_assert_int_lt(archive_read(archive, path, 1000, &text, &len, &err), 0);
	ck_assert_msg(strstr(err.msg, wanted), "'%s' has no '%s'", err.msg, wanted);
	ck_assert(strstr(wanted, "limit") || !archive_has(archive, path));
}

/* Opens bytes as an archive and expects a refusal. */
static void refuse(const void *data, size_t len, const char *wanted)
{
	int spool = memfd_create("spool", MFD_CLOEXEC);
	int fd = file_of(data, len);
	struct error err = { 0 };

	ck_assert_ptr_null(archive_open(fd, spool, &err));
	ck_assert_msg(strstr(err.msg, wanted), "'%s' has no '%s'", err.msg, wanted);
	close_fd(&fd);
	close_fd(&spool);
}

static struct tarball sample(void)
{
	struct tarball t = { 0 };

	ADD(.name = "./index.json", .data = "old");
	ADD(.name = "blobs", .type = '5');
	ADD(.name = "blobs//sha256/x", .data = "content of x");
	ADD(.name = "link", .type = '2', .link = "blobs/sha256/x");
	ADD(.name = "a/layer.tar", .type = '2', .link = "../b/layer.tar");
	ADD(.name = "b/layer.tar", .data = "layer");
	ADD(.name = "hard", .type = '1', .link = "./b/layer.tar");
	ADD(.name = "loop", .type = '2', .link = "loop");
	ADD(.name = "out", .type = '2', .link = "../../../etc/passwd");
	ADD(.name = "abs", .type = '2', .link = "/b/layer.tar");
	ADD(.name = "/index.json", .data = "new");
	ADD(.name = "../up", .data = "up");
	tarball_pax(&t, PAX("GNU.sparse.size=100", "GNU.sparse.map=1,1"));
	ADD(.name = "sparse", .data = "x");
	ADD(.name = "fifo", .type = '6');
	tarball_end(&t);
	return t;
}

static void check_sample(const struct archive *archive)
{
	struct archive_part part;
	struct error err = { 0 };
	char text[12];

	expect_text(archive, "index.json", "new");
	expect_text(archive, "blobs/sha256/x", "content of x");
	expect_text(archive, "/blobs//sha256/./x", "content of x");
	expect_text(archive, "link", "content of x");
	expect_text(archive, "a/layer.tar", "layer");
	expect_text(archive, "hard", "layer");
	expect_text(archive, "abs", "layer");
	expect_error(archive, "loop", "'loop' is missing");
	expect_error(archive, "out", "'out' is missing");
	expect_error(archive, "blobs", "'blobs' is missing");
	expect_error(archive, "fifo", "'fifo' is missing");
	expect_error(archive, "sparse", "'sparse' is a sparse file");
	expect_error(archive, "nothing\n", "'nothing\\x0a' is missing");
	expect_error(archive, "etc/passwd", "is missing");

	ck_assert_int_eq(archive_find(archive, "link", &part, &err), 0);
	ck_assert_uint_eq(part.size, 12);
	ck_assert_int_eq(pread(part.fd, text, 12, (off_t)part.offset), 12);
	ck_assert_mem_eq(text, "content of x", 12);
	close_fd(&part.fd);
}

START_TEST(reads_a_tar)
{
	struct tarball t = sample();
	struct error err = { 0 };
	int fd = file_of(t.bytes.text, t.bytes.len);
	struct archive *archive = archive_open(fd, -1, &err);

	ck_assert_msg(archive, "%s", err.msg);
	check_sample(archive);
	archive_free(archive);
	close_fd(&fd);
	tarball_fini(&t);
}
END_TEST

START_TEST(unwraps_gzip)
{
	struct tarball t = sample();
	struct error err = { 0 };
	uint8_t *out = xmalloc(t.bytes.len);
	struct isal_zstream stream;
	int spool = memfd_create("spool", MFD_CLOEXEC);
	struct archive *archive;
	int fd;

	isal_deflate_init(&stream);
	stream.gzip_flag = IGZIP_GZIP;
	stream.end_of_stream = 1;
	stream.next_in = (uint8_t *)t.bytes.text;
	stream.avail_in = (uint32_t)t.bytes.len;
	stream.next_out = out;
	stream.avail_out = (uint32_t)t.bytes.len;
	ck_assert_int_eq(isal_deflate(&stream), COMP_OK);
	fd = file_of(out, stream.total_out);
	archive = archive_open(fd, spool, &err);
	ck_assert_msg(archive, "%s", err.msg);
	check_sample(archive);
	archive_free(archive);
	close_fd(&fd);
	close_fd(&spool);
	free(out);
	tarball_fini(&t);
}
END_TEST

struct writer {
	int fd;
	const struct str *bytes;
};

static void *write_slowly(void *arg)
{
	struct writer *writer = arg;

	for (size_t at = 0; at < writer->bytes->len; at += 300) {
		size_t n = MIN(300, writer->bytes->len - at);

		ck_assert_int_eq(write(writer->fd, writer->bytes->text + at, n), (ssize_t)n);
	}
	close_fd(&writer->fd);
	return NULL;
}

START_TEST(reads_a_pipe)
{
	struct tarball t = sample();
	struct error err = { 0 };
	int spool = memfd_create("spool", MFD_CLOEXEC);
	struct writer writer = { .bytes = &t.bytes };
	struct archive *archive;
	pthread_t thread;
	int ends[2];

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	writer.fd = ends[1];
	ck_assert_int_eq(pthread_create(&thread, NULL, write_slowly, &writer), 0);
	archive = archive_open(ends[0], spool, &err);
	ck_assert_msg(archive, "%s", err.msg);
	check_sample(archive);
	archive_free(archive);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	close_fd(&ends[0]);
	close_fd(&spool);
	tarball_fini(&t);
}
END_TEST

/* What is no archive does not get to fill the disk. */
START_TEST(looks_before_it_unwraps)
{
	int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	int spool = memfd_create("spool", MFD_CLOEXEC);
	struct error err = { 0 };
	struct stat st;

	ck_assert_ptr_null(archive_open(zero, spool, &err));
	ck_assert_ptr_nonnull(strstr(err.msg, "no image archive"));
	ck_assert_int_eq(fstat(spool, &st), 0);
	ck_assert_int_eq(st.st_size, 0);
	close_fd(&zero);
	close_fd(&spool);
}
END_TEST

START_TEST(reads_a_directory)
{
	struct error err = { 0 };
	struct archive *archive;
	struct temp temp;
	int fd;

	temp_make(&temp);
	ck_assert_int_eq(mkdirat(temp.dir.fd, "blobs", 0755), 0);
	fd = openat(temp.dir.fd, "blobs/x", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	ck_assert_int_eq(write(fd, "content", 7), 7);
	close_fd(&fd);
	ck_assert_int_eq(symlinkat("/blobs/x", temp.dir.fd, "link"), 0);
	ck_assert_int_eq(symlinkat("../../../../../etc/passwd", temp.dir.fd, "out"), 0);
	ck_assert_int_eq(mkfifoat(temp.dir.fd, "fifo", 0600), 0);

	archive = archive_open(temp.dir.fd, -1, &err);
	ck_assert_msg(archive, "%s", err.msg);
	expect_text(archive, "blobs/x", "content");
	expect_text(archive, "link", "content");
	expect_error(archive, "out", "'out' is missing");
	expect_error(archive, "../../../../../etc/passwd", "is missing");
	expect_error(archive, "blobs", "'blobs' is no regular file");
	expect_error(archive, "fifo", "'fifo' is no regular file");
	expect_error(archive, "blobs/x/y", "'blobs/x/y' is missing");
	archive_free(archive);
	temp_remove(&temp);
}
END_TEST

START_TEST(limits_files)
{
	char big[1001];
	struct tarball t = { 0 };
	struct error err = { 0 };
	struct archive *archive;
	int fd;

	memset(big, 'x', sizeof(big));
	ADD(.name = "big", .data = big, .len = sizeof(big));
	tarball_end(&t);
	fd = file_of(t.bytes.text, t.bytes.len);
	archive = archive_open(fd, -1, &err);
	expect_error(archive, "big", "'big' has 1001 bytes, the limit is 1000");
	archive_free(archive);
	close_fd(&fd);
	tarball_fini(&t);

	t = (struct tarball){ 0 };
	for (unsigned int i = 0; i <= ARCHIVE_MAX_ENTRIES; i++)
		ADD(.name = "f");
	tarball_end(&t);
	refuse(t.bytes.text, t.bytes.len, "more than 20000 files");
	tarball_fini(&t);
}
END_TEST

START_TEST(refuses_what_is_none)
{
	struct tarball t = { 0 };

	refuse("hello", 5, "this is no image archive");
	refuse("\xfd\x37zXZ", 5, "compressed by xz");
	refuse("\x1f\x8b\x08zzzzzz", 9, "gzip: ");

	ADD(.name = "f", .data = "some data");
	ADD(.name = "g", .data = "some data");
	refuse(t.bytes.text, t.bytes.len, "it is truncated: no end mark");
	refuse(t.bytes.text, t.bytes.len - 1, "truncated: 1 bytes are missing");
	refuse(t.bytes.text, 1300, "ends too early");
	tarball_fini(&t);
}
END_TEST

START_TEST(empty_ones_have_nothing)
{
	struct error err = { 0 };
	int fd = file_of("", 0);
	struct archive *archive = archive_open(fd, -1, &err);

	ck_assert_msg(archive, "%s", err.msg);
	expect_error(archive, "index.json", "'index.json' is missing");
	archive_free(archive);
	archive_free(NULL);
	close_fd(&fd);
}
END_TEST

TEST_MAIN("image/archive", reads_a_tar, unwraps_gzip, reads_a_pipe, looks_before_it_unwraps,
	  reads_a_directory, limits_files, refuses_what_is_none, empty_ones_have_nothing)
