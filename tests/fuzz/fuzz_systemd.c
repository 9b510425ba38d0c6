/* SPDX-License-Identifier: Apache-2.0 */
/* Names of scopes and properties from annotations: what a config may say to systemd. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/dbus_message.h"
#include "base/mem.h"
#include "cgroups/systemd_names.h"
#include "cgroups/systemd_properties.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void name(const char *path)
{
	struct systemd_scope scope = { 0 };
	struct error err = { 0 };

	if (systemd_scope_read(path, "box", &scope, &err) < 0)
		return;
	/* Below the slice, whatever the path is. */
	if (strchr(scope.unit, '/') || !str_ends(scope.unit, ".scope") || *scope.path == '/' ||
	    str_starts(scope.path, "../") || strstr(scope.path, "/../") || strlen(scope.unit) > 255)
		abort();
	systemd_scope_fini(&scope);
}

static void annotate(const char *text)
{
	struct unit_properties properties = { 0 };
	auto_strv struct strv annotations = { 0 };
	auto_str struct str out = { 0 };
	struct error err = { 0 };

	strv_addf(&annotations, "org.systemd.property.%s", text);
	strv_addf(&annotations, "org.systemd.property.TimeoutStopSec=%s", text);
	strv_addf(&annotations, "org.systemd.property.Some=%s", text);
	(void)unit_put_annotations(&properties, &annotations, &err);
	unit_properties_marshal(&properties, &out);
	unit_properties_fini(&properties);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = xmalloc(size + 1);

	memcpy(text, data, size);
	text[size] = '\0';
	name(text);
	annotate(text);
	free(text);
	return 0;
}
