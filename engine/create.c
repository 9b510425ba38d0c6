/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/create.h"

#include <string.h>

#include "base/mem.h"
#include "base/step.h"
#include "engine/events.h"
#include "engine/reconcile.h"
#include "engine/run.h"

static int make(struct run *run, struct error *err)
{
	int rc = record_make_id(run->record.id, err);

	step_phase("record");
	if (rc == 0)
		rc = container_claim(run->dirs, &run->record, &run->place, err);
	if (rc < 0)
		return rc;
	rc = record_begin(&run->record, err);
	if (rc == 0)
		return run_create(run, err);
	(void)record_remove(run->dirs, run->record.name, &(struct error){ 0 });
	return rc;
}

int container_make(const struct engine_dirs *dirs, struct run_options *options, char ret_id[65],
		   struct error *err)
{
	struct run run = { .dirs = dirs, .place = RECORD_NO_PLACE };
	int rc;

	run.record.name = xstrdup(options->name);
	run.record.options = *options;
	*options = (struct run_options){ 0 };
	rc = make(&run, err);
	if (rc == 0)
		event_add(dirs, &run.record, "create", run.record.created_ns, NULL);
	memcpy(ret_id, run.record.id, sizeof(run.record.id));
	run_fini(&run);
	return rc;
}
