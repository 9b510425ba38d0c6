/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <isa-l/igzip_lib.h>
#include <string.h>
#include <zstd.h>

#include "base/mem.h"
#include "base/str.h"
#include "image/inflate.h"
#include "image/limits.h"
#include "tests/unit/test.h"

/* ---- making ---------------------------------------------------------------------------------- */

static void add_gzip(struct str *to, const void *data, size_t len)
{
	auto_free uint8_t *out = xmalloc(len + 1000);
	struct isal_zstream stream;

	isal_deflate_init(&stream);
	stream.gzip_flag = IGZIP_GZIP;
	stream.end_of_stream = 1;
	stream.flush = NO_FLUSH;
	stream.next_in = xmalloc(len + 1);
	memcpy(stream.next_in, data, len);
	stream.avail_in = (uint32_t)len;
	stream.next_out = out;
	stream.avail_out = (uint32_t)len + 1000;
	uint8_t *copy = stream.next_in;
	ck_assert_int_eq(isal_deflate(&stream), COMP_OK);
	ck_assert_int_eq((int)stream.internal_state.state, ZSTATE_END);
	str_add_len(to, (char *)out, stream.total_out);
	free(copy);
}

static void add_zstd(struct str *to, const void *data, size_t len, int window_log)
{
	size_t room = ZSTD_compressBound(len);
	auto_free char *out = xmalloc(room);
	ZSTD_CCtx *cctx = ZSTD_createCCtx();
	size_t n;

	ck_assert(!ZSTD_isError(ZSTD_CCtx_setParameter(cctx, ZSTD_c_checksumFlag, 1)));
	/* Not in one piece, or the frame has the size of its content instead of a window. */
	ck_assert(!ZSTD_isError(ZSTD_CCtx_setParameter(cctx, ZSTD_c_contentSizeFlag, 0)));
	if (window_log)
		ck_assert(
			!ZSTD_isError(ZSTD_CCtx_setParameter(cctx, ZSTD_c_windowLog, window_log)));
	ZSTD_inBuffer input = { .src = data, .size = len };
	ZSTD_outBuffer output = { .dst = out, .size = room };
	(void)ZSTD_compressStream2(cctx, &output, &input, ZSTD_e_continue);
	n = ZSTD_compressStream2(cctx, &output, &input, ZSTD_e_end);
	ck_assert_uint_eq(n, 0);
	str_add_len(to, out, output.pos);
	ZSTD_freeCCtx(cctx);
}

/* Text that compresses, but not to nothing. */
static char *make_text(size_t len)
{
	char *text = xmalloc(len + 1);
	uint32_t state = 1;

	for (size_t i = 0; i < len; i++) {
		state = state * 1664525 + 1013904223;
		text[i] = "abcdefgh"[state >> 29];
	}
	text[len] = '\0';
	return text;
}

/* ---- reading --------------------------------------------------------------------------------- */

struct bytes {
	const char *text;
	size_t len, at, step;
};

static ssize_t read_bytes(void *arg, void *to, size_t size, struct error *err)
{
	struct bytes *bytes = arg;
	size_t n = MIN(MIN(size, bytes->step), bytes->len - bytes->at);

	(void)err;
	memcpy(to, bytes->text + bytes->at, n);
	bytes->at += n;
	return (ssize_t)n;
}

/* All of it, read by @size bytes from a source of @step bytes. */
static ssize_t inflate_all(const char *text, size_t len, size_t step, size_t size, uint64_t limit,
			   struct str *out, struct error *err)
{
	struct bytes bytes = { .text = text, .len = len, .step = step };
	const struct inflate_source source = { .read = read_bytes, .arg = &bytes };
	auto_inflate struct inflate *in = inflate_new(&source, limit);
	auto_free char *buffer = xmalloc(size);
	ssize_t n;

	while ((n = inflate_read(in, buffer, size, err)) > 0)
		str_add_len(out, buffer, (size_t)n);
	if (n == 0)
		ck_assert_uint_eq(bytes.at, bytes.len);
	return n;
}

static void expect(const struct str *packed, const char *wanted, size_t len)
{
	static const size_t steps[] = { 1, 3, 1000, 1000000 };
	static const size_t sizes[] = { 1, 100, 300000 };

	for (size_t i = 0; i < ARRAY_LEN(steps) * ARRAY_LEN(sizes); i++) {
		auto_str struct str out = { 0 };
		struct error err = { 0 };
		ssize_t rc =
			inflate_all(packed->text, packed->len, steps[i % ARRAY_LEN(steps)],
				    sizes[i / ARRAY_LEN(steps)], INFLATE_MIN_LIMIT, &out, &err);

		ck_assert_msg(rc == 0, "%s", err.msg);
		ck_assert_uint_eq(out.len, len);
		ck_assert_int_eq(memcmp(out.text ? out.text : "", wanted, len), 0);
	}
}

static void refuse(const struct str *packed, const char *wanted)
{
	static const size_t steps[] = { 1, 1000000 };

	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		auto_str struct str out = { 0 };
		struct error err = { 0 };

		ck_assert_int_lt(inflate_all(packed->text, packed->len, steps[i], 1000,
					     INFLATE_MIN_LIMIT, &out, &err),
				 0);
		ck_assert_msg(strstr(err.msg, wanted), "'%s' has no '%s'", err.msg, wanted);
	}
}

/* ---- tests ----------------------------------------------------------------------------------- */

START_TEST(plain_stays)
{
	auto_free char *text = make_text(5000);
	struct str packed = { .text = text, .len = 5000 };

	expect(&packed, text, 5000);
	packed.len = 3; /* shorter than any magic */
	expect(&packed, text, 3);
	packed.len = 0;
	expect(&packed, text, 0);
}
END_TEST

START_TEST(inflates_gzip)
{
	auto_free char *text = make_text(300000);
	auto_str struct str packed = { 0 };

	add_gzip(&packed, text, 300000);
	expect(&packed, text, 300000);
}
END_TEST

START_TEST(inflates_members)
{
	auto_free char *text = make_text(3000);
	auto_str struct str packed = { 0 };

	add_gzip(&packed, text, 1000);
	add_gzip(&packed, "", 0);
	add_gzip(&packed, text + 1000, 1);
	add_gzip(&packed, text + 1001, 1999);
	expect(&packed, text, 3000);
	/* as a tape has it */
	str_add_len(&packed, "\0\0\0\0\0", 5);
	expect(&packed, text, 3000);
}
END_TEST

START_TEST(inflates_zstd)
{
	auto_free char *text = make_text(300000);
	auto_str struct str packed = { 0 };

	add_zstd(&packed, text, 300000, 0);
	expect(&packed, text, 300000);
}
END_TEST

/* Frames one after the other; those to be skipped have tables of contents (zstd:chunked). */
START_TEST(inflates_frames)
{
	auto_free char *text = make_text(3000);
	auto_str struct str packed = { 0 };

	str_add_len(&packed, "\x5e\x2a\x4d\x18\x03\0\0\0abc", 11);
	add_zstd(&packed, text, 1000, 0);
	add_zstd(&packed, text + 1000, 2000, 0);
	str_add_len(&packed, "\x50\x2a\x4d\x18\x03\0\0\0abc", 11);
	expect(&packed, text, 3000);
}
END_TEST

START_TEST(refuses_cut_streams)
{
	auto_free char *text = make_text(2000);
	auto_str struct str gzip = { 0 };
	auto_str struct str zstd = { 0 };

	add_gzip(&gzip, text, 2000);
	add_zstd(&zstd, text, 2000, 0);
	while (gzip.len-- > 3)
		refuse(&gzip, "gzip: ");
	while (zstd.len-- > 4)
		refuse(&zstd, "zstd: ");
}
END_TEST

START_TEST(refuses_damage)
{
	auto_free char *text = make_text(2000);
	auto_str struct str gzip = { 0 };
	auto_str struct str zstd = { 0 };
	size_t len;

	add_gzip(&gzip, text, 2000);
	add_zstd(&zstd, text, 2000, 0);
	gzip.text[gzip.len - 8] ^= 1;
	refuse(&gzip, "gzip: wrong checksum");
	gzip.text[gzip.len - 8] ^= 1;
	gzip.text[gzip.len - 1] ^= 1; /* its size */
	refuse(&gzip, "gzip: wrong checksum");
	gzip.text[gzip.len - 1] ^= 1;
	zstd.text[zstd.len - 1] ^= 1;
	refuse(&zstd, "zstd: ");
	zstd.text[zstd.len - 1] ^= 1;

	len = gzip.len;
	str_add(&gzip, "garbage");
	refuse(&gzip, "gzip: data behind its end");
	gzip.len = len;
	str_add_len(&gzip, "\0\0x", 3);
	refuse(&gzip, "gzip: data behind its end");
	gzip.len = len;
	str_add_len(&gzip, "\x1f\x8b\x07", 3);
	refuse(&gzip, "gzip: ");
	str_add(&zstd, "garbage");
	refuse(&zstd, "zstd: ");
}
END_TEST

START_TEST(names_other_kinds)
{
	static const struct {
		const char *magic, *wanted;
	} cases[] = {
		{ "BZh91AY", "bzip2" },
		{ "\xfd"
		  "7zXZ",
		  "xz" },
		{ "\x04\x22\x4d\x18", "lz4" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_str struct str packed = { 0 };

		str_add(&packed, cases[i].magic);
		refuse(&packed, cases[i].wanted);
		ck_assert_int_eq(inflate_kind_of((const uint8_t *)packed.text, packed.len),
				 INFLATE_REFUSED);
	}
}
END_TEST

START_TEST(limits_what_comes_out)
{
	auto_free char *zeros = xcalloc(1, 3000000);
	auto_str struct str packed = { 0 };
	auto_str struct str out = { 0 };
	struct error err = { 0 };

	add_gzip(&packed, zeros, 3000000);
	ck_assert_int_lt(inflate_all(packed.text, packed.len, 1000, 1000, 2999999, &out, &err), 0);
	ck_assert_int_eq(err.code, EFBIG);
	ck_assert_ptr_nonnull(strstr(err.msg, "more than 2999999 bytes"));
	ck_assert_uint_lt(out.len, 3000000);
	str_clear(&out);
	ck_assert_int_eq(inflate_all(packed.text, packed.len, 1000, 1000, 3000000, &out, &err), 0);

	ck_assert_uint_eq(inflate_limit(5), 1ULL << 30);
	ck_assert_uint_eq(inflate_limit(1ULL << 30), 100ULL << 30);
	ck_assert_uint_eq(inflate_limit(UINT64_MAX), UINT64_MAX);
}
END_TEST

/* 64 MiB and more in memory for a few bytes: what decides is what the frame asks for. */
START_TEST(limits_windows)
{
	auto_free char *zeros = xcalloc(1, 40 << 20);
	auto_str struct str packed = { 0 };
	auto_str struct str out = { 0 };
	struct error err = { 0 };

	add_zstd(&packed, zeros, 40 << 20, INFLATE_MAX_WINDOW_LOG);
	ck_assert_int_eq(inflate_all(packed.text, packed.len, 100, 1 << 20, INFLATE_MIN_LIMIT, &out,
				     &err),
			 0);
	ck_assert_uint_eq(out.len, 40 << 20);
	str_clear(&packed);
	add_zstd(&packed, zeros, 40 << 20, INFLATE_MAX_WINDOW_LOG + 1);
	refuse(&packed, "zstd: Frame requires too much memory");
}
END_TEST

/* A pipe has no size: what came so far counts. */
START_TEST(limits_by_input)
{
	auto_free char *zeros = xcalloc(1, 1 << 20);
	auto_str struct str member = { 0 };
	auto_str struct str packed = { 0 };
	struct bytes bytes;
	const struct inflate_source source = { .read = read_bytes, .arg = &bytes };
	struct inflate *in;
	struct error err = { 0 };
	uint64_t total = 0;
	ssize_t n;

	add_gzip(&member, zeros, 1 << 20);
	for (int i = 0; i < 1025; i++)
		str_add_len(&packed, member.text, member.len);
	bytes = (struct bytes){ .text = packed.text, .len = packed.len, .step = 1000000 };
	in = inflate_new(&source, INFLATE_BY_INPUT);
	while ((n = inflate_read(in, zeros, 1 << 20, &err)) > 0)
		total += (uint64_t)n;
	inflate_free(in);
	ck_assert_int_lt(n, 0);
	ck_assert_int_eq(err.code, EFBIG);
	ck_assert_uint_eq(total, 1 << 30);
}
END_TEST

TEST_MAIN("image/inflate", plain_stays, inflates_gzip, inflates_members, inflates_zstd,
	  inflates_frames, refuses_cut_streams, refuses_damage, names_other_kinds,
	  limits_what_comes_out, limits_windows, limits_by_input)
