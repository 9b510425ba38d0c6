/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/hooks.h"

#include <errno.h>

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
