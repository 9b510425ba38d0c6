/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>

#include <seccomp.h>

#include "base/macros.h"
#include "base/mem.h"
#include "runtime/seccomp_internal.h"

/* ---- instructions ----------------------------------------------------------------------------- */

/*
 * The program grows from its end towards its beginning, as jumps only lead forward: what they lead
 * to is there already.  A position is an index into @code; @head is the first instruction so far.
 */
struct writer {
	struct sock_filter code[SECCOMP_INSTRUCTIONS_MAX];
	unsigned int head;
	bool is_full;
	struct {
		uint32_t action;
		unsigned int at;
	} returns[16]; /* the nearest return of an action */
	size_t n_returns;
	bool is_64; /* of the architecture: arguments have an upper half */
};

#define JUMP_MAX 255U

static unsigned int put(struct writer *w, uint16_t code, uint32_t k, unsigned int jt,
			unsigned int jf)
{
	if (w->head == 0) {
		w->is_full = true;
		w->head = SECCOMP_INSTRUCTIONS_MAX - 1;
	}
	w->code[--w->head] = (struct sock_filter){ code, (uint8_t)jt, (uint8_t)jf, k };
	return w->head;
}

static unsigned int put_return(struct writer *w, uint32_t action)
{
	unsigned int at = put(w, BPF_RET | BPF_K, action, 0, 0);

	for (size_t i = 0; i < w->n_returns; i++) {
		if (w->returns[i].action == action) {
			w->returns[i].at = at;
			return at;
		}
	}
	if (w->n_returns < ARRAY_LEN(w->returns)) {
		w->returns[w->n_returns].action = action;
		w->returns[w->n_returns++].at = at;
	}
	return at;
}

/* Where a return of @action is; made if there is none near enough. */
static unsigned int return_of(struct writer *w, uint32_t action)
{
	for (size_t i = 0; i < w->n_returns; i++) {
		if (w->returns[i].action == action && w->returns[i].at - w->head < JUMP_MAX - 2)
			return w->returns[i].at;
	}
	return put_return(w, action);
}

/* A position from which @at is reached and that the next instruction can jump to. */
static unsigned int reach(struct writer *w, unsigned int at)
{
	if (at - w->head <= JUMP_MAX)
		return at;
	if (w->code[at].code == (BPF_RET | BPF_K))
		return put_return(w, w->code[at].k);
	return put(w, BPF_JMP | BPF_JA, at - w->head, 0, 0);
}

static unsigned int put_jump(struct writer *w, uint16_t op, uint32_t k, unsigned int is_true,
			     unsigned int is_false)
{
	/* What one of them needs may push the other out of reach: at most once. */
	for (int i = 0; i < 2; i++) {
		is_true = reach(w, is_true);
		is_false = reach(w, is_false);
	}
	return put(w, (uint16_t)(BPF_JMP | op | BPF_K), k, is_true - w->head, is_false - w->head);
}

static void put_load(struct writer *w, size_t offset)
{
	(void)put(w, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static size_t half_offset(unsigned int arg, bool is_high)
{
	bool is_second = is_high == (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);

	return offsetof(struct seccomp_data, args) + arg * sizeof(uint64_t) +
	       (is_second ? sizeof(uint32_t) : 0);
}

/* ---- conditions ------------------------------------------------------------------------------- */

/* (argument & mask) == value, of 64 bits; @yes and @no are positions. */
static unsigned int put_equal(struct writer *w, const struct seccomp_condition *c, uint64_t mask,
			      uint64_t value, unsigned int yes, unsigned int no)
{
	for (int half = 0; half < 2; half++) { /* backwards: the high half is asked first */
		uint32_t m = (uint32_t)(mask >> (32 * half));
		uint32_t v = (uint32_t)(value >> (32 * half));

		if (half == 1 && (!w->is_64 || (m == 0 && v == 0)))
			continue;
		yes = put_jump(w, BPF_JEQ, v, yes, no);
		if (m != UINT32_MAX)
			(void)put(w, BPF_ALU | BPF_AND | BPF_K, m, 0, 0);
		put_load(w, half_offset(c->arg, half == 1));
		yes = w->head;
	}
	return yes;
}

/* argument > value (@op is BPF_JGT) or >= (BPF_JGE), of 64 bits. */
static unsigned int put_greater(struct writer *w, const struct seccomp_condition *c, uint16_t op,
				unsigned int yes, unsigned int no)
{
	uint32_t high = (uint32_t)(c->value >> 32);
	unsigned int low;

	(void)put_jump(w, op, (uint32_t)c->value, yes, no);
	put_load(w, half_offset(c->arg, false));
	if (!w->is_64)
		return w->head;
	low = w->head;
	(void)put_jump(w, BPF_JEQ, high, low, no);
	(void)put_jump(w, BPF_JGT, high, yes, w->head);
	put_load(w, half_offset(c->arg, true));
	return w->head;
}

static unsigned int put_condition(struct writer *w, const struct seccomp_condition *c,
				  unsigned int yes, unsigned int no)
{
	switch (c->op) {
	case SCMP_CMP_EQ:
		return put_equal(w, c, UINT64_MAX, c->value, yes, no);
	case SCMP_CMP_NE:
		return put_equal(w, c, UINT64_MAX, c->value, no, yes);
	case SCMP_CMP_MASKED_EQ:
		return put_equal(w, c, c->value, c->value_two, yes, no);
	case SCMP_CMP_GT:
		return put_greater(w, c, BPF_JGT, yes, no);
	case SCMP_CMP_GE:
		return put_greater(w, c, BPF_JGE, yes, no);
	case SCMP_CMP_LE:
		return put_greater(w, c, BPF_JGT, no, yes);
	default: /* SCMP_CMP_LT */
		return put_greater(w, c, BPF_JGE, no, yes);
	}
}

/* The rules of one call, the first that matches wins; else @otherwise. */
static unsigned int put_rules(struct writer *w, const struct seccomp_use *uses, size_t n,
			      uint32_t otherwise)
{
	unsigned int next = return_of(w, otherwise);

	for (size_t i = n; i-- > 0;) {
		unsigned int yes = return_of(w, uses[i].action);

		next = reach(w, next);
		for (size_t j = uses[i].n; j-- > 0;)
			yes = put_condition(w, &uses[i].conditions[j], yes, next);
		next = yes;
	}
	return next;
}

/* ---- the tree of numbers ---------------------------------------------------------------------- */

/* From @number on to the next range: one answer. */
struct range {
	unsigned int number;
	uint32_t action;
	const struct seccomp_use *uses; /* conditions to look at; NULL: @action whatever they are */
	size_t n;
};

struct ranges {
	struct range *items; /* owned */
	size_t n;
};

static void add_range(struct ranges *ranges, struct range range)
{
	const struct range *last = ranges->n ? &ranges->items[ranges->n - 1] : NULL;

	if (last && last->number == range.number)
		ranges->n--; /* nothing was left of that one */
	last = ranges->n ? &ranges->items[ranges->n - 1] : NULL;
	if (last && !last->uses && !range.uses && last->action == range.action)
		return;
	ranges->items[ranges->n++] = range;
}

static struct range range_of(const struct seccomp_use *uses, size_t n, uint32_t default_action)
{
	for (size_t i = 0; i < n; i++) {
		if (uses[i].n == 0)
			return (struct range){ uses->number, uses[i].action, NULL, 0 };
	}
	return (struct range){ uses->number, default_action, uses, n };
}

static void make_ranges(const struct seccomp_uses *uses, uint32_t default_action,
			struct ranges *ret)
{
	bool is_errno = (default_action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO;

	ret->items = xcalloc(2 * uses->n + 2, sizeof(*ret->items));
	ret->n = 0;
	add_range(ret, (struct range){ 0, default_action, NULL, 0 });
	for (size_t i = 0, n; i < uses->n; i += n) {
		const struct seccomp_use *first = &uses->items[i];

		for (n = 1; i + n < uses->n && uses->items[i + n].number == first->number;)
			n++;
		add_range(ret, range_of(first, n, default_action));
		add_range(ret, (struct range){ first->number + 1, default_action, NULL, 0 });
	}
	if (is_errno && uses->end)
		add_range(ret, (struct range){ uses->end, SCMP_ACT_ERRNO(ENOSYS), NULL, 0 });
}

static unsigned int put_tree(struct writer *w, const struct ranges *ranges, size_t first,
			     size_t last)
{
	const struct range *range = &ranges->items[first];
	size_t middle = (first + last + 1) / 2;
	unsigned int right, left;

	if (first == last)
		return range->uses ? put_rules(w, range->uses, range->n, range->action)
				   : return_of(w, range->action);
	right = put_tree(w, ranges, middle, last);
	left = put_tree(w, ranges, first, middle - 1);
	return put_jump(w, BPF_JGE, ranges->items[middle].number, right, left);
}

/* ---- architectures ---------------------------------------------------------------------------- */

/* Calls of one architecture; the position where they are decided. */
static unsigned int put_architecture(struct writer *w, const struct seccomp_rules *rules,
				     uint32_t arch)
{
	struct seccomp_uses uses;
	struct ranges ranges;
	unsigned int tree, x32;

	seccomp_uses_make(rules, arch, &uses);
	make_ranges(&uses, rules->default_action, &ranges);
	w->is_64 = (arch & __AUDIT_ARCH_64BIT) != 0;
	tree = put_tree(w, &ranges, 0, ranges.n - 1);
	if (arch == SCMP_ARCH_X86_64 && rules->has_x32) {
		tree = reach(w, tree);
		(void)put(w, BPF_JMP | BPF_JA, tree - w->head, 0, 0);
		x32 = put(w, BPF_ALU | BPF_AND | BPF_K, ~SECCOMP_X32_BIT, 0, 0);
		(void)put_jump(w, BPF_JGE, SECCOMP_X32_BIT, x32, tree);
	} else if (arch == SCMP_ARCH_X86_64) {
		x32 = return_of(w, SCMP_ACT_KILL_THREAD);
		(void)put_jump(w, BPF_JGE, SECCOMP_X32_BIT, x32, tree);
	} else if (w->head != tree) {
		tree = reach(w, tree);
		(void)put(w, BPF_JMP | BPF_JA, tree - w->head, 0, 0);
	}
	put_load(w, offsetof(struct seccomp_data, nr));
	free(ranges.items);
	free(uses.items);
	return w->head;
}

static void put_program(struct writer *w, const struct seccomp_rules *rules)
{
	unsigned int entries[SECCOMP_ARCHITECTURES_MAX];
	unsigned int next;

	for (size_t i = rules->n_architectures; i-- > 0;)
		entries[i] = put_architecture(w, rules, rules->architectures[i]);
	next = return_of(w, SCMP_ACT_KILL_THREAD);
	for (size_t i = rules->n_architectures; i-- > 0;)
		next = put_jump(w, BPF_JEQ, rules->architectures[i], entries[i], next);
	put_load(w, offsetof(struct seccomp_data, arch));
}

int seccomp_compile(const struct spec_seccomp *s, struct seccomp_program *ret, struct error *err)
{
	auto_free struct writer *w = xcalloc(1, sizeof(*w));
	struct seccomp_rules rules;
	int rc = seccomp_rules_resolve(s, &rules, err);

	if (rc < 0)
		return rc;
	w->head = SECCOMP_INSTRUCTIONS_MAX;
	put_program(w, &rules);
	free(rules.items);
	if (w->is_full)
		return err_set(err, E2BIG, "compile seccomp filter: more than %u instructions",
			       SECCOMP_INSTRUCTIONS_MAX);
	ret->n = (unsigned short)(SECCOMP_INSTRUCTIONS_MAX - w->head);
	ret->filter = xmalloc(ret->n * sizeof(*ret->filter));
	memcpy(ret->filter, w->code + w->head, ret->n * sizeof(*ret->filter));
	return 0;
}
