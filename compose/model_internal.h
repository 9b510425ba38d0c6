/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "compose/model.h"
#include "compose/shape.h"

/* load.c -> model.c: the tree is whole; normalises it and fills the rest of @project. */
int model_make(struct project *project, const struct project_input *input, struct error *err);

/* extends.c: puts under each service of @tree what it extends. */
struct loader {
	const struct project_input *input;
	struct project *project;
	struct extended {
		char *path;
		struct node *tree;
	} * extended; /* files read for extends */
	size_t n_extended;
	size_t n_nodes; /* that extending made */
};

void loader_fini(struct loader *loader);
int extend_services(struct loader *loader, struct node *tree, struct error *err);

/* load.c: reads @path, replaces variables, shapes; paths in it are relative to @directory. */
int load_file(struct loader *loader, const char *path, const char *directory, struct node **ret,
	      struct error *err);

/* environment.c: `environment` with what env_file says and NAME alone means. */
int environment_make(struct project *project, const struct project_input *input,
		     struct node *service, struct error *err);

/* model_service.c: everything of a service but its indexes into others. */
int service_make(struct service *service, struct error *err);
void service_fini(struct service *service);

/* model_links.c: depends_on, networks, volumes, secrets, configs, x-allow: what names others. */
int service_link(struct project *project, struct service *service, struct error *err);
