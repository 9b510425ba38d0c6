/* SPDX-License-Identifier: Apache-2.0 */
#include "image/inflate.h"

#include <errno.h>
#include <inttypes.h>
#include <isa-l/igzip_lib.h>
#include <stdbool.h>
#include <string.h>
#include <zstd.h>

#include "base/macros.h"
#include "base/mem.h"
#include "image/limits.h"

#define INPUT_SIZE (128U << 10)

struct inflate {
	struct inflate_source source;
	uint64_t limit;
	uint64_t n_read, n_made;
	enum inflate_kind kind;
	bool is_detected;
	bool is_at_end;   /* of the source */
	bool is_complete; /* no member or frame is open */

	uint8_t *input; /* of INPUT_SIZE */
	size_t at, len; /* what of it is still to be inflated */
	struct inflate_state *gzip;
	ZSTD_DStream *zstd;
};

struct inflate *inflate_new(const struct inflate_source *source, uint64_t limit)
{
	struct inflate *in = xcalloc(1, sizeof(*in));

	in->source = *source;
	in->limit = limit;
	in->input = xmalloc(INPUT_SIZE);
	return in;
}

void inflate_free(struct inflate *in)
{
	if (!in)
		return;
	free(in->input);
	free(in->gzip);
	ZSTD_freeDStream(in->zstd);
	free(in);
}

void inflate_freep(struct inflate **in)
{
	inflate_free(*in);
}

uint64_t inflate_limit(uint64_t size)
{
	uint64_t limit;

	if (__builtin_mul_overflow(size, INFLATE_MAX_RATIO, &limit))
		return UINT64_MAX;
	return MAX(limit, INFLATE_MIN_LIMIT);
}

enum inflate_kind inflate_kind(const struct inflate *in)
{
	return in->kind;
}

static ssize_t read_source(struct inflate *in, void *to, size_t size, struct error *err)
{
	ssize_t n = in->source.read(in->source.arg, to, size, err);

	if (n >= 0)
		in->n_read += (uint64_t)n;
	in->is_at_end = n == 0;
	return n;
}

/* More input, if all of it is used up: 1, or 0 at the end of the source. */
static int more(struct inflate *in, struct error *err)
{
	ssize_t n;

	if (in->len)
		return 1;
	if (in->is_at_end)
		return 0;
	n = read_source(in, in->input, INPUT_SIZE, err);
	if (n < 0)
		return (int)n;
	in->at = 0;
	in->len = (size_t)n;
	return n > 0;
}

/* ---- what it is ------------------------------------------------------------------------------ */

static const struct {
	uint8_t magic[4];
	size_t len;
	enum inflate_kind kind;
	const char *refused;
} magics[] = {
	{ { 0x1f, 0x8b, 0x08 }, 3, INFLATE_GZIP, NULL },
	{ { 0x28, 0xb5, 0x2f, 0xfd }, 4, INFLATE_ZSTD, NULL },
	{ { 'B', 'Z', 'h' }, 3, INFLATE_REFUSED, "bzip2" },
	{ { 0xfd, '7', 'z', 'X' }, 4, INFLATE_REFUSED, "xz" },
	{ { 0x04, 0x22, 0x4d, 0x18 }, 4, INFLATE_REFUSED, "lz4" },
};

static enum inflate_kind find_kind(const uint8_t *magic, size_t len, const char **ret_refused)
{
	for (size_t i = 0; i < ARRAY_LEN(magics); i++) {
		if (len < magics[i].len || memcmp(magic, magics[i].magic, magics[i].len) != 0)
			continue;
		*ret_refused = magics[i].refused;
		return magics[i].kind;
	}
	/* A skippable frame may be the first (RFC 8878, 3.1.2). */
	if (len >= 4 && (magic[0] & 0xf0) == 0x50 && magic[1] == 0x2a && magic[2] == 0x4d &&
	    magic[3] == 0x18)
		return INFLATE_ZSTD;
	return INFLATE_NONE;
}

enum inflate_kind inflate_kind_of(const uint8_t *magic, size_t len)
{
	const char *refused;

	return find_kind(magic, len, &refused);
}

static int begin_zstd(struct inflate *in, struct error *err)
{
	in->zstd = ZSTD_createDStream();
	if (!in->zstd || ZSTD_isError(ZSTD_DCtx_setParameter(in->zstd, ZSTD_d_windowLogMax,
							     INFLATE_MAX_WINDOW_LOG)))
		return err_set(err, ENOMEM, "zstd: cannot begin");
	return 0;
}

static void begin_member(struct inflate *in)
{
	isal_inflate_reset(in->gzip);
	in->gzip->crc_flag = ISAL_GZIP;
	in->is_complete = false;
}

static int begin_gzip(struct inflate *in)
{
	in->gzip = xcalloc(1, sizeof(*in->gzip));
	isal_inflate_init(in->gzip);
	begin_member(in);
	return 0;
}

/* Looks at the first bytes; a source may give them one by one. */
static int detect(struct inflate *in, struct error *err)
{
	const char *refused = NULL;

	while (in->len < 4 && !in->is_at_end) {
		ssize_t n = read_source(in, in->input + in->len, INPUT_SIZE - in->len, err);

		if (n < 0)
			return (int)n;
		in->len += (size_t)n;
	}
	in->is_detected = true;
	in->kind = find_kind(in->input, in->len, &refused);
	if (in->kind == INFLATE_REFUSED)
		return err_set(err, EINVAL, "compressed by %s; gzip and zstd are known", refused);
	if (in->kind == INFLATE_GZIP)
		return begin_gzip(in);
	return in->kind == INFLATE_ZSTD ? begin_zstd(in, err) : 0;
}

/* ---- gzip ------------------------------------------------------------------------------------ */

static int bad_gzip(int code, struct error *err)
{
	static const struct {
		int code;
		const char *text;
	} texts[] = {
		{ ISAL_INVALID_BLOCK, "invalid block" },
		{ ISAL_INVALID_SYMBOL, "invalid symbol" },
		{ ISAL_INVALID_LOOKBACK, "invalid distance" },
		{ ISAL_INVALID_WRAPPER, "invalid header" },
		{ ISAL_UNSUPPORTED_METHOD, "unknown method" },
		{ ISAL_INCORRECT_CHECKSUM, "wrong checksum" },
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		if (texts[i].code == code)
			return err_set(err, EINVAL, "gzip: %s", texts[i].text);
	}
	return err_set(err, EINVAL, "gzip: error %d", code);
}

/* Behind a member may be another, or zeros that fill a record of a tape: 1, 0 at the end. */
static int next_member(struct inflate *in, struct error *err)
{
	int rc = more(in, err);

	if (rc <= 0)
		return rc;
	if (in->input[in->at] == 0x1f) {
		begin_member(in);
		return 1;
	}
	for (; rc > 0; rc = more(in, err)) {
		if (in->input[in->at] != 0)
			return err_set(err, EINVAL, "gzip: data behind its end");
		in->at++;
		in->len--;
	}
	return rc;
}

/* One call of the library; moves what it used and made. */
static int inflate_some(struct inflate *in, uint8_t **to, size_t *size, struct error *err)
{
	struct inflate_state *gzip = in->gzip;
	size_t used, made;
	int rc;

	gzip->next_in = in->input + in->at;
	gzip->avail_in = (uint32_t)in->len;
	gzip->next_out = *to;
	gzip->avail_out = (uint32_t)*size;
	rc = isal_inflate(gzip);
	if (rc < 0)
		return bad_gzip(rc, err);
	used = in->len - gzip->avail_in;
	made = *size - gzip->avail_out;
	in->at += used;
	in->len -= used;
	*to += made;
	*size -= made;
	in->is_complete = gzip->block_state == ISAL_BLOCK_FINISH;
	if (used == 0 && made == 0 && !in->is_complete && in->is_at_end)
		return err_set(err, EINVAL, "gzip: it ends too early");
	return 0;
}

static ssize_t read_gzip(struct inflate *in, uint8_t *to, size_t size, struct error *err)
{
	size_t wanted = size;

	while (size) {
		int rc = in->is_complete ? next_member(in, err) : more(in, err);

		if (rc < 0)
			return rc;
		if (rc == 0 && in->is_complete)
			break;
		rc = inflate_some(in, &to, &size, err);
		if (rc < 0)
			return rc;
	}
	return (ssize_t)(wanted - size);
}

/* ---- zstd ------------------------------------------------------------------------------------ */

static ssize_t read_zstd(struct inflate *in, uint8_t *to, size_t size, struct error *err)
{
	ZSTD_outBuffer out = { .dst = to, .size = size };

	while (out.pos < out.size) {
		ZSTD_inBuffer input;
		size_t before = out.pos;
		size_t rc;
		int has = more(in, err);

		if (has < 0)
			return has;
		if (!has && in->is_complete)
			break;
		input = (ZSTD_inBuffer){ .src = in->input + in->at, .size = in->len };
		rc = ZSTD_decompressStream(in->zstd, &out, &input);
		if (ZSTD_isError(rc))
			return err_set(err, EINVAL, "zstd: %s", ZSTD_getErrorName(rc));
		in->at += input.pos;
		in->len -= input.pos;
		in->is_complete = rc == 0;
		if (!has && !in->is_complete && out.pos == before)
			return err_set(err, EINVAL, "zstd: it ends too early");
	}
	return (ssize_t)out.pos;
}

/* ---- neither --------------------------------------------------------------------------------- */

static ssize_t read_plain(struct inflate *in, uint8_t *to, size_t size, struct error *err)
{
	size_t done = MIN(size, in->len);

	memcpy(to, in->input + in->at, done);
	in->at += done;
	in->len -= done;
	while (done < size && !in->is_at_end) {
		ssize_t n = read_source(in, to + done, size - done, err);

		if (n < 0)
			return n;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

ssize_t inflate_read(struct inflate *in, void *to, size_t size, struct error *err)
{
	uint64_t limit;
	ssize_t n;

	if (!in->is_detected) {
		int rc = detect(in, err);

		if (rc < 0)
			return rc;
	}
	if (in->kind == INFLATE_NONE)
		n = read_plain(in, to, size, err);
	else if (in->kind == INFLATE_GZIP)
		n = read_gzip(in, to, size, err);
	else
		n = read_zstd(in, to, size, err);
	if (n < 0)
		return n;
	in->n_made += (uint64_t)n;
	limit = in->limit == INFLATE_BY_INPUT ? inflate_limit(in->n_read) : in->limit;
	if (in->n_made > limit && in->kind != INFLATE_NONE)
		return err_set(err, EFBIG,
			       "it unpacks to more than %" PRIu64 " bytes, the limit for its size",
			       limit);
	return n;
}
