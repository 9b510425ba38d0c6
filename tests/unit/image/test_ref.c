/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "image/ref.h"
#include "tests/unit/test.h"

#define HEX "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define D   "sha256:" HEX
#define A50 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

START_TEST(makes_names_normal)
{
	static const struct {
		const char *text, *normal, *familiar;
	} rows[] = {
		{ "busybox", "docker.io/library/busybox:latest", "busybox:latest" },
		{ "busybox:1.36", "docker.io/library/busybox:1.36", "busybox:1.36" },
		{ "library/busybox", "docker.io/library/busybox:latest", "busybox:latest" },
		{ "docker.io/busybox", "docker.io/library/busybox:latest", "busybox:latest" },
		{ "index.docker.io/team/x", "docker.io/team/x:latest", "team/x:latest" },
		{ "team/x:V1_2.3-rc", "docker.io/team/x:V1_2.3-rc", "team/x:V1_2.3-rc" },
		{ "a/b/c", "docker.io/a/b/c:latest", "a/b/c:latest" },
		{ "library/a/b", "docker.io/library/a/b:latest", "library/a/b:latest" },
		{ "localhost/x", "localhost/x:latest", "localhost/x:latest" },
		{ "localhost:5000/x", "localhost:5000/x:latest", "localhost:5000/x:latest" },
		{ "Upper/x", "Upper/x:latest", "Upper/x:latest" },
		{ "ghcr.io/x/y:z", "ghcr.io/x/y:z", "ghcr.io/x/y:z" },
		{ "[::1]:443/x", "[::1]:443/x:latest", "[::1]:443/x:latest" },
		{ "docker.io/foo.bar/x", "docker.io/foo.bar/x:latest",
		  "docker.io/foo.bar/x:latest" },
		{ "a_b__c.d-e---f", "docker.io/library/a_b__c.d-e---f:latest",
		  "a_b__c.d-e---f:latest" },
		{ "x@" D, "docker.io/library/x@" D, "x@" D },
		{ "x:y@" D, "docker.io/library/x:y@" D, "x:y@" D },
		{ "deadbeef", "docker.io/library/deadbeef:latest", "deadbeef:latest" },
		{ "library/" HEX, "docker.io/library/" HEX ":latest", HEX ":latest" },
		{ HEX "@" D, "docker.io/library/" HEX "@" D, HEX "@" D },
		{ "x:" A50 A50 "aaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		  "docker.io/library/x:" A50 A50 "aaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		  "x:" A50 A50 "aaaaaaaaaaaaaaaaaaaaaaaaaaaa" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_ref struct image_ref ref = { 0 };
		auto_ref struct image_ref again = { 0 };
		auto_free char *text = NULL;
		auto_free char *text_again = NULL;
		struct error err = { 0 };

		ck_assert_msg(ref_parse(rows[i].text, &ref, &err) == 0, "%s: %s", rows[i].text,
			      err.msg);
		text = ref_text(&ref);
		ck_assert_str_eq(text, rows[i].normal);
		ck_assert_str_eq(ref_familiar(text), rows[i].familiar);
		/* Both forms mean the same. */
		ck_assert_int_eq(ref_parse(ref_familiar(text), &again, &err), 0);
		text_again = ref_text(&again);
		ck_assert_str_eq(text_again, text);
	}
}
END_TEST

START_TEST(takes_names_apart)
{
	auto_ref struct image_ref ref = { 0 };
	struct error err = { 0 };

	ck_assert_int_eq(ref_parse("localhost:5000/team/x:y@" D, &ref, &err), 0);
	ck_assert_str_eq(ref.name, "localhost:5000/team/x");
	ck_assert_str_eq(ref.tag, "y");
	ck_assert_str_eq(ref.digest, D);
	ref_fini(&ref);
	ck_assert_int_eq(ref_parse("x@" D, &ref, &err), 0);
	ck_assert_ptr_null(ref.tag);
}
END_TEST

START_TEST(refuses_what_is_no_name)
{
	static const char form[] = "a name must be like [host[:port]/]path";
	static const char tag[] = "a tag must be letters, digits, '_', '.' and '-', at most 128";
	static const char digest[] = "what follows '@' must be 'sha256:' and 64 digits";
	static const char lower[] = "a name must be in lower case";
	static const struct {
		const char *text, *why;
	} rows[] = {
		{ "", form },
		{ "/", form },
		{ "/x", form },
		{ "x/", form },
		{ "a//b", form },
		{ "..", form },
		{ "../x", form },
		{ "a/../b", form },
		{ "-x", form },
		{ "x-", form },
		{ "a..b", form },
		{ "a___b", form },
		{ "a b", form },
		{ "a\nb", form },
		{ "a/b\x1b", form },
		{ "\xc3\xbc", form },
		{ "-a.b/x", form },
		{ "a-.b/x", form },
		{ "a.b:/x", form },
		{ "a.b:port/x", form },
		{ "a.b:123456/x", form },
		{ "[::1/x", form },
		{ "[x]:1/x", form },
		{ "localhost/", form },
		{ "BusyBox", lower },
		{ "ghcr.io/Team/x", lower },
		{ ":", tag },
		{ "x:", tag },
		{ "x:-y", tag },
		{ "x:.y", tag },
		{ "x:a b", tag },
		{ "x:y:z:", tag },
		{ "x:" A50 A50 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaa", tag },
		{ "x@", digest },
		{ "x@sha256:12", digest },
		{ "x@" D "0", digest },
		{ "x@sha512:" HEX HEX, digest },
		{ HEX, "64 hexadecimal digits are an id, not a name" },
		{ A50 A50 A50 A50 A50 A50, "a name must not be longer than 255 characters" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct image_ref ref = { .name = (char[]){ 'x', '\0' } };
		struct error err = { 0 };
		auto_free char *shown = str_escape(rows[i].text);
		auto_free char *wanted =
			xasprintf("invalid image name '%.300s': %s", shown, rows[i].why);

		ck_assert_int_eq(ref_parse(rows[i].text, &ref, &err), -EINVAL);
		ck_assert_str_eq(err.msg, wanted);
		ck_assert_str_eq(ref.name, "x");
	}
}
END_TEST

START_TEST(knows_ids)
{
	ck_assert_str_eq(ref_id_digits("3fa9"), "3fa9");
	ck_assert_str_eq(ref_id_digits(D), HEX);
	ck_assert_str_eq(ref_id_digits("sha256:3"), "3");
	ck_assert_ptr_null(ref_id_digits("sha256:"));
	ck_assert_ptr_null(ref_id_digits(""));
	ck_assert_ptr_null(ref_id_digits("3fA9"));
	ck_assert_ptr_null(ref_id_digits("busybox"));
	ck_assert_ptr_null(ref_id_digits(HEX "0"));
}
END_TEST

TEST_MAIN("image/ref", makes_names_normal, takes_names_apart, refuses_what_is_no_name, knows_ids)
