/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/mem.h"
#include "runtime/spec_internal.h"

/* linux.seccomp of config.json, and files with docker's form of it. */

static const struct json_field arg_fields[] = {
	JSON_FIELD_NEEDED(struct spec_seccomp_arg, index, JSON_FIELD_UINT32, "index"),
	JSON_FIELD_NEEDED(struct spec_seccomp_arg, value, JSON_FIELD_UINT64, "value"),
	JSON_FIELD(struct spec_seccomp_arg, value_two, JSON_FIELD_UINT64, "valueTwo"),
	JSON_FIELD_NEEDED(struct spec_seccomp_arg, op, JSON_FIELD_STRING, "op"),
	JSON_FIELDS_END,
};

static int read_args(struct json_reader *reader, const json_t *value, void *field,
		     struct error *err)
{
	struct spec_seccomp_rule *rule = container_of(field, struct spec_seccomp_rule, args);
	void *items = NULL;
	int rc = json_read_array(reader, value, sizeof(*rule->args), arg_fields, &items,
				 &rule->n_args, err);

	rule->args = items;
	return rc;
}

#define RULE_FIELDS(prefix, struct_)                                                     \
	JSON_FIELD_NEEDED(struct_, prefix action, JSON_FIELD_STRING, "action"),          \
		JSON_FIELD_SET(struct_, prefix errno_ret, JSON_FIELD_UINT32, "errnoRet", \
			       prefix has_errno),                                        \
		JSON_FIELD_BY(struct_, prefix args, "args", read_args)

static const struct json_field rule_fields[] = {
	JSON_FIELD_NEEDED(struct spec_seccomp_rule, names, JSON_FIELD_STRINGS, "names"),
	RULE_FIELDS(, struct spec_seccomp_rule),
	JSON_FIELDS_END,
};

static int read_rules(struct json_reader *reader, const json_t *value, void *field,
		      struct error *err)
{
	struct spec_seccomp *seccomp = container_of(field, struct spec_seccomp, rules);
	void *items = NULL;
	int rc = json_read_array(reader, value, sizeof(*seccomp->rules), rule_fields, &items,
				 &seccomp->n_rules, err);

	seccomp->rules = items;
	return rc;
}

static const struct json_field seccomp_fields[] = {
	JSON_FIELD_NEEDED(struct spec_seccomp, default_action, JSON_FIELD_STRING, "defaultAction"),
	JSON_FIELD_SET(struct spec_seccomp, default_errno_ret, JSON_FIELD_UINT32, "defaultErrnoRet",
		       has_default_errno),
	JSON_FIELD(struct spec_seccomp, architectures, JSON_FIELD_STRINGS, "architectures"),
	JSON_FIELD(struct spec_seccomp, flags, JSON_FIELD_STRINGS, "flags"),
	JSON_FIELD(struct spec_seccomp, listener_path, JSON_FIELD_STRING, "listenerPath"),
	JSON_FIELD(struct spec_seccomp, listener_metadata, JSON_FIELD_STRING, "listenerMetadata"),
	JSON_FIELD_BY(struct spec_seccomp, rules, "syscalls", read_rules),
	JSON_FIELDS_END,
};

int spec_read_seccomp(struct json_reader *reader, const json_t *value, void *field,
		      struct error *err)
{
	struct spec_seccomp *seccomp = field;

	seccomp->is_given = true;
	return json_read_object(reader, value, NULL, seccomp_fields, seccomp, err);
}

/* ---- profiles --------------------------------------------------------------------------------- */

/*
 * docker's form has more: rules that hold only under conditions, architectures as a map from the
 * machine's to what it also runs, and (of old) one name a rule.  A profile in the OCI form is one
 * without any of that.
 */
struct condition {
	struct strv arches; /* Go's names */
	struct strv caps;
	char *min_kernel; /* "4.8" */
};

struct profile_rule {
	struct spec_seccomp_rule rule;
	char *name;
	struct condition includes, excludes;
};

struct architecture {
	char *name;
	struct strv more;
};

struct profile {
	struct spec_seccomp seccomp;
	struct profile_rule *rules;
	size_t n_rules;
	struct architecture *architectures;
	size_t n_architectures;
};

#ifdef __x86_64__
static const char own_arch[] = "amd64", own_architecture[] = "SCMP_ARCH_X86_64";
#elif defined(__aarch64__)
static const char own_arch[] = "arm64", own_architecture[] = "SCMP_ARCH_AARCH64";
#else
#	error "the names of this architecture are not known"
#endif

static const struct json_field condition_fields[] = {
	JSON_FIELD(struct condition, arches, JSON_FIELD_STRINGS, "arches"),
	JSON_FIELD(struct condition, caps, JSON_FIELD_STRINGS, "caps"),
	JSON_FIELD(struct condition, min_kernel, JSON_FIELD_STRING, "minKernel"),
	JSON_FIELDS_END,
};

static const struct json_field profile_rule_fields[] = {
	JSON_FIELD(struct profile_rule, rule.names, JSON_FIELD_STRINGS, "names"),
	JSON_FIELD(struct profile_rule, name, JSON_FIELD_STRING, "name"),
	RULE_FIELDS(rule., struct profile_rule),
	JSON_FIELD_TABLE(struct profile_rule, includes, "includes", condition_fields),
	JSON_FIELD_TABLE(struct profile_rule, excludes, "excludes", condition_fields),
	JSON_FIELDS_END,
};

static int read_profile_rules(struct json_reader *reader, const json_t *value, void *field,
			      struct error *err)
{
	struct profile *profile = container_of(field, struct profile, rules);
	void *items = NULL;
	int rc = json_read_array(reader, value, sizeof(*profile->rules), profile_rule_fields,
				 &items, &profile->n_rules, err);

	profile->rules = items;
	return rc;
}

static const struct json_field architecture_fields[] = {
	JSON_FIELD_NEEDED(struct architecture, name, JSON_FIELD_STRING, "architecture"),
	JSON_FIELD(struct architecture, more, JSON_FIELD_STRINGS, "subArchitectures"),
	JSON_FIELDS_END,
};

static int read_architectures(struct json_reader *reader, const json_t *value, void *field,
			      struct error *err)
{
	struct profile *profile = container_of(field, struct profile, architectures);
	void *items = NULL;
	int rc = json_read_array(reader, value, sizeof(*profile->architectures),
				 architecture_fields, &items, &profile->n_architectures, err);

	profile->architectures = items;
	return rc;
}

static const struct json_field profile_fields[] = {
	JSON_FIELD_NEEDED(struct profile, seccomp.default_action, JSON_FIELD_STRING,
			  "defaultAction"),
	JSON_FIELD_SET(struct profile, seccomp.default_errno_ret, JSON_FIELD_UINT32,
		       "defaultErrnoRet", seccomp.has_default_errno),
	JSON_FIELD(struct profile, seccomp.architectures, JSON_FIELD_STRINGS, "architectures"),
	JSON_FIELD(struct profile, seccomp.flags, JSON_FIELD_STRINGS, "flags"),
	JSON_FIELD(struct profile, seccomp.listener_path, JSON_FIELD_STRING, "listenerPath"),
	JSON_FIELD_BY(struct profile, architectures, "archMap", read_architectures),
	JSON_FIELD_BY(struct profile, rules, "syscalls", read_profile_rules),
	JSON_FIELDS_END,
};

static bool has_kernel(const char *wanted)
{
	unsigned int major = 0, minor = 0, own_major = 0, own_minor = 0;
	struct utsname uts;

	if (uname(&uts) < 0 || sscanf(uts.release, "%u.%u", &own_major, &own_minor) != 2 ||
	    sscanf(wanted, "%u.%u", &major, &minor) != 2)
		return false;
	return own_major != major ? own_major > major : own_minor >= minor;
}

static bool has_all(const struct strv *caps, const struct strv *wanted)
{
	for (size_t i = 0; i < wanted->n; i++) {
		if (!strv_has(caps, wanted->items[i]))
			return false;
	}
	return true;
}

static bool has_any(const struct strv *caps, const struct strv *wanted)
{
	for (size_t i = 0; i < wanted->n; i++) {
		if (strv_has(caps, wanted->items[i]))
			return true;
	}
	return false;
}

static bool holds(const struct profile_rule *rule, const struct strv *caps)
{
	const struct condition *in = &rule->includes, *out = &rule->excludes;

	if (in->arches.n && !strv_has(&in->arches, own_arch))
		return false;
	if (!has_all(caps, &in->caps) || (in->min_kernel && !has_kernel(in->min_kernel)))
		return false;
	return !strv_has(&out->arches, own_arch) && !has_any(caps, &out->caps) &&
	       !(out->min_kernel && has_kernel(out->min_kernel));
}

static void take_rules(struct profile *profile, const struct strv *caps)
{
	struct spec_seccomp *s = &profile->seccomp;

	s->rules = xcalloc(profile->n_rules, sizeof(*s->rules));
	for (size_t i = 0; i < profile->n_rules; i++) {
		struct profile_rule *rule = &profile->rules[i];

		if (!holds(rule, caps))
			continue;
		if (rule->name)
			strv_add(&rule->rule.names, rule->name);
		s->rules[s->n_rules++] = rule->rule;
		rule->rule = (struct spec_seccomp_rule){ 0 };
	}
}

static void take_architectures(struct profile *profile)
{
	for (size_t i = 0; i < profile->n_architectures; i++) {
		const struct architecture *a = &profile->architectures[i];

		if (strcmp(a->name, own_architecture) != 0)
			continue;
		strv_add(&profile->seccomp.architectures, a->name);
		for (size_t j = 0; j < a->more.n; j++)
			strv_add(&profile->seccomp.architectures, a->more.items[j]);
	}
}

static void fini_condition(struct condition *condition)
{
	strv_fini(&condition->arches);
	strv_fini(&condition->caps);
	free(condition->min_kernel);
}

static void profile_fini(struct profile *profile)
{
	struct spec_seccomp left = { 0 };

	left.rules = xcalloc(profile->n_rules, sizeof(*left.rules));
	left.n_rules = profile->n_rules;
	for (size_t i = 0; i < profile->n_rules; i++) {
		left.rules[i] = profile->rules[i].rule;
		free(profile->rules[i].name);
		fini_condition(&profile->rules[i].includes);
		fini_condition(&profile->rules[i].excludes);
	}
	spec_seccomp_fini(&left);
	free(profile->rules);
	for (size_t i = 0; i < profile->n_architectures; i++) {
		free(profile->architectures[i].name);
		strv_fini(&profile->architectures[i].more);
	}
	free(profile->architectures);
	spec_seccomp_fini(&profile->seccomp);
}

int spec_seccomp_read(const struct json_doc *doc, const struct strv *caps, struct spec_seccomp *ret,
		      struct error *err)
{
	struct profile profile = { .seccomp.is_given = true };
	int rc = json_read(doc, profile_fields, &profile, err);

	if (rc == 0) {
		take_rules(&profile, caps);
		take_architectures(&profile);
		*ret = profile.seccomp;
		profile.seccomp = (struct spec_seccomp){ 0 };
	}
	profile_fini(&profile);
	return rc;
}
