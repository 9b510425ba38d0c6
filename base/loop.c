/* SPDX-License-Identifier: Apache-2.0 */
#include "base/loop.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"

struct source {
	struct source *next;
	int fd;
	bool is_removed; /* freed once no event can name it any more */
	loop_handler *handler;
	void *arg;
};

struct timer {
	struct timer *next; /* the earliest first */
	int id;
	int64_t due_ms; /* CLOCK_BOOTTIME */
	loop_timer_handler *handler;
	void *arg;
};

struct loop {
	int epoll;
	int signals;
	struct source *sources;
	struct timer *timers;
	int last_timer;
	bool is_stopped;
	int result;
	loop_signal_handler *on_signal;
	void *signal_arg;
};

static int64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_BOOTTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct loop *loop_new(struct error *err)
{
	struct loop *loop;
	int fd = epoll_create1(EPOLL_CLOEXEC);

	if (fd < 0) {
		(void)err_sys(err, "make an event loop");
		return NULL;
	}
	loop = xcalloc(1, sizeof(*loop));
	loop->epoll = fd;
	loop->signals = -1;
	return loop;
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	while (loop->sources) {
		struct source *source = loop->sources;

		loop->sources = source->next;
		free(source);
	}
	while (loop->timers) {
		struct timer *timer = loop->timers;

		loop->timers = timer->next;
		free(timer);
	}
	close_fd(&loop->signals);
	close_fd(&loop->epoll);
	free(loop);
}

void loop_freep(struct loop **loop)
{
	loop_free(*loop);
	*loop = NULL;
}

static struct source *find(const struct loop *loop, int fd)
{
	for (struct source *source = loop->sources; source; source = source->next) {
		if (source->fd == fd && !source->is_removed)
			return source;
	}
	return NULL;
}

int loop_add(struct loop *loop, int fd, uint32_t events, loop_handler *handler, void *arg,
	     struct error *err)
{
	struct source *source = xmalloc(sizeof(*source));
	struct epoll_event event = { .events = events, .data.ptr = source };

	*source = (struct source){
		.next = loop->sources,
		.fd = fd,
		.handler = handler,
		.arg = arg,
	};
	if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
		int rc = err_sys(err, "watch descriptor %d", fd);

		free(source);
		return rc;
	}
	loop->sources = source;
	return 0;
}

int loop_modify(struct loop *loop, int fd, uint32_t events, struct error *err)
{
	struct epoll_event event = { .events = events, .data.ptr = find(loop, fd) };

	if (!event.data.ptr)
		return err_set(err, ENOENT, "watch descriptor %d: not watched", fd);
	if (epoll_ctl(loop->epoll, EPOLL_CTL_MOD, fd, &event) < 0)
		return err_sys(err, "watch descriptor %d", fd);
	return 0;
}

void loop_remove(struct loop *loop, int fd)
{
	struct source *source = find(loop, fd);

	if (!source)
		return;
	(void)epoll_ctl(loop->epoll, EPOLL_CTL_DEL, fd, NULL);
	/* An event of the batch in hand may still point here: sweep() frees it. */
	source->is_removed = true;
}

static void sweep(struct loop *loop)
{
	for (struct source **at = &loop->sources; *at;) {
		struct source *source = *at;

		if (!source->is_removed) {
			at = &source->next;
			continue;
		}
		*at = source->next;
		free(source);
	}
}

static void read_signals(void *arg, uint32_t events)
{
	struct loop *loop = arg;
	struct signalfd_siginfo info;

	(void)events;
	while (read(loop->signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
		loop->on_signal(loop->signal_arg, (int)info.ssi_signo);
}

int loop_signals(struct loop *loop, const int *signals, loop_signal_handler *handler, void *arg,
		 struct error *err)
{
	sigset_t set;

	(void)sigemptyset(&set);
	for (; *signals; signals++)
		(void)sigaddset(&set, *signals);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return err_sys(err, "block signals");
	loop->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (loop->signals < 0)
		return err_sys(err, "watch signals");
	loop->on_signal = handler;
	loop->signal_arg = arg;
	return loop_add(loop, loop->signals, EPOLLIN, read_signals, loop, err);
}

int loop_timer(struct loop *loop, int64_t ms, loop_timer_handler *handler, void *arg)
{
	struct timer *timer = xmalloc(sizeof(*timer));
	struct timer **at = &loop->timers;

	*timer = (struct timer){
		.id = ++loop->last_timer,
		.due_ms = now_ms() + ms,
		.handler = handler,
		.arg = arg,
	};
	while (*at && (*at)->due_ms <= timer->due_ms)
		at = &(*at)->next;
	timer->next = *at;
	*at = timer;
	return timer->id;
}

void loop_timer_cancel(struct loop *loop, int id)
{
	for (struct timer **at = &loop->timers; *at; at = &(*at)->next) {
		struct timer *timer = *at;

		if (timer->id != id)
			continue;
		*at = timer->next;
		free(timer);
		return;
	}
}

static void run_timers(struct loop *loop)
{
	int64_t now = now_ms();

	while (!loop->is_stopped && loop->timers && loop->timers->due_ms <= now) {
		struct timer timer = *loop->timers;

		free(loop->timers);
		loop->timers = timer.next;
		timer.handler(timer.arg);
	}
}

static int until_next_timer(const struct loop *loop)
{
	int64_t left;

	if (!loop->timers)
		return -1;
	left = loop->timers->due_ms - now_ms();
	return left < 0 ? 0 : left > INT32_MAX ? INT32_MAX : (int)left;
}

int loop_run(struct loop *loop, struct error *err)
{
	loop->is_stopped = false;
	while (!loop->is_stopped) {
		struct epoll_event events[16];
		int n = epoll_wait(loop->epoll, events, 16, until_next_timer(loop));

		if (n < 0 && errno != EINTR)
			return err_sys(err, "wait for events");
		for (int i = 0; i < n && !loop->is_stopped; i++) {
			struct source *source = events[i].data.ptr;

			if (!source->is_removed)
				source->handler(source->arg, events[i].events);
		}
		run_timers(loop);
		sweep(loop);
	}
	return loop->result;
}

void loop_stop(struct loop *loop, int result)
{
	loop->is_stopped = true;
	loop->result = result;
}
