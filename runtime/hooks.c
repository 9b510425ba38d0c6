/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/hooks.h"

#include <errno.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/proc.h"

static int run(const struct spec_hook *hook, const char *state_json, struct error *err)
{
	char *const path_only[] = { hook->path, NULL };
	const struct helper helper = {
		.path = hook->path,
		.argv = hook->args.n ? strv_items(&hook->args) : path_only,
		.envp = strv_items(&hook->env),
		.input = state_json,
		.timeout_ms = hook->timeout * 1000,
	};
	int rc = helper_run(&helper, err);

	if (rc > 0) {
		err->code = EIO;
		return err_wrap(err, "hook '%s': exit status %d", hook->path, rc);
	}
	return rc < 0 ? err_wrap(err, "hook '%s'", hook->path) : 0;
}

int hooks_run(const struct spec_hooks *hooks, const char *state_json, struct error *err)
{
	for (size_t i = 0; i < hooks->n; i++) {
		int rc = run(&hooks->items[i], state_json, err);

		if (rc < 0)
			return rc;
	}
	return 0;
}

void hooks_run_late(const struct spec_hooks *hooks, const char *state_json)
{
	for (size_t i = 0; i < hooks->n; i++) {
		struct error err = { 0 };

		if (run(&hooks->items[i], state_json, &err) < 0)
			log_warning("%s", err.msg);
	}
}

/* ---- JSON ------------------------------------------------------------------------------------- */

static const struct json_field hook_fields[] = {
	JSON_FIELD_NEEDED(struct spec_hook, path, JSON_FIELD_STRING, "path"),
	JSON_FIELD(struct spec_hook, args, JSON_FIELD_STRINGS, "args"),
	JSON_FIELD(struct spec_hook, env, JSON_FIELD_STRINGS, "env"),
	JSON_FIELD(struct spec_hook, timeout, JSON_FIELD_INT, "timeout"),
	JSON_FIELDS_END,
};

int hooks_read(struct json_reader *reader, const json_t *value, void *field, struct error *err)
{
	struct spec_hooks *hooks = field;
	void *items = NULL;
	int rc = json_read_array(reader, value, sizeof(struct spec_hook), hook_fields, &items,
				 &hooks->n, err);

	hooks->items = items;
	for (size_t i = 0; rc == 0 && i < hooks->n; i++) {
		const struct spec_hook *hook = &hooks->items[i];

		if (hook->path[0] != '/')
			rc = json_reader_error(reader, json_array_get(value, i), err,
					       "[%zu].path: '%s' is not absolute", i, hook->path);
		else if (hook->timeout < 0)
			rc = json_reader_error(reader, json_array_get(value, i), err,
					       "[%zu].timeout: is negative", i);
	}
	return rc;
}

json_t *hooks_to_json(const struct spec_hooks *hooks)
{
	json_t *array = json_array_new();

	for (size_t i = 0; i < hooks->n; i++) {
		const struct spec_hook *hook = &hooks->items[i];
		json_t *object = json_object_new();

		json_put_string(object, "path", hook->path);
		json_put_strings(object, "args", &hook->args);
		json_put_strings(object, "env", &hook->env);
		json_put_int(object, "timeout", hook->timeout);
		json_add(array, object);
	}
	return array;
}

void hooks_fini(struct spec_hooks *hooks)
{
	for (size_t i = 0; i < hooks->n; i++) {
		free(hooks->items[i].path);
		strv_fini(&hooks->items[i].args);
		strv_fini(&hooks->items[i].env);
	}
	free(hooks->items);
	*hooks = (struct spec_hooks){ 0 };
}
