/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "compose/tree.h"

/*
 * The text of one project file -> tree: as JSON if its name ends in ".json" (or is "<stdin>"
 * and the text begins with '{'), else as YAML.  @file is borrowed by the tree.  A file
 * that does not hold a map is -EINVAL.
 */
int file_parse(const char *file, const char *text, size_t len, struct node **ret,
	       struct error *err);
