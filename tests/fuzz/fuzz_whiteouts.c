/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "base/mem.h"
#include "tests/fuzz/place.h"
#include "tests/unit/image/tarball.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * Layers of directories, files, whiteouts and opaque markers in any order, two bytes each: what is to
 * be done, and to which of few names.  What comes out is compared with a model of it.
 */

#define NAMES       3            /* a, b, c; in three levels */
#define NODES       (3 + 9 + 27) /* the names of a level follow those of the one above */
#define TOP         (-1)         /* the root's number */
#define MAX_ENTRIES 64

enum kind { NOTHING, REGULAR, DIRECTORY, OPAQUE_DIRECTORY, WHITEOUT };

/* ---- names: a node's children are NAMES * (node + 1) and the following ones ------------------- */

static int parent_of(int node)
{
	return node / NAMES - 1;
}

static int first_child(int node)
{
	return NAMES * (node + 1);
}

static void put_path(struct str *to, int node)
{
	if (node == TOP)
		return;
	put_path(to, parent_of(node));
	str_addf(to, "%s%c", to->len ? "/" : "", 'a' + node % NAMES);
}

/* ---- the model (image/layer.h) --------------------------------------------------------------- */

static void forget(enum kind *nodes, int node)
{
	nodes[node] = NOTHING;
	for (int i = 0; i < NAMES && first_child(node) < NODES; i++)
		forget(nodes, first_child(node) + i);
}

static void make_directory(enum kind *nodes, int node)
{
	if (nodes[node] == WHITEOUT)
		nodes[node] = OPAQUE_DIRECTORY; /* what it hid stays hidden */
	else if (nodes[node] != OPAQUE_DIRECTORY)
		nodes[node] = DIRECTORY;
}

/* false: a file is in the way. */
static bool make_parents(enum kind *nodes, int node)
{
	if (node == TOP)
		return true;
	if (!make_parents(nodes, parent_of(node)) || nodes[node] == REGULAR)
		return false;
	make_directory(nodes, node);
	return true;
}

static bool apply(enum kind *nodes, enum kind what, int node)
{
	if (!make_parents(nodes, parent_of(node)))
		return false;
	switch (what) {
	case REGULAR:
		forget(nodes, node);
		nodes[node] = REGULAR;
		return true;
	case WHITEOUT:
		if (nodes[node] == DIRECTORY)
			nodes[node] = OPAQUE_DIRECTORY;
		else if (nodes[node] == NOTHING)
			nodes[node] = WHITEOUT;
		return true;
	case OPAQUE_DIRECTORY: /* by an entry inside of it */
		if (!make_parents(nodes, node))
			return false;
		nodes[node] = OPAQUE_DIRECTORY;
		return true;
	case NOTHING:
	case DIRECTORY:
	default:
		make_directory(nodes, node);
		return true;
	}
}

/* ---- the same as an archive ------------------------------------------------------------------ */

static void add_entry(struct tarball *tarball, enum kind what, int node)
{
	auto_str struct str path = { 0 };
	struct tarball_entry entry = { .mode = 0755, .type = what == DIRECTORY ? '5' : '0' };

	put_path(&path, what == WHITEOUT ? parent_of(node) : node);
	if (what == WHITEOUT)
		str_addf(&path, "%s.wh.%c", path.len ? "/" : "", 'a' + node % NAMES);
	else if (what == OPAQUE_DIRECTORY)
		str_add(&path, "/.wh..wh..opq");
	entry.name = path.text;
	tarball_add(tarball, entry);
}

/* ---- what came out --------------------------------------------------------------------------- */

static enum kind kind_at(int root, int node)
{
	auto_str struct str path = { 0 };
	struct stat st;
	auto_fd int fd = -1;
	char value;

	put_path(&path, node);
	if (fstatat(root, path.text, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno != ENOENT && errno != ENOTDIR)
			abort();
		return NOTHING;
	}
	if (S_ISREG(st.st_mode))
		return REGULAR;
	if (S_ISCHR(st.st_mode) && st.st_rdev == makedev(0, 0))
		return WHITEOUT;
	if (!S_ISDIR(st.st_mode))
		abort();
	fd = openat(root, path.text, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		abort();
	return fgetxattr(fd, "trusted.overlay.opaque", &value, 1) == 1 ? OPAQUE_DIRECTORY
								       : DIRECTORY;
}

static int mark_opaque(void *arg, int fd, struct error *err)
{
	(void)arg;
	if (fsetxattr(fd, "trusted.overlay.opaque", "y", 1, 0) < 0)
		return err_sys(err, "mark a directory as opaque");
	return 0;
}

static void unpack_and_compare(const struct tarball *tarball, const enum kind *nodes, bool is_good)
{
	struct bytes bytes = { .at = (const uint8_t *)tarball->bytes.text,
			       .left = tarball->bytes.len,
			       .step = 4096 };
	const struct tar_source source = { .fill = bytes_fill, .arg = &bytes };
	struct layer_options options = { .root = place_begin(), .mark_opaque = mark_opaque };
	struct layer_result result;
	struct error err = { 0 };
	int rc = layer_unpack(&options, &source, &result, &err);

	if ((rc == 0) != is_good)
		abort();
	if (rc < 0)
		place_check_error(&err);
	for (int node = 0; is_good && node < NODES; node++)
		if (kind_at(options.root.fd, node) != nodes[node])
			abort();
	place_end(&options.root);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum kind kinds[] = { REGULAR, DIRECTORY, OPAQUE_DIRECTORY, WHITEOUT };
	enum kind nodes[NODES] = { NOTHING };
	struct tarball tarball = { 0 };
	bool is_good = true;

	for (size_t i = 0; i + 1 < size && i / 2 < MAX_ENTRIES && is_good; i += 2) {
		enum kind what = kinds[data[i] % ARRAY_LEN(kinds)];
		int node = data[i + 1] % NODES;

		add_entry(&tarball, what, node);
		is_good = apply(nodes, what, node);
	}
	tarball_end(&tarball);
	unpack_and_compare(&tarball, nodes, is_good);
	tarball_fini(&tarball);
	return 0;
}
