/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "image/tar_internal.h"

/* GNU tar, "Extensions": two's complement, big endian, in the field's bits but the first. */
static bool base256(const unsigned char *field, size_t size, int64_t *ret)
{
	bool is_negative = field[0] & 0x40;
	uint64_t value = is_negative ? UINT64_MAX : 0;

	for (size_t i = 0; i < size; i++) {
		unsigned char byte = field[i];

		if (i == 0)
			byte = is_negative ? byte | 0x80 : byte & 0x7f;
		/* What is pushed out has to be nothing but the sign. */
		if (value >> 56 != (is_negative ? 0xff : 0))
			return false;
		value = value << 8 | byte;
	}
	if (((int64_t)value < 0) != is_negative)
		return false;
	*ret = (int64_t)value;
	return true;
}

bool tar_number(const char *field, size_t size, int64_t *ret)
{
	uint64_t value = 0;
	size_t i = 0;

	if (field[0] & 0x80)
		return base256((const unsigned char *)field, size, ret);

	while (i < size && field[i] == ' ')
		i++;
	for (; i < size && field[i] >= '0' && field[i] <= '7'; i++)
		value = value << 3 | (uint64_t)(field[i] - '0'); /* 12 digits are 36 bits */
	for (; i < size; i++) {
		if (field[i] == '\0')
			break;
		if (field[i] != ' ')
			return false;
	}
	*ret = (int64_t)value;
	return true;
}

bool tar_decimal(const char *text, const char *end, uint64_t *ret)
{
	uint64_t value = 0;

	if (text == end)
		return false;
	for (; text < end; text++) {
		if (*text < '0' || *text > '9')
			return false;
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*text - '0'), &value))
			return false;
	}
	*ret = value;
	return true;
}

/* Digits of a fraction, cut at nanoseconds. */
static bool fraction(const char *text, const char *end, long *ret)
{
	long nanoseconds = 0;
	int digits = 0;

	for (; text < end; text++) {
		if (*text < '0' || *text > '9')
			return false;
		if (digits < 9) {
			nanoseconds = nanoseconds * 10 + (*text - '0');
			digits++;
		}
	}
	for (; digits < 9; digits++)
		nanoseconds *= 10;
	*ret = nanoseconds;
	return true;
}

bool tar_time(const char *text, const char *end, struct timespec *ret)
{
	bool is_negative = text < end && *text == '-';
	const char *digits = text + is_negative;
	const char *dot = memchr(digits, '.', (size_t)(end - digits));
	uint64_t seconds;
	long nanoseconds = 0;

	if (!tar_decimal(digits, dot ? dot : end, &seconds) || seconds > INT64_MAX - 1)
		return false;
	if (dot && !fraction(dot + 1, end, &nanoseconds))
		return false;

	ret->tv_sec = is_negative ? -(int64_t)seconds : (int64_t)seconds;
	ret->tv_nsec = nanoseconds;
	if (is_negative && nanoseconds) {
		ret->tv_sec--;
		ret->tv_nsec = 1000000000 - nanoseconds;
	}
	return true;
}

/* The sum of all bytes, with blanks in the place of the sum itself. */
bool tar_checksum(const struct tar_header *header)
{
	const unsigned char *bytes;
	struct tar_header blank = *header;
	int64_t wanted;
	unsigned int sum = 0;
	int signed_sum = 0;

	memset(blank.chksum, ' ', sizeof(blank.chksum));
	bytes = (const unsigned char *)&blank;
	for (size_t i = 0; i < TAR_BLOCK_SIZE; i++)
		sum += bytes[i];
	if (!tar_number(header->chksum, sizeof(header->chksum), &wanted))
		return false;
	if (wanted == sum)
		return true;
	for (size_t i = 0; i < TAR_BLOCK_SIZE; i++)
		signed_sum += (signed char)bytes[i];
	return wanted == signed_sum;
}
