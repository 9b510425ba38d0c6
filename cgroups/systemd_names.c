/* SPDX-License-Identifier: Apache-2.0 */
#include "cgroups/systemd_names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"

#define DEFAULT_SLICE  "system.slice"
#define DEFAULT_PREFIX "minictr"
#define UNIT_MAX       255 /* systemd.unit(5) */

static const char unit_characters[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789:-_.\\@";

void systemd_scope_fini(struct systemd_scope *scope)
{
	free(scope->unit);
	free(scope->slice);
	free(scope->path);
	*scope = (struct systemd_scope){ 0 };
}

static int bad_slice(const char *slice, struct error *err)
{
	return err_set(err, EINVAL, "use slice '%s': invalid slice name", slice);
}

int systemd_slice_path(const char *slice, char **ret, struct error *err)
{
	static const char suffix[] = ".slice";
	auto_str struct str path = { 0 };
	size_t len = strlen(slice);

	if (!str_ends(slice, suffix) || len > UNIT_MAX || strspn(slice, unit_characters) != len)
		return bad_slice(slice, err);
	len -= strlen(suffix);
	if (len == 1 && *slice == '-') {
		*ret = xstrdup("");
		return 0;
	}
	if (len == 0)
		return bad_slice(slice, err);
	/* Each part of a name is one step down, and no part may be empty. */
	for (size_t end = 0; end <= len; end++) {
		if (end < len && slice[end] != '-')
			continue;
		if (end == 0 || slice[end - 1] == '-')
			return bad_slice(slice, err);
		str_addf(&path, "%s%.*s%s", path.len ? "/" : "", (int)end, slice, suffix);
	}
	*ret = str_take(&path);
	return 0;
}

static void add_escaped(struct str *out, const char *text)
{
	for (; *text; text++) {
		if (strchr(unit_characters, *text))
			str_add_len(out, text, 1);
		else
			str_addf(out, "\\x%02x", (unsigned int)(unsigned char)*text);
	}
}

static int name_unit(const char *prefix, const char *name, char **ret, struct error *err)
{
	auto_str struct str unit = { 0 };

	if (!*name || strchr(name, '/') || strchr(prefix, '/'))
		return err_set(err, EINVAL, "name a scope '%s-%s': invalid unit name", prefix,
			       name);
	if (*prefix) {
		add_escaped(&unit, prefix);
		str_add(&unit, "-");
	}
	add_escaped(&unit, name);
	str_add(&unit, ".scope");
	if (unit.len > UNIT_MAX)
		return err_set(err, ENAMETOOLONG,
			       "name a scope '%s': it is longer than %d characters", unit.text,
			       UNIT_MAX);
	*ret = str_take(&unit);
	return 0;
}

int systemd_scope_read(const char *cgroups_path, const char *id, struct systemd_scope *ret,
		       struct error *err)
{
	bool is_given = cgroups_path && *cgroups_path;
	struct systemd_scope scope = { 0 };
	auto_strv struct strv parts = { 0 };
	auto_free char *directory = NULL;
	int rc;

	if (is_given)
		strv_split(&parts, cgroups_path, ':');
	if (is_given && parts.n != 3)
		return err_set(err, EINVAL,
			       "expected cgroupsPath to be of format \"slice:prefix:name\" for "
			       "systemd cgroups, got \"%s\" instead",
			       cgroups_path);
	scope.slice = xstrdup(is_given && *parts.items[0] ? parts.items[0] : DEFAULT_SLICE);
	rc = systemd_slice_path(scope.slice, &directory, err);
	if (rc == 0)
		rc = name_unit(is_given ? parts.items[1] : DEFAULT_PREFIX,
			       is_given ? parts.items[2] : id, &scope.unit, err);
	if (rc < 0) {
		systemd_scope_fini(&scope);
		return rc;
	}
	scope.path = *directory ? path_join(directory, scope.unit) : xstrdup(scope.unit);
	*ret = scope;
	return 0;
}
