/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/macros.h"
#include "base/mem.h"
#include "base/parse_internal.h"
#include "base/path.h"

void mount_draft_fini(struct mount_draft *draft)
{
	free(draft->source);
	free(draft->target);
	strv_fini(&draft->tmpfs);
}

void mount_request_fini(struct mount_request *m)
{
	free(m->source);
	free(m->target);
	strv_fini(&m->options);
	*m = (struct mount_request){ 0 };
}

static const char *const propagations[] = {
	"private", "rprivate", "shared", "rshared", "slave", "rslave",
};

const char *mount_propagation(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(propagations); i++) {
		if (strcmp(name, propagations[i]) == 0)
			return propagations[i];
	}
	return NULL;
}

/* "./data" and ".." are meant from where the user stands. */
static int make_source_absolute(struct mount_draft *draft, struct error *err)
{
	auto_free char *full = NULL;
	char cwd[PATH_MAX];

	if (draft->source[0] != '/' && !getcwd(cwd, sizeof(cwd)))
		return err_sys(err, "find the working directory");
	full = draft->source[0] == '/' ? xstrdup(draft->source) : path_join(cwd, draft->source);
	free(draft->source);
	draft->source = path_clean(full);
	return 0;
}

static int check_target(struct mount_draft *draft, struct error *err)
{
	auto_free char *given = draft->target;

	draft->target = NULL;
	if (!given || !*given)
		return err_set(err, EINVAL, "no target");
	if (given[0] != '/')
		return err_set(err, EINVAL, "target '%s' is not absolute", given);
	draft->target = path_clean(given);
	if (strcmp(draft->target, "/") == 0)
		return err_set(err, EINVAL, "target must not be '/'");
	return 0;
}

static int check_source(struct mount_draft *draft, struct error *err)
{
	if (draft->kind == MOUNT_KIND_TMPFS)
		return draft->source ? err_set(err, EINVAL, "a tmpfs has no source") : 0;
	if (draft->kind == MOUNT_KIND_VOLUME) {
		if (draft->source && !is_valid_name(draft->source))
			return err_set(err, EINVAL,
				       "'%s' is neither the name of a volume nor an absolute path",
				       draft->source);
		return 0;
	}
	if (!draft->source || !*draft->source)
		return err_set(err, EINVAL, "no source");
	return make_source_absolute(draft, err);
}

/* Options that undo or repeat each other: the last one given counts. */
static bool is_same_setting(const char *a, const char *b)
{
	size_t len = strcspn(a, "=");

	a += len > 2 && !a[len] && str_starts(a, "no") ? 2 : 0;
	b += str_starts(b, "no") && !strchr(b, '=') ? 2 : 0;
	if ((str_eq(a, "ro") || str_eq(a, "rw")) && (str_eq(b, "ro") || str_eq(b, "rw")))
		return true;
	len = strcspn(a, "=");
	return len == strcspn(b, "=") && strncmp(a, b, len) == 0;
}

/* docker's MergeTmpfsOptions: the defaults, unless something was said about the same thing. */
static void add_tmpfs_options(const struct mount_draft *draft, struct strv *ret)
{
	static const char *const defaults[] = { "nosuid", "nodev", "noexec" };

	for (size_t i = 0; i < ARRAY_LEN(defaults); i++) {
		bool is_given = false;

		for (size_t j = 0; j < draft->tmpfs.n; j++)
			is_given |= is_same_setting(draft->tmpfs.items[j], defaults[i]);
		if (!is_given)
			strv_add(ret, defaults[i]);
	}
	for (size_t i = 0; i < draft->tmpfs.n; i++) {
		bool is_overruled = false;

		for (size_t j = i + 1; j < draft->tmpfs.n; j++)
			is_overruled |=
				is_same_setting(draft->tmpfs.items[j], draft->tmpfs.items[i]);
		if (!is_overruled)
			strv_add(ret, draft->tmpfs.items[i]);
	}
}

static void add_bind_options(const struct mount_draft *draft, struct strv *ret)
{
	strv_add(ret, draft->is_shallow ? "bind" : "rbind");
	strv_add(ret, draft->propagation ? draft->propagation : "rprivate");
	if (draft->is_read_only) {
		strv_add(ret, "ro");
		if (!draft->is_shallow && !draft->is_shallow_ro)
			strv_add(ret, "rro");
	}
}

int mount_draft_finish(struct mount_draft *draft, struct mount_request *ret, struct error *err)
{
	int rc = check_target(draft, err);

	if (rc == 0)
		rc = check_source(draft, err);
	if (rc < 0)
		return rc;

	*ret = (struct mount_request){
		.kind = draft->kind,
		.source = take_ptr(draft->source),
		.target = take_ptr(draft->target),
		.is_not_copied = draft->is_not_copied,
	};
	if (draft->kind == MOUNT_KIND_TMPFS) {
		if (draft->is_read_only)
			strv_add(&draft->tmpfs, "ro");
		add_tmpfs_options(draft, &ret->options);
	} else {
		add_bind_options(draft, &ret->options);
	}
	return 0;
}
