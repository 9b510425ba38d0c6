/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/macros.h"
#include "base/mem.h"
#include "base/parse_internal.h"

static int volume_option(struct mount_draft *draft, const char *option, bool *has_mode,
			 struct error *err)
{
	const char *propagation = mount_propagation(option);
	/* SELinux labels and the consistency of remote file systems: nothing to do here. */
	static const char *const ignored[] = { "z", "Z", "consistent", "cached", "delegated" };

	if (propagation) {
		if (draft->propagation)
			return err_set(err, EINVAL, "both '%s' and '%s'", draft->propagation,
				       propagation);
		draft->propagation = propagation;
		return 0;
	}
	if (strcmp(option, "ro") == 0 || strcmp(option, "rw") == 0) {
		if (*has_mode)
			return err_set(err, EINVAL, "'ro' or 'rw' given twice");
		*has_mode = true;
		draft->is_read_only = strcmp(option, "ro") == 0;
		return 0;
	}
	if (strcmp(option, "nocopy") == 0 && draft->kind == MOUNT_KIND_VOLUME) {
		draft->is_not_copied = true;
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(ignored); i++) {
		if (strcmp(option, ignored[i]) == 0)
			return 0;
	}
	return err_set(err, EINVAL, "unknown option '%s'", option);
}

static int volume_options(struct mount_draft *draft, const char *text, struct error *err)
{
	auto_strv struct strv options = { 0 };
	bool has_mode = false;

	strv_split(&options, text, ',');
	for (size_t i = 0; i < options.n; i++) {
		int rc = volume_option(draft, options.items[i], &has_mode, err);

		if (rc < 0)
			return rc;
	}
	return 0;
}

static int read_volume(const char *text, struct mount_draft *draft, struct error *err)
{
	auto_strv struct strv parts = { 0 };
	const char *source;

	strv_split(&parts, text, ':');
	if (parts.n > 3)
		return err_set(err, EINVAL, "more than two colons");

	draft->kind = MOUNT_KIND_VOLUME;
	draft->target = xstrdup(parts.items[parts.n == 1 ? 0 : 1]);
	if (parts.n > 1) {
		source = parts.items[0];
		if (!*source)
			return err_set(err, EINVAL, "no source");
		draft->source = xstrdup(source);
		if (source[0] == '/' || source[0] == '.')
			draft->kind = MOUNT_KIND_BIND;
	}
	return parts.n == 3 ? volume_options(draft, parts.items[2], err) : 0;
}

int parse_volume(const char *text, struct mount_request *ret, struct error *err)
{
	auto_draft struct mount_draft draft = { 0 };
	int rc = read_volume(text, &draft, err);

	if (rc == 0)
		rc = mount_draft_finish(&draft, ret, err);
	if (rc < 0)
		return err_wrap(err, "parse volume '%s'", text);
	ret->is_source_made = ret->kind == MOUNT_KIND_BIND;
	return 0;
}

/* One "key=value" of a tmpfs, as mount(8) would take it. */
static int check_tmpfs_option(const char *option, struct error *err)
{
	static const char *const flags[] = {
		"ro",      "rw",       "exec",       "noexec",   "suid",       "nosuid",
		"dev",     "nodev",    "sync",       "async",    "dirsync",    "atime",
		"noatime", "diratime", "nodiratime", "relatime", "norelatime", "strictatime",
	};
	static const struct {
		const char *name;
		const char *digits;
		const char *suffixes; /* one may follow */
	} values[] = {
		{ "size", "0123456789", "kKmMgG%" },
		{ "nr_blocks", "0123456789", "kKmMgG" },
		{ "nr_inodes", "0123456789", "kKmMgG" },
		{ "mode", "01234567", "" },
		{ "uid", "0123456789", "" },
		{ "gid", "0123456789", "" },
	};
	const char *equals = strchrnul(option, '=');

	for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
		if (strcmp(option, flags[i]) == 0)
			return 0;
	}
	for (size_t i = 0; *equals && i < ARRAY_LEN(values); i++) {
		size_t len = strlen(values[i].name);
		size_t digits = strspn(equals + 1, values[i].digits);
		const char *rest = equals + 1 + digits;

		if (len != (size_t)(equals - option) || strncmp(option, values[i].name, len) != 0)
			continue;
		if (digits && (!*rest || (strchr(values[i].suffixes, *rest) && !rest[1])))
			return 0;
		return err_set(err, EINVAL, "invalid option '%s'", option);
	}
	return err_set(err, EINVAL, "unknown option '%s'", option);
}

static int read_tmpfs(const char *text, struct mount_draft *draft, struct error *err)
{
	const char *colon = strchr(text, ':');
	auto_strv struct strv options = { 0 };

	draft->kind = MOUNT_KIND_TMPFS;
	draft->target = colon ? xstrndup(text, (size_t)(colon - text)) : xstrdup(text);
	if (!colon)
		return 0;

	strv_split(&options, colon + 1, ',');
	for (size_t i = 0; i < options.n; i++) {
		int rc = check_tmpfs_option(options.items[i], err);

		if (rc < 0)
			return rc;
		strv_add(&draft->tmpfs, options.items[i]);
	}
	return 0;
}

int parse_tmpfs(const char *text, struct mount_request *ret, struct error *err)
{
	auto_draft struct mount_draft draft = { 0 };
	int rc = read_tmpfs(text, &draft, err);

	if (rc == 0)
		rc = mount_draft_finish(&draft, ret, err);
	return rc < 0 ? err_wrap(err, "parse tmpfs '%s'", text) : 0;
}
