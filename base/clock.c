/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/parse.h"

#define SECOND INT64_C(1000000000)
#define MINUTE (60 * SECOND)

/* 2262-04-11 is where 64 bits of nanoseconds end. */
#define YEAR_MAX 2261

static int64_t now_ns(clockid_t clock)
{
	struct timespec now;

	(void)clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * SECOND + now.tv_nsec;
}

int64_t clock_real_ns(void)
{
	return now_ns(CLOCK_REALTIME);
}

int64_t clock_boot_ns(void)
{
	return now_ns(CLOCK_BOOTTIME);
}

/* ---- writing ---------------------------------------------------------------------------------- */

/* ".5" for 500000000; "" for 0. */
static void format_fraction(int64_t ns, int digits, char buf[16])
{
	size_t len = (size_t)digits + 1;

	buf[0] = '.';
	for (int i = digits; i > 0; i--, ns /= 10)
		buf[i] = (char)('0' + ns % 10);
	while (len > 0 && (buf[len - 1] == '0' || buf[len - 1] == '.'))
		len--;
	buf[len] = '\0';
}

static char *put_number(char *at, int64_t number, int digits, char behind)
{
	for (int i = digits; i-- > 0; number /= 10)
		at[i] = (char)('0' + number % 10);
	at[digits] = behind;
	return at + digits + 1;
}

/* Days since 1970 in the Gregorian calendar, whose years are counted from March here. */
static void civil_date(int64_t days, int64_t *ret_year, int64_t *ret_month, int64_t *ret_day)
{
	int64_t z = days + 719468; /* since 0000-03-01 */
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t day = z - era * 146097;
	int64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
	int64_t of_year = day - (365 * year + year / 4 - year / 100);
	int64_t month = (5 * of_year + 2) / 153;

	*ret_day = of_year - (153 * month + 2) / 5 + 1;
	*ret_month = month < 10 ? month + 3 : month - 9;
	*ret_year = year + era * 400 + (*ret_month <= 2);
}

/* Every message of every container has one of these: strftime(3) is ten times slower. */
void clock_format(int64_t ns, char buf[CLOCK_TEXT])
{
	const int64_t day = 24 * 60 * MINUTE;
	int64_t days = ns / day - (ns % day < 0);
	int64_t rest = ns % day + (ns % day < 0 ? day : 0);
	int64_t year, month, month_day;
	char *at = buf;

	civil_date(days, &year, &month, &month_day);
	at = put_number(at, year, 4, '-');
	at = put_number(at, month, 2, '-');
	at = put_number(at, month_day, 2, 'T');
	at = put_number(at, rest / (60 * MINUTE), 2, ':');
	at = put_number(at, rest / MINUTE % 60, 2, ':');
	at = put_number(at, rest / SECOND % 60, 2, '\0') - 1;
	format_fraction(rest % SECOND, 9, at);
	memcpy(at + strlen(at), "Z", 2);
}

void clock_format_duration(int64_t ns, char buf[CLOCK_TEXT])
{
	const char *sign = ns < 0 ? "-" : "";
	uint64_t rest = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
	int64_t minutes = (int64_t)(rest / (uint64_t)MINUTE);
	int64_t part = (int64_t)(rest % (uint64_t)MINUTE);
	char fraction[16];

	if (rest == 0) {
		(void)snprintf(buf, CLOCK_TEXT, "0s");
	} else if (rest < 1000) {
		(void)snprintf(buf, CLOCK_TEXT, "%s%" PRId64 "ns", sign, part);
	} else if (rest < 1000000) {
		format_fraction(part % 1000, 3, fraction);
		(void)snprintf(buf, CLOCK_TEXT, "%s%" PRId64 "%s\xc2\xb5s", sign, part / 1000,
			       fraction);
	} else if (rest < (uint64_t)SECOND) {
		format_fraction(part % 1000000, 6, fraction);
		(void)snprintf(buf, CLOCK_TEXT, "%s%" PRId64 "%sms", sign, part / 1000000,
			       fraction);
	} else {
		format_fraction(part % SECOND, 9, fraction);
		(void)snprintf(buf, CLOCK_TEXT, "%s", sign);
		if (minutes >= 60)
			(void)snprintf(buf + strlen(buf), CLOCK_TEXT - strlen(buf), "%" PRId64 "h",
				       minutes / 60);
		if (minutes)
			(void)snprintf(buf + strlen(buf), CLOCK_TEXT - strlen(buf), "%" PRId64 "m",
				       minutes % 60);
		(void)snprintf(buf + strlen(buf), CLOCK_TEXT - strlen(buf), "%" PRId64 "%ss",
			       part / SECOND, fraction);
	}
}

/* ---- reading ---------------------------------------------------------------------------------- */

/* Exactly @digits digits, within the limits. */
static bool read_number(const char **at, int digits, int min, int max, int *ret)
{
	int value = 0;

	for (int i = 0; i < digits; i++, (*at)++) {
		if (**at < '0' || **at > '9')
			return false;
		value = value * 10 + (**at - '0');
	}
	*ret = value;
	return value >= min && value <= max;
}

static bool skip(const char **at, char c)
{
	if (**at != c)
		return false;
	(*at)++;
	return true;
}

/* ".123": any number of digits, of which nine count. */
static bool read_fraction(const char **at, int64_t *ret_ns)
{
	int64_t unit = SECOND / 10;
	const char *begin;

	*ret_ns = 0;
	if (!skip(at, '.') && !skip(at, ','))
		return true;
	for (begin = *at; **at >= '0' && **at <= '9'; (*at)++, unit /= 10)
		*ret_ns += (**at - '0') * unit;
	return *at > begin;
}

static int days_of(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return days[month - 1] + (month == 2 && is_leap);
}

static bool read_date(const char **at, struct tm *tm)
{
	if (!read_number(at, 4, 1970, YEAR_MAX, &tm->tm_year) || !skip(at, '-') ||
	    !read_number(at, 2, 1, 12, &tm->tm_mon) || !skip(at, '-') ||
	    !read_number(at, 2, 1, days_of(tm->tm_year, tm->tm_mon), &tm->tm_mday))
		return false;
	tm->tm_year -= 1900;
	tm->tm_mon--;
	return true;
}

/* "15:04:05.9"; seconds may be missing if @is_short_allowed. */
static bool read_time(const char **at, bool is_short_allowed, struct tm *tm, int64_t *ret_fraction)
{
	*ret_fraction = 0;
	if (!read_number(at, 2, 0, 23, &tm->tm_hour) || !skip(at, ':') ||
	    !read_number(at, 2, 0, 59, &tm->tm_min))
		return false;
	if (is_short_allowed && **at != ':')
		return true;
	/* A leap second is the next minute's first. */
	return skip(at, ':') && read_number(at, 2, 0, 60, &tm->tm_sec) &&
	       read_fraction(at, ret_fraction);
}

static bool read_offset(const char **at, int64_t *ret_seconds)
{
	int hours, minutes;
	bool is_west = **at == '-';

	*ret_seconds = 0;
	if (skip(at, 'Z') || skip(at, 'z'))
		return true;
	if (!skip(at, '+') && !skip(at, '-'))
		return false;
	if (!read_number(at, 2, 0, 23, &hours) || !skip(at, ':') ||
	    !read_number(at, 2, 0, 59, &minutes))
		return false;
	*ret_seconds = (is_west ? -1 : 1) * (hours * 3600 + minutes * 60);
	return true;
}

int clock_read(const char **at, int64_t *ret_ns, struct error *err)
{
	const char *begin = *at;
	int64_t fraction, offset;
	struct tm tm = { 0 };

	if (!read_date(at, &tm) || (!skip(at, 'T') && !skip(at, 't')) ||
	    !read_time(at, false, &tm, &fraction) || !read_offset(at, &offset))
		return err_set(err, EINVAL, "parse time '%.40s': not like 2006-01-02T15:04:05Z",
			       begin);
	*ret_ns = ((int64_t)timegm(&tm) - offset) * SECOND + fraction;
	return 0;
}

/* "2006-01-02", "2006-01-02T15:04", "2006-01-02T15:04:05.9", with an offset or of here. */
static bool parse_point(const char *text, int64_t *ret_ns)
{
	const char *at = text;
	int64_t fraction = 0, offset = 0;
	bool has_offset = false;
	struct tm tm = { .tm_isdst = -1 };
	time_t seconds;

	if (!read_date(&at, &tm))
		return false;
	if (skip(&at, 'T') && !read_time(&at, true, &tm, &fraction))
		return false;
	if (*at) {
		has_offset = true;
		if (!read_offset(&at, &offset) || *at)
			return false;
	}
	if (has_offset)
		tm.tm_isdst = 0;
	seconds = has_offset ? timegm(&tm) : mktime(&tm);
	*ret_ns = ((int64_t)seconds - offset) * SECOND + fraction;
	return true;
}

/* "1136073600" or "1136073600.000000001" */
static bool parse_seconds(const char *text, int64_t *ret_ns)
{
	size_t len = strspn(text, "0123456789");
	const char *at = text + len;
	int64_t seconds = 0, fraction;

	if (len == 0 || len > 10)
		return false;
	for (size_t i = 0; i < len; i++)
		seconds = seconds * 10 + (text[i] - '0');
	if (seconds > INT64_MAX / SECOND - 1 || *at == ',' || !read_fraction(&at, &fraction) || *at)
		return false;
	*ret_ns = seconds * SECOND + fraction;
	return true;
}

int clock_parse(const char *text, int64_t now, int64_t *ret_ns, struct error *err)
{
	struct error ignored;
	int64_t ago;

	if (parse_seconds(text, ret_ns) || parse_point(text, ret_ns))
		return 0;
	if (parse_duration(text, &ago, &ignored) == 0) {
		*ret_ns = now - ago;
		return 0;
	}
	return err_set(err, EINVAL,
		       "parse time '%s': not a time like 2006-01-02T15:04:05Z, seconds since 1970, "
		       "or a duration like 10m",
		       text);
}
