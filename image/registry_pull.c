/* SPDX-License-Identifier: Apache-2.0 */
#include "image/registry_pull.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/macros.h"
#include "base/mem.h"
#include "image/load_internal.h"
#include "image/progress.h"
#include "image/registry_documents.h"

#define TICK_MS 100

/* libcurl hands over 16 KiB at a time; the store and the unpacker get them by this many. */
#define HELD_SIZE (256U << 10)

enum layer_state { LAYER_ASKED, LAYER_PENDING, LAYER_FETCHING, LAYER_FETCHED, LAYER_DONE };

/* Each blob once, however often the manifest has it. */
struct layer {
	const struct descriptor *descriptor;
	const char *diff_id;
	enum layer_state state;
	int file, growth;
	uint64_t at; /* bytes in the file, and those that are held for it */
	char *held;  /* of HELD_SIZE; NULL as long as nothing has come */
	size_t n_held;
	uint64_t skip; /* bytes of the answer that are there already */
	uint64_t begun_at;
	bool is_checked; /* the answer begins where we asked */
	uint64_t unpacked;
	struct exchange exchange;
	size_t item;
};

struct pull {
	struct registry registry;
	const struct registry_request *request;
	struct documents documents;
	struct progress progress;
	int sock;
	struct layer *layers; /* owned; must not move: exchanges are under way */
	size_t n, n_done, n_active;
};

static void pull_fini(struct pull *p)
{
	for (size_t i = 0; i < p->n; i++) {
		exchange_fini(&p->layers[i].exchange);
		close_fd(&p->layers[i].file);
		close_fd(&p->layers[i].growth);
		free(p->layers[i].held);
	}
	free(p->layers);
	documents_fini(&p->documents);
	progress_fini(&p->progress);
	registry_fini(&p->registry);
}

/* ---- what there is ---------------------------------------------------------------------------- */

/* The first endpoint that has it; the last one's reason if none has. */
static int find_image(struct pull *p, struct registry_endpoint *endpoints, struct error *err)
{
	int rc = -ENOENT;

	for (size_t i = 0; i < p->request->n_places && rc < 0; i++) {
		*err = (struct error){ 0 };
		rc = registry_open(&p->registry, &endpoints[i], err);
		if (rc == 0)
			rc = documents_fetch(&p->registry, p->request, &p->documents, err);
		if (rc < 0) {
			documents_fini(&p->documents);
			p->documents = (struct documents){ 0 };
		}
	}
	return rc;
}

static int take(void *arg, struct http_request *request, const char *data, size_t len,
		struct error *err);

static void add_layer(struct pull *p, const struct descriptor *descriptor, const char *diff_id)
{
	struct layer *layer = &p->layers[p->n];

	for (size_t i = 0; i < p->n; i++)
		if (str_eq(p->layers[i].descriptor->digest, descriptor->digest))
			return;
	*layer = (struct layer){
		.descriptor = descriptor,
		.diff_id = diff_id,
		.file = -1,
		.growth = -1,
		.exchange = { .request = { .body_fd = -1, .take = take, .arg = layer },
			      .path = xasprintf("/v2/%s/blobs/%s", p->registry.repository,
						descriptor->digest) },
		.item = progress_add(&p->progress, descriptor->digest, descriptor->size),
	};
	p->n++;
}

static int ask_for_layers(struct pull *p, struct error *err)
{
	const struct image_manifest *manifest = &p->documents.manifest;
	const struct load_message waiting = { .kind = LOAD_WAITING };
	int rc = 0;

	p->layers = xcalloc(manifest->n_layers + 1, sizeof(*p->layers));
	for (size_t i = 0; i < manifest->n_layers; i++)
		add_layer(p, &manifest->layers[i], p->documents.config.diff_ids.items[i]);
	for (size_t i = 0; rc == 0 && i < p->n; i++) {
		struct load_message message = {
			.kind = LOAD_WANT,
			.layer = (uint32_t)i,
			.blob = { .size = p->layers[i].descriptor->size },
		};

		(void)strcpy(message.blob.digest, p->layers[i].descriptor->digest);
		(void)strcpy(message.blob.diff_id, p->layers[i].diff_id);
		rc = load_send(p->sock, &message, -1, err);
	}
	return rc < 0 ? rc : load_send(p->sock, &waiting, -1, err);
}

/* ---- bytes ------------------------------------------------------------------------------------ */

static void tell_growth(const struct layer *layer)
{
	/* A pipe that is full has been told. */
	(void)!write(layer->growth, "", 1);
}

/* Writes what is held. */
static int flush(struct layer *layer, struct error *err)
{
	uint64_t from = layer->at - layer->n_held;
	const char *data = layer->held;

	if (layer->n_held == 0)
		return 0;
	while (from < layer->at) {
		ssize_t n = pwrite(layer->file, data, layer->at - from, (off_t)from);

		if (n < 0 && errno != EINTR)
			return err_sys(err, "write it to the store");
		from += (uint64_t)MAX(n, 0);
		data += MAX(n, 0);
	}
	layer->n_held = 0;
	tell_growth(layer);
	return 0;
}

/* Where the answer begins, once it does: what was not asked for is passed over. */
static int check_range(struct layer *layer, const struct http_request *request, struct error *err)
{
	if (layer->is_checked)
		return 0;
	layer->is_checked = true;
	if (request->status != 206) {
		layer->skip = layer->at;
		return 0;
	}
	if (request->has_range && request->range_start == layer->at)
		return 0;
	return err_set(err, EPROTO, "the answer begins at another place than was asked for");
}

static int take(void *arg, struct http_request *request, const char *data, size_t len,
		struct error *err)
{
	struct layer *layer = arg;
	size_t passed;
	int rc = check_range(layer, request, err);

	if (rc < 0)
		return rc;
	passed = MIN(layer->skip, len);
	layer->skip -= passed;
	data += passed;
	len -= passed;
	if (len > layer->descriptor->size - layer->at)
		return err_set(err, EFBIG,
			       "more than the %" PRIu64 " bytes that it is to have come",
			       layer->descriptor->size);
	if (!layer->held)
		layer->held = xmalloc(HELD_SIZE);
	while (rc == 0 && len) {
		size_t some = MIN(len, HELD_SIZE - layer->n_held);

		memcpy(layer->held + layer->n_held, data, some);
		layer->n_held += some;
		layer->at += some;
		data += some;
		len -= some;
		if (layer->n_held == HELD_SIZE)
			rc = flush(layer, err);
	}
	return rc;
}

static void finish_layer(struct pull *p, struct layer *layer)
{
	layer->state = LAYER_FETCHED;
	free(take_ptr(layer->held));
	close_fd(&layer->growth);
	close_fd(&layer->file);
	progress_set(&p->progress, layer->item, PROGRESS_MOVED, layer->at);
}

static int begin_layer(struct pull *p, struct layer *layer, struct error *err)
{
	int rc;

	strv_fini(&layer->exchange.headers);
	strv_add(&layer->exchange.headers, "Accept: */*");
	if (layer->at)
		strv_addf(&layer->exchange.headers, "Range: bytes=%" PRIu64 "-", layer->at);
	layer->is_checked = false;
	layer->skip = 0;
	layer->begun_at = layer->at;
	rc = exchange_begin(&p->registry, &layer->exchange, err);
	if (rc < 0)
		return rc;
	layer->state = LAYER_FETCHING;
	p->n_active++;
	progress_set(&p->progress, layer->item, PROGRESS_MOVING, layer->at);
	return 0;
}

/* As many as may be at a time; in the order of the manifest, and not before their time. */
static int begin_layers(struct pull *p, struct error *err)
{
	int64_t now = clock_boot_ns();
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < p->n && p->n_active < (size_t)p->request->parallel; i++)
		if (p->layers[i].state == LAYER_PENDING && p->layers[i].exchange.due_ns <= now)
			rc = begin_layer(p, &p->layers[i], err);
	return rc;
}

/* A whole answer that was shorter than it ought to be is as good as a broken one. */
static void note_short(struct layer *layer)
{
	struct http_request *request = &layer->exchange.request;

	if (request->failed.code || request->status < 200 || request->status > 299)
		return;
	err_set(&request->failed, EPROTO, "it ends after %" PRIu64 " of %" PRIu64 " bytes",
		layer->at, layer->descriptor->size);
	request->may_pass = true;
}

static int end_request(struct pull *p, struct http_request *request, struct error *err)
{
	struct layer *layer = request->arg;
	bool is_whole = layer->at == layer->descriptor->size;
	int rc = flush(layer, err);

	p->n_active--;
	if (rc < 0)
		return err_wrap(err, "layer '%s'", layer->descriptor->digest);
	if (is_whole && !request->failed.code && request->status >= 200 && request->status < 300) {
		finish_layer(p, layer);
		return 0;
	}
	note_short(layer);
	rc = exchange_end(&p->registry, &layer->exchange, layer->at > layer->begun_at, err);
	if (rc < 0)
		return err_wrap(err, "layer '%s'", layer->descriptor->digest);
	/* Whole, although the connection broke then. */
	if (is_whole && layer->at) {
		finish_layer(p, layer);
		return 0;
	}
	layer->state = LAYER_PENDING;
	if (layer->exchange.attempts)
		progress_set(&p->progress, layer->item, PROGRESS_RETRYING, layer->at);
	return 0;
}

/* ---- the keeper ------------------------------------------------------------------------------- */

static int take_file(struct pull *p, struct layer *layer, int fds[LOAD_MAX_FDS], struct error *err)
{
	struct stat st;

	layer->file = take_fd(&fds[0]);
	layer->growth = take_fd(&fds[1]);
	if (layer->file < 0 || layer->growth < 0 || fstat(layer->file, &st) < 0)
		return err_set(err, EPROTO, "the keeper sends no file");
	(void)fcntl(layer->growth, F_SETFL, O_NONBLOCK);
	layer->at = MIN((uint64_t)st.st_size, layer->descriptor->size);
	tell_growth(layer);
	layer->state = LAYER_PENDING;
	if (layer->at == layer->descriptor->size)
		finish_layer(p, layer);
	return 0;
}

static void note_done(struct pull *p, struct layer *layer, uint64_t unpacked)
{
	bool was_there = layer->state == LAYER_ASKED;

	layer->state = LAYER_DONE;
	layer->unpacked = unpacked;
	p->n_done++;
	progress_set(&p->progress, layer->item, was_there ? PROGRESS_THERE : PROGRESS_DONE,
		     layer->descriptor->size);
}

static int hear_keeper(struct pull *p, struct error *err)
{
	struct load_message message;
	int fds[LOAD_MAX_FDS] = { -1, -1 };
	int rc = load_receive_fds(p->sock, &message, fds, err);

	if (rc == 0)
		rc = err_set(err, EPIPE, "the keeper has gone");
	else if (rc > 0 && message.layer >= p->n)
		rc = err_set(err, EPROTO, "the keeper does not keep to the protocol");
	else if (rc > 0 && message.kind == LOAD_GET)
		rc = take_file(p, &p->layers[message.layer], fds, err);
	else if (rc > 0 && message.kind == LOAD_LAYER_DONE)
		note_done(p, &p->layers[message.layer], message.unpacked);
	for (size_t i = 0; i < LOAD_MAX_FDS; i++)
		close_fd(&fds[i]);
	return MIN(rc, 0);
}

static int hear_all(struct pull *p, struct error *err)
{
	struct pollfd fd = { .fd = p->sock, .events = POLLIN };
	int rc = 0;

	while (rc == 0 && poll(&fd, 1, 0) > 0)
		rc = hear_keeper(p, err);
	return rc;
}

/* What came of all layers, so that a slow one does not wait for its buffer to fill. */
static int pass_on(struct pull *p, struct error *err)
{
	for (size_t i = 0; i < p->n; i++) {
		struct layer *layer = &p->layers[i];

		if (layer->state != LAYER_FETCHING)
			continue;
		if (flush(layer, err) < 0)
			return err_wrap(err, "layer '%s'", layer->descriptor->digest);
		progress_set(&p->progress, layer->item, PROGRESS_MOVING, layer->at);
	}
	return 0;
}

static int fetch_layers(struct pull *p, struct error *err)
{
	int rc = ask_for_layers(p, err);

	while (rc == 0 && p->n_done < p->n) {
		struct http_request *ended;

		rc = begin_layers(p, err);
		if (rc < 0)
			break;
		ended = http_wait(p->registry.http, p->sock, TICK_MS);
		while (rc == 0 && ended) {
			rc = end_request(p, ended, err);
			ended = rc == 0 ? http_wait(p->registry.http, p->sock, 0) : NULL;
		}
		if (rc == 0)
			rc = hear_all(p, err);
		if (rc == 0)
			rc = pass_on(p, err);
		progress_draw(&p->progress, false);
	}
	progress_draw(&p->progress, true);
	return rc;
}

/* ---- the whole -------------------------------------------------------------------------------- */

static uint64_t unpacked_size(const struct pull *p)
{
	const struct image_manifest *manifest = &p->documents.manifest;
	uint64_t size = 0;

	for (size_t i = 0; i < manifest->n_layers; i++)
		for (size_t j = 0; j < p->n; j++)
			if (str_eq(manifest->layers[i].digest, p->layers[j].descriptor->digest))
				size += p->layers[j].unpacked;
	return size;
}

static int tell_result(const struct pull *p, struct error *err)
{
	const struct documents *d = &p->documents;
	auto_json json_t *root = json_object_new();
	json_t *images = json_array_new();
	json_t *image = json_object_new();
	auto_free char *text = NULL;
	int rc = load_send_text(p->sock, LOAD_BLOB, d->config_text, d->config_len,
				d->manifest.config.digest, err);

	if (rc == 0)
		rc = load_send_text(p->sock, LOAD_BLOB, d->manifest_text, d->manifest_len,
				    d->manifest_digest, err);
	if (rc < 0)
		return rc;
	json_put_string(image, "manifest", d->manifest_digest);
	json_put_string(image, "source", d->digest);
	json_put_int(image, "size", (int64_t)MIN(unpacked_size(p), (uint64_t)INT64_MAX));
	json_add(images, image);
	json_put(root, "images", images);
	text = json_to_text(root, JSON_COMPACT);
	return load_send_text(p->sock, LOAD_RESULT, text, strlen(text), "", err);
}

int registry_pull(struct http *http, const struct registry_request *request, int sock,
		  struct error *err)
{
	__attribute__((cleanup(pull_fini))) struct pull p = {
		.registry = registry_for(http, request, "pull"),
		.request = request,
		.progress = { .form = (enum registry_progress)request->progress,
			      .moving = "Downloading",
			      .done = "Pull complete" },
		.sock = sock,
	};
	struct registry_endpoint *endpoints = xcalloc(request->n_places + 1, sizeof(*endpoints));
	int rc;

	for (size_t i = 0; i < request->n_places; i++)
		endpoints[i] = (struct registry_endpoint){
			.base = request->places[i].base,
			.is_verified = request->places[i].is_verified,
			.has_credentials = request->places[i].has_credentials,
		};
	rc = find_image(&p, endpoints, err);
	if (rc == 0)
		rc = fetch_layers(&p, err);
	if (rc == 0)
		rc = tell_result(&p, err);
	free(endpoints);
	return rc;
}
