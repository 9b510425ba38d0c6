/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <sys/file.h>
#include <sys/wait.h>

#include "tests/unit/image/fixture.h"
#include "tests/unit/test.h"

#define X "docker.io/library/x:"

/* What was reported, and who uses what. */
struct record {
	struct str text;
	const char *used_id;
	size_t n_layers; /* that user() saw last */
};

static void report(void *arg, enum store_change change, const char *what)
{
	struct record *r = arg;

	str_addf(&r->text, "%c %.40s\n", change == STORE_UNTAGGED ? 'U' : 'D', what);
}

static const char *user(void *arg, const char *id, const struct strv *layers)
{
	struct record *r = arg;

	r->n_layers = layers->n;
	return str_eq(id, r->used_id) ? "container 'web'" : NULL;
}

static int rmi(const struct shop *shop, const char *reference, bool is_forced, struct record *r,
	       struct error *err)
{
	const struct store_removal removal = {
		.is_forced = is_forced, .user = user, .report = report, .arg = r
	};

	str_clear(&r->text);
	*err = (struct error){ 0 };
	return store_remove(&shop->store, reference, &removal, err);
}

#define EXPECT_REPORT(r, fmt, ...)                                     \
	do {                                                           \
		auto_free char *wanted_ = xasprintf(fmt, __VA_ARGS__); \
                                                                       \
		ck_assert_str_eq((r).text.text, wanted_);              \
	} while (0)

START_TEST(removes_names_and_then_the_image)
{
	struct record r = { 0 };
	struct store_line one, other;
	struct error err;
	struct shop shop;

	shop_make(&shop);
	one = shop_add(&shop, X "1", "ab", "x");
	(void)shop_add(&shop, X "2", "ab", "x");
	other = shop_add(&shop, "docker.io/library/y:1", "ac", "y");
	ck_assert_uint_eq(shop_count(&shop, STORE_LAYERS), 3);

	ck_assert_msg(rmi(&shop, "x:1", false, &r, &err) == 0, "%s", err.msg);
	EXPECT_REPORT(r, "U %s\n", X "1");
	ck_assert(shop_has_blob(&shop, one.digest));
	ck_assert_int_eq(rmi(&shop, "x:1", false, &r, &err), -ENOENT);
	ck_assert_str_eq(err.msg, "no such image: 'x:1'");

	/* Layer a stays for the other image. */
	ck_assert_msg(rmi(&shop, "x:2", false, &r, &err) == 0, "%s", err.msg);
	EXPECT_REPORT(r, "U %s\nD %.40s\nD sha256:%.33s\n", X "2", one.id,
		      "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb");
	ck_assert(!shop_has_blob(&shop, one.digest));
	ck_assert(!shop_has_blob(&shop, one.id));
	ck_assert(shop_has_blob(&shop, other.digest));
	ck_assert(shop_has_blob(&shop, other.id));
	ck_assert(!shop_has(&shop, STORE_LAYERS "/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"));
	ck_assert_uint_eq(shop_count(&shop, STORE_LAYERS), 2);
	ck_assert_uint_eq(shop_count(&shop, STORE_TMP), 0);
	str_fini(&r.text);
	shop_remove(&shop);
}
END_TEST

START_TEST(removes_by_id)
{
	struct record r = { 0 };
	struct store_line line;
	struct error err;
	struct shop shop;

	shop_make(&shop);
	line = shop_add(&shop, X "1", "a", "x");
	ck_assert_int_eq(rmi(&shop, line.id, false, &r, &err), 0);
	EXPECT_REPORT(r, "U %s\nD %.40s\nD sha256:%.33s\n", X "1", line.id,
		      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");

	(void)shop_add(&shop, X "1", "a", "x");
	(void)shop_add(&shop, X "2", "a", "x");
	ck_assert_int_eq(rmi(&shop, line.id, false, &r, &err), -EBUSY);
	ck_assert_ptr_nonnull(strstr(err.msg, "it has 2 names: remove them, or use --force"));
	ck_assert_int_eq(rmi(&shop, line.id, true, &r, &err), 0);
	EXPECT_REPORT(r, "U %s\nU %s\nD %.40s\nD sha256:%.33s\n", X "1", X "2", line.id,
		      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
	ck_assert_uint_eq(shop_count(&shop, STORE_BLOBS), 0);

	(void)shop_add(&shop, NULL, "a", "x");
	ck_assert_int_eq(rmi(&shop, digest_hex(line.id), false, &r, &err), 0);
	EXPECT_REPORT(r, "D %.40s\nD sha256:%.33s\n", line.id, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
	str_fini(&r.text);
	shop_remove(&shop);
}
END_TEST

START_TEST(keeps_what_a_container_uses)
{
	auto_store_index struct store_index index = { 0 };
	struct record r = { 0 };
	struct store_line line;
	struct error err;
	struct shop shop;

	shop_make(&shop);
	line = shop_add(&shop, X "1", "ab", "x");
	(void)shop_add(&shop, X "2", "ab", "x");
	r.used_id = line.id;

	/* One name may go. */
	ck_assert_int_eq(rmi(&shop, "x:1", false, &r, &err), 0);
	ck_assert_uint_eq(r.n_layers, 2);
	ck_assert_int_eq(rmi(&shop, "x:2", false, &r, &err), -EBUSY);
	ck_assert_str_eq(err.msg, "remove image 'x:2': container 'web' uses it");
	ck_assert_ptr_null(r.text.len ? r.text.text : NULL);
	/* By force the last one too, but the image stays. */
	ck_assert_int_eq(rmi(&shop, "x:2", true, &r, &err), 0);
	EXPECT_REPORT(r, "U %s\n", X "2");
	ck_assert_int_eq(store_index_read(&shop.store, &index, &err), 0);
	ck_assert_uint_eq(index.n, 1);
	ck_assert_ptr_null(index.lines[0].name);
	ck_assert(shop_has_blob(&shop, line.id));
	ck_assert_uint_eq(shop_count(&shop, STORE_LAYERS), 2);
	ck_assert_int_eq(rmi(&shop, line.id, true, &r, &err), -EBUSY);

	r.used_id = NULL;
	ck_assert_int_eq(rmi(&shop, line.id, false, &r, &err), 0);
	ck_assert_uint_eq(shop_count(&shop, STORE_LAYERS), 0);
	str_fini(&r.text);
	shop_remove(&shop);
}
END_TEST

START_TEST(removes_damaged_images)
{
	auto_free char *path = NULL;
	struct record r = { 0 };
	struct store_line line;
	struct error err;
	struct shop shop;

	shop_make(&shop);
	line = shop_add(&shop, X "1", "a", "x");
	path = xasprintf(STORE_BLOBS "/%s", digest_hex(line.id));
	ck_assert_int_eq(unlinkat(shop.store.fd, path, 0), 0);
	ck_assert_msg(rmi(&shop, "x:1", false, &r, &err) == 0, "%s", err.msg);
	ck_assert_uint_eq(shop_count(&shop, STORE_BLOBS), 0);
	ck_assert_uint_eq(shop_count(&shop, STORE_LAYERS), 0);
	str_fini(&r.text);
	shop_remove(&shop);
}
END_TEST

/* What somebody leaves that dies in the middle of a load. */
static void leave_rubbish(const struct shop *shop)
{
	char digest[DIGEST_TEXT];
	struct error err = { 0 };
	int fd;

	(void)shop_blob(shop, "half a load", digest);
	fd = dir_make_open_at(&shop->store,
			      STORE_LAYERS "/ffffffffffffffffffffffffffffffff/usr/bin", 0700, &err);
	close_fd(&fd);
	fd = dir_make_open_at(&shop->store, STORE_TMP "/work-1-2/x", 0700, &err);
	close_fd(&fd);
	ck_assert_int_eq(
		file_replace_at(&shop->store, STORE_TMP "/blob", "x", 1, 0600, FILE_FAST, &err), 0);
	ck_assert_int_eq(file_replace_at(&shop->store, ".tmp-77-0", "x", 1, 0600, FILE_FAST, &err),
			 0);
}

static void open_again(const struct shop *shop)
{
	struct error err = { 0 };
	int fd = store_open(shop->path, &err);

	ck_assert_msg(fd >= 0, "%s", err.msg);
	close_fd(&fd);
}

START_TEST(sweeps_what_the_dead_left)
{
	auto_image struct image image = { 0 };
	struct error err = { 0 };
	struct shop shop;

	shop_make(&shop);
	(void)shop_add(&shop, X "1", "a", "x");
	(void)shop_add(&shop, NULL, "b", "y");
	leave_rubbish(&shop);
	open_again(&shop);
	ck_assert_uint_eq(shop_count(&shop, STORE_TMP), 0);
	ck_assert_uint_eq(shop_count(&shop, STORE_BLOBS), 4);
	ck_assert_uint_eq(shop_count(&shop, STORE_LAYERS), 2);
	ck_assert(!shop_has(&shop, ".tmp-77-0"));
	ck_assert_int_eq(image_open(&shop.store, "x:1", &image, &err), 0);
	shop_remove(&shop);
}
END_TEST

START_TEST(sweeps_only_when_nobody_is_at_work)
{
	struct error err = { 0 };
	struct shop shop;
	int hold;

	shop_make(&shop);
	hold = store_hold(&shop.store, &err);
	ck_assert_int_ge(hold, 0);
	leave_rubbish(&shop);
	open_again(&shop);
	ck_assert_uint_eq(shop_count(&shop, STORE_TMP), 2);
	ck_assert_uint_eq(shop_count(&shop, STORE_LAYERS), 1);
	close_fd(&hold);
	open_again(&shop);
	ck_assert_uint_eq(shop_count(&shop, STORE_TMP), 0);
	ck_assert_uint_eq(shop_count(&shop, STORE_LAYERS), 0);
	shop_remove(&shop);
}
END_TEST

START_TEST(sweeps_nothing_that_it_does_not_understand)
{
	auto_free char *path = NULL;
	struct store_line line;
	struct error err = { 0 };
	struct shop shop;

	shop_make(&shop);
	line = shop_add(&shop, X "1", "a", "x");
	path = xasprintf(STORE_BLOBS "/%s", digest_hex(line.digest));
	ck_assert_int_eq(file_replace_at(&shop.store, path, "{}", 2, 0600, FILE_FAST, &err), 0);
	leave_rubbish(&shop);
	open_again(&shop);
	ck_assert_uint_eq(shop_count(&shop, STORE_TMP), 2);
	ck_assert_uint_eq(shop_count(&shop, STORE_LAYERS), 2);
	shop_remove(&shop);
}
END_TEST

START_TEST(work_that_is_done_leaves_nothing)
{
	struct store_work done, failed;
	struct error err = { 0 };
	struct shop shop;

	shop_make(&shop);
	ck_assert_int_eq(store_work_begin(&shop.store, LOCK_SHARED, &done, &err), 0);
	ck_assert_int_eq(store_work_begin(&shop.store, LOCK_SHARED, &failed, &err), 0);
	ck_assert_uint_eq(shop_count(&shop, STORE_TMP), 2);
	store_work_end(&shop.store, &failed, false);
	/* Somebody else is at work still. */
	ck_assert_uint_eq(shop_count(&shop, STORE_TMP), 2);
	store_work_end(&shop.store, &done, true);
	ck_assert_uint_eq(shop_count(&shop, STORE_TMP), 0);
	shop_remove(&shop);
}
END_TEST

START_TEST(waits_for_those_who_hold_it)
{
	struct record r = { 0 };
	struct error err = { 0 };
	struct shop shop;
	int hold, status = 0;
	pid_t pid;

	shop_make(&shop);
	(void)shop_add(&shop, X "1", "a", "x");
	hold = store_hold(&shop.store, &err);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		/* flock(2) belongs to the open file: the copy of it must not keep us waiting. */
		close_fd(&hold);
		_exit(rmi(&shop, "x:1", false, &r, &err) == 0 ? 0 : 1);
	}
	(void)usleep(50000);
	ck_assert(shop_has(&shop, STORE_LAYERS "/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
	close_fd(&hold);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert_uint_eq(shop_count(&shop, STORE_LAYERS), 0);
	shop_remove(&shop);
}
END_TEST

TEST_MAIN("image/store_remove", removes_names_and_then_the_image, removes_by_id,
	  keeps_what_a_container_uses, removes_damaged_images, sweeps_what_the_dead_left,
	  sweeps_only_when_nobody_is_at_work, sweeps_nothing_that_it_does_not_understand,
	  work_that_is_done_leaves_nothing, waits_for_those_who_hold_it)
