/* SPDX-License-Identifier: Apache-2.0 */
#include "compose/input.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/macros.h"
#include "base/mem.h"
#include "base/path.h"
#include "compose/dotenv.h"

void project_choice_fini(struct project_choice *choice)
{
	strv_fini(&choice->files);
	strv_fini(&choice->env_files);
	strv_fini(&choice->profiles);
	strv_fini(&choice->services);
	free(choice->name);
	free(choice->directory);
}

static int read_input(char **ret, size_t *ret_len, struct error *err)
{
	auto_str struct str text = { 0 };
	char part[4096];

	for (;;) {
		ssize_t n = read(STDIN_FILENO, part, sizeof(part));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, "read standard input");
		if (n == 0)
			break;
		str_add_len(&text, part, (size_t)n);
		if (text.len > TREE_MAX_SIZE)
			break; /* for file_parse() to refuse */
	}
	*ret_len = text.len;
	*ret = str_take(&text);
	return 0;
}

static int read_file(void *data, const char *path, char **ret, size_t *ret_len, struct error *err)
{
	int rc;

	(void)data;
	if (strcmp(path, "-") == 0)
		return read_input(ret, ret_len, err);
	rc = file_read(path, TREE_MAX_SIZE, ret, ret_len, err);
	if (rc == -EFBIG)
		return err_set(err, EFBIG, "%s: limit: larger than %u KiB", path,
			       TREE_MAX_SIZE >> 10);
	return rc;
}

static int absolute(const char *path, char **ret, struct error *err)
{
	auto_free char *full = NULL;
	char cwd[PATH_MAX];

	if (path[0] != '/' && !getcwd(cwd, sizeof(cwd)))
		return err_sys(err, "find the working directory");
	full = path_join(path[0] == '/' ? "/" : cwd, path);
	*ret = path_clean(full);
	return 0;
}

static char *directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash > path ? xstrndup(path, (size_t)(slash - path)) : xstrdup(slash ? "/" : ".");
}

static int find_directory(const struct project_choice *choice, const char *first,
			  struct project_input *input, struct error *err)
{
	auto_free char *directory = NULL;

	if (choice->directory)
		directory = xstrdup(choice->directory);
	else
		directory = first && strcmp(first, "-") != 0 ? directory_of(first) : xstrdup(".");
	free(input->directory);
	input->directory = NULL;
	return absolute(directory, &input->directory, err);
}

static int read_env_file(const char *path, struct project_input *input, struct strv *pairs,
			 struct error *err)
{
	auto_free char *text = NULL;
	size_t len = 0;
	int rc = read_file(NULL, path, &text, &len, err);

	return rc < 0 ? rc : dotenv_parse(path, text, len, &input->env, pairs, err);
}

/* What the environment has counts more than what a file says, and a later file more than others. */
static int read_env_files(const struct project_choice *choice, struct project_input *input,
			  struct error *err)
{
	auto_free char *usual = path_join(input->directory, ".env");
	auto_strv struct strv pairs = { 0 };
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < choice->env_files.n; i++)
		rc = read_env_file(choice->env_files.items[i], input, &pairs, err);
	if (choice->env_files.n == 0) {
		rc = read_env_file(usual, input, &pairs, err);
		rc = rc == -ENOENT ? 0 : rc;
	}
	for (size_t i = 0; i < pairs.n; i++) {
		auto_free char *name = xstrndup(pairs.items[i], strcspn(pairs.items[i], "="));

		if (!strv_getenv(&input->env, name))
			strv_add(&input->env, pairs.items[i]);
	}
	return rc;
}

/* @name in @directory, without it if that is where we are. */
static bool exists(const char *directory, const char *name, struct strv *files)
{
	auto_free char *path =
		strcmp(directory, ".") == 0 ? xstrdup(name) : path_join(directory, name);

	if (access(path, F_OK) < 0)
		return false;
	strv_take(files, take_ptr(path));
	return true;
}

/* The first of the usual names in @directory, and an override of it. */
static bool find_in(const char *directory, struct strv *files)
{
	static const struct {
		const char *name, *over;
	} names[] = {
		{ "compose.yaml", "compose.override.yaml" },
		{ "compose.yml", "compose.override.yml" },
		{ "docker-compose.yaml", "docker-compose.override.yaml" },
		{ "docker-compose.yml", "docker-compose.override.yml" },
		{ "stack.json", "stack.override.json" },
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (exists(directory, names[i].name, files)) {
			(void)exists(directory, names[i].over, files);
			return true;
		}
	}
	return false;
}

/* Here, or in the nearest directory above; false if there are none. */
static bool find_usual(const char *directory, struct strv *files)
{
	auto_free char *at = xstrdup(directory);

	if (find_in(".", files))
		return true;
	while (strcmp(at, "/") != 0) {
		char *slash = strrchr(at, '/');

		slash[slash == at] = '\0';
		if (find_in(at, files))
			return true;
	}
	return false;
}

/* The files, as far as they are known without .env, which is in their directory. */
static int find_files(const struct project_choice *choice, struct project_input *input,
		      struct error *err)
{
	const char *given = strv_getenv(&input->env, "COMPOSE_FILE");
	auto_free char *here = NULL;
	int rc = absolute(choice->directory ? choice->directory : ".", &here, err);

	if (rc < 0)
		return rc;
	if (choice->files.n)
		strv_copy(&input->files, &choice->files);
	else if (!given && choice->directory)
		(void)find_in(here, &input->files);
	else if (!given)
		(void)find_usual(here, &input->files);
	return find_directory(choice, input->files.n ? input->files.items[0] : NULL, input, err);
}

/* COMPOSE_FILE, which .env may have set. */
static int find_given(const struct project_choice *choice, struct project_input *input,
		      struct error *err)
{
	const char *given = strv_getenv(&input->env, "COMPOSE_FILE");
	const char *separator = strv_getenv(&input->env, "COMPOSE_PATH_SEPARATOR");

	if (!choice->files.n && given && *given) {
		strv_fini(&input->files);
		strv_split(&input->files, given, separator && *separator ? *separator : ':');
		return find_directory(choice, input->files.items[0], input, err);
	}
	if (input->files.n)
		return 0;
	return err_set(err, ENOENT, "no compose.yaml or stack.json in '%.200s'%s", input->directory,
		       choice->directory ? "" : " or above");
}

static void find_profiles(const struct project_choice *choice, struct project_input *input)
{
	const char *given = strv_getenv(&input->env, "COMPOSE_PROFILES");

	strv_copy(&input->profiles, &choice->profiles);
	if (!choice->profiles.n && given && *given)
		strv_split(&input->profiles, given, ',');
}

int project_input_make(const struct project_choice *choice, struct project_input *ret,
		       struct error *err)
{
	struct project_input input = { .read = read_file };
	int rc;

	for (char **pair = environ; *pair; pair++)
		strv_add(&input.env, *pair);
	rc = find_files(choice, &input, err);
	if (rc == 0)
		rc = read_env_files(choice, &input, err);
	if (rc == 0)
		rc = find_given(choice, &input, err);
	if (rc < 0) {
		project_input_fini(&input);
		return rc;
	}
	find_profiles(choice, &input);
	input.name = xstrdup(choice->name);
	strv_copy(&input.services, &choice->services);
	*ret = input;
	return 0;
}
