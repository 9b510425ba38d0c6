/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "base/enum.h"
#include "base/macros.h"
#include "base/mem.h"
#include "base/parse_internal.h"

/* --mount is one line of CSV, each field KEY=VALUE or KEY. */

enum need { NEEDS_VALUE, MAY_HAVE_VALUE };

struct mount_key {
	const char *name;
	enum need need;
	int (*set)(struct mount_draft *draft, const char *value, struct error *err);
};

static int set_text(char **text, const char *value)
{
	free(*text);
	*text = xstrdup(value);
	return 0;
}

static int set_type(struct mount_draft *draft, const char *value, struct error *err)
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

static int set_source(struct mount_draft *draft, const char *value, struct error *err)
{
	(void)err;
	return set_text(&draft->source, value);
}

static int set_target(struct mount_draft *draft, const char *value, struct error *err)
{
	(void)err;
	return set_text(&draft->target, value);
}

static int set_read_only(struct mount_draft *draft, const char *value, struct error *err)
{
	return parse_bool(value ? value : "true", &draft->is_read_only, err);
}

static int set_propagation(struct mount_draft *draft, const char *value, struct error *err)
{
	draft->has_bind_option = true;
	draft->propagation = mount_propagation(value);
	if (!draft->propagation)
		return err_set(err, EINVAL, "unknown propagation '%s'", value);
	return 0;
}

static int set_nonrecursive(struct mount_draft *draft, const char *value, struct error *err)
{
	draft->has_bind_option = true;
	return parse_bool(value ? value : "true", &draft->is_shallow, err);
}

static int set_recursive(struct mount_draft *draft, const char *value, struct error *err)
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

static int set_nocopy(struct mount_draft *draft, const char *value, struct error *err)
{
	draft->has_volume_option = true;
	return parse_bool(value ? value : "true", &draft->is_not_copied, err);
}

static int set_tmpfs_size(struct mount_draft *draft, const char *value, struct error *err)
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

static int set_tmpfs_mode(struct mount_draft *draft, const char *value, struct error *err)
{
	size_t digits = strspn(value, "01234567");

	if (digits == 0 || digits > 5 || value[digits])
		return err_set(err, EINVAL, "tmpfs-mode '%s' is no octal mode", value);
	draft->has_tmpfs_option = true;
	strv_addf(&draft->tmpfs, "mode=%s", value);
	return 0;
}

static int ignore(struct mount_draft *draft, const char *value, struct error *err)
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

static int set_field(struct mount_draft *draft, const char *field, struct error *err)
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

static int read_mount(const char *text, struct mount_draft *draft, struct error *err)
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

static int check_kind_options(const struct mount_draft *draft, struct error *err)
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
	auto_draft struct mount_draft draft = { 0 };
	int rc = read_mount(text, &draft, err);

	if (rc == 0)
		rc = check_kind_options(&draft, err);
	if (rc == 0)
		rc = mount_draft_finish(&draft, ret, err);
	return rc < 0 ? err_wrap(err, "parse mount '%s'", text) : 0;
}
