/* SPDX-License-Identifier: Apache-2.0 */
#include "base/parse.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/macros.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Digits to a number: moves *at behind them.  -EINVAL without any, -ERANGE beyond @max. */
static int read_digits(const char **at, uint64_t max, uint64_t *ret)
{
	const char *p = *at;
	bool is_too_large = false;
	uint64_t value = 0;

	if (!is_digit(*p))
		return -EINVAL;
	for (; is_digit(*p); p++) {
		unsigned int digit = (unsigned int)(*p - '0');

		if (digit > max || value > (max - digit) / 10)
			is_too_large = true;
		else
			value = value * 10 + digit;
	}
	*at = p;
	*ret = value;
	return is_too_large ? -ERANGE : 0;
}

int parse_uint64(const char *text, uint64_t max, uint64_t *ret, struct error *err)
{
	const char *at = text;
	uint64_t value = 0;
	int rc = read_digits(&at, max, &value);

	if (rc == -EINVAL || *at)
		return err_set(err, EINVAL, "parse number '%s': not a whole number", text);
	if (rc < 0)
		return err_set(err, ERANGE, "parse number '%s': must be at most %" PRIu64, text,
			       max);
	*ret = value;
	return 0;
}

int parse_int64(const char *text, int64_t min, int64_t max, int64_t *ret, struct error *err)
{
	bool is_negative = *text == '-';
	const char *at = text + (is_negative || *text == '+');
	uint64_t value = 0;
	int rc = read_digits(&at, (uint64_t)INT64_MAX + is_negative, &value);
	int64_t number;

	if (rc == -EINVAL || *at)
		return err_set(err, EINVAL, "parse number '%s': not a whole number", text);

	number = (int64_t)(is_negative ? 0 - value : value);
	if (rc < 0 || number < min || number > max)
		return err_set(err, ERANGE,
			       "parse number '%s': must be from %" PRId64 " to %" PRId64, text, min,
			       max);
	*ret = number;
	return 0;
}

int parse_bool(const char *text, bool *ret, struct error *err)
{
	static const struct {
		const char *name;
		bool value;
	} names[] = {
		{ "true", true }, { "yes", true }, { "on", true },     { "1", true },
		{ "t", true },    { "y", true },   { "false", false }, { "no", false },
		{ "off", false }, { "0", false },  { "f", false },     { "n", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (strcasecmp(text, names[i].name) == 0) {
			*ret = names[i].value;
			return 0;
		}
	}
	return err_set(err, EINVAL, "parse '%s': neither true nor false", text);
}

/* A number with up to 18 digits behind the point, as whole and 10^-18 parts; the rest is cut. */
struct decimal {
	uint64_t whole;
	uint64_t parts;
	int digits; /* behind the point, as written */
};

#define DECIMAL_ONE 1000000000000000000ULL

/* "1", "1.5", with @is_loose also ".5" and "1." */
static int read_decimal(const char **at, bool is_loose, struct decimal *ret)
{
	uint64_t scale = DECIMAL_ONE / 10;
	const char *p = *at;
	int rc = read_digits(&p, UINT64_MAX, &ret->whole);

	ret->parts = 0;
	ret->digits = 0;
	if (rc == -EINVAL && !(is_loose && p[0] == '.' && is_digit(p[1])))
		return -EINVAL;
	if (rc == -EINVAL)
		ret->whole = rc = 0;
	if (*p == '.') {
		for (p++; is_digit(*p); p++, ret->digits++, scale /= 10)
			ret->parts += scale * (uint64_t)(*p - '0');
		if (!ret->digits && !is_loose)
			return -EINVAL;
	}
	*at = p;
	return rc;
}

/* @d times @unit, cut to a whole number; -ERANGE beyond INT64_MAX. */
static int scale_decimal(const struct decimal *d, uint64_t unit, uint64_t *ret)
{
	__extension__ typedef unsigned __int128 wide;
	wide value = (wide)d->whole * unit + (wide)d->parts * unit / DECIMAL_ONE;

	if (value > INT64_MAX)
		return -ERANGE;
	*ret = (uint64_t)value;
	return 0;
}

/* What may follow the digits of a size, in lower case. */
static int size_shift(const char *suffix)
{
	static const char letters[] = "kmgtp";
	const char *letter;

	if (suffix[0] == '\0' || strcasecmp(suffix, "b") == 0)
		return 0;
	letter = strchr(letters, suffix[0] | 0x20);
	if (!letter)
		return -1;
	suffix++;
	if (*suffix && strcasecmp(suffix, "b") != 0 && strcasecmp(suffix, "ib") != 0)
		return -1;
	return 10 * (int)(letter - letters + 1);
}

int parse_size(const char *text, uint64_t *ret_bytes, struct error *err)
{
	struct decimal d = { 0 };
	const char *at = text;
	uint64_t bytes = 0;
	int shift = -1;
	int rc = read_decimal(&at, false, &d);

	if (rc != -EINVAL) {
		at += at[0] == ' ' && at[1];
		shift = size_shift(at);
	}
	if (shift < 0)
		return err_set(err, EINVAL, "parse size '%s': not a size like 512k, 64m or 1.5g",
			       text);
	if (rc < 0 || scale_decimal(&d, 1ULL << shift, &bytes) < 0)
		return err_set(err, ERANGE, "parse size '%s': too large", text);
	*ret_bytes = bytes;
	return 0;
}

static uint64_t duration_unit(const char **at)
{
	/* Longer names first where one begins another. */
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = {
		{ "ns", 1 },
		{ "us", 1000 },
		{ "\xc2\xb5s", 1000 }, /* U+00B5, micro sign */
		{ "\xce\xbcs", 1000 }, /* U+03BC, Greek mu */
		{ "ms", 1000000 },
		{ "s", 1000000000 },
		{ "m", 60 * 1000000000ULL },
		{ "h", 3600 * 1000000000ULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (str_starts(*at, units[i].name)) {
			*at += strlen(units[i].name);
			return units[i].ns;
		}
	}
	return 0;
}

int parse_duration(const char *text, int64_t *ret_ns, struct error *err)
{
	const char *at = text;
	uint64_t total = 0;

	if (strcmp(text, "0") == 0) {
		*ret_ns = 0;
		return 0;
	}
	if (*text == '-')
		return err_set(err, EINVAL, "parse duration '%s': must not be negative", text);
	do {
		struct decimal d = { 0 };
		uint64_t part = 0;
		int rc = read_decimal(&at, true, &d);
		uint64_t unit = rc == -EINVAL ? 0 : duration_unit(&at);

		if (!unit)
			return err_set(err, EINVAL,
				       "parse duration '%s': not a duration like 1m30s, 1.5h or "
				       "300ms",
				       text);
		if (rc < 0 || scale_decimal(&d, unit, &part) < 0 || part > INT64_MAX - total)
			return err_set(err, ERANGE, "parse duration '%s': too long", text);
		total += part;
	} while (*at);
	*ret_ns = (int64_t)total;
	return 0;
}

int parse_cpus(const char *text, int64_t *ret_nano, struct error *err)
{
	struct decimal d = { 0 };
	const char *at = text;
	uint64_t nano = 0;
	int rc = read_decimal(&at, true, &d);

	if (rc == -EINVAL || *at)
		return err_set(err, EINVAL, "parse CPUs '%s': not a number like 0.5 or 2", text);
	if (d.digits > 9)
		return err_set(err, EINVAL, "parse CPUs '%s': more than 9 digits behind the point",
			       text);
	if (rc < 0 || scale_decimal(&d, 1000000000, &nano) < 0)
		return err_set(err, ERANGE, "parse CPUs '%s': too many", text);
	*ret_nano = (int64_t)nano;
	return 0;
}

int parse_cpu_list(const char *text, struct error *err)
{
	static const uint64_t cpu_max = 8191;
	const char *at = text;

	for (;;) {
		uint64_t first = 0;
		uint64_t last;
		int rc = read_digits(&at, cpu_max, &first);

		last = first;
		if (rc == 0 && *at == '-') {
			at++;
			rc = read_digits(&at, cpu_max, &last);
		}
		if (rc == -ERANGE)
			return err_set(err, ERANGE, "parse list '%s': numbers go up to %" PRIu64,
				       text, cpu_max);
		if (rc < 0 || (*at && *at != ','))
			return err_set(err, EINVAL, "parse list '%s': not a list like 0-3,7", text);
		if (last < first)
			return err_set(err, EINVAL,
				       "parse list '%s': range %" PRIu64 "-%" PRIu64
				       " runs backwards",
				       text, first, last);
		if (!*at)
			return 0;
		at++;
	}
}

bool is_valid_name(const char *text)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	size_t len = strlen(text);

	if (len == 0 || len > 128 || !strchr(letters, text[0]))
		return false;
	for (size_t i = 1; i < len; i++) {
		if (!strchr(letters, text[i]) && !strchr("_.+-", text[i]))
			return false;
	}
	return true;
}

struct unit {
	const char *name;
	uint64_t size;
};

/* Below ten with one digit behind the point (", 1.9 ms"), above rounded ("31 us"). */
static void format_in(uint64_t value, const struct unit *units, size_t n, uint64_t whole_from,
		      char *buf, size_t size)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t unit = units[i].size;
		uint64_t tenths = value / unit * 10 + (value % unit * 10 + unit / 2) / unit;
		uint64_t rounded = value / unit + (value % unit + unit / 2) / unit;

		if (i + 1 < n && rounded >= units[i + 1].size / unit)
			continue;
		if (unit > 1 && tenths < whole_from * 10 && tenths % 10)
			(void)snprintf(buf, size, "%" PRIu64 ".%" PRIu64 " %s", tenths / 10,
				       tenths % 10, units[i].name);
		else
			(void)snprintf(buf, size, "%" PRIu64 " %s",
				       tenths < whole_from * 10 ? tenths / 10 : rounded,
				       units[i].name);
		return;
	}
}

void format_size(uint64_t bytes, char *buf, size_t size)
{
	static const struct unit units[] = {
		{ "B", 1 },
		{ "KiB", 1ULL << 10 },
		{ "MiB", 1ULL << 20 },
		{ "GiB", 1ULL << 30 },
		{ "TiB", 1ULL << 40 },
		{ "PiB", 1ULL << 50 },
	};

	format_in(bytes, units, ARRAY_LEN(units), 100, buf, size);
}

void format_duration(uint64_t ns, char *buf, size_t size)
{
	static const struct unit units[] = {
		{ "ns", 1 },
		{ "us", 1000 },
		{ "ms", 1000000 },
		{ "s", 1000000000 },
	};

	format_in(ns, units, ARRAY_LEN(units), 10, buf, size);
}
