/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/loop.h"
#include "cgroups/events.h"
#include "engine/events.h"
#include "engine/supervisor_internal.h"

void events_tell(const struct supervisor *s, const char *action)
{
	event_add(s->run.dirs, &s->run.record, action, 0, NULL);
}

void events_tell_kill(const struct supervisor *s, int signal)
{
	char text[16];
	const char *const attributes[] = { "signal", text, NULL };

	(void)snprintf(text, sizeof(text), "%d", signal);
	event_add(s->run.dirs, &s->run.record, "kill", 0, attributes);
}

void events_tell_end(const struct supervisor *s)
{
	char exit_code[16], seconds[24];
	const char *const attributes[] = { "execDuration", seconds, "exitCode", exit_code, NULL };

	(void)snprintf(exit_code, sizeof(exit_code), "%d", s->exit_code);
	(void)snprintf(seconds, sizeof(seconds), "%lld",
		       (long long)((clock_boot_ns() - s->began_ns) / 1000000000));
	event_add(s->run.dirs, &s->run.record, "die", 0, attributes);
}

#define OOM_DELAY_MS 50

/* Each process that the kernel has killed for its memory is told once; the number of all. */
uint64_t events_tell_oom(struct supervisor *s)
{
	struct error ignored;
	uint64_t kills = 0;

	if (!s->run.record.memory ||
	    cgroup_oom_kills(s->run.container.cgroup, &kills, &ignored) < 0)
		return 0;
	if (kills > s->oom_told)
		events_tell(s, "oom");
	s->oom_told = kills;
	return kills;
}

static void on_oom_time(void *arg)
{
	struct supervisor *s = arg;

	s->oom_timer = 0;
	(void)events_tell_oom(s);
}

/* v1 tells that memory is short before somebody has been killed for it. */
static void on_oom(void *arg, uint32_t events)
{
	struct supervisor *s = arg;
	char drained[256];

	(void)events;
	(void)!read(s->oom_watch, drained, sizeof(drained));
	if (!s->oom_timer)
		s->oom_timer = loop_timer(s->loop, OOM_DELAY_MS, on_oom_time, s);
}

void memory_unwatch(struct supervisor *s)
{
	if (s->oom_timer)
		loop_timer_cancel(s->loop, s->oom_timer);
	s->oom_timer = 0;
	if (s->oom_watch >= 0)
		loop_remove(s->loop, s->oom_watch);
	close_fd(&s->oom_watch);
}

void memory_watch_again(struct supervisor *s)
{
	uint64_t told = s->oom_told;

	memory_unwatch(s);
	memory_watch(s);
	s->oom_told = told;
}

/* Without it they are told when the container has ended. */
void memory_watch(struct supervisor *s)
{
	struct error err;

	s->oom_told = 0;
	if (!s->run.record.memory)
		return;
	s->oom_watch = cgroup_oom_watch(s->run.container.cgroup, &err);
	if (s->oom_watch >= 0 && loop_add(s->loop, s->oom_watch, EPOLLIN, on_oom, s, &err) < 0)
		close_fd(&s->oom_watch);
	if (s->oom_watch < 0)
		log_debug("%s", err.msg);
}
