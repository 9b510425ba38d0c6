/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdio.h>
#include <string.h>

#include <check.h>

#include "base/mem.h"
#include "base/str.h"
#include "image/tar.h"
#include "image/tar_internal.h"

/* A tar in memory, made block by block, so that each of them can be wrong. */
struct tarball {
	struct str bytes;
};

struct tarball_entry {
	const char *name;
	char type; /* 0: '0' */
	unsigned int mode, uid, gid;
	const char *link;
	const char *data;
	size_t len; /* of @data; 0: as a text */
	uint64_t mtime;
	unsigned int major, minor;
};

static inline void tarball_octal(char *field, size_t size, uint64_t value)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%0*llo", (int)size - 1, (unsigned long long)value);
	memcpy(field, text, size - 1);
}

static inline void tarball_seal(struct tar_header *h)
{
	const unsigned char *bytes = (const unsigned char *)h;
	unsigned int sum = 0;

	memset(h->chksum, ' ', sizeof(h->chksum));
	for (size_t i = 0; i < sizeof(*h); i++)
		sum += bytes[i];
	(void)snprintf(h->chksum, sizeof(h->chksum), "%06o", sum);
}

static inline struct tar_header tarball_header(const struct tarball_entry *e, size_t size)
{
	struct tar_header h = { .typeflag = e->type ? e->type : '0' };

	(void)snprintf(h.name, sizeof(h.name), "%s", e->name);
	if (e->link)
		(void)snprintf(h.linkname, sizeof(h.linkname), "%s", e->link);
	tarball_octal(h.mode, sizeof(h.mode), e->mode);
	tarball_octal(h.uid, sizeof(h.uid), e->uid);
	tarball_octal(h.gid, sizeof(h.gid), e->gid);
	tarball_octal(h.size, sizeof(h.size), size);
	tarball_octal(h.mtime, sizeof(h.mtime), e->mtime);
	tarball_octal(h.devmajor, sizeof(h.devmajor), e->major);
	tarball_octal(h.devminor, sizeof(h.devminor), e->minor);
	memcpy(h.magic, "ustar", 6);
	memcpy(h.version, "00", 2);
	tarball_seal(&h);
	return h;
}

static inline void tarball_block(struct tarball *t, const void *data, size_t len)
{
	static const char zeros[TAR_BLOCK_SIZE];

	str_add_len(&t->bytes, data, len);
	str_add_len(&t->bytes, zeros, -len % TAR_BLOCK_SIZE);
}

static inline void tarball_add_header(struct tarball *t, const struct tar_header *h)
{
	tarball_block(t, h, sizeof(*h));
}

static inline void tarball_add(struct tarball *t, struct tarball_entry e)
{
	size_t len = e.data ? (e.len ? e.len : strlen(e.data)) : 0;
	struct tar_header h = tarball_header(&e, len);

	tarball_add_header(t, &h);
	if (len)
		tarball_block(t, e.data, len);
}

/* One record, whose length counts its own digits. */
static inline void tarball_record(struct str *to, const char *key, const void *value, size_t len)
{
	size_t rest = strlen(key) + len + 3; /* blank, '=', newline */
	size_t total = rest + 1;
	char text[32];

	while ((size_t)snprintf(text, sizeof(text), "%zu", total) + rest != total)
		total++;
	str_addf(to, "%zu %s=", total, key);
	str_add_len(to, value, len);
	str_add(to, "\n");
}

static inline void tarball_pax_text(struct tarball *t, const char *text, size_t len)
{
	tarball_add(t, (struct tarball_entry){
			       .name = "PaxHeaders/x", .type = 'x', .data = text, .len = len });
}

/* "key=value" of one pax header, ended by NULL. */
static inline void tarball_pax(struct tarball *t, const char *const *pairs)
{
	auto_str struct str text = { 0 };

	for (size_t i = 0; pairs[i]; i++) {
		const char *equals = strchr(pairs[i], '=');
		auto_free char *key = xstrndup(pairs[i], (size_t)(equals - pairs[i]));

		tarball_record(&text, key, equals + 1, strlen(equals + 1));
	}
	tarball_pax_text(t, text.text, text.len);
}

#define PAX(...)                  \
	(const char *const[])     \
	{                         \
		__VA_ARGS__, NULL \
	}

static inline void tarball_end(struct tarball *t)
{
	static const char zeros[2 * TAR_BLOCK_SIZE];

	tarball_block(t, zeros, sizeof(zeros));
}

static inline void tarball_fini(struct tarball *t)
{
	str_fini(&t->bytes);
}

/* A source that gives @step bytes at a time, from a copy that ends where the piece does. */
struct tarball_source {
	const char *bytes;
	size_t len, at, step;
	uint8_t *piece; /* owned */
};

static inline int tarball_fill(void *arg, const uint8_t **ret, size_t *ret_len, struct error *err)
{
	struct tarball_source *source = arg;
	size_t n = MIN(source->step, source->len - source->at);

	(void)err;
	free(source->piece);
	source->piece = xmalloc(n + 1);
	if (n)
		memcpy(source->piece, source->bytes + source->at, n);
	source->at += n;
	*ret = source->piece;
	*ret_len = n;
	return 0;
}
