/* SPDX-License-Identifier: Apache-2.0 */
#include "base/macros.h"
#include "image/confine.h"
#include "image/layer.h"
#include "image/limits.h"
#include "image/load_internal.h"

/* The keeper has the privilege. */
static int send_opaque(void *arg, int fd, struct error *err)
{
	const struct load_unpacker *unpacker = arg;
	const struct load_message message = { .kind = LOAD_OPAQUE };

	return load_send(unpacker->sock, &message, fd, err);
}

/* The layer's size, and that it is a tar: as far as a look without unpacking goes. */
static int measure(const struct tar_source *source, struct layer_result *ret, struct error *err)
{
	auto_tar struct tar *tar = tar_new(source);
	const struct tar_entry *entry;
	int rc;

	while ((rc = tar_next(tar, &entry, err)) > 0) {
		ret->n_entries++;
		ret->size += entry->type == TAR_FILE ? entry->size : 0;
	}
	return rc;
}

static int unpack(struct load_unpacker *unpacker, struct stream *stream, struct load_message *done,
		  struct error *err)
{
	const struct tar_source source = { .fill = stream_fill, .arg = stream };
	const struct layer_options options = { .root = unpacker->root,
					       .mark_opaque = send_opaque,
					       .arg = unpacker };
	struct layer_result result = { 0 };
	struct error failed = { 0 };
	int rc;

	if (unpacker->is_known)
		rc = measure(&source, &result, &failed);
	else
		rc = layer_unpack(&options, &source, &result, &failed);
	rc = stream_finish(stream, rc < 0 ? &failed : NULL, err);
	if (rc < 0)
		return rc;
	done->unpacked = result.size;
	done->packing = stream_kind(stream);
	stream_digest(stream, done->blob.digest);
	return 0;
}

static int enter_and_unpack(struct load_unpacker *unpacker, struct load_message *done,
			    struct error *err)
{
	int root = confine_enter(CONFINE_UNPACKER, &unpacker->root, LAYER_MAX_SPARSE, err);
	auto_stream struct stream *stream = NULL;
	int rc;

	/* It led to the store; the new one ends at the layer. */
	close_fd(&unpacker->root.fd);
	if (root < 0)
		return root;
	unpacker->root = (struct dir){ .fd = root, .path = "/" };
	unpacker->layer.blob.copy_fd = unpacker->copy_fd;
	stream = stream_start(&unpacker->layer.blob, err);
	rc = stream ? confine_seal(CONFINE_UNPACKER, err) : -err->code;
	return rc < 0 ? rc : unpack(unpacker, stream, done, err);
}

int load_unpack(struct load_unpacker *unpacker, struct error *err)
{
	struct load_message done = { .kind = LOAD_LAYER_DONE, .layer = unpacker->layer.layer };
	const struct stream_blob *blob = &unpacker->layer.blob;
	int rc = enter_and_unpack(unpacker, &done, err);

	if (rc < 0)
		return err_wrap(err, "layer '%s'", blob->digest[0] ? blob->digest : blob->diff_id);
	return load_send(unpacker->sock, &done, -1, err);
}
