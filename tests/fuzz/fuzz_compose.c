/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "compose/diff.h"
#include "compose/options.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The input is all files: the project's, what it extends, and what env_file names. */
struct input {
	const char *text;
	size_t len;
};

static int read_input(void *data, const char *path, char **ret, size_t *ret_len, struct error *err)
{
	const struct input *input = data;

	if (strstr(path, "none"))
		return err_set(err, ENOENT, "read '%s': no such file or directory", path);
	*ret = xcalloc(1, input->len + 1);
	memcpy(*ret, input->text, input->len);
	*ret_len = input->len;
	return 0;
}

static int load(struct input *input, const char *name, struct project *project, struct error *err)
{
	struct project_input in = { .read = read_input, .read_data = input };
	int rc;

	strv_add(&in.files, name);
	in.directory = xstrdup("/p");
	strv_add(&in.env, "HOME=/root");
	strv_add(&in.env, "A=b");
	rc = project_load(&in, project, err);
	project_input_fini(&in);
	return rc;
}

/* What is printed reads back as the same project. */
static void read_back(const struct project *project)
{
	auto_project struct project again = { 0 };
	auto_node struct node *tree = node_copy(project->tree);
	auto_str struct str text = { 0 };
	struct input input;
	struct error err = { 0 };

	node_double_dollars(tree);
	node_to_yaml(tree, &text);
	if (text.len > TREE_MAX_SIZE || project->n_services == 0)
		return;
	input = (struct input){ text.text, text.len };
	if (load(&input, "f.yaml", &again, &err) < 0 && !strstr(err.msg, "limit: "))
		abort();
	if (again.n_services == project->n_services && again.n_services &&
	    strcmp(again.services[0].hash, project->services[0].hash) != 0)
		abort();
}

static void use(const struct project *project)
{
	const struct diff_input nothing = { 0 };
	auto_diff struct diff diff = { 0 };
	struct error err = { 0 };

	if (diff_up(project, &nothing, &diff, &err) < 0)
		abort(); /* the order was found when it was loaded */
	for (size_t i = 0; i < project->n_services; i++) {
		struct run_options options = { 0 };

		err = (struct error){ 0 };
		if (service_options(project, &project->services[i], 1, &options, &err) < 0 &&
		    !err.msg[0])
			abort();
		run_options_fini(&options);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { .text = (const char *)data, .len = size };
	const char *name = size && data[0] == '{' ? "f.json" : "f.yaml";
	auto_project struct project project = { 0 };
	struct error err = { 0 };

	if (size > 20000)
		return 0;
	if (load(&input, name, &project, &err) < 0) {
		if (err.msg[0] == '\0' || strchr(err.msg, '\n'))
			abort(); /* no words, or more than a line */
		return 0;
	}
	use(&project);
	read_back(&project);
	return 0;
}
