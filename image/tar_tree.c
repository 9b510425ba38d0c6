/* SPDX-License-Identifier: Apache-2.0 */
#include "image/tar_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/file.h"
#include "base/macros.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "image/limits.h"

#define CHUNK    (256U << 10)
#define WHITEOUT ".wh."
#define OPAQUE   ".wh..wh..opq"

/* A file that has more than one name, and the first of them in the archive. */
struct first_name {
	dev_t dev;
	ino_t ino;
	char *path;
};

struct walk {
	struct tar_writer *writer;
	const struct tar_tree *tree;
	struct strv pending; /* directories that are still to be read, the next one last */
	void *firsts;        /* of tsearch(3), struct first_name */
	uint64_t size;
	char *chunk;
};

/* ---- attributes ------------------------------------------------------------------------------- */

bool tar_has_attribute(const char *name)
{
	if (str_starts(name, "user."))
		return !str_starts(name, "user.overlay.");
	return str_eq(name, "security.capability") || str_eq(name, "system.posix_acl_access") ||
	       str_eq(name, "system.posix_acl_default");
}

struct attributes {
	struct tar_attribute *items;
	size_t n;
};

static void attributes_fini(struct attributes *a)
{
	for (size_t i = 0; i < a->n; i++) {
		free((void *)(uintptr_t)a->items[i].name);
		free((void *)(uintptr_t)a->items[i].value);
	}
	free(a->items);
}

#define auto_attributes __attribute__((cleanup(attributes_fini)))

/* What the kernel takes at most as a value or as a list of names (xattr(7)). */
#define ATTRIBUTE_MAX (64U << 10)

static void add_attribute(int fd, const char *name, struct attributes *ret)
{
	auto_free char *value = xmalloc(ATTRIBUTE_MAX);
	ssize_t len = fgetxattr(fd, name, value, ATTRIBUTE_MAX);

	/* It has gone since. */
	if (len < 0)
		return;
	ret->items = xrealloc(ret->items, ret->n + 1, sizeof(*ret->items));
	ret->items[ret->n++] = (struct tar_attribute){
		.name = xstrdup(name),
		.value = xrealloc(take_ptr(value), (size_t)len + 1, 1),
		.len = (size_t)len,
	};
}

static int read_attributes(int fd, struct attributes *ret, struct error *err)
{
	auto_free char *names = xmalloc(ATTRIBUTE_MAX + 1);
	ssize_t len = flistxattr(fd, names, ATTRIBUTE_MAX);

	if (len < 0)
		return errno == EOPNOTSUPP ? 0 : err_sys(err, "list its attributes");
	names[len] = '\0';
	for (const char *name = names; name < names + len; name += strlen(name) + 1)
		if (tar_has_attribute(name))
			add_attribute(fd, name, ret);
	return 0;
}

static bool has_attribute(int fd, const char *name)
{
	char value;

	return fgetxattr(fd, name, &value, 1) >= 0 || errno == ERANGE;
}

static bool is_opaque(int fd)
{
	char value = 0;

	return fgetxattr(fd, "trusted.overlay.opaque", &value, 1) == 1 && value == 'y';
}

/* overlayfs.rst, "redirect_dir" and "Metadata only copy up": the content is somewhere below. */
static int check_is_whole(int fd, struct error *err)
{
	if (has_attribute(fd, "trusted.overlay.redirect") ||
	    has_attribute(fd, "trusted.overlay.metacopy"))
		return err_set(err, EINVAL, "it was only moved, which a layer cannot say");
	return 0;
}

/* ---- names ------------------------------------------------------------------------------------ */

static int by_identity(const void *a, const void *b)
{
	const struct first_name *left = a, *right = b;

	if (left->dev != right->dev)
		return left->dev < right->dev ? -1 : 1;
	return left->ino < right->ino ? -1 : left->ino > right->ino;
}

static void free_first_name(void *item)
{
	struct first_name *first = item;

	free(first->path);
	free(first);
}

/* NULL: it has only one, or this is the first. */
static const char *first_name_of(struct walk *w, const struct stat *st)
{
	const struct first_name key = { .dev = st->st_dev, .ino = st->st_ino };
	struct first_name **found = st->st_nlink > 1 ? tfind(&key, &w->firsts, by_identity) : NULL;

	return found ? (*found)->path : NULL;
}

static void note_name(struct walk *w, const struct stat *st, const char *path)
{
	struct first_name *first;

	if (st->st_nlink < 2)
		return;
	first = xmalloc(sizeof(*first));
	*first = (struct first_name){ .dev = st->st_dev, .ino = st->st_ino, .path = xstrdup(path) };
	if (!tsearch(first, &w->firsts, by_identity))
		abort();
}

/* ---- members ---------------------------------------------------------------------------------- */

static struct tar_member member_of(const char *path, char type, const struct stat *st)
{
	return (struct tar_member){
		.path = path,
		.type = type,
		.mode = st->st_mode & 07777,
		.uid = st->st_uid,
		.gid = st->st_gid,
		.mtime = st->st_mtime,
	};
}

static int put_empty(struct walk *w, const char *parent, const char *prefix, const char *name,
		     struct error *err)
{
	auto_free char *path =
		xasprintf("%s%s%s%s", parent ? parent : "", parent ? "/" : "", prefix, name);
	const struct tar_member member = { .path = path, .type = '0' };

	return tar_write_member(w->writer, &member, err);
}

/* What was, or is no longer what it was when we looked: somebody took it away meanwhile. */
static bool has_gone(int code)
{
	return code == -ENOENT || code == -ELOOP || code == -ENOTDIR || code == -ESTALE ||
	       code == -ENXIO;
}

static int open_below(int fd, const char *path, int flags)
{
	return open_in_root_raw(fd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | flags, 0,
				RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS);
}

static int cancelled(const struct walk *w, struct error *err)
{
	if (w->tree->is_cancelled && w->tree->is_cancelled())
		return err_set(err, EINTR, "ended by a signal");
	return 0;
}

/* As many bytes as the header says; zeros for those that are no longer there. */
static int put_content(struct walk *w, int fd, uint64_t size, struct error *err)
{
	bool is_at_end = false;
	int rc = 0;

	for (uint64_t left = size; rc == 0 && left;) {
		size_t wanted = MIN(left, (uint64_t)CHUNK);
		ssize_t n = is_at_end ? 0 : read(fd, w->chunk, wanted);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, "read it");
		if (n == 0) {
			is_at_end = true;
			memset(w->chunk, 0, wanted);
			n = (ssize_t)wanted;
		}
		rc = tar_write_data(w->writer, w->chunk, (size_t)n, err);
		left -= (uint64_t)n;
		if (rc == 0)
			rc = cancelled(w, err);
	}
	return rc;
}

static int count_size(struct walk *w, uint64_t size, struct error *err)
{
	uint64_t max = w->tree->max_size;

	if (max && (size > max || w->size > max - size))
		return err_set(err, EFBIG, "with it the files have more than %llu bytes",
			       (unsigned long long)max);
	w->size += size;
	return 0;
}

static int put_file(struct walk *w, int parent, const char *name, const char *path,
		    struct error *err)
{
	auto_attributes struct attributes attributes = { 0 };
	auto_fd int fd = open_below(parent, name, 0);
	struct tar_member member;
	struct stat st;
	int rc;

	if (fd < 0)
		return has_gone(fd) ? 0 : err_set(err, -fd, "open it: %s", err_text(-fd));
	if (fstat(fd, &st) < 0)
		return err_sys(err, "look at it");
	if (!S_ISREG(st.st_mode))
		return 0;
	rc = w->tree->is_layer ? check_is_whole(fd, err) : 0;
	if (rc == 0)
		rc = read_attributes(fd, &attributes, err);
	if (rc == 0)
		rc = count_size(w, (uint64_t)st.st_size, err);
	if (rc < 0)
		return rc;
	member = member_of(path, '0', &st);
	member.size = (uint64_t)st.st_size;
	member.attributes = attributes.items;
	member.n_attributes = attributes.n;
	rc = tar_write_member(w->writer, &member, err);
	if (rc == 0)
		rc = put_content(w, fd, member.size, err);
	if (rc == 0)
		note_name(w, &st, path);
	return rc;
}

static int put_symlink(struct walk *w, int parent, const char *name, const struct tar_member *as,
		       struct error *err)
{
	struct tar_member member = *as;
	char target[PATH_MAX];
	ssize_t n = readlinkat(parent, name, target, sizeof(target) - 1);

	if (n < 0)
		return has_gone(-errno) || errno == EINVAL ? 0 : err_sys(err, "read it");
	target[n] = '\0';
	member.link = target;
	return tar_write_member(w->writer, &member, err);
}

/* What needs not be opened. */
static int put_special(struct walk *w, int parent, const char *name, const char *path,
		       const struct stat *st, struct error *err)
{
	struct tar_member member = member_of(path, '6', st);
	int rc;

	if (S_ISLNK(st->st_mode)) {
		member.type = '2';
		rc = put_symlink(w, parent, name, &member, err);
	} else {
		if (!S_ISFIFO(st->st_mode)) {
			member.type = S_ISCHR(st->st_mode) ? '3' : '4';
			member.major = major(st->st_rdev);
			member.minor = minor(st->st_rdev);
		}
		rc = tar_write_member(w->writer, &member, err);
	}
	if (rc == 0)
		note_name(w, st, path);
	return rc;
}

/* ---- the walk --------------------------------------------------------------------------------- */

static bool is_whiteout(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == 0;
}

/* One of the directory @parent, which is @in (NULL: the root); directories go to @dirs. */
static int put_entry(struct walk *w, int parent, const char *in, const char *name,
		     struct strv *dirs, struct error *err)
{
	auto_free char *path = in ? xasprintf("%s/%s", in, name) : xstrdup(name);
	const char *first;
	struct stat st;
	int rc;

	if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return has_gone(-errno) ? 0 : err_sys(err, "look at '%s'", path);
	if (strlen(path) >= TAR_MAX_PATH)
		return err_set(err, ENAMETOOLONG, "'%.200s...': its name has more than %u bytes",
			       path, TAR_MAX_PATH - 1);
	if (w->tree->is_layer && str_starts(name, WHITEOUT))
		return err_set(err, EINVAL,
			       "'%s': in a layer such a name means that a file is gone", path);
	first = first_name_of(w, &st);
	if (is_whiteout(&st)) {
		rc = w->tree->is_layer ? put_empty(w, in, WHITEOUT, name, err) : 0;
	} else if (S_ISDIR(st.st_mode)) {
		strv_add(dirs, path);
		rc = 0;
	} else if (S_ISSOCK(st.st_mode)) {
		rc = 0;
	} else if (first) {
		struct tar_member member = member_of(path, '1', &st);

		member.link = first;
		rc = tar_write_member(w->writer, &member, err);
	} else if (S_ISREG(st.st_mode)) {
		rc = put_file(w, parent, name, path, err);
	} else {
		rc = put_special(w, parent, name, path, &st, err);
	}
	return rc < 0 ? err_wrap(err, "'%s'", path) : cancelled(w, err);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The directory itself; @path NULL: the root. */
static int put_directory(struct walk *w, int fd, const char *path, struct error *err)
{
	auto_free char *shown = xasprintf("%s/", path ? path : ".");
	auto_attributes struct attributes attributes = { 0 };
	struct tar_member member;
	struct stat st;
	int rc;

	if (fstat(fd, &st) < 0)
		return err_sys(err, "look at it");
	rc = w->tree->is_layer ? check_is_whole(fd, err) : 0;
	if (rc == 0)
		rc = read_attributes(fd, &attributes, err);
	if (rc < 0)
		return rc;
	member = member_of(shown, '5', &st);
	member.attributes = attributes.items;
	member.n_attributes = attributes.n;
	rc = tar_write_member(w->writer, &member, err);
	if (rc == 0 && w->tree->is_layer && is_opaque(fd))
		rc = put_empty(w, path, OPAQUE, "", err);
	return rc;
}

static int walk_directory(struct walk *w, const char *path, struct error *err)
{
	auto_fd int fd = open_below(w->tree->root.fd, path ? path : ".", O_DIRECTORY);
	const struct dir dir = { .fd = fd, .path = path ? path : "/" };
	auto_strv struct strv names = { 0 };
	auto_strv struct strv dirs = { 0 };
	int rc;

	if (fd < 0)
		return has_gone(fd) && path
			       ? 0
			       : err_set(err, -fd, "open '%s': %s", dir.path, err_text(-fd));
	rc = put_directory(w, fd, path, err);
	if (rc < 0)
		return err_wrap(err, "'%s'", dir.path);
	rc = dir_names_at(&dir, ".", &names, err);
	if (rc == 0 && names.n)
		qsort(names.items, names.n, sizeof(*names.items), by_name);
	for (size_t i = 0; rc == 0 && i < names.n; i++)
		rc = put_entry(w, fd, path, names.items[i], &dirs, err);
	for (size_t i = dirs.n; rc == 0 && i-- > 0;)
		strv_add(&w->pending, dirs.items[i]);
	return rc;
}

int tar_write_tree(struct tar_writer *writer, const struct tar_tree *tree, struct error *err)
{
	auto_free char *chunk = xmalloc(CHUNK);
	struct walk w = { .writer = writer, .tree = tree, .chunk = chunk };
	int rc = walk_directory(&w, NULL, err);

	/* By names from the root on, with one directory open at a time, however deep they are. */
	while (rc == 0 && w.pending.n) {
		auto_free char *path = xstrdup(w.pending.items[w.pending.n - 1]);

		strv_remove(&w.pending, w.pending.n - 1);
		rc = walk_directory(&w, path, err);
	}
	strv_fini(&w.pending);
	tdestroy(w.firsts, free_first_name);
	return rc;
}
