/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/human.h"

#include <inttypes.h>
#include <stddef.h>
#include <time.h>

#include "base/macros.h"
#include "base/mem.h"

#define MINUTE 60LL
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

/* From how many seconds on which unit is used, and how it is rounded. */
static const struct {
	int64_t below;
	int64_t unit;
	const char *text; /* behind the number, if there is a unit */
} durations[] = {
	{ 1, 0, "Less than a second" },
	{ 2, 0, "1 second" },
	{ MINUTE, 1, "seconds" },
	{ 2 * MINUTE, 0, "About a minute" },
	{ HOUR, MINUTE, "minutes" },
	{ HOUR + HOUR / 2, 0, "About an hour" },
	{ 2 * DAY - HOUR / 2, HOUR, "hours" },
	{ 14 * DAY, DAY, "days" },
	{ 60 * DAY, 7 * DAY, "weeks" },
	{ 730 * DAY, 30 * DAY, "months" },
	{ INT64_MAX, 365 * DAY, "years" },
};

char *human_duration(int64_t seconds)
{
	size_t i = 0;
	int64_t unit, half;

	while (i + 1 < ARRAY_LEN(durations) && seconds >= durations[i].below)
		i++;
	unit = durations[i].unit;
	if (unit == 0)
		return xstrdup(durations[i].text);
	/* Hours are rounded, all others cut off. */
	half = unit == HOUR ? HOUR / 2 : 0;
	return xasprintf("%" PRId64 " %s", (seconds + half) / unit, durations[i].text);
}

char *human_size(uint64_t bytes)
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB", "PB", "EB" };
	double size = (double)bytes;
	size_t i = 0;

	/* 999.5 would be shown as 1000, or in %g's own way. */
	for (; size >= 999.5 && i + 1 < ARRAY_LEN(units); i++)
		size /= 1000;
	return xasprintf("%.3g%s", size, units[i]);
}

char *human_bytes(uint64_t bytes)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double size = (double)bytes;
	size_t i = 0;

	for (; size >= 1024 && i + 1 < ARRAY_LEN(units); i++)
		size /= 1024;
	return xasprintf("%.4g%s", size, units[i]);
}

char *human_time(int64_t seconds)
{
	time_t time = seconds;
	struct tm tm;
	char text[64];

	if (seconds == 0 || !gmtime_r(&time, &tm) ||
	    strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S +0000 UTC", &tm) == 0)
		return xstrdup("N/A");
	return xstrdup(text);
}
