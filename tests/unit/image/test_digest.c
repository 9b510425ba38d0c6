/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "image/digest.h"
#include "tests/unit/test.h"

#define EMPTY "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define ABC   "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
/* FIPS 180-4: a million times "a" */
#define MILLION "sha256:cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"

START_TEST(knows_the_grammar)
{
	static const char *const bad[] = {
		"",
		"sha256:",
		"sha256:../../../etc/passwd",
		"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b85",
		"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b8555",
		"sha256:E3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b85\n",
		"sha512:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"SHA256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	};
	struct error err = { 0 };

	ck_assert(digest_is_valid(EMPTY));
	ck_assert_uint_eq(sizeof(EMPTY), DIGEST_TEXT);
	ck_assert_str_eq(digest_hex(ABC), &ABC[7]);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_msg(!digest_is_valid(bad[i]), "'%s'", bad[i]);

	ck_assert_int_eq(digest_check(ABC, "layer 2", &err), 0);
	ck_assert_int_eq(digest_check("sha256:..\x1b", "layer 2", &err), -EINVAL);
	ck_assert_str_eq(err.msg, "layer 2: digest 'sha256:..\\x1b' is not 'sha256:' and 64 digits "
				  "in lower case");
}
END_TEST

START_TEST(hashes)
{
	static char thousand[1000];
	char text[DIGEST_TEXT];
	struct digest d;

	digest_of("", 0, text);
	ck_assert_str_eq(text, EMPTY);
	digest_of("abc", 3, text);
	ck_assert_str_eq(text, ABC);

	memset(thousand, 'a', sizeof(thousand));
	digest_init(&d);
	for (int i = 0; i < 1000; i++)
		digest_update(&d, thousand, sizeof(thousand));
	ck_assert_uint_eq(d.size, 1000000);
	digest_final(&d, text);
	ck_assert_str_eq(text, MILLION);

	/* and begins again */
	digest_update(&d, "abc", 3);
	digest_final(&d, text);
	ck_assert_str_eq(text, ABC);
}
END_TEST

START_TEST(verifies)
{
	struct error err = { 0 };
	struct digest d;

	digest_init(&d);
	digest_update(&d, "abc", 3);
	ck_assert_int_eq(digest_verify(&d, ABC, 3, &err), 0);
	digest_update(&d, "abc", 3);
	ck_assert_int_eq(digest_verify(&d, ABC, 4, &err), -EINVAL);
	ck_assert_str_eq(err.msg, "size is 3 bytes, expected 4");
	digest_update(&d, "abd", 3);
	ck_assert_int_eq(digest_verify(&d, ABC, 3, &err), -EINVAL);
	ck_assert_str_eq(err.msg, "digest is sha256:"
				  "a52d159f262b2c6ddb724a61840befc36eb30c88877a4030b65cbe86298449c9"
				  ", expected " ABC);
}
END_TEST

TEST_MAIN("image/digest", knows_the_grammar, hashes, verifies)
