/* SPDX-License-Identifier: Apache-2.0 */
/* Connections, to servers of the test's own on loopback; programs: tests/integration/health. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "engine/monitor.h"
#include "engine/probe.h"
#include "tests/unit/test.h"

#define MS INT64_C(1000000)

struct server {
	struct loop *loop;
	int listener;
	uint16_t port;
	const char *answer; /* NULL: none, and the connection stays open */
	bool hangs_up;
	int accepted;
	struct client *clients;
};

struct client {
	struct client *next;
	struct server *server;
	int fd;
};

static void on_request(void *arg, uint32_t events)
{
	struct client *c = arg;
	const char *answer = c->server->answer;
	char buf[1000];
	ssize_t n = recv(c->fd, buf, sizeof(buf), MSG_DONTWAIT);

	(void)events;
	if (n > 0 && !answer)
		return;
	if (n > 0)
		ck_assert_int_eq(send(c->fd, answer, strlen(answer), MSG_NOSIGNAL),
				 (ssize_t)strlen(answer));
	loop_remove(c->server->loop, c->fd);
	close_fd(&c->fd);
}

static void on_client(void *arg, uint32_t events)
{
	struct server *s = arg;
	struct client *c = xmalloc(sizeof(*c));
	struct error err;

	(void)events;
	*c = (struct client){ .next = s->clients, .server = s };
	s->clients = c;
	c->fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);
	ck_assert_int_ge(c->fd, 0);
	s->accepted++;
	if (s->hangs_up) {
		close_fd(&c->fd);
		return;
	}
	ck_assert_int_eq(loop_add(s->loop, c->fd, EPOLLIN, on_request, c, &err), 0);
}

static void server_open(struct server *s, struct loop *loop)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);
	struct error err;

	s->loop = loop;
	s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(s->listener, (const struct sockaddr *)&address, len), 0);
	ck_assert_int_eq(listen(s->listener, 8), 0);
	ck_assert_int_eq(getsockname(s->listener, (struct sockaddr *)&address, &len), 0);
	s->port = ntohs(address.sin_port);
	ck_assert_int_eq(loop_add(loop, s->listener, EPOLLIN, on_client, s, &err), 0);
}

static void server_close(struct server *s)
{
	loop_remove(s->loop, s->listener);
	close_fd(&s->listener);
	while (s->clients) {
		struct client *c = s->clients;

		s->clients = c->next;
		if (c->fd >= 0)
			loop_remove(s->loop, c->fd);
		close_fd(&c->fd);
		free(c);
	}
}

struct outcome {
	struct loop *loop;
	struct health_result result;
	int count;
};

static void on_done(void *arg, struct health_result *result)
{
	struct outcome *outcome = arg;

	outcome->result = *result;
	*result = (struct health_result){ 0 };
	outcome->count++;
	loop_stop(outcome->loop, 0);
}

static void make_test(const char *kind, const char *target, struct health_test *ret)
{
	auto_strv struct strv list = { 0 };
	struct error err = { 0 };

	strv_add(&list, kind);
	strv_add(&list, target);
	ck_assert_msg(health_test_parse(&list, ret, &err) == 0, "%s", err.msg);
}

/* Runs one probe of the server (NULL: of a port that nobody has). */
static void probe(const char *kind, struct server *s, int64_t timeout, struct outcome *outcome)
{
	struct error err;
	auto_loop struct loop *loop = loop_new(&err);
	struct health_test test = { 0 };
	struct server closed = { 0 };
	auto_free char *target = NULL;
	const struct probe_place place = { .loop = loop, .netns_fd = -1 };

	server_open(s ? s : &closed, loop);
	target = xasprintf("127.0.0.1:%u", s ? s->port : closed.port);
	if (!s)
		server_close(&closed);
	make_test(kind, target, &test);
	*outcome = (struct outcome){ .loop = loop };
	ck_assert_ptr_nonnull(probe_start(&place, &test, timeout, on_done, outcome));
	ck_assert_int_eq(outcome->count, 0);
	ck_assert_int_eq(loop_run(loop, &err), 0);
	ck_assert_int_eq(outcome->count, 1);
	ck_assert_int_gt(outcome->result.begin_ns, 0);
	ck_assert_int_ge(outcome->result.end_ns, outcome->result.begin_ns);
	health_test_fini(&test);
	if (s)
		server_close(s);
}

static void expect(struct outcome *outcome, int exit_code, const char *text)
{
	ck_assert_int_eq(outcome->result.exit_code, exit_code);
	ck_assert_msg(strstr(outcome->result.output, text), "'%s'", outcome->result.output);
	free(outcome->result.output);
}

START_TEST(connects)
{
	struct server s = { .answer = NULL };
	struct outcome outcome;

	probe("TCP", &s, 5000 * MS, &outcome);
	expect(&outcome, 0, "connected to 127.0.0.1:");
	probe("TCP", NULL, 5000 * MS, &outcome);
	expect(&outcome, 1, "connection refused");
}
END_TEST

START_TEST(asks_for_a_status)
{
	static const struct {
		const char *answer;
		int exit_code;
		const char *output;
	} rows[] = {
		{ "HTTP/1.1 200 OK\r\nX: y\r\n\r\nhello", 0, "HTTP/1.1 200 OK" },
		{ "HTTP/1.0 399 x\r\n", 0, "HTTP/1.0 399 x" },
		{ "HTTP/1.1 400 Bad\r\n\r\n", 1, "HTTP/1.1 400 Bad" },
		{ "HTTP/1.1 503 Later\r\n\r\n", 1, "HTTP/1.1 503 Later" },
		{ "SSH-2.0-OpenSSH\r\n", 1, "not an HTTP response" },
		{ "HTTP/1.1 200", 1, "not an HTTP response" },
		{ "", 1, "not an HTTP response" },
	};
	struct server s;
	struct outcome outcome;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		s = (struct server){ .answer = rows[i].answer };
		probe("HTTP", &s, 5000 * MS, &outcome);
		expect(&outcome, rows[i].exit_code, rows[i].output);
		if (i == 0)
			ck_assert_int_eq(s.accepted, 1);
	}
	probe("HTTP", NULL, 5000 * MS, &outcome);
	expect(&outcome, 1, "connection refused");
	s = (struct server){ .hangs_up = true };
	probe("HTTP", &s, 5000 * MS, &outcome);
	ck_assert_int_eq(outcome.result.exit_code, 1);
	free(outcome.result.output);
}
END_TEST

START_TEST(does_not_wait_for_ever)
{
	struct server s = { .answer = NULL };
	struct outcome outcome;
	int64_t begun = clock_boot_ns();

	probe("HTTP", &s, 200 * MS, &outcome);
	ck_assert_int_ge(clock_boot_ns() - begun, 195 * MS);
	expect(&outcome, -1, "Health check exceeded timeout (200ms)");
}
END_TEST

static void on_quiet(void *arg)
{
	loop_stop(arg, 0);
}

START_TEST(says_nothing_after_a_cancel)
{
	struct error err;
	auto_loop struct loop *loop = loop_new(&err);
	struct server s = { .answer = NULL };
	struct outcome outcome = { .loop = loop };
	const struct probe_place place = { .loop = loop, .netns_fd = -1 };
	struct health_test test = { 0 };
	auto_free char *target = NULL;

	server_open(&s, loop);
	target = xasprintf("%u", s.port);
	make_test("HTTP", target, &test);
	probe_cancel(probe_start(&place, &test, 50 * MS, on_done, &outcome));
	(void)loop_timer(loop, 150, on_quiet, loop);
	ck_assert_int_eq(loop_run(loop, &err), 0);
	ck_assert_int_eq(outcome.count, 0);
	probe_cancel(NULL);
	health_test_fini(&test);
	server_close(&s);
}
END_TEST

/* ---- monitor ---------------------------------------------------------------------------------- */

struct watch {
	struct loop *loop;
	struct server *server;
	struct str told;
	int stop_after;
};

static void on_verdict(void *arg, const struct health *h, struct health_verdict verdict)
{
	struct watch *w = arg;

	if (!verdict.is_changed)
		return;
	str_addf(&w->told, "%s%s ", health_state_name(h->state),
		 verdict.action == HEALTH_ACT_RESTART ? "!" : "");
	/* The service fails once it is well, and recovers when it is not. */
	w->server->answer =
		h->state == HEALTH_HEALTHY ? "HTTP/1.1 500 x\r\n" : "HTTP/1.1 200 x\r\n";
	if (--w->stop_after == 0)
		loop_stop(w->loop, 0);
}

START_TEST(watches_a_service)
{
	struct error err = { 0 };
	auto_loop struct loop *loop = loop_new(&err);
	struct server s = { .answer = "HTTP/1.1 200 OK\r\n" };
	struct watch w = { .loop = loop, .server = &s, .stop_after = 4 };
	struct health_config config = { .interval_ns = 100 * MS,
					.retries = 2,
					.action = HEALTH_ACT_RESTART };
	const struct monitor_place place = { .netns_fd = -1 };
	struct monitor *m;
	auto_free char *target = NULL;
	int64_t begun = clock_boot_ns();
	int accepted;

	server_open(&s, loop);
	target = xasprintf("%u", s.port);
	make_test("HTTP", target, &config.test);
	ck_assert_int_eq(health_config_complete(&config, &err), 0);
	m = monitor_new(loop, &config, on_verdict, &w);
	ck_assert_int_eq(monitor_health(m)->state, HEALTH_STARTING - 1);
	monitor_start(m, &place);
	ck_assert_int_eq(monitor_health(m)->state, HEALTH_STARTING);
	ck_assert_int_eq(loop_run(loop, &err), 0);
	ck_assert_str_eq(w.told.text, "healthy unhealthy! healthy unhealthy! ");
	/* At once, +200, +100, +200 */
	ck_assert_int_ge(clock_boot_ns() - begun, 500 * MS);
	ck_assert_uint_eq(monitor_health(m)->n_log, 5);

	/* Stopped: no more probes; resumed: some more. */
	monitor_stop(m);
	accepted = s.accepted;
	(void)loop_timer(loop, 250, on_quiet, loop);
	ck_assert_int_eq(loop_run(loop, &err), 0);
	ck_assert_int_eq(s.accepted, accepted);
	ck_assert_int_eq(monitor_health(m)->state, HEALTH_UNHEALTHY);
	w.stop_after = 1;
	monitor_resume(m);
	ck_assert_int_eq(loop_run(loop, &err), 0);
	ck_assert_int_gt(s.accepted, accepted);
	ck_assert_int_eq(monitor_health(m)->state, HEALTH_HEALTHY);

	monitor_free(m);
	monitor_free(NULL);
	health_config_fini(&config);
	server_close(&s);
	str_fini(&w.told);
}
END_TEST

START_TEST(has_nothing_to_watch)
{
	struct error err = { 0 };
	auto_loop struct loop *loop = loop_new(&err);
	struct health_config config = { .test.kind = HEALTH_TEST_NONE };
	const struct monitor_place place = { .netns_fd = -1 };
	struct monitor *m = monitor_new(loop, &config, on_verdict, NULL);

	monitor_start(m, &place);
	ck_assert_int_eq(monitor_health(m)->state, HEALTH_NONE);
	monitor_resume(m);
	(void)loop_timer(loop, 50, on_quiet, loop);
	ck_assert_int_eq(loop_run(loop, &err), 0);
	monitor_free(m);
}
END_TEST

TEST_MAIN("engine/probe", connects, asks_for_a_status, does_not_wait_for_ever,
	  says_nothing_after_a_cancel, watches_a_service, has_nothing_to_watch)
