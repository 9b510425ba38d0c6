/* SPDX-License-Identifier: Apache-2.0 */
#include "compose/vigil.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/proc.h"
#include "compose/execute_internal.h"
#include "compose/member.h"
#include "compose/ready.h"
#include "compose/tail.h"
#include "engine/events.h"

/*
 * Theory of operation.  Supervisors put what their probes find into files, and append what happens
 * to the log of events; the kernel tells when either has changed (events_watch()), and the end of a
 * supervisor by its pidfd.  Whenever one of these comes, all that is watched is looked at again, so
 * that a change that was not told of itself is seen with the next one.
 */

/* How often to look if the kernel tells nothing. */
#define POLL_MS 50

struct watched_container {
	struct vigil *vigil;
	char *name;
	pid_t supervisor;
	uint64_t supervisor_start;
	int pidfd; /* -1: it has ended */
};

struct watched_service {
	bool is_watched;
	struct watched_container *containers;
	size_t n;
};

struct vigil {
	struct execution *x;
	int changes; /* -1: they are not told */
	int timer;   /* then; 0: none */
	struct watched_service *services;
};

static void on_change(void *arg, uint32_t events);
static void on_time(void *arg);
static void on_supervisor_end(void *arg, uint32_t events);

static struct vigil *vigil_of(struct execution *x)
{
	struct vigil *v = x->vigil;
	struct error err;

	if (v)
		return v;
	v = x->vigil = xcalloc(1, sizeof(*v));
	*v = (struct vigil){ .x = x, .changes = events_watch(x->base->dirs, &err) };
	v->services = xcalloc(x->base->project->n_services + 1, sizeof(*v->services));
	if (v->changes >= 0 && loop_add(x->loop, v->changes, EPOLLIN, on_change, v, &err) == 0)
		return v;
	log_debug("%s", err.msg);
	close_fd(&v->changes);
	v->timer = loop_timer(x->loop, POLL_MS, on_time, v);
	return v;
}

/* ---- supervisors ------------------------------------------------------------------------------ */

static void leave(struct watched_container *container)
{
	if (container->pidfd < 0)
		return;
	loop_remove(container->vigil->x->loop, container->pidfd);
	close_fd(&container->pidfd);
}

/* False if the supervisor that the record has is gone: then the record is another one by now. */
static bool follow(struct watched_container *container, const struct record *record)
{
	struct error ignored;

	if (record->has_ended && !record->is_restarting)
		return true;
	if (container->pidfd >= 0 && container->supervisor == record->supervisor &&
	    container->supervisor_start == record->supervisor_start)
		return true;
	leave(container);
	container->supervisor = record->supervisor;
	container->supervisor_start = record->supervisor_start;
	container->pidfd = proc_open(record->supervisor, record->supervisor_start, &ignored);
	if (container->pidfd < 0)
		return false;
	if (loop_add(container->vigil->x->loop, container->pidfd, EPOLLIN, on_supervisor_end,
		     container, &ignored) < 0)
		close_fd(&container->pidfd);
	return true;
}

/* ---- looking ---------------------------------------------------------------------------------- */

#define LOOKS 3 /* each finds another supervisor gone */

static int look_at(struct watched_container *container, struct list_entry *ret, struct error *err)
{
	for (int i = 0;; i++) {
		struct list_entry entry = { 0 };
		int rc = list_find(container->vigil->x->base->dirs, container->name, &entry, err);

		if (rc < 0)
			return rc;
		if (follow(container, &entry.record) || i == LOOKS) {
			*ret = entry;
			return 0;
		}
		list_entry_fini(&entry);
	}
}

/* What is to be told of a service that will not be ready. */
struct verdict {
	struct error why;
	struct str probes;
};

static enum fact judge_container(struct watched_container *container, enum ready_wish wish,
				 struct verdict *verdict)
{
	auto_list_entry struct list_entry entry = { 0 };
	enum fact fact;

	if (look_at(container, &entry, &verdict->why) < 0)
		return FACT_FALSE;
	fact = ready_judge(&entry, wish, &verdict->why);
	if (fact == FACT_FALSE)
		ready_render_probes(&entry, &verdict->probes);
	return fact;
}

static enum fact judge_service(struct vigil *v, size_t index, struct verdict *verdict)
{
	struct watched_service *service = &v->services[index];
	bool is_wanted = schedule_wants(&v->x->schedule, index, CONDITION_HEALTHY);
	enum ready_wish wish = is_wanted ? READY_HEALTHY : READY_HEALTHY_OR_RUNNING;
	enum fact result = FACT_TRUE;

	if (service->n == 0 && is_wanted) {
		(void)err_set(&verdict->why, ENOENT, "it has no containers");
		return FACT_FALSE;
	}
	for (size_t i = 0; i < service->n; i++) {
		enum fact fact = judge_container(&service->containers[i], wish, verdict);

		if (fact == FACT_FALSE)
			return FACT_FALSE;
		if (fact == FACT_UNKNOWN)
			result = FACT_UNKNOWN;
	}
	return result;
}

/* It stays without those that wait for it, whatever becomes of them. */
static void tell_failure(struct vigil *v, size_t index, struct verdict *verdict)
{
	struct execution *x = v->x;
	const struct project *project = x->base->project;
	const char *name = project->services[index].name;

	if (verdict->probes.len)
		(void)fprintf(stderr, "%s", verdict->probes.text);
	tail_show(x->base->dirs, project->name, name);
	(void)err_wrap(&verdict->why, "service '%s'", name);
	if (x->waits_for_all || schedule_needs(&x->schedule, index, CONDITION_HEALTHY))
		execution_fail(x, &verdict->why);
	else
		log_warning("%s", verdict->why.msg);
}

static void tell_ready(struct execution *x, size_t index)
{
	struct service_times *times = &x->times[index];
	char text[32];

	if (times->ready_ns)
		return;
	times->ready_ns = clock_boot_ns() - x->begin_ns;
	if (!x->has_check || !x->has_check[index] || !times->begun_ns)
		return;
	times->is_healthy = true;
	format_duration((uint64_t)(times->ready_ns - times->begun_ns), text, sizeof(text));
	(void)fprintf(stderr, "%s: healthy after %s\n", x->base->project->services[index].name,
		      text);
}

static bool look_at_service(struct vigil *v, size_t index)
{
	struct service_facts *facts = &v->x->schedule.facts[index];
	struct verdict verdict = { 0 };
	enum fact fact = judge_service(v, index, &verdict);
	bool is_changed = facts->is_healthy != fact;

	facts->is_healthy = fact;
	if (is_changed && fact == FACT_TRUE)
		tell_ready(v->x, index);
	else if (is_changed && fact == FACT_FALSE)
		tell_failure(v, index, &verdict);
	str_fini(&verdict.probes);
	return is_changed;
}

/* ---- what is watched -------------------------------------------------------------------------- */

static bool is_of_interest(const struct execution *x, size_t index)
{
	const bool *wanted = x->base->wanted;

	if (x->schedule.is_down || x->failure.code || (wanted && !wanted[index]) ||
	    !schedule_has_started(&x->schedule, index))
		return false;
	return x->waits_for_all || schedule_wants(&x->schedule, index, CONDITION_HEALTHY);
}

/* Its containers are those that it has now: nothing more is done about it. */
static int begin(struct vigil *v, size_t index, struct error *err)
{
	const struct project *project = v->x->base->project;
	struct watched_service *service = &v->services[index];
	auto_strv struct strv names = { 0 };
	int rc = member_list(v->x->base->dirs, project->name, project->services[index].name, &names,
			     err);

	if (rc < 0)
		return rc;
	service->is_watched = true;
	service->containers = xcalloc(names.n + 1, sizeof(*service->containers));
	for (size_t i = 0; i < names.n; i++)
		service->containers[service->n++] =
			(struct watched_container){ v, xstrdup(names.items[i]), .pidfd = -1 };
	return 0;
}

bool vigil_keep(struct execution *x)
{
	bool is_changed = false;

	for (size_t i = 0; i < x->base->project->n_services; i++) {
		struct vigil *v;
		struct error err;

		if (!is_of_interest(x, i))
			continue;
		v = vigil_of(x);
		if (!v->services[i].is_watched && begin(v, i, &err) < 0) {
			execution_fail(x, &err);
			return true;
		}
		is_changed |= look_at_service(v, i);
	}
	return is_changed;
}

static void on_change(void *arg, uint32_t events)
{
	struct vigil *v = arg;

	(void)events;
	if (v->changes >= 0)
		events_drain(v->changes);
	execution_advance(v->x);
}

static void on_supervisor_end(void *arg, uint32_t events)
{
	struct watched_container *container = arg;

	(void)events;
	leave(container);
	execution_advance(container->vigil->x);
}

static void on_time(void *arg)
{
	struct vigil *v = arg;

	v->timer = loop_timer(v->x->loop, POLL_MS, on_time, v);
	execution_advance(v->x);
}

bool vigil_is_waiting(const struct execution *x)
{
	const bool *wanted = x->base->wanted;

	for (size_t i = 0; x->waits_for_all && i < x->base->project->n_services; i++) {
		if ((!wanted || wanted[i]) && x->schedule.facts[i].is_healthy != FACT_TRUE)
			return true;
	}
	return false;
}

/* ---- the end ---------------------------------------------------------------------------------- */

/* The first container that is not ready. */
static bool show_lack(struct vigil *v, size_t index, struct error *err)
{
	struct watched_service *service = &v->services[index];
	const struct project *project = v->x->base->project;

	for (size_t i = 0; i < service->n; i++) {
		auto_list_entry struct list_entry entry = { 0 };
		auto_str struct str probes = { 0 };
		auto_free char *lack = NULL;
		struct error ignored;

		if (look_at(&service->containers[i], &entry, &ignored) < 0 ||
		    ready_judge(&entry, READY_HEALTHY_OR_RUNNING, &ignored) == FACT_TRUE)
			continue;
		ready_render_probes(&entry, &probes);
		if (probes.len)
			(void)fprintf(stderr, "%s", probes.text);
		tail_show(v->x->base->dirs, project->name, project->services[index].name);
		lack = ready_lack(&entry);
		(void)err_set(err, ETIMEDOUT, "service '%s': %s", project->services[index].name,
			      lack);
		return true;
	}
	return false;
}

void vigil_give_up(struct execution *x, int64_t waited_ns, struct error *err)
{
	char text[32];
	bool is_told = false;

	for (size_t i = 0; x->vigil && !is_told && i < x->base->project->n_services; i++) {
		if (is_of_interest(x, i) && x->schedule.facts[i].is_healthy == FACT_UNKNOWN)
			is_told = show_lack(x->vigil, i, err);
	}
	format_duration((uint64_t)waited_ns, text, sizeof(text));
	if (is_told)
		(void)err_wrap(err, "not ready after %s", text);
	else
		(void)err_set(err, ETIMEDOUT, "not ready after %s", text);
}

void vigil_end(struct execution *x)
{
	struct vigil *v = x->vigil;

	if (!v)
		return;
	for (size_t i = 0; i < x->base->project->n_services; i++) {
		struct watched_service *service = &v->services[i];

		for (size_t j = 0; j < service->n; j++) {
			leave(&service->containers[j]);
			free(service->containers[j].name);
		}
		free(service->containers);
	}
	if (v->changes >= 0)
		loop_remove(x->loop, v->changes);
	close_fd(&v->changes);
	if (v->timer)
		loop_timer_cancel(x->loop, v->timer);
	free(v->services);
	free(v);
	x->vigil = NULL;
}
