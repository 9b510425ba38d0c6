/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "cli/agree.h"
#include "cli/cmd_image.h"
#include "cli/cmd_image_internal.h"
#include "cli/human.h"
#include "engine/image_mount.h"
#include "engine/reconcile.h"
#include "image/image.h"
#include "image/ref.h"
#include "image/store.h"

void prune_fini(struct prune *prune)
{
	strv_fini(&prune->labels);
	strv_fini(&prune->unlabels);
}

int prune_parse(const char *text, void *field, struct error *err)
{
	struct prune *prune = field;

	if (str_starts(text, "until="))
		return clock_parse(text + strlen("until="), clock_real_ns(), &prune->until_ns, err);
	if (str_starts(text, "label!="))
		strv_add(&prune->unlabels, text + strlen("label!="));
	else if (str_starts(text, "label="))
		strv_add(&prune->labels, text + strlen("label="));
	else
		return err_set(err, EINVAL,
			       "'%s' is none of until=TIME, label=KEY[=VALUE], label!=KEY[=VALUE]",
			       text);
	return 0;
}

/* "key", whatever its value, or "key=value". */
static bool has_label(const struct strv *labels, const char *wanted)
{
	return strchr(wanted, '=') ? strv_has(labels, wanted) : strv_getenv(labels, wanted) != NULL;
}

bool image_is_labelled(const struct dir *store, const char *id, const struct strv *labels,
		       const struct strv *unlabels)
{
	auto_image struct image image = { 0 };
	struct error ignored = { 0 };

	if (labels->n == 0 && (!unlabels || unlabels->n == 0))
		return true;
	if (image_open(store, id, &image, &ignored) < 0)
		return false;
	for (size_t i = 0; i < labels->n; i++)
		if (!has_label(&image.labels, labels->items[i]))
			return false;
	for (size_t i = 0; unlabels && i < unlabels->n; i++)
		if (has_label(&image.labels, unlabels->items[i]))
			return false;
	return true;
}

static bool is_meant(const struct dir *store, const struct store_entry *entry,
		     const struct prune *prune)
{
	if (!prune->has_all && *entry->name)
		return false;
	if (prune->until_ns && entry->created * 1000000000 >= prune->until_ns)
		return false;
	return image_is_labelled(store, entry->id, &prune->labels, &prune->unlabels);
}

struct report {
	char *user; /* owned: the container that was named last */
	bool has_any;
};

static const char *find_user(void *arg, const char *id, const struct strv *layers)
{
	struct report *r = arg;

	(void)layers;
	free(r->user);
	r->user = image_user(&engine_dirs, id);
	return r->user;
}

static void report(void *arg, enum store_change change, const char *what)
{
	struct report *r = arg;
	auto_free char *shown = str_escape(ref_familiar(what));

	if (!r->has_any)
		printf("Deleted Images:\n");
	r->has_any = true;
	printf("%s: %s\n", change == STORE_UNTAGGED ? "untagged" : "deleted", shown);
}

/* Another name of an id that has been dealt with. */
static bool is_seen(const struct store_entry *entries, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (str_eq(entries[i].id, entries[at].id))
			return true;
	return false;
}

static bool has_name(const struct store_entry *entries, size_t n, const char *id)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(entries[i].id, id) && *entries[i].name)
			return true;
	return false;
}

static int total_size(const struct dir *store, uint64_t *ret, struct error *err)
{
	struct store_usage *usage = NULL;
	size_t n = 0;
	int rc = store_usage(store, &usage, &n, ret, err);

	free(usage);
	return rc;
}

static int remove_all(const struct dir *store, const struct store_entry *entries, size_t n,
		      const struct prune *prune, struct error *err)
{
	struct report r = { 0 };
	const struct store_removal removal = {
		.is_forced = true, /* all of its names */
		.keeps_used = true,
		.user = find_user,
		.report = report,
		.arg = &r,
	};
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < n; i++) {
		if (is_seen(entries, i) || !is_meant(store, &entries[i], prune) ||
		    (!prune->has_all && has_name(entries, n, entries[i].id)))
			continue;
		rc = store_remove(store, entries[i].id, &removal, err);
		/* Somebody uses it, or was faster. */
		if (rc == -EBUSY || rc == -ENOENT) {
			*err = (struct error){ 0 };
			rc = 0;
		}
	}
	free(r.user);
	if (r.has_any)
		printf("\n");
	return rc;
}

int prune_images(const struct prune *prune, uint64_t *freed, struct error *err)
{
	auto_fd int fd = store_open(IMAGE_STORE, err);
	const struct dir store = { .fd = fd, .path = IMAGE_STORE };
	struct store_entry *entries = NULL;
	struct error ignored = { 0 };
	uint64_t before = 0, after = 0;
	size_t n = 0;
	int rc;

	if (fd < 0)
		return fd;
	if (reconcile_all(&engine_dirs, &ignored) < 0)
		log_debug("%s", ignored.msg);
	rc = store_list(&store, &entries, &n, err);
	if (rc == 0)
		rc = total_size(&store, &before, err);
	if (rc == 0)
		rc = remove_all(&store, entries, n, prune, err);
	if (rc == 0)
		rc = total_size(&store, &after, err);
	store_entries_free(entries, n);
	/* Others may have loaded images meanwhile. */
	*freed += rc == 0 && after < before ? before - after : 0;
	return rc;
}

/* ---- image prune ------------------------------------------------------------------------------ */

struct prune_options {
	struct prune prune; /* first, for prune_parse() */
	bool is_forced;
};

static const struct opt prune_opts[] = {
	{ .name = "all",
	  .letter = 'a',
	  .kind = OPT_FLAG,
	  .offset = OPT_FIELD(struct prune_options, prune.has_all),
	  .help = "Remove all images that no container uses, not only those without a name" },
	{ .name = "filter",
	  .kind = OPT_PARSE,
	  .parse = prune_parse,
	  .arg = "FILTER",
	  .help = "Only some: until=TIME, label=KEY[=VALUE], label!=KEY[=VALUE]" },
	{ .name = "force",
	  .letter = 'f',
	  .kind = OPT_FLAG,
	  .offset = OPT_FIELD(struct prune_options, is_forced),
	  .help = "Do not ask first" },
	OPTS_END,
};

static void options_fini(void *options)
{
	prune_fini(&((struct prune_options *)options)->prune);
}

int prune_tell(uint64_t freed, struct error *err)
{
	auto_free char *size = human_size(freed);

	printf("Total reclaimed space: %s\n", size);
	return fflush(stdout) ? err_sys(err, "write to standard output") : 0;
}

static int run_prune(void *options, const struct strv *args, struct error *err)
{
	const struct prune_options *o = options;
	uint64_t freed = 0;
	int rc;

	(void)args;
	if (geteuid() != 0)
		return err_set(err, EPERM, "images are removed by root only");
	if (!o->is_forced &&
	    !agree(o->prune.has_all ? "This will remove all images without at least "
				      "one container associated to them."
				    : "This will remove all dangling images."))
		return 0;
	rc = prune_images(&o->prune, &freed, err);
	return rc < 0 ? rc : prune_tell(freed, err);
}

const struct command cmd_image_prune = {
	.name = "image prune",
	.group = "Images",
	.summary = "Remove images that nobody needs",
	.synopsis = "[OPTIONS]",
	.details = "Without --all, those that have lost their name to a newer one.",
	.opts = prune_opts,
	.options_size = sizeof(struct prune_options),
	.options_fini = options_fini,
	.run = run_prune,
};
