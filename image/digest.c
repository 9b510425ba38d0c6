/* SPDX-License-Identifier: Apache-2.0 */
#include "image/digest.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

bool digest_is_valid(const char *text)
{
	const size_t prefix = strlen(DIGEST_PREFIX);

	return str_starts(text, DIGEST_PREFIX) && strlen(text) == prefix + DIGEST_HEX &&
	       strspn(text + prefix, "0123456789abcdef") == DIGEST_HEX;
}

int digest_check(const char *text, const char *what, struct error *err)
{
	auto_free char *shown = NULL;

	if (digest_is_valid(text))
		return 0;
	shown = str_escape(text);
	return err_set(err, EINVAL,
		       "%s: digest '%.100s' is not '" DIGEST_PREFIX "' and %d digits in lower case",
		       what, shown, DIGEST_HEX);
}

const char *digest_hex(const char *digest)
{
	return digest + strlen(DIGEST_PREFIX);
}

void digest_init(struct digest *d)
{
	sha256_init(&d->sha256);
	d->size = 0;
}

void digest_update(struct digest *d, const void *data, size_t len)
{
	sha256_update(&d->sha256, len, data);
	d->size += len;
}

void digest_final(struct digest *d, char ret[DIGEST_TEXT])
{
	static const char digits[] = "0123456789abcdef";
	uint8_t sum[SHA256_DIGEST_SIZE];
	char *at = stpcpy(ret, DIGEST_PREFIX);

	sha256_digest(&d->sha256, sizeof(sum), sum);
	d->size = 0;
	for (size_t i = 0; i < sizeof(sum); i++) {
		*at++ = digits[sum[i] >> 4];
		*at++ = digits[sum[i] & 0xf];
	}
	*at = '\0';
}

void digest_of(const void *data, size_t len, char ret[DIGEST_TEXT])
{
	struct digest d;

	digest_init(&d);
	digest_update(&d, data, len);
	digest_final(&d, ret);
}

int digest_verify(struct digest *d, const char *wanted, uint64_t size, struct error *err)
{
	uint64_t got_size = d->size;
	char got[DIGEST_TEXT];

	digest_final(d, got);
	if (got_size != size)
		return err_set(err, EINVAL, "size is %" PRIu64 " bytes, expected %" PRIu64,
			       got_size, size);
	if (!str_eq(got, wanted))
		return err_set(err, EINVAL, "digest is %s, expected %s", got, wanted);
	return 0;
}
