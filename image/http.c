/* SPDX-License-Identifier: Apache-2.0 */
#include "image/http.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <curl/curl.h>

#include "base/macros.h"
#include "base/mem.h"

#define REFUSAL_MAX    8192U
#define HEADER_MAX     4096U  /* bytes of one that is kept */
#define HEADERS_MAX    262144 /* of all of an answer */
#define RECEIVE_BUFFER (256L << 10)
#define SEND_BUFFER    (256L << 10)

struct http {
	CURLM *multi;
	size_t headers_len; /* of the answers under way, roughly */
};

struct http *http_new(struct error *err)
{
	struct http *http = xcalloc(1, sizeof(*http));

	if (curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK)
		http->multi = curl_multi_init();
	if (!http->multi) {
		free(http);
		err_set(err, ENOMEM, "start libcurl");
		return NULL;
	}
	/* Several transfers are to come over several connections: one stalls alone. */
	(void)curl_multi_setopt(http->multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
	return http;
}

void http_free(struct http *http)
{
	if (!http)
		return;
	(void)curl_multi_cleanup(http->multi);
	curl_global_cleanup();
	free(http);
}

void http_freep(struct http **http)
{
	http_free(*http);
}

void http_request_again(struct http_request *request)
{
	char **const texts[] = { &request->location, &request->content_type, &request->challenge,
				 &request->digest,   &request->upload_range, &request->link };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		free(take_ptr(*texts[i]));
	str_fini(&request->text);
	request->text = (struct str){ 0 };
	request->status = 0;
	request->has_range = false;
	request->range_start = 0;
	request->retry_after = -1;
	request->failed = (struct error){ 0 };
	request->may_pass = request->is_tls_failure = false;
	request->body_at = 0;
}

void http_request_fini(struct http_request *request)
{
	http_request_again(request);
	free(request->url);
	strv_fini(&request->headers);
}

/* ---- headers ---------------------------------------------------------------------------------- */

/* The value of a header line that is called @name, without spaces around; NULL if it is not. */
static const char *value_of(const char *line, size_t len, const char *name, size_t *ret_len)
{
	size_t at = strlen(name);

	if (len <= at || strncasecmp(line, name, at) != 0 || line[at] != ':')
		return NULL;
	for (at++; at < len && (line[at] == ' ' || line[at] == '\t');)
		at++;
	while (len > at && strchr("\r\n\t ", line[len - 1]))
		len--;
	*ret_len = len - at;
	return line + at;
}

static void keep(char **to, const char *value, size_t len)
{
	free(*to);
	*to = xstrndup(value, len);
}

/* "bytes 100-199/1000" */
static void take_range(struct http_request *request, const char *value)
{
	uint64_t start;

	if (strncasecmp(value, "bytes ", 6) != 0)
		return;
	errno = 0;
	start = strtoull(value + 6, NULL, 10);
	if (errno == 0 && value[6] >= '0' && value[6] <= '9') {
		request->range_start = start;
		request->has_range = true;
	}
}

void http_take_header(struct http_request *request, const char *line, size_t len)
{
	const struct {
		const char *name;
		char **to;
	} kept[] = {
		{ "location", &request->location },
		{ "content-type", &request->content_type },
		{ "www-authenticate", &request->challenge },
		{ "docker-content-digest", &request->digest },
		{ "range", &request->upload_range },
		{ "link", &request->link },
	};
	auto_free char *text = NULL;
	const char *value;
	size_t n;

	if (len > HEADER_MAX || memchr(line, '\0', len))
		return;
	/* A challenge that we cannot answer must not hide one that we can. */
	for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
		value = value_of(line, len, kept[i].name, &n);
		if (!value)
			continue;
		if (kept[i].to == &request->challenge && request->challenge &&
		    (n < 6 || strncasecmp(value, "bearer", 6) != 0))
			return;
		if (kept[i].to == &request->link && !memmem(value, n, "next", 4))
			return;
		keep(kept[i].to, value, n);
		return;
	}
	value = value_of(line, len, "content-range", &n);
	if (value) {
		text = xstrndup(value, n);
		take_range(request, text);
		return;
	}
	value = value_of(line, len, "retry-after", &n);
	if (value && n && n < 6 && *value >= '0' && *value <= '9') {
		char digits[8] = "";

		/* What libcurl hands over has no end of its own. */
		memcpy(digits, value, n);
		request->retry_after = strtol(digits, NULL, 10);
	}
}

/* ---- libcurl's callbacks ---------------------------------------------------------------------- */

static size_t on_header(char *data, size_t size, size_t n, void *arg)
{
	struct http_request *request = arg;
	size_t len = size * n;

	request->http->headers_len += len;
	if (request->http->headers_len > HEADERS_MAX) {
		err_set(&request->failed, EFBIG, "the answer's headers are longer than %d bytes",
			HEADERS_MAX);
		return 0;
	}
	/* Of an answer before the last (100 Continue) nothing is kept. */
	if (len > 5 && strncasecmp(data, "http/", 5) == 0) {
		char *type = take_ptr(request->content_type);

		free(type);
		free(take_ptr(request->location));
		free(take_ptr(request->link));
	}
	http_take_header(request, data, len);
	return len;
}

static bool is_success(struct http_request *request)
{
	long status = 0;

	(void)curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &status);
	request->status = (int)status;
	return status >= 200 && status < 300;
}

static size_t on_data(char *data, size_t size, size_t n, void *arg)
{
	struct http_request *request = arg;
	size_t len = size * n;

	request->http->headers_len = 0;
	if (!is_success(request)) {
		str_add_len(&request->text, data, MIN(len, REFUSAL_MAX - request->text.len));
		return len;
	}
	if (request->take)
		return request->take(request->arg, request, data, len, &request->failed) < 0 ? 0
											     : len;
	if (len > request->max - request->text.len) {
		err_set(&request->failed, EFBIG, "the answer is longer than %zu bytes",
			request->max);
		return 0;
	}
	str_add_len(&request->text, data, len);
	return len;
}

static size_t on_send(char *to, size_t size, size_t n, void *arg)
{
	struct http_request *request = arg;
	size_t len = MIN(size * n, request->body_size - request->body_at);
	ssize_t done;

	if (request->body) {
		memcpy(to, request->body + request->body_at, len);
		request->body_at += len;
		return len;
	}
	do
		done = pread(request->body_fd, to, len, (off_t)request->body_at);
	while (done < 0 && errno == EINTR);
	if (done < 0 || (done == 0 && len)) {
		err_set(&request->failed, EIO, "read what is to be sent");
		return CURL_READFUNC_ABORT;
	}
	request->body_at += (uint64_t)done;
	return (size_t)done;
}

/* libcurl begins anew when a kept connection turns out to be dead. */
static int on_seek(void *arg, curl_off_t offset, int origin)
{
	struct http_request *request = arg;

	if (origin != SEEK_SET || offset < 0 || (uint64_t)offset > request->body_size)
		return CURL_SEEKFUNC_FAIL;
	request->body_at = (uint64_t)offset;
	return CURL_SEEKFUNC_OK;
}

/* ---- a request -------------------------------------------------------------------------------- */

#define SET(easy, option, value)                                   \
	do {                                                       \
		(void)curl_easy_setopt((easy), (option), (value)); \
	} while (0)

static void set_body(CURL *easy, struct http_request *request)
{
	bool has_body = request->body || request->body_fd >= 0;

	if (request->method && str_eq(request->method, "HEAD")) {
		SET(easy, CURLOPT_NOBODY, 1L);
		return;
	}
	if (!has_body && request->method && !str_eq(request->method, "GET")) {
		/* A POST or PUT of nothing says so. */
		SET(easy, CURLOPT_POST, 1L);
		SET(easy, CURLOPT_POSTFIELDS, "");
		SET(easy, CURLOPT_POSTFIELDSIZE, 0L);
	}
	if (has_body) {
		SET(easy, CURLOPT_UPLOAD, 1L);
		SET(easy, CURLOPT_READFUNCTION, on_send);
		SET(easy, CURLOPT_READDATA, request);
		SET(easy, CURLOPT_SEEKFUNCTION, on_seek);
		SET(easy, CURLOPT_SEEKDATA, request);
		SET(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)request->body_size);
		SET(easy, CURLOPT_UPLOAD_BUFFERSIZE, SEND_BUFFER);
	}
	if (request->method)
		SET(easy, CURLOPT_CUSTOMREQUEST, request->method);
}

static void set_tls(CURL *easy, const struct http_request *request)
{
	SET(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (!request->is_verified) {
		SET(easy, CURLOPT_SSL_VERIFYPEER, 0L);
		SET(easy, CURLOPT_SSL_VERIFYHOST, 0L);
	} else if (request->ca) {
		struct curl_blob blob = {
			.data = (void *)(uintptr_t)request->ca,
			.len = strlen(request->ca),
			.flags = CURL_BLOB_COPY,
		};

		SET(easy, CURLOPT_CAINFO_BLOB, &blob);
		SET(easy, CURLOPT_CAPATH, NULL);
	}
}

static long stall_seconds(const struct http_request *request)
{
	return request->stall_seconds ? request->stall_seconds : HTTP_STALL_SECONDS;
}

static void set_all(CURL *easy, struct http_request *request)
{
	struct curl_slist *list = NULL;

	for (size_t i = 0; i < request->headers.n; i++)
		list = curl_slist_append(list, request->headers.items[i]);
	/* Registries answer at once, and some not at all to this. */
	list = curl_slist_append(list, "Expect:");
	request->header_list = list;

	SET(easy, CURLOPT_URL, request->url);
	SET(easy, CURLOPT_HTTPHEADER, list);
	SET(easy, CURLOPT_USERAGENT, "minictr/" MINICTR_VERSION);
	SET(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	SET(easy, CURLOPT_FOLLOWLOCATION, 0L);
	SET(easy, CURLOPT_NOSIGNAL, 1L);
	SET(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(easy, CURLOPT_HTTP_CONTENT_DECODING, 0L);
	SET(easy, CURLOPT_CONNECTTIMEOUT, (long)HTTP_CONNECT_SECONDS);
	SET(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
	SET(easy, CURLOPT_LOW_SPEED_TIME, stall_seconds(request));
	SET(easy, CURLOPT_BUFFERSIZE, RECEIVE_BUFFER);
	SET(easy, CURLOPT_HEADERFUNCTION, on_header);
	SET(easy, CURLOPT_HEADERDATA, request);
	SET(easy, CURLOPT_WRITEFUNCTION, on_data);
	SET(easy, CURLOPT_WRITEDATA, request);
	SET(easy, CURLOPT_PRIVATE, request);
	set_tls(easy, request);
	set_body(easy, request);
}

int http_start(struct http *http, struct http_request *request, struct error *err)
{
	CURL *easy = curl_easy_init();

	if (!easy)
		return err_set(err, ENOMEM, "start a request");
	http_request_again(request);
	request->http = http;
	request->easy = easy;
	set_all(easy, request);
	if (curl_multi_add_handle(http->multi, easy) != CURLM_OK) {
		http_stop(request);
		return err_set(err, ENOMEM, "start a request");
	}
	return 0;
}

void http_stop(struct http_request *request)
{
	if (!request->easy)
		return;
	(void)curl_multi_remove_handle(request->http->multi, request->easy);
	curl_easy_cleanup(request->easy);
	curl_slist_free_all(request->header_list);
	request->easy = request->header_list = NULL;
}

/* What may be another time: not a name that is not there, nor what we ourselves ended. */
static bool may_pass(CURLcode code)
{
	static const CURLcode passing[] = {
		CURLE_PARTIAL_FILE, CURLE_OPERATION_TIMEDOUT, CURLE_GOT_NOTHING,
		CURLE_SEND_ERROR,   CURLE_RECV_ERROR,         CURLE_HTTP2,
		CURLE_HTTP2_STREAM,
	};

	for (size_t i = 0; i < ARRAY_LEN(passing); i++)
		if (passing[i] == code)
			return true;
	return false;
}

static bool is_tls_failure(CURLcode code)
{
	return code == CURLE_SSL_CONNECT_ERROR || code == CURLE_PEER_FAILED_VERIFICATION ||
	       code == CURLE_SSL_CIPHER || code == CURLE_SSL_CACERT_BADFILE ||
	       code == CURLE_SSL_ISSUER_ERROR;
}

static int code_of(CURLcode code)
{
	switch ((int)code) {
	case CURLE_OPERATION_TIMEDOUT:
		return ETIMEDOUT;
	case CURLE_COULDNT_CONNECT:
		return ECONNREFUSED;
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		return EHOSTUNREACH;
	default:
		return EIO;
	}
}

static void conclude(struct http_request *request, CURLcode code)
{
	double connected = 0;

	(void)is_success(request);
	(void)curl_easy_getinfo(request->easy, CURLINFO_CONNECT_TIME, &connected);
	if (code == CURLE_OK || request->failed.code)
		return;
	request->may_pass = may_pass(code);
	request->is_tls_failure = is_tls_failure(code);
	if (code == CURLE_OPERATION_TIMEDOUT)
		err_set(&request->failed, ETIMEDOUT, "no answer within %d seconds",
			connected > 0 ? (int)stall_seconds(request) : HTTP_CONNECT_SECONDS);
	else
		err_set(&request->failed, code_of(code), "%s", curl_easy_strerror(code));
}

static struct http_request *next_ended(struct http *http)
{
	struct http_request *request = NULL;
	int left = 0;
	CURLMsg *message;

	while ((message = curl_multi_info_read(http->multi, &left))) {
		CURLcode code = message->data.result;

		if (message->msg != CURLMSG_DONE)
			continue;
		(void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &request);
		conclude(request, code);
		http_stop(request);
		return request;
	}
	return NULL;
}

struct http_request *http_wait(struct http *http, int fd, int timeout_ms)
{
	struct http_request *ended = next_ended(http);
	struct curl_waitfd extra = { .fd = fd, .events = CURL_WAIT_POLLIN };
	int running = 0;

	if (ended)
		return ended;
	(void)curl_multi_perform(http->multi, &running);
	ended = next_ended(http);
	if (ended)
		return ended;
	(void)curl_multi_poll(http->multi, &extra, fd >= 0, timeout_ms, NULL);
	(void)curl_multi_perform(http->multi, &running);
	return next_ended(http);
}

/* ---- addresses -------------------------------------------------------------------------------- */

static char *part_of(const char *url, CURLUPart part, unsigned int flags)
{
	CURLU *parsed = curl_url();
	char *text = NULL;
	char *copy;

	if (parsed && curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK)
		(void)curl_url_get(parsed, part, &text, flags);
	copy = xstrdup(text);
	curl_free(text);
	curl_url_cleanup(parsed);
	return copy;
}

bool http_same_origin(const char *url, const char *other)
{
	static const CURLUPart parts[] = { CURLUPART_SCHEME, CURLUPART_HOST, CURLUPART_PORT };

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		auto_free char *a = part_of(url, parts[i], CURLU_DEFAULT_PORT);
		auto_free char *b = part_of(other, parts[i], CURLU_DEFAULT_PORT);

		if (!a || !b || strcasecmp(a, b) != 0)
			return false;
	}
	return true;
}

int http_redirect(const char *url, const char *location, char **ret, struct error *err)
{
	CURLU *parsed = curl_url();
	auto_free char *shown = str_escape(location);
	auto_free char *was = part_of(url, CURLUPART_SCHEME, 0);
	auto_free char *now = NULL;
	char *text = NULL;

	if (parsed && curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK &&
	    curl_url_set(parsed, CURLUPART_URL, location, 0) == CURLUE_OK) {
		/* Somebody's name and password in an address are nothing that we send. */
		(void)curl_url_set(parsed, CURLUPART_USER, NULL, 0);
		(void)curl_url_set(parsed, CURLUPART_PASSWORD, NULL, 0);
		(void)curl_url_get(parsed, CURLUPART_URL, &text, 0);
	}
	curl_url_cleanup(parsed);
	if (text) {
		*ret = xstrdup(text);
		curl_free(text);
		now = part_of(*ret, CURLUPART_SCHEME, 0);
		if (now && (str_eq(now, "https") || (str_eq(now, "http") && str_eq(was, "http"))))
			return 0;
		free(take_ptr(*ret));
	}
	return err_set(err, EINVAL, "redirected to '%.200s', which is not followed", shown);
}
