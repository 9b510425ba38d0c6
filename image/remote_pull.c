/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "image/ref.h"
#include "image/remote_internal.h"
#include "image/store.h"

/* "docker.io/library/busybox" -> "docker.io", "library/busybox" */
void remote_split(const char *name, char **ret_host, char **ret_repository)
{
	const char *slash = strchr(name, '/');

	*ret_host = xstrndup(name, (size_t)(slash - name));
	*ret_repository = xstrdup(slash + 1);
}

static int start(const struct image_ref *ref, const struct remote_options *options,
		 struct remote_client *ret, struct error *err)
{
	auto_registry_request struct registry_request request = { .verb = REGISTRY_PULL };
	auto_free char *host = NULL;
	int rc;

	remote_split(ref->name, &host, &request.repository);
	request.reference = xstrdup(*ref->digest ? ref->digest : ref->tag);
	rc = remote_fill(&request, host, options, err);
	return rc < 0 ? rc : remote_start(&request, ret, err);
}

void remote_pulled_text(const struct remote_pulled *pulled, struct str *out)
{
	str_addf(out, "Digest: %s\nStatus: %s for %s\n", pulled->digest,
		 pulled->is_new ? "Downloaded newer image" : "Image is up to date",
		 ref_familiar(pulled->name));
}

int remote_pull(const char *store_path, const char *reference, const struct remote_options *options,
		struct remote_pulled *ret, struct error *err)
{
	auto_ref struct image_ref ref = { 0 };
	auto_strv struct strv names = { 0 };
	auto_free char *name = NULL;
	struct remote_client client;
	struct error failure = { 0 };
	int rc = ref_parse(reference, &ref, err);

	if (rc < 0)
		return rc;
	/* What is asked for by a digest gets no tag: that would say something else. */
	name = *ref.digest ? xasprintf("%s@%s", ref.name, ref.digest)
			   : xasprintf("%s:%s", ref.name, ref.tag);
	rc = start(&ref, options, &client, err);
	if (rc < 0)
		return rc;

	struct store_pull pull = { .name = name, .is_for_others = options->platform != NULL };
	const struct store_input input = { .fd = client.sock, .is_quiet = true, .pull = &pull };

	rc = store_load(store_path, &input, &names, err);
	/* If it could not even be run, that is the reason for everything. */
	if (remote_end(&client, &failure) < 0) {
		*err = failure;
		rc = -err->code;
	}
	if (rc < 0)
		return rc;
	ret->name = take_ptr(name);
	memcpy(ret->digest, pull.source, DIGEST_TEXT);
	ret->is_new = pull.is_new;
	return 0;
}
