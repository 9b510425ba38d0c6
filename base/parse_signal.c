/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/macros.h"
#include "base/parse.h"

/* Second names, which sigabbrev_np(3) does not know. */
static const struct {
	const char *name;
	int signal;
} aliases[] = {
	{ "CLD", SIGCHLD },
	{ "IOT", SIGABRT },
	{ "IO", SIGIO },
	{ "POLL", SIGIO },
};

static int named_signal(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(aliases); i++) {
		if (strcasecmp(name, aliases[i].name) == 0)
			return aliases[i].signal;
	}
	for (int i = 1; i < 32; i++) {
		const char *known = sigabbrev_np(i);

		if (known && strcasecmp(name, known) == 0)
			return i;
	}
	return 0;
}

/* "RTMIN", "RTMIN+3", "RTMAX-1"; 0 if it is none of them. */
static int realtime_signal(const char *name)
{
	bool is_min = strncasecmp(name, "RTMIN", 5) == 0;
	bool is_max = strncasecmp(name, "RTMAX", 5) == 0;
	uint64_t distance = 0;
	struct error ignored;

	if (!is_min && !is_max)
		return 0;
	name += 5;
	if (*name) {
		if (*name != (is_min ? '+' : '-'))
			return 0;
		if (parse_uint64(name + 1, (uint64_t)(SIGRTMAX - SIGRTMIN), &distance, &ignored) <
		    0)
			return 0;
	}
	return is_min ? SIGRTMIN + (int)distance : SIGRTMAX - (int)distance;
}

int parse_signal(const char *text, int *ret, struct error *err)
{
	const char *name = strncasecmp(text, "SIG", 3) == 0 ? text + 3 : text;
	struct error ignored;
	uint64_t number = 0;
	int signal = 0;

	if (parse_uint64(text, (uint64_t)SIGRTMAX, &number, &ignored) == 0)
		signal = (int)number;
	if (!signal)
		signal = named_signal(name);
	if (!signal)
		signal = realtime_signal(name);
	if (!signal)
		return err_set(err, EINVAL, "parse signal '%s': no such signal", text);
	*ret = signal;
	return 0;
}

const char *signal_name(int signal)
{
	static _Thread_local char text[24];
	const char *known = signal > 0 && signal < 32 ? sigabbrev_np(signal) : NULL;

	if (known)
		(void)snprintf(text, sizeof(text), "SIG%s", known);
	else if (signal == SIGRTMIN)
		(void)snprintf(text, sizeof(text), "SIGRTMIN");
	else if (signal > SIGRTMIN && signal <= SIGRTMAX)
		(void)snprintf(text, sizeof(text), "SIGRTMIN+%d", signal - SIGRTMIN);
	else
		(void)snprintf(text, sizeof(text), "signal %d", signal);
	return text;
}
