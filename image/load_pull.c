/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/lock.h"
#include "base/mem.h"
#include "image/keeper_internal.h"
#include "image/limits.h"
#include "image/store_internal.h"

/*
 * The keeper's half of a pull.  A blob grows in <store>/partial/<hex>, where it stays if the pull does
 * not come to its end: the next one goes on there.  Whoever fetches a blob has its file locked; the
 * others wait, and find then that it is complete, or that its layer is in the store.  The lock is let
 * go of as soon as the layer is unpacked, so that two pulls never wait for each other.
 *
 * Nothing of it is believed: its unpacker reads it from the beginning and verifies it, while it grows.
 */
#define PARTIAL STORE_PARTIAL

static char *partial_path(const char *digest)
{
	return xasprintf(PARTIAL "/%s", digest_hex(digest));
}

int pull_want(struct keeper *k, const struct load_message *message, struct error *err)
{
	int rc = keeper_check_layer(message, err);

	if (rc == 0 && (!message->blob.digest[0] || k->n_wanted == LOAD_MAX_LAYERS))
		rc = err_set(err, EPROTO, "the reader asks for an impossible layer");
	if (rc < 0)
		return rc;
	k->wanted = xrealloc(k->wanted, k->n_wanted + 1, sizeof(*k->wanted));
	k->wanted[k->n_wanted++] =
		(struct wanted){ .message = *message, .file = -1, .growth = { -1, -1 } };
	return 0;
}

static void close_wanted(struct wanted *wanted)
{
	close_fd(&wanted->file);
	close_fd(&wanted->growth[0]);
	close_fd(&wanted->growth[1]);
}

void pull_fini(struct keeper *k)
{
	for (size_t i = 0; i < k->n_wanted; i++)
		close_wanted(&k->wanted[i]);
	free(k->wanted);
}

/* It is in the store: the reader hears of it as of one that has been unpacked. */
static int use_known(struct keeper *k, struct wanted *wanted, struct error *err)
{
	struct layer_made *made;
	char name[LAYER_NAME];
	auto_free char *path = NULL;
	int rc;

	k->made = xrealloc(k->made, k->n_made + 1, sizeof(*k->made));
	made = &k->made[k->n_made];
	*made = (struct layer_made){ .message = wanted->message, .is_known = true };
	made->message.kind = LOAD_LAYER_DONE;
	layer_name(wanted->message.blob.diff_id, name);
	path = xasprintf("layers/%s", name);
	rc = tree_size_at(&k->store, path, &made->message.unpacked, err);
	if (rc < 0)
		return rc;
	k->n_made++;
	wanted->is_over = true;
	close_wanted(wanted);
	return keeper_report(k, err);
}

/* 1: locked; 0: somebody else has it.  The file may lose its name while we wait for it. */
static int lock_file(struct keeper *k, struct wanted *wanted, struct error *err)
{
	auto_free char *path = partial_path(wanted->message.blob.digest);
	auto_fd int fd = openat(k->store.fd, path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	struct stat here, there;
	int rc;

	if (fd < 0)
		return err_sys(err, "make '%s'", path);
	rc = lock_fd_try(fd, LOCK_EXCLUSIVE, path, err);
	if (rc <= 0)
		return rc;
	if (fstat(fd, &here) < 0)
		return err_sys(err, "look at '%s'", path);
	if (fstatat(k->store.fd, path, &there, AT_SYMLINK_NOFOLLOW) < 0 ||
	    here.st_ino != there.st_ino)
		return 0;
	if ((uint64_t)here.st_size > wanted->message.blob.size && ftruncate(fd, 0) < 0)
		return err_sys(err, "empty '%s'", path);
	wanted->file = take_fd(&fd);
	return 1;
}

static int send_get(struct keeper *k, struct wanted *wanted, struct error *err)
{
	struct load_message message = wanted->message;
	int rc;

	if (pipe2(wanted->growth, O_CLOEXEC) < 0)
		return err_sys(err, "make a pipe");
	message.kind = LOAD_GET;
	rc = load_send_fds(k->reader.sock, &message, (int[]){ wanted->file, wanted->growth[1] }, 2,
			   err);
	/* Its end is to be seen when the reader has closed it. */
	close_fd(&wanted->growth[1]);
	return keeper_told(k, rc, err);
}

static int obtain(struct keeper *k, struct wanted *wanted, struct error *err)
{
	const struct stream_blob *blob = &wanted->message.blob;
	bool is_there = keeper_has_layer(k, blob->diff_id) && keeper_has_blob(k, blob);
	int rc = is_there ? 0 : lock_file(k, wanted, err);

	/* Between our look and the lock somebody may have come to the end of it. */
	if (is_there || (rc > 0 && keeper_has_layer(k, blob->diff_id) && keeper_has_blob(k, blob)))
		return use_known(k, wanted, err);
	return rc <= 0 ? rc : send_get(k, wanted, err);
}

static int begin(struct keeper *k, struct wanted *wanted, struct error *err)
{
	const struct keeper_layer layer = {
		.message = &wanted->message,
		.fd = wanted->file,
		.growth = wanted->growth[0],
		.is_pulled = true,
	};
	int rc = keeper_start_worker(k, &layer, err);

	wanted->is_begun = true;
	close_fd(&wanted->growth[0]);
	return rc;
}

int pull_go_on(struct keeper *k, struct error *err)
{
	struct stat st;
	int rc = 0;

	if (k->n_wanted && fstatat(k->store.fd, PARTIAL, &st, 0) < 0 &&
	    mkdirat(k->store.fd, PARTIAL, 0700) < 0 && errno != EEXIST)
		return err_sys(err, "make '" PARTIAL "'");
	for (size_t i = 0; rc == 0 && i < k->n_wanted; i++) {
		struct wanted *wanted = &k->wanted[i];

		if (!wanted->is_over && wanted->file < 0)
			rc = obtain(k, wanted, err);
		if (rc == 0 && wanted->file >= 0 && !wanted->is_begun &&
		    k->n_workers < k->max_workers)
			rc = begin(k, wanted, err);
	}
	return rc;
}

bool pull_is_waiting(const struct keeper *k)
{
	for (size_t i = 0; i < k->n_wanted; i++)
		if (!k->wanted[i].is_over && k->wanted[i].file < 0)
			return true;
	return false;
}

void pull_layer_over(struct keeper *k, uint32_t number)
{
	for (size_t i = 0; i < k->n_wanted; i++) {
		if (k->wanted[i].message.layer != number)
			continue;
		k->wanted[i].is_over = true;
		close_wanted(&k->wanted[i]);
	}
}

int pull_name_blob(struct keeper *k, const char *digest, struct error *err)
{
	auto_free char *from = partial_path(digest);
	auto_free char *to = xasprintf("blobs/sha256/%s", digest_hex(digest));

	/* ENOENT: another pull of it was faster. */
	if (renameat(k->store.fd, from, k->store.fd, to) == 0 ||
	    (errno == ENOENT && faccessat(k->store.fd, to, F_OK, 0) == 0))
		return 0;
	return err_sys(err, "move blob '%s' to its place", digest);
}

void pull_discard_blob(struct keeper *k, const char *digest)
{
	auto_free char *path = partial_path(digest);

	(void)unlinkat(k->store.fd, path, 0);
}
