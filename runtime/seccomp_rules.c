/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <seccomp.h>

#include "base/enum.h"
#include "base/macros.h"
#include "base/mem.h"
#include "base/str.h"
#include "runtime/seccomp_internal.h"

/* What the texts of a profile mean: calls by number, actions, conditions. */

/* From here on x32 has calls of its own; below, the number means the same call as on x86_64. */
#define X32_OWN 512

const struct enum_name seccomp_actions[] = {
	{ "SCMP_ACT_KILL", (int)SCMP_ACT_KILL },
	{ "SCMP_ACT_KILL_THREAD", (int)SCMP_ACT_KILL_THREAD },
	{ "SCMP_ACT_KILL_PROCESS", (int)SCMP_ACT_KILL_PROCESS },
	{ "SCMP_ACT_TRAP", (int)SCMP_ACT_TRAP },
	{ "SCMP_ACT_ERRNO", (int)SCMP_ACT_ERRNO(0) },
	{ "SCMP_ACT_TRACE", (int)SCMP_ACT_TRACE(0) },
	{ "SCMP_ACT_ALLOW", (int)SCMP_ACT_ALLOW },
	{ "SCMP_ACT_LOG", (int)SCMP_ACT_LOG },
	{ "SCMP_ACT_NOTIFY", (int)SCMP_ACT_NOTIFY },
	{ NULL, 0 },
};

const struct enum_name seccomp_operators[] = {
	{ "SCMP_CMP_NE", SCMP_CMP_NE },
	{ "SCMP_CMP_LT", SCMP_CMP_LT },
	{ "SCMP_CMP_LE", SCMP_CMP_LE },
	{ "SCMP_CMP_EQ", SCMP_CMP_EQ },
	{ "SCMP_CMP_GE", SCMP_CMP_GE },
	{ "SCMP_CMP_GT", SCMP_CMP_GT },
	{ "SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ },
	{ NULL, 0 },
};

/* ---- names ------------------------------------------------------------------------------------ */

/*
 * Calls that came after the libseccomp that we may be linked with.  Since 424 a call has the same
 * number on all architectures (include/uapi/asm-generic/unistd.h).
 */
static const struct enum_name newer[] = {
	{ "futex_waitv", 449 },       { "set_mempolicy_home_node", 450 },
	{ "cachestat", 451 },         { "fchmodat2", 452 },
	{ "map_shadow_stack", 453 },  { "futex_wake", 454 },
	{ "futex_wait", 455 },        { "futex_requeue", 456 },
	{ "statmount", 457 },         { "listmount", 458 },
	{ "lsm_get_self_attr", 459 }, { "lsm_set_self_attr", 460 },
	{ "lsm_list_modules", 461 },  { "mseal", 462 },
	{ "setxattrat", 463 },        { "getxattrat", 464 },
	{ "listxattrat", 465 },       { "removexattrat", 466 },
	{ "open_tree_attr", 467 },    { "file_getattr", 468 },
	{ "file_setattr", 469 },      { NULL, 0 },
};

/* Calls that are a number of socketcall(2) or ipc(2) as well (linux/net.h, linux/ipc.h). */
static const struct {
	const char *name, *by;
	unsigned int number;
} hidden[] = {
	{ "socket", "socketcall", 1 },
	{ "bind", "socketcall", 2 },
	{ "connect", "socketcall", 3 },
	{ "listen", "socketcall", 4 },
	{ "accept", "socketcall", 5 },
	{ "getsockname", "socketcall", 6 },
	{ "getpeername", "socketcall", 7 },
	{ "socketpair", "socketcall", 8 },
	{ "send", "socketcall", 9 },
	{ "recv", "socketcall", 10 },
	{ "sendto", "socketcall", 11 },
	{ "recvfrom", "socketcall", 12 },
	{ "shutdown", "socketcall", 13 },
	{ "setsockopt", "socketcall", 14 },
	{ "getsockopt", "socketcall", 15 },
	{ "sendmsg", "socketcall", 16 },
	{ "recvmsg", "socketcall", 17 },
	{ "accept4", "socketcall", 18 },
	{ "recvmmsg", "socketcall", 19 },
	{ "sendmmsg", "socketcall", 20 },
	{ "semop", "ipc", 1 },
	{ "semget", "ipc", 2 },
	{ "semctl", "ipc", 3 },
	{ "semtimedop", "ipc", 4 },
	{ "msgsnd", "ipc", 11 },
	{ "msgrcv", "ipc", 12 },
	{ "msgget", "ipc", 13 },
	{ "msgctl", "ipc", 14 },
	{ "shmat", "ipc", 21 },
	{ "shmdt", "ipc", 22 },
	{ "shmget", "ipc", 23 },
	{ "shmctl", "ipc", 24 },
};

/* One architecture and its numbers of the calls above; negative: none. */
struct numbers {
	uint32_t arch; /* SCMP_ARCH_* */
	bool has_hidden;
	int direct[ARRAY_LEN(hidden)];
};

/*
 * Where there is a socketcall(2), libseccomp gives names of what it hides numbers of its own; what
 * the kernel calls them today can only be asked the other way round.
 */
static void find_numbers(uint32_t arch, struct numbers *ret)
{
	enum { SEARCHED = 512 };

	ret->arch = arch;
	ret->has_hidden = seccomp_syscall_resolve_name_arch(arch, "socketcall") >= 0;
	for (int number = 0; ret->has_hidden && number < SEARCHED; number++) {
		auto_free char *name = seccomp_syscall_resolve_num_arch(arch, number);

		for (size_t i = 0; name && i < ARRAY_LEN(hidden); i++) {
			if (strcmp(hidden[i].name, name) == 0)
				ret->direct[i] = number;
		}
	}
}

static int number_of(const struct numbers *numbers, const char *name)
{
	int number = seccomp_syscall_resolve_name_arch(numbers->arch, name);

	if (number == __NR_SCMP_ERROR && enum_from_name(newer, name, &number))
		return numbers->arch == SCMP_ARCH_X32 ? number | (int)SECCOMP_X32_BIT : number;
	for (size_t i = 0; number < 0 && numbers->has_hidden && i < ARRAY_LEN(hidden); i++) {
		if (strcmp(hidden[i].name, name) == 0)
			return numbers->direct[i] ? numbers->direct[i] : -1;
	}
	return number;
}

static int parse_action(const char *name, bool has_errno, uint32_t number, uint32_t *ret,
			struct error *err)
{
	int action;

	if (!name || !enum_from_name(seccomp_actions, name, &action))
		return err_set(err, EINVAL, "linux.seccomp: unknown action '%s'", name ? name : "");
	*ret = (uint32_t)action;
	if (*ret == SCMP_ACT_ERRNO(0) || *ret == SCMP_ACT_TRACE(0))
		*ret |= has_errno ? number & 0xffff : EPERM;
	return 0;
}

/* ---- rules, resolved -------------------------------------------------------------------------- */

static struct seccomp_use *add_use(struct seccomp_uses *uses, unsigned int number, uint32_t action)
{
	struct seccomp_use *use;

	if (uses->n == uses->room) {
		uses->room = uses->room ? uses->room * 2 : 512;
		uses->items = xrealloc(uses->items, uses->room, sizeof(*uses->items));
	}
	use = &uses->items[uses->n];
	*use = (struct seccomp_use){ .number = number,
				     .sequence = (unsigned int)uses->n,
				     .action = action };
	uses->n++;
	return use;
}

/*
 * Several conditions on one argument are alternatives to each other, as libseccomp takes an argument
 * only once in a rule (and as runc reads such profiles).
 */
static bool has_repeated_argument(const struct spec_seccomp_rule *rule)
{
	unsigned int seen = 0;

	for (size_t i = 0; i < rule->n_args; i++) {
		if (seen & 1U << rule->args[i].index)
			return true;
		seen |= 1U << rule->args[i].index;
	}
	return false;
}

static int resolve(const struct spec_seccomp_rule *rule, struct seccomp_rule *ret,
		   struct error *err)
{
	int rc;

	*ret = (struct seccomp_rule){ .spec = rule };
	rc = parse_action(rule->action, rule->has_errno, rule->errno_ret, &ret->action, err);
	if (rc < 0)
		return rc;
	if (rule->n_args > ARRAY_LEN(ret->conditions))
		return err_set(err, EINVAL, "linux.seccomp: %zu conditions in one rule",
			       rule->n_args);
	for (size_t i = 0; i < rule->n_args; i++) {
		const struct spec_seccomp_arg *arg = &rule->args[i];
		struct seccomp_condition *c = &ret->conditions[i];

		if (!arg->op || !enum_from_name(seccomp_operators, arg->op, &c->op))
			return err_set(err, EINVAL, "linux.seccomp: unknown operator '%s'",
				       arg->op ? arg->op : "");
		if (arg->index > 5)
			return err_set(err, EINVAL, "linux.seccomp: argument %u of a system call",
				       arg->index);
		c->arg = arg->index;
		c->value = arg->value;
		c->value_two = arg->value_two;
	}
	ret->is_any = has_repeated_argument(rule);
	return 0;
}

static void use_hidden(struct seccomp_uses *uses, const struct numbers *numbers, const char *name,
		       uint32_t action)
{
	for (size_t i = 0; numbers->has_hidden && i < ARRAY_LEN(hidden); i++) {
		int number;
		struct seccomp_use *use;

		if (strcmp(hidden[i].name, name) != 0)
			continue;
		number = number_of(numbers, hidden[i].by);
		if (number < 0)
			return;
		use = add_use(uses, (unsigned int)number, action);
		uses->end = MAX(uses->end, (unsigned int)number + 1);
		use->n = 1;
		use->conditions[0] =
			(struct seccomp_condition){ .op = SCMP_CMP_EQ, .value = hidden[i].number };
		return;
	}
}

static void use_rule(struct seccomp_uses *uses, const struct seccomp_rule *rule,
		     unsigned int number)
{
	size_t n = rule->spec->n_args;

	for (size_t i = 0; i < (rule->is_any ? n : 1); i++) {
		struct seccomp_use *use = add_use(uses, number, rule->action);

		use->n = rule->is_any ? 1 : n;
		memcpy(use->conditions, &rule->conditions[i], use->n * sizeof(*use->conditions));
	}
}

/* The calls of @arch; of x32 what x86_64 does not have already. */
static void add_rule(struct seccomp_uses *uses, const struct seccomp_rule *rule,
		     const struct numbers *numbers, uint32_t default_action)
{
	const struct strv *names = &rule->spec->names;
	bool is_x32 = numbers->arch == SCMP_ARCH_X32;

	for (size_t i = 0; i < names->n; i++) {
		int resolved = number_of(numbers, names->items[i]);
		unsigned int number = (unsigned int)resolved & ~SECCOMP_X32_BIT;

		if (rule->action != default_action && rule->spec->n_args == 0)
			use_hidden(uses, numbers, names->items[i], rule->action);
		if (resolved < 0 || (is_x32 && number < X32_OWN))
			continue;
		uses->end = MAX(uses->end, number + 1);
		/* A rule that only repeats the default says nothing, and hides nothing. */
		if (rule->action != default_action)
			use_rule(uses, rule, number);
	}
}

static int compare_uses(const void *a, const void *b)
{
	const struct seccomp_use *x = a;
	const struct seccomp_use *y = b;

	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	return x->sequence < y->sequence ? -1 : x->sequence > y->sequence;
}

/* ---- architectures ---------------------------------------------------------------------------- */

static int add_architecture(struct seccomp_rules *a, uint32_t arch, struct error *err)
{
	a->has_x32 = a->has_x32 || arch == SCMP_ARCH_X32;
	if (arch == SCMP_ARCH_X32)
		arch = SCMP_ARCH_X86_64;
	for (size_t i = 0; i < a->n_architectures; i++) {
		if (a->architectures[i] == arch)
			return 0;
	}
	if (a->n_architectures == ARRAY_LEN(a->architectures))
		return err_set(err, EINVAL, "linux.seccomp: more than %zu architectures",
			       ARRAY_LEN(a->architectures));
	a->architectures[a->n_architectures++] = arch;
	return 0;
}

static int find_architectures(const struct strv *names, struct seccomp_rules *ret,
			      struct error *err)
{
	int rc = add_architecture(ret, seccomp_arch_native(), err);

	for (size_t i = 0; rc == 0 && i < names->n; i++) {
		const char *name = names->items[i];
		char lower[32];
		uint32_t arch = 0;

		/* "SCMP_ARCH_X86_64" is "x86_64" to libseccomp. */
		if (str_starts(name, "SCMP_ARCH_")) {
			(void)snprintf(lower, sizeof(lower), "%s", name + strlen("SCMP_ARCH_"));
			for (char *p = lower; *p; p++)
				*p = (char)(*p >= 'A' && *p <= 'Z' ? *p - 'A' + 'a' : *p);
			arch = seccomp_arch_resolve_name(lower);
		}
		if (!arch)
			return err_set(err, EINVAL, "linux.seccomp: unknown architecture '%s'",
				       name);
		rc = add_architecture(ret, arch, err);
	}
	return rc;
}

/* ---- the uses of an architecture -------------------------------------------------------------- */

void seccomp_uses_make(const struct seccomp_rules *rules, uint32_t arch, struct seccomp_uses *ret)
{
	const struct numbers x32 = { .arch = SCMP_ARCH_X32 };
	bool has_x32 = arch == SCMP_ARCH_X86_64 && rules->has_x32;
	struct numbers numbers = { 0 };

	*ret = (struct seccomp_uses){ 0 };
	find_numbers(arch, &numbers);
	for (size_t i = 0; i < rules->n; i++) {
		add_rule(ret, &rules->items[i], &numbers, rules->default_action);
		if (has_x32)
			add_rule(ret, &rules->items[i], &x32, rules->default_action);
	}
	if (ret->n)
		qsort(ret->items, ret->n, sizeof(*ret->items), compare_uses);
}

int seccomp_rules_resolve(const struct spec_seccomp *s, struct seccomp_rules *ret,
			  struct error *err)
{
	struct seccomp_rules rules = { 0 };
	int rc = parse_action(s->default_action, s->has_default_errno, s->default_errno_ret,
			      &rules.default_action, err);

	if (rc == 0)
		rc = find_architectures(&s->architectures, &rules, err);
	rules.items = xcalloc(s->n_rules, sizeof(*rules.items));
	for (size_t i = 0; rc == 0 && i < s->n_rules; i++) {
		rc = resolve(&s->rules[i], &rules.items[i], err);
		rules.n = i + 1;
	}
	if (rc < 0) {
		free(rules.items);
		return rc;
	}
	*ret = rules;
	return 0;
}
