/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/seccomp.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <seccomp.h>

#include "base/enum.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"

/* BPF_MAXINSNS: the kernel takes no longer program. */
#define INSTRUCTIONS_MAX 4096U
#define CACHE_MAX        (1U << 20)

static const struct enum_name actions[] = {
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

static const struct enum_name operators[] = {
	{ "SCMP_CMP_NE", SCMP_CMP_NE },
	{ "SCMP_CMP_LT", SCMP_CMP_LT },
	{ "SCMP_CMP_LE", SCMP_CMP_LE },
	{ "SCMP_CMP_EQ", SCMP_CMP_EQ },
	{ "SCMP_CMP_GE", SCMP_CMP_GE },
	{ "SCMP_CMP_GT", SCMP_CMP_GT },
	{ "SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ },
	{ NULL, 0 },
};

static const struct enum_name load_flags[] = {
	{ "SECCOMP_FILTER_FLAG_TSYNC", SECCOMP_FILTER_FLAG_TSYNC },
	{ "SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG },
	{ "SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW },
	{ NULL, 0 },
};

void seccomp_program_fini(struct seccomp_program *program)
{
	free(program->filter);
	*program = (struct seccomp_program){ 0 };
}

/* ---- compiling -------------------------------------------------------------------------------- */

static int parse_action(const char *name, bool has_errno, uint32_t number, uint32_t *ret,
			struct error *err)
{
	int action;

	if (!name || !enum_from_name(actions, name, &action))
		return err_set(err, EINVAL, "linux.seccomp: unknown action '%s'", name ? name : "");
	*ret = (uint32_t)action;
	if (*ret == SCMP_ACT_ERRNO(0))
		*ret = SCMP_ACT_ERRNO(has_errno ? number & 0xffff : EPERM);
	else if (*ret == SCMP_ACT_TRACE(0))
		*ret = SCMP_ACT_TRACE(has_errno ? number & 0xffff : EPERM);
	return 0;
}

static int add_architectures(scmp_filter_ctx ctx, const struct strv *names, struct error *err)
{
	for (size_t i = 0; i < names->n; i++) {
		const char *name = names->items[i];
		char lower[32];
		uint32_t arch;
		int rc;

		/* "SCMP_ARCH_X86_64" is "x86_64" to libseccomp. */
		if (!str_starts(name, "SCMP_ARCH_"))
			return err_set(err, EINVAL, "linux.seccomp: unknown architecture '%s'",
				       name);
		(void)snprintf(lower, sizeof(lower), "%s", name + strlen("SCMP_ARCH_"));
		for (char *p = lower; *p; p++)
			*p = (char)(*p >= 'A' && *p <= 'Z' ? *p - 'A' + 'a' : *p);
		arch = seccomp_arch_resolve_name(lower);
		if (!arch)
			return err_set(err, EINVAL, "linux.seccomp: unknown architecture '%s'",
				       name);
		rc = seccomp_arch_add(ctx, arch);
		if (rc < 0 && rc != -EEXIST)
			return err_set(err, -rc, "add seccomp architecture '%s': %s", name,
				       err_text(-rc));
	}
	return 0;
}

static int make_args(const struct spec_seccomp_rule *rule, struct scmp_arg_cmp *ret,
		     struct error *err)
{
	for (size_t i = 0; i < rule->n_args; i++) {
		const struct spec_seccomp_arg *arg = &rule->args[i];
		int op;

		if (!arg->op || !enum_from_name(operators, arg->op, &op))
			return err_set(err, EINVAL, "linux.seccomp: unknown operator '%s'",
				       arg->op ? arg->op : "");
		if (arg->index > 5)
			return err_set(err, EINVAL, "linux.seccomp: argument %u of a system call",
				       arg->index);
		ret[i] = (struct scmp_arg_cmp){
			.arg = arg->index,
			.op = (enum scmp_compare)op,
			.datum_a = arg->value,
			.datum_b = arg->value_two,
		};
	}
	return 0;
}

/*
 * Several conditions on one argument are alternatives to each other and one rule each, as libseccomp
 * takes an argument only once in a rule (and as runc reads such profiles).
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

static int add_call(scmp_filter_ctx ctx, const char *name, uint32_t action,
		    const struct spec_seccomp_rule *rule, const struct scmp_arg_cmp *args,
		    struct error *err)
{
	int number = seccomp_syscall_resolve_name(name);
	int rc = 0;

	/* Newer or older than this libseccomp: nothing that this host could call. */
	if (number == __NR_SCMP_ERROR)
		return 0;
	if (!has_repeated_argument(rule)) {
		rc = seccomp_rule_add_array(ctx, action, number, (unsigned int)rule->n_args, args);
	} else {
		for (size_t i = 0; rc == 0 && i < rule->n_args; i++)
			rc = seccomp_rule_add_array(ctx, action, number, 1, &args[i]);
	}
	if (rc < 0 && rc != -EEXIST)
		return err_set(err, -rc, "add seccomp rule for '%s': %s", name, err_text(-rc));
	return 0;
}

static int add_rules(scmp_filter_ctx ctx, const struct spec_seccomp *s, uint32_t default_action,
		     struct error *err)
{
	for (size_t i = 0; i < s->n_rules; i++) {
		const struct spec_seccomp_rule *rule = &s->rules[i];
		struct scmp_arg_cmp args[6];
		uint32_t action;
		int rc = parse_action(rule->action, rule->has_errno, rule->errno_ret, &action, err);

		if (rc == 0 && rule->n_args > ARRAY_LEN(args))
			rc = err_set(err, EINVAL, "linux.seccomp: %zu conditions in one rule",
				     rule->n_args);
		if (rc == 0)
			rc = make_args(rule, args, err);
		/* libseccomp refuses rules that only repeat the default. */
		for (size_t j = 0; rc == 0 && action != default_action && j < rule->names.n; j++)
			rc = add_call(ctx, rule->names.items[j], action, rule, args, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int export_program(scmp_filter_ctx ctx, struct seccomp_program *ret, struct error *err)
{
	auto_fd int fd = memfd_create("seccomp", MFD_CLOEXEC);
	struct stat st;
	int rc;

	if (fd < 0)
		return err_sys(err, "make a file for the seccomp filter");
	rc = seccomp_export_bpf(ctx, fd);
	if (rc < 0)
		return err_set(err, -rc, "compile seccomp filter: %s", err_text(-rc));
	if (fstat(fd, &st) < 0)
		return err_sys(err, "read the seccomp filter");
	if ((size_t)st.st_size > INSTRUCTIONS_MAX * sizeof(struct sock_filter))
		return err_set(err, E2BIG, "compile seccomp filter: more than %u instructions",
			       INSTRUCTIONS_MAX);
	ret->filter = xmalloc((size_t)st.st_size);
	ret->n = (unsigned short)((size_t)st.st_size / sizeof(struct sock_filter));
	if (pread(fd, ret->filter, (size_t)st.st_size, 0) != st.st_size)
		return err_sys(err, "read the seccomp filter");
	return 0;
}

static int compile(const struct spec_seccomp *s, struct seccomp_program *ret, struct error *err)
{
	uint32_t default_action;
	scmp_filter_ctx ctx;
	int rc = parse_action(s->default_action, s->has_default_errno, s->default_errno_ret,
			      &default_action, err);

	if (rc < 0)
		return rc;
	ctx = seccomp_init(default_action);
	if (!ctx)
		return err_set(err, ENOMEM, "compile seccomp filter: %s", err_text(ENOMEM));
	/* The binary tree loads and runs faster than a list of comparisons. */
	(void)seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	rc = add_architectures(ctx, &s->architectures, err);
	if (rc == 0)
		rc = add_rules(ctx, s, default_action, err);
	if (rc == 0)
		rc = export_program(ctx, ret, err);
	seccomp_release(ctx);
	if (rc < 0)
		seccomp_program_fini(ret);
	return rc;
}

/* ---- cache ------------------------------------------------------------------------------------ */

/* The rules as one text: the same text is the same filter. */
static void canonical(const struct spec_seccomp *s, struct str *out)
{
	const struct scmp_version *version = seccomp_version();

	str_addf(out, "minictr-seccomp 1 %u.%u.%u %s %d %u\n", version->major, version->minor,
		 version->micro, s->default_action ? s->default_action : "", s->has_default_errno,
		 s->default_errno_ret);
	for (size_t i = 0; i < s->architectures.n; i++)
		str_addf(out, "%s ", s->architectures.items[i]);
	for (size_t i = 0; i < s->n_rules; i++) {
		const struct spec_seccomp_rule *rule = &s->rules[i];

		str_addf(out, "\n%s %d %u", rule->action ? rule->action : "", rule->has_errno,
			 rule->errno_ret);
		for (size_t j = 0; j < rule->n_args; j++)
			str_addf(out, " [%u %s %" PRIu64 " %" PRIu64 "]", rule->args[j].index,
				 rule->args[j].op ? rule->args[j].op : "", rule->args[j].value,
				 rule->args[j].value_two);
		for (size_t j = 0; j < rule->names.n; j++) {
			str_add(out, " ");
			str_add(out, rule->names.items[j]);
		}
	}
	str_add(out, "\n");
}

/* FNV-1a: only a file name; the text itself is compared. */
static uint64_t hash(const struct str *key)
{
	uint64_t h = 14695981039346656037ULL;

	for (size_t i = 0; i < key->len; i++)
		h = (h ^ (unsigned char)key->text[i]) * 1099511628211ULL;
	return h;
}

/*
 * A cache file is the canonical text, a NUL, and the instructions to its end.  One that is torn,
 * foreign, or of another text is no hit.
 */
static bool read_cached(const struct dir *cache, const char *name, const struct str *key,
			struct seccomp_program *ret)
{
	auto_free char *data = NULL;
	struct error ignored;
	size_t len = 0;
	size_t size;
	struct stat st;

	if (fstatat(cache->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || st.st_uid != geteuid() ||
	    (st.st_mode & 0777) != 0600)
		return false;
	if (file_read_at(cache, name, CACHE_MAX, &data, &len, &ignored) < 0)
		return false;
	if (len <= key->len + 1 || memcmp(data, key->text, key->len + 1) != 0)
		return false;
	size = len - key->len - 1;
	if (size % sizeof(struct sock_filter) != 0 ||
	    size > INSTRUCTIONS_MAX * sizeof(struct sock_filter))
		return false;
	ret->filter = xmalloc(size);
	memcpy(ret->filter, data + key->len + 1, size);
	ret->n = (unsigned short)(size / sizeof(struct sock_filter));
	return true;
}

static void write_cached(const struct dir *cache, const char *name, struct str *key,
			 const struct seccomp_program *program)
{
	auto_str struct str data = { 0 };
	struct error err;

	str_add_len(&data, key->text, key->len + 1);
	str_add_len(&data, (const char *)program->filter, program->n * sizeof(struct sock_filter));
	if (file_replace_at(cache, name, data.text, data.len, 0600, FILE_FAST, &err) < 0)
		log_debug("%s", err.msg);
}

static int parse_flags(const struct spec_seccomp *s, unsigned int *ret, struct error *err)
{
	*ret = 0;
	for (size_t i = 0; i < s->flags.n; i++) {
		int flag;

		if (strcmp(s->flags.items[i], "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV") == 0)
			continue;
		if (!enum_from_name(load_flags, s->flags.items[i], &flag))
			return err_set(err, EINVAL, "linux.seccomp: unknown flag '%s'",
				       s->flags.items[i]);
		/* A single thread has nobody to synchronise with. */
		if (flag != SECCOMP_FILTER_FLAG_TSYNC)
			*ret |= (unsigned int)flag;
	}
	return 0;
}

static size_t count_names(const struct spec_seccomp *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n_rules; i++)
		n += s->rules[i].names.n;
	return n;
}

int seccomp_program_get(const struct spec_seccomp *s, const struct dir *cache,
			struct seccomp_program *ret, struct error *err)
{
	struct seccomp_program program = { 0 };
	auto_str struct str key = { 0 };
	unsigned int flags;
	char name[40];
	int rc = parse_flags(s, &flags, err);

	if (rc < 0)
		return rc;
	canonical(s, &key);
	if (strstr(key.text, "SCMP_ACT_NOTIFY"))
		return err_set(err, ENOTSUP, "linux.seccomp: SCMP_ACT_NOTIFY is not supported");
	(void)snprintf(name, sizeof(name), "seccomp-%016" PRIx64, hash(&key));
	if (cache->fd < 0 || !read_cached(cache, name, &key, &program)) {
		rc = compile(s, &program, err);
		if (rc < 0)
			return rc;
		if (cache->fd >= 0)
			write_cached(cache, name, &key, &program);
	}
	program.flags = flags;
	program.n_syscalls = count_names(s);
	*ret = program;
	return 0;
}

/* ---- JSON ------------------------------------------------------------------------------------- */

static json_t *rule_to_json(const struct spec_seccomp_rule *rule)
{
	json_t *json = json_object_new();

	json_put_strings(json, "names", &rule->names);
	json_put_string(json, "action", rule->action);
	if (rule->has_errno)
		json_put_int(json, "errnoRet", rule->errno_ret);
	if (rule->n_args) {
		json_t *args = json_array_new();

		for (size_t i = 0; i < rule->n_args; i++) {
			json_t *arg = json_object_new();

			json_put_int(arg, "index", rule->args[i].index);
			json_put_int(arg, "value", (int64_t)rule->args[i].value);
			json_put_int(arg, "valueTwo", (int64_t)rule->args[i].value_two);
			json_put_string(arg, "op", rule->args[i].op);
			json_add(args, arg);
		}
		json_put(json, "args", args);
	}
	return json;
}

json_t *seccomp_to_json(const struct spec_seccomp *s)
{
	json_t *json = json_object_new();
	json_t *rules = json_array_new();

	json_put_string(json, "defaultAction", s->default_action);
	if (s->has_default_errno)
		json_put_int(json, "defaultErrnoRet", s->default_errno_ret);
	json_put_strings(json, "architectures", &s->architectures);
	if (s->flags.n)
		json_put_strings(json, "flags", &s->flags);
	for (size_t i = 0; i < s->n_rules; i++)
		json_add(rules, rule_to_json(&s->rules[i]));
	json_put(json, "syscalls", rules);
	return json;
}
