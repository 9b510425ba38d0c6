/* SPDX-License-Identifier: Apache-2.0 */
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
#include "runtime/seccomp_internal.h"

#define CACHE_MAX (1U << 20)

const struct enum_name seccomp_flags[] = {
	{ "SECCOMP_FILTER_FLAG_TSYNC", SECCOMP_FILTER_FLAG_TSYNC },
	{ "SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG },
	{ "SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW },
	{ "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV },
	{ NULL, 0 },
};

void seccomp_program_fini(struct seccomp_program *program)
{
	free(program->filter);
	*program = (struct seccomp_program){ 0 };
}

/* ---- cache ------------------------------------------------------------------------------------ */

static void add_text(struct str *out, const char *text)
{
	const size_t len = strlen(text);
	char before[32];
	char *at = before + sizeof(before);
	size_t rest = len;

	/* " LEN:" from its end on: of several hundred calls, for which printf(3) is slow. */
	*--at = ':';
	do
		*--at = (char)('0' + rest % 10);
	while (rest /= 10);
	*--at = ' ';
	str_add_len(out, at, (size_t)(before + sizeof(before) - at));
	str_add_len(out, text, len);
}

/* The rules as one text: the same text is the same filter, and no other rules have it. */
static void canonical(const struct spec_seccomp *s, struct str *out)
{
	const struct scmp_version *version = seccomp_version();

	str_addf(out, "minictr-seccomp 2 %u.%u.%u %d %u", version->major, version->minor,
		 version->micro, s->has_default_errno, s->default_errno_ret);
	add_text(out, s->default_action ? s->default_action : "");
	for (size_t i = 0; i < s->architectures.n; i++)
		add_text(out, s->architectures.items[i]);
	for (size_t i = 0; i < s->n_rules; i++) {
		const struct spec_seccomp_rule *rule = &s->rules[i];

		str_addf(out, "\n%d %u", rule->has_errno, rule->errno_ret);
		add_text(out, rule->action ? rule->action : "");
		for (size_t j = 0; j < rule->n_args; j++) {
			str_addf(out, " [%u %" PRIu64 " %" PRIu64, rule->args[j].index,
				 rule->args[j].value, rule->args[j].value_two);
			add_text(out, rule->args[j].op ? rule->args[j].op : "");
			str_add(out, "]");
		}
		for (size_t j = 0; j < rule->names.n; j++)
			add_text(out, rule->names.items[j]);
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
	    size > SECCOMP_INSTRUCTIONS_MAX * sizeof(struct sock_filter))
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

static const char notify_action[] = "SCMP_ACT_NOTIFY";

static bool asks(const struct spec_seccomp *s)
{
	for (size_t i = 0; i < s->n_rules; i++) {
		if (str_eq(s->rules[i].action, notify_action))
			return true;
	}
	return str_eq(s->default_action, notify_action);
}

static int parse_flags(const struct spec_seccomp *s, unsigned int *ret, struct error *err)
{
	*ret = 0;
	for (size_t i = 0; i < s->flags.n; i++) {
		int flag;

		if (!enum_from_name(seccomp_flags, s->flags.items[i], &flag))
			return err_set(err, EINVAL, "linux.seccomp: unknown flag '%s'",
				       s->flags.items[i]);
		/* A single thread has nobody to synchronise with; who asks nobody does not wait. */
		if (flag != SECCOMP_FILTER_FLAG_TSYNC &&
		    (flag != SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV || asks(s)))
			*ret |= (unsigned int)flag;
	}
	return 0;
}

/*
 * The process that loads the filter has to send its descriptor away before anybody can answer for
 * it: what that takes must not be asked about.
 */
static int check_asking(const struct spec_seccomp *s, struct error *err)
{
	static const char *const needed[] = { "sendmsg", "write" };

	if (!asks(s))
		return 0;
	if (str_eq(s->default_action, notify_action))
		return err_set(err, EINVAL, "linux.seccomp: %s cannot be the default action",
			       notify_action);
	if (!s->listener_path || s->listener_path[0] != '/')
		return err_set(err, EINVAL, "linux.seccomp: %s needs an absolute listenerPath",
			       notify_action);
	for (size_t i = 0; i < s->n_rules; i++) {
		for (size_t j = 0; j < ARRAY_LEN(needed); j++) {
			if (str_eq(s->rules[i].action, notify_action) &&
			    strv_has(&s->rules[i].names, needed[j]))
				return err_set(err, EINVAL,
					       "linux.seccomp: %s cannot be used for '%s'",
					       notify_action, needed[j]);
		}
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
	rc = check_asking(s, err);
	if (rc < 0)
		return rc;
	canonical(s, &key);
	(void)snprintf(name, sizeof(name), "seccomp-%016" PRIx64, hash(&key));
	if (cache->fd < 0 || !read_cached(cache, name, &key, &program)) {
		rc = seccomp_compile(s, &program, err);
		if (rc < 0)
			return rc;
		if (cache->fd >= 0)
			write_cached(cache, name, &key, &program);
	}
	program.is_notifying = asks(s);
	program.flags = flags | (program.is_notifying ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0U);
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
