/* SPDX-License-Identifier: Apache-2.0 */
#include "image/tar_write.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "image/tar_internal.h"

#define BUFFER_SIZE (128U << 10)

void tar_writer_init(struct tar_writer *writer, int fd, const char *name)
{
	*writer = (struct tar_writer){ .fd = fd, .name = name, .buffer = xmalloc(BUFFER_SIZE) };
}

void tar_writer_fini(struct tar_writer *writer)
{
	free(take_ptr(writer->buffer));
}

static int flush(struct tar_writer *writer, struct error *err)
{
	for (size_t done = 0; done < writer->len;) {
		ssize_t n = write(writer->fd, writer->buffer + done, writer->len - done);

		if (n < 0 && errno != EINTR)
			return err_sys(err, "write '%s'", writer->name);
		done += (size_t)MAX(n, 0);
	}
	writer->len = 0;
	return 0;
}

/* NULL: zeros */
static int put(struct tar_writer *writer, const void *data, size_t len, struct error *err)
{
	const char *from = data;

	while (len) {
		size_t n = MIN(len, BUFFER_SIZE - writer->len);
		int rc = n ? 0 : flush(writer, err);

		if (rc < 0)
			return rc;
		if (from) {
			memcpy(writer->buffer + writer->len, from, n);
			from += n;
		} else {
			memset(writer->buffer + writer->len, 0, n);
		}
		writer->len += n;
		len -= n;
	}
	return 0;
}

static size_t padding_of(uint64_t size)
{
	return (size_t)(-size % TAR_BLOCK_SIZE);
}

/* ---- pax -------------------------------------------------------------------------------------- */

/* "LEN key=value\n", where LEN counts its own digits, too. */
static void add_record(struct str *records, const char *key, const void *value, size_t len)
{
	size_t rest = strlen(key) + len + 3; /* ' ', '=', '\n' */
	size_t whole = rest;

	for (size_t before = 0; whole != before;) {
		before = whole;
		whole = rest + (size_t)snprintf(NULL, 0, "%zu", before);
	}
	str_addf(records, "%zu %s=", whole, key);
	str_add_len(records, value, len);
	str_add(records, "\n");
}

static void add_number(struct str *records, const char *key, uint64_t value)
{
	char text[24];

	add_record(records, key, text, (size_t)snprintf(text, sizeof(text), "%" PRIu64, value));
}

/* Whether a number fits in the octal digits of a field of @size bytes, one of them its end. */
static bool fits(uint64_t value, size_t size)
{
	return value < 1ULL << (3 * (size - 1));
}

static void add_records(const struct tar_member *member, struct str *ret)
{
	const struct tar_header *header = NULL;

	if (strlen(member->path) > sizeof(header->name))
		add_record(ret, "path", member->path, strlen(member->path));
	if (member->link && strlen(member->link) > sizeof(header->linkname))
		add_record(ret, "linkpath", member->link, strlen(member->link));
	if (!fits(member->size, sizeof(header->size)))
		add_number(ret, "size", member->size);
	if (!fits(member->uid, sizeof(header->uid)))
		add_number(ret, "uid", member->uid);
	if (!fits(member->gid, sizeof(header->gid)))
		add_number(ret, "gid", member->gid);
	if (member->mtime < 0) {
		char text[24];

		add_record(ret, "mtime", text,
			   (size_t)snprintf(text, sizeof(text), "%" PRId64, member->mtime));
	}
	for (size_t i = 0; i < member->n_attributes; i++) {
		auto_free char *key = xasprintf("SCHILY.xattr.%s", member->attributes[i].name);

		add_record(ret, key, member->attributes[i].value, member->attributes[i].len);
	}
}

/* ---- headers ---------------------------------------------------------------------------------- */

static void put_octal(char *field, size_t size, uint64_t value)
{
	char text[24];

	/* What does not fit stands in the pax header. */
	if (!fits(value, size))
		value = 0;
	(void)snprintf(text, sizeof(text), "%0*" PRIo64, (int)size - 1, value);
	memcpy(field, text, size);
}

static void put_text(char *field, size_t size, const char *text)
{
	memcpy(field, text, MIN(strlen(text), size));
}

static void finish_header(struct tar_header *header)
{
	const unsigned char *bytes = (const unsigned char *)header;
	unsigned int sum = 0;

	memcpy(header->magic, "ustar", sizeof(header->magic));
	memcpy(header->version, "00", sizeof(header->version));
	memset(header->chksum, ' ', sizeof(header->chksum));
	for (size_t i = 0; i < sizeof(*header); i++)
		sum += bytes[i];
	(void)snprintf(header->chksum, sizeof(header->chksum), "%06o", sum);
}

static int put_pax(struct tar_writer *writer, const struct str *records, struct error *err)
{
	struct tar_header header = { .typeflag = 'x' };
	int rc;

	put_text(header.name, sizeof(header.name), "./PaxHeaders/entry");
	put_octal(header.mode, sizeof(header.mode), 0644);
	put_octal(header.uid, sizeof(header.uid), 0);
	put_octal(header.gid, sizeof(header.gid), 0);
	put_octal(header.size, sizeof(header.size), records->len);
	put_octal(header.mtime, sizeof(header.mtime), 0);
	finish_header(&header);
	rc = put(writer, &header, sizeof(header), err);
	if (rc == 0)
		rc = put(writer, records->text, records->len, err);
	return rc < 0 ? rc : put(writer, NULL, padding_of(records->len), err);
}

int tar_write_member(struct tar_writer *writer, const struct tar_member *member, struct error *err)
{
	struct tar_header header = { .typeflag = member->type };
	auto_str struct str records = { 0 };
	int rc = 0;

	assert(writer->left == 0);
	add_records(member, &records);
	put_text(header.name, sizeof(header.name), member->path);
	put_text(header.linkname, sizeof(header.linkname), member->link ? member->link : "");
	put_octal(header.mode, sizeof(header.mode), member->mode & 07777);
	put_octal(header.uid, sizeof(header.uid), member->uid);
	put_octal(header.gid, sizeof(header.gid), member->gid);
	put_octal(header.size, sizeof(header.size), member->size);
	put_octal(header.mtime, sizeof(header.mtime), (uint64_t)MAX(member->mtime, (int64_t)0));
	if (member->type == '3' || member->type == '4') {
		put_octal(header.devmajor, sizeof(header.devmajor), member->major);
		put_octal(header.devminor, sizeof(header.devminor), member->minor);
	}
	finish_header(&header);
	if (records.len)
		rc = put_pax(writer, &records, err);
	if (rc == 0)
		rc = put(writer, &header, sizeof(header), err);
	if (rc < 0)
		return rc;
	writer->left = member->size;
	writer->padding = padding_of(member->size);
	return 0;
}

int tar_write_data(struct tar_writer *writer, const void *data, size_t len, struct error *err)
{
	int rc;

	assert(len <= writer->left);
	rc = put(writer, data, len, err);
	writer->left -= len;
	if (rc == 0 && writer->left == 0) {
		rc = put(writer, NULL, writer->padding, err);
		writer->padding = 0;
	}
	return rc;
}

int tar_write_end(struct tar_writer *writer, struct error *err)
{
	int rc;

	assert(writer->left == 0);
	rc = put(writer, NULL, 2 * (size_t)TAR_BLOCK_SIZE, err);
	return rc < 0 ? rc : flush(writer, err);
}
