/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "image/load_internal.h"
#include "image/ref.h"
#include "image/remote_internal.h"
#include "image/store_internal.h"

/* An image of the store, with its blobs open. */
struct pushed {
	const struct store_line *line;
	struct image_manifest manifest;
	int *fds; /* owned: layers, config, manifest */
	size_t n_fds;
};

static void pushed_fini(struct pushed *p)
{
	for (size_t i = 0; i < p->n_fds; i++)
		close_fd(&p->fds[i]);
	free(p->fds);
	image_manifest_fini(&p->manifest);
}

/* The layers', the config's, and the manifest's. */
static struct descriptor blob_of(const struct pushed *p, size_t i, char digest[DIGEST_TEXT])
{
	if (i < p->manifest.n_layers)
		return p->manifest.layers[i];
	if (i == p->manifest.n_layers)
		return p->manifest.config;
	memcpy(digest, p->line->digest, DIGEST_TEXT);
	return (struct descriptor){ .digest = digest, .size = p->line->manifest_size };
}

/* What the disk has damaged is not handed on: the registry would refuse it, after all of it came. */
static int open_verified(const struct dir *store, const struct descriptor *blob, int *ret,
			 struct error *err)
{
	auto_free char *path = xasprintf(STORE_BLOBS "/%s", digest_hex(blob->digest));
	auto_fd int fd = openat(store->fd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	auto_free char *chunk = xmalloc(256U << 10);
	struct digest sum;
	ssize_t n;
	int rc;

	if (fd < 0 && errno == ENOENT)
		return err_set(err, ENOENT,
			       "blob '%s' is not in the store: load or pull the image again",
			       blob->digest);
	if (fd < 0)
		return err_sys(err, "open blob '%s'", blob->digest);
	digest_init(&sum);
	while ((n = read(fd, chunk, 256U << 10)) > 0)
		digest_update(&sum, chunk, (size_t)n);
	rc = n < 0 ? err_sys(err, "read it") : digest_verify(&sum, blob->digest, blob->size, err);
	if (rc < 0)
		return err_wrap(err, "blob '%s'", blob->digest);
	*ret = take_fd(&fd);
	return 0;
}

static int open_all(const struct dir *store, struct pushed *p, struct error *err)
{
	size_t n = p->manifest.n_layers + 2;
	int rc = 0;

	p->fds = xcalloc(n, sizeof(*p->fds));
	for (size_t i = 0; rc == 0 && i < n; i++) {
		char digest[DIGEST_TEXT];
		const struct descriptor blob = blob_of(p, i, digest);

		p->fds[p->n_fds++] = -1;
		rc = open_verified(store, &blob, &p->fds[i], err);
	}
	return rc;
}

static int send_all(const struct pushed *p, int sock, struct error *err)
{
	const struct load_message waiting = { .kind = LOAD_WAITING };
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < p->n_fds; i++) {
		char digest[DIGEST_TEXT];
		const struct descriptor blob = blob_of(p, i, digest);
		struct load_message message = { .kind = LOAD_BLOB, .blob.size = blob.size };

		(void)strcpy(message.blob.digest, blob.digest);
		rc = load_send(sock, &message, p->fds[i], err);
	}
	return rc < 0 ? rc : load_send(sock, &waiting, -1, err);
}

static int push(const struct pushed *p, const struct image_ref *ref,
		const struct remote_options *options, struct error *err)
{
	auto_registry_request struct registry_request request = { .verb = REGISTRY_PUSH };
	auto_free char *host = NULL;
	struct error unsent = { 0 };
	struct remote_client client;
	int rc;

	remote_split(ref->name, &host, &request.repository);
	request.reference = xstrdup(ref->tag);
	request.media_type = xstrdup(p->line->media_type);
	rc = remote_fill(&request, host, options, err);
	if (rc == 0)
		rc = remote_start(&request, &client, err);
	if (rc < 0)
		return rc;
	/* If it has gone, it has said why. */
	(void)send_all(p, client.sock, &unsent);
	return remote_wait(&client, err);
}

int remote_push(const char *store_path, const char *reference, const struct remote_options *options,
		char ret_digest[DIGEST_TEXT], struct error *err)
{
	__attribute__((cleanup(pushed_fini))) struct pushed p = { 0 };
	auto_image_config struct image_config config = { 0 };
	auto_store_index struct store_index index = { 0 };
	auto_ref struct image_ref ref = { 0 };
	auto_fd int hold = -1;
	auto_fd int fd = -1;
	bool is_name = false;
	size_t at = 0;
	int rc = ref_parse(reference, &ref, err);

	if (rc == 0 && *ref.digest)
		rc = err_set(err, EINVAL, "push '%s': a name with a tag is pushed, not a digest",
			     reference);
	if (rc < 0)
		return rc;
	fd = store_open(store_path, err);
	if (fd < 0)
		return fd;

	const struct dir store = { .fd = fd, .path = store_path };

	hold = store_hold(&store, err);
	rc = hold < 0 ? hold : store_index_read(&store, &index, err);
	if (rc == 0)
		rc = store_index_find(&index, reference, &at, &is_name, err);
	if (rc == 0 && !is_name)
		rc = err_set(err, ENOENT, "no such image: '%s'", reference);
	if (rc < 0)
		return rc;
	p.line = &index.lines[at];
	rc = store_line_read(&store, p.line, &p.manifest, &config, err);
	if (rc == 0)
		rc = open_all(&store, &p, err);
	if (rc == 0)
		rc = push(&p, &ref, options, err);
	if (rc < 0)
		return err_wrap(err, "push '%s'", reference);
	memcpy(ret_digest, p.line->digest, DIGEST_TEXT);
	return 0;
}
