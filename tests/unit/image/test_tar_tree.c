/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "image/tar.h"
#include "image/tar_tree.h"
#include "tests/unit/base/temp.h"
#include "tests/unit/test.h"

static struct temp temp;
static int root = -1;

static void setup(void)
{
	temp_make(&temp);
	root = open(temp.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(root, 0);
}

static void teardown(void)
{
	close_fd(&root);
	temp_remove(&temp);
}

static void put(const char *path, const char *text)
{
	int fd = openat(root, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0640);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), strlen(text));
	close_fd(&fd);
}

static void mark(const char *path, const char *name, const char *value)
{
	int fd = openat(root, path, O_RDONLY | O_CLOEXEC);

	ck_assert_int_eq(fsetxattr(fd, name, value, strlen(value), 0), 0);
	close_fd(&fd);
}

static int fill(void *arg, const uint8_t **ret, size_t *ret_len, struct error *err)
{
	static uint8_t buffer[4096];
	ssize_t n = read(*(int *)arg, buffer, sizeof(buffer));

	(void)err;
	*ret = buffer;
	*ret_len = n < 0 ? 0 : (size_t)n;
	return 0;
}

static int write_tree(struct tar_tree tree, int fd, struct error *err)
{
	auto_tar_writer struct tar_writer writer;
	int rc;

	tree.root = (struct dir){ .fd = root, .path = "/" };
	tar_writer_init(&writer, fd, "test");
	rc = tar_write_tree(&writer, &tree, err);
	return rc < 0 ? rc : tar_write_end(&writer, err);
}

/* "path type[ -> link][=size][ @attribute]" of each member, in lines. */
static char *list(struct tar_tree tree)
{
	static const char types[] = {
		[TAR_FILE] = 'f',  [TAR_HARDLINK] = 'h', [TAR_SYMLINK] = 'l', [TAR_CHAR] = 'c',
		[TAR_BLOCK] = 'b', [TAR_DIR] = 'd',      [TAR_FIFO] = 'p'
	};
	int fd = memfd_create("tar", MFD_CLOEXEC);
	const struct tar_source source = { .fill = fill, .arg = &fd };
	auto_tar struct tar *tar = NULL;
	const struct tar_entry *entry;
	struct str text = { 0 };
	struct error err = { 0 };
	int rc;

	ck_assert_msg(write_tree(tree, fd, &err) == 0, "%s", err.msg);
	ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
	tar = tar_new(&source);
	while ((rc = tar_next(tar, &entry, &err)) > 0) {
		str_addf(&text, "%s %c", entry->path, types[entry->type]);
		if (*entry->link)
			str_addf(&text, " -> %s", entry->link);
		if (entry->type == TAR_FILE)
			str_addf(&text, "=%llu", (unsigned long long)entry->size);
		for (size_t i = 0; i < entry->n_xattrs; i++)
			str_addf(&text, " @%s", entry->xattrs[i].name);
		str_add(&text, "\n");
	}
	ck_assert_msg(rc == 0 && tar_has_end_mark(tar), "%s", err.msg);
	close_fd(&fd);
	return str_take(&text);
}

START_TEST(writes_what_is_there)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	auto_fd int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	auto_free char *text = NULL;

	setup();
	ck_assert_int_eq(mkdirat(root, "b", 0755), 0);
	ck_assert_int_eq(mkdirat(root, "b/c", 0700), 0);
	put("b/file", "hello");
	put(".wh.name", "");
	put("z", "");
	ck_assert_int_eq(linkat(root, "b/file", root, "b/c/hard", 0), 0);
	ck_assert_int_eq(symlinkat("/etc", root, "b/out"), 0);
	ck_assert_int_eq(linkat(root, "b/out", root, "out2", 0), 0);
	ck_assert_int_eq(mkfifoat(root, "pipe", 0600), 0);
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", temp.path);
	ck_assert_int_eq(bind(sock, (struct sockaddr *)&address, sizeof(address)), 0);
	mark("z", "user.a", "1");
	mark("b", "user.b", "2");
	mark("b", "user.overlay.opaque", "y");

	text = list((struct tar_tree){ .is_layer = false });
	ck_assert_str_eq(text, "./ d\n.wh.name f=0\nout2 l -> /etc\npipe p\nz f=0 @user.a\n"
			       "b/ d @user.b\nb/file f=5\nb/out h -> out2\nb/c/ d\n"
			       "b/c/hard h -> b/file\n");
	teardown();
}
END_TEST

START_TEST(writes_an_upper_directory_as_a_layer)
{
	auto_free char *text = NULL;

	/* Such attributes and devices are root's. */
	if (geteuid() != 0)
		return;
	setup();
	ck_assert_int_eq(mkdirat(root, "opaque", 0755), 0);
	put("opaque/new", "x");
	mark("opaque", "trusted.overlay.opaque", "y");
	ck_assert_int_eq(mkdirat(root, "origin", 0755), 0);
	mark("origin", "trusted.overlay.origin", "y");
	ck_assert_int_eq(mknodat(root, "gone", S_IFCHR, makedev(0, 0)), 0);
	ck_assert_int_eq(linkat(root, "gone", root, "origin/gone too", 0), 0);

	text = list((struct tar_tree){ .is_layer = true });
	ck_assert_str_eq(text, "./ d\n.wh.gone f=0\nopaque/ d\nopaque/.wh..wh..opq f=0\n"
			       "opaque/new f=1\norigin/ d\norigin/.wh.gone too f=0\n");
	teardown();
}
END_TEST

static bool is_cancelled(void)
{
	return true;
}

static void refuse(struct tar_tree tree, int code, const char *why)
{
	int fd = memfd_create("tar", MFD_CLOEXEC);
	struct error err = { 0 };

	ck_assert_msg(write_tree(tree, fd, &err) == -code, "%s", err.msg);
	ck_assert_msg(strstr(err.msg, why), "%s", err.msg);
	close_fd(&fd);
}

START_TEST(says_what_cannot_be_written)
{
	setup();
	ck_assert_int_eq(mkdirat(root, "dir", 0755), 0);
	put("dir/.wh.file", "x");
	refuse((struct tar_tree){ .is_layer = true }, EINVAL, "'dir/.wh.file': in a layer");
	ck_assert_int_eq(unlinkat(root, "dir/.wh.file", 0), 0);
	put("dir/file", "hello");
	refuse((struct tar_tree){ .max_size = 4 }, EFBIG, "'dir/file': with it");
	refuse((struct tar_tree){ .is_cancelled = is_cancelled }, EINTR, "signal");
	if (geteuid() == 0) {
		mark("dir", "trusted.overlay.redirect", "/other");
		refuse((struct tar_tree){ .is_layer = true }, EINVAL, "'dir': it was only moved");
	}
	teardown();
}
END_TEST

/* More levels than there are descriptors; then more than a name can have. */
START_TEST(goes_as_deep_as_names_do)
{
	auto_free char *text = NULL;
	size_t depth;
	int fd;

	setup();
	fd = dup(root);
	for (depth = 0; depth < 2040; depth++) {
		int next;

		ck_assert_int_eq(mkdirat(fd, "d", 0755), 0);
		next = openat(fd, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		close_fd(&fd);
		fd = next;
	}
	text = list((struct tar_tree){ .is_layer = false });
	ck_assert_uint_gt(strlen(text), depth * depth);
	for (; depth < 2060; depth++) {
		int next;

		ck_assert_int_eq(mkdirat(fd, "d", 0755), 0);
		next = openat(fd, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		close_fd(&fd);
		fd = next;
	}
	close_fd(&fd);
	refuse((struct tar_tree){ .is_layer = false }, ENAMETOOLONG, "4094 bytes");
	teardown();
}
END_TEST

TEST_MAIN("image/tar_tree", writes_what_is_there, writes_an_upper_directory_as_a_layer,
	  says_what_cannot_be_written, goes_as_deep_as_names_do)
