/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>

#include "base/file.h"
#include "tests/unit/image/fixture.h"
#include "tests/unit/test.h"

/* A file of @size bytes in the layer that is called @letter. */
static void fill_layer(const struct shop *shop, char letter, size_t size)
{
	char diff_id[DIGEST_TEXT], name[LAYER_NAME];
	auto_free char *path = NULL;
	auto_fd int fd = -1;

	layer_of(letter, diff_id);
	layer_name(diff_id, name);
	path = xasprintf(STORE_LAYERS "/%s/etc/file", name);
	fd = openat(shop->store.fd, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	ck_assert_int_eq(ftruncate(fd, (off_t)size), 0);
}

START_TEST(counts_what_is_shared_once)
{
	struct store_usage *usage = NULL;
	struct error err = { 0 };
	struct shop shop;
	uint64_t total = 0, x_only, y_only;
	size_t n = 0;

	shop_make(&shop);
	ck_assert_int_eq(store_usage(&shop.store, &usage, &n, &total, &err), 0);
	ck_assert_uint_eq(n, 0);
	ck_assert_uint_eq(total, 0);
	free(usage);

	(void)shop_add(&shop, "docker.io/library/x:latest", "ab", "x");
	(void)shop_add(&shop, "docker.io/library/y:latest", "ac", "y");
	(void)shop_add(&shop, "docker.io/library/z:latest", "ac", "y"); /* the same as y */
	fill_layer(&shop, 'a', 1000000);
	fill_layer(&shop, 'b', 20000);
	fill_layer(&shop, 'c', 3000);
	ck_assert_int_eq(store_usage(&shop.store, &usage, &n, &total, &err), 0);
	ck_assert_uint_eq(n, 2);
	ck_assert_uint_eq(usage[0].shared, 1000000);
	ck_assert_uint_eq(usage[1].shared, 1000000);
	/* Besides layers there are manifests and configs. */
	x_only = usage[0].size - usage[0].shared;
	y_only = usage[1].size - usage[1].shared;
	ck_assert_uint_gt(x_only, 20000);
	ck_assert_uint_lt(x_only, 22000);
	ck_assert_uint_gt(y_only, 3000);
	ck_assert_uint_lt(y_only, 5000);
	ck_assert_uint_eq(total, 1000000 + x_only + y_only);
	free(usage);
	shop_remove(&shop);
}
END_TEST

START_TEST(measures_a_layer)
{
	char diff_id[DIGEST_TEXT];
	struct error err = { 0 };
	struct shop shop;
	uint64_t size = 0;

	shop_make(&shop);
	(void)shop_add(&shop, NULL, "a", "x");
	fill_layer(&shop, 'a', 5000);
	layer_of('a', diff_id);
	ck_assert_int_eq(store_layer_size(&shop.store, diff_id, &size, &err), 0);
	ck_assert_uint_eq(size, 5000);
	layer_of('f', diff_id);
	ck_assert_int_eq(store_layer_size(&shop.store, diff_id, &size, &err), -ENOENT);
	shop_remove(&shop);
}
END_TEST

START_TEST(gives_names)
{
	struct store_entry *entries = NULL;
	struct error err = { 0 };
	auto_free char *name = NULL;
	struct store_line x;
	struct shop shop;
	size_t n = 0;

	shop_make(&shop);
	x = shop_add(&shop, "docker.io/library/x:latest", "a", "x");
	(void)shop_add(&shop, "docker.io/library/y:latest", "b", "y");
	ck_assert_int_eq(store_tag(&shop.store, "x", "ghcr.io/a/b:1", &name, &err), 0);
	ck_assert_str_eq(name, "ghcr.io/a/b:1");
	ck_assert_int_eq(store_tag(&shop.store, x.id, "y", NULL, &err), 0);
	ck_assert_int_eq(store_list(&shop.store, &entries, &n, &err), 0);
	ck_assert_uint_eq(n, 4);
	for (size_t i = 0; i < n; i++)
		ck_assert_int_eq(str_eq(entries[i].name, ""), !str_eq(entries[i].id, x.id));
	store_entries_free(entries, n);
	ck_assert_uint_eq(shop_count(&shop, STORE_TMP), 0);

	ck_assert_int_eq(store_tag(&shop.store, "none", "z", NULL, &err), -ENOENT);
	ck_assert_str_eq(err.msg, "no such image: 'none'");
	ck_assert_int_eq(store_tag(&shop.store, "x", "Z", NULL, &err), -EINVAL);
	ck_assert_int_eq(store_tag(&shop.store, "x", x.id, NULL, &err), -EINVAL);
	shop_remove(&shop);
}
END_TEST

TEST_MAIN("image/store_usage", counts_what_is_shared_once, measures_a_layer, gives_names)
