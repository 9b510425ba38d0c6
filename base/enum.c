/* SPDX-License-Identifier: Apache-2.0 */
#include "base/enum.h"

#include <string.h>

#include "base/str.h"

int enum_from_name(const struct enum_name *table, const char *name, int *ret)
{
	for (; table->name; table++) {
		if (strcmp(table->name, name) == 0) {
			*ret = table->value;
			return 1;
		}
	}
	return 0;
}

const char *enum_to_name(const struct enum_name *table, int value)
{
	for (; table->name; table++) {
		if (table->value == value)
			return table->name;
	}
	return NULL;
}

char *enum_names(const struct enum_name *table)
{
	struct str out = { 0 };

	for (; table->name; table++)
		str_addf(&out, "%s%s", out.len ? ", " : "", table->name);
	return str_take(&out);
}
