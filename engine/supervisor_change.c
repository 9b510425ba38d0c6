/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "base/log.h"
#include "cgroups/cgroup.h"
#include "cgroups/resources.h"
#include "engine/change.h"
#include "engine/supervisor_internal.h"

/*
 * Changes of a running container.  What is taken is first written down, so that whatever becomes of
 * us, it is found and released; what is given back is gone before it is forgotten.
 */

static bool is_running(const struct supervisor *s)
{
	return s->phase == SUPERVISOR_RUNNING && !s->has_ended;
}

static int write_down(struct supervisor *s, struct error *err)
{
	return record_write(&s->run.place, &s->run.record, err);
}

/* As if nobody had asked. */
static void take_back(struct supervisor *s, const struct container_change *change)
{
	struct container_change back = *change;
	struct error err;

	back.kind = CHANGE_DISCONNECT;
	if (is_running(s) && run_disconnect(&s->run, change->options.networks[0].name, &err) < 0)
		log_warning("%s", err.msg);
	if (change_record(&s->run.record, &back, &err) < 0 || write_down(s, &err) < 0)
		log_warning("%s", err.msg);
}

static int join(struct supervisor *s, const struct container_change *change, struct error *err)
{
	int rc = change_record(&s->run.record, change, err);

	if (rc < 0)
		return rc;
	rc = write_down(s, err);
	if (rc == 0 && is_running(s))
		rc = run_connect(&s->run, err);
	if (rc == 0)
		rc = write_down(s, err);
	if (rc < 0)
		take_back(s, change);
	return rc;
}

static int leave(struct supervisor *s, const struct container_change *change, struct error *err)
{
	int rc = 0;

	if (is_running(s))
		rc = run_disconnect(&s->run, change->options.networks[0].name, err);
	if (rc == 0)
		rc = change_record(&s->run.record, change, err);
	return rc < 0 ? rc : write_down(s, err);
}

/* What the record says is what was, until the kernel has taken the new values. */
static int set_limits(struct supervisor *s, const struct container_change *change,
		      struct error *err)
{
	auto_record struct record changed = { 0 };
	struct cgroup_resources resources = { 0 };
	int rc = record_read(&s->run.place, &changed, err);

	if (rc == 0)
		rc = change_record(&changed, change, err);
	if (rc == 0)
		rc = change_resources(&changed, change, &resources, err);
	if (rc == 0 && is_running(s))
		rc = cgroup_update(s->run.container.cgroup, &resources, err);
	cgroup_resources_fini(&resources);
	if (rc == 0)
		rc = change_record(&s->run.record, change, err);
	if (rc < 0)
		return rc;
	s->restart.config = s->run.record.options.restart;
	if (is_running(s))
		memory_watch_again(s);
	events_tell(s, "update");
	return write_down(s, err);
}

int supervisor_change(struct supervisor *s, const struct container_change *change,
		      struct error *err)
{
	switch (change->kind) {
	case CHANGE_CONNECT:
		return join(s, change, err);
	case CHANGE_DISCONNECT:
		return leave(s, change, err);
	case CHANGE_LIMITS:
		return set_limits(s, change, err);
	}
	return err_set(err, EPROTO, "change %d is not understood", (int)change->kind);
}
