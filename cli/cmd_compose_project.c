/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "cli/cmd_compose_internal.h"

bool project_is_file(const char *arg)
{
	return strchr(arg, '/') || str_ends(arg, ".json") || str_ends(arg, ".yaml") ||
	       str_ends(arg, ".yml");
}

void project_choice_args(const struct strv *args, struct project_choice *choice)
{
	for (size_t i = 0; i < args->n; i++) {
		const char *arg = args->items[i];

		strv_add(project_is_file(arg) ? &choice->files : &choice->services, arg);
	}
}

int project_choice_load(const struct project_choice *choice, struct project *ret, struct error *err)
{
	struct project_input input = { 0 };
	int rc = project_input_make(choice, &input, err);

	if (rc == 0)
		rc = project_load(&input, ret, err);
	for (size_t i = 0; i < ret->warnings.n; i++)
		log_warning("%s", ret->warnings.items[i]);
	project_input_fini(&input);
	return rc;
}

static int find_wanted(const struct project_choice *choice, const struct project *project,
		       bool **ret, struct error *err)
{
	auto_free bool *wanted = xcalloc(project->n_services + 1, sizeof(*wanted));

	for (size_t i = 0; i < project->n_services; i++)
		wanted[i] = choice->services.n == 0;
	for (size_t i = 0; i < choice->services.n; i++) {
		ssize_t index = project_find(project, choice->services.items[i]);

		if (index < 0)
			return err_set(err, EINVAL, "there is no service '%.100s'",
				       choice->services.items[i]);
		wanted[index] = true;
	}
	*ret = take_ptr(wanted);
	return 0;
}

int project_choose(const struct strv *args, struct project_choice *choice, struct project *ret,
		   bool **ret_wanted, struct error *err)
{
	int rc;

	project_choice_args(args, choice);
	rc = project_choice_load(choice, ret, err);
	return rc < 0 ? rc : find_wanted(choice, ret, ret_wanted, err);
}
