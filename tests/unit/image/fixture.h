/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "image/image.h"
#include "image/store_internal.h"
#include "tests/unit/base/temp.h"

/* A store in a temporary directory, and images put there without a helper. */
struct shop {
	struct temp temp;
	char path[96];
	struct dir store;
};

static inline void shop_make(struct shop *shop)
{
	struct error err = { 0 };

	temp_make(&shop->temp);
	(void)snprintf(shop->path, sizeof(shop->path), "%s/images", shop->temp.path);
	shop->store.path = shop->path;
	shop->store.fd = store_open(shop->path, &err);
	ck_assert_msg(shop->store.fd >= 0, "%s", err.msg);
}

static inline void shop_remove(struct shop *shop)
{
	close_fd(&shop->store.fd);
	temp_remove(&shop->temp);
}

static inline bool shop_has(const struct shop *shop, const char *path)
{
	return faccessat(shop->store.fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static inline bool shop_has_blob(const struct shop *shop, const char *digest)
{
	auto_free char *path = xasprintf(STORE_BLOBS "/%s", digest_hex(digest));

	return shop_has(shop, path);
}

/* How many entries a folder has. */
static inline size_t shop_count(const struct shop *shop, const char *folder)
{
	auto_strv struct strv names = { 0 };
	struct error err = { 0 };

	ck_assert_int_eq(dir_names_at(&shop->store, folder, &names, &err), 0);
	return names.n;
}

static inline uint64_t shop_blob(const struct shop *shop, const char *text, char ret[DIGEST_TEXT])
{
	auto_free char *path = NULL;
	struct error err = { 0 };

	digest_of(text, strlen(text), ret);
	path = xasprintf(STORE_BLOBS "/%s", digest_hex(ret));
	ck_assert_int_eq(
		file_replace_at(&shop->store, path, text, strlen(text), 0600, FILE_FAST, &err), 0);
	return strlen(text);
}

/* The diff_id of a layer that is called @letter. */
static inline void layer_of(char letter, char ret[DIGEST_TEXT])
{
	char *at = stpcpy(ret, DIGEST_PREFIX);

	memset(at, letter, DIGEST_HEX);
	at[DIGEST_HEX] = '\0';
}

/*
 * Writes an image of layers (a letter from a to f each) that differs from others by @cmd, and its
 * line in the index under @name, which may be NULL.
 */
static inline struct store_line shop_add(const struct shop *shop, const char *name,
					 const char *layers, const char *cmd)
{
	auto_store_index struct store_index index = { 0 };
	auto_str struct str config = { 0 };
	auto_free char *manifest = NULL;
	struct descriptor items[8] = { 0 };
	char digests[8][DIGEST_TEXT];
	struct descriptor top = { .media_type = (char *)(uintptr_t)MEDIA_TYPE_CONFIG };
	struct store_line line = { .created = 1000, .size = 4096 };
	struct error err = { 0 };

	str_addf(&config,
		 "{\"architecture\":\"" MINICTR_ARCH "\",\"os\":\"linux\",\"config\":"
		 "{\"Cmd\":[\"%s\"],\"Env\":[\"A=b\"]},\"rootfs\":{\"diff_ids\":[",
		 cmd);
	for (size_t i = 0; layers[i]; i++) {
		auto_free char *path = NULL;
		char folder[LAYER_NAME];
		int fd;

		layer_of(layers[i], digests[i]);
		items[i].media_type = (char *)(uintptr_t)MEDIA_TYPE_LAYER;
		items[i].digest = digests[i];
		str_addf(&config, "%s\"%s\"", i ? "," : "", digests[i]);
		layer_name(digests[i], folder);
		path = xasprintf(STORE_LAYERS "/%s/etc", folder);
		fd = dir_make_open_at(&shop->store, path, 0755, &err);
		ck_assert_int_ge(fd, 0);
		close_fd(&fd);
	}
	str_add(&config, "]}}");
	top.size = shop_blob(shop, config.text, line.id);
	top.digest = line.id;
	manifest = image_manifest_text(&top, items, strlen(layers));
	line.manifest_size = shop_blob(shop, manifest, line.digest);
	line.media_type = (char *)(uintptr_t)MEDIA_TYPE_MANIFEST;

	ck_assert_int_eq(store_index_read(&shop->store, &index, &err), 0);
	store_index_add(&index, &line, name);
	ck_assert_int_eq(store_index_write(&shop->store, &index, &err), 0);
	return line;
}
