/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <errno.h>
#include <linux/audit.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <seccomp.h>

#include "base/fd.h"
#include "tests/unit/runtime/seccomp_ask.h"
#include "tests/unit/test.h"

/* In libseccomp's order, from 1. */
static const char *const operator_names[] = { "SCMP_CMP_NE",       "SCMP_CMP_LT", "SCMP_CMP_LE",
					      "SCMP_CMP_EQ",       "SCMP_CMP_GE", "SCMP_CMP_GT",
					      "SCMP_CMP_MASKED_EQ" };

/* What the rules say, read one after the other by the words of config-linux.md. */
static bool matches(const struct spec_seccomp_arg *arg, uint64_t value)
{
	const bool answers[] = { value != arg->value,
				 value<arg->value, value <= arg->value, value == arg->value,
				       value >= arg->value, value>
					 arg->value };

	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		if (strcmp(operator_names[i], arg->op) == 0)
			return answers[i];
	}
	ck_assert_str_eq(arg->op, "SCMP_CMP_MASKED_EQ");
	return (value & arg->value) == arg->value_two;
}

static const char *const operators[] = {
	"{'index': 1, 'value': 5, 'op': 'SCMP_CMP_NE'}",
	"{'index': 1, 'value': 5, 'op': 'SCMP_CMP_EQ'}",
	"{'index': 1, 'value': 4294967296, 'op': 'SCMP_CMP_LT'}",
	"{'index': 1, 'value': 4294967301, 'op': 'SCMP_CMP_LE'}",
	"{'index': 1, 'value': 4294967301, 'op': 'SCMP_CMP_GE'}",
	"{'index': 1, 'value': 4294967301, 'op': 'SCMP_CMP_GT'}",
	"{'index': 1, 'value': 1152921504606846976, 'op': 'SCMP_CMP_EQ'}",
	"{'index': 1, 'value': 3, 'valueTwo': 1, 'op': 'SCMP_CMP_MASKED_EQ'}",
	"{'index': 1, 'value': 25769803776, 'valueTwo': 8589934592, 'op': 'SCMP_CMP_MASKED_EQ'}",
	"{'index': 5, 'value': 0, 'op': 'SCMP_CMP_EQ'}",
};

START_TEST(operators_compare_64_bits)
{
	static const uint64_t values[] = {
		0,
		1,
		2,
		3,
		4,
		5,
		6,
		7,
		0x100000000,
		0x100000004,
		0x100000005,
		0x100000006,
		0x200000000,
		0x300000001,
		0x700000005,
		1ULL << 60,
		(1ULL << 60) + 1,
		UINT32_MAX,
		UINT64_MAX,
	};

	for (size_t i = 0; i < ARRAY_LEN(operators); i++) {
		auto_free char *rule = xasprintf(
			"{'names': ['read'], 'action': 'SCMP_ACT_ERRNO', 'errnoRet': 7, 'args': [%s]}",
			operators[i]);
		struct seccomp_program p = { 0 };
		auto_spec struct spec spec = { 0 };
		const struct spec_seccomp_arg *arg;

		read_rules(rule, &spec);
		arg = &spec.seccomp.rules[0].args[0];
		compile(&spec.seccomp, &p);
		for (size_t j = 0; j < ARRAY_LEN(values); j++) {
			uint64_t args[6] = { 9, 9, 9, 9, 9, 9 };
			uint32_t wanted =
				matches(arg, values[j]) ? SECCOMP_RET_ERRNO | 7 : SECCOMP_RET_ALLOW;

			args[arg->index] = values[j];
			ck_assert_msg(ask(&p, AUDIT_ARCH_X86_64, 0, args) == wanted, "%s: %#lx",
				      operators[i], (unsigned long)values[j]);
			ck_assert_uint_eq(ask(&p, AUDIT_ARCH_X86_64, 1, args), SECCOMP_RET_ALLOW);
		}
		seccomp_program_fini(&p);
	}
}
END_TEST

START_TEST(conditions_join)
{
	/* On two arguments: both; on one argument twice: either, as runc reads such rules. */
	static const char both[] =
		"{'names': ['read'], 'action': 'SCMP_ACT_KILL_PROCESS', 'args': ["
		"{'index': 0, 'value': 1, 'op': 'SCMP_CMP_EQ'}, "
		"{'index': 1, 'value': 2, 'op': 'SCMP_CMP_EQ'}]}";
	static const char either[] =
		"{'names': ['read'], 'action': 'SCMP_ACT_KILL_PROCESS', 'args': ["
		"{'index': 0, 'value': 1, 'op': 'SCMP_CMP_EQ'}, "
		"{'index': 0, 'value': 2, 'op': 'SCMP_CMP_EQ'}]}";

	for (uint64_t a = 0; a < 4; a++) {
		for (uint64_t b = 0; b < 4; b++) {
			const uint64_t args[6] = { a, b };
			struct seccomp_program p = { 0 }, q = { 0 };
			auto_spec struct spec one = { 0 };
			auto_spec struct spec two = { 0 };

			read_rules(both, &one);
			read_rules(either, &two);
			compile(&one.seccomp, &p);
			compile(&two.seccomp, &q);
			ck_assert((ask(&p, AUDIT_ARCH_X86_64, 0, args) ==
				   SECCOMP_RET_KILL_PROCESS) == (a == 1 && b == 2));
			ck_assert((ask(&q, AUDIT_ARCH_X86_64, 0, args) ==
				   SECCOMP_RET_KILL_PROCESS) == (a == 1 || a == 2));
			seccomp_program_fini(&p);
			seccomp_program_fini(&q);
		}
	}
}
END_TEST

START_TEST(actions)
{
	static const struct {
		const char *rule;
		uint32_t action;
	} rows[] = {
		{ "'action': 'SCMP_ACT_KILL'", SECCOMP_RET_KILL_THREAD },
		{ "'action': 'SCMP_ACT_KILL_THREAD'", SECCOMP_RET_KILL_THREAD },
		{ "'action': 'SCMP_ACT_KILL_PROCESS'", SECCOMP_RET_KILL_PROCESS },
		{ "'action': 'SCMP_ACT_TRAP'", SECCOMP_RET_TRAP },
		{ "'action': 'SCMP_ACT_ERRNO'", SECCOMP_RET_ERRNO | EPERM },
		{ "'action': 'SCMP_ACT_ERRNO', 'errnoRet': 38", SECCOMP_RET_ERRNO | ENOSYS },
		{ "'action': 'SCMP_ACT_ERRNO', 'errnoRet': 0", SECCOMP_RET_ERRNO },
		{ "'action': 'SCMP_ACT_TRACE', 'errnoRet': 9", SECCOMP_RET_TRACE | 9 },
		{ "'action': 'SCMP_ACT_LOG'", SECCOMP_RET_LOG },
		{ "'action': 'SCMP_ACT_ALLOW'", SECCOMP_RET_ALLOW },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_free char *rule =
			xasprintf("{'names': ['read', 'nosuchcall'], %s}", rows[i].rule);
		struct seccomp_program p = { 0 };
		auto_spec struct spec spec = { 0 };

		read_rules(rule, &spec);
		compile(&spec.seccomp, &p);
		ck_assert_uint_eq(ask(&p, AUDIT_ARCH_X86_64, 0, NULL), rows[i].action);
		ck_assert_uint_eq(p.n_syscalls, 2);
		seccomp_program_fini(&p);
	}
}
END_TEST

START_TEST(refuses_what_it_does_not_know)
{
	static const struct {
		const char *seccomp, *error;
		int code;
	} rows[] = {
		{ "'defaultAction': 'SCMP_ACT_NOPE'",
		  "linux.seccomp: unknown action 'SCMP_ACT_NOPE'", EINVAL },
		{ "'defaultAction': 'SCMP_ACT_ALLOW', 'architectures': ['SCMP_ARCH_VAX']",
		  "linux.seccomp: unknown architecture 'SCMP_ARCH_VAX'", EINVAL },
		{ "'defaultAction': 'SCMP_ACT_ALLOW', 'architectures': ['x86_64']",
		  "linux.seccomp: unknown architecture 'x86_64'", EINVAL },
		{ "'defaultAction': 'SCMP_ACT_ALLOW', 'flags': ['SECCOMP_FILTER_FLAG_NOPE']",
		  "linux.seccomp: unknown flag 'SECCOMP_FILTER_FLAG_NOPE'", EINVAL },
		{ "'defaultAction': 'SCMP_ACT_ALLOW', 'syscalls': [{'names': ['read'], "
		  "'action': 'ALLOW'}]",
		  "linux.seccomp: unknown action 'ALLOW'", EINVAL },
		{ "'defaultAction': 'SCMP_ACT_ALLOW', 'syscalls': [{'names': ['read'], "
		  "'action': 'SCMP_ACT_KILL', 'args': [{'index': 0, 'value': 1, 'op': 'EQ'}]}]",
		  "linux.seccomp: unknown operator 'EQ'", EINVAL },
		{ "'defaultAction': 'SCMP_ACT_ALLOW', 'syscalls': [{'names': ['read'], "
		  "'action': 'SCMP_ACT_KILL', 'args': [{'index': 6, 'value': 1, 'op': "
		  "'SCMP_CMP_EQ'}]}]",
		  "linux.seccomp: argument 6 of a system call", EINVAL },
		{ "'defaultAction': 'SCMP_ACT_ALLOW', 'syscalls': [{'names': ['read'], "
		  "'action': 'SCMP_ACT_NOTIFY'}]",
		  "linux.seccomp: SCMP_ACT_NOTIFY needs an absolute listenerPath", EINVAL },
		{ "'defaultAction': 'SCMP_ACT_NOTIFY', 'listenerPath': '/s'",
		  "linux.seccomp: SCMP_ACT_NOTIFY cannot be the default action", EINVAL },
		{ "'defaultAction': 'SCMP_ACT_ALLOW', 'listenerPath': '/s', 'syscalls': "
		  "[{'names': ['mkdir', 'sendmsg'], 'action': 'SCMP_ACT_NOTIFY'}]",
		  "linux.seccomp: SCMP_ACT_NOTIFY cannot be used for 'sendmsg'", EINVAL },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_free char *members = xasprintf("'seccomp': {%s}", rows[i].seccomp);
		auto_free char *text = config_text("", members);
		struct seccomp_program p = { 0 };
		auto_spec struct spec spec = { 0 };
		struct error err = { 0 };

		config_read_ok(text, &spec);
		ck_assert_int_eq(seccomp_program_get(&spec.seccomp, &no_cache, &p, &err),
				 -rows[i].code);
		ck_assert_str_eq(err.msg, rows[i].error);
	}
}
END_TEST

/* ---- against libseccomp ----------------------------------------------------------------------- */

/* The same rules compiled by libseccomp, which is slower at it and makes longer programs. */
static void compile_by_libseccomp(const struct spec_seccomp *s, struct seccomp_program *ret)
{
	uint32_t default_action =
		str_eq(s->default_action, "SCMP_ACT_ERRNO")
			? SCMP_ACT_ERRNO(s->has_default_errno ? s->default_errno_ret : EPERM)
			: SCMP_ACT_ALLOW;
	scmp_filter_ctx ctx = seccomp_init(default_action);
	auto_fd int fd = memfd_create("filter", MFD_CLOEXEC);
	struct stat st;

	for (size_t i = 0; i < s->architectures.n; i++) {
		auto_free char *name = xstrdup(s->architectures.items[i] + strlen("SCMP_ARCH_"));

		for (char *p = name; *p; p++)
			*p = (char)tolower(*p);
		(void)seccomp_arch_add(ctx, seccomp_arch_resolve_name(name));
	}
	for (size_t i = 0; i < s->n_rules; i++) {
		const struct spec_seccomp_rule *rule = &s->rules[i];
		uint32_t action =
			str_eq(rule->action, "SCMP_ACT_ALLOW")
				? SCMP_ACT_ALLOW
				: SCMP_ACT_ERRNO(rule->has_errno ? rule->errno_ret : EPERM);
		struct scmp_arg_cmp args[6] = { 0 };

		for (size_t j = 0; j < rule->n_args; j++) {
			int op = 1;

			while (strcmp(operator_names[op - 1], rule->args[j].op) != 0)
				op++;
			args[j] = (struct scmp_arg_cmp){ rule->args[j].index, (enum scmp_compare)op,
							 rule->args[j].value,
							 rule->args[j].value_two };
		}
		for (size_t j = 0; j < rule->names.n; j++) {
			int number = seccomp_syscall_resolve_name(rule->names.items[j]);

			if (number == __NR_SCMP_ERROR || action == default_action)
				continue;
			ck_assert_int_eq(seccomp_rule_add_array(ctx, action, number,
								(unsigned int)rule->n_args, args),
					 0);
		}
	}
	ck_assert_int_eq(seccomp_export_bpf(ctx, fd), 0);
	seccomp_release(ctx);
	ck_assert_int_eq(fstat(fd, &st), 0);
	ret->filter = xmalloc((size_t)st.st_size);
	ret->n = (unsigned short)((size_t)st.st_size / sizeof(*ret->filter));
	ck_assert_int_eq(pread(fd, ret->filter, (size_t)st.st_size, 0), st.st_size);
}

/* Numbers that libseccomp knows, as beyond them our answer is on purpose another one. */
#define KNOWN 449U

/* The highest number that the rules name; -1: they name none. */
static int newest_of(const struct spec_seccomp *rules, uint32_t scmp_arch)
{
	int newest = -1;

	for (size_t i = 0; i < rules->n_rules; i++) {
		for (size_t j = 0; j < rules->rules[i].names.n; j++) {
			const char *name = rules->rules[i].names.items[j];

			newest = MAX(newest, seccomp_syscall_resolve_name_arch(scmp_arch, name));
		}
	}
	return newest;
}

static void compare(const struct spec_seccomp *rules, const uint64_t (*args)[6], size_t n_args,
		    uint32_t scmp_arch, uint32_t audit_arch)
{
	struct seccomp_program ours = { 0 }, theirs = { 0 };
	int newest = newest_of(rules, scmp_arch);

	compile(rules, &ours);
	compile_by_libseccomp(rules, &theirs);
	for (unsigned int nr = 0; nr < KNOWN; nr++) {
		auto_free char *name = seccomp_syscall_resolve_num_arch(scmp_arch, (int)nr);

		/* What hides behind these, libseccomp lets through where it cannot look. */
		if (name && (strcmp(name, "socketcall") == 0 || strcmp(name, "ipc") == 0))
			continue;
		for (size_t i = 0; i < n_args; i++) {
			uint32_t our = ask(&ours, audit_arch, nr, args[i]);
			uint32_t their = ask(&theirs, audit_arch, nr, args[i]);

			if (our == (SECCOMP_RET_ERRNO | ENOSYS) && (int)nr > newest)
				continue;
			if (our != their)
				ck_abort_msg("%u (%s), arguments %zu: %#x, libseccomp %#x", nr,
					     name ? name : "-", i, our, their);
		}
	}
	seccomp_program_fini(&ours);
	seccomp_program_fini(&theirs);
}

START_TEST(the_default_is_as_libseccomp_compiles_it)
{
	static const char *const capabilities[] = { NULL, "CAP_SYS_ADMIN", "CAP_BPF",
						    "CAP_SYS_TIME" };

	for (size_t i = 0; i < ARRAY_LEN(capabilities); i++) {
		struct spec_seccomp rules = { 0 };
		struct strv caps = { 0 };

		if (capabilities[i])
			strv_add(&caps, capabilities[i]);
		seccomp_default(&caps, &rules);
		compare(&rules, probes, ARRAY_LEN(probes), SCMP_ARCH_X86_64, AUDIT_ARCH_X86_64);
		compare(&rules, probes, ARRAY_LEN(probes), SCMP_ARCH_X86, AUDIT_ARCH_I386);
		spec_seccomp_fini(&rules);
		strv_fini(&caps);
	}
}
END_TEST

/* ---- against the words of the document --------------------------------------------------------- */

static unsigned int random_below(unsigned int n)
{
	return (unsigned int)random() % n;
}

static uint64_t random_value(void)
{
	static const uint64_t values[] = { 0,           1,           2,
					   3,           0xffffffff,  0x100000000,
					   0x100000001, 0x200000003, UINT64_MAX };

	return values[random_below(ARRAY_LEN(values))];
}

static void random_rule(struct spec_seccomp_rule *rule)
{
	static const char *const names[] = { "SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO", "SCMP_ACT_LOG" };

	*rule = (struct spec_seccomp_rule){ .action = xstrdup(names[random_below(3)]) };
	for (unsigned int n = 1 + random_below(30); n > 0; n--) {
		auto_free char *name =
			seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86_64, (int)random_below(60));

		strv_add(&rule->names, name);
	}
	rule->n_args = random_below(4);
	rule->args = xcalloc(rule->n_args, sizeof(*rule->args));
	for (size_t i = 0; i < rule->n_args; i++) {
		struct spec_seccomp_arg *arg = &rule->args[i];

		*arg = (struct spec_seccomp_arg){
			.index = random_below(3),
			.value = random_value(),
			.op = xstrdup(operator_names[random_below(7)]),
		};
		arg->value_two = random_value() & arg->value;
	}
}

static void random_rules(struct spec_seccomp *s)
{
	static const char *const defaults[] = { "SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO",
						"SCMP_ACT_KILL" };

	*s = (struct spec_seccomp){ .is_given = true };
	s->default_action = xstrdup(defaults[random_below(3)]);
	strv_add(&s->architectures, "SCMP_ARCH_X86_64");
	s->n_rules = random_below(20);
	s->rules = xcalloc(s->n_rules, sizeof(*s->rules));
	for (size_t i = 0; i < s->n_rules; i++)
		random_rule(&s->rules[i]);
}

static uint32_t action_of(const char *name)
{
	return strcmp(name, "SCMP_ACT_ALLOW") == 0   ? SECCOMP_RET_ALLOW
	       : strcmp(name, "SCMP_ACT_ERRNO") == 0 ? SECCOMP_RET_ERRNO | EPERM
	       : strcmp(name, "SCMP_ACT_LOG") == 0   ? SECCOMP_RET_LOG
						     : SECCOMP_RET_KILL_THREAD;
}

/* All conditions hold, or one if an argument is asked twice. */
static bool rule_matches(const struct spec_seccomp_rule *rule, const uint64_t *args)
{
	bool all = true, any = false, is_repeated = false;

	for (size_t i = 0; i < rule->n_args; i++) {
		bool holds = matches(&rule->args[i], args[rule->args[i].index]);

		all = all && holds;
		any = any || holds;
		for (size_t j = 0; j < i; j++)
			is_repeated = is_repeated || rule->args[i].index == rule->args[j].index;
	}
	return is_repeated ? any : all;
}

/* Read rule by rule: one without conditions wins, else the first that matches. */
static uint32_t wanted_answer(const struct spec_seccomp *s, int newest, unsigned int nr,
			      const uint64_t *args)
{
	auto_free char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86_64, (int)nr);
	uint32_t otherwise = action_of(s->default_action);

	for (int is_conditional = 0; is_conditional < 2; is_conditional++) {
		for (size_t i = 0; name && i < s->n_rules; i++) {
			const struct spec_seccomp_rule *rule = &s->rules[i];

			if (!strv_has(&rule->names, name) || (rule->n_args > 0) != is_conditional ||
			    action_of(rule->action) == otherwise)
				continue;
			if (rule_matches(rule, args))
				return action_of(rule->action);
		}
	}
	if (otherwise == (SECCOMP_RET_ERRNO | EPERM) && newest >= 0 && (int)nr > newest)
		return SECCOMP_RET_ERRNO | ENOSYS;
	return otherwise;
}

START_TEST(random_rules_mean_what_they_say)
{
	srandom(4711);
	for (int round = 0; round < 400; round++) {
		struct seccomp_program p = { 0 };
		struct spec_seccomp rules;
		int newest;

		random_rules(&rules);
		newest = newest_of(&rules, SCMP_ARCH_X86_64);
		compile(&rules, &p);
		for (unsigned int i = 0; i < 64 * 8; i++) {
			unsigned int nr = i / 8;
			uint64_t args[6];

			for (size_t j = 0; j < ARRAY_LEN(args); j++)
				args[j] = random_value();
			if (ask(&p, AUDIT_ARCH_X86_64, nr, args) !=
			    wanted_answer(&rules, newest, nr, args))
				ck_abort_msg("round %d, call %u", round, nr);
		}
		/* Not named: not this kernel's programs. */
		ck_assert_uint_eq(ask(&p, AUDIT_ARCH_I386, 3, NULL), SECCOMP_RET_KILL_THREAD);
		ck_assert_uint_eq(ask(&p, AUDIT_ARCH_X86_64, 0x40000000U, NULL),
				  SECCOMP_RET_KILL_THREAD);
		seccomp_program_fini(&p);
		spec_seccomp_fini(&rules);
	}
}
END_TEST

/* More than jumps of 8 bits reach, and more than a program may have. */
START_TEST(long_programs)
{
	for (size_t n_rules = 50; n_rules <= 400; n_rules += 350) {
		struct seccomp_program p = { 0 };
		struct spec_seccomp rules = { .is_given = true };
		struct error err = { 0 };
		int rc;

		rules.default_action = xstrdup("SCMP_ACT_ALLOW");
		rules.n_rules = n_rules;
		rules.rules = xcalloc(n_rules, sizeof(*rules.rules));
		for (size_t i = 0; i < n_rules; i++) {
			struct spec_seccomp_rule *rule = &rules.rules[i];

			rule->action = xstrdup("SCMP_ACT_ERRNO");
			rule->has_errno = true;
			rule->errno_ret = (uint32_t)i;
			rule->n_args = 3;
			rule->args = xcalloc(3, sizeof(*rule->args));
			for (uint32_t j = 0; j < 3; j++)
				rule->args[j] = (struct spec_seccomp_arg){
					.index = j, .value = i, .op = xstrdup("SCMP_CMP_EQ")
				};
			strv_add(&rule->names, "read");
		}
		rc = seccomp_program_get(&rules, &no_cache, &p, &err);
		if (n_rules > 200) {
			ck_assert_int_eq(rc, -E2BIG);
			ck_assert_str_eq(err.msg,
					 "compile seccomp filter: more than 4096 instructions");
		}
		for (uint64_t i = 0; rc == 0 && i < n_rules + 2; i++) {
			const uint64_t args[6] = { i, i, i };

			ck_assert_uint_eq(ask(&p, AUDIT_ARCH_X86_64, 0, args),
					  i < n_rules ? SECCOMP_RET_ERRNO | i : SECCOMP_RET_ALLOW);
			ck_assert_uint_eq(ask(&p, AUDIT_ARCH_X86_64, 1, args), SECCOMP_RET_ALLOW);
		}
		seccomp_program_fini(&p);
		spec_seccomp_fini(&rules);
	}
}
END_TEST

TEST_MAIN("runtime/seccomp_compile", operators_compare_64_bits, conditions_join, actions,
	  refuses_what_it_does_not_know, the_default_is_as_libseccomp_compiles_it,
	  random_rules_mean_what_they_say, long_programs)
