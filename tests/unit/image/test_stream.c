/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "image/stream.h"
#include "tests/unit/test.h"

#define SIZE 5000000U /* more than the ring holds */

/* A blob that is no compressed one, at some place in a file, with other bytes around. */
struct fixture {
	struct stream_blob blob;
	char *text;
};

static void setup(struct fixture *f)
{
	f->blob = (struct stream_blob){ .fd = memfd_create("blob", MFD_CLOEXEC),
					.offset = 1000,
					.size = SIZE,
					.copy_fd = -1,
					.growth_fd = -1 };
	f->text = xmalloc(SIZE);
	for (uint32_t i = 0; i < SIZE; i++)
		f->text[i] = (char)((i * 2654435761U) >> 24);
	f->text[0] = 'x'; /* no magic */
	ck_assert_int_eq(pwrite(f->blob.fd, f->text, SIZE, 1000), SIZE);
	ck_assert_int_eq(pwrite(f->blob.fd, "behind", 6, 1000 + SIZE), 6);
	digest_of(f->text, SIZE, f->blob.digest);
	(void)strcpy(f->blob.diff_id, f->blob.digest);
}

static void teardown(struct fixture *f)
{
	close_fd(&f->blob.fd);
	free(f->text);
}

/* Reads @max bytes or all. */
static int read_some(struct stream *stream, size_t max, struct str *out, struct error *err)
{
	const uint8_t *data;
	size_t len = 1;
	int rc = 0;

	while (rc == 0 && len && out->len < max) {
		rc = stream_fill(stream, &data, &len, err);
		if (rc == 0)
			str_add_len(out, (const char *)data, len);
	}
	return rc;
}

/* All of it; the text of stream_finish()'s error in @err. */
static int read_and_finish(const struct stream_blob *blob, struct error *err)
{
	auto_stream struct stream *stream = stream_start(blob, err);
	auto_str struct str out = { 0 };
	struct error failed = { 0 };
	int rc;

	ck_assert_ptr_nonnull(stream);
	rc = read_some(stream, SIZE_MAX, &out, &failed);
	return stream_finish(stream, rc < 0 ? &failed : NULL, err);
}

START_TEST(gives_what_is_there)
{
	struct fixture f;
	struct error err = { 0 };
	struct stream *stream;
	auto_str struct str out = { 0 };
	char digest[DIGEST_TEXT];

	setup(&f);
	stream = stream_start(&f.blob, &err);
	ck_assert_int_eq(read_some(stream, SIZE_MAX, &out, &err), 0);
	ck_assert_uint_eq(out.len, SIZE);
	ck_assert_int_eq(memcmp(out.text, f.text, SIZE), 0);
	ck_assert_msg(stream_finish(stream, NULL, &err) == 0, "%s", err.msg);
	stream_digest(stream, digest);
	ck_assert_str_eq(digest, f.blob.digest);
	ck_assert_int_eq(stream_kind(stream), INFLATE_NONE);
	stream_free(stream);
	teardown(&f);
}
END_TEST

/* Who has read enough still gets the digests of everything. */
START_TEST(finishes_what_nobody_read)
{
	struct fixture f;
	struct error err = { 0 };
	struct stream *stream;
	auto_str struct str out = { 0 };

	setup(&f);
	stream = stream_start(&f.blob, &err);
	ck_assert_int_eq(read_some(stream, 1000, &out, &err), 0);
	ck_assert_msg(stream_finish(stream, NULL, &err) == 0, "%s", err.msg);
	stream_free(stream);

	f.blob.diff_id[10] = f.blob.diff_id[10] == '0' ? '1' : '0';
	stream = stream_start(&f.blob, &err);
	ck_assert_int_lt(stream_finish(stream, NULL, &err), 0);
	ck_assert_ptr_nonnull(strstr(err.msg, "diff_id of the tar inside: digest is"));
	stream_free(stream);
	teardown(&f);
}
END_TEST

START_TEST(copies_what_it_verifies)
{
	struct fixture f;
	struct error err = { 0 };
	auto_free char *copy = xmalloc(SIZE);

	setup(&f);
	f.blob.copy_fd = memfd_create("copy", MFD_CLOEXEC);
	ck_assert_msg(read_and_finish(&f.blob, &err) == 0, "%s", err.msg);
	ck_assert_int_eq(lseek(f.blob.copy_fd, 0, SEEK_END), SIZE);
	ck_assert_int_eq(pread(f.blob.copy_fd, copy, SIZE, 0), SIZE);
	ck_assert_int_eq(memcmp(copy, f.text, SIZE), 0);
	close_fd(&f.blob.copy_fd);

	/* No room for the copy: said so, since the blob is what it ought to be. */
	f.blob.copy_fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	ck_assert_int_eq(read_and_finish(&f.blob, &err), -ENOSPC);
	ck_assert_str_eq(err.msg, "keep the blob: no space left on device");
	close_fd(&f.blob.copy_fd);
	teardown(&f);
}
END_TEST

/* Half of it is there; the rest comes while it is read, or does not. */
START_TEST(follows_a_file_that_grows)
{
	struct fixture f;
	struct error err = { 0 };
	int pipe_fds[2];

	setup(&f);
	ck_assert_int_eq(ftruncate(f.blob.fd, 1000 + SIZE / 2), 0);
	ck_assert_int_eq(pipe2(pipe_fds, O_CLOEXEC), 0);
	f.blob.growth_fd = pipe_fds[0];
	if (fork() == 0) {
		(void)usleep(50000);
		(void)!pwrite(f.blob.fd, f.text + SIZE / 2, 1000, 1000 + SIZE / 2);
		(void)!write(pipe_fds[1], "", 1);
		(void)usleep(50000);
		/* The last of it is told by the end of the pipe alone. */
		(void)!pwrite(f.blob.fd, f.text + SIZE / 2 + 1000, SIZE - SIZE / 2 - 1000,
			      1000 + SIZE / 2 + 1000);
		_exit(0);
	}
	close_fd(&pipe_fds[1]);
	ck_assert_msg(read_and_finish(&f.blob, &err) == 0, "%s", err.msg);
	close_fd(&pipe_fds[0]);

	ck_assert_int_eq(ftruncate(f.blob.fd, 1000 + SIZE / 2), 0);
	ck_assert_int_eq(pipe2(pipe_fds, O_CLOEXEC), 0);
	f.blob.growth_fd = pipe_fds[0];
	close_fd(&pipe_fds[1]);
	ck_assert_int_eq(read_and_finish(&f.blob, &err), -ECONNABORTED);
	ck_assert_str_eq(err.msg, "size is 2500000 bytes, expected 5000000");
	close_fd(&pipe_fds[0]);
	teardown(&f);
}
END_TEST

START_TEST(stops_wherever_it_is)
{
	struct fixture f;
	struct error err = { 0 };
	struct stream *stream;
	auto_str struct str out = { 0 };

	setup(&f);
	stream = stream_start(&f.blob, &err);
	stream_free(stream);
	stream = stream_start(&f.blob, &err);
	ck_assert_int_eq(read_some(stream, 1, &out, &err), 0);
	stream_free(stream);
	stream_free(NULL);
	teardown(&f);
}
END_TEST

START_TEST(computes_a_digest_that_nobody_knew)
{
	struct fixture f;
	struct error err = { 0 };
	struct stream *stream;
	char digest[DIGEST_TEXT];

	setup(&f);
	f.blob.digest[0] = '\0';
	stream = stream_start(&f.blob, &err);
	ck_assert_int_eq(stream_finish(stream, NULL, &err), 0);
	stream_digest(stream, digest);
	ck_assert_str_eq(digest, f.blob.diff_id);
	stream_free(stream);
	teardown(&f);
}
END_TEST

START_TEST(refuses_other_content)
{
	struct fixture f;
	struct error err = { 0 };

	setup(&f);
	ck_assert_int_eq(pwrite(f.blob.fd, "?", 1, 1000 + SIZE - 1), 1);
	ck_assert_int_lt(read_and_finish(&f.blob, &err), 0);
	ck_assert_ptr_nonnull(strstr(err.msg, "digest is sha256:"));
	ck_assert_ptr_nonnull(strstr(err.msg, f.blob.digest));
	teardown(&f);
}
END_TEST

START_TEST(refuses_a_file_that_ends)
{
	struct fixture f;
	struct error err = { 0 };

	setup(&f);
	ck_assert_int_eq(ftruncate(f.blob.fd, 1000 + SIZE - 1), 0);
	ck_assert_int_lt(read_and_finish(&f.blob, &err), 0);
	ck_assert_str_eq(err.msg, "size is 4999999 bytes, expected 5000000");
	teardown(&f);
}
END_TEST

/* A damaged blob makes readers stumble: what is told is that it is damaged. */
START_TEST(tells_the_first_cause)
{
	struct fixture f;
	struct error err = { 0 }, failed = { 0 };
	struct stream *stream;
	auto_str struct str out = { 0 };

	setup(&f);
	err_set(&failed, EINVAL, "the reader's own");
	stream = stream_start(&f.blob, &err);
	ck_assert_int_eq(read_some(stream, 1, &out, &err), 0);
	ck_assert_int_eq(stream_finish(stream, &failed, &err), -EINVAL);
	ck_assert_str_eq(err.msg, "the reader's own");
	stream_free(stream);

	ck_assert_int_eq(pwrite(f.blob.fd, "?", 1, 1000 + SIZE / 2), 1);
	stream = stream_start(&f.blob, &err);
	ck_assert_int_lt(stream_finish(stream, &failed, &err), 0);
	ck_assert_ptr_nonnull(strstr(err.msg, "digest is sha256:"));
	stream_free(stream);

	/* The same if it is inflation that fails. */
	ck_assert_int_eq(pwrite(f.blob.fd, "\x1f\x8b\x08zzzz", 7, 1000), 7);
	ck_assert_int_lt(read_and_finish(&f.blob, &err), 0);
	ck_assert_ptr_nonnull(strstr(err.msg, "digest is sha256:"));
	f.text[0] = '\x1f';
	ck_assert_int_eq(pread(f.blob.fd, f.text, SIZE, 1000), SIZE);
	digest_of(f.text, SIZE, f.blob.digest);
	ck_assert_int_lt(read_and_finish(&f.blob, &err), 0);
	ck_assert_ptr_nonnull(strstr(err.msg, "gzip: "));
	teardown(&f);
}
END_TEST

TEST_MAIN("image/stream", gives_what_is_there, finishes_what_nobody_read, copies_what_it_verifies,
	  follows_a_file_that_grows, stops_wherever_it_is, computes_a_digest_that_nobody_knew,
	  refuses_other_content, refuses_a_file_that_ends, tells_the_first_cause)
