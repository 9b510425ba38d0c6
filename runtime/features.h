/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

/*
 * What this runtime can do, as the document of runtime-spec features.md: engines decide by it
 * whether they ask for recursive read-only mounts (mountOptions), user namespaces of pods
 * (idmap) and more.  Owned by the caller.
 */
json_t *features_json(void);
