/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <linux/filter.h>

#include "base/error.h"
#include "base/fd.h"
#include "runtime/spec.h"

/*
 * Seccomp profile -> BPF program (runtime/seccomp_compile.c).  A compiled program is cached: the
 * file's name is a hash of the canonical rules (and of the versions of libseccomp, which knows the
 * calls' numbers, and of this code), its content repeats them whole, so that a collision or a torn
 * file is noticed and compiled again.
 */
struct seccomp_program {
	struct sock_filter *filter; /* owned */
	unsigned short n;           /* instructions; 0: no filter */
	unsigned int flags;         /* SECCOMP_FILTER_FLAG_* */
	bool is_notifying;          /* SCMP_ACT_NOTIFY is in use: load gives a notify fd */
	size_t n_syscalls;          /* named by rules, for --explain */
};

void seccomp_program_fini(struct seccomp_program *program);

/* Fills @ret from the cache below @cache (fd -1: no cache), or compiles and stores. */
int seccomp_program_get(const struct spec_seccomp *seccomp, const struct dir *cache,
			struct seccomp_program *ret, struct error *err);

/* docker's default profile as minictr's own table, resolved for the capabilities @caps
 * ("CAP_SYS_ADMIN" ...) of the container and the running kernel. */
void seccomp_default(const struct strv *caps, struct spec_seccomp *ret);

/* The same as the OCI JSON object, for config.json.  Owned by the caller. */
json_t *seccomp_to_json(const struct spec_seccomp *seccomp);
