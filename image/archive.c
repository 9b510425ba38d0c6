/* SPDX-License-Identifier: Apache-2.0 */
#include "image/archive.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "image/inflate.h"
#include "image/limits.h"
#include "image/tar.h"

#define BUFFER_SIZE (256U << 10)

struct member {
	char *path;            /* owned, cleaned */
	char *link;            /* owned: what it links to, cleaned; NULL for a file */
	uint64_t offset, size; /* of a file */
	size_t order;
};

struct archive {
	int fd; /* borrowed: the tar, wherever it is now, or the directory */
	bool is_dir;
	struct member *members; /* by path, then by place */
	size_t n, room;
};

void archive_free(struct archive *archive)
{
	if (!archive)
		return;
	for (size_t i = 0; i < archive->n; i++) {
		free(archive->members[i].path);
		free(archive->members[i].link);
	}
	free(archive->members);
	free(archive);
}

void archive_freep(struct archive **archive)
{
	archive_free(*archive);
}

/* ---- the index of a tar ---------------------------------------------------------------------- */

struct scan {
	int fd;
	uint64_t at, size;
	uint8_t buffer[16U << 10]; /* headers, with content between them that is passed over */
};

static int scan_fill(void *arg, const uint8_t **ret, size_t *ret_len, struct error *err)
{
	struct scan *scan = arg;
	ssize_t n;

	do
		n = pread(scan->fd, scan->buffer, sizeof(scan->buffer), (off_t)scan->at);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_sys(err, "read");
	scan->at += (uint64_t)n;
	*ret = scan->buffer;
	*ret_len = (size_t)n;
	return 0;
}

static int scan_skip(void *arg, uint64_t n, struct error *err)
{
	struct scan *scan = arg;

	if (scan->at > scan->size || n > scan->size - scan->at)
		return err_set(err, EINVAL, "it is truncated: %" PRIu64 " bytes are missing",
			       n - (scan->size - scan->at));
	scan->at += n;
	return 0;
}

/* "./blobs//x" -> "blobs/x"; what begins with ".." stays so and is never looked for. */
static char *clean(const char *path)
{
	return path_clean(path + strspn(path, "/"));
}

static char *link_target(const struct tar_entry *entry, const char *path)
{
	auto_free char *parent = NULL, *joined = NULL;

	if (entry->type == TAR_HARDLINK || entry->link[0] == '/')
		return clean(entry->link);
	parent = xstrndup(path, (size_t)(path_base(path) - path));
	joined = path_join(parent, entry->link);
	return path_clean(joined);
}

static int add_member(struct archive *archive, const struct tar *tar, const struct tar_entry *entry,
		      struct error *err)
{
	struct member *member;

	if (entry->type != TAR_FILE && entry->type != TAR_HARDLINK && entry->type != TAR_SYMLINK)
		return 0;
	if (archive->n == ARCHIVE_MAX_ENTRIES)
		return err_set(err, E2BIG, "more than %u files in it", ARCHIVE_MAX_ENTRIES);
	if (archive->n == archive->room) {
		archive->room = archive->room ? archive->room * 2 : 64;
		archive->members =
			xrealloc(archive->members, archive->room, sizeof(*archive->members));
	}
	/* Where a sparse file's bytes are, one number cannot say: it is found, and refused then. */
	member = &archive->members[archive->n];
	*member = (struct member){
		.path = clean(entry->path),
		.offset = entry->is_sparse ? UINT64_MAX : tar_data_offset(tar),
		.size = entry->size,
		.order = archive->n++,
	};
	if (entry->type != TAR_FILE)
		member->link = link_target(entry, member->path);
	return 0;
}

static int by_path(const void *a, const void *b)
{
	const struct member *left = a, *right = b;
	int order = strcmp(left->path, right->path);

	if (order)
		return order;
	return left->order < right->order ? -1 : left->order > right->order;
}

int archive_check_tar(int fd, struct error *err)
{
	struct scan scan = { .fd = fd };
	const struct tar_source source = { .fill = scan_fill, .skip = scan_skip, .arg = &scan };
	auto_tar struct tar *tar = tar_new(&source);
	const struct tar_entry *entry;
	struct stat st;
	int rc;

	if (fstat(fd, &st) < 0)
		return err_sys(err, "read its size");
	scan.size = (uint64_t)st.st_size;
	while ((rc = tar_next(tar, &entry, err)) > 0)
		;
	if (rc == 0 && !tar_has_end_mark(tar))
		return err_set(err, EINVAL, "it is truncated: no end mark");
	return rc;
}

static int scan_tar(struct archive *archive, struct error *err)
{
	struct scan scan = { .fd = archive->fd };
	const struct tar_source source = { .fill = scan_fill, .skip = scan_skip, .arg = &scan };
	auto_tar struct tar *tar = tar_new(&source);
	const struct tar_entry *entry;
	struct stat st;
	int rc;

	if (fstat(archive->fd, &st) < 0)
		return err_sys(err, "read its size");
	scan.size = (uint64_t)st.st_size;
	while ((rc = tar_next(tar, &entry, err)) > 0) {
		rc = add_member(archive, tar, entry, err);
		if (rc < 0)
			return rc;
	}
	if (rc < 0 && archive->n == 0)
		return err_wrap(err, "this is no image archive");
	if (rc == 0 && archive->n && !tar_has_end_mark(tar))
		return err_set(err, EINVAL, "it is truncated: no end mark");
	if (rc == 0 && archive->n)
		qsort(archive->members, archive->n, sizeof(*archive->members), by_path);
	return rc;
}

/* ---- unwrapping ------------------------------------------------------------------------------ */

static ssize_t read_input(void *arg, void *to, size_t size, struct error *err)
{
	const int *fd = arg;
	ssize_t n;

	do
		n = read(*fd, to, size);
	while (n < 0 && errno == EINTR);
	return n < 0 ? err_sys(err, "read") : n;
}

static int write_all(int fd, const char *data, size_t len, struct error *err)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, "unwrap it into the store");
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

int archive_unwrap(int input, int to, struct error *err)
{
	const struct inflate_source source = { .read = read_input, .arg = &input };
	auto_inflate struct inflate *in = inflate_new(&source, INFLATE_BY_INPUT);
	auto_free char *buffer = xmalloc(BUFFER_SIZE);
	ssize_t n;

	n = inflate_read(in, buffer, BUFFER_SIZE, err);
	/* Before a disk is filled with something else. */
	if (n > 0 && !tar_begins(buffer, (size_t)n))
		return err_set(err, EINVAL, "no tar is in it");
	while (n > 0) {
		int rc = write_all(to, buffer, (size_t)n, err);

		if (rc < 0)
			return rc;
		n = inflate_read(in, buffer, BUFFER_SIZE, err);
	}
	return (int)n;
}

/* The first bytes of a file that can be read at any place; a tar begins with a name. */
static bool is_plain(int fd)
{
	uint8_t magic[4] = { 0 };
	ssize_t n = pread(fd, magic, sizeof(magic), 0);

	return n >= 0 && inflate_kind_of(magic, (size_t)n) == INFLATE_NONE;
}

static int open_input(struct archive *archive, int spool, struct error *err)
{
	struct stat st;
	int rc = 0;

	if (fstat(archive->fd, &st) < 0)
		return err_sys(err, "look at it");
	archive->is_dir = S_ISDIR(st.st_mode);
	if (archive->is_dir)
		return 0;
	if (!S_ISREG(st.st_mode) || !is_plain(archive->fd)) {
		rc = archive_unwrap(archive->fd, spool, err);
		if (rc == -EINVAL && lseek(spool, 0, SEEK_END) == 0)
			return err_wrap(err, "this is no image archive");
		archive->fd = spool;
	}
	return rc < 0 ? rc : scan_tar(archive, err);
}

struct archive *archive_open(int input, int spool, struct error *err)
{
	auto_archive struct archive *archive = xcalloc(1, sizeof(*archive));

	archive->fd = input;
	return open_input(archive, spool, err) < 0 ? NULL : take_ptr(archive);
}

/* ---- finding --------------------------------------------------------------------------------- */

/* The last member of that name, as tar(1) would leave it behind. */
static const struct member *find_member(const struct archive *archive, const char *path)
{
	size_t low = 0, high = archive->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(archive->members[middle].path, path) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0 || strcmp(archive->members[low - 1].path, path) != 0)
		return NULL;
	return &archive->members[low - 1];
}

static int missing(const char *path, struct error *err)
{
	auto_free char *shown = tar_shown(path);

	return err_set(err, ENOENT, "'%s' is missing", shown);
}

static int find_in_tar(const struct archive *archive, const char *path, struct archive_part *ret,
		       struct error *err)
{
	auto_free char *wanted = clean(path);
	const struct member *member = find_member(archive, wanted);
	int fd;

	for (int i = 0; member && member->link; i++) {
		if (i == ARCHIVE_MAX_LINKS)
			return missing(path, err);
		member = find_member(archive, member->link);
	}
	if (!member)
		return missing(path, err);
	if (member->offset == UINT64_MAX)
		return err_set(err, EINVAL, "'%s' is a sparse file", member->path);
	fd = fcntl(archive->fd, F_DUPFD_CLOEXEC, 3);
	if (fd < 0)
		return err_sys(err, "open the archive again");
	*ret = (struct archive_part){ .fd = fd, .offset = member->offset, .size = member->size };
	return 0;
}

static int open_in_dir(const struct archive *archive, const char *path)
{
	/* O_NONBLOCK: a FIFO must not hold us up. */
	return open_in_root_raw(archive->fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, 0);
}

static int find_in_dir(const struct archive *archive, const char *path, struct archive_part *ret,
		       struct error *err)
{
	auto_free char *shown = tar_shown(path);
	auto_fd int fd = open_in_dir(archive, path);
	struct stat st;

	if (fd == -ENOENT || fd == -ENOTDIR)
		return missing(path, err);
	if (fd < 0)
		return err_set(err, -fd, "open '%s': %s", shown, err_text(-fd));
	if (fstat(fd, &st) < 0)
		return err_sys(err, "look at '%s'", shown);
	if (!S_ISREG(st.st_mode))
		return err_set(err, EINVAL, "'%s' is no regular file", shown);
	*ret = (struct archive_part){ .fd = take_fd(&fd), .size = (uint64_t)st.st_size };
	return 0;
}

int archive_find(const struct archive *archive, const char *path, struct archive_part *ret,
		 struct error *err)
{
	return archive->is_dir ? find_in_dir(archive, path, ret, err)
			       : find_in_tar(archive, path, ret, err);
}

bool archive_has(const struct archive *archive, const char *path)
{
	struct archive_part part;
	struct error ignored = { 0 };

	if (archive_find(archive, path, &part, &ignored) < 0)
		return false;
	close_fd(&part.fd);
	return true;
}

static int read_part(const struct archive_part *part, char *to, struct error *err)
{
	for (uint64_t done = 0; done < part->size;) {
		ssize_t n =
			pread(part->fd, to + done, part->size - done, (off_t)(part->offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, "read");
		if (n == 0)
			return err_set(err, EINVAL, "it is truncated");
		done += (uint64_t)n;
	}
	return 0;
}

int archive_read(const struct archive *archive, const char *path, size_t max, char **ret,
		 size_t *ret_len, struct error *err)
{
	auto_free char *shown = tar_shown(path);
	auto_free char *text = NULL;
	struct archive_part part;
	int rc = archive_find(archive, path, &part, err);

	if (rc < 0)
		return rc;
	if (part.size > max) {
		close_fd(&part.fd);
		return err_set(err, EFBIG, "'%s' has %" PRIu64 " bytes, the limit is %zu", shown,
			       part.size, max);
	}
	text = xmalloc(part.size + 1);
	rc = read_part(&part, text, err);
	close_fd(&part.fd);
	if (rc < 0)
		return err_wrap(err, "read '%s'", shown);
	text[part.size] = '\0';
	*ret = take_ptr(text);
	*ret_len = part.size;
	return 0;
}
