/* SPDX-License-Identifier: Apache-2.0 */
#include "image/registry.h"

#include <errno.h>
#include <nettle/base64.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/macros.h"
#include "base/mem.h"
#include "image/registry_request.h"

#define TOKEN_MAX      (64U << 10) /* bytes of a token server's answer */
#define FIRST_DELAY_MS 200

struct registry registry_for(struct http *http, const struct registry_request *request,
			     const char *actions)
{
	return (struct registry){
		.http = http,
		.repository = request->repository,
		.actions = actions,
		.user = request->user,
		.password = request->password,
		.identity_token = request->identity_token,
		.ca = request->ca,
		.stall_seconds = request->stall_seconds,
	};
}

void registry_fini(struct registry *registry)
{
	http_free(registry->token_http);
	free(registry->authorization);
}

void exchange_fini(struct exchange *x)
{
	http_stop(&x->request);
	http_request_fini(&x->request);
	free(x->path);
	strv_fini(&x->headers);
}

/* ---- who we are ------------------------------------------------------------------------------- */

static char *basic_of(const char *user, const char *password)
{
	auto_free char *plain = xasprintf("%s:%s", user, password);
	size_t len = strlen(plain);
	auto_free char *text = xcalloc(1, BASE64_ENCODE_RAW_LENGTH(len) + 1);

	base64_encode_raw(text, len, (const uint8_t *)plain);
	return xasprintf("Authorization: Basic %s", text);
}

struct token {
	char *token, *access_token;
};

static const struct json_field token_fields[] = {
	JSON_FIELD(struct token, token, JSON_FIELD_STRING, "token"),
	JSON_FIELD(struct token, access_token, JSON_FIELD_STRING, "access_token"),
	JSON_FIELDS_END,
};

/* It becomes a header's value. */
static bool is_token(const char *text)
{
	size_t len = 0;

	for (; text && text[len]; len++)
		if (text[len] <= ' ' || text[len] > '~')
			return false;
	return len > 0;
}

static int read_token(struct registry *registry, const struct str *answer, struct error *err)
{
	auto_json_doc struct json_doc doc = { 0 };
	struct token token = { 0 };
	const char *value;
	int rc = json_doc_parse(&doc, "token", answer->text ? answer->text : "", answer->len, err);

	if (rc == 0)
		rc = json_read(&doc, token_fields, &token, err);
	value = token.token ? token.token : token.access_token;
	if (rc == 0 && !is_token(value))
		rc = err_set(err, EPROTO, "there is no token in its answer");
	if (rc == 0) {
		free(registry->authorization);
		registry->authorization = xasprintf("Authorization: Bearer %s", value);
	}
	free(token.token);
	free(token.access_token);
	return rc;
}

/* A name and its value of a form. */
static void add_field(struct str *form, const char *name, const char *value)
{
	str_addf(form, "%s%s=", form->len ? "&" : "", name);
	for (; *value; value++)
		str_addf(form, "%%%02X", (unsigned char)*value);
}

static void fill_token_request(struct registry *registry, const struct challenge *challenge,
			       struct http_request *request, struct str *form)
{
	auto_free char *scope =
		*registry->repository
			? xasprintf("repository:%s:%s", registry->repository, registry->actions)
			: NULL;
	bool has_credentials = registry->endpoint->has_credentials;

	if (has_credentials && registry->identity_token) {
		request->url = xstrdup(challenge->realm);
		add_field(form, "grant_type", "refresh_token");
		add_field(form, "client_id", "minictr");
		add_field(form, "refresh_token", registry->identity_token);
		if (challenge->service)
			add_field(form, "service", challenge->service);
		if (scope)
			add_field(form, "scope", scope);
		request->method = "POST";
		request->body = form->text;
		request->body_size = form->len;
		strv_add(&request->headers, "Content-Type: application/x-www-form-urlencoded");
		return;
	}
	request->url = challenge_token_url(challenge, scope);
	if (has_credentials && registry->user) {
		auto_free char *basic = basic_of(registry->user, registry->password);

		strv_add(&request->headers, basic);
	}
}

/* A password goes by TLS, or to a registry that does not know it either. */
static int check_realm(const struct registry *registry, const struct challenge *challenge,
		       struct error *err)
{
	auto_free char *shown = str_escape(challenge->realm);

	if (!str_starts(challenge->realm, "http://") ||
	    str_starts(registry->endpoint->base, "http://") || !registry->endpoint->is_verified ||
	    !registry->endpoint->has_credentials || (!registry->user && !registry->identity_token))
		return 0;
	return err_set(err, EACCES, "it wants credentials to be sent in the clear to '%.200s'",
		       shown);
}

static int run_token_request(struct registry *registry, struct http_request *request,
			     struct error *err)
{
	int rc = http_start(registry->token_http, request, err);

	while (rc == 0 && !http_wait(registry->token_http, -1, 1000))
		;
	if (rc < 0)
		return rc;
	if (request->failed.code) {
		*err = request->failed;
		return -err->code;
	}
	if (request->status == 401 || request->status == 403)
		return err_set(err, EACCES, "credentials are %s",
			       registry->user || registry->identity_token ? "wrong" : "needed");
	if (request->status < 200 || request->status > 299)
		return err_set(err, EPROTO, "status %d", request->status);
	return 0;
}

static int get_token(struct registry *registry, const struct challenge *challenge,
		     struct error *err)
{
	auto_str struct str form = { 0 };
	auto_free char *shown = str_escape(challenge->realm);
	struct http_request request = { .body_fd = -1,
					.max = TOKEN_MAX,
					.is_verified = registry->endpoint->is_verified,
					.ca = registry->ca,
					.stall_seconds = registry->stall_seconds };
	int rc = check_realm(registry, challenge, err);

	if (rc == 0 && !registry->token_http)
		registry->token_http = http_new(err);
	if (rc == 0 && !registry->token_http)
		rc = -err->code;
	if (rc == 0) {
		fill_token_request(registry, challenge, &request, &form);
		rc = run_token_request(registry, &request, err);
	}
	if (rc == 0)
		rc = read_token(registry, &request.text, err);
	http_stop(&request);
	http_request_fini(&request);
	return rc < 0 ? err_wrap(err, "get a token from '%.200s'", shown) : 0;
}

static int authenticate(struct registry *registry, const char *text, struct error *err)
{
	auto_challenge struct challenge challenge = { 0 };
	int rc = challenge_parse(text ? text : "", &challenge, err);

	if (rc < 0)
		return rc;
	if (challenge.kind == CHALLENGE_BEARER)
		return get_token(registry, &challenge, err);
	if (!registry->endpoint->has_credentials || !registry->user)
		return err_set(err, EACCES, "credentials are needed");
	free(registry->authorization);
	registry->authorization = basic_of(registry->user, registry->password);
	return 0;
}

/* ---- exchanges -------------------------------------------------------------------------------- */

static char *first_url(const struct registry *registry, const struct exchange *x)
{
	return strstr(x->path, "://") ? xstrdup(x->path)
				      : xasprintf("%s%s", registry->endpoint->base, x->path);
}

int exchange_begin(struct registry *registry, struct exchange *x, struct error *err)
{
	struct http_request *request = &x->request;

	if (!x->is_redirected) {
		free(request->url);
		request->url = first_url(registry, x);
	}
	request->is_verified = registry->endpoint->is_verified;
	request->ca = registry->ca;
	request->stall_seconds = registry->stall_seconds;
	strv_fini(&request->headers);
	strv_copy(&request->headers, &x->headers);
	/* Ours are for the registry alone, wherever it sends us (CVE-2020-15157). */
	if (registry->authorization && http_same_origin(request->url, registry->endpoint->base))
		strv_add(&request->headers, registry->authorization);
	return http_start(registry->http, request, err);
}

/* What the registry says about it: {"errors": [{"code": "...", "message": "..."}]} */
static char *complaint_of(const struct http_request *request)
{
	auto_json_doc struct json_doc doc = { 0 };
	struct error ignored = { 0 };
	const json_t *first;
	const char *message;

	if (!request->text.text ||
	    json_doc_parse(&doc, "errors", request->text.text, request->text.len, &ignored) < 0)
		return xstrdup("");
	first = json_array_get(json_object_get(doc.root, "errors"), 0);
	message = json_string_value(json_object_get(first, "message"));
	if (message) {
		auto_free char *shown = str_escape(message);

		return xasprintf(": %.200s", shown);
	}
	return xstrdup("");
}

static int fail(const struct exchange *x, struct error *err)
{
	const struct http_request *request = &x->request;
	auto_free char *shown = str_escape(request->url);

	return err_wrap(err, "%s '%.300s'", request->method ? request->method : "GET", shown);
}

static int refuse(const struct exchange *x, struct error *err)
{
	const struct http_request *request = &x->request;
	auto_free char *complaint = complaint_of(request);
	int code = EPROTO;

	if (request->status == 404)
		code = ENOENT;
	else if (request->status == 401 || request->status == 403)
		code = EACCES;
	else if (request->status == 429 || request->status >= 500)
		code = EBUSY;
	err_set(err, code, "status %d%s%s", request->status,
		code == ENOENT   ? ": not found"
		: code == EACCES ? ": access denied"
				 : "",
		complaint);
	return fail(x, err);
}

static int again_later(struct exchange *x, int64_t delay_ms)
{
	/* An address that was given to us may not be good any more. */
	x->is_redirected = false;
	x->redirects = 0;
	x->due_ns = clock_boot_ns() + MIN(delay_ms, REGISTRY_MAX_DELAY_MS) * 1000000;
	return 0;
}

static bool is_redirect(int status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static int redirect(struct exchange *x, struct error *err)
{
	struct http_request *request = &x->request;
	char *url = NULL;
	int rc;

	if (++x->redirects > REGISTRY_MAX_REDIRECTS) {
		err_set(err, ELOOP, "redirected more than %d times", REGISTRY_MAX_REDIRECTS);
		return fail(x, err);
	}
	rc = http_redirect(request->url, request->location, &url, err);
	if (rc < 0)
		return fail(x, err);
	free(request->url);
	request->url = url;
	x->is_redirected = true;
	x->due_ns = 0;
	return 0;
}

static bool may_come_again(int status)
{
	return status == 408 || status == 429 || status == 500 || status == 502 || status == 503 ||
	       status == 504;
}

static int judge_failure(struct exchange *x, int64_t delay, struct error *err)
{
	if (x->request.may_pass && x->attempts < REGISTRY_MAX_ATTEMPTS)
		return again_later(x, delay);
	*err = x->request.failed;
	return fail(x, err);
}

int exchange_end(struct registry *registry, struct exchange *x, bool made_progress,
		 struct error *err)
{
	const struct http_request *request = &x->request;
	int64_t delay = FIRST_DELAY_MS;
	int rc;

	if (made_progress)
		x->attempts = 0;
	if (request->failed.code || may_come_again(request->status)) {
		delay <<= x->attempts;
		/* One that says nothing has taken much longer to fail. */
		x->attempts += request->failed.code == ETIMEDOUT ? 2 : 1;
	}
	if (request->failed.code)
		return judge_failure(x, delay, err);
	if (is_redirect(request->status) && request->location)
		return redirect(x, err);
	if (request->status == 401 && !x->has_authenticated && !x->is_redirected) {
		x->has_authenticated = true;
		rc = authenticate(registry, request->challenge, err);
		return rc < 0 ? fail(x, err) : 0;
	}
	if (may_come_again(request->status) && x->attempts < REGISTRY_MAX_ATTEMPTS)
		return again_later(x,
				   request->retry_after >= 0 ? request->retry_after * 1000 : delay);
	if (request->status >= 200 && request->status < 300) {
		/* A token that expires later may be renewed again. */
		x->has_authenticated = false;
		return 1;
	}
	if (x->may_fail && request->status >= 400 && request->status < 500 &&
	    request->status != 401 && request->status != 429)
		return 1;
	return refuse(x, err);
}

int exchange_run(struct registry *registry, struct exchange *x, struct error *err)
{
	int rc = 0;

	while (rc == 0) {
		int64_t wait = x->due_ns - clock_boot_ns();
		const struct timespec delay = { wait / 1000000000, wait % 1000000000 };

		if (wait > 0)
			(void)nanosleep(&delay, NULL);
		rc = exchange_begin(registry, x, err);
		while (rc == 0 && !http_wait(registry->http, -1, 1000))
			;
		if (rc == 0)
			rc = exchange_end(registry, x, false, err);
	}
	return MIN(rc, 0);
}

int registry_open(struct registry *registry, const struct registry_endpoint *endpoint,
		  struct error *err)
{
	auto_exchange struct exchange x = { .request = { .body_fd = -1, .max = 64U << 10 },
					    .path = xstrdup("/v2/"),
					    .may_fail = true };
	int rc;

	registry->endpoint = endpoint;
	free(take_ptr(registry->authorization));
	rc = exchange_begin(registry, &x, err);
	while (rc == 0 && !http_wait(registry->http, -1, 1000))
		;
	if (rc < 0)
		return rc;
	/* Not there at all: no need to ask again and again. */
	if (x.request.failed.code && !x.request.may_pass) {
		*err = x.request.failed;
		return fail(&x, err);
	}
	rc = exchange_end(registry, &x, false, err);
	/* The answer to who we are is enough; what it says to that is seen with what we want. */
	if (rc == 0 && !registry->authorization)
		rc = exchange_run(registry, &x, err);
	return MIN(rc, 0);
}
