/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "image/ref.h"
#include "image/remote_internal.h"

#define RESULT_MAX (2U << 20)

static bool has_tag(const char *reference)
{
	const char *slash = strrchr(reference, '/');

	return strpbrk(slash ? slash : reference, ":@") != NULL;
}

/* What the client says, which has parsed what a stranger sent: it is looked at once more. */
static int read_tags(const char *text, size_t len, struct strv *ret, struct error *err)
{
	auto_json_doc struct json_doc doc = { 0 };
	const json_t *tags;
	int rc = json_doc_parse(&doc, "tags", text, len, err);

	if (rc < 0)
		return rc;
	tags = json_object_get(doc.root, "tags");
	for (size_t i = 0; i < json_array_size(tags); i++) {
		const char *tag = json_string_value(json_array_get(tags, i));

		if (!tag)
			return err_set(err, EPROTO, "minictr-registry lists what is no tag");
		strv_add(ret, tag);
	}
	return 0;
}

static int ask(const struct image_ref *ref, const struct remote_options *options, struct strv *ret,
	       struct error *err)
{
	auto_registry_request struct registry_request request = { .verb = REGISTRY_TAGS };
	auto_free char *host = NULL;
	auto_free char *text = NULL;
	struct remote_client client;
	size_t len = 0;
	int rc;

	remote_split(ref->name, &host, &request.repository);
	rc = remote_fill(&request, host, options, err);
	if (rc == 0)
		rc = remote_start(&request, &client, err);
	if (rc == 0)
		rc = remote_wait_text(&client, RESULT_MAX, &text, &len, err);
	return rc < 0 ? rc : read_tags(text, len, ret, err);
}

int remote_pull_all(const char *store_path, const char *reference,
		    const struct remote_options *options,
		    void (*report)(void *arg, const struct remote_pulled *pulled), void *arg,
		    char **ret_name, struct error *err)
{
	auto_ref struct image_ref ref = { 0 };
	auto_strv struct strv tags = { 0 };
	int rc = ref_parse(reference, &ref, err);

	if (rc < 0)
		return rc;
	if (has_tag(reference))
		return err_set(err, EINVAL, "pull '%s': all tags of a name without one", reference);
	rc = ask(&ref, options, &tags, err);
	if (rc == 0 && tags.n == 0)
		rc = err_set(err, ENOENT, "the repository has no tags");
	if (rc < 0)
		return err_wrap(err, "pull '%s'", reference);
	for (size_t i = 0; rc == 0 && i < tags.n; i++) {
		auto_free char *name = xasprintf("%s:%s", ref.name, tags.items[i]);
		struct remote_pulled pulled = { 0 };

		rc = remote_pull(store_path, name, options, &pulled, err);
		if (rc == 0)
			report(arg, &pulled);
		remote_pulled_fini(&pulled);
	}
	if (rc == 0)
		*ret_name = xstrdup(ref.name);
	return rc;
}
