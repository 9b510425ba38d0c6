/* SPDX-License-Identifier: Apache-2.0 */
#include "image/stream.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/macros.h"
#include "base/mem.h"
#include "base/str.h"

/*
 * The ring: the feeder fills buffers, the caller empties them, each in order.  A buffer with no
 * bytes in it is the last, with @failed telling why if it came before the end.
 */
#define SLOTS     8
#define SLOT_SIZE (256U << 10)
#define STACK     (256U << 10) /* the feeder's; PTHREAD_STACK_MIN and the libraries fit easily */

struct slot {
	uint8_t *data;
	size_t len;
};

struct stream {
	struct stream_blob blob;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct slot slots[SLOTS];
	uint64_t filled, emptied; /* under @lock: counts of slots */
	bool is_begun;            /* under @lock: the caller wants bytes */
	bool is_stopped;          /* under @lock: it has gone */

	/* the feeder's, until it has ended */
	struct inflate *inflate;
	struct digest blob_digest;
	uint64_t at;    /* bytes read of the blob */
	bool has_grown; /* to its end */
	struct error failed;

	/* the caller's */
	struct digest tar_digest;
	bool has_slot, is_at_end, is_joined;
	char digest[DIGEST_TEXT];
};

/* ---- the feeder ------------------------------------------------------------------------------ */

/* Those bytes that were hashed, whatever the file holds a moment later. */
static int copy_blob(const struct stream *stream, const char *data, size_t size, struct error *err)
{
	while (size) {
		ssize_t n = write(stream->blob.copy_fd, data, size);

		if (n < 0 && errno != EINTR)
			return err_sys(err, "keep the blob");
		data += MAX(n, 0);
		size -= (size_t)MAX(n, 0);
	}
	return 0;
}

static int tell_short(const struct stream *stream, struct error *err)
{
	return err_set(err, stream->blob.growth_fd >= 0 ? ECONNABORTED : EINVAL,
		       "size is %" PRIu64 " bytes, expected %" PRIu64, stream->at,
		       stream->blob.size);
}

/* True: look again. */
static bool wait_for_more(struct stream *stream)
{
	char bytes[256];
	ssize_t n;

	do
		n = read(stream->blob.growth_fd, bytes, sizeof(bytes));
	while (n < 0 && errno == EINTR);
	stream->has_grown = n <= 0;
	return true;
}

static ssize_t read_blob(void *arg, void *to, size_t size, struct error *err)
{
	struct stream *stream = arg;
	uint64_t left = stream->blob.size - stream->at;
	bool may_grow = stream->blob.growth_fd >= 0;
	ssize_t n;

	/* What came before the end of the pipe is seen by a last look. */
	do {
		may_grow = may_grow && !stream->has_grown;
		n = pread(stream->blob.fd, to, MIN(size, left),
			  (off_t)(stream->blob.offset + stream->at));
	} while ((n < 0 && errno == EINTR) ||
		 (n == 0 && left && may_grow && wait_for_more(stream)));
	if (n < 0)
		return err_sys(err, "read the blob");
	if (n == 0 && left)
		return tell_short(stream, err);
	digest_update(&stream->blob_digest, to, (size_t)n);
	stream->at += (uint64_t)n;
	if (stream->blob.copy_fd >= 0) {
		int rc = copy_blob(stream, to, (size_t)n, err);

		if (rc < 0)
			return rc;
	}
	return n;
}

/* An empty slot, or NULL once nobody wants it. */
static struct slot *next_empty(struct stream *stream)
{
	bool is_stopped;

	(void)pthread_mutex_lock(&stream->lock);
	while ((!stream->is_begun || stream->filled - stream->emptied == SLOTS) &&
	       !stream->is_stopped)
		(void)pthread_cond_wait(&stream->changed, &stream->lock);
	is_stopped = stream->is_stopped;
	(void)pthread_mutex_unlock(&stream->lock);
	return is_stopped ? NULL : &stream->slots[stream->filled % SLOTS];
}

static void post(struct stream *stream)
{
	(void)pthread_mutex_lock(&stream->lock);
	stream->filled++;
	(void)pthread_cond_broadcast(&stream->changed);
	(void)pthread_mutex_unlock(&stream->lock);
}

/* Reads what nobody inflates any more, for the digest. */
static void drain(struct stream *stream, uint8_t *buffer)
{
	struct error ignored = { 0 };

	stream->blob.copy_fd = -1;
	while (read_blob(stream, buffer, SLOT_SIZE, &ignored) > 0)
		;
}

static void *feed(void *arg)
{
	struct stream *stream = arg;
	ssize_t n;

	do {
		struct slot *slot = next_empty(stream);

		if (!slot)
			return NULL;
		n = inflate_read(stream->inflate, slot->data, SLOT_SIZE, &stream->failed);
		if (n < 0)
			drain(stream, slot->data);
		slot->len = n < 0 ? 0 : (size_t)n;
		post(stream);
	} while (n > 0);
	return NULL;
}

/* ---- the caller ------------------------------------------------------------------------------ */

static int start_thread(struct stream *stream, struct error *err)
{
	pthread_attr_t attr;
	int rc;

	(void)pthread_attr_init(&attr);
	(void)pthread_attr_setstacksize(&attr, STACK);
	rc = pthread_create(&stream->thread, &attr, feed, stream);
	(void)pthread_attr_destroy(&attr);
	if (rc)
		return err_set(err, rc, "start a thread: %s", err_text(rc));
	return 0;
}

struct stream *stream_start(const struct stream_blob *blob, struct error *err)
{
	struct stream *stream = xcalloc(1, sizeof(*stream));
	const struct inflate_source source = { .read = read_blob, .arg = stream };

	stream->blob = *blob;
	stream->inflate = inflate_new(&source, inflate_limit(blob->size));
	digest_init(&stream->blob_digest);
	digest_init(&stream->tar_digest);
	for (size_t i = 0; i < SLOTS; i++)
		stream->slots[i].data = xmalloc(SLOT_SIZE);
	(void)pthread_mutex_init(&stream->lock, NULL);
	(void)pthread_cond_init(&stream->changed, NULL);
	if (start_thread(stream, err) < 0) {
		stream->is_joined = true;
		stream_free(stream);
		return NULL;
	}
	return stream;
}

static void join(struct stream *stream)
{
	if (stream->is_joined)
		return;
	(void)pthread_mutex_lock(&stream->lock);
	stream->is_stopped = true;
	(void)pthread_cond_broadcast(&stream->changed);
	(void)pthread_mutex_unlock(&stream->lock);
	(void)pthread_join(stream->thread, NULL);
	stream->is_joined = true;
}

void stream_free(struct stream *stream)
{
	if (!stream)
		return;
	join(stream);
	for (size_t i = 0; i < SLOTS; i++)
		free(stream->slots[i].data);
	inflate_free(stream->inflate);
	(void)pthread_mutex_destroy(&stream->lock);
	(void)pthread_cond_destroy(&stream->changed);
	free(stream);
}

void stream_freep(struct stream **stream)
{
	stream_free(*stream);
}

/* Gives the slot in use back and waits for the next full one. */
static struct slot *next_full(struct stream *stream)
{
	(void)pthread_mutex_lock(&stream->lock);
	stream->is_begun = true;
	stream->emptied += stream->has_slot;
	(void)pthread_cond_broadcast(&stream->changed);
	while (stream->filled == stream->emptied)
		(void)pthread_cond_wait(&stream->changed, &stream->lock);
	(void)pthread_mutex_unlock(&stream->lock);
	stream->has_slot = true;
	return &stream->slots[stream->emptied % SLOTS];
}

int stream_fill(void *arg, const uint8_t **ret, size_t *ret_len, struct error *err)
{
	struct stream *stream = arg;
	const struct slot *slot;

	*ret_len = 0;
	if (stream->is_at_end)
		return 0;
	slot = next_full(stream);
	if (slot->len == 0) {
		stream->is_at_end = true;
		/* The feeder wrote it before it posted the slot. */
		if (stream->failed.code) {
			*err = stream->failed;
			return -err->code;
		}
		return 0;
	}
	digest_update(&stream->tar_digest, slot->data, slot->len);
	*ret = slot->data;
	*ret_len = slot->len;
	return 0;
}

/* The blob's digest, although nobody wants its content: the reader has failed. */
static int check_blob_after(struct stream *stream, const struct error *failed, struct error *err)
{
	struct error mismatch = { 0 };

	join(stream);
	drain(stream, stream->slots[0].data);
	if (stream->blob.growth_fd >= 0 && stream->at < stream->blob.size)
		return tell_short(stream, err);
	if (stream->blob.digest[0] && digest_verify(&stream->blob_digest, stream->blob.digest,
						    stream->blob.size, &mismatch) < 0)
		*err = mismatch;
	else
		*err = *failed;
	return -err->code;
}

int stream_finish(struct stream *stream, const struct error *failed, struct error *err)
{
	const uint8_t *data;
	size_t len = 1;
	int rc;

	if (failed)
		return check_blob_after(stream, failed, err);
	while (len) {
		rc = stream_fill(stream, &data, &len, err);
		if (rc < 0) {
			struct error copy = *err;

			return check_blob_after(stream, &copy, err);
		}
	}
	join(stream);
	if (stream->blob.digest[0]) {
		rc = digest_verify(&stream->blob_digest, stream->blob.digest, stream->blob.size,
				   err);
		if (rc < 0)
			return rc;
		(void)stpcpy(stream->digest, stream->blob.digest);
	} else {
		digest_final(&stream->blob_digest, stream->digest);
	}
	rc = digest_verify(&stream->tar_digest, stream->blob.diff_id, stream->tar_digest.size, err);
	return rc < 0 ? err_wrap(err, "diff_id of the tar inside") : 0;
}

void stream_digest(const struct stream *stream, char ret[DIGEST_TEXT])
{
	(void)stpcpy(ret, stream->digest);
}

enum inflate_kind stream_kind(const struct stream *stream)
{
	return inflate_kind(stream->inflate);
}
