/* SPDX-License-Identifier: Apache-2.0 */
#include "compose/watch.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "compose/execute_internal.h"
#include "compose/member.h"
#include "compose/tail.h"
#include "compose/workers.h"

struct watch {
	struct execution *x;
	size_t service;
	enum condition condition;
	struct worker *worker;
};

static int look(void *arg, struct error *err)
{
	const struct watch *watch = arg;
	const struct command_base *base = watch->x->base;

	return member_wait_all(base->dirs, base->project->name,
			       base->project->services[watch->service].name, err);
}

static void on_seen(void *arg, int rc, const struct error *err)
{
	struct watch *watch = arg;
	struct execution *x = watch->x;
	struct service_facts *facts = &x->schedule.facts[watch->service];
	const struct service *service = &x->base->project->services[watch->service];
	struct error failure;

	watch->worker = NULL;
	facts->has_completed = rc == 0 ? FACT_TRUE : FACT_FALSE;
	x->times[watch->service].ready_ns = clock_boot_ns() - x->begin_ns;
	if (rc > 0) {
		tail_show(x->base->dirs, x->base->project->name, service->name);
		(void)err_set(&failure, ECHILD, "service '%s' has ended with exit status %d",
			      service->name, rc);
		err = &failure;
	}
	if (rc != 0 && schedule_needs(&x->schedule, watch->service, CONDITION_COMPLETED))
		execution_fail(x, err);
	else if (rc != 0)
		log_warning("%s", err->msg);
	execution_advance(x);
}

static bool is_watched(const struct execution *x, size_t service, enum condition condition)
{
	for (size_t i = 0; i < x->n_watches; i++) {
		if (x->watches[i]->service == service && x->watches[i]->condition == condition)
			return true;
	}
	return false;
}

static void watch_service(struct execution *x, size_t service, enum condition condition)
{
	struct watch *watch = xcalloc(1, sizeof(*watch));
	struct error err;

	*watch = (struct watch){ .x = x, .service = service, .condition = condition };
	x->watches = xrealloc(x->watches, x->n_watches + 1, sizeof(struct watch *));
	x->watches[x->n_watches++] = watch;
	watch->worker = worker_start(x->loop, look, on_seen, watch, &err);
	if (!watch->worker)
		execution_fail(x, &err);
}

void watches_begin(struct execution *x)
{
	const bool *wanted = x->base->wanted;

	for (size_t i = 0; i < x->base->project->n_services; i++) {
		if ((!wanted || wanted[i]) && schedule_has_started(&x->schedule, i) &&
		    schedule_wants(&x->schedule, i, CONDITION_COMPLETED) &&
		    !is_watched(x, i, CONDITION_COMPLETED))
			watch_service(x, i, CONDITION_COMPLETED);
	}
}

bool watches_are_running(const struct execution *x)
{
	for (size_t i = 0; i < x->n_watches; i++) {
		if (x->watches[i]->worker && !x->failure.code)
			return true;
	}
	return false;
}

void watches_end(struct execution *x)
{
	for (size_t i = 0; i < x->n_watches; i++) {
		worker_free(x->watches[i]->worker);
		free(x->watches[i]);
	}
	x->n_watches = 0;
}
