/* SPDX-License-Identifier: Apache-2.0 */
#include "base/stage.h"

#include "base/step.h"

void stages_undo(const struct stage *stages, size_t n, void *job)
{
	for (size_t i = n; i-- > 0;) {
		if (stages[i].undo)
			stages[i].undo(job);
	}
}

int stages_run(const struct stage *stages, size_t n, void *job, struct error *err)
{
	for (size_t i = 0; i < n; i++) {
		int rc;

		step_phase(stages[i].name);
		rc = stages[i].run(job, err);
		if (rc >= 0)
			continue;

		rc = err_wrap(err, "%s", stages[i].name);
		step_phase("undo");
		stages_undo(stages, i + 1, job);
		return rc;
	}
	return 0;
}
