/* SPDX-License-Identifier: Apache-2.0 */
#include "image/layer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/sys.h"
#include "image/layer_internal.h"

#define WHITEOUT ".wh."
#define OPAQUE   ".wh..wh..opq"
#define AUFS     ".wh..wh." /* of its own book-keeping; means nothing to us */

/* ---- names ----------------------------------------------------------------------------------- */

/*
 * The path without empty parts, "." and a leading '/'; "" is the root.  ".." is refused although it
 * could not get out: what it means depends on symlinks.
 */
static int clean_name(const char *name, char to[TAR_MAX_PATH + 1], struct error *err)
{
	size_t len = 0;

	while (*name) {
		size_t n = strcspn(name, "/");

		if (n == 2 && memcmp(name, "..", 2) == 0)
			return err_set(err, EINVAL, "'..' in a name");
		if (n && !(n == 1 && name[0] == '.')) {
			if (len)
				to[len++] = '/';
			memcpy(to + len, name, n);
			len += n;
		}
		name += n + (name[n] == '/');
	}
	to[len] = '\0';
	return 0;
}

/* Where the last part begins; the part before it is the parent, of *ret_parent bytes. */
static const char *last_part(const char *path, size_t *ret_parent)
{
	const char *slash = strrchr(path, '/');

	*ret_parent = slash ? (size_t)(slash - path) : 0;
	return slash ? slash + 1 : path;
}

/* ---- whiteouts ------------------------------------------------------------------------------- */

static int make_whiteout(struct layer *layer, int parent, const char *name, struct error *err)
{
	const struct dir dir = { .fd = parent, .path = "." };
	struct stat st;
	int rc;

	if (!*name || str_eq(name, ".") || str_eq(name, ".."))
		return err_set(err, EINVAL, "a whiteout of no name");
	if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		/* It hides what is below, not what this layer has itself (layer.md "Whiteouts"). */
		if (S_ISDIR(st.st_mode))
			return layer_mark_opaque(layer, parent, name, err);
		return 0;
	}
	if (errno != ENOENT)
		return err_sys(err, "look for what is there");
	rc = layer_count_made(layer, err);
	return rc < 0 ? rc : sys_mknod_at(&dir, name, S_IFCHR, makedev(0, 0), err);
}

/* 1 if the entry was a whiteout, or book-keeping of the like, and is done. */
static int unpack_whiteout(struct layer *layer, const char *path, struct error *err)
{
	size_t parent_len;
	const char *name = last_part(path, &parent_len);
	int parent;
	int rc;

	if (!str_starts(path, WHITEOUT) && !strstr(path, "/" WHITEOUT))
		return 0;
	if ((str_starts(path, AUFS) || str_starts(name, AUFS)) && !str_eq(name, OPAQUE))
		return 1;
	if (!str_starts(name, WHITEOUT) || memmem(path, parent_len, "/" WHITEOUT, 5) ||
	    (parent_len && str_starts(path, WHITEOUT)))
		return err_set(err, EINVAL, "something inside of a whiteout");
	if (str_eq(path, OPAQUE))
		return err_set(err, EINVAL, "the root of a layer cannot hide the layers below");
	parent = layer_dir_open(layer, path, parent_len, err);
	if (parent < 0)
		return parent;
	if (str_eq(name, OPAQUE))
		rc = layer_mark_opaque(layer, parent, ".", err);
	else
		rc = make_whiteout(layer, parent, name + strlen(WHITEOUT), err);
	return rc < 0 ? rc : 1;
}

/* ---- one function for each kind of entry ----------------------------------------------------- */

static int write_piece(int fd, const uint8_t *data, size_t len, uint64_t offset, struct error *err)
{
	while (len) {
		ssize_t n = pwrite(fd, data, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, "write");
		data += n;
		len -= (size_t)n;
		offset += (uint64_t)n;
	}
	return 0;
}

static int write_data(struct layer *layer, const struct tar_entry *entry, int fd, struct error *err)
{
	uint64_t end = 0, offset;
	const uint8_t *data;
	size_t len;
	int rc;

	while ((rc = tar_data(layer->tar, &data, &len, &offset, err)) > 0) {
		rc = write_piece(fd, data, len, offset, err);
		if (rc < 0)
			return rc;
		end = offset + len;
	}
	if (rc == 0 && end < entry->size && ftruncate(fd, (off_t)entry->size) < 0)
		return err_sys(err, "make it %" PRIu64 " bytes long", entry->size);
	return rc;
}

static int make_file(struct layer *layer, const struct tar_entry *entry, int parent,
		     const char *name, struct error *err)
{
	auto_fd int fd = openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
				entry->mode & 0777);
	int rc;

	if (fd < 0)
		return err_sys(err, "make the file");
	if (entry->is_sparse) {
		layer->sparse += MIN(entry->size, LAYER_MAX_SPARSE + 1);
		if (layer->sparse > LAYER_MAX_SPARSE)
			return err_set(err, EFBIG, "sparse files of more than %llu bytes",
				       LAYER_MAX_SPARSE);
	}
	rc = write_data(layer, entry, fd, err);
	if (rc < 0)
		return rc;
	layer->result.size += entry->size;
	return layer_finish_file(entry, fd, err);
}

static int make_symlink(struct layer *layer, const struct tar_entry *entry, int parent,
			const char *name, struct error *err)
{
	(void)layer;
	if (symlinkat(entry->link, parent, name) < 0)
		return err_sys(err, "make the symlink");
	return layer_finish_node(entry, parent, name, err);
}

static int make_node(struct layer *layer, const struct tar_entry *entry, int parent,
		     const char *name, struct error *err)
{
	const struct dir dir = { .fd = parent, .path = "." };
	mode_t kind = entry->type == TAR_CHAR    ? S_IFCHR
		      : entry->type == TAR_BLOCK ? S_IFBLK
						 : S_IFIFO;
	dev_t device = entry->type == TAR_FIFO ? 0 : makedev(entry->major, entry->minor);
	int rc;

	(void)layer;
	/* To overlayfs that is a whiteout; in an archive those have another form. */
	if (kind == S_IFCHR && device == makedev(0, 0))
		return err_set(err, EINVAL, "a character device 0:0");
	rc = sys_mknod_at(&dir, name, kind | (entry->mode & 0777), device, err);
	return rc < 0 ? rc : layer_finish_node(entry, parent, name, err);
}

/* The source is what this layer has by that name; a symlink is not followed. */
static int make_link(struct layer *layer, const struct tar_entry *entry, int parent,
		     const char *name, struct error *err)
{
	char path[TAR_MAX_PATH + 1];
	size_t source_len;
	const char *source_name;
	struct stat st;
	int source;
	int rc = clean_name(entry->link, path, err);

	if (rc < 0)
		return rc;
	source_name = last_part(path, &source_len);
	source = layer_dir_open(layer, path, source_len, err);
	if (source < 0)
		return source;
	if (!*source_name || fstatat(source, source_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return *source_name ? err_sys(err, "find what it links to")
				    : err_set(err, EINVAL, "a link to the root");
	if (S_ISDIR(st.st_mode) || layer_is_whiteout(&st))
		return err_set(err, EINVAL, "a link to what is no file");
	if (linkat(source, source_name, parent, name, 0) < 0)
		return err_sys(err, "link");
	return 0;
}

typedef int make_function(struct layer *layer, const struct tar_entry *entry, int parent,
			  const char *name, struct error *err);

static make_function *const makers[] = {
	[TAR_FILE] = make_file, [TAR_HARDLINK] = make_link, [TAR_SYMLINK] = make_symlink,
	[TAR_CHAR] = make_node, [TAR_BLOCK] = make_node,    [TAR_DIR] = NULL,
	[TAR_FIFO] = make_node,
};

/* ---- entries --------------------------------------------------------------------------------- */

static int make_dir(struct layer *layer, const struct tar_entry *entry, int parent,
		    const char *name, struct error *err)
{
	int rc = layer_dir_make(layer, parent, name, entry->mode & 0777, err);

	if (rc < 0)
		return rc;
	if (rc == 0 && fchmodat(parent, name, entry->mode & 0777, 0) < 0)
		return err_sys(err, "change its mode");
	return layer_defer(layer, entry, rc == 0, err);
}

static int unpack_root(struct layer *layer, const struct tar_entry *entry, struct error *err)
{
	if (entry->type != TAR_DIR)
		return err_set(err, EINVAL, "the root of a layer is no directory");
	if (fchmodat(layer->options.root.fd, ".", entry->mode & 0777, 0) < 0)
		return err_sys(err, "change its mode");
	return layer_defer(layer, entry, true, err);
}

static int unpack_named(struct layer *layer, const struct tar_entry *entry, struct error *err)
{
	size_t parent_len;
	const char *name = last_part(layer->path, &parent_len);
	int parent = layer_dir_open(layer, layer->path, parent_len, err);
	int rc;

	if (parent < 0)
		return parent;
	if (entry->type == TAR_DIR)
		return make_dir(layer, entry, parent, name, err);

	rc = layer_count_made(layer, err);
	if (rc < 0)
		return rc;
	rc = makers[entry->type](layer, entry, parent, name, err);
	if (rc != -EEXIST)
		return rc;
	rc = layer_clear(layer, parent, name, err);
	return rc < 0 ? rc : makers[entry->type](layer, entry, parent, name, err);
}

static int unpack_entry(struct layer *layer, const struct tar_entry *entry, struct error *err)
{
	int rc = clean_name(entry->path, layer->path, err);

	if (rc < 0)
		return rc;
	if (layer->is_stale) {
		layer_dirs_forget(layer);
		layer->is_stale = false;
	}
	if (!layer->path[0])
		return unpack_root(layer, entry, err);
	rc = unpack_whiteout(layer, layer->path, err);
	if (rc != 0)
		return MIN(rc, 0);
	return unpack_named(layer, entry, err);
}

static int unpack_all(struct layer *layer, struct error *err)
{
	const struct tar_entry *entry;
	int rc;

	while ((rc = tar_next(layer->tar, &entry, err)) > 0) {
		layer->result.n_entries++;
		rc = unpack_entry(layer, entry, err);
		if (rc < 0) {
			auto_free char *shown = tar_shown(entry->path);

			return err_wrap(err, "entry '%s'", shown);
		}
	}
	return rc < 0 ? rc : layer_finish_dirs(layer, err);
}

int layer_unpack(const struct layer_options *options, const struct tar_source *source,
		 struct layer_result *ret, struct error *err)
{
	struct layer layer = { .options = *options, .tar = tar_new(source) };
	mode_t mask = umask(0);
	int rc = unpack_all(&layer, err);

	(void)umask(mask);
	layer_dirs_forget(&layer);
	tar_free(layer.tar);
	free(layer.deferred);
	str_fini(&layer.texts);
	if (rc == 0)
		*ret = layer.result;
	return rc;
}
