/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/parse.h"

#define ENV_FILE_MAX (1U << 20)

static const char blanks[] = " \t\v\f\r";

/* One line: NAME=VALUE as it stands, or NAME for the environment's value.  No quotes, as docker. */
static int parse_line(char *line, struct strv *ret, struct error *err)
{
	char *equals = strchrnul(line, '=');
	size_t name_len = (size_t)(equals - line);

	if (name_len == 0)
		return err_set(err, EINVAL, "no name in front of '='");
	if (strcspn(line, blanks) < name_len)
		return err_set(err, EINVAL, "name '%.*s' has a blank in it", (int)name_len, line);
	if (*equals) {
		strv_add(ret, line);
	} else {
		const char *value = getenv(line);

		if (value)
			strv_addf(ret, "%s=%s", line, value);
	}
	return 0;
}

int parse_env_file(const char *path, struct strv *ret, struct error *err)
{
	auto_strv struct strv lines = { 0 };
	auto_strv struct strv variables = { 0 };
	auto_free char *text = NULL;
	size_t len = 0;
	int rc = file_read(path, ENV_FILE_MAX, &text, &len, err);

	if (rc < 0)
		return rc;
	if (strlen(text) != len)
		return err_set(err, EINVAL, "read '%s': has a NUL byte in it", path);

	/* Editors of other systems begin a file with U+FEFF and end its lines with \r\n. */
	strv_split(&lines, str_starts(text, "\xef\xbb\xbf") ? text + 3 : text, '\n');
	for (size_t i = 0; i < lines.n; i++) {
		char *line = lines.items[i] + strspn(lines.items[i], blanks);

		if (str_ends(line, "\r"))
			line[strlen(line) - 1] = '\0';
		if (!*line || *line == '#')
			continue;
		rc = parse_line(line, &variables, err);
		if (rc < 0)
			return err_wrap(err, "read '%s': line %zu", path, i + 1);
	}
	strv_copy(ret, &variables);
	return 0;
}
