/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/macros.h"
#include "base/mem.h"
#include "base/path.h"
#include "image/remote_internal.h"

#define CONFIG_PATH "/etc/minictr/registries.json"
#define CONFIG_MAX  (1U << 20)
#define CA_MAX      (1U << 20)
#define PARALLEL    4

enum registry_progress remote_progress(bool is_quiet)
{
	if (is_quiet)
		return PROGRESS_QUIET;
	return isatty(STDERR_FILENO) ? PROGRESS_TTY : PROGRESS_PLAIN;
}

void remote_pulled_fini(struct remote_pulled *pulled)
{
	free(pulled->name);
}

bool remote_is_loopback(const char *host)
{
	auto_free char *name =
		xstrndup(host, *host == '[' ? strcspn(host, "]") : strcspn(host, ":"));

	return str_eq(name, "localhost") || str_starts(name, "127.") || str_eq(name, "[::1");
}

int remote_parse_platform(const char *text, struct platform *ret, struct error *err)
{
	auto_strv struct strv parts = { 0 };
	auto_free char *shown = str_escape(text);

	strv_split(&parts, text, '/');
	for (size_t i = 0; i < parts.n; i++)
		if (!*parts.items[i] || parts.n > 3)
			return err_set(err, EINVAL,
				       "platform '%.100s': it must be like linux/arm64/v8", shown);
	if (parts.n == 1) {
		/* One word is a machine or a system. */
		bool is_os = str_eq(text, "linux");

		ret->os = xstrdup("linux");
		ret->architecture = xstrdup(is_os ? MINICTR_ARCH : text);
		return 0;
	}
	ret->os = xstrdup(parts.items[0]);
	ret->architecture = xstrdup(parts.items[1]);
	ret->variant = parts.n > 2 ? xstrdup(parts.items[2]) : NULL;
	return 0;
}

/* ---- places ----------------------------------------------------------------------------------- */

static void add_place(struct registry_request *request, char *base, bool is_verified,
		      bool has_credentials)
{
	request->places =
		xrealloc(request->places, request->n_places + 1, sizeof(*request->places));
	request->places[request->n_places++] = (struct registry_place){
		.base = base, .is_verified = is_verified, .has_credentials = has_credentials
	};
}

struct config_entry {
	struct strv mirrors;
	bool is_insecure;
};

static const struct json_field entry_fields[] = {
	JSON_FIELD(struct config_entry, mirrors, JSON_FIELD_STRINGS, "mirrors"),
	JSON_FIELD(struct config_entry, is_insecure, JSON_FIELD_BOOL, "insecure"),
	JSON_FIELDS_END,
};

/* What the configuration says of @host, if there is one. */
static int read_config(const char *host, struct config_entry *ret, struct error *err)
{
	auto_json_doc struct json_doc doc = { 0 };
	auto_free char *text = NULL;
	size_t len = 0;
	int rc = file_read(CONFIG_PATH, CONFIG_MAX, &text, &len, err);

	if (rc == -ENOENT) {
		*err = (struct error){ 0 };
		return 0;
	}
	if (rc == 0)
		rc = json_doc_parse(&doc, CONFIG_PATH, text, len, err);
	if (rc == 0 && json_object_get(doc.root, host)) {
		const struct json_field fields[] = {
			{ .name = host,
			  .type = JSON_FIELD_OBJECT,
			  .offset = 0,
			  .present = -1,
			  .fields = entry_fields },
			JSON_FIELDS_END,
		};

		rc = json_read(&doc, fields, ret, err);
	}
	for (size_t i = 0; rc == 0 && i < ret->mirrors.n; i++)
		if (!str_starts(ret->mirrors.items[i], "https://") &&
		    !str_starts(ret->mirrors.items[i], "http://"))
			rc = err_set(err, EINVAL, CONFIG_PATH ": mirror '%s' is no address",
				     ret->mirrors.items[i]);
	return rc;
}

static int add_places(struct registry_request *request, const char *host, bool is_insecure,
		      struct error *err)
{
	/* docker.io is the name; the registry lives elsewhere. */
	const char *real = str_eq(host, "docker.io") ? "registry-1.docker.io" : host;
	struct config_entry entry = { 0 };
	bool is_reading;
	int rc = read_config(host, &entry, err);

	is_insecure = is_insecure || entry.is_insecure || remote_is_loopback(host);
	is_reading = request->verb == REGISTRY_PULL || request->verb == REGISTRY_TAGS;
	/* Mirrors have what can be had, but are sent nothing, and know no password. */
	for (size_t i = 0; rc == 0 && is_reading && i < entry.mirrors.n; i++)
		add_place(request, xstrdup(entry.mirrors.items[i]), !is_insecure, false);
	add_place(request, xasprintf("https://%s", real), !is_insecure, true);
	if (is_insecure)
		add_place(request, xasprintf("http://%s", real), false, true);
	strv_fini(&entry.mirrors);
	return rc;
}

/* ---- certificates ----------------------------------------------------------------------------- */

static int read_ca(const char *host, const char *cert_dir, char **ret, struct error *err)
{
	static const char *const folders[] = { "/etc/minictr/certs.d", "/etc/docker/certs.d",
					       "/etc/containers/certs.d" };
	auto_free char *given = cert_dir ? path_join(cert_dir, "ca.crt") : NULL;

	if (given)
		return file_read(given, CA_MAX, ret, NULL, err);
	for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
		auto_free char *path = xasprintf("%s/%s/ca.crt", folders[i], host);
		int rc = file_read(path, CA_MAX, ret, NULL, err);

		if (rc != -ENOENT && rc != -ENOTDIR)
			return rc;
		*err = (struct error){ 0 };
	}
	return 0;
}

int remote_fill(struct registry_request *request, const char *host,
		const struct remote_options *options, struct error *err)
{
	auto_credentials struct credentials credentials = { 0 };
	int rc = 0;

	request->host = xstrdup(host);
	request->progress = options->progress;
	request->parallel = PARALLEL;
	request->stall_seconds = options->stall_seconds;
	if (options->platform)
		rc = remote_parse_platform(options->platform, &request->platform, err);
	if (rc == 0)
		rc = add_places(request, host, options->is_insecure, err);
	if (rc == 0)
		rc = read_ca(host, options->cert_dir, &request->ca, err);
	if (rc < 0 || request->verb == REGISTRY_LOGIN)
		return rc;
	rc = credentials_find(host, &credentials, err);
	request->user = take_ptr(credentials.user);
	request->password = take_ptr(credentials.password);
	request->identity_token = take_ptr(credentials.identity_token);
	return rc;
}

int remote_login(const char *host, const struct remote_options *options,
		 const struct credentials *credentials, struct error *err)
{
	auto_registry_request struct registry_request request = {
		.verb = REGISTRY_LOGIN,
		.repository = xstrdup(""),
		.user = xstrdup(credentials->user),
		.password = xstrdup(credentials->password),
	};
	struct remote_client client;
	int rc = remote_fill(&request, host, options, err);

	if (rc == 0)
		rc = remote_start(&request, &client, err);
	if (rc < 0)
		return rc;
	rc = remote_wait(&client, err);
	return rc < 0 ? err_wrap(err, "login '%s'", host) : 0;
}
