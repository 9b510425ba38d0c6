/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/enum.h"
#include "runtime/seccomp.h"

/* Names of config-linux.md "Seccomp" and what they are to the kernel and to libseccomp. */
extern const struct enum_name seccomp_actions[], seccomp_operators[]; /* SCMP_ACT_*, SCMP_CMP_* */
extern const struct enum_name seccomp_flags[];                        /* SECCOMP_FILTER_FLAG_* */

/* BPF_MAXINSNS: the kernel takes no longer program. */
#define SECCOMP_INSTRUCTIONS_MAX 4096U

/*
 * Rules -> program.  Calls are found by a tree over ranges of numbers with one answer, which is
 * shorter to load and to run than a list of comparisons.
 *
 * - Of several rules for a call one without conditions wins, else the first that matches.
 * - If the default is an errno, calls newer than any that the rules name answer ENOSYS: who wrote
 *   the rules did not know them, and programs fall back on an older call then, as they would not
 *   on EPERM.
 * - On architectures with socketcall(2) and ipc(2), which hide what they do behind a number, a
 *   rule without conditions for socket(2) holds for that number of socketcall too.
 * - A system call of an architecture that the rules do not name kills.
 */
int seccomp_compile(const struct spec_seccomp *rules, struct seccomp_program *ret,
		    struct error *err);

/* ---- what the rules mean (runtime/seccomp_rules.c) -------------------------------------------- */

#define SECCOMP_ARCHITECTURES_MAX 8

/* x32 shares the architecture of x86_64 in seccomp_data; its numbers have this bit. */
#define SECCOMP_X32_BIT 0x40000000U

struct seccomp_condition {
	unsigned int arg;
	int op; /* SCMP_CMP_* */
	uint64_t value, value_two;
};

/* A rule of the document with what its texts mean. */
struct seccomp_rule {
	const struct spec_seccomp_rule *spec; /* borrowed */
	uint32_t action;                      /* SCMP_ACT_* */
	struct seccomp_condition conditions[6];
	bool is_any; /* one condition is enough */
};

struct seccomp_rules {
	struct seccomp_rule *items; /* owned */
	size_t n;
	uint32_t default_action;
	uint32_t architectures
		[SECCOMP_ARCHITECTURES_MAX]; /* SCMP_ARCH_*, the native first; no x32 */
	size_t n_architectures;
	bool has_x32;
};

int seccomp_rules_resolve(const struct spec_seccomp *s, struct seccomp_rules *ret,
			  struct error *err);

/* What one rule says about one call of one architecture. */
struct seccomp_use {
	unsigned int number, sequence;
	uint32_t action;
	struct seccomp_condition conditions[6];
	size_t n; /* 0: whatever the arguments are */
};

struct seccomp_uses {
	struct seccomp_use *items; /* owned; sorted by number, then as the rules are */
	size_t n, room;
	unsigned int end; /* beyond the highest number that any rule names; 0: they name none */
};

void seccomp_uses_make(const struct seccomp_rules *rules, uint32_t arch, struct seccomp_uses *ret);
