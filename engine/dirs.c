/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/dirs.h"

const struct engine_dirs engine_dirs = {
	.data = MINICTR_DATA_ROOT,
	.state = MINICTR_STATE_ROOT,
};
