/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cmd_image.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "cli/cmd_image_internal.h"
#include "cli/human.h"
#include "cli/output.h"
#include "engine/image_mount.h"
#include "engine/reconcile.h"
#include "image/digest.h"
#include "image/image.h"
#include "image/ref.h"
#include "image/store.h"

/* ---- load ------------------------------------------------------------------------------------- */

struct load_options {
	char *input;
	bool is_quiet;
};

static const struct opt load_opts[] = {
	{ .name = "input",
	  .letter = 'i',
	  .kind = OPT_STRING,
	  .offset = OPT_FIELD(struct load_options, input),
	  .arg = "FILE",
	  .help = "Archive or OCI layout directory to read, instead of standard input" },
	{ .name = "quiet",
	  .letter = 'q',
	  .kind = OPT_FLAG,
	  .offset = OPT_FIELD(struct load_options, is_quiet),
	  .help = "Show no progress" },
	OPTS_END,
};

static void load_fini(void *options)
{
	free(((struct load_options *)options)->input);
}

static int run_load(void *options, const struct strv *args, struct error *err)
{
	const struct load_options *o = options;
	const struct store_input input = {
		.path = o->input,
		.fd = STDIN_FILENO,
		.is_quiet = o->is_quiet || !isatty(STDERR_FILENO),
	};
	auto_strv struct strv names = { 0 };
	auto_str struct str out = { 0 };
	int rc;

	(void)args;
	if (!o->input && isatty(STDIN_FILENO))
		return err_set(err, EINVAL, "load: --input, or an archive on standard input");
	rc = store_load(IMAGE_STORE, &input, &names, err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < names.n; i++)
		str_addf(&out, "Loaded image%s: %s\n", digest_is_valid(names.items[i]) ? " ID" : "",
			 ref_familiar(names.items[i]));
	return output_print(&out, err);
}

#define LOAD_COMMAND(name_, group_)                                                               \
	{                                                                                         \
		.name = (name_), .group = (group_),                                               \
		.summary = "Load images from an archive or a directory", .synopsis = "[OPTIONS]", \
		.details =                                                                        \
			"Reads OCI layouts (a directory, or a tar of one) and what docker save "  \
			"writes, each\nplain or compressed by gzip or zstd.",                     \
		.opts = load_opts, .options_size = sizeof(struct load_options),                   \
		.options_fini = load_fini, .run = run_load                                        \
	}

const struct command cmd_load = LOAD_COMMAND("load", "Images");
const struct command cmd_image_load = LOAD_COMMAND("image load", NULL);

/* ---- images ----------------------------------------------------------------------------------- */

struct list_options {
	bool is_quiet, has_all, is_whole, has_digests;
	bool has_dangling, is_dangling; /* --filter dangling=BOOL */
	struct strv references;         /* --filter reference=PATTERN */
	struct strv labels;             /* --filter label=KEY[=VALUE] */
	char *before, *since;           /* --filter before=IMAGE, since=IMAGE */
	char *format;
};

static int parse_filter(const char *text, void *field, struct error *err)
{
	struct list_options *o = field;
	bool is_yes = str_eq(text, "dangling=true") || str_eq(text, "dangling=1");

	if (is_yes || str_eq(text, "dangling=false") || str_eq(text, "dangling=0")) {
		o->has_dangling = true;
		o->is_dangling = is_yes;
		return 0;
	}
	if (str_starts(text, "reference=")) {
		strv_add(&o->references, text + strlen("reference="));
		return 0;
	}
	if (str_starts(text, "label=")) {
		strv_add(&o->labels, text + strlen("label="));
		return 0;
	}
	if (str_starts(text, "before=") || str_starts(text, "since=")) {
		char **field_of = *text == 'b' ? &o->before : &o->since;

		free(*field_of);
		*field_of = xstrdup(strchr(text, '=') + 1);
		return 0;
	}
	return err_set(err, EINVAL,
		       "'%s' is none of dangling=true|false, reference=PATTERN, label=KEY[=VALUE], "
		       "before=IMAGE, since=IMAGE",
		       text);
}

static const struct opt list_opts[] = {
	{ .name = "all",
	  .letter = 'a',
	  .kind = OPT_FLAG,
	  .offset = OPT_FIELD(struct list_options, has_all),
	  .help = "Show all images (they always are)" },
	{ .name = "digests",
	  .kind = OPT_FLAG,
	  .offset = OPT_FIELD(struct list_options, has_digests),
	  .help = "Show the digests of manifests" },
	{ .name = "filter",
	  .letter = 'f',
	  .kind = OPT_PARSE,
	  .parse = parse_filter,
	  .arg = "FILTER",
	  .help = "Show some: dangling=true|false, reference=PATTERN, label=KEY[=VALUE], "
		  "before=IMAGE, since=IMAGE" },
	{ .name = "format",
	  .kind = OPT_STRING,
	  .offset = OPT_FIELD(struct list_options, format),
	  .arg = "FORMAT",
	  .help = "table, json (an array), jsonl, or a template like {{.Repository}}" },
	{ .name = "no-trunc",
	  .kind = OPT_FLAG,
	  .offset = OPT_FIELD(struct list_options, is_whole),
	  .help = "Show ids as a whole" },
	{ .name = "quiet",
	  .letter = 'q',
	  .kind = OPT_FLAG,
	  .offset = OPT_FIELD(struct list_options, is_quiet),
	  .help = "Show ids only" },
	OPTS_END,
};

static void list_fini(void *options)
{
	struct list_options *o = options;

	free(o->format);
	free(o->before);
	free(o->since);
	strv_fini(&o->references);
	strv_fini(&o->labels);
}

struct row {
	char *repository, *tag, *digest, *id, *since, *at, *size;
};

#define COLUMN(name, heading, member)                                    \
	{                                                                \
		name, heading, COLUMN_TEXT, offsetof(struct row, member) \
	}
#define EXTRA(name, heading, member)                                                       \
	{                                                                                  \
		name, heading, COLUMN_TEXT, offsetof(struct row, member), .is_extra = true \
	}

static const struct column columns[] = {
	COLUMN("Repository", "REPOSITORY", repository),
	COLUMN("Tag", "TAG", tag),
	EXTRA("Digest", "DIGEST", digest),
	COLUMN("ID", "IMAGE ID", id),
	COLUMN("CreatedSince", "CREATED", since),
	EXTRA("CreatedAt", "CREATED AT", at),
	COLUMN("Size", "SIZE", size),
	{ NULL },
};

char *image_short_id(const char *id)
{
	return xstrndup(digest_hex(id), 12);
}

static struct row row_of(const struct store_entry *entry, bool is_whole)
{
	const char *name = ref_familiar(entry->name);
	const char *at = strchr(name, '@');
	const char *colon = at ? NULL : strrchr(name, ':');
	const char *end = at ? at : colon;
	int64_t age = (int64_t)time(NULL) - entry->created;
	auto_free char *duration = human_duration(age);

	return (struct row){
		.repository = end ? xstrndup(name, (size_t)(end - name)) : xstrdup("<none>"),
		.tag = xstrdup(colon ? colon + 1 : "<none>"),
		.digest = xstrdup(*entry->source ? entry->source : entry->digest),
		.id = is_whole ? xstrdup(entry->id) : image_short_id(entry->id),
		.since = entry->created ? xasprintf("%s ago", duration) : xstrdup("N/A"),
		.at = human_time(entry->created),
		.size = human_size(entry->size),
	};
}

static void rows_free(struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(rows[i].repository);
		free(rows[i].tag);
		free(rows[i].digest);
		free(rows[i].id);
		free(rows[i].since);
		free(rows[i].at);
		free(rows[i].size);
	}
	free(rows);
}

/* "busybox", "busybox:1.36", "ghcr.io/x/y", or a pattern of those ("busy*"). */
static bool is_called(const struct store_entry *entry, const char *wanted)
{
	const char *names[] = { entry->name, ref_familiar(entry->name) };
	const char *slash = strrchr(wanted, '/');
	bool has_tag = strchr(slash ? slash : wanted, ':') != NULL;

	for (size_t i = 0; i < 2; i++) {
		const char *colon = strrchr(names[i], ':');
		auto_free char *name = colon && !has_tag
					       ? xstrndup(names[i], (size_t)(colon - names[i]))
					       : xstrdup(names[i]);

		if (*name && fnmatch(wanted, name, FNM_PATHNAME) == 0)
			return true;
	}
	return false;
}

/* When the image of a filter was made; 0: there is no such filter. */
static int created_of(const struct dir *store, const char *reference,
		      const struct store_entry *entries, size_t n, int64_t *ret, struct error *err)
{
	auto_image struct image image = { 0 };
	int rc = reference ? image_open(store, reference, &image, err) : 0;

	*ret = 0;
	for (size_t i = 0; rc == 0 && reference && i < n; i++)
		if (str_eq(entries[i].id, image.id))
			*ret = entries[i].created;
	return rc;
}

/* Leaves those that filters about the images themselves do not hide. */
static int filter_images(const struct dir *store, const struct list_options *o,
			 struct store_entry *entries, size_t *n, struct error *err)
{
	int64_t before, since;
	size_t kept = 0;
	int rc = created_of(store, o->before, entries, *n, &before, err);

	if (rc == 0)
		rc = created_of(store, o->since, entries, *n, &since, err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < *n; i++) {
		struct store_entry entry = entries[i];

		if ((o->before && entry.created >= before) ||
		    (o->since && entry.created <= since) ||
		    !image_is_labelled(store, entry.id, &o->labels, NULL)) {
			free(entry.name);
			continue;
		}
		entries[kept++] = entry;
	}
	*n = kept;
	return 0;
}

static bool is_asked_for(const struct store_entry *entry, const struct list_options *o,
			 const struct strv *args)
{
	bool is_match = o->references.n == 0;

	for (size_t i = 0; i < o->references.n; i++)
		is_match = is_match || is_called(entry, o->references.items[i]);
	return is_match && (args->n == 0 || is_called(entry, args->items[0])) &&
	       (!o->has_dangling || o->is_dangling == (*entry->name == '\0'));
}

/* The newest first, as far as that is known; then by name. */
static int compare_entries(const void *a, const void *b)
{
	const struct store_entry *x = a, *y = b;

	if (x->created != y->created)
		return x->created < y->created ? 1 : -1;
	return strcmp(x->name, y->name);
}

static bool is_seen(const struct row *rows, size_t n, const char *id)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(rows[i].id, id))
			return true;
	return false;
}

static const char *format_of(const struct list_options *o)
{
	if (o->is_quiet)
		return "{{.ID}}";
	if (o->has_digests && (!o->format || str_eq(o->format, "table")))
		return "table {{.Repository}}\\t{{.Tag}}\\t{{.Digest}}\\t{{.ID}}\\t"
		       "{{.CreatedSince}}\\t{{.Size}}";
	return o->format;
}

static int run_list(void *options, const struct strv *args, struct error *err)
{
	const struct list_options *o = options;
	int fd = store_open(IMAGE_STORE, err);
	const struct dir store = { .fd = fd, .path = IMAGE_STORE };
	struct store_entry *entries = NULL;
	auto_str struct str out = { 0 };
	size_t n = 0, n_rows = 0;
	struct row *rows;
	int rc = fd < 0 ? fd : store_list(&store, &entries, &n, err);

	if (rc == 0)
		rc = filter_images(&store, o, entries, &n, err);
	close_fd(&fd);
	if (rc < 0) {
		store_entries_free(entries, n);
		return rc;
	}
	if (n > 0)
		qsort(entries, n, sizeof(*entries), compare_entries);
	rows = xcalloc(n + 1, sizeof(*rows));
	for (size_t i = 0; i < n; i++) {
		if (!is_asked_for(&entries[i], o, args))
			continue;
		rows[n_rows] = row_of(&entries[i], o->is_whole);
		n_rows += !o->is_quiet || !is_seen(rows, n_rows, rows[n_rows].id);
	}
	rc = output_rows(format_of(o), columns, rows, n_rows, sizeof(*rows), &out, err);
	rows_free(rows, n + 1);
	store_entries_free(entries, n);
	return rc < 0 ? rc : output_print(&out, err);
}

#define LIST_COMMAND(name_, group_)                                           \
	{                                                                     \
		.name = (name_), .group = (group_), .summary = "List images", \
		.synopsis = "[OPTIONS] [NAME[:TAG]]", .opts = list_opts,      \
		.options_size = sizeof(struct list_options), .max_args = 1,   \
		.options_fini = list_fini, .run = run_list                    \
	}

const struct command cmd_images = LIST_COMMAND("images", "Images");
const struct command cmd_image_ls = LIST_COMMAND("image ls", NULL);

/* ---- rmi -------------------------------------------------------------------------------------- */

struct remove_options {
	bool is_forced;
};

static const struct opt remove_opts[] = {
	{ .name = "force",
	  .letter = 'f',
	  .kind = OPT_FLAG,
	  .offset = OPT_FIELD(struct remove_options, is_forced),
	  .help = "Remove all names of an id, and names of images that are in use" },
	OPTS_END,
};

struct removing {
	char *user; /* what was named last, owned */
};

static const char *find_user(void *arg, const char *id, const struct strv *layers)
{
	struct removing *r = arg;

	(void)layers;
	free(r->user);
	r->user = image_user(&engine_dirs, id);
	return r->user;
}

/* Said as it happens: what has been removed is gone, whatever comes after. */
static void report(void *arg, enum store_change change, const char *what)
{
	auto_free char *shown = str_escape(ref_familiar(what));

	(void)arg;
	printf("%s: %s\n", change == STORE_UNTAGGED ? "Untagged" : "Deleted", shown);
}

static int run_remove(void *options, const struct strv *args, struct error *err)
{
	const struct remove_options *o = options;
	struct removing removing = { 0 };
	const struct store_removal removal = {
		.is_forced = o->is_forced,
		.user = find_user,
		.report = report,
		.arg = &removing,
	};
	auto_fd int fd = store_open(IMAGE_STORE, err);
	const struct dir store = { .fd = fd, .path = IMAGE_STORE };
	struct error last = { 0 };

	if (fd < 0)
		return fd;
	/* A container that died with its supervisor uses nothing any more, if it was not to stay. */
	if (reconcile_all(&engine_dirs, &last) < 0)
		log_debug("%s", last.msg);
	last = (struct error){ 0 };
	for (size_t i = 0; i < args->n; i++) {
		struct error failure = { 0 };
		int rc = store_remove(&store, args->items[i], &removal, &failure);

		if (rc == 0)
			continue;
		/* All are tried; each failure has its line, the last one by main. */
		if (last.code)
			log_error("%s", last.msg);
		last = failure;
		/* docker's -f: what is not there need not be removed. */
		if (rc == -ENOENT && o->is_forced) {
			log_warning("%s", last.msg);
			last.code = 0;
		}
	}
	free(removing.user);
	if (fflush(stdout) != 0)
		return err_sys(err, "write to standard output");
	*err = last;
	return -last.code;
}

#define REMOVE_COMMAND(name_, group_)                                                              \
	{                                                                                          \
		.name = (name_), .group = (group_), .summary = "Remove images",                    \
		.synopsis = "[OPTIONS] IMAGE [IMAGE...]",                                          \
		.details = "An image goes with its last name. IMAGE may also be an id "            \
			   "or the beginning of one.",                                             \
		.opts = remove_opts, .options_size = sizeof(struct remove_options), .min_args = 1, \
		.max_args = ARGS_MANY, .run = run_remove                                           \
	}

const struct command cmd_rmi = REMOVE_COMMAND("rmi", "Images");
const struct command cmd_image_rm = REMOVE_COMMAND("image rm", NULL);
