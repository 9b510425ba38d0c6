/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/loop.h"
#include "base/str.h"
#include "tests/unit/test.h"

struct trace {
	struct loop *loop;
	struct str log;
	int fds[2];
	int timer;
};

static void on_readable(void *arg, uint32_t events)
{
	struct trace *trace = arg;
	char c;

	ck_assert(events & EPOLLIN);
	ck_assert_int_eq(read(trace->fds[0], &c, 1), 1);
	str_add_len(&trace->log, &c, 1);
	loop_remove(trace->loop, trace->fds[0]);
	(void)raise(SIGUSR1);
}

static void on_signal(void *arg, int signal)
{
	struct trace *trace = arg;

	str_addf(&trace->log, "s%d", signal == SIGUSR1);
	loop_stop(trace->loop, 5);
}

static void on_never(void *arg)
{
	str_add(&((struct trace *)arg)->log, "never");
}

static void on_second(void *arg)
{
	struct trace *trace = arg;

	str_add(&trace->log, "2");
	ck_assert_int_eq(write(trace->fds[1], "r", 1), 1);
}

static void on_first(void *arg)
{
	struct trace *trace = arg;

	str_add(&trace->log, "1");
	loop_timer_cancel(trace->loop, trace->timer);
}

START_TEST(handles_timers_descriptors_and_signals)
{
	static const int signals[] = { SIGUSR1, 0 };
	struct error err = { 0 };
	struct trace trace = { .loop = loop_new(&err) };

	ck_assert_ptr_nonnull(trace.loop);
	ck_assert_int_eq(pipe(trace.fds), 0);
	ck_assert_int_eq(loop_signals(trace.loop, signals, on_signal, &trace, &err), 0);
	ck_assert_int_eq(loop_add(trace.loop, trace.fds[0], EPOLLIN, on_readable, &trace, &err), 0);
	(void)loop_timer(trace.loop, 20, on_second, &trace);
	(void)loop_timer(trace.loop, 1, on_first, &trace);
	trace.timer = loop_timer(trace.loop, 10, on_never, &trace);
	ck_assert_int_eq(loop_run(trace.loop, &err), 5);
	ck_assert_str_eq(trace.log.text, "12rs1");
	loop_free(trace.loop);
	str_fini(&trace.log);
}
END_TEST

TEST_MAIN("base/loop", handles_timers_descriptors_and_signals)
