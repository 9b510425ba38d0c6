/* SPDX-License-Identifier: Apache-2.0 */
#include "image/load.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/sys_mount.h"
#include "image/confine.h"
#include "image/keeper_internal.h"
#include "image/limits.h"
#include "image/load_internal.h"
#include "image/manifest.h"
#include "image/signals.h"
#include "image/tar.h"

/*
 * The keeper.  Everything is made in <store>/tmp/load-*, and gets its name when all is there:
 *
 *	l<N>      a layer        -> layers/<32 digits of its diff_id>
 *	b<N>      its blob       -> blobs/sha256/<hex>
 *	<digest>  a blob         -> blobs/sha256/<hex>
 *	root      the reader's root, empty
 *
 * One syncfs(2) makes all of it durable before the first name is given; fsync(2) of each file would
 * take as long as all the rest.  Most is written before that, by and by (load_early.c).
 */
/* ---- the place ------------------------------------------------------------------------------- */

static int make_work_dir(struct keeper *k, const struct dir *store, struct error *err)
{
	for (int i = 0; i < 1000; i++) {
		(void)snprintf(k->work_name, sizeof(k->work_name), "tmp/load-%d-%d", getpid(), i);
		if (mkdirat(store->fd, k->work_name, 0700) == 0)
			return 0;
		if (errno != EEXIST)
			break;
	}
	k->work_name[0] = '\0';
	return err_sys(err, "make a directory in the store's 'tmp'");
}

/* A file that nothing has to remove. */
static int open_spool(struct keeper *k, struct error *err)
{
	k->spool = openat(k->work.fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (k->spool < 0 && (errno == EOPNOTSUPP || errno == EISDIR)) {
		k->spool = openat(k->work.fd, "spool", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (k->spool >= 0)
			(void)unlinkat(k->work.fd, "spool", 0);
	}
	return k->spool < 0 ? err_sys(err, "make a file in the store's 'tmp'") : 0;
}

/* A directory is read through a mount of its own, of which ".." is the end. */
static int open_input(struct keeper *k, struct error *err)
{
	const struct sys_bind bind = {
		.source = { .fd = k->options->input_fd, .path = k->options->name },
		.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
			    MOUNT_ATTR_NOEXEC,
	};
	struct stat st;

	/* A socket that leads to the reader. */
	if (k->options->is_pull)
		return 0;
	if (fstat(k->options->input_fd, &st) < 0)
		return err_sys(err, "look at it");
	if (S_ISDIR(st.st_mode)) {
		k->input = sys_bind_open(&bind, err);
		return MIN(k->input, 0);
	}
	k->input = fcntl(k->options->input_fd, F_DUPFD_CLOEXEC, 3);
	return k->input < 0 ? err_sys(err, "open it again") : 0;
}

static int open_signals(struct keeper *k, struct error *err)
{
	sigset_t set;

	signals_heeded(&set);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	k->signals = signalfd(-1, &set, SFD_CLOEXEC);
	return k->signals < 0 ? err_sys(err, "watch for signals") : 0;
}

/* From here on the keeper sees nothing but the store. */
static int enter_store(struct keeper *k, struct error *err)
{
	const struct dir given = { .fd = k->options->store_fd, .path = "the store" };
	struct stat st;
	int rc = open_input(k, err);

	if (rc < 0)
		return rc;
	k->store.fd = confine_enter(CONFINE_KEEPER, &given, LOAD_MAX_SPOOL, err);
	if (k->store.fd < 0)
		return k->store.fd;
	if (fstat(k->store.fd, &st) < 0)
		return err_sys(err, "look at the store");
	k->device = st.st_dev;
	return 0;
}

static int prepare(struct keeper *k, struct error *err)
{
	cpu_set_t cpus;
	int rc = open_signals(k, err);

	k->max_workers =
		sched_getaffinity(0, sizeof(cpus), &cpus) == 0 ? (size_t)CPU_COUNT(&cpus) : 1;
	k->max_workers = MIN(k->max_workers, MAX_WORKERS);
	if (rc == 0)
		rc = enter_store(k, err);
	if (rc == 0)
		rc = make_work_dir(k, &k->store, err);
	if (rc < 0)
		return rc;
	k->work.fd = openat(k->store.fd, k->work_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (k->work.fd < 0)
		return err_sys(err, "open '%s'", k->work_name);
	if (mkdirat(k->work.fd, "root", 0700) < 0)
		return err_sys(err, "make '%s/root'", k->work_name);
	return open_spool(k, err);
}

/* ---- the reader ------------------------------------------------------------------------------ */

static int live_as_reader(void *arg, int sock, struct error *err)
{
	struct load_reader *reader = arg;

	reader->sock = sock;
	return load_read(reader, err);
}

static int start_reader(struct keeper *k, struct error *err)
{
	auto_fd int root = openat(k->work.fd, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct load_reader reader = {
		.root = { .fd = root, .path = "root" },
		.input = k->input,
		.spool = k->spool,
		.is_for_others = k->options->is_for_others,
	};

	if (k->options->is_pull) {
		k->reader =
			(struct load_child){ .pid = LOAD_FOREIGN, .sock = k->options->input_fd };
		return 0;
	}
	if (root < 0)
		return err_sys(err, "open the reader's root");
	return load_child_start(&k->reader, (int[]){ root, k->input, k->spool }, 3, live_as_reader,
				&reader, err);
}

/* ---- unpackers ------------------------------------------------------------------------------- */

static int live_as_unpacker(void *arg, int sock, struct error *err)
{
	struct load_unpacker *unpacker = arg;

	unpacker->sock = sock;
	return load_unpack(unpacker, err);
}

bool keeper_has_layer(const struct keeper *k, const char *diff_id)
{
	char name[LAYER_NAME];
	auto_free char *path = NULL;

	layer_name(diff_id, name);
	path = xasprintf("layers/%s", name);
	return faccessat(k->store.fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

bool keeper_has_blob(const struct keeper *k, const struct stream_blob *blob)
{
	auto_free char *path = NULL;
	struct stat st;

	if (!blob->digest[0])
		return false;
	path = xasprintf("blobs/sha256/%s", digest_hex(blob->digest));
	return fstatat(k->store.fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
	       (uint64_t)st.st_size == blob->size;
}

static void work_name(char kind, const struct load_message *message, char ret[16])
{
	(void)snprintf(ret, 16, "%c%u", kind, message->layer);
}

/* A file for the blob's copy, if the store has none: *ret is -1 then. */
static int open_copy(struct keeper *k, struct layer_made *layer, int *ret, struct error *err)
{
	char name[16];

	if (layer->is_known && keeper_has_blob(k, &layer->message.blob))
		return 0;
	work_name('b', &layer->message, name);
	*ret = openat(k->work.fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (*ret < 0)
		return err_sys(err, "make a file for the blob of layer '%s'",
			       layer->message.blob.diff_id);
	layer->is_kept = true;
	return 0;
}

int keeper_check_layer(const struct load_message *message, struct error *err)
{
	int rc = digest_check(message->blob.diff_id, "layer", err);

	if (rc == 0 && message->blob.digest[0])
		rc = digest_check(message->blob.digest, "layer", err);
	if (rc == 0 && (message->layer >= LOAD_MAX_LAYERS || message->blob.size > BLOB_MAX_SIZE))
		rc = err_set(err, EPROTO, "the reader asks for an impossible layer");
	return rc;
}

static struct worker *free_worker(struct keeper *k)
{
	struct worker *worker = k->workers;

	while (worker->child.pid)
		worker++;
	return worker;
}

int keeper_start_worker(struct keeper *k, const struct keeper_layer *layer, struct error *err)
{
	const struct load_message *message = layer->message;
	struct worker *worker = free_worker(k);
	struct load_unpacker unpacker = { .layer = *message, .copy_fd = -1 };
	auto_fd int root = -1;
	auto_fd int copy = -1;
	char name[16];
	int rc = 0;

	worker->layer = (struct layer_made){ .message = *message,
					     .is_known = keeper_has_layer(k, message->blob.diff_id),
					     .is_pulled = layer->is_pulled };
	if (!layer->is_pulled)
		rc = open_copy(k, &worker->layer, &copy, err);
	if (rc < 0)
		return rc;
	work_name('l', message, name);
	if (mkdirat(k->work.fd, name, 0755) < 0)
		return err_sys(err, "make a directory for layer '%s'", message->blob.diff_id);
	root = openat(k->work.fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (root < 0)
		return err_sys(err, "open the directory of layer '%s'", message->blob.diff_id);
	unpacker.root = (struct dir){ .fd = root, .path = name };
	unpacker.is_known = worker->layer.is_known;
	unpacker.layer.blob.fd = layer->fd;
	unpacker.layer.blob.growth_fd = layer->growth;
	unpacker.copy_fd = copy;
	rc = load_child_start(&worker->child, (int[]){ root, layer->fd, copy, layer->growth }, 4,
			      live_as_unpacker, &unpacker, err);
	k->n_workers += rc == 0;
	return rc;
}

static int start_loaded(struct keeper *k, const struct load_message *message, int fd,
			struct error *err)
{
	const struct keeper_layer layer = { .message = message, .fd = fd, .growth = -1 };
	int rc = fd < 0 ? err_set(err, EPROTO, "the reader sends no file")
			: keeper_check_layer(message, err);

	return rc < 0 ? rc : keeper_start_worker(k, &layer, err);
}

/* overlayfs.rst, "whiteouts and opaque directories": trusted.* takes CAP_SYS_ADMIN. */
static int mark_opaque(const struct keeper *k, int fd, struct error *err)
{
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISDIR(st.st_mode) || st.st_dev != k->device)
		return err_set(err, EPROTO, "an unpacker marks what is no directory");
	if (fsetxattr(fd, "trusted.overlay.opaque", "y", 1, 0) < 0)
		return err_sys(err, "mark a directory as opaque");
	return 0;
}

static void show_progress(const struct keeper *k, const struct layer_made *made)
{
	if (!k->options->is_quiet && !k->options->is_pull && isatty(STDERR_FILENO))
		(void)fprintf(stderr, "%.12s: %s, %" PRIu64 " MB\n",
			      digest_hex(made->message.blob.diff_id),
			      made->is_known ? "already there" : "unpacked",
			      made->message.unpacked / 1000000);
}

int keeper_told(const struct keeper *k, int rc, struct error *err)
{
	if (rc != -EPIPE || !k->options->is_pull)
		return rc;
	*err = (struct error){ 0 };
	return 0;
}

int keeper_report(struct keeper *k, struct error *err)
{
	int rc = 0;

	while (rc == 0 && k->is_reader_waiting && k->n_reported < k->n_made)
		rc = load_send(k->reader.sock, &k->made[k->n_reported++].message, -1, err);
	return keeper_told(k, rc, err);
}

static int end_worker(struct keeper *k, struct worker *worker, const struct load_message *message,
		      struct error *err)
{
	struct layer_made *made;

	load_child_kill(&worker->child);
	k->n_workers--;
	k->made = xrealloc(k->made, k->n_made + 1, sizeof(*k->made));
	made = &k->made[k->n_made++];
	*made = worker->layer;
	made->message.kind = LOAD_LAYER_DONE;
	made->message.unpacked = message->unpacked;
	made->message.packing = message->packing;
	/* It becomes a name. */
	if (digest_check(message->blob.digest, "the unpacker's layer", err) < 0)
		return -err->code;
	memcpy(made->message.blob.digest, message->blob.digest, DIGEST_TEXT);
	if (made->is_pulled)
		pull_layer_over(k, made->message.layer);
	show_progress(k, made);
	return keeper_report(k, err);
}

/*
 * A blob that is bad is not kept for the next pull to go on with.  If it only has not come as a whole,
 * then the reader knows why, and is waited for.
 */
static int fail_worker(struct keeper *k, struct worker *worker, const struct error *failed,
		       struct error *err)
{
	if (worker->layer.is_pulled && failed->code == ECONNABORTED) {
		load_child_kill(&worker->child);
		k->n_workers--;
		k->aborted = *failed;
		return 0;
	}
	if (worker->layer.is_pulled)
		pull_discard_blob(k, worker->layer.message.blob.digest);
	*err = *failed;
	return -(err->code > 0 ? err->code : EIO);
}

static int hear_worker(struct keeper *k, struct worker *worker, struct error *err)
{
	struct load_message message;
	auto_fd int fd = -1;
	int rc = load_receive(worker->child.sock, &message, &fd, err);

	if (rc < 0)
		return rc;
	if (rc == 0) {
		rc = load_child_wait(&worker->child, "unpacker", err);
		k->n_workers--;
		if (rc == 0)
			rc = err_set(err, EPROTO, "the unpacker ended without a word");
		return err_wrap(err, "layer '%s'", worker->layer.message.blob.diff_id);
	}
	switch (message.kind) {
	case LOAD_OPAQUE:
		return mark_opaque(k, fd, err);
	case LOAD_LAYER_DONE:
		if (message.packing != INFLATE_GZIP && message.packing != INFLATE_ZSTD)
			message.packing = INFLATE_NONE;
		return end_worker(k, worker, &message, err);
	case LOAD_FAILED:
		return fail_worker(k, worker, &message.err, err);
	case LOAD_LAYER:
	case LOAD_WAITING:
	case LOAD_BLOB:
	case LOAD_RESULT:
	case LOAD_WANT:
	case LOAD_GET:
		break;
	}
	return err_set(err, EPROTO, "the unpacker does not keep to the protocol");
}

/* ---- documents ------------------------------------------------------------------------------- */

static int read_text(int fd, uint64_t size, uint64_t max, char **ret, struct error *err)
{
	auto_free char *text = NULL;
	size_t done = 0;

	if (fd < 0 || size > max)
		return err_set(err, EPROTO, "the reader sends an impossible document");
	text = xmalloc(size + 1);
	while (done < size) {
		ssize_t n = pread(fd, text + done, size - done, (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_set(err, EPROTO, "the reader sends less than it says");
		done += (size_t)n;
	}
	text[size] = '\0';
	*ret = take_ptr(text);
	return 0;
}

/* Whoever names a blob verifies it. */
static int take_blob(struct keeper *k, const struct load_message *message, int fd,
		     struct error *err)
{
	auto_free char *text = NULL;
	struct digest digest;
	int rc = digest_check(message->blob.digest, "blob", err);

	if (rc == 0 && k->n_blobs == MAX_BLOBS)
		rc = err_set(err, EPROTO, "the reader sends too many documents");
	if (rc == 0)
		rc = read_text(fd, message->blob.size, CONFIG_MAX_SIZE, &text, err);
	if (rc < 0)
		return rc;
	digest_init(&digest);
	digest_update(&digest, text, message->blob.size);
	rc = digest_verify(&digest, message->blob.digest, message->blob.size, err);
	if (rc < 0)
		return err_wrap(err, "blob '%s'", message->blob.digest);
	rc = file_replace_at(&k->work, message->blob.digest, text, message->blob.size, 0600,
			     FILE_FAST, err);
	if (rc == 0)
		memcpy(k->blobs[k->n_blobs++], message->blob.digest, DIGEST_TEXT);
	return rc;
}

static int take_result(struct keeper *k, const struct load_message *message, int fd,
		       struct error *err)
{
	free(take_ptr(k->result));
	return read_text(fd, message->blob.size, MAX_RESULT, &k->result, err);
}

static int tell_astray(struct error *err)
{
	return err_set(err, EPROTO, "the reader does not keep to the protocol");
}

static int hear_reader(struct keeper *k, struct error *err)
{
	struct load_message message;
	auto_fd int fd = -1;
	int rc = load_receive(k->reader.sock, &message, &fd, err);

	if (rc < 0)
		return rc;
	if (rc == 0) {
		rc = load_child_wait(&k->reader, "reader", err);
		if (rc == 0 && !k->result)
			rc = err_set(err, EPROTO, "the reader ended without a word");
		return rc;
	}
	switch (message.kind) {
	case LOAD_LAYER:
		return start_loaded(k, &message, fd, err);
	case LOAD_WANT:
		return k->options->is_pull ? pull_want(k, &message, err) : tell_astray(err);
	case LOAD_WAITING:
		k->is_reader_waiting = true;
		return keeper_report(k, err);
	case LOAD_BLOB:
		return take_blob(k, &message, fd, err);
	case LOAD_RESULT:
		return take_result(k, &message, fd, err);
	case LOAD_FAILED:
		*err = message.err;
		return -(err->code > 0 ? err->code : EIO);
	case LOAD_LAYER_DONE:
	case LOAD_OPAQUE:
	case LOAD_GET:
		break;
	}
	return tell_astray(err);
}

/* ---- the loop -------------------------------------------------------------------------------- */

static int hear_signal(const struct keeper *k, struct error *err)
{
	struct signalfd_siginfo info = { 0 };

	(void)!read(k->signals, &info, sizeof(info));
	return err_set(err, EINTR, "ended by signal %u", info.ssi_signo);
}

/* What a pull wants is kept until there is somebody to do it. */
static bool is_heard(const struct keeper *k)
{
	return k->reader.pid && (k->options->is_pull || k->n_workers < k->max_workers);
}

static int patience(const struct keeper *k)
{
	if (k->aborted.code)
		return 5000;
	return pull_is_waiting(k) ? 100 : -1;
}

/* Waits for a word of anybody, and answers it. */
static int turn(struct keeper *k, struct error *err)
{
	struct pollfd fds[MAX_WORKERS + 2];
	int n, rc = 0;

	fds[0] = (struct pollfd){ .fd = k->signals, .events = POLLIN };
	/* It may ask for the next layer only when there is somebody to do it. */
	fds[1] = (struct pollfd){
		.fd = is_heard(k) ? k->reader.sock : -1,
		.events = POLLIN,
	};
	for (size_t i = 0; i < MAX_WORKERS; i++)
		fds[2 + i] = (struct pollfd){
			.fd = k->workers[i].child.pid ? k->workers[i].child.sock : -1,
			.events = POLLIN,
		};
	n = poll(fds, ARRAY_LEN(fds), patience(k));
	if (n < 0)
		return errno == EINTR ? 0 : err_sys(err, "wait");
	if (n == 0 && k->aborted.code) {
		*err = k->aborted;
		return -err->code;
	}
	if (fds[0].revents)
		return hear_signal(k, err);
	for (size_t i = 0; rc == 0 && i < MAX_WORKERS; i++) {
		if (fds[2 + i].revents)
			rc = hear_worker(k, &k->workers[i], err);
	}
	if (rc == 0 && fds[1].revents)
		rc = hear_reader(k, err);
	return rc < 0 ? rc : pull_go_on(k, err);
}

/* ---- names ----------------------------------------------------------------------------------- */

static int name_layer(struct keeper *k, const struct layer_made *made, struct error *err)
{
	char name[LAYER_NAME], from[16];
	auto_free char *to = NULL;

	if (made->is_known)
		return 0;
	layer_name(made->message.blob.diff_id, name);
	work_name('l', &made->message, from);
	to = xasprintf("layers/%s", name);
	if (renameat2(k->work.fd, from, k->store.fd, to, RENAME_NOREPLACE) == 0)
		return 0;
	/* Another load was faster, or this archive has the layer twice in different wrappings. */
	return errno == EEXIST ? 0 : err_sys(err, "move layer '%s' to its place", to);
}

static int name_blob(struct keeper *k, const char *from, const char *digest, struct error *err)
{
	auto_free char *to = xasprintf("blobs/sha256/%s", digest_hex(digest));

	/* ENOENT: two images of the archive share a config, and it has been moved already. */
	if (renameat(k->work.fd, from, k->store.fd, to) == 0 ||
	    (errno == ENOENT && faccessat(k->store.fd, to, F_OK, 0) == 0))
		return 0;
	return err_sys(err, "move blob '%s' to its place", digest);
}

static int name_copy(struct keeper *k, const struct layer_made *made, struct error *err)
{
	char from[16];

	if (made->is_pulled)
		return pull_name_blob(k, made->message.blob.digest, err);
	if (!made->is_kept)
		return 0;
	work_name('b', &made->message, from);
	return name_blob(k, from, made->message.blob.digest, err);
}

static int sync_dir(const struct keeper *k, const char *name, struct error *err)
{
	auto_fd int fd = openat(k->store.fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || fsync(fd) < 0 ? err_sys(err, "make '%s' durable", name) : 0;
}

static int name_all(struct keeper *k, struct error *err)
{
	int rc = 0;

	load_child_kill(&k->syncer);
	if (syncfs(k->work.fd) < 0)
		return err_sys(err, "make the layers durable");
	for (size_t i = 0; rc == 0 && i < k->n_made; i++)
		rc = name_layer(k, &k->made[i], err);
	for (size_t i = 0; rc == 0 && i < k->n_made; i++)
		rc = name_copy(k, &k->made[i], err);
	for (size_t i = 0; rc == 0 && i < k->n_blobs; i++)
		rc = name_blob(k, k->blobs[i], k->blobs[i], err);
	if (rc == 0)
		rc = sync_dir(k, "layers", err);
	if (rc == 0)
		rc = sync_dir(k, "blobs/sha256", err);
	return rc;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static int write_result(const struct keeper *k, const char *text, struct error *err)
{
	size_t len = strlen(text);

	while (len) {
		ssize_t n = write(k->options->result_fd, text, len);

		if (n < 0 && errno != EINTR)
			return err_sys(err, "write the answer");
		text += MAX(n, 0);
		len -= (size_t)MAX(n, 0);
	}
	return 0;
}

static int load(struct keeper *k, struct error *err)
{
	int rc = prepare(k, err);

	if (rc == 0)
		rc = early_start(k, err);
	if (rc == 0)
		rc = start_reader(k, err);
	while (rc == 0 && k->reader.pid)
		rc = turn(k, err);
	if (rc == 0 && k->n_workers)
		rc = err_set(err, EPROTO, "the reader did not wait for its layers");
	return rc < 0 ? rc : name_all(k, err);
}

static void clean_up(struct keeper *k)
{
	struct error ignored = { 0 };

	load_child_kill(&k->syncer);
	load_child_kill(&k->reader);
	for (size_t i = 0; i < MAX_WORKERS; i++)
		load_child_kill(&k->workers[i].child);
	pull_fini(k);
	if (k->work_name[0])
		(void)tree_remove_at(&k->store, k->work_name, &ignored);
	free(k->made);
}

static void tell_failure(const struct keeper *k, const struct error *err)
{
	auto_json json_t *root = json_object_new();
	auto_free char *text = NULL;
	struct error ignored = { 0 };

	json_put_string(root, "error", err->msg);
	json_put_int(root, "code", err->code);
	text = json_to_text(root, JSON_COMPACT);
	(void)write_result(k, text, &ignored);
}

int load_run(const struct load_options *options)
{
	struct keeper k = {
		.options = options,
		.store = { .fd = -1, .path = "the store" },
		.work = { .fd = -1, .path = k.work_name },
		.input = -1,
		.spool = -1,
		.signals = -1,
	};
	struct error err = { 0 };
	int rc = load(&k, &err);

	clean_up(&k);
	if (rc == 0)
		rc = write_result(&k, k.result, &err);
	if (rc < 0) {
		auto_free char *shown = tar_shown(options->name);

		(void)err_wrap(&err, "%s '%s'", options->verb, shown);
		tell_failure(&k, &err);
	}
	free(k.result);
	return rc < 0;
}
