/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "image/archive.h"
#include "image/confine.h"
#include "image/contents.h"
#include "image/limits.h"
#include "image/load_internal.h"

static int send_layer(int sock, const struct contents_layer *layer, size_t number,
		      struct error *err)
{
	struct load_message message = {
		.kind = LOAD_LAYER,
		.layer = (uint32_t)number,
		.blob = { .offset = layer->part.offset, .size = layer->part.size },
	};

	(void)strcpy(message.blob.digest, layer->digest);
	(void)strcpy(message.blob.diff_id, layer->diff_id);
	return load_send(sock, &message, layer->part.fd, err);
}

static int larger_first(const void *a, const void *b, void *arg)
{
	const struct contents *contents = arg;
	uint64_t left = contents->layers[*(const size_t *)a].part.size;
	uint64_t right = contents->layers[*(const size_t *)b].part.size;

	return left > right ? -1 : left < right;
}

/* The last ones to end should be small: then all processors have work to the end. */
static int send_layers(int sock, struct contents *contents, struct error *err)
{
	const struct load_message waiting = { .kind = LOAD_WAITING };
	auto_free size_t *order = xcalloc(contents->n_layers + 1, sizeof(*order));
	int rc = 0;

	for (size_t i = 0; i < contents->n_layers; i++)
		order[i] = i;
	qsort_r(order, contents->n_layers, sizeof(*order), larger_first, contents);
	for (size_t i = 0; rc == 0 && i < contents->n_layers; i++)
		rc = send_layer(sock, &contents->layers[order[i]], order[i], err);
	return rc < 0 ? rc : load_send(sock, &waiting, -1, err);
}

static int wait_for_layers(int sock, struct contents *contents, struct error *err)
{
	for (size_t i = 0; i < contents->n_layers; i++) {
		struct load_message message;
		int fd = -1;
		int rc = load_receive(sock, &message, &fd, err);

		close_fd(&fd);
		if (rc < 0)
			return rc;
		if (rc == 0 || message.kind != LOAD_LAYER_DONE ||
		    message.layer >= contents->n_layers)
			return err_set(err, EPIPE, "the keeper has gone");
		(void)strcpy(contents->layers[message.layer].digest, message.blob.digest);
		contents->layers[message.layer].unpacked = message.unpacked;
		contents->layers[message.layer].packing = message.packing;
	}
	return 0;
}

static int send_documents(int sock, struct contents *contents, struct error *err)
{
	auto_free char *result = NULL;
	int rc = 0;

	contents_make_manifests(contents);
	for (size_t i = 0; rc == 0 && i < contents->n_images; i++) {
		const struct contents_blob *config = &contents->images[i].config;
		const struct contents_blob *manifest = &contents->images[i].manifest;

		rc = load_send_text(sock, LOAD_BLOB, config->text, config->len, config->digest,
				    err);
		if (rc == 0)
			rc = load_send_text(sock, LOAD_BLOB, manifest->text, manifest->len,
					    manifest->digest, err);
	}
	if (rc < 0)
		return rc;
	result = contents_result(contents);
	return load_send_text(sock, LOAD_RESULT, result, strlen(result), "", err);
}

static int read_contents(const struct load_reader *reader, struct contents *ret, struct error *err)
{
	auto_archive struct archive *archive = archive_open(reader->input, reader->spool, err);

	return archive ? contents_read(archive, ret, err) : -err->code;
}

int load_read(struct load_reader *reader, struct error *err)
{
	auto_contents struct contents contents = { .is_for_others = reader->is_for_others };
	auto_fd int root = confine_enter(CONFINE_READER, &reader->root, LOAD_MAX_SPOOL, err);
	int rc = MIN(root, 0);

	close_fd(&reader->root.fd);
	if (rc == 0)
		rc = confine_seal(CONFINE_READER, err);
	if (rc == 0)
		rc = read_contents(reader, &contents, err);
	if (rc == 0)
		rc = send_layers(reader->sock, &contents, err);
	if (rc == 0)
		rc = wait_for_layers(reader->sock, &contents, err);
	if (rc == 0)
		rc = send_documents(reader->sock, &contents, err);
	return rc;
}
