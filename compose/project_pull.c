/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/path.h"
#include "base/str.h"
#include "compose/project.h"
#include "image/fetch.h"

/* What the service says; one that is to be built is not pulled behind its author's back. */
static enum fetch_policy policy_of(const struct service *service)
{
	const char *said = service->pull_policy;

	if (!said)
		return node_get(service->node, "build") ? FETCH_NEVER : FETCH_MISSING;
	if (strcmp(said, "always") == 0)
		return FETCH_ALWAYS;
	return strcmp(said, "never") == 0 || strcmp(said, "build") == 0 ? FETCH_NEVER
									: FETCH_MISSING;
}

static int pull_one(const struct pull_request *request, const struct service *service,
		    enum fetch_policy policy, const char *store, struct error *err)
{
	const struct node *node = node_get(service->node, "image");
	int64_t began = clock_boot_ns();
	char time[32];
	int rc = fetch_is_needed(store, service->image, policy, err);

	if (rc == 1 && !request->is_quiet)
		(void)fprintf(stderr, "%s: pulling %s\n", service->name, service->image);
	if (rc == 1)
		rc = fetch_image(store, service->image, policy, request->is_quiet, err);
	else if (rc == 0)
		return 0;
	if (rc < 0)
		return node_wrap(node, err);
	format_duration((uint64_t)(clock_boot_ns() - began), time, sizeof(time));
	if (!request->is_quiet)
		(void)fprintf(stderr, "%s: pulled in %s\n", service->name, time);
	return 0;
}

/* Another service before it has the same image. */
static bool is_seen(const struct command_base *base, size_t index)
{
	for (size_t i = 0; i < index; i++) {
		if (base->wanted[i] &&
		    str_eq(base->project->services[i].image, base->project->services[index].image))
			return true;
	}
	return false;
}

static void tell_failure(const struct pull_request *request, const struct error *failure,
			 struct error *first)
{
	if (request->ignores_failures)
		log_warning("%s", failure->msg);
	else if (first->code)
		log_error("%s", failure->msg);
	else
		*first = *failure;
}

int project_pull(const struct pull_request *request, struct error *err)
{
	const struct command_base *base = &request->base;
	auto_free char *store = path_join(base->dirs->data, "images");
	struct error first = { 0 };

	for (size_t i = 0; i < base->project->n_services; i++) {
		const struct service *service = &base->project->services[i];
		enum fetch_policy policy = policy_of(service);
		struct error failure = { 0 };

		if (!base->wanted[i] || !service->image || is_seen(base, i))
			continue;
		if (request->policy != PULL_AS_SAID && policy != FETCH_NEVER)
			policy = (enum fetch_policy)request->policy;
		if (pull_one(request, service, policy, store, &failure) == 0)
			continue;
		tell_failure(request, &failure, &first);
		/* A signal ends all of it. */
		if (failure.status > 128)
			break;
	}
	*err = first;
	return -first.code;
}
