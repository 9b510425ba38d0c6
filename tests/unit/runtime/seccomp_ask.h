/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sched.h>
#include <string.h>

#include "base/mem.h"
#include "runtime/seccomp.h"
#include "tests/unit/runtime/bpf.h"
#include "tests/unit/runtime/config.h"

/* For tests of seccomp programs: made without a cache, and asked about calls. */
static const struct dir no_cache = { .fd = -1, .path = "" };

static inline void compile(const struct spec_seccomp *rules, struct seccomp_program *ret)
{
	struct error err = { 0 };
	int rc = seccomp_program_get(rules, &no_cache, ret, &err);

	ck_assert_msg(rc == 0, "%s", err.msg);
}

static inline uint32_t ask(const struct seccomp_program *p, uint32_t arch, unsigned int nr,
			   const uint64_t *args)
{
	struct seccomp_data data = { .nr = (int)nr, .arch = arch };

	if (args)
		memcpy(data.args, args, sizeof(data.args));
	return bpf_run(p->filter, p->n, &data);
}

/* A profile that allows all, with @rules. */
static inline void read_rules(const char *rules, struct spec *ret)
{
	auto_free char *members = xasprintf("'seccomp': {'defaultAction': 'SCMP_ACT_ALLOW', "
					    "'architectures': ['SCMP_ARCH_X86_64'], "
					    "'syscalls': [%s]}",
					    rules);
	auto_free char *text = config_text("", members);

	config_read_ok(text, ret);
}

/* What a filter looks at may be any of these: the answer has to be the same for all, or "arguments". */
static const uint64_t probes[][6] = {
	{ 0 },
	{ 1, 1, 1, 1, 1, 1 },
	{ 8, 8, 8, 8, 8, 8 },
	{ 38, 38, 38, 38, 38, 38 },
	{ 40, 40, 40, 40, 40, 40 },
	{ 0x20000, 0, 0, 0, 0, 0 },
	{ CLONE_NEWUSER, 0, 0, 0, 0, 0 },
	{ 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff },
	{ UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX },
};
