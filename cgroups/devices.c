/* SPDX-License-Identifier: Apache-2.0 */
#include "cgroups/devices.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/mem.h"
#include "base/sys_bpf.h"
#include "cgroups/resources.h"

#define RULES_MAX 1024

enum { ACCESS_ALL = BPF_DEVCG_ACC_MKNOD | BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE };

static const struct {
	char letter;
	unsigned int bit;
} accesses[] = {
	{ 'r', BPF_DEVCG_ACC_READ },
	{ 'w', BPF_DEVCG_ACC_WRITE },
	{ 'm', BPF_DEVCG_ACC_MKNOD },
};

/* "" means all, as the engines write it.  0 if a letter is unknown. */
static unsigned int access_bits(const struct cgroup_device_rule *rule)
{
	unsigned int bits = 0;

	for (size_t i = 0; i < sizeof(rule->access) && rule->access[i]; i++) {
		unsigned int bit = 0;

		for (size_t j = 0; j < ARRAY_LEN(accesses); j++)
			if (accesses[j].letter == rule->access[i])
				bit = accesses[j].bit;
		if (bit == 0)
			return 0;
		bits |= bit;
	}
	return bits ? bits : ACCESS_ALL;
}

static bool is_number(int64_t number)
{
	return number >= -1 && number <= INT32_MAX;
}

int cgroup_devices_check(const struct cgroup_device_rule *rules, size_t n, struct error *err)
{
	if (n > RULES_MAX)
		return err_set(err, E2BIG, "limit devices: %zu rules, the limit is %d", n,
			       RULES_MAX);
	for (size_t i = 0; i < n; i++) {
		const struct cgroup_device_rule *rule = &rules[i];

		if (rule->type != 'a' && rule->type != 'b' && rule->type != 'c')
			return err_set(err, EINVAL,
				       "limit devices: rule %zu: unknown type '%c': use a, b or c",
				       i + 1,
				       rule->type > ' ' && rule->type < 127 ? rule->type : '?');
		if (!is_number(rule->major) || !is_number(rule->minor))
			return err_set(
				err, EINVAL,
				"limit devices: rule %zu: device number %lld:%lld is out of range",
				i + 1, (long long)rule->major, (long long)rule->minor);
		if (access_bits(rule) == 0)
			return err_set(
				err, EINVAL,
				"limit devices: rule %zu: unknown access '%.4s': use r, w, m",
				i + 1, rule->access);
	}
	return 0;
}

/* ---- v1 */

static bool is_for_all(const struct cgroup_device_rule *rule)
{
	return rule->type == 'a' && rule->major < 0 && rule->minor < 0 &&
	       access_bits(rule) == ACCESS_ALL;
}

static bool is_met(int64_t a, int64_t b)
{
	return a < 0 || b < 0 || a == b;
}

static bool is_overlapping(const struct cgroup_device_rule *a, const struct cgroup_device_rule *b)
{
	return a->type == b->type && is_met(a->major, b->major) && is_met(a->minor, b->minor) &&
	       access_bits(a) & access_bits(b);
}

static bool is_same_device(const struct cgroup_device_rule *a, const struct cgroup_device_rule *b)
{
	return a->type == b->type && a->major == b->major && a->minor == b->minor;
}

static void number_text(int64_t number, char *buf, size_t size)
{
	if (number < 0)
		(void)snprintf(buf, size, "*");
	else
		(void)snprintf(buf, size, "%lld", (long long)number);
}

/* "+c 1:3 rwm" */
static char *rule_text(const struct cgroup_device_rule *rule)
{
	unsigned int bits = access_bits(rule);
	char major[24], minor[24], access[4] = "";
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(accesses); i++)
		if (bits & accesses[i].bit)
			access[n++] = accesses[i].letter;
	number_text(rule->major, major, sizeof(major));
	number_text(rule->minor, minor, sizeof(minor));
	return xasprintf("%c%c %s:%s %s", rule->is_allowed ? '+' : '-', rule->type, major, minor,
			 access);
}

/*
 * v1 keeps one default and a set of exceptions to it.  A rule that agrees with the default takes
 * exceptions away, but only those of exactly its device (device_cgroup.c, dev_exception_rm): where
 * an earlier, wider or narrower exception would stay, v1 would do less than was asked.
 */
static int check_exceptions(const struct cgroup_device_rule *rules, size_t first, size_t at,
			    struct error *err)
{
	for (size_t i = first; i < at; i++) {
		auto_free char *later = NULL, *earlier = NULL;

		if (rules[i].is_allowed == rules[at].is_allowed ||
		    !is_overlapping(&rules[i], &rules[at]) || is_same_device(&rules[i], &rules[at]))
			continue;
		later = rule_text(&rules[at]);
		earlier = rule_text(&rules[i]);
		return err_set(
			err, EINVAL,
			"limit devices: rule '%s' takes back a part of '%s', which cgroup v1 "
			"cannot do",
			later, earlier);
	}
	return 0;
}

/* The kernel takes "a" as everything, whatever follows it: a narrower one becomes two rules. */
static size_t expand(const struct cgroup_device_rule *rules, size_t n,
		     struct cgroup_device_rule *ret)
{
	size_t n_ret = 0;

	if (!is_for_all(&rules[0]))
		ret[n_ret++] = (struct cgroup_device_rule){ .type = 'a', .major = -1, .minor = -1 };
	for (size_t i = 0; i < n; i++) {
		ret[n_ret++] = rules[i];
		if (rules[i].type != 'a' || is_for_all(&rules[i]))
			continue;
		ret[n_ret - 1].type = 'c';
		ret[n_ret] = rules[i];
		ret[n_ret++].type = 'b';
	}
	return n_ret;
}

int cgroup_devices_texts(const struct cgroup_device_rule *rules, size_t n, struct strv *ret,
			 struct error *err)
{
	auto_free struct cgroup_device_rule *all = NULL;
	size_t first = 0; /* the rules since the last one for all devices */
	bool is_allowed = false;
	int rc = cgroup_devices_check(rules, n, err);

	if (rc < 0 || n == 0)
		return rc;
	all = xcalloc(2 * n + 1, sizeof(*all));
	n = expand(rules, n, all);
	for (size_t i = 0; i < n; i++) {
		if (is_for_all(&all[i])) {
			first = i + 1;
			is_allowed = all[i].is_allowed;
		} else if (all[i].is_allowed == is_allowed) {
			rc = check_exceptions(all, first, i, err);
			if (rc < 0)
				return rc;
		}
		strv_take(ret, rule_text(&all[i]));
	}
	return 0;
}

/* ---- v2 */

/*
 * The filter walks the rules from the last to the first.  R3 holds the accesses that are still
 * undecided: an allow rule takes its own away, and lets the request pass when none is left; a deny
 * rule refuses if it speaks of one of them.
 */
enum {
	REG_RESULT = BPF_REG_0,
	REG_CONTEXT = BPF_REG_1, /* struct bpf_cgroup_dev_ctx; scratch once that is read */
	REG_SCRATCH = BPF_REG_1,
	REG_TYPE = BPF_REG_2,
	REG_ACCESS = BPF_REG_3,
	REG_MAJOR = BPF_REG_4,
	REG_MINOR = BPF_REG_5,
};

struct program {
	struct bpf_insn *insns;
	size_t n, room;
};

static size_t emit(struct program *p, int code, int dst, int src, int off, int imm)
{
	if (p->n == p->room) {
		p->room = p->room ? p->room * 2 : 64;
		p->insns = xrealloc(p->insns, p->room, sizeof(*p->insns));
	}
	p->insns[p->n] = (struct bpf_insn){
		.code = (uint8_t)code,
		.dst_reg = (uint8_t)(dst & 0xf),
		.src_reg = (uint8_t)(src & 0xf),
		.off = (int16_t)off,
		.imm = imm,
	};
	return p->n++;
}

static void emit_load(struct program *p, int reg, size_t offset)
{
	(void)emit(p, BPF_LDX | BPF_MEM | BPF_W, reg, REG_CONTEXT, (int)offset, 0);
}

static void emit_result(struct program *p, bool is_allowed)
{
	(void)emit(p, BPF_ALU64 | BPF_MOV | BPF_K, REG_RESULT, 0, 0, is_allowed);
	(void)emit(p, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static void emit_head(struct program *p)
{
	emit_load(p, REG_TYPE, offsetof(struct bpf_cgroup_dev_ctx, access_type));
	emit_load(p, REG_MAJOR, offsetof(struct bpf_cgroup_dev_ctx, major));
	emit_load(p, REG_MINOR, offsetof(struct bpf_cgroup_dev_ctx, minor));
	(void)emit(p, BPF_ALU64 | BPF_MOV | BPF_X, REG_ACCESS, REG_TYPE, 0, 0);
	(void)emit(p, BPF_ALU64 | BPF_RSH | BPF_K, REG_ACCESS, 0, 0, 16);
	(void)emit(p, BPF_ALU64 | BPF_AND | BPF_K, REG_TYPE, 0, 0, 0xffff);
}

/* Returns false if no request can get past this rule: the kernel refuses code that never runs. */
static bool emit_rule(struct program *p, const struct cgroup_device_rule *rule)
{
	enum { JUMPS_MAX = 4 };
	size_t jumps[JUMPS_MAX], n = 0; /* those that go to the next rule */
	unsigned int bits = access_bits(rule);

	if (rule->type != 'a')
		jumps[n++] = emit(p, BPF_JMP | BPF_JNE | BPF_K, REG_TYPE, 0, 0,
				  rule->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR);
	if (rule->major >= 0)
		jumps[n++] = emit(p, BPF_JMP | BPF_JNE | BPF_K, REG_MAJOR, 0, 0, (int)rule->major);
	if (rule->minor >= 0)
		jumps[n++] = emit(p, BPF_JMP | BPF_JNE | BPF_K, REG_MINOR, 0, 0, (int)rule->minor);
	if (bits != ACCESS_ALL && rule->is_allowed) {
		(void)emit(p, BPF_ALU64 | BPF_AND | BPF_K, REG_ACCESS, 0, 0,
			   (int)(ACCESS_ALL & ~bits));
		jumps[n++] = emit(p, BPF_JMP | BPF_JNE | BPF_K, REG_ACCESS, 0, 0, 0);
	} else if (bits != ACCESS_ALL) {
		(void)emit(p, BPF_ALU64 | BPF_MOV | BPF_X, REG_SCRATCH, REG_ACCESS, 0, 0);
		(void)emit(p, BPF_ALU64 | BPF_AND | BPF_K, REG_SCRATCH, 0, 0, (int)bits);
		jumps[n++] = emit(p, BPF_JMP | BPF_JEQ | BPF_K, REG_SCRATCH, 0, 0, 0);
	}
	emit_result(p, rule->is_allowed);

	for (size_t i = 0; i < n; i++)
		p->insns[jumps[i]].off = (int16_t)(p->n - jumps[i] - 1);
	return n > 0;
}

int cgroup_devices_program(const struct cgroup_device_rule *rules, size_t n, struct bpf_insn **ret,
			   size_t *ret_n, struct error *err)
{
	struct program p = { 0 };
	bool is_open = true;
	int rc = cgroup_devices_check(rules, n, err);

	if (rc < 0)
		return rc;
	emit_head(&p);
	for (size_t i = n; i > 0 && is_open; i--)
		is_open = emit_rule(&p, &rules[i - 1]);
	if (is_open)
		emit_result(&p, false);
	*ret = p.insns;
	*ret_n = p.n;
	return 0;
}

int cgroup_devices_attach(int cgroup_fd, const struct cgroup_device_rule *rules, size_t n,
			  struct error *err)
{
	auto_free struct bpf_insn *insns = NULL;
	size_t n_insns = 0;
	int rc = cgroup_devices_program(rules, n, &insns, &n_insns, err);

	return rc < 0 ? rc : sys_bpf_attach_devices(cgroup_fd, insns, n_insns, err);
}
