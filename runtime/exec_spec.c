/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/exec_spec.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/version.h"
#include "runtime/spec_internal.h"
#include "runtime/state.h"

enum {
	KEY_ROOM = 256,
	NS_PER_S = 1000000000,
	KEPT_MAX = 1 << 20,
};

#define CONFIG "config.json"

void exec_spec_fini(struct exec_spec *spec)
{
	spec_process_fini(&spec->process);
	seccomp_program_fini(&spec->seccomp);
	free(spec->personality);
	free(spec->memory_policy.nodes);
	free(spec->listener_path);
	free(spec->listener_metadata);
	*spec = (struct exec_spec){ 0 };
}

int exec_spec_take(const struct spec *spec, const char *cache, struct exec_spec *ret,
		   struct error *err)
{
	auto_fd int cache_fd = -1;
	struct exec_spec taken = { 0 };
	int rc;

	if (spec->seccomp.is_given) {
		cache_fd = dir_make_open(cache, 0700, err);
		rc = seccomp_program_get(&spec->seccomp,
					 &(struct dir){ .fd = cache_fd, .path = cache },
					 &taken.seccomp, err);
		if (rc < 0)
			return rc;
		taken.listener_path = xstrdup(spec->seccomp.listener_path);
		taken.listener_metadata = xstrdup(spec->seccomp.listener_metadata);
	}
	spec_process_copy(&spec->process, &taken.process);
	taken.personality = xstrdup(spec->personality_domain);
	taken.memory_policy = spec->memory_policy;
	taken.memory_policy.nodes = xstrdup(spec->memory_policy.nodes);
	*ret = taken;
	return 0;
}

/* ---- what is kept ----------------------------------------------------------------------------- */

/*
 * The file is a line that says of which program and which config.json it is (a file that is written to
 * has another time of change), a JSON object in one line, and the filter's instructions to its end.
 */
static void make_key(const struct stat *st, char ret[KEY_ROOM])
{
	(void)snprintf(ret, KEY_ROOM,
		       "minictr-exec 1 %s %s %" PRIu64 " %" PRIu64 " %" PRIi64 " %" PRIi64
		       ".%09ld %" PRIi64 ".%09ld\n",
		       MINICTR_VERSION, version_commit, (uint64_t)st->st_dev, (uint64_t)st->st_ino,
		       (int64_t)st->st_size, (int64_t)st->st_mtim.tv_sec, st->st_mtim.tv_nsec,
		       (int64_t)st->st_ctim.tv_sec, st->st_ctim.tv_nsec);
}

struct kept {
	struct exec_spec spec;
	uint32_t flags, n_instructions, memory_mode;
	uint64_t n_syscalls;
};

static const struct json_field kept_fields[] = {
	{ .name = "process",
	  .type = JSON_FIELD_OBJECT,
	  .offset = offsetof(struct kept, spec.process),
	  .flags = JSON_REQUIRED,
	  .present = -1,
	  .fields = spec_process_fields },
	JSON_FIELD(struct kept, spec.personality, JSON_FIELD_STRING, "personality"),
	JSON_FIELD(struct kept, spec.memory_policy.is_given, JSON_FIELD_BOOL, "hasMemoryPolicy"),
	JSON_FIELD(struct kept, memory_mode, JSON_FIELD_UINT32, "memoryMode"),
	JSON_FIELD(struct kept, spec.memory_policy.flags, JSON_FIELD_UINT32, "memoryFlags"),
	JSON_FIELD(struct kept, spec.memory_policy.nodes, JSON_FIELD_STRING, "memoryNodes"),
	JSON_FIELD(struct kept, spec.listener_path, JSON_FIELD_STRING, "listenerPath"),
	JSON_FIELD(struct kept, spec.listener_metadata, JSON_FIELD_STRING, "listenerMetadata"),
	JSON_FIELD(struct kept, flags, JSON_FIELD_UINT32, "flags"),
	JSON_FIELD(struct kept, n_instructions, JSON_FIELD_UINT32, "instructions"),
	JSON_FIELD(struct kept, spec.seccomp.is_notifying, JSON_FIELD_BOOL, "isNotifying"),
	JSON_FIELD(struct kept, n_syscalls, JSON_FIELD_UINT64, "syscalls"),
	JSON_FIELDS_END,
};

static bool take_filter(const char *data, size_t size, uint32_t n, struct seccomp_program *ret)
{
	if (n > BPF_MAXINSNS || size != n * sizeof(struct sock_filter))
		return false;
	if (n == 0)
		return true;
	ret->filter = xmalloc(size);
	memcpy(ret->filter, data, size);
	ret->n = (unsigned short)n;
	return true;
}

static bool parse_kept(const char *text, size_t len, struct exec_spec *ret)
{
	auto_json_doc struct json_doc doc = { 0 };
	const char *end = memchr(text, '\n', len);
	struct kept kept = { 0 };
	struct error ignored;

	if (!end || json_doc_parse(&doc, EXEC_SPEC_FILE, text, (size_t)(end - text), &ignored) < 0)
		return false;
	if (json_read(&doc, kept_fields, &kept, &ignored) < 0 ||
	    !take_filter(end + 1, len - (size_t)(end + 1 - text), kept.n_instructions,
			 &kept.spec.seccomp)) {
		exec_spec_fini(&kept.spec);
		return false;
	}
	*ret = kept.spec;
	ret->memory_policy.mode = (int)kept.memory_mode;
	ret->seccomp.flags = kept.flags;
	ret->seccomp.n_syscalls = kept.n_syscalls;
	return true;
}

static bool read_kept(const struct dir *state, const char *key, struct exec_spec *ret)
{
	auto_free char *data = NULL;
	const size_t key_len = strlen(key);
	struct error ignored;
	size_t len = 0;

	if (file_read_at(state, EXEC_SPEC_FILE, KEPT_MAX, &data, &len, &ignored) < 0)
		return false;
	return len > key_len && memcmp(data, key, key_len) == 0 &&
	       parse_kept(data + key_len, len - key_len, ret);
}

static void render(const struct exec_spec *spec, const json_t *process, const char *key,
		   struct str *out)
{
	auto_json json_t *json = json_object_new();
	auto_free char *text = NULL;

	json_put(json, "process", json_deep_copy(process));
	json_put_string(json, "personality", spec->personality);
	json_put_bool(json, "hasMemoryPolicy", spec->memory_policy.is_given);
	json_put_int(json, "memoryMode", spec->memory_policy.mode);
	json_put_int(json, "memoryFlags", spec->memory_policy.flags);
	json_put_string(json, "memoryNodes", spec->memory_policy.nodes);
	json_put_string(json, "listenerPath", spec->listener_path);
	json_put_string(json, "listenerMetadata", spec->listener_metadata);
	json_put_int(json, "flags", spec->seccomp.flags);
	json_put_int(json, "instructions", spec->seccomp.n);
	json_put_bool(json, "isNotifying", spec->seccomp.is_notifying);
	json_put_int(json, "syscalls", (int64_t)spec->seccomp.n_syscalls);
	text = json_to_text(json, JSON_COMPACT);
	str_addf(out, "%s%s\n", key, text);
	str_add_len(out, (const char *)spec->seccomp.filter,
		    spec->seccomp.n * sizeof(struct sock_filter));
}

/* ---- config.json ------------------------------------------------------------------------------ */

/* A file that is written to twice within a tick of the clock has one time of change. */
static bool is_settled(const struct stat *st)
{
	int64_t changed = st->st_ctim.tv_sec * (int64_t)NS_PER_S + st->st_ctim.tv_nsec;

	return clock_real_ns() - changed > NS_PER_S;
}

static int read_config(const struct dir *bundle, const char *cache, struct json_doc *doc,
		       struct exec_spec *ret, struct error *err)
{
	auto_spec struct spec spec = { 0 };
	int rc = json_doc_load(doc, bundle->fd, CONFIG, err);

	if (rc == 0)
		rc = spec_read(doc, &spec, err);
	return rc < 0 ? rc : exec_spec_take(&spec, cache, ret, err);
}

int exec_spec_load(const struct dir *state, const char *bundle, const char *cache,
		   struct exec_spec *ret, struct error *err)
{
	auto_fd int fd = open(bundle, O_PATH | O_DIRECTORY | O_CLOEXEC);
	auto_json_doc struct json_doc doc = { 0 };
	const struct dir dir = { .fd = fd, .path = bundle };
	char key[KEY_ROOM] = "";
	const json_t *process;
	struct stat st;
	int rc;

	if (fd < 0)
		return err_sys(err, "open bundle '%s'", bundle);
	if (fstatat(fd, CONFIG, &st, 0) == 0) {
		make_key(&st, key);
		if (read_kept(state, key, ret))
			return 0;
	}
	rc = read_config(&dir, cache, &doc, ret, err);
	process = json_object_get(doc.root, "process");
	if (rc == 0 && *key && is_settled(&st) && json_is_object(process)) {
		auto_str struct str data = { 0 };

		render(ret, process, key, &data);
		state_keep(state, EXEC_SPEC_FILE, &data);
	}
	return rc;
}
