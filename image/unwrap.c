/* SPDX-License-Identifier: Apache-2.0 */
#include "image/unwrap.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/json.h"
#include "base/macros.h"
#include "base/mem.h"
#include "image/archive.h"
#include "image/confine.h"
#include "image/limits.h"
#include "image/tar.h"

static int unwrap(const struct unwrap_options *o, struct error *err)
{
	const struct dir given = { .fd = o->root_fd, .path = "root" };
	auto_fd int root = confine_enter(CONFINE_READER, &given, LOAD_MAX_SPOOL, err);
	int rc = MIN(root, 0);

	/* It led to the store. */
	(void)close(o->root_fd);
	if (rc == 0)
		rc = confine_seal(CONFINE_READER, err);
	if (rc == 0)
		rc = archive_unwrap(o->input_fd, o->output_fd, err);
	if (rc == 0 && lseek(o->output_fd, 0, SEEK_END) == 0)
		return err_set(err, EINVAL, "it is empty");
	return rc < 0 ? rc : archive_check_tar(o->output_fd, err);
}

int unwrap_run(const struct unwrap_options *options)
{
	auto_json json_t *answer = json_object_new();
	auto_free char *text = NULL;
	struct error err = { 0 };
	int rc = unwrap(options, &err);

	if (rc < 0) {
		auto_free char *shown = tar_shown(options->name);

		(void)err_wrap(&err, "%s '%s'", options->verb, shown);
		json_put_string(answer, "error", err.msg);
		json_put_int(answer, "code", err.code);
	}
	text = json_to_text(answer, JSON_COMPACT);
	return write(options->result_fd, text, strlen(text)) < 0 || rc < 0;
}
