/* SPDX-License-Identifier: Apache-2.0 */
#include "image/fetch.h"

#include <errno.h>
#include <stdio.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "image/remote.h"
#include "image/store_internal.h"

const struct enum_name fetch_policies[] = {
	{ "missing", FETCH_MISSING },
	{ "always", FETCH_ALWAYS },
	{ "never", FETCH_NEVER },
	{ NULL, 0 },
};

/* Only what the store calls it; the image itself is read by whoever uses it. */
static int is_in_store(const char *store_path, const char *reference, struct error *err)
{
	auto_store_index struct store_index index = { 0 };
	auto_fd int fd = store_open(store_path, err);
	const struct dir store = { .fd = fd, .path = store_path };
	bool is_name;
	size_t at;
	int rc = fd < 0 ? fd : store_index_read(&store, &index, err);

	if (rc == 0)
		rc = store_index_find(&index, reference, &at, &is_name, err);
	return rc == -ENOENT ? 0 : rc < 0 ? rc : 1;
}

int fetch_is_needed(const char *store_path, const char *reference, enum fetch_policy policy,
		    struct error *err)
{
	int rc;

	if (policy != FETCH_MISSING)
		return policy == FETCH_ALWAYS;
	rc = is_in_store(store_path, reference, err);
	return rc < 0 ? rc : !rc;
}

int fetch_image(const char *store_path, const char *reference, enum fetch_policy policy,
		bool is_quiet, struct error *err)
{
	const struct remote_options options = { .progress = remote_progress(is_quiet) };
	struct remote_pulled pulled = { 0 };
	auto_free char *shown = str_escape(reference);
	auto_str struct str text = { 0 };
	int rc = remote_pull(store_path, reference, &options, &pulled, err);

	if (rc == 0 && !is_quiet)
		remote_pulled_text(&pulled, &text);
	if (text.len)
		(void)fputs(text.text, stderr);
	remote_pulled_fini(&pulled);
	return rc < 0 && policy == FETCH_MISSING ? err_wrap(err, "no such image: '%.300s'", shown)
						 : rc;
}
