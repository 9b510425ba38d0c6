/* SPDX-License-Identifier: Apache-2.0 */
#include "image/credentials.h"

#include <errno.h>
#include <fcntl.h>
#include <nettle/base64.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/macros.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/str.h"

#define CONFIG_MAX (1U << 20)
#define HELPER_MS  30000
#define DOCKER_KEY "https://index.docker.io/v1/"

void credentials_fini(struct credentials *credentials)
{
	free(credentials->user);
	free(credentials->password);
	free(credentials->identity_token);
	*credentials = (struct credentials){ 0 };
}

/* ---- the file --------------------------------------------------------------------------------- */

static char *config_dir(void)
{
	const char *given = getenv("DOCKER_CONFIG");
	const char *home = getenv("HOME");

	if (given && *given)
		return xstrdup(given);
	return path_join(home && *home ? home : "/root", ".docker");
}

/* An object, also if there is no file. */
static int read_config(const char *dir, json_t **ret, struct error *err)
{
	auto_free char *path = path_join(dir, "config.json");
	auto_json_doc struct json_doc doc = { 0 };
	auto_free char *text = NULL;
	size_t len = 0;
	int rc = file_read(path, CONFIG_MAX, &text, &len, err);

	if (rc == -ENOENT) {
		*err = (struct error){ 0 };
		*ret = json_object_new();
		return 0;
	}
	if (rc == 0)
		rc = json_doc_parse(&doc, path, text, len, err);
	if (rc == 0 && !json_is_object(doc.root))
		rc = err_set(err, EINVAL, "%s: is no object", path);
	if (rc < 0)
		return rc;
	*ret = json_deep_copy(doc.root);
	return 0;
}

static int write_config(const char *dir, const json_t *config, struct error *err)
{
	auto_free char *text = json_to_text(config, JSON_INDENT(2));
	auto_fd int fd = dir_make_open(dir, 0700, err);
	const struct dir place = { .fd = fd, .path = dir };

	if (fd < 0)
		return fd;
	return file_replace_at(&place, "config.json", text, strlen(text), 0600, FILE_DURABLE, err);
}

static const char *main_key(const char *host)
{
	return str_eq(host, "docker.io") ? DOCKER_KEY : host;
}

/* As the different tools write it. */
static void keys_of(const char *host, struct strv *ret)
{
	strv_add(ret, main_key(host));
	if (str_eq(host, "docker.io")) {
		strv_add(ret, "docker.io");
		strv_add(ret, "index.docker.io");
		strv_add(ret, "https://index.docker.io");
	}
	strv_addf(ret, "https://%s", host);
	strv_addf(ret, "https://%s/", host);
	strv_addf(ret, "https://%s/v1/", host);
	strv_addf(ret, "https://%s/v2/", host);
	strv_addf(ret, "http://%s", host);
}

/* "user:password" in base64 */
static int decode(const char *text, struct credentials *ret)
{
	struct base64_decode_ctx ctx;
	size_t len = strlen(text);
	size_t n = BASE64_DECODE_LENGTH(len);
	auto_free char *plain = xcalloc(1, n + 1);
	char *colon;

	base64_decode_init(&ctx);
	if (!base64_decode_update(&ctx, &n, (uint8_t *)plain, len, text) ||
	    !base64_decode_final(&ctx) || strlen(plain) < n)
		return -EINVAL;
	colon = strchr(plain, ':');
	if (!colon)
		return -EINVAL;
	ret->user = xstrndup(plain, (size_t)(colon - plain));
	ret->password = xstrdup(colon + 1);
	return 0;
}

static char *encode(const struct credentials *credentials)
{
	auto_free char *plain = xasprintf("%s:%s", credentials->user, credentials->password);
	size_t len = strlen(plain);
	char *text = xcalloc(1, BASE64_ENCODE_RAW_LENGTH(len) + 1);

	base64_encode_raw(text, len, (const uint8_t *)plain);
	return text;
}

static int find_in_file(const json_t *config, const char *host, struct credentials *ret,
			struct error *err)
{
	auto_strv struct strv keys = { 0 };

	keys_of(host, &keys);
	for (size_t i = 0; i < keys.n; i++) {
		const json_t *entry =
			json_object_get(json_object_get(config, "auths"), keys.items[i]);
		const char *auth = json_string_value(json_object_get(entry, "auth"));
		const char *token = json_string_value(json_object_get(entry, "identitytoken"));

		if (token && *token) {
			ret->identity_token = xstrdup(token);
			return 0;
		}
		if (!auth || !*auth)
			continue;
		if (decode(auth, ret) < 0)
			return err_set(err, EINVAL, "'auth' of '%s' is no base64 of user:password",
				       keys.items[i]);
		return 0;
	}
	return 0;
}

/* ---- helpers ---------------------------------------------------------------------------------- */

static const char *helper_of(const json_t *config, const char *host)
{
	auto_strv struct strv keys = { 0 };
	const char *name = NULL;

	keys_of(host, &keys);
	for (size_t i = 0; i < keys.n && !name; i++)
		name = json_string_value(
			json_object_get(json_object_get(config, "credHelpers"), keys.items[i]));
	if (!name)
		name = json_string_value(json_object_get(config, "credsStore"));
	return name && *name ? name : NULL;
}

static int run_helper(const char *name, const char *verb, const char *input, struct str *output,
		      struct error *err)
{
	auto_free char *program = xasprintf("docker-credential-%s", name);
	auto_free char *verb_copy = xstrdup(verb);
	char *const argv[] = { program, verb_copy, NULL };
	const struct helper helper = { .argv = argv,
				       .envp = environ,
				       .input = input,
				       .timeout_ms = HELPER_MS,
				       .output = output };

	/* A name, and not a way to some other program. */
	if (strchr(name, '/'))
		return err_set(err, EINVAL, "credential helper '%s': it is no name", name);
	return helper_run(&helper, err);
}

static int ask_helper(const char *name, const char *host, struct credentials *ret,
		      struct error *err)
{
	auto_json_doc struct json_doc doc = { 0 };
	auto_str struct str output = { 0 };
	const char *user, *secret;
	int rc = run_helper(name, "get", main_key(host), &output, err);

	/* It says so on its standard output. */
	if (rc > 0 && output.text && strstr(output.text, "credentials not found")) {
		*err = (struct error){ 0 };
		return 0;
	}
	if (rc > 0)
		return err_set(err, EIO, "credential helper '%s' ended with status %d: %.*s", name,
			       rc, (int)strcspn(output.text ? output.text : "", "\n"),
			       output.text ? output.text : "");
	if (rc < 0)
		return rc;
	rc = json_doc_parse(&doc, name, output.text ? output.text : "", output.len, err);
	if (rc < 0)
		return err_wrap(err, "credential helper");
	user = json_string_value(json_object_get(doc.root, "Username"));
	secret = json_string_value(json_object_get(doc.root, "Secret"));
	if (!user || !secret)
		return err_set(err, EINVAL, "credential helper '%s': no Username or Secret", name);
	if (str_eq(user, "<token>")) {
		ret->identity_token = xstrdup(secret);
		return 0;
	}
	ret->user = xstrdup(user);
	ret->password = xstrdup(secret);
	return 0;
}

/* ---- both ------------------------------------------------------------------------------------- */

int credentials_find(const char *host, struct credentials *ret, struct error *err)
{
	auto_free char *dir = config_dir();
	auto_json json_t *config = NULL;
	auto_credentials struct credentials found = { 0 };
	const char *helper;
	int rc = read_config(dir, &config, err);

	if (rc < 0)
		return rc;
	helper = helper_of(config, host);
	if (helper)
		rc = ask_helper(helper, host, &found, err);
	if (rc == 0 && !found.user && !found.identity_token)
		rc = find_in_file(config, host, &found, err);
	if (rc < 0)
		return err_wrap(err, "credentials for '%s'", host);
	*ret = found;
	found = (struct credentials){ 0 };
	return 0;
}

static int tell_helper(const char *name, const char *host, const struct credentials *credentials,
		       struct error *err)
{
	auto_json json_t *object = json_object_new();
	auto_free char *text = NULL;
	int rc;

	json_put_string(object, "ServerURL", main_key(host));
	json_put_string(object, "Username", credentials->user);
	json_put_string(object, "Secret", credentials->password);
	text = json_to_text(object, JSON_COMPACT);
	rc = run_helper(name, "store", text, NULL, err);
	return rc > 0 ? err_set(err, EIO, "credential helper '%s' ended with status %d", name, rc)
		      : rc;
}

int credentials_store(const char *host, const struct credentials *credentials, char **ret_where,
		      struct error *err)
{
	auto_free char *dir = config_dir();
	auto_json json_t *config = NULL;
	auto_free char *auth = encode(credentials);
	const char *helper;
	json_t *entry, *auths;
	int rc = read_config(dir, &config, err);

	if (rc < 0)
		return rc;
	helper = helper_of(config, host);
	if (helper) {
		rc = tell_helper(helper, host, credentials, err);
		if (rc == 0)
			*ret_where = xasprintf("docker-credential-%s", helper);
		return rc;
	}
	auths = json_object_get(config, "auths");
	if (!json_is_object(auths)) {
		auths = json_object_new();
		json_put(config, "auths", auths);
	}
	entry = json_object_new();
	json_put_string(entry, "auth", auth);
	json_put(auths, main_key(host), entry);
	rc = write_config(dir, config, err);
	if (rc == 0)
		*ret_where = path_join(dir, "config.json");
	return rc;
}

int credentials_erase(const char *host, struct error *err)
{
	auto_free char *dir = config_dir();
	auto_json json_t *config = NULL;
	auto_strv struct strv keys = { 0 };
	const char *helper;
	int n = 0, rc = read_config(dir, &config, err);

	if (rc < 0)
		return rc;
	helper = helper_of(config, host);
	if (helper) {
		auto_credentials struct credentials known = { 0 };

		rc = ask_helper(helper, host, &known, err);
		if (rc == 0 && (known.user || known.identity_token)) {
			n++;
			rc = run_helper(helper, "erase", main_key(host), NULL, err);
		}
		if (rc != 0)
			return rc < 0 ? rc
				      : err_set(err, EIO, "credential helper '%s' failed", helper);
	}
	keys_of(host, &keys);
	for (size_t i = 0; i < keys.n; i++)
		if (json_object_del(json_object_get(config, "auths"), keys.items[i]) == 0)
			n++;
	if (n)
		rc = write_config(dir, config, err);
	return rc < 0 ? rc : n > 0;
}
