/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/enum.h"
#include "base/macros.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/path.h"

/* The three notations end in this; `finish` makes the request of it. */
struct draft {
	enum mount_kind kind;
	char *source; /* owned */
	char *target; /* owned */
	bool is_read_only;
	bool is_shallow;    /* bind without what is mounted below */
	bool is_shallow_ro; /* read-only itself, but not what is mounted below */
	bool is_not_copied;
	const char *propagation; /* NULL: rprivate */
	struct strv tmpfs;       /* options given */
	bool has_volume_option, has_bind_option, has_tmpfs_option;
};

static void draft_fini(struct draft *draft)
{
	free(draft->source);
	free(draft->target);
	strv_fini(&draft->tmpfs);
}

#define auto_draft __attribute__((cleanup(draft_fini)))

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

static const char *propagation_by_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(propagations); i++) {
		if (strcmp(name, propagations[i]) == 0)
			return propagations[i];
	}
	return NULL;
}

/* "./data" and ".." are meant from where the user stands. */
static int make_source_absolute(struct draft *draft, struct error *err)
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

static int check_target(struct draft *draft, struct error *err)
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

static int check_source(struct draft *draft, struct error *err)
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
static void add_tmpfs_options(const struct draft *draft, struct strv *ret)
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

static void add_bind_options(const struct draft *draft, struct strv *ret)
{
	strv_add(ret, draft->is_shallow ? "bind" : "rbind");
	strv_add(ret, draft->propagation ? draft->propagation : "rprivate");
	if (draft->is_read_only) {
		strv_add(ret, "ro");
		if (!draft->is_shallow && !draft->is_shallow_ro)
			strv_add(ret, "rro");
	}
}

static int finish(struct draft *draft, struct mount_request *ret, struct error *err)
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

static int volume_option(struct draft *draft, const char *option, bool *has_mode, struct error *err)
{
	const char *propagation = propagation_by_name(option);
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

static int volume_options(struct draft *draft, const char *text, struct error *err)
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

static int read_volume(const char *text, struct draft *draft, struct error *err)
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
	auto_draft struct draft draft = { 0 };
	int rc = read_volume(text, &draft, err);

	if (rc == 0)
		rc = finish(&draft, ret, err);
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

static int read_tmpfs(const char *text, struct draft *draft, struct error *err)
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
	auto_draft struct draft draft = { 0 };
	int rc = read_tmpfs(text, &draft, err);

	if (rc == 0)
		rc = finish(&draft, ret, err);
	return rc < 0 ? err_wrap(err, "parse tmpfs '%s'", text) : 0;
}

/* --mount is one line of CSV, each field KEY=VALUE or KEY. */

enum need { NEEDS_VALUE, MAY_HAVE_VALUE };

struct mount_key {
	const char *name;
	enum need need;
	int (*set)(struct draft *draft, const char *value, struct error *err);
};

static int set_text(char **text, const char *value)
{
	free(*text);
	*text = xstrdup(value);
	return 0;
}

static int set_type(struct draft *draft, const char *value, struct error *err)
{
	static const struct enum_name kinds[] = {
		{ "bind", MOUNT_KIND_BIND },
		{ "volume", MOUNT_KIND_VOLUME },
		{ "tmpfs", MOUNT_KIND_TMPFS },
		{ NULL },
	};
	auto_free char *lower = xstrdup(value);
	int kind = 0;

	for (char *c = lower; *c; c++)
		*c |= *c >= 'A' && *c <= 'Z' ? 0x20 : 0;
	if (!enum_from_name(kinds, lower, &kind))
		return err_set(err, EINVAL, "type '%s' is none of bind, volume, tmpfs", value);
	draft->kind = kind;
	return 0;
}

static int set_source(struct draft *draft, const char *value, struct error *err)
{
	(void)err;
	return set_text(&draft->source, value);
}

static int set_target(struct draft *draft, const char *value, struct error *err)
{
	(void)err;
	return set_text(&draft->target, value);
}

static int set_read_only(struct draft *draft, const char *value, struct error *err)
{
	return parse_bool(value ? value : "true", &draft->is_read_only, err);
}

static int set_propagation(struct draft *draft, const char *value, struct error *err)
{
	draft->has_bind_option = true;
	draft->propagation = propagation_by_name(value);
	if (!draft->propagation)
		return err_set(err, EINVAL, "unknown propagation '%s'", value);
	return 0;
}

static int set_nonrecursive(struct draft *draft, const char *value, struct error *err)
{
	draft->has_bind_option = true;
	return parse_bool(value ? value : "true", &draft->is_shallow, err);
}

static int set_recursive(struct draft *draft, const char *value, struct error *err)
{
	static const char *const names[] = { "enabled", "disabled", "writable", "readonly" };
	size_t i = 0;

	while (i < ARRAY_LEN(names) && strcmp(value, names[i]) != 0)
		i++;
	if (i == ARRAY_LEN(names))
		return err_set(
			err, EINVAL,
			"bind-recursive '%s' is none of enabled, disabled, writable, readonly",
			value);
	draft->has_bind_option = true;
	draft->is_shallow = i == 1;
	draft->is_shallow_ro = i == 2;
	return 0;
}

static int set_nocopy(struct draft *draft, const char *value, struct error *err)
{
	draft->has_volume_option = true;
	return parse_bool(value ? value : "true", &draft->is_not_copied, err);
}

static int set_tmpfs_size(struct draft *draft, const char *value, struct error *err)
{
	uint64_t bytes = 0;
	int rc = parse_size(value, &bytes, err);

	if (rc < 0)
		return rc;
	draft->has_tmpfs_option = true;
	if (bytes % 1024 == 0)
		strv_addf(&draft->tmpfs, "size=%" PRIu64 "k", bytes / 1024);
	else
		strv_addf(&draft->tmpfs, "size=%" PRIu64, bytes);
	return 0;
}

static int set_tmpfs_mode(struct draft *draft, const char *value, struct error *err)
{
	size_t digits = strspn(value, "01234567");

	if (digits == 0 || digits > 5 || value[digits])
		return err_set(err, EINVAL, "tmpfs-mode '%s' is no octal mode", value);
	draft->has_tmpfs_option = true;
	strv_addf(&draft->tmpfs, "mode=%s", value);
	return 0;
}

static int ignore(struct draft *draft, const char *value, struct error *err)
{
	(void)draft;
	(void)value;
	(void)err;
	return 0;
}

static const struct mount_key mount_keys[] = {
	{ "type", NEEDS_VALUE, set_type },
	{ "source", NEEDS_VALUE, set_source },
	{ "src", NEEDS_VALUE, set_source },
	{ "target", NEEDS_VALUE, set_target },
	{ "destination", NEEDS_VALUE, set_target },
	{ "dst", NEEDS_VALUE, set_target },
	{ "readonly", MAY_HAVE_VALUE, set_read_only },
	{ "ro", MAY_HAVE_VALUE, set_read_only },
	{ "bind-propagation", NEEDS_VALUE, set_propagation },
	{ "bind-nonrecursive", MAY_HAVE_VALUE, set_nonrecursive },
	{ "bind-recursive", NEEDS_VALUE, set_recursive },
	{ "volume-nocopy", MAY_HAVE_VALUE, set_nocopy },
	{ "tmpfs-size", NEEDS_VALUE, set_tmpfs_size },
	{ "tmpfs-mode", NEEDS_VALUE, set_tmpfs_mode },
	{ "consistency", NEEDS_VALUE, ignore },
};

static int set_field(struct draft *draft, const char *field, struct error *err)
{
	const char *equals = strchrnul(field, '=');
	const char *value = *equals ? equals + 1 : NULL;
	auto_free char *name = xstrndup(field, (size_t)(equals - field));

	for (size_t i = 0; i < ARRAY_LEN(mount_keys); i++) {
		if (strcasecmp(name, mount_keys[i].name) != 0)
			continue;
		if (!value && mount_keys[i].need == NEEDS_VALUE)
			return err_set(err, EINVAL, "'%s' needs a value", name);
		return mount_keys[i].set(draft, value, err);
	}
	return err_set(err, EINVAL, "unknown key '%s'", name);
}

/* A field of RFC 4180: in quotes it may have commas, and "" for one quote.  NULL if not closed. */
static char *csv_field(const char **at)
{
	struct str field = { 0 };
	const char *p = *at;
	bool is_quoted = *p == '"';

	for (p += is_quoted; *p; p++) {
		if (is_quoted && p[0] == '"' && p[1] == '"')
			p++;
		else if (is_quoted ? *p == '"' : *p == ',')
			break;
		str_add_len(&field, p, 1);
	}
	if (is_quoted && (*p != '"' || (p[1] && p[1] != ','))) {
		str_fini(&field);
		return NULL;
	}
	*at = p + is_quoted;
	return str_take(&field);
}

static int read_mount(const char *text, struct draft *draft, struct error *err)
{
	const char *at = text;

	draft->kind = MOUNT_KIND_VOLUME;
	for (;;) {
		auto_free char *field = csv_field(&at);
		int rc;

		if (!field)
			return err_set(err, EINVAL, "a quote is not closed");
		rc = set_field(draft, field, err);
		if (rc < 0)
			return rc;
		if (!*at)
			return 0;
		at++;
	}
}

static int check_kind_options(const struct draft *draft, struct error *err)
{
	static const char *const names[] = {
		[MOUNT_KIND_BIND] = "bind",
		[MOUNT_KIND_VOLUME] = "volume",
		[MOUNT_KIND_TMPFS] = "tmpfs",
	};
	const bool has[] = {
		[MOUNT_KIND_BIND] = draft->has_bind_option,
		[MOUNT_KIND_VOLUME] = draft->has_volume_option,
		[MOUNT_KIND_TMPFS] = draft->has_tmpfs_option,
	};

	for (size_t i = 0; i < ARRAY_LEN(has); i++) {
		if (has[i] && i != draft->kind)
			return err_set(err, EINVAL, "%s-* options do not go with type '%s'",
				       names[i], names[draft->kind]);
	}
	return 0;
}

int parse_mount(const char *text, struct mount_request *ret, struct error *err)
{
	auto_draft struct draft draft = { 0 };
	int rc = read_mount(text, &draft, err);

	if (rc == 0)
		rc = check_kind_options(&draft, err);
	if (rc == 0)
		rc = finish(&draft, ret, err);
	return rc < 0 ? err_wrap(err, "parse mount '%s'", text) : 0;
}
