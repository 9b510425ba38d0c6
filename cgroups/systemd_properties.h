/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

struct cgroup_writes;

/* "infinity" */
#define UNIT_UNLIMITED UINT64_MAX

/*
 * A property of a unit, as org.freedesktop.systemd1(5) names and types them.  By @type: the numbers
 * ("y", "n", "q", "b", "i", "u", "x", "t", the bits of a "d") and "au" (of one) are in @number, "s"
 * and "o" the one text, "as" and "a(ss)" the texts in @texts (pair by pair), "ay" are @bytes.
 */
struct unit_property {
	char *name;       /* owned */
	const char *type; /* static */
	uint64_t number;
	struct strv texts; /* owned */
	struct str bytes;  /* owned */
};

struct unit_properties {
	struct unit_property *items; /* owned; of two with one name the later counts */
	size_t n;
};

void unit_properties_fini(struct unit_properties *p);

void unit_put_number(struct unit_properties *p, const char *name, const char *type,
		     uint64_t number);
void unit_put_text(struct unit_properties *p, const char *name, const char *text);

/*
 * "org.systemd.property.NAME" among @annotations ("key=value"): the value is GVariant text of a
 * simple type or a list of strings ("true", "'text'", "uint64 5", "['a', 'b']"); NAMESec is NAMEUSec
 * in seconds.  What would have systemd act on other units or on the machine is refused, as an image
 * or a pod may have such annotations (CVE-2024-3154).  Pure.
 */
int unit_put_annotations(struct unit_properties *p, const struct strv *annotations,
			 struct error *err);

/*
 * What is going to be written to files of the group, where systemd has a property for it: else it
 * would undo that the next time it looks after the unit.  Pure.
 */
void unit_put_limits(struct unit_properties *p, const struct cgroup_writes *writes);

/* All of it, as a D-Bus value of type a(sv). */
void unit_properties_marshal(const struct unit_properties *p, struct str *out);
