/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/user.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/path.h"

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

/*
 * The image may have anything at this name: a FIFO must not hold us up, nor a link in /proc lead to
 * a descriptor of ours.
 */
static int read_or_empty(const struct dir *root, const char *path, char **ret, struct error *err)
{
	auto_fd int fd = open_in_root_raw(root->fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, 0);
	auto_free char *text = NULL;
	struct stat st;
	size_t len = 0;

	if (fd == -ENOENT || fd == -ENOTDIR) {
		*ret = xstrdup("");
		return 0;
	}
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(err, fd < 0 ? -fd : errno, "read '%s': %s", path,
			       err_text(fd < 0 ? -fd : errno));
	if (!S_ISREG(st.st_mode))
		return err_set(err, EINVAL, "read '%s': not a regular file", path);
	if (st.st_size > FILE_MAX)
		return err_set(err, EFBIG, "read '%s': longer than %u bytes", path, FILE_MAX);
	text = xmalloc((size_t)st.st_size + 1);
	while (len < (size_t)st.st_size) {
		ssize_t n = read(fd, text + len, (size_t)st.st_size - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, "read '%s'", path);
		if (n == 0)
			break;
		len += (size_t)n;
	}
	text[len] = '\0';
	*ret = take_ptr(text);
	return 0;
}

int user_resolve_here(const char *text, struct user *ret, struct error *err)
{
	auto_fd int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	const struct dir root = { .fd = fd, .path = "/" };
	auto_free char *passwd = NULL;
	auto_free char *group = NULL;
	int rc;

	if (fd < 0)
		return err_sys(err, "open '/'");
	rc = read_or_empty(&root, "/etc/passwd", &passwd, err);
	if (rc == 0)
		rc = read_or_empty(&root, "/etc/group", &group, err);
	return rc < 0 ? rc : user_resolve(text, passwd, group, ret, err);
}

char *user_home_here(uid_t uid)
{
	auto_fd int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	const struct dir root = { .fd = fd, .path = "/" };
	struct user user = { .uid = uid };
	auto_free char *passwd = NULL;
	auto_free char *number = xasprintf("%u", uid);
	auto_free char *name = NULL;
	struct error ignored;

	if (fd >= 0 && read_or_empty(&root, "/etc/passwd", &passwd, &ignored) == 0)
		(void)find_user(passwd, number, &user, &name);
	return user.home ? user.home : xstrdup("/");
}
