/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "compose/shape.h"

/* The keys of a project file, of the Compose specification and of our own. */
extern const struct key schema_project[];
extern const struct key schema_service[];

/* The whole of a file as one key, for shape() and merge(). */
extern const struct key schema_file;
