/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/user.h"

#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/parse.h"

#define FILE_MAX (1U << 20)

/* The highest id; (uid_t)-1 means "unchanged" to setresuid(2). */
#define ID_MAX 4294967294ULL

void user_fini(struct user *user)
{
	free(user->groups);
	free(user->home);
	*user = (struct user){ 0 };
}

static bool is_number(const char *text)
{
	return *text && text[strspn(text, "0123456789")] == '\0';
}

/* The next line of *text split at ':'; false at the end. */
static bool next_entry(const char **text, struct strv *fields)
{
	const char *end;
	auto_free char *line = NULL;

	strv_fini(fields);
	if (!**text)
		return false;
	end = strchrnul(*text, '\n');
	line = xstrndup(*text, (size_t)(end - *text));
	*text = *end ? end + 1 : end;
	strv_split(fields, line, ':');
	return true;
}

static bool field_id(const struct strv *fields, size_t i, unsigned int *ret)
{
	struct error ignored;
	uint64_t id;

	if (fields->n <= i || parse_uint64(fields->items[i], ID_MAX, &id, &ignored) < 0)
		return false;
	*ret = (unsigned int)id;
	return true;
}

/* Finds @wanted by name, or by id if it is a number. */
static bool find_user(const char *passwd, const char *wanted, struct user *ret, char **ret_name)
{
	auto_strv struct strv fields = { 0 };
	bool by_id = is_number(wanted);

	while (next_entry(&passwd, &fields)) {
		unsigned int uid, gid;

		if (!field_id(&fields, 2, &uid) || !field_id(&fields, 3, &gid))
			continue;
		if (by_id ? uid != ret->uid : strcmp(fields.items[0], wanted) != 0)
			continue;
		ret->uid = uid;
		ret->gid = gid;
		if (fields.n > 5 && *fields.items[5]) {
			free(ret->home);
			ret->home = xstrdup(fields.items[5]);
		}
		*ret_name = xstrdup(fields.items[0]);
		return true;
	}
	return false;
}

static bool find_group(const char *group, const char *wanted, gid_t *ret)
{
	auto_strv struct strv fields = { 0 };

	while (next_entry(&group, &fields)) {
		if (strcmp(fields.items[0], wanted) == 0 && field_id(&fields, 2, ret))
			return true;
	}
	return false;
}

/* Groups that have @name among their members. */
static void add_memberships(const char *group, const char *name, struct user *ret)
{
	auto_strv struct strv fields = { 0 };

	while (next_entry(&group, &fields)) {
		auto_strv struct strv members = { 0 };
		unsigned int gid;

		if (fields.n < 4 || !field_id(&fields, 2, &gid))
			continue;
		strv_split(&members, fields.items[3], ',');
		if (!strv_has(&members, name))
			continue;
		ret->groups = xrealloc(ret->groups, ret->n_groups + 1, sizeof(gid_t));
		ret->groups[ret->n_groups++] = gid;
	}
}

static int parse_id(const char *text, unsigned int *ret, struct error *err)
{
	uint64_t id;
	int rc = parse_uint64(text, ID_MAX, &id, err);

	if (rc == 0)
		*ret = (unsigned int)id;
	return rc;
}

static int resolve_user(const char *text, const char *passwd, struct user *ret, char **ret_name,
			struct error *err)
{
	if (is_number(text)) {
		int rc = parse_id(text, &ret->uid, err);

		if (rc < 0)
			return err_wrap(err, "user '%s'", text);
		(void)find_user(passwd, text, ret, ret_name);
		return 0;
	}
	if (!find_user(passwd, text, ret, ret_name))
		return err_set(err, ENOENT,
			       "unable to find user %s: no matching entries in passwd file", text);
	return 0;
}

static int resolve_group(const char *text, const char *group, gid_t *ret, struct error *err)
{
	if (is_number(text)) {
		int rc = parse_id(text, ret, err);

		return rc < 0 ? err_wrap(err, "group '%s'", text) : 0;
	}
	if (!find_group(group, text, ret))
		return err_set(err, ENOENT,
			       "unable to find group %s: no matching entries in group file", text);
	return 0;
}

int user_resolve(const char *text, const char *passwd, const char *group, struct user *ret,
		 struct error *err)
{
	const char *colon = strchr(text, ':');
	auto_free char *user_text = xstrndup(text, colon ? (size_t)(colon - text) : strlen(text));
	auto_free char *name = NULL;
	struct user user = { .home = xstrdup("/") };
	int rc;

	rc = resolve_user(*user_text ? user_text : "0", passwd, &user, &name, err);
	/* As docker does: a group that is named explicitly replaces the memberships. */
	if (rc == 0 && colon && colon[1])
		rc = resolve_group(colon + 1, group, &user.gid, err);
	else if (rc == 0 && name)
		add_memberships(group, name, &user);
	if (rc < 0) {
		user_fini(&user);
		return rc;
	}
	*ret = user;
	return 0;
}

static int read_or_empty(const char *path, char **ret, struct error *err)
{
	int rc = file_read(path, FILE_MAX, ret, NULL, err);

	if (rc == -ENOENT || rc == -ENOTDIR) {
		*ret = xstrdup("");
		return 0;
	}
	return rc;
}

int user_resolve_here(const char *text, struct user *ret, struct error *err)
{
	auto_free char *passwd = NULL;
	auto_free char *group = NULL;
	int rc = read_or_empty("/etc/passwd", &passwd, err);

	if (rc == 0)
		rc = read_or_empty("/etc/group", &group, err);
	return rc < 0 ? rc : user_resolve(text, passwd, group, ret, err);
}
