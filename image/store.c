/* SPDX-License-Identifier: Apache-2.0 */
#include "image/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/macros.h"
#include "base/mem.h"
#include "base/str.h"
#include "image/manifest_internal.h"
#include "image/store_internal.h"

static int make_directories(const struct dir *store, struct error *err)
{
	static const char layout[] = OCI_LAYOUT_TEXT "\n";
	/* tmp comes last: where it is, all is. */
	static const char *const names[] = { "blobs", STORE_BLOBS, STORE_LAYERS, STORE_TMP };
	int rc = file_replace_at(store, OCI_LAYOUT_FILE, layout, strlen(layout), 0600, FILE_FAST,
				 err);

	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(names); i++) {
		auto_fd int fd = dir_make_open_at(store, names[i], 0700, err);

		rc = MIN(fd, 0);
	}
	return rc;
}

/* Programs with the set-user-ID bit lie here: for no other user's eyes (CVE-2021-41091). */
static int check_owner(const struct dir *store, struct error *err)
{
	struct stat st;

	if (fstat(store->fd, &st) < 0)
		return err_sys(err, "look at image store '%s'", store->path);
	if (st.st_uid != geteuid())
		return err_set(err, EPERM, "image store '%s' belongs to user %u", store->path,
			       st.st_uid);
	if ((st.st_mode & 077) && fchmod(store->fd, 0700) < 0)
		return err_sys(err, "close image store '%s' to others", store->path);
	return 0;
}

/* Whether something is, or was, under way. */
static bool is_tmp_used(const struct dir *store)
{
	auto_strv struct strv names = { 0 };
	struct error err = { 0 };

	return dir_names_at(store, STORE_TMP, &names, &err) == 0 && names.n > 0;
}

/* Not being able to sweep is nobody's failure: the next command tries again. */
static void sweep_if_idle(const struct dir *store)
{
	struct error err = { 0 };
	auto_fd int lock = lock_try(store, "lock", LOCK_EXCLUSIVE, &err);

	if (lock >= 0 && is_tmp_used(store) && store_sweep(store, &err) < 0)
		log_debug("sweep image store '%s': %s", store->path, err.msg);
}

int store_open(const char *path, struct error *err)
{
	auto_fd int fd = dir_make_open(path, 0700, err);
	const struct dir store = { .fd = fd, .path = path };
	struct stat st;
	int rc = MIN(fd, 0);

	if (rc == 0)
		rc = check_owner(&store, err);
	if (rc < 0)
		return rc;
	if (fstatat(fd, STORE_TMP, &st, AT_SYMLINK_NOFOLLOW) < 0)
		rc = make_directories(&store, err);
	/* A directory counts those in it, and every work under way has one; btrfs always says 1. */
	else if (st.st_nlink != 2 && is_tmp_used(&store))
		sweep_if_idle(&store);
	return rc < 0 ? rc : take_fd(&fd);
}

int store_hold(const struct dir *store, struct error *err)
{
	return lock_acquire(store, "lock", LOCK_SHARED, err);
}

int store_work_begin(const struct dir *store, enum lock_mode mode, struct store_work *ret,
		     struct error *err)
{
	struct timespec now;
	auto_fd int tmp = -1;
	auto_fd int lock = lock_acquire(store, "lock", mode, err);

	if (lock < 0)
		return lock;
	tmp = openat(store->fd, STORE_TMP, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (tmp < 0)
		return err_sys(err, "open '%s/" STORE_TMP "'", store->path);

	(void)clock_gettime(CLOCK_REALTIME, &now);
	(void)snprintf(ret->marker, sizeof(ret->marker), "work-%d-%lld.%09ld", getpid(),
		       (long long)now.tv_sec, now.tv_nsec);
	/* Who removes frees room, and starts without it if need be. */
	if ((mkdirat(tmp, ret->marker, 0700) < 0 && (mode == LOCK_SHARED || errno != ENOSPC)) ||
	    fsync(tmp) < 0)
		return err_sys(err, "make '%s/" STORE_TMP "/%s'", store->path, ret->marker);
	ret->lock = take_fd(&lock);
	return 0;
}

void store_work_end(const struct dir *store, struct store_work *work, bool is_done)
{
	auto_free char *marker = xasprintf(STORE_TMP "/%s", work->marker);

	if (is_done)
		(void)unlinkat(store->fd, marker, AT_REMOVEDIR);
	close_fd(&work->lock);
	if (is_tmp_used(store))
		sweep_if_idle(store);
}

int store_blob_read(const struct dir *store, const char *digest, int64_t size, size_t max,
		    char **ret, size_t *ret_len, struct error *err)
{
	char path[sizeof(STORE_BLOBS "/") + DIGEST_HEX];
	auto_free char *text = NULL;
	struct digest sum;
	size_t len = 0;
	int rc;

	(void)snprintf(path, sizeof(path), STORE_BLOBS "/%s", digest_hex(digest));
	rc = file_read_at(store, path, max, &text, &len, err);
	if (rc < 0)
		return rc;
	digest_init(&sum);
	digest_update(&sum, text, len);
	rc = digest_verify(&sum, digest, size < 0 ? len : (uint64_t)size, err);
	if (rc < 0)
		return err_wrap(err, "blob '%s/%s'", store->path, path);
	*ret = take_ptr(text);
	*ret_len = len;
	return 0;
}

int store_line_read(const struct dir *store, const struct store_line *line,
		    struct image_manifest *ret_manifest, struct image_config *ret_config,
		    struct error *err)
{
	auto_image_manifest struct image_manifest manifest = { 0 };
	auto_image_config struct image_config config = { 0 };
	auto_free char *manifest_text = NULL;
	auto_free char *config_text = NULL;
	size_t len = 0;
	int rc;

	rc = store_blob_read(store, line->digest, (int64_t)line->manifest_size, MANIFEST_MAX_SIZE,
			     &manifest_text, &len, err);
	if (rc == 0)
		rc = image_manifest_parse(line->digest, line->media_type, manifest_text, len,
					  &manifest, err);
	if (rc == 0)
		rc = store_blob_read(store, manifest.config.digest, (int64_t)manifest.config.size,
				     CONFIG_MAX_SIZE, &config_text, &len, err);
	if (rc == 0)
		rc = image_config_parse(manifest.config.digest, config_text, len, &config, err);
	if (rc == 0)
		rc = image_layers_match(&manifest, &config, err);
	if (rc < 0)
		return rc;
	*ret_manifest = manifest;
	*ret_config = config;
	manifest = (struct image_manifest){ 0 };
	config = (struct image_config){ 0 };
	return 0;
}

int store_list(const struct dir *store, struct store_entry **ret, size_t *ret_n, struct error *err)
{
	auto_store_index struct store_index index = { 0 };
	struct store_entry *entries;
	int rc = store_index_read(store, &index, err);

	if (rc < 0)
		return rc;
	entries = xcalloc(index.n + 1, sizeof(*entries));
	for (size_t i = 0; i < index.n; i++) {
		struct store_line *line = &index.lines[i];

		entries[i].name = line->name ? take_ptr(line->name) : xstrdup("");
		memcpy(entries[i].id, line->id, DIGEST_TEXT);
		memcpy(entries[i].digest, line->digest, DIGEST_TEXT);
		memcpy(entries[i].source, line->source, DIGEST_TEXT);
		entries[i].created = line->created;
		entries[i].size = line->size;
	}
	*ret = entries;
	*ret_n = index.n;
	return 0;
}

void store_entries_free(struct store_entry *entries, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(entries[i].name);
	free(entries);
}
