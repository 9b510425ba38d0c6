/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "image/remote_internal.h"
#include "tests/unit/base/temp.h"
#include "tests/unit/test.h"

START_TEST(reads_platforms)
{
	static const struct {
		const char *text, *os, *architecture, *variant;
	} rows[] = {
		{ "linux/arm64/v8", "linux", "arm64", "v8" },
		{ "linux/amd64", "linux", "amd64", NULL },
		{ "arm64", "linux", "arm64", NULL },
		{ "linux", "linux", MINICTR_ARCH, NULL },
		{ "", NULL, NULL, NULL },
		{ "a//b", NULL, NULL, NULL },
		{ "/", NULL, NULL, NULL },
		{ "a/b/c/d", NULL, NULL, NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct platform p = { 0 };
		struct error err = { 0 };

		ck_assert_int_eq(remote_parse_platform(rows[i].text, &p, &err),
				 rows[i].os ? 0 : -EINVAL);
		ck_assert_pstr_eq(p.os, rows[i].os);
		ck_assert_pstr_eq(p.architecture, rows[i].architecture);
		ck_assert_pstr_eq(p.variant, rows[i].variant);
		free(p.os);
		free(p.architecture);
		free(p.variant);
	}
}
END_TEST

START_TEST(knows_this_machine)
{
	static const char *const here[] = { "localhost",   "localhost:5000", "127.0.0.1",
					    "127.9.9.9:1", "[::1]",          "[::1]:5000" };
	static const char *const elsewhere[] = { "localhost.example", "docker.io", "128.0.0.1",
						 "[::2]", "mylocalhost:1" };

	for (size_t i = 0; i < ARRAY_LEN(here); i++)
		ck_assert_msg(remote_is_loopback(here[i]), "%s", here[i]);
	for (size_t i = 0; i < ARRAY_LEN(elsewhere); i++)
		ck_assert_msg(!remote_is_loopback(elsewhere[i]), "%s", elsewhere[i]);
}
END_TEST

START_TEST(asks_as_it_was_told)
{
	auto_registry_request struct registry_request r = {
		.verb = REGISTRY_PUSH,
		.progress = PROGRESS_JSON,
		.parallel = 3,
		.stall_seconds = 7,
		.host = xstrdup("h"),
		.repository = xstrdup("a/b"),
		.reference = xstrdup("t"),
		.user = xstrdup("me"),
		.password = xstrdup("s\"e\\c:r"),
		.platform = { .os = xstrdup("linux") },
	};
	auto_registry_request struct registry_request same = { 0 };
	auto_free char *text = NULL;
	struct error err = { 0 };

	r.places = xcalloc(2, sizeof(*r.places));
	r.n_places = 2;
	r.places[0] = (struct registry_place){ xstrdup("https://h"), true, false };
	r.places[1] = (struct registry_place){ xstrdup("http://h"), false, true };
	text = registry_request_text(&r);
	ck_assert_msg(registry_request_parse(text, strlen(text), &same, &err) == 0, "%s", err.msg);
	ck_assert_int_eq(same.verb, REGISTRY_PUSH);
	ck_assert_int_eq(same.progress, PROGRESS_JSON);
	ck_assert_int_eq(same.parallel, 3);
	ck_assert_int_eq(same.stall_seconds, 7);
	ck_assert_str_eq(same.repository, "a/b");
	ck_assert_str_eq(same.password, "s\"e\\c:r");
	ck_assert_str_eq(same.platform.os, "linux");
	ck_assert_ptr_null(same.platform.architecture);
	ck_assert_ptr_null(same.ca);
	ck_assert_uint_eq(same.n_places, 2);
	ck_assert_str_eq(same.places[1].base, "http://h");
	ck_assert(same.places[0].is_verified && !same.places[0].has_credentials);
	ck_assert(!same.places[1].is_verified && same.places[1].has_credentials);
	ck_assert_int_lt(registry_request_parse("{}", 2, &same, &err), 0);
}
END_TEST

static void write_config(const struct temp *temp, const char *text)
{
	auto_fd int fd =
		openat(temp->dir.fd, "config.json", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	ck_assert_int_eq(write(fd, text, strlen(text)), strlen(text));
}

START_TEST(finds_credentials)
{
	auto_credentials struct credentials c = { 0 };
	struct error err = { 0 };
	struct temp temp;

	temp_make(&temp);
	ck_assert_int_eq(setenv("DOCKER_CONFIG", temp.path, 1), 0);
	ck_assert_int_eq(credentials_find("h", &c, &err), 0);
	ck_assert_ptr_null(c.user);
	ck_assert_int_eq(err.code, 0);

	write_config(&temp, "{\"auths\":{\"https://index.docker.io/v1/\":{\"auth\":\"bWU6YTpi\"},"
			    "\"https://h:5000\":{\"identitytoken\":\"t\"},\"empty\":{}}}");
	ck_assert_int_eq(credentials_find("docker.io", &c, &err), 0);
	ck_assert_str_eq(c.user, "me");
	ck_assert_str_eq(c.password, "a:b");
	credentials_fini(&c);
	ck_assert_int_eq(credentials_find("h:5000", &c, &err), 0);
	ck_assert_str_eq(c.identity_token, "t");
	credentials_fini(&c);
	ck_assert_int_eq(credentials_find("h", &c, &err), 0);
	ck_assert_int_eq(credentials_find("empty", &c, &err), 0);
	ck_assert_ptr_null(c.user);

	write_config(&temp, "{\"auths\":{\"h\":{\"auth\":\"bWU=\"}}}"); /* no colon */
	ck_assert_int_eq(credentials_find("h", &c, &err), -EINVAL);
	ck_assert_str_eq(err.msg,
			 "credentials for 'h': 'auth' of 'h' is no base64 of user:password");
	write_config(&temp, "[]");
	ck_assert_int_eq(credentials_find("h", &c, &err), -EINVAL);
	write_config(&temp, "{");
	ck_assert_int_eq(credentials_find("h", &c, &err), -EINVAL);
	temp_remove(&temp);
}
END_TEST

START_TEST(keeps_credentials)
{
	static char user[] = "me", password[] = "p:w";
	const struct credentials mine = { .user = user, .password = password };
	auto_credentials struct credentials c = { 0 };
	auto_free char *where = NULL;
	auto_free char *text = NULL;
	struct error err = { 0 };
	struct temp temp;
	struct stat st;

	temp_make(&temp);
	ck_assert_int_eq(setenv("DOCKER_CONFIG", temp.path, 1), 0);
	write_config(&temp, "{\"other\":1,\"auths\":{\"x\":{\"auth\":\"eDp5\"}}}");
	ck_assert_int_eq(credentials_store("h", &mine, &where, &err), 0);
	ck_assert_ptr_nonnull(strstr(where, "config.json"));
	ck_assert_int_eq(fstatat(temp.dir.fd, "config.json", &st, 0), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	ck_assert_int_eq(credentials_find("h", &c, &err), 0);
	ck_assert_str_eq(c.password, "p:w");
	ck_assert_int_eq(file_read_at(&temp.dir, "config.json", 10000, &text, NULL, &err), 0);
	ck_assert_ptr_nonnull(strstr(text, "\"other\": 1"));
	ck_assert_ptr_nonnull(strstr(text, "\"eDp5\""));
	ck_assert_int_eq(credentials_erase("h", &err), 1);
	ck_assert_int_eq(credentials_erase("h", &err), 0);
	credentials_fini(&c);
	ck_assert_int_eq(credentials_find("h", &c, &err), 0);
	ck_assert_ptr_null(c.user);
	temp_remove(&temp);
}
END_TEST

TEST_MAIN("image/remote", reads_platforms, knows_this_machine, asks_as_it_was_told,
	  finds_credentials, keeps_credentials)
