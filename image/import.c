/* SPDX-License-Identifier: Apache-2.0 */
#include "image/import.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/json.h"
#include "base/macros.h"
#include "base/mem.h"
#include "image/config_change.h"
#include "image/make.h"
#include "image/ref.h"
#include "image/remote_internal.h"

static void put_platform(json_t *config, const struct platform *platform)
{
	json_put_string(config, "architecture", platform->architecture);
	json_put_string(config, "variant", platform->variant);
	json_put_string(config, "os", platform->os);
}

/* What is asked for, as a document; and whether it is possible. */
static int make_config(const struct import *import, json_t *config, struct error *err)
{
	auto_ref struct image_ref ref = { 0 };
	struct platform platform = { 0 };
	json_t *running = json_object_new();
	int rc = import->reference ? ref_parse_name(import->reference, &ref, err) : 0;

	json_put(config, "config", running);
	if (rc == 0)
		rc = remote_parse_platform(import->platform ? import->platform : "linux", &platform,
					   err);
	if (rc == 0)
		put_platform(config, &platform);
	free(platform.architecture);
	free(platform.variant);
	free(platform.os);
	return rc < 0 ? rc : config_change_all(running, import->changes, err);
}

static int unwrap(const struct make *make, int input, struct error *err)
{
	auto_fd int root = openat(make->dir.fd, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	const struct store_unwrap unwrap = {
		.root = { .fd = root, .path = "root" },
		.lock = make->work.lock,
		.input = input,
		.output = make->layer,
		.name = make->name,
		.verb = make->verb,
	};

	return root < 0 ? err_sys(err, "open '%s/root'", make->path) : store_unwrap(&unwrap, err);
}

static int import_from(const struct dir *store, int input, const char *name,
		       const struct import *import, json_t *config, char ret_id[DIGEST_TEXT],
		       struct error *err)
{
	auto_free char *comment = xasprintf("Imported from %s", import->path ? name : "-");
	const struct make_image image = {
		.reference = import->reference,
		.config = config,
		.comment = import->message ? import->message : comment,
	};
	struct make make = { .verb = "import", .name = name };
	int rc = make_begin(&make, store, err);

	if (rc < 0)
		return rc;
	rc = unwrap(&make, input, err);
	if (rc == 0)
		rc = make_finish(&make, &image, ret_id, err);
	make_end(&make, rc, err);
	return rc;
}

int store_import(const struct dir *store, const struct import *import, char ret_id[DIGEST_TEXT],
		 struct error *err)
{
	auto_json json_t *config = json_object_new();
	auto_free char *name = import->path ? str_escape(import->path) : xstrdup("standard input");
	auto_fd int file = -1;
	int rc = make_config(import, config, err);

	if (rc < 0)
		return rc;
	if (import->path) {
		file = open(import->path, O_RDONLY | O_CLOEXEC);
		if (file < 0)
			return err_sys(err, "import '%s'", name);
	}
	return import_from(store, import->path ? file : import->fd, name, import, config, ret_id,
			   err);
}
