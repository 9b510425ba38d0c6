/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "image/limits.h"
#include "image/tar_internal.h"

/*
 * Records "LEN KEY=VALUE\n" (POSIX pax, "pax Extended Header"), of which LEN counts all bytes.  Keys
 * that are not known are passed over, as the standard has it.
 */

static int bad(struct error *err, const char *key, const char *why)
{
	return err_set(err, EINVAL, "pax header: '%s' %s", key, why);
}

/* Texts end at a NUL for the kernel: one in their midst would make two names of one. */
static int take_text(const char **to, const char *key, const char *value, const char *end,
		     struct error *err)
{
	size_t len = (size_t)(end - value);

	if (memchr(value, '\0', len))
		return bad(err, key, "has a NUL byte");
	if (len > TAR_MAX_PATH)
		return err_set(err, ENAMETOOLONG, "pax header: '%s' has %zu bytes, the limit is %u",
			       key, len, TAR_MAX_PATH);
	*to = value;
	return 0;
}

static int take_number(uint64_t *to, bool *has, const char *key, const char *value, const char *end,
		       struct error *err)
{
	if (!tar_decimal(value, end, to) || *to > INT64_MAX)
		return bad(err, key, "is no number in range");
	*has = true;
	return 0;
}

static int take_path(struct tar_pax *pax, const char *key, const char *value, const char *end,
		     struct error *err)
{
	return take_text(&pax->path, key, value, end, err);
}

static int take_link(struct tar_pax *pax, const char *key, const char *value, const char *end,
		     struct error *err)
{
	return take_text(&pax->link, key, value, end, err);
}

static int take_size(struct tar_pax *pax, const char *key, const char *value, const char *end,
		     struct error *err)
{
	return take_number(&pax->size, &pax->has_size, key, value, end, err);
}

static int take_uid(struct tar_pax *pax, const char *key, const char *value, const char *end,
		    struct error *err)
{
	return take_number(&pax->uid, &pax->has_uid, key, value, end, err);
}

static int take_gid(struct tar_pax *pax, const char *key, const char *value, const char *end,
		    struct error *err)
{
	return take_number(&pax->gid, &pax->has_gid, key, value, end, err);
}

static int take_mtime(struct tar_pax *pax, const char *key, const char *value, const char *end,
		      struct error *err)
{
	if (!tar_time(value, end, &pax->mtime))
		return bad(err, key, "is no time");
	pax->has_mtime = true;
	return 0;
}

/* ---- sparse files ---------------------------------------------------------------------------- */

/* The file's own name; "path" is that of a stand-in, for readers that know no sparse files. */
static int take_sparse_name(struct tar_pax *pax, const char *key, const char *value,
			    const char *end, struct error *err)
{
	return take_text(&pax->sparse_name, key, value, end, err);
}

static int take_version(int *to, const char *key, const char *value, const char *end,
			struct error *err)
{
	uint64_t number;

	if (!tar_decimal(value, end, &number) || number > 9)
		return bad(err, key, "is no version");
	*to = (int)number;
	return 0;
}

static int take_major(struct tar_pax *pax, const char *key, const char *value, const char *end,
		      struct error *err)
{
	pax->is_sparse = true;
	return take_version(&pax->sparse_major, key, value, end, err);
}

static int take_minor(struct tar_pax *pax, const char *key, const char *value, const char *end,
		      struct error *err)
{
	return take_version(&pax->sparse_minor, key, value, end, err);
}

static int take_real_size(struct tar_pax *pax, const char *key, const char *value, const char *end,
			  struct error *err)
{
	pax->is_sparse = true;
	return take_number(&pax->real_size, &pax->has_real_size, key, value, end, err);
}

static int take_offset(struct tar_pax *pax, const char *key, const char *value, const char *end,
		       struct error *err)
{
	if (pax->has_offset)
		return bad(err, key, "follows another without its length");
	return take_number(&pax->offset, &pax->has_offset, key, value, end, err);
}

static int take_numbytes(struct tar_pax *pax, const char *key, const char *value, const char *end,
			 struct error *err)
{
	uint64_t len;
	bool has_len;
	int rc = take_number(&len, &has_len, key, value, end, err);

	if (rc < 0)
		return rc;
	if (!pax->has_offset)
		return bad(err, key, "stands without its offset");
	pax->has_offset = false;
	return tar_map_add(&pax->map, pax->offset, len, err);
}

static int take_map(struct tar_pax *pax, const char *key, const char *value, const char *end,
		    struct error *err)
{
	(void)key;
	pax->map.n = 0;
	return tar_map_from_text(&pax->map, value, end, err);
}

/* ---- extended attributes --------------------------------------------------------------------- */

static int add_xattr(struct tar_pax *pax, const char *name, const void *value, size_t len,
		     struct error *err)
{
	if (!*name || strlen(name) > 255)
		return bad(err, name, "is no name of an attribute");
	if (len > 65536)
		return bad(err, name, "has a value of more than 64 KiB");
	for (size_t i = 0; i < pax->n_xattrs; i++) {
		if (strcmp(pax->xattrs[i].name, name) == 0) {
			pax->xattrs[i].value = value;
			pax->xattrs[i].len = len;
			return 0;
		}
	}
	if (pax->n_xattrs == TAR_MAX_XATTRS)
		return err_set(err, E2BIG, "pax header: more than %u attributes", TAR_MAX_XATTRS);
	if (!pax->xattrs)
		pax->xattrs = xcalloc(TAR_MAX_XATTRS, sizeof(*pax->xattrs));
	pax->xattrs[pax->n_xattrs++] =
		(struct tar_xattr){ .name = name, .value = value, .len = len };
	return 0;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* "%3D" -> "=", in place. */
static bool url_decode(char *text)
{
	char *out = text;

	for (; *text; text++) {
		int high, low;

		if (*text != '%') {
			*out++ = *text;
			continue;
		}
		high = hex_digit(text[1]);
		low = high < 0 ? -1 : hex_digit(text[2]);
		if (low < 0 || (high == 0 && low == 0))
			return false;
		*out++ = (char)(high << 4 | low);
		text += 2;
	}
	*out = '\0';
	return true;
}

static int base64_digit(char c)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* In place; returns the number of bytes, or -1. */
static ssize_t base64_decode(char *text, const char *end)
{
	char *out = text;
	unsigned int bits = 0;
	int n_bits = 0;

	while (end > text && end[-1] == '=')
		end--;
	for (const char *at = text; at < end; at++) {
		int digit = base64_digit(*at);

		if (digit < 0)
			return -1;
		bits = bits << 6 | (unsigned int)digit;
		n_bits += 6;
		if (n_bits >= 8) {
			n_bits -= 8;
			*out++ = (char)(bits >> n_bits);
		}
	}
	return out - text;
}

static bool has_xattr(const struct tar_pax *pax, const char *name)
{
	for (size_t i = 0; i < pax->n_xattrs; i++) {
		if (strcmp(pax->xattrs[i].name, name) == 0)
			return true;
	}
	return false;
}

/* libarchive writes each attribute in its own way and in star's: star's is taken if both are there. */
static int take_libarchive_xattr(struct tar_pax *pax, char *name, char *value, const char *end,
				 struct error *err)
{
	ssize_t len;

	if (!url_decode(name))
		return bad(err, name, "is no name of an attribute");
	if (has_xattr(pax, name))
		return 0;
	len = base64_decode(value, end);
	if (len < 0)
		return bad(err, name, "is not in base 64");
	return add_xattr(pax, name, value, (size_t)len, err);
}

/* ---- records --------------------------------------------------------------------------------- */

static const struct {
	const char *key;
	int (*take)(struct tar_pax *pax, const char *key, const char *value, const char *end,
		    struct error *err);
} keys[] = {
	{ "path", take_path },
	{ "linkpath", take_link },
	{ "size", take_size },
	{ "uid", take_uid },
	{ "gid", take_gid },
	{ "mtime", take_mtime },
	{ "GNU.sparse.name", take_sparse_name },
	{ "GNU.sparse.major", take_major },
	{ "GNU.sparse.minor", take_minor },
	{ "GNU.sparse.size", take_real_size },
	{ "GNU.sparse.realsize", take_real_size },
	{ "GNU.sparse.offset", take_offset },
	{ "GNU.sparse.numbytes", take_numbytes },
	{ "GNU.sparse.map", take_map },
};

static int take_record(struct tar_pax *pax, char *key, char *value, char *end, struct error *err)
{
	static const char schily[] = "SCHILY.xattr.", libarchive[] = "LIBARCHIVE.xattr.";

	*end = '\0'; /* the newline */
	if (str_starts(key, schily))
		return add_xattr(pax, key + sizeof(schily) - 1, value, (size_t)(end - value), err);
	if (str_starts(key, libarchive))
		return take_libarchive_xattr(pax, key + sizeof(libarchive) - 1, value, end, err);
	if (value == end) /* "as if it were not given" */
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		if (strcmp(keys[i].key, key) == 0)
			return keys[i].take(pax, key, value, end, err);
	}
	return 0;
}

/* Splits the record at @at, which has @left bytes to the end; returns its length. */
static ssize_t parse_record(struct tar_pax *pax, char *at, size_t left, struct error *err)
{
	char *blank = memchr(at, ' ', MIN(left, 20U));
	char *equals, *end;
	uint64_t len;
	int rc;

	if (!blank || !tar_decimal(at, blank, &len) || len > left ||
	    len < (uint64_t)(blank - at) + 3)
		return err_set(err, EINVAL, "pax header: a record without its length");
	end = at + len - 1;
	if (*end != '\n')
		return err_set(err, EINVAL, "pax header: a record does not end in a newline");
	equals = memchr(blank + 1, '=', (size_t)(end - blank - 1));
	if (!equals || equals == blank + 1 || memchr(blank + 1, '\0', (size_t)(equals - blank - 1)))
		return err_set(err, EINVAL, "pax header: a record without a key");
	*equals = '\0';
	rc = take_record(pax, blank + 1, equals + 1, end, err);
	return rc < 0 ? rc : (ssize_t)len;
}

int tar_pax_parse(struct tar_pax *pax, char *text, size_t len, struct error *err)
{
	pax->text = text;
	for (size_t at = 0; at < len;) {
		ssize_t n = parse_record(pax, text + at, len - at, err);

		if (n < 0)
			return (int)n;
		at += (size_t)n;
	}
	if (pax->has_offset)
		return err_set(err, EINVAL, "pax header: 'GNU.sparse.offset' has no length");
	return 0;
}

void tar_pax_clear(struct tar_pax *pax)
{
	free(pax->text);
	free(pax->xattrs);
	free(pax->map.segments);
	*pax = (struct tar_pax){ 0 };
}
