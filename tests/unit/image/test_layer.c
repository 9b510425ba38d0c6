/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "image/layer.h"
#include "image/limits.h"
#include "tests/unit/base/temp.h"
#include "tests/unit/image/tarball.h"
#include "tests/unit/test.h"

/* ---- a layer, and what became of it ---------------------------------------------------------- */

static int mark_opaque(void *arg, int fd, struct error *err)
{
	(void)arg;
	return fsetxattr(fd, "trusted.overlay.opaque", "y", 1, 0) < 0 ? err_sys(err, "mark") : 0;
}

/* Unpacks into <temp>/root; the tarball is used up. */
static int unpack(const struct temp *temp, struct tarball *t, struct layer_result *result,
		  struct error *err)
{
	struct tarball_source bytes = { .bytes = t->bytes.text, .len = t->bytes.len, .step = 700 };
	const struct tar_source source = { .fill = tarball_fill, .arg = &bytes };
	struct layer_options options = { .mark_opaque = mark_opaque };
	mode_t mask = umask(022);
	int rc;

	(void)umask(mask);
	ck_assert_int_eq(mkdirat(temp->dir.fd, "root", 0700), 0);
	options.root.fd = openat(temp->dir.fd, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	options.root.path = "root";
	rc = layer_unpack(&options, &source, result, err);
	ck_assert_uint_eq(umask(mask), mask);
	close_fd(&options.root.fd);
	free(bytes.piece);
	tarball_fini(t);
	*t = (struct tarball){ 0 };
	return rc;
}

static void show_xattrs(struct str *out, const char *path)
{
	char names[1000];
	ssize_t len = llistxattr(path, names, sizeof(names));

	for (const char *name = names; len > 0 && name < names + len; name += strlen(name) + 1) {
		char value[256];
		ssize_t n = lgetxattr(path, name, value, sizeof(value));

		str_addf(out, " %s=", name);
		for (ssize_t i = 0; i < n; i++)
			str_addf(out, value[i] >= ' ' && value[i] < 127 ? "%c" : "\\%02x",
				 (unsigned char)value[i]);
	}
}

/* Times of the tests are small numbers; what is not set by the archive is "now". */
static void show_time(struct str *out, const struct timespec *time)
{
	if (time->tv_sec > 1000000)
		str_add(out, " now");
	else if (time->tv_nsec)
		str_addf(out, " %lld.%09ld", (long long)time->tv_sec, time->tv_nsec);
	else
		str_addf(out, " %lld", (long long)time->tv_sec);
}

static void show_entry(struct str *out, const char *path, const char *name)
{
	static const char types[] = "?pc?d?b?-?l?s";
	struct stat st;

	ck_assert_int_eq(lstat(path, &st), 0);
	str_addf(out, "%s %c%o %u:%u", name, types[(st.st_mode & S_IFMT) >> 12], st.st_mode & 07777,
		 st.st_uid, st.st_gid);
	show_time(out, &st.st_mtim);
	if (S_ISREG(st.st_mode)) {
		char data[100] = "";
		FILE *file = fopen(path, "r");

		ck_assert_ptr_nonnull(file);
		(void)!fread(data, 1, sizeof(data) - 1, file);
		(void)fclose(file);
		str_addf(out, " %lld '%s'", (long long)st.st_size, data);
	}
	if (S_ISLNK(st.st_mode)) {
		char target[100] = "";

		ck_assert_int_gt(readlink(path, target, sizeof(target) - 1), 0);
		str_addf(out, " -> %s", target);
	}
	if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode))
		str_addf(out, " %u,%u", major(st.st_rdev), minor(st.st_rdev));
	if (!S_ISDIR(st.st_mode) && st.st_nlink > 1)
		str_addf(out, " x%u", (unsigned int)st.st_nlink);
	show_xattrs(out, path);
	str_add(out, "\n");
}

static void show_tree(struct str *out, const char *path, const char *below)
{
	struct dirent **entries;
	int n = scandir(path, &entries, NULL, alphasort);

	ck_assert_int_ge(n, 0);
	for (int i = 0; i < n; i++) {
		const char *name = entries[i]->d_name;
		auto_free char *child = xasprintf("%s/%s", path, name);
		auto_free char *shown = xasprintf("%s%s%s", below, *below ? "/" : "", name);
		struct stat st;

		if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0) {
			show_entry(out, child, shown);
			if (lstat(child, &st) == 0 && S_ISDIR(st.st_mode))
				show_tree(out, child, shown);
		}
		free(entries[i]);
	}
	free(entries);
}

static void expect(struct tarball *t, const char *wanted)
{
	struct layer_result result = { 0 };
	auto_str struct str got = { 0 };
	auto_free char *root = NULL;
	struct error err = { 0 };
	struct temp temp;
	int rc;

	temp_make(&temp);
	root = xasprintf("%s/root", temp.path);
	rc = unpack(&temp, t, &result, &err);
	ck_assert_msg(rc == 0, "%s", err.msg);
	show_entry(&got, root, ".");
	show_tree(&got, root, "");
	ck_assert_str_eq(got.text, wanted);
	temp_remove(&temp);
}

/* Fails with @wanted; nothing but the root is there beside it. */
static void refuse(struct tarball *t, const char *wanted)
{
	struct layer_result result = { 0 };
	struct error err = { 0 };
	struct dirent **entries;
	struct temp temp;
	int rc, n;

	temp_make(&temp);
	rc = unpack(&temp, t, &result, &err);
	ck_assert_msg(rc < 0, "unpacks, wanted '%s'", wanted);
	ck_assert_msg(strstr(err.msg, wanted), "'%s' has no '%s'", err.msg, wanted);
	ck_assert_ptr_null(strchr(err.msg, '\n'));
	n = scandir(temp.path, &entries, NULL, alphasort);
	ck_assert_int_eq(n, 3); /* ".", "..", "root" */
	for (int i = 0; i < n; i++)
		free(entries[i]);
	free(entries);
	temp_remove(&temp);
}

#define ADD(...)   tarball_add(&t, (struct tarball_entry){ __VA_ARGS__ })
#define DIR_(...)  add_with(&t, '5', 0755, (struct tarball_entry){ __VA_ARGS__ })
#define FILE_(...) add_with(&t, '0', 0644, (struct tarball_entry){ __VA_ARGS__ })

/* With a type, and a mode unless it has one. */
static void add_with(struct tarball *t, char type, unsigned int mode, struct tarball_entry entry)
{
	entry.type = type;
	entry.mode = entry.mode ? entry.mode : mode;
	tarball_add(t, entry);
}

/* ---- what layers have ------------------------------------------------------------------------ */

START_TEST(makes_all_kinds)
{
	struct tarball t = { 0 };

	DIR_(.name = "./", .mode = 0711, .uid = 7, .mtime = 1);
	DIR_(.name = "./d/", .mode = 02775, .uid = 1000, .gid = 50, .mtime = 2);
	FILE_(.name = "./d/f", .mode = 04755, .uid = 1000, .mtime = 3, .data = "hello");
	ADD(.name = "d/g", .mtime = 4);
	ADD(.name = "/h", .type = '1', .link = "./d/f");
	ADD(.name = "s", .type = '2', .link = "../../etc/x", .uid = 5, .mtime = 6);
	ADD(.name = "c", .type = '3', .mode = 0666, .major = 1, .minor = 3, .mtime = 7);
	ADD(.name = "b", .type = '4', .mode = 01600, .major = 8, .minor = 1, .uid = 9);
	ADD(.name = "p", .type = '6', .mode = 0622, .mtime = 8);
	tarball_pax(&t, PAX("mtime=9.000000001"));
	FILE_(.name = "t");
	expect(&t, ". d711 7:0 1\n"
		   "b b1600 9:0 0 8,1\n"
		   "c c666 0:0 7 1,3\n"
		   "d d2775 1000:50 2\n"
		   "d/f -4755 1000:0 3 5 'hello' x2\n"
		   "d/g -0 0:0 4 0 ''\n"
		   "h -4755 1000:0 3 5 'hello' x2\n"
		   "p p622 0:0 8\n"
		   "s l777 5:0 6 -> ../../etc/x\n"
		   "t -644 0:0 9.000000001 0 ''\n");
}
END_TEST

START_TEST(makes_missing_parents)
{
	struct tarball t = { 0 };

	FILE_(.name = "a/b/c/f", .data = "x");
	DIR_(.name = "a/b", .mode = 0700, .mtime = 5);
	DIR_(.name = "e/", .mtime = 6);
	FILE_(.name = "e//.//f", .data = "y");
	expect(&t, ". d700 0:0 now\n"
		   "a d755 0:0 now\n"
		   "a/b d700 0:0 5\n"
		   "a/b/c d755 0:0 now\n"
		   "a/b/c/f -644 0:0 0 1 'x'\n"
		   "e d755 0:0 6\n"
		   "e/f -644 0:0 0 1 'y'\n");
}
END_TEST

START_TEST(keeps_files_sparse)
{
	struct layer_result result = { 0 };
	struct tarball t = { 0 };
	struct error err = { 0 };
	struct temp temp;
	struct stat st;
	char data[4];
	int fd;

	temp_make(&temp);
	tarball_pax(&t, PAX("GNU.sparse.size=1000000000", "GNU.sparse.map=4096,3,500000000,1"));
	FILE_(.name = "f", .data = "abcd");
	tarball_pax(&t, PAX("GNU.sparse.size=5000000", "GNU.sparse.map=0,0"));
	FILE_(.name = "hole");
	ck_assert_int_eq(unpack(&temp, &t, &result, &err), 0);
	ck_assert_uint_eq(result.size, 1005000000);
	ck_assert_uint_eq(result.n_entries, 2);
	ck_assert_int_eq(fstatat(temp.dir.fd, "root/f", &st, 0), 0);
	ck_assert_int_eq(st.st_size, 1000000000);
	ck_assert_int_lt(st.st_blocks, 100);
	fd = openat(temp.dir.fd, "root/f", O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(pread(fd, data, 4, 4096), 4);
	ck_assert_mem_eq(data, "abc\0", 4);
	ck_assert_int_eq(pread(fd, data, 2, 500000000), 2);
	ck_assert_mem_eq(data, "d\0", 2);
	close_fd(&fd);
	ck_assert_int_eq(fstatat(temp.dir.fd, "root/hole", &st, 0), 0);
	ck_assert_int_eq(st.st_size, 5000000);
	temp_remove(&temp);
}
END_TEST

#define CAP_NET_RAW_V2 "\1\0\0\2\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0"

START_TEST(sets_attributes)
{
	auto_str struct str text = { 0 };
	struct tarball t = { 0 };

	tarball_record(&text, "SCHILY.xattr.user.name", "value", 5);
	tarball_record(&text, "SCHILY.xattr.security.capability", CAP_NET_RAW_V2, 20);
	/* The host's own business. */
	tarball_record(&text, "SCHILY.xattr.trusted.overlay.redirect", "/etc", 4);
	tarball_record(&text, "SCHILY.xattr.user.overlay.opaque", "y", 1);
	tarball_record(&text, "SCHILY.xattr.trusted.md5", "x", 1);
	tarball_record(&text, "SCHILY.xattr.security.selinux", "x", 1);
	tarball_pax_text(&t, text.text, text.len);
	/* Owner, special bits and data must not take the capability away again. */
	FILE_(.name = "f", .mode = 04755, .uid = 1, .data = "x");

	str_clear(&text);
	tarball_record(&text, "SCHILY.xattr.user.of", "dir", 3);
	tarball_record(&text, "SCHILY.xattr.trusted.overlay.opaque", "y", 1);
	tarball_pax_text(&t, text.text, text.len);
	DIR_(.name = "d", .mtime = 5);
	FILE_(.name = "d/f");
	tarball_pax_text(&t, text.text, text.len);
	ADD(.name = "s", .type = '2', .link = "d");
	expect(&t, ". d700 0:0 now\n"
		   "d d755 0:0 5 user.of=dir\n"
		   "d/f -644 0:0 0 0 ''\n"
		   "f -4755 1:0 0 1 'x' user.name=value security.capability="
		   "\\01\\00\\00\\02\\00 \\00\\00\\00\\00\\00\\00\\00\\00\\00\\00\\00\\00\\00\\00\n"
		   "s l777 0:0 0 -> d\n");
}
END_TEST

/* Neither a directory's group nor its default ACL comes down on what is made in it later. */
START_TEST(inherits_nothing)
{
	/* user::rwx, group::---, other::--- */
	static const char acl[] = "\2\0\0\0\1\0\7\0\xff\xff\xff\xff\4\0\0\0\xff\xff\xff\xff"
				  "\x20\0\0\0\xff\xff\xff\xff";
	auto_str struct str text = { 0 };
	struct layer_result result = { 0 };
	struct tarball t = { 0 };
	struct error err = { 0 };
	struct temp temp;
	struct stat st;

	temp_make(&temp);
	tarball_record(&text, "SCHILY.xattr.system.posix_acl_default", acl, sizeof(acl) - 1);
	tarball_pax_text(&t, text.text, text.len);
	DIR_(.name = "d", .mode = 02755, .gid = 50);
	FILE_(.name = "d/f");
	DIR_(.name = "d/e");
	ck_assert_msg(unpack(&temp, &t, &result, &err) == 0, "%s", err.msg);
	ck_assert_int_eq(fstatat(temp.dir.fd, "root/d/f", &st, 0), 0);
	ck_assert_uint_eq(st.st_gid, 0);
	ck_assert_uint_eq(st.st_mode, S_IFREG | 0644);
	ck_assert_int_eq(fstatat(temp.dir.fd, "root/d/e", &st, 0), 0);
	ck_assert_uint_eq(st.st_gid, 0);
	ck_assert_uint_eq(st.st_mode, S_IFDIR | 0755);
	ck_assert_int_eq(fstatat(temp.dir.fd, "root/d", &st, 0), 0);
	ck_assert_uint_eq(st.st_gid, 50);
	temp_remove(&temp);
}
END_TEST

/* ---- whiteouts ------------------------------------------------------------------------------- */

START_TEST(makes_whiteouts)
{
	struct tarball t = { 0 };

	FILE_(.name = ".wh.gone");
	DIR_(.name = "d", .mtime = 1);
	FILE_(.name = "d/.wh.gone");
	FILE_(.name = "d/.wh..wh..opq");
	FILE_(.name = "d/new", .data = "n");
	FILE_(.name = "implied/.wh..wh..opq");
	FILE_(.name = "implied/.wh.x");
	expect(&t, ". d700 0:0 now\n"
		   "d d755 0:0 1 trusted.overlay.opaque=y\n"
		   "d/gone c0 0:0 now 0,0\n"
		   "d/new -644 0:0 0 1 'n'\n"
		   "gone c0 0:0 now 0,0\n"
		   "implied d755 0:0 now trusted.overlay.opaque=y\n"
		   "implied/x c0 0:0 now 0,0\n");
}
END_TEST

/* layer.md: whiteouts apply to lower layers only, whatever comes first. */
START_TEST(whiteouts_spare_their_own_layer)
{
	struct tarball t = { 0 };

	FILE_(.name = "f1", .data = "1");
	FILE_(.name = ".wh.f1");
	FILE_(.name = ".wh.f2");
	FILE_(.name = "f2", .data = "2");
	DIR_(.name = "d1", .mtime = 1);
	FILE_(.name = "d1/f");
	FILE_(.name = ".wh.d1");
	FILE_(.name = ".wh.d2");
	DIR_(.name = "d2", .mtime = 2);
	FILE_(.name = ".wh.d3");
	FILE_(.name = "d3/f");
	FILE_(.name = ".wh.twice");
	FILE_(.name = ".wh.twice");
	expect(&t, ". d700 0:0 now\n"
		   "d1 d755 0:0 1 trusted.overlay.opaque=y\n"
		   "d1/f -644 0:0 0 0 ''\n"
		   "d2 d755 0:0 2 trusted.overlay.opaque=y\n"
		   "d3 d755 0:0 now trusted.overlay.opaque=y\n"
		   "d3/f -644 0:0 0 0 ''\n"
		   "f1 -644 0:0 0 1 '1'\n"
		   "f2 -644 0:0 0 1 '2'\n"
		   "twice c0 0:0 now 0,0\n");
}
END_TEST

START_TEST(passes_over_book_keeping)
{
	struct tarball t = { 0 };

	DIR_(.name = ".wh..wh.plnk");
	FILE_(.name = ".wh..wh.plnk/123.456", .data = "x");
	FILE_(.name = ".wh..wh.aufs");
	DIR_(.name = "d", .mtime = 1);
	FILE_(.name = "d/.wh..wh.orph");
	expect(&t, ". d700 0:0 now\n"
		   "d d755 0:0 1\n");
}
END_TEST

START_TEST(refuses_whiteouts)
{
	static const struct {
		const char *name, *wanted;
	} cases[] = {
		{ ".wh.", "whiteout of no name" },
		{ "d/.wh.", "whiteout of no name" },
		{ ".wh..", "whiteout of no name" },
		{ ".wh...", "whiteout of no name" },
		{ "d/.wh...", "whiteout of no name" },
		{ ".wh..wh..opq", "the root of a layer cannot hide" },
		{ "./.wh..wh..opq", "the root of a layer cannot hide" },
		{ ".wh.a/b", "inside of a whiteout" },
		{ "d/.wh.a/b", "inside of a whiteout" },
		{ "d/.wh.a/.wh.b", "inside of a whiteout" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct tarball t = { 0 };

		FILE_(.name = cases[i].name);
		refuse(&t, cases[i].wanted);
	}
}
END_TEST

/* ---- the last entry of a name wins ----------------------------------------------------------- */

START_TEST(replaces)
{
	struct tarball t = { 0 };

	FILE_(.name = "f", .mode = 0600, .uid = 1, .data = "first");
	FILE_(.name = "f", .data = "2nd");
	DIR_(.name = "d", .mode = 0700, .uid = 1, .mtime = 1);
	FILE_(.name = "d/stays");
	DIR_(.name = "d", .mtime = 2);
	DIR_(.name = "dir-file", .mtime = 1);
	FILE_(.name = "dir-file/x/y/z");
	FILE_(.name = "dir-file", .data = "f");
	FILE_(.name = "file-dir");
	DIR_(.name = "file-dir", .mtime = 3);
	FILE_(.name = "file-dir/x");
	ADD(.name = "link-dir", .type = '2', .link = "d");
	DIR_(.name = "link-dir", .mtime = 4);
	FILE_(.name = "link-dir/new");
	ADD(.name = "link-file", .type = '2', .link = "d/stays");
	FILE_(.name = "link-file", .data = "not through the link");
	FILE_(.name = "hard", .data = "x");
	ADD(.name = "hard2", .type = '1', .link = "hard");
	FILE_(.name = "hard2", .data = "on its own");
	ADD(.name = "f-link", .mode = 0644);
	ADD(.name = "f-link", .type = '1', .link = "hard");
	expect(&t, ". d700 0:0 now\n"
		   "d d755 0:0 2\n"
		   "d/stays -644 0:0 0 0 ''\n"
		   "dir-file -644 0:0 0 1 'f'\n"
		   "f -644 0:0 0 3 '2nd'\n"
		   "f-link -644 0:0 0 1 'x' x2\n"
		   "file-dir d755 0:0 3\n"
		   "file-dir/x -644 0:0 0 0 ''\n"
		   "hard -644 0:0 0 1 'x' x2\n"
		   "hard2 -644 0:0 0 10 'on its own'\n"
		   "link-dir d755 0:0 4\n"
		   "link-dir/new -644 0:0 0 0 ''\n"
		   "link-file -644 0:0 0 20 'not through the link'\n");
}
END_TEST

/* An open directory must not outlive its name. */
START_TEST(forgets_replaced_directories)
{
	struct tarball t = { 0 };

	DIR_(.name = "a", .mtime = 1);
	FILE_(.name = "a/1");
	DIR_(.name = "b", .mtime = 1);
	ADD(.name = "a", .type = '2', .link = "b", .mtime = 2);
	FILE_(.name = "a/2");
	DIR_(.name = "a", .mtime = 3);
	FILE_(.name = "a/3");
	expect(&t, ". d700 0:0 now\n"
		   "a d755 0:0 3\n"
		   "a/3 -644 0:0 0 0 ''\n"
		   "b d755 0:0 1\n"
		   "b/2 -644 0:0 0 0 ''\n");
}
END_TEST

/* ---- what tries to get out ------------------------------------------------------------------- */

START_TEST(stays_inside)
{
	struct tarball t = { 0 };

	/* A link's target is looked for below the root, from the root on. */
	DIR_(.name = "etc", .mtime = 1);
	ADD(.name = "up", .type = '2', .link = "../../../../etc");
	FILE_(.name = "up/by-up");
	ADD(.name = "abs", .type = '2', .link = "/etc");
	FILE_(.name = "abs/by-abs");
	DIR_(.name = "abs/sub", .mtime = 5);
	FILE_(.name = "/etc/plain");
	ADD(.name = "hard", .type = '1', .link = "/up/plain");
	ADD(.name = "hard-to-link", .type = '1', .link = "abs");
	expect(&t, ". d700 0:0 now\n"
		   "abs l777 0:0 0 -> /etc x2\n"
		   "etc d755 0:0 1\n"
		   "etc/by-abs -644 0:0 0 0 ''\n"
		   "etc/by-up -644 0:0 0 0 ''\n"
		   "etc/plain -644 0:0 0 0 '' x2\n"
		   "etc/sub d755 0:0 5\n"
		   "hard -644 0:0 0 0 '' x2\n"
		   "hard-to-link l777 0:0 0 -> /etc x2\n"
		   "up l777 0:0 0 -> ../../../../etc\n");
}
END_TEST

START_TEST(refuses_entries)
{
	static const struct {
		struct tarball_entry first, entry;
		const char *wanted;
	} cases[] = {
		{ { 0 }, { .name = "../x" }, "entry '../x': '..' in a name" },
		{ { 0 }, { .name = "a/../b" }, "'..' in a name" },
		{ { 0 }, { .name = "/.." }, "'..' in a name" },
		{ { 0 }, { .name = "..", .type = '5' }, "'..' in a name" },
		{ { 0 }, { .name = ".", .type = '2', .link = "/tmp" }, "root of a layer is no" },
		{ { 0 }, { .name = "./", .type = '6' }, "root of a layer is no" },
		{ { 0 }, { .name = "c", .type = '3' }, "a character device 0:0" },
		{ { 0 }, { .name = "s", .type = '2', .link = "" }, "make the symlink" },
		{ { 0 }, { .name = "h", .type = '1', .link = "../etc/passwd" }, "'..' in a name" },
		{ { 0 },
		  { .name = "h", .type = '1', .link = "/etc/passwd" },
		  "find what it links" },
		{ { 0 }, { .name = "h", .type = '1', .link = "." }, "link to the root" },
		{ { 0 }, { .name = "h", .type = '1', .link = "h" }, "find what it links" },
		{ { .name = "d", .type = '5', .mode = 0755 },
		  { .name = "h", .type = '1', .link = "d" },
		  "link to what is no file" },
		{ { .name = ".wh.w" },
		  { .name = "h", .type = '1', .link = "w" },
		  "link to what is no file" },
		{ { .name = "f" }, { .name = "f/x" }, "its parent 'f' is no directory" },
		{ { .name = "p", .type = '6' }, { .name = "p/x/y" }, "its parent 'p' is no" },
		{ { .name = "s", .type = '2', .link = "/nowhere" },
		  { .name = "s/x" },
		  "its parent 's' is no directory" },
		{ { .name = "s", .type = '2', .link = "s" }, { .name = "s/x" }, "symbolic links" },
		{ { .name = "s", .type = '2', .link = "s" },
		  { .name = "h", .type = '1', .link = "s/x" },
		  "symbolic links" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct tarball t = { 0 };

		if (cases[i].first.name)
			tarball_add(&t, cases[i].first);
		tarball_add(&t, cases[i].entry);
		refuse(&t, cases[i].wanted);
	}
}
END_TEST

START_TEST(refuses_long_names)
{
	char component[300] = "path=", deep[5000] = "path=";
	struct tarball t = { 0 };

	memset(component + 5, 'a', 256);
	tarball_pax(&t, PAX(component));
	FILE_(.name = "x");
	refuse(&t, "file name too long");

	/* As deep as the longest name allows: that goes, and goes away again. */
	for (size_t at = 5; at + 2 < 5 + TAR_MAX_PATH; at += 2)
		memcpy(deep + at, "d/", 3);
	tarball_pax(&t, PAX(deep));
	DIR_(.name = "x");
	{
		struct layer_result result = { 0 };
		struct error err = { 0 };
		struct temp temp;

		temp_make(&temp);
		ck_assert_msg(unpack(&temp, &t, &result, &err) == 0, "%s", err.msg);
		temp_remove(&temp);
	}
}
END_TEST

START_TEST(limits_sparse_sizes)
{
	auto_free char *size = xasprintf("GNU.sparse.size=%llu", LAYER_MAX_SPARSE / 2 + 1);
	struct tarball t = { 0 };

	for (int i = 0; i < 2; i++) {
		tarball_pax(&t, PAX(size, "GNU.sparse.map=0,0"));
		FILE_(.name = "f");
	}
	refuse(&t, "sparse files of more than 1099511627776 bytes");
}
END_TEST

START_TEST(names_a_bad_tar)
{
	struct tarball t = { 0 };

	FILE_(.name = "f", .data = "x");
	t.bytes.len -= 10;
	refuse(&t, "ends too early");
	str_add(&t.bytes, "no tar");
	refuse(&t, "ends too early");
}
END_TEST

TEST_MAIN("image/layer", makes_all_kinds, makes_missing_parents, keeps_files_sparse,
	  sets_attributes, inherits_nothing, makes_whiteouts, whiteouts_spare_their_own_layer,
	  passes_over_book_keeping, refuses_whiteouts, replaces, forgets_replaced_directories,
	  stays_inside, refuses_entries, refuses_long_names, limits_sparse_sizes, names_a_bad_tar)
