/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <string.h>

#include <check.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "runtime/spec.h"

/* Text of a config.json -> spec.  @text may be C-like: every ' in it stands for a ". */
static inline int config_read(const char *text, struct spec *ret, struct error *err)
{
	auto_json_doc struct json_doc doc = { 0 };
	auto_free char *json = xstrdup(text);
	int rc;

	for (char *p = json; *p; p++) {
		if (*p == '\'')
			*p = '"';
	}
	rc = json_doc_parse(&doc, "config.json", json, strlen(json), err);
	return rc < 0 ? rc : spec_read(&doc, ret, err);
}

/* A config that could be run, with @members added to the top level and @linux to "linux". */
static inline char *config_text(const char *members, const char *linux_members)
{
	return xasprintf("{'ociVersion': '1.0.2', 'root': {'path': 'rootfs'}, "
			 "'process': {'cwd': '/', 'args': ['true']}, "
			 "'linux': {'namespaces': [{'type': 'mount'}, {'type': 'pid'}]%s%s}%s%s}",
			 *linux_members ? ", " : "", linux_members, *members ? ", " : "", members);
}

static inline void config_read_ok(const char *text, struct spec *ret)
{
	struct error err = { 0 };
	int rc = config_read(text, ret, &err);

	ck_assert_msg(rc == 0, "%s: %s", text, err.msg);
}
