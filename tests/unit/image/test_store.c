/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "tests/unit/image/fixture.h"
#include "tests/unit/test.h"

static mode_t mode_of(const struct shop *shop, const char *path)
{
	struct stat st;

	ck_assert_int_eq(fstatat(shop->store.fd, path, &st, AT_SYMLINK_NOFOLLOW), 0);
	return st.st_mode & 07777;
}

START_TEST(makes_a_layout_for_nobody_else)
{
	static const char *const folders[] = { ".", "blobs", STORE_BLOBS, STORE_LAYERS, STORE_TMP };
	struct error err = { 0 };
	struct shop shop;
	int again;

	(void)umask(0);
	shop_make(&shop);
	for (size_t i = 0; i < ARRAY_LEN(folders); i++)
		ck_assert_uint_eq(mode_of(&shop, folders[i]), 0700);
	ck_assert(shop_has(&shop, "oci-layout"));

	/* Somebody made it open: not for long. */
	ck_assert_int_eq(fchmod(shop.store.fd, 0755), 0);
	again = store_open(shop.path, &err);
	ck_assert_int_ge(again, 0);
	close_fd(&again);
	ck_assert_uint_eq(mode_of(&shop, "."), 0700);
	shop_remove(&shop);
}
END_TEST

START_TEST(says_why_there_is_no_store)
{
	struct error err = { 0 };

	ck_assert_int_eq(store_open("/proc/none/images", &err), -ENOENT);
	ck_assert_str_eq(err.msg, "make directory '/proc/none/images': no such file or directory");
}
END_TEST

START_TEST(lists)
{
	struct store_entry *entries = NULL;
	struct store_line x, y;
	struct error err = { 0 };
	struct shop shop;
	size_t n = 77;

	shop_make(&shop);
	ck_assert_int_eq(store_list(&shop.store, &entries, &n, &err), 0);
	ck_assert_uint_eq(n, 0);
	store_entries_free(entries, n);

	x = shop_add(&shop, "docker.io/library/x:latest", "ab", "x");
	y = shop_add(&shop, NULL, "a", "y");
	ck_assert_int_eq(store_list(&shop.store, &entries, &n, &err), 0);
	ck_assert_uint_eq(n, 2);
	ck_assert_str_eq(entries[0].name, "docker.io/library/x:latest");
	ck_assert_str_eq(entries[0].id, x.id);
	ck_assert_str_eq(entries[0].digest, x.digest);
	ck_assert_int_eq(entries[0].created, 1000);
	ck_assert_uint_eq(entries[0].size, 4096);
	ck_assert_str_eq(entries[1].name, "");
	ck_assert_str_eq(entries[1].id, y.id);
	store_entries_free(entries, n);
	shop_remove(&shop);
}
END_TEST

START_TEST(opens_an_image)
{
	auto_image struct image image = { 0 };
	auto_image struct image by_id = { 0 };
	struct error err = { 0 };
	struct store_line line;
	struct shop shop;

	shop_make(&shop);
	line = shop_add(&shop, "docker.io/library/x:latest", "ab", "/bin/x");
	ck_assert_msg(image_open(&shop.store, "x", &image, &err) == 0, "%s", err.msg);
	ck_assert_str_eq(image.name, "docker.io/library/x:latest");
	ck_assert_str_eq(image.id, line.id);
	ck_assert_str_eq(image.digest, line.digest);
	ck_assert_str_eq(image.architecture, MINICTR_ARCH);
	ck_assert_str_eq(image.cmd.items[0], "/bin/x");
	ck_assert_str_eq(image.env.items[0], "A=b");
	ck_assert_uint_eq(image.size, 4096);
	ck_assert_uint_eq(image.layers.n, 2);
	ck_assert_str_eq(image.layers.items[0], "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
	ck_assert_str_eq(image.layers.items[1], "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb");

	ck_assert_int_eq(image_open(&shop.store, line.id, &by_id, &err), 0);
	ck_assert_ptr_null(by_id.name);
	ck_assert_str_eq(by_id.id, line.id);
	ck_assert_int_eq(image_open(&shop.store, "nosuch", &by_id, &err), -ENOENT);
	ck_assert_str_eq(err.msg, "no such image: 'nosuch'");
	ck_assert_int_eq(err.status, 0);
	shop_remove(&shop);
}
END_TEST

/* Writes over a blob without changing its name. */
static void spoil(const struct shop *shop, const char *digest, const char *text)
{
	auto_free char *path = xasprintf(STORE_BLOBS "/%s", digest_hex(digest));
	struct error err = { 0 };

	ck_assert_int_eq(
		file_replace_at(&shop->store, path, text, strlen(text), 0600, FILE_FAST, &err), 0);
}

START_TEST(refuses_damaged_images)
{
	static const char *const parts[] = { "x", "y" };
	struct image image = { 0 };
	struct shop shop;

	shop_make(&shop);
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		auto_free char *name = xasprintf("docker.io/library/%s:latest", parts[i]);
		struct store_line line = shop_add(&shop, name, "a", parts[i]);
		const char *digest = i == 0 ? line.digest : line.id;
		auto_free char *wanted =
			xasprintf("image '%s': blob '%s/" STORE_BLOBS "/%s': ", name, shop.path,
				  digest_hex(digest));
		auto_free char *path = xasprintf(STORE_BLOBS "/%s", digest_hex(digest));
		struct error err = { 0 };

		spoil(&shop, digest, "{}");
		ck_assert_int_eq(image_open(&shop.store, parts[i], &image, &err), -EINVAL);
		ck_assert_msg(str_starts(err.msg, wanted), "%s", err.msg);
		ck_assert_ptr_nonnull(strstr(err.msg, "size is 2 bytes, expected "));

		ck_assert_int_eq(unlinkat(shop.store.fd, path, 0), 0);
		ck_assert_int_eq(image_open(&shop.store, parts[i], &image, &err), -ENOENT);
		ck_assert_ptr_nonnull(strstr(err.msg, "no such file"));
		/* A FIFO must not hold us up. */
		ck_assert_int_eq(mkfifoat(shop.store.fd, path, 0600), 0);
		ck_assert_int_eq(image_open(&shop.store, parts[i], &image, &err), -EINVAL);
	}
	shop_remove(&shop);
}
END_TEST

START_TEST(refuses_documents_that_do_not_fit)
{
	auto_store_index struct store_index index = { 0 };
	struct image image = { 0 };
	struct error err = { 0 };
	struct shop shop;

	shop_make(&shop);
	(void)shop_add(&shop, "docker.io/library/x:latest", "a", "x");
	ck_assert_int_eq(store_index_read(&shop.store, &index, &err), 0);
	/* A manifest by its digest, an index by its type. */
	free(index.lines[0].media_type);
	index.lines[0].media_type = xstrdup("application/vnd.docker.distribution.manifest.v2+json");
	ck_assert_int_eq(store_index_write(&shop.store, &index, &err), 0);
	ck_assert_int_eq(image_open(&shop.store, "x", &image, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.msg, "is not what its descriptor says"));
	shop_remove(&shop);
}
END_TEST

TEST_MAIN("image/store", makes_a_layout_for_nobody_else, says_why_there_is_no_store, lists,
	  opens_an_image, refuses_damaged_images, refuses_documents_that_do_not_fit)
