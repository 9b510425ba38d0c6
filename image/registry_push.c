/* SPDX-License-Identifier: Apache-2.0 */
#include "image/registry_push.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/mem.h"
#include "image/load_internal.h"
#include "image/manifest.h"
#include "image/progress.h"
#include "image/registry.h"

#define MAX_BLOBS (IMAGE_MAX_LAYERS + 2)

struct sent {
	int fd;
	char digest[DIGEST_TEXT];
	uint64_t size;
	size_t item;
};

struct push {
	struct registry registry;
	const struct registry_request *request;
	struct progress progress;
	struct sent blobs[MAX_BLOBS];
	size_t n;
};

static void push_fini(struct push *p)
{
	for (size_t i = 0; i < p->n; i++)
		close_fd(&p->blobs[i].fd);
	progress_fini(&p->progress);
	registry_fini(&p->registry);
}

static int receive_blobs(struct push *p, int sock, struct error *err)
{
	for (;;) {
		struct load_message message;
		auto_fd int fd = -1;
		int rc = load_receive(sock, &message, &fd, err);

		if (rc == 0)
			return err_set(err, EPIPE, "minictr has gone");
		if (rc < 0 || message.kind == LOAD_WAITING)
			return MIN(rc, 0);
		if (message.kind != LOAD_BLOB || p->n == MAX_BLOBS || fd < 0)
			return err_set(err, EPROTO, "minictr does not keep to the protocol");
		p->blobs[p->n] = (struct sent){ .fd = take_fd(&fd), .size = message.blob.size };
		(void)strcpy(p->blobs[p->n].digest, message.blob.digest);
		p->n++;
	}
}

/* 1: the registry has it. */
static int is_there(struct push *p, const struct sent *blob, struct error *err)
{
	auto_exchange struct exchange x = {
		.request = { .body_fd = -1, .method = "HEAD", .max = 64U << 10 },
		.path = xasprintf("/v2/%s/blobs/%s", p->registry.repository, blob->digest),
		.may_fail = true,
	};
	int rc = exchange_run(&p->registry, &x, err);

	return rc < 0 ? rc : x.request.status == 200;
}

/* Where to send it to. */
static int begin_upload(struct push *p, char **ret, struct error *err)
{
	auto_exchange struct exchange x = {
		.request = { .body_fd = -1, .method = "POST", .max = 64U << 10 },
		.path = xasprintf("/v2/%s/blobs/uploads/", p->registry.repository),
	};
	int rc = exchange_run(&p->registry, &x, err);

	if (rc < 0)
		return rc;
	if (x.request.status != 202 || !x.request.location)
		return err_set(err, EPROTO, "POST '%s': status %d, and no place to send it to",
			       x.path, x.request.status);
	return http_redirect(x.request.url, x.request.location, ret, err);
}

/* A broken upload begins anew, in a place of its own. */
static int upload_once(struct push *p, const struct sent *blob, struct exchange *x,
		       struct error *err)
{
	auto_free char *place = NULL;
	int rc = begin_upload(p, &place, err);

	if (rc < 0)
		return rc;
	free(x->path);
	x->path = xasprintf("%s%cdigest=%s", place, strchr(place, '?') ? '&' : '?', blob->digest);
	x->is_redirected = false;
	rc = exchange_begin(&p->registry, x, err);
	while (rc == 0 && !http_wait(p->registry.http, -1, 100)) {
		progress_set(&p->progress, blob->item, PROGRESS_MOVING, x->request.body_at);
		progress_draw(&p->progress, false);
	}
	return rc < 0 ? rc : exchange_end(&p->registry, x, false, err);
}

static int upload(struct push *p, const struct sent *blob, struct error *err)
{
	auto_exchange struct exchange x = {
		.request = { .method = "PUT",
			     .body_fd = blob->fd,
			     .body_size = blob->size,
			     .max = 64U << 10 },
	};
	int rc = 0;

	strv_add(&x.headers, "Content-Type: application/octet-stream");
	while (rc == 0)
		rc = upload_once(p, blob, &x, err);
	if (rc > 0 && x.request.status != 201)
		return err_set(err, EPROTO, "status %d after the upload", x.request.status);
	return MIN(rc, 0);
}

static int send_blob(struct push *p, struct sent *blob, struct error *err)
{
	int rc = is_there(p, blob, err);

	if (rc == 0) {
		rc = upload(p, blob, err);
		if (rc == 0)
			progress_set(&p->progress, blob->item, PROGRESS_DONE, blob->size);
	} else if (rc > 0) {
		progress_set(&p->progress, blob->item, PROGRESS_THERE, blob->size);
	}
	progress_draw(&p->progress, false);
	return rc < 0 ? err_wrap(err, "blob '%s'", blob->digest) : 0;
}

static int send_manifest(struct push *p, const struct sent *manifest, struct error *err)
{
	auto_exchange struct exchange x = {
		.request = { .method = "PUT",
			     .body_fd = manifest->fd,
			     .body_size = manifest->size,
			     .max = 64U << 10 },
		.path = xasprintf("/v2/%s/manifests/%s", p->registry.repository,
				  p->request->reference),
	};
	int rc;

	strv_addf(&x.headers, "Content-Type: %s", p->request->media_type);
	rc = exchange_run(&p->registry, &x, err);
	if (rc == 0 && x.request.status != 201)
		return err_set(err, EPROTO, "status %d for the manifest", x.request.status);
	if (rc == 0 && x.request.digest && !str_eq(x.request.digest, manifest->digest))
		return err_set(err, EPROTO, "the registry has the manifest as '%.100s', not '%s'",
			       x.request.digest, manifest->digest);
	return rc < 0 ? err_wrap(err, "manifest '%s'", manifest->digest) : 0;
}

static int open_any(struct push *p, struct registry_endpoint *endpoint, struct error *err)
{
	int rc = -ENOENT;

	for (size_t i = 0; i < p->request->n_places && rc < 0; i++) {
		const struct registry_place *place = &p->request->places[i];

		*endpoint = (struct registry_endpoint){ .base = place->base,
							.is_verified = place->is_verified,
							.has_credentials = place->has_credentials };
		*err = (struct error){ 0 };
		rc = registry_open(&p->registry, endpoint, err);
	}
	return rc;
}

static int push_all(struct push *p, struct error *err)
{
	struct registry_endpoint endpoint;
	int rc = open_any(p, &endpoint, err);

	for (size_t i = 0; i + 1 < p->n; i++)
		p->blobs[i].item = progress_add(&p->progress, p->blobs[i].digest, p->blobs[i].size);
	for (size_t i = 0; rc == 0 && i + 1 < p->n; i++)
		rc = send_blob(p, &p->blobs[i], err);
	if (rc == 0)
		rc = send_manifest(p, &p->blobs[p->n - 1], err);
	progress_draw(&p->progress, true);
	return rc;
}

int registry_push(struct http *http, const struct registry_request *request, int sock,
		  struct error *err)
{
	__attribute__((cleanup(push_fini))) struct push p = {
		.registry = registry_for(http, request, "pull,push"),
		.request = request,
		.progress = { .form = (enum registry_progress)request->progress,
			      .moving = "Pushing",
			      .done = "Pushed" },
	};
	int rc = receive_blobs(&p, sock, err);

	if (rc == 0 && p.n == 0)
		rc = err_set(err, EPROTO, "minictr does not keep to the protocol");
	if (rc == 0)
		rc = push_all(&p, err);
	return rc < 0 ? rc : load_send_text(sock, LOAD_RESULT, "{}", 2, "", err);
}
