/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "base/lock.h"
#include "base/mem.h"
#include "image/ref.h"
#include "image/store_internal.h"

static int add_name(const struct dir *store, const char *reference, const char *name,
		    struct error *err)
{
	auto_store_index struct store_index index = { 0 };
	auto_fd int lock = lock_acquire(store, "index.lock", LOCK_EXCLUSIVE, err);
	bool is_name = false;
	size_t at = 0;
	int rc = lock < 0 ? lock : store_index_read(store, &index, err);

	if (rc == 0)
		rc = store_index_find(&index, reference, &at, &is_name, err);
	if (rc < 0)
		return rc;

	/* The list may move while the line is added: with what is another's. */
	struct store_line line = index.lines[at];

	line.media_type = xstrdup(line.media_type);
	store_index_add(&index, &line, name);
	free(line.media_type);
	return store_index_write(store, &index, err);
}

int store_tag(const struct dir *store, const char *reference, const char *name, char **ret_name,
	      struct error *err)
{
	auto_ref struct image_ref ref = { 0 };
	struct store_work work = { .lock = -1 };
	auto_free char *whole = NULL;
	int rc = ref_parse_name(name, &ref, err);

	if (rc < 0)
		return rc;
	whole = ref_text(&ref);
	rc = store_work_begin(store, LOCK_SHARED, &work, err);
	if (rc < 0)
		return rc;
	rc = add_name(store, reference, whole, err);
	store_work_end(store, &work, rc == 0);
	if (rc == 0 && ret_name)
		*ret_name = take_ptr(whole);
	return rc;
}
