/* SPDX-License-Identifier: Apache-2.0 */
#include "image/tar.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "image/limits.h"
#include "image/tar_internal.h"

struct tar {
	struct tar_source source;
	const uint8_t *at, *end; /* what fill() gave and nobody took yet */
	uint64_t pos;            /* of @at in the source */

	struct tar_entry entry;
	char path[TAR_MAX_PATH + 1], link[TAR_MAX_PATH + 1];
	struct tar_pax pax;
	bool has_long_path, has_long_link;

	uint64_t left;        /* bytes of the entry's data still to come from the source */
	uint64_t pad;         /* and what fills its last block */
	uint64_t data_offset; /* where it began */
	struct tar_map map;   /* of a sparse file */
	size_t segment;       /* of it, under way */
	uint64_t in_segment;  /* bytes of that one which were given */
	unsigned int n_entries;
	bool is_ended, has_end_mark;
};

struct tar *tar_new(const struct tar_source *source)
{
	struct tar *tar = xcalloc(1, sizeof(*tar));

	tar->source = *source;
	return tar;
}

void tar_free(struct tar *tar)
{
	if (!tar)
		return;
	tar_pax_clear(&tar->pax);
	free(tar->map.segments);
	free(tar);
}

void tar_freep(struct tar **tar)
{
	tar_free(*tar);
}

char *tar_shown(const char *name)
{
	auto_free char *escaped = str_escape(name);

	if (strlen(escaped) <= 160)
		return take_ptr(escaped);
	return xasprintf("%.*s...%s", 120, escaped, escaped + strlen(escaped) - 37);
}

/* ---- bytes ----------------------------------------------------------------------------------- */

/* At least one byte at @at: 1, or 0 at the end of the source. */
static int more(struct tar *tar, struct error *err)
{
	const uint8_t *data;
	size_t len;
	int rc;

	if (tar->at < tar->end)
		return 1;
	rc = tar->source.fill(tar->source.arg, &data, &len, err);
	if (rc < 0)
		return rc;
	tar->at = data;
	tar->end = data + len;
	return len > 0;
}

static void advance(struct tar *tar, size_t n)
{
	tar->at += n;
	tar->pos += n;
}

static int truncated(const struct tar *tar, struct error *err)
{
	return err_set(err, EINVAL, "the tar ends too early, after %" PRIu64 " bytes", tar->pos);
}

/* Copies @n bytes: 1, or 0 if the source ended before the first of them. */
static int take(struct tar *tar, void *to, size_t n, struct error *err)
{
	size_t done = 0;

	while (done < n) {
		int rc = more(tar, err);
		size_t len;

		if (rc < 0)
			return rc;
		if (rc == 0)
			return done ? truncated(tar, err) : 0;
		len = MIN(n - done, (size_t)(tar->end - tar->at));
		memcpy((char *)to + done, tar->at, len);
		advance(tar, len);
		done += len;
	}
	return 1;
}

static int take_all(struct tar *tar, void *to, size_t n, struct error *err)
{
	int rc = take(tar, to, n, err);

	return rc == 0 ? truncated(tar, err) : MIN(rc, 0);
}

/* Passes over @n bytes; by seeking, where the source can. */
static int pass(struct tar *tar, uint64_t n, struct error *err)
{
	while (n) {
		size_t len = MIN(n, (uint64_t)(tar->end - tar->at));
		int rc;

		advance(tar, len);
		n -= len;
		if (n && tar->source.skip) {
			rc = tar->source.skip(tar->source.arg, n, err);
			tar->pos += n;
			return rc;
		}
		rc = n ? more(tar, err) : 1;
		if (rc <= 0)
			return rc < 0 ? rc : truncated(tar, err);
	}
	return 0;
}

static uint64_t padding(uint64_t size)
{
	return -size % TAR_BLOCK_SIZE;
}

/* Passes over what is left of the last entry. */
static int finish_entry(struct tar *tar, struct error *err)
{
	uint64_t n = tar->left + tar->pad;

	tar->left = tar->pad = 0;
	return pass(tar, n, err);
}

/* ---- headers --------------------------------------------------------------------------------- */

static int bad_entry(const struct tar *tar, struct error *err, const char *why)
{
	auto_free char *shown = tar_shown(tar->path);

	return err_set(err, EINVAL, "entry '%s': %s", shown, why);
}

static bool is_zero(const void *block, size_t len)
{
	const unsigned char *bytes = block;

	return len == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, len - 1) == 0);
}

/* Behind the end mark there may be zeros up to the size of a record, and nothing else. */
static int read_end(struct tar *tar, struct error *err)
{
	char block[TAR_BLOCK_SIZE];
	int rc = take(tar, block, sizeof(block), err);

	if (rc < 0)
		return rc;
	if (rc && !is_zero(block, sizeof(block)))
		return err_set(err, EINVAL,
			       "the tar goes on after a block of zeros, at byte %" PRIu64,
			       tar->pos - sizeof(block));
	while ((rc = more(tar, err)) > 0) {
		if (!is_zero(tar->at, (size_t)(tar->end - tar->at)))
			return err_set(err, EINVAL,
				       "the tar has data behind its end, after byte %" PRIu64,
				       tar->pos);
		advance(tar, (size_t)(tar->end - tar->at));
	}
	tar->is_ended = tar->has_end_mark = true;
	return rc;
}

bool tar_begins(const void *bytes, size_t len)
{
	struct tar_header header;

	if (len < sizeof(header))
		return false;
	memcpy(&header, bytes, sizeof(header));
	return tar_checksum(&header);
}

static size_t field_copy(char *to, const char *field, size_t size)
{
	size_t len = strnlen(field, size);

	memcpy(to, field, len);
	to[len] = '\0';
	return len;
}

/* The name: prefix and name of ustar; GNU uses the prefix's place for other things. */
static void read_names(struct tar *tar, const struct tar_header *h)
{
	bool is_ustar = memcmp(h->magic, "ustar\0", 6) == 0;
	/* star's own form ends in "tar" and has times where the last bytes of the prefix are */
	bool is_star = is_ustar && memcmp(h->rest + 8, "tar", 4) == 0;
	size_t len = 0;

	if (!tar->has_long_path) {
		if (is_ustar && h->prefix[0]) {
			len = field_copy(tar->path, h->prefix, is_star ? 131 : 155);
			tar->path[len++] = '/';
		}
		field_copy(tar->path + len, h->name, sizeof(h->name));
	}
	if (!tar->has_long_link)
		field_copy(tar->link, h->linkname, sizeof(h->linkname));
}

static int read_number(struct tar *tar, const char *what, const char *field, size_t size,
		       int64_t max, int64_t *ret, struct error *err)
{
	auto_free char *why = NULL;

	if (tar_number(field, size, ret) && *ret >= 0 && *ret <= max)
		return 0;
	why = xasprintf("its %s is no number in range", what);
	return bad_entry(tar, err, why);
}

#define MAX_ID ((int64_t)UINT32_MAX - 1) /* -1 means "leave it" to chown(2) */

static int read_ids(struct tar *tar, const struct tar_header *h, struct error *err)
{
	int64_t value;

	if (!tar->pax.has_uid) {
		if (read_number(tar, "owner", h->uid, sizeof(h->uid), MAX_ID, &value, err) < 0)
			return -EINVAL;
		tar->pax.uid = (uint64_t)value;
	}
	if (!tar->pax.has_gid) {
		if (read_number(tar, "group", h->gid, sizeof(h->gid), MAX_ID, &value, err) < 0)
			return -EINVAL;
		tar->pax.gid = (uint64_t)value;
	}
	if (tar->pax.uid > MAX_ID || tar->pax.gid > MAX_ID)
		return bad_entry(tar, err, "its owner or group is no number in range");
	tar->entry.uid = (uid_t)tar->pax.uid;
	tar->entry.gid = (gid_t)tar->pax.gid;
	return 0;
}

/* Mode, owner, times: what every kind of entry has. */
static int read_common(struct tar *tar, const struct tar_header *h, struct error *err)
{
	struct tar_entry *entry = &tar->entry;
	int64_t value;

	/* Some archivers put the file's type in front of its permissions. */
	if (read_number(tar, "mode", h->mode, sizeof(h->mode), 0177777, &value, err) < 0)
		return -EINVAL;
	entry->mode = (mode_t)value & 07777;
	if (read_ids(tar, h, err) < 0)
		return -EINVAL;

	entry->mtime = tar->pax.mtime;
	if (!tar->pax.has_mtime) {
		if (!tar_number(h->mtime, sizeof(h->mtime), &value))
			return bad_entry(tar, err, "its time is no number in range");
		entry->mtime = (struct timespec){ .tv_sec = value };
	}
	entry->xattrs = tar->pax.xattrs;
	entry->n_xattrs = tar->pax.n_xattrs;
	return 0;
}

static int read_device(struct tar *tar, const struct tar_header *h, struct error *err)
{
	int64_t major, minor;

	if (read_number(tar, "device number", h->devmajor, sizeof(h->devmajor), 0xfff, &major,
			err) < 0 ||
	    read_number(tar, "device number", h->devminor, sizeof(h->devminor), 0xfffff, &minor,
			err) < 0)
		return -EINVAL;
	tar->entry.major = (unsigned int)major;
	tar->entry.minor = (unsigned int)minor;
	return 0;
}

/* POSIX: 1 to 6 have no data, whatever their size says. */
static bool find_type(char flag, bool ends_in_slash, enum tar_type *ret)
{
	static const struct {
		char flag;
		enum tar_type type;
	} types[] = {
		{ '0', TAR_FILE },     { '\0', TAR_FILE },   { '7', TAR_FILE }, { 'S', TAR_FILE },
		{ '1', TAR_HARDLINK }, { '2', TAR_SYMLINK }, { '3', TAR_CHAR }, { '4', TAR_BLOCK },
		{ '5', TAR_DIR },      { '6', TAR_FIFO },
	};

	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		if (types[i].flag != flag)
			continue;
		*ret = types[i].type;
		/* The first tars had no type for directories. */
		if (*ret == TAR_FILE && flag != 'S' && ends_in_slash)
			*ret = TAR_DIR;
		return true;
	}
	return false;
}

/* ---- sparse files ---------------------------------------------------------------------------- */

static int add_old_segments(struct tar *tar, const void *places, size_t n, struct error *err)
{
	const char(*fields)[12] = places;

	for (size_t i = 0; i < n; i++) {
		int64_t offset, len;
		int rc;

		if (fields[2 * i + 1][0] == '\0' && fields[2 * i][0] == '\0')
			return 0;
		if (read_number(tar, "map", fields[2 * i], 12, INT64_MAX, &offset, err) < 0 ||
		    read_number(tar, "map", fields[2 * i + 1], 12, INT64_MAX, &len, err) < 0)
			return -EINVAL;
		rc = tar_map_add(&tar->map, (uint64_t)offset, (uint64_t)len, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int read_old_sparse(struct tar *tar, const struct tar_header *h, struct error *err)
{
	struct tar_sparse_block block = { .is_extended = h->gnu.is_extended };
	int64_t size;
	int rc;

	if (read_number(tar, "size", h->gnu.real_size, 12, INT64_MAX, &size, err) < 0)
		return -EINVAL;
	tar->entry.size = (uint64_t)size;
	rc = add_old_segments(tar, h->gnu.sparse, ARRAY_LEN(h->gnu.sparse), err);
	while (rc == 0 && block.is_extended) {
		rc = take_all(tar, &block, sizeof(block), err);
		if (rc == 0)
			rc = add_old_segments(tar, block.sparse, ARRAY_LEN(block.sparse), err);
		/* A map of empty blocks would never reach its limit. */
		if (rc == 0 && block.is_extended && block.sparse[20].len[0] == '\0')
			return bad_entry(tar, err, "its map has holes of its own");
	}
	return rc;
}

/* pax 1.0: the map is the first of the data. */
static int read_map_from_data(struct tar *tar, struct error *err)
{
	struct tar_map_reader reader = { 0 };
	bool is_done = false;
	char block[TAR_BLOCK_SIZE];

	while (!is_done) {
		int rc;

		if (tar->left < sizeof(block))
			return bad_entry(tar, err, "its map is longer than its data");
		rc = take_all(tar, block, sizeof(block), err);
		if (rc < 0)
			return rc;
		tar->left -= sizeof(block);
		rc = tar_map_take_block(&tar->map, &reader, block, &is_done, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int read_pax_sparse(struct tar *tar, struct error *err)
{
	struct tar_pax *pax = &tar->pax;

	if (!pax->has_real_size)
		return bad_entry(tar, err, "a sparse file without its size");
	tar->entry.size = pax->real_size;
	if (pax->sparse_major == 1 && pax->sparse_minor == 0)
		return read_map_from_data(tar, err);
	if (pax->sparse_major != 0 || pax->sparse_minor > 1)
		return bad_entry(tar, err, "a sparse file of an unknown version");
	/* 0.0 and 0.1: it came with the header. */
	free(tar->map.segments);
	tar->map = pax->map;
	pax->map = (struct tar_map){ 0 };
	return 0;
}

static int read_sparse(struct tar *tar, const struct tar_header *h, struct error *err)
{
	int rc = h->typeflag == 'S' ? read_old_sparse(tar, h, err) : read_pax_sparse(tar, err);

	if (rc < 0)
		return rc;
	tar->entry.is_sparse = true;
	rc = tar_map_check(&tar->map, tar->entry.size, tar->left, err);
	if (rc < 0) {
		auto_free char *shown = tar_shown(tar->path);

		return err_wrap(err, "entry '%s'", shown);
	}
	return 0;
}

/* ---- extension headers ----------------------------------------------------------------------- */

/* The data of an entry that describes the next one; the caller frees it. */
static int read_extension(struct tar *tar, uint64_t size, uint64_t max, const char *what,
			  char **ret, struct error *err)
{
	auto_free char *text = NULL;
	int rc;

	if (size > max)
		return err_set(err, EFBIG, "%s has %" PRIu64 " bytes, the limit is %" PRIu64, what,
			       size, max);
	text = xmalloc(size + 1);
	rc = take_all(tar, text, size, err);
	if (rc < 0)
		return rc;
	rc = pass(tar, padding(size), err);
	if (rc < 0)
		return rc;
	text[size] = '\0';
	*ret = take_ptr(text);
	return 0;
}

/* GNU's @LongLink: the next entry's name or link. */
static int read_long(struct tar *tar, uint64_t size, char *to, bool *has, struct error *err)
{
	auto_free char *text = NULL;
	int rc = read_extension(tar, size, TAR_MAX_LONGNAME, "a long name", &text, err);

	if (rc < 0)
		return rc;
	if (strlen(text) > TAR_MAX_PATH)
		return err_set(err, ENAMETOOLONG, "a long name has %zu bytes, the limit is %u",
			       strlen(text), TAR_MAX_PATH);
	(void)strcpy(to, text);
	*has = true;
	return 0;
}

static int read_pax(struct tar *tar, uint64_t size, struct error *err)
{
	char *text;
	int rc = read_extension(tar, size, TAR_MAX_PAX, "a pax header", &text, err);

	if (rc < 0)
		return rc;
	tar_pax_clear(&tar->pax);
	rc = tar_pax_parse(&tar->pax, text, size, err);
	if (rc < 0)
		return rc;
	if (tar->pax.sparse_name)
		tar->pax.path = tar->pax.sparse_name;
	if (tar->pax.path) {
		(void)strcpy(tar->path, tar->pax.path);
		tar->has_long_path = true;
	}
	if (tar->pax.link) {
		(void)strcpy(tar->link, tar->pax.link);
		tar->has_long_link = true;
	}
	return 0;
}

/* 1 if the header was one that describes the next entry, 0 if it is an entry. */
static int read_if_extension(struct tar *tar, const struct tar_header *h, uint64_t size,
			     struct error *err)
{
	int rc;

	switch (h->typeflag) {
	case 'x':
		rc = read_pax(tar, size, err);
		break;
	case 'L':
		rc = read_long(tar, size, tar->path, &tar->has_long_path, err);
		break;
	case 'K':
		rc = read_long(tar, size, tar->link, &tar->has_long_link, err);
		break;
	case 'g':
		/* Git puts a comment here.  What it might say of all files, nobody says of images. */
		if (size > TAR_MAX_PAX)
			return err_set(err, EFBIG,
				       "a pax header has %" PRIu64 " bytes, the limit is %u", size,
				       TAR_MAX_PAX);
		rc = pass(tar, size + padding(size), err);
		break;
	default:
		return 0;
	}
	return rc < 0 ? rc : 1;
}

/* ---- entries --------------------------------------------------------------------------------- */

static void begin_entry(struct tar *tar)
{
	tar_pax_clear(&tar->pax);
	tar->entry = (struct tar_entry){ .path = tar->path, .link = tar->link };
	tar->path[0] = tar->link[0] = '\0';
	tar->has_long_path = tar->has_long_link = false;
	tar->map.n = tar->segment = 0;
	tar->in_segment = 0;
}

static int read_size(struct tar *tar, const struct tar_header *h, uint64_t *ret, struct error *err)
{
	int64_t size;

	if (read_number(tar, "size", h->size, sizeof(h->size), INT64_MAX - TAR_BLOCK_SIZE, &size,
			err) < 0)
		return -EINVAL;
	*ret = (uint64_t)size;
	return 0;
}

static int read_data_size(struct tar *tar, const struct tar_header *h, uint64_t size,
			  struct error *err)
{
	if (tar->pax.has_size)
		size = tar->pax.size;
	if (size > INT64_MAX - TAR_BLOCK_SIZE)
		return bad_entry(tar, err, "its size is no number in range");
	tar->left = size;
	tar->pad = padding(size);
	tar->entry.size = size;
	if (h->typeflag == 'S' || tar->pax.is_sparse || tar->pax.map.n) {
		int rc = read_sparse(tar, h, err);

		if (rc < 0)
			return rc;
	}
	tar->data_offset = tar->pos;
	return 0;
}

static int read_entry(struct tar *tar, const struct tar_header *h, uint64_t size, struct error *err)
{
	struct tar_entry *entry = &tar->entry;
	int rc;

	read_names(tar, h);
	if (!tar->path[0])
		return err_set(err, EINVAL, "an entry without a name, before byte %" PRIu64,
			       tar->pos);
	if (!find_type(h->typeflag, str_ends(tar->path, "/"), &entry->type)) {
		auto_free char *why =
			xasprintf("kind 0x%02x of entry is not known", (unsigned char)h->typeflag);

		return bad_entry(tar, err, why);
	}
	rc = read_common(tar, h, err);
	if (rc == 0 && (entry->type == TAR_FILE || (entry->type == TAR_DIR && h->typeflag != '5')))
		rc = read_data_size(tar, h, size, err);
	if (rc == 0 && (entry->type == TAR_CHAR || entry->type == TAR_BLOCK))
		rc = read_device(tar, h, err);
	if (rc < 0)
		return rc;
	if (entry->type != TAR_SYMLINK && entry->type != TAR_HARDLINK)
		tar->link[0] = '\0';
	return 1;
}

/* The next header that is no block of zeros: 1, or 0 at the end. */
static int read_header(struct tar *tar, struct tar_header *h, struct error *err)
{
	int rc = take(tar, h, sizeof(*h), err);

	if (rc <= 0) {
		tar->is_ended = rc == 0;
		return rc; /* an end without its mark: whoever knows the digest knows if it was cut */
	}
	if (is_zero(h, sizeof(*h)))
		return read_end(tar, err);
	if (!tar_checksum(h))
		return err_set(err, EINVAL, "no tar header at byte %" PRIu64 ": wrong checksum",
			       tar->pos - sizeof(*h));
	if (++tar->n_entries > TAR_MAX_ENTRIES)
		return err_set(err, E2BIG, "more than %u entries in the tar", TAR_MAX_ENTRIES);
	return 1;
}

int tar_next(struct tar *tar, const struct tar_entry **ret, struct error *err)
{
	struct tar_header header;
	int rc = finish_entry(tar, err);
	bool is_extended = false;
	uint64_t size;

	if (rc < 0 || tar->is_ended)
		return rc;
	begin_entry(tar);
	for (;;) {
		rc = read_header(tar, &header, err);
		if (rc == 0 && is_extended)
			return truncated(tar, err);
		if (rc <= 0)
			return rc;
		/* For the message, if the size is wrong. */
		if (!tar->has_long_path)
			field_copy(tar->path, header.name, sizeof(header.name));
		rc = read_size(tar, &header, &size, err);
		if (rc < 0)
			return rc;
		rc = read_if_extension(tar, &header, size, err);
		if (rc < 0)
			return rc;
		if (rc == 0)
			break;
		is_extended = is_extended || header.typeflag != 'g';
	}
	rc = read_entry(tar, &header, size, err);
	if (rc > 0)
		*ret = &tar->entry;
	return rc;
}

int tar_data(struct tar *tar, const uint8_t **ret, size_t *ret_len, uint64_t *ret_offset,
	     struct error *err)
{
	uint64_t limit = tar->left;
	size_t len;
	int rc;

	if (tar->entry.is_sparse) {
		while (tar->segment < tar->map.n &&
		       tar->in_segment == tar->map.segments[tar->segment].len) {
			tar->segment++;
			tar->in_segment = 0;
		}
		if (tar->segment < tar->map.n)
			limit = tar->map.segments[tar->segment].len - tar->in_segment;
	}
	if (tar->left == 0)
		return 0;
	rc = more(tar, err);
	if (rc <= 0)
		return rc < 0 ? rc : truncated(tar, err);

	len = MIN(limit, (uint64_t)(tar->end - tar->at));
	*ret = tar->at;
	*ret_len = len;
	*ret_offset = tar->entry.is_sparse
			      ? tar->map.segments[tar->segment].offset + tar->in_segment
			      : tar->entry.size - tar->left;
	tar->left -= len;
	tar->in_segment += len;
	advance(tar, len);
	return 1;
}

bool tar_has_end_mark(const struct tar *tar)
{
	return tar->has_end_mark;
}

uint64_t tar_data_offset(const struct tar *tar)
{
	return tar->data_offset;
}
