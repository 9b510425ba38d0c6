/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/bpf.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "cgroups/devices.h"
#include "cgroups/resources.h"
#include "tests/unit/test.h"

#define DENY(...)                  \
	{                          \
		false, __VA_ARGS__ \
	}
#define ALLOW(...)                \
	{                         \
		true, __VA_ARGS__ \
	}
#define ALL 'a', -1, -1, "rwm"

/*
 * A machine for the few instructions that the filter uses.  Each must be one that is known, each
 * jump must go forward and stay inside, as the kernel's verifier asks; @ran counts visits.
 */
static int run_program(const struct bpf_insn *insns, size_t n, const struct bpf_cgroup_dev_ctx *ctx,
		       unsigned int *ran)
{
	uint64_t reg[11] = { 0 };

	for (size_t pc = 0; pc < n; pc++) {
		const struct bpf_insn *i = &insns[pc];
		uint64_t *dst = &reg[i->dst_reg];
		uint32_t word;
		bool is_taken = false;

		ran[pc]++;
		switch (i->code) {
		case BPF_LDX | BPF_MEM | BPF_W:
			ck_assert_int_eq(i->src_reg, BPF_REG_1);
			ck_assert_int_le(i->off + 4, (int)sizeof(*ctx));
			memcpy(&word, (const char *)ctx + i->off, sizeof(word));
			*dst = word;
			break;
		case BPF_ALU64 | BPF_MOV | BPF_X:
			*dst = reg[i->src_reg];
			break;
		case BPF_ALU64 | BPF_MOV | BPF_K:
			*dst = (uint64_t)i->imm;
			break;
		case BPF_ALU64 | BPF_AND | BPF_K:
			*dst &= (uint64_t)i->imm;
			break;
		case BPF_ALU64 | BPF_RSH | BPF_K:
			*dst >>= i->imm;
			break;
		case BPF_JMP | BPF_JNE | BPF_K:
			is_taken = *dst != (uint64_t)i->imm;
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
			is_taken = *dst == (uint64_t)i->imm;
			break;
		case BPF_JMP | BPF_EXIT:
			return (int)reg[0];
		default:
			ck_abort_msg("instruction %zu has the unknown code 0x%x", pc, i->code);
		}
		if (BPF_CLASS(i->code) == BPF_JMP) {
			ck_assert_int_ge(i->off, 0);
			ck_assert_uint_lt(pc + 1 + (size_t)i->off, n);
		}
		if (is_taken)
			pc += (size_t)i->off;
	}
	ck_abort_msg("the program runs over its end");
}

/* What the rules mean, said in another way than the program says it. */
static bool is_allowed(const struct cgroup_device_rule *rules, size_t n, char type, int64_t major,
		       int64_t minor, const char *access)
{
	for (const char *a = access; *a; a++) {
		bool verdict = false;

		for (size_t i = 0; i < n; i++) {
			const struct cgroup_device_rule *r = &rules[i];

			if ((r->type == 'a' || r->type == type) &&
			    (r->major < 0 || r->major == major) &&
			    (r->minor < 0 || r->minor == minor) &&
			    (!*r->access || memchr(r->access, *a, strnlen(r->access, 4))))
				verdict = r->is_allowed;
		}
		if (!verdict)
			return false;
	}
	return true;
}

static const char *const accesses[] = { "r", "w", "m", "rw", "rm", "wm", "rwm" };

static uint32_t access_type(char type, const char *access)
{
	uint32_t bits = 0;

	bits |= strchr(access, 'r') ? BPF_DEVCG_ACC_READ : 0;
	bits |= strchr(access, 'w') ? BPF_DEVCG_ACC_WRITE : 0;
	bits |= strchr(access, 'm') ? BPF_DEVCG_ACC_MKNOD : 0;
	return bits << 16 | (uint32_t)(type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR);
}

/* Every request on a small world of devices gives the same in both. */
static void check_rules(const struct cgroup_device_rule *rules, size_t n)
{
	auto_free struct bpf_insn *insns = NULL;
	auto_free unsigned int *ran = NULL;
	struct error err = { 0 };
	size_t n_insns = 0;

	ck_assert_int_eq(cgroup_devices_program(rules, n, &insns, &n_insns, &err), 0);
	ran = xcalloc(n_insns, sizeof(*ran));
	for (int type = 'b'; type <= 'c'; type++)
		for (uint32_t major = 0; major < 4; major++)
			for (uint32_t minor = 0; minor < 4; minor++)
				for (size_t a = 0; a < ARRAY_LEN(accesses); a++) {
					const struct bpf_cgroup_dev_ctx ctx = {
						.access_type = access_type((char)type, accesses[a]),
						.major = major,
						.minor = minor,
					};
					int got = run_program(insns, n_insns, &ctx, ran);

					ck_assert_msg(got == is_allowed(rules, n, (char)type, major,
									minor, accesses[a]),
						      "%zu rules: %c %u:%u %s: %d", n, type, major,
						      minor, accesses[a], got);
				}
}

START_TEST(decides_as_the_rules_say)
{
	static const struct {
		struct cgroup_device_rule rules[5];
		size_t n;
	} rows[] = {
		{ { DENY(ALL) }, 1 },
		{ { ALLOW(ALL) }, 1 },
		{ { { 0 } }, 0 },
		{ { DENY(ALL), ALLOW('c', 1, 3, "rwm") }, 2 },
		{ { ALLOW(ALL), DENY('c', 1, 3, "rwm") }, 2 },
		{ { DENY(ALL), ALLOW('c', 1, -1, "rw"), DENY('c', 1, 2, "w") }, 3 },
		{ { DENY(ALL), ALLOW('c', 1, 1, "r"), ALLOW('c', 1, 1, "w") }, 3 },
		{ { DENY(ALL), ALLOW('c', -1, -1, "m"), ALLOW('b', -1, -1, "m"),
		    ALLOW('c', 1, 3, "") },
		  4 },
		{ { ALLOW('c', 1, 3, "rwm"), DENY(ALL) }, 2 },
		{ { DENY(ALL), ALLOW('a', 2, -1, "rw"), DENY('b', 2, 1, "r") }, 3 },
		{ { ALLOW(ALL), DENY('a', -1, -1, "m"), ALLOW('c', 3, 3, "m") }, 3 },
		{ { ALLOW('b', 1, 1, "r") }, 1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check_rules(rows[i].rules, rows[i].n);
}
END_TEST

START_TEST(decides_random_rules)
{
	static const char *const some[] = { "r", "w", "m", "rw", "rwm", "" };

	srandom(20);
	for (int round = 0; round < 300; round++) {
		struct cgroup_device_rule rules[6];
		size_t n = (size_t)random() % 7;

		for (size_t i = 0; i < n; i++) {
			rules[i] = (struct cgroup_device_rule){
				.is_allowed = random() % 2,
				.type = "abc"[random() % 3],
				.major = random() % 4 - 1,
				.minor = random() % 4 - 1,
			};
			strcpy(rules[i].access, some[(size_t)random() % ARRAY_LEN(some)]);
		}
		check_rules(rules, n);
	}
}
END_TEST

START_TEST(leaves_no_code_that_never_runs)
{
	static const struct cgroup_device_rule rules[] = {
		ALLOW('c', 1, 3, "rwm"),
		ALLOW('c', 1, 5, "rwm"),
		DENY(ALL),
		ALLOW('c', 2, 2, "rw"),
	};
	auto_free struct bpf_insn *insns = NULL;
	unsigned int ran[64] = { 0 };
	struct error err = { 0 };
	size_t n = 0;

	/* The verifier refuses it: the rules before the "deny all" are gone. */
	ck_assert_int_eq(cgroup_devices_program(rules, ARRAY_LEN(rules), &insns, &n, &err), 0);
	ck_assert_uint_eq(n, 6 + 3 + 2 + 2 + 2);
	for (uint32_t type = BPF_DEVCG_DEV_BLOCK; type <= BPF_DEVCG_DEV_CHAR; type++)
		for (uint32_t number = 0; number < 4; number++)
			for (uint32_t bits = 1; bits < 8; bits++)
				(void)run_program(insns, n,
						  &(struct bpf_cgroup_dev_ctx){
							  .access_type = bits << 16 | type,
							  .major = number,
							  .minor = 2,
						  },
						  ran);
	for (size_t i = 0; i < n; i++)
		ck_assert_uint_gt(ran[i], 0);
}
END_TEST

START_TEST(writes_v1_texts)
{
	static const struct {
		struct cgroup_device_rule rules[4];
		size_t n;
		const char *texts, *error;
	} rows[] = {
		{ { DENY(ALL), ALLOW('c', 1, 3, "rwm") }, 2, "-a *:* rwm;+c 1:3 rwm", NULL },
		{ { ALLOW('c', 1, 3, "mr") }, 1, "-a *:* rwm;+c 1:3 rm", NULL },
		{ { DENY(ALL), ALLOW('a', 10, 200, "rw") },
		  2,
		  "-a *:* rwm;+c 10:200 rw;+b 10:200 rw",
		  NULL },
		{ { DENY('a', -1, -1, ""), ALLOW('b', -1, -1, "m") },
		  2,
		  "-a *:* rwm;+b *:* m",
		  NULL },
		{ { ALLOW(ALL), DENY('c', 1, 1, "rwm") }, 2, "+a *:* rwm;-c 1:1 rwm", NULL },
		/* exactly what was allowed may be taken back, or a part of its accesses */
		{ { DENY(ALL), ALLOW('c', 1, 1, "rwm"), DENY('c', 1, 1, "w") },
		  3,
		  "-a *:* rwm;+c 1:1 rwm;-c 1:1 w",
		  NULL },
		{ { DENY(ALL), ALLOW('c', 1, -1, "rwm"), DENY('c', 1, 1, "w") },
		  3,
		  NULL,
		  "limit devices: rule '-c 1:1 w' takes back a part of '+c 1:* rwm', which cgroup "
		  "v1 cannot do" },
		{ { DENY(ALL), ALLOW('c', 1, 1, "rwm"), DENY('a', 1, -1, "w") },
		  3,
		  NULL,
		  "limit devices: rule '-c 1:* w' takes back a part of '+c 1:1 rwm', which cgroup "
		  "v1 cannot do" },
		{ { ALLOW(ALL), DENY('c', 1, -1, "rwm"), ALLOW('c', 1, 1, "r") },
		  3,
		  NULL,
		  "limit devices: rule '+c 1:1 r' takes back a part of '-c 1:* rwm', which cgroup "
		  "v1 cannot do" },
		/* another "all" forgets what was before it */
		{ { ALLOW(ALL), DENY('c', 1, -1, "rwm"), ALLOW(ALL), ALLOW('c', 1, 1, "r") },
		  4,
		  "+a *:* rwm;-c 1:* rwm;+a *:* rwm;+c 1:1 r",
		  NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_strv struct strv texts = { 0 };
		struct error err = { 0 };
		int rc = cgroup_devices_texts(rows[i].rules, rows[i].n, &texts, &err);

		if (rows[i].error) {
			ck_assert_int_eq(rc, -EINVAL);
			ck_assert_str_eq(err.msg, rows[i].error);
		} else {
			auto_str struct str all = { 0 };

			ck_assert_msg(rc == 0, "row %zu: %s", i, err.msg);
			for (size_t t = 0; t < texts.n; t++)
				str_addf(&all, "%s%s", t ? ";" : "", texts.items[t]);
			ck_assert_str_eq(all.text, rows[i].texts);
		}
	}
}
END_TEST

START_TEST(refuses_broken_rules)
{
	static const struct {
		struct cgroup_device_rule rule;
		const char *error;
	} rows[] = {
		{ ALLOW('u', 1, 1, "r"), "limit devices: rule 1: unknown type 'u': use a, b or c" },
		{ ALLOW('\n', 1, 1, "r"),
		  "limit devices: rule 1: unknown type '?': use a, b or c" },
		{ ALLOW('c', -2, 1, "r"),
		  "limit devices: rule 1: device number -2:1 is out of range" },
		{ ALLOW('c', 1, 1LL << 31, "r"),
		  "limit devices: rule 1: device number 1:2147483648 is out of range" },
		{ ALLOW('c', 1, 1, "rx"),
		  "limit devices: rule 1: unknown access 'rx': use r, w, m" },
		{ ALLOW('c', 1, 1, { 'r', 'w', 'm', 'x' }),
		  "limit devices: rule 1: unknown access 'rwmx': use r, w, m" },
	};
	auto_free struct cgroup_device_rule *many = xcalloc(2000, sizeof(*many));
	auto_strv struct strv texts = { 0 };
	struct bpf_insn *insns;
	struct error err = { 0 };
	size_t n;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		ck_assert_int_eq(cgroup_devices_texts(&rows[i].rule, 1, &texts, &err), -EINVAL);
		ck_assert_str_eq(err.msg, rows[i].error);
		ck_assert_int_eq(cgroup_devices_program(&rows[i].rule, 1, &insns, &n, &err),
				 -EINVAL);
	}
	ck_assert_int_eq(cgroup_devices_program(many, 2000, &insns, &n, &err), -E2BIG);
	ck_assert_str_eq(err.msg, "limit devices: 2000 rules, the limit is 1024");
}
END_TEST

TEST_MAIN("cgroups/devices", decides_as_the_rules_say, decides_random_rules,
	  leaves_no_code_that_never_runs, writes_v1_texts, refuses_broken_rules)
