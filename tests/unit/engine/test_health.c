/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "base/mem.h"
#include "engine/health.h"
#include "engine/health_state.h"
#include "image/image.h"
#include "tests/unit/base/temp.h"
#include "tests/unit/test.h"

#define MS     INT64_C(1000000)
#define SECOND (1000 * MS)

/* ---- tests of images and options -------------------------------------------------------------- */

static int parse(const char *const words[], struct health_test *ret, struct error *err)
{
	auto_strv struct strv list = { 0 };

	for (size_t i = 0; words[i]; i++)
		strv_add(&list, words[i]);
	return health_test_parse(&list, ret, err);
}

START_TEST(parses_kinds)
{
	static const struct {
		const char *words[5];
		enum health_kind kind;
		const char *args; /* joined by '|' */
		const char *error;
	} rows[] = {
		{ { NULL }, HEALTH_TEST_INHERIT, "", NULL },
		{ { "NONE" }, HEALTH_TEST_NONE, "", NULL },
		{ { "NONE", "x" }, HEALTH_TEST_NONE, "", NULL },
		{ { "CMD", "pg_isready", "-U", "x y" },
		  HEALTH_TEST_CMD,
		  "pg_isready|-U|x y",
		  NULL },
		{ { "CMD-SHELL", "exit 1 || true" }, HEALTH_TEST_SHELL, "exit 1 || true", NULL },
		{ { "CMD-SHELL", "" }, HEALTH_TEST_SHELL, "", NULL },
		{ { "CMD" }, 0, NULL, "healthcheck: CMD: nothing behind it" },
		{ { "CMD", "" }, 0, NULL, "healthcheck: CMD: the program's name is empty" },
		{ { "CMD-SHELL" }, 0, NULL, "healthcheck: CMD-SHELL: nothing behind it" },
		{ { "HTTP" }, 0, NULL, "healthcheck: HTTP: nothing behind it" },
		{ { "TCP", "1", "2" }, 0, NULL, "healthcheck: TCP: more than one target" },
		{ { "cmd", "true" },
		  0,
		  NULL,
		  "healthcheck: unknown kind 'cmd': NONE, CMD, CMD-SHELL, HTTP and TCP are known" },
		{ { "" },
		  0,
		  NULL,
		  "healthcheck: unknown kind '': NONE, CMD, CMD-SHELL, HTTP and TCP are known" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct health_test test = { 0 };
		auto_str struct str args = { 0 };
		struct error err = { 0 };
		int rc = parse(rows[i].words, &test, &err);

		if (rows[i].error) {
			ck_assert_int_eq(rc, -EINVAL);
			ck_assert_str_eq(err.msg, rows[i].error);
			continue;
		}
		ck_assert_msg(rc == 0, "%s", err.msg);
		ck_assert_int_eq(test.kind, rows[i].kind);
		for (size_t j = 0; j < test.args.n; j++)
			str_addf(&args, "%s%s", j ? "|" : "", test.args.items[j]);
		ck_assert_str_eq(args.text ? args.text : "", rows[i].args);
		health_test_fini(&test);
	}
}
END_TEST

START_TEST(parses_targets)
{
	static const struct {
		const char *kind, *text;
		const char *address; /* NULL: refused */
		uint16_t port;
		const char *authority, *path;
	} rows[] = {
		{ "TCP", "5432", "127.0.0.1", 5432, "localhost:5432", NULL },
		{ "TCP", ":5432", "127.0.0.1", 5432, "localhost:5432", NULL },
		{ "TCP", "localhost:1", "127.0.0.1", 1, "localhost:1", NULL },
		{ "TCP", "10.0.0.2:65535", "10.0.0.2", 65535, "10.0.0.2:65535", NULL },
		{ "TCP", "[::1]:80", "::1", 80, "[::1]:80", NULL },
		{ "TCP", "localhost", NULL, 0, NULL, NULL },
		{ "TCP", "0", NULL, 0, NULL, NULL },
		{ "TCP", "65536", NULL, 0, NULL, NULL },
		{ "TCP", "db:5432", NULL, 0, NULL, NULL },
		{ "TCP", "1.2.3:5", NULL, 0, NULL, NULL },
		{ "TCP", "[::1]", NULL, 0, NULL, NULL },
		{ "TCP", "[::1:80", NULL, 0, NULL, NULL },
		{ "TCP", "[::1]80", NULL, 0, NULL, NULL },
		{ "TCP", "::1:80", NULL, 0, NULL, NULL },
		{ "TCP", "localhost:", NULL, 0, NULL, NULL },
		{ "TCP", "localhost:x", NULL, 0, NULL, NULL },
		{ "TCP", "", NULL, 0, NULL, NULL },
		{ "HTTP", "http://localhost:8080/healthz", "127.0.0.1", 8080, "localhost:8080",
		  "/healthz" },
		{ "HTTP", "http://localhost", "127.0.0.1", 80, "localhost:80", "/" },
		{ "HTTP", "http://[::1]:81?a=b&c#top", "::1", 81, "[::1]:81", "/?a=b&c" },
		{ "HTTP", "8000/x/y?z", "127.0.0.1", 8000, "localhost:8000", "/x/y?z" },
		{ "HTTP", ":8000", "127.0.0.1", 8000, "localhost:8000", "/" },
		{ "HTTP", "/ready", "127.0.0.1", 80, "localhost:80", "/ready" },
		{ "HTTP", "http://10.1.2.3/", "10.1.2.3", 80, "10.1.2.3", "/" },
		{ "HTTP", "https://localhost/", NULL, 0, NULL, NULL },
		{ "HTTP", "http://user@localhost/", NULL, 0, NULL, NULL },
		{ "HTTP", "http://web/", NULL, 0, NULL, NULL },
		{ "HTTP", "http://localhost/a b", NULL, 0, NULL, NULL },
		{ "HTTP", "http://localhost/a\r\nX: y", NULL, 0, NULL, NULL },
		{ "HTTP", "ftp://localhost/", NULL, 0, NULL, NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *words[] = { rows[i].kind, rows[i].text, NULL };
		struct health_test test = { 0 };
		struct error err = { 0 };
		int rc = parse(words, &test, &err);
		const struct sockaddr_in *v4 = (const void *)&test.target.address;
		const struct sockaddr_in6 *v6 = (const void *)&test.target.address;
		char text[INET6_ADDRSTRLEN];

		if (!rows[i].address) {
			ck_assert_msg(rc == -EINVAL, "'%s'", rows[i].text);
			continue;
		}
		ck_assert_msg(rc == 0, "%s", err.msg);
		if (v4->sin_family == AF_INET)
			(void)inet_ntop(AF_INET, &v4->sin_addr, text, sizeof(text));
		else
			(void)inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof(text));
		ck_assert_str_eq(text, rows[i].address);
		ck_assert_int_eq(ntohs(v4->sin_port), rows[i].port);
		ck_assert_int_eq(ntohs(v6->sin6_port), rows[i].port);
		ck_assert_str_eq(test.target.authority, rows[i].authority);
		ck_assert_msg(str_eq(test.target.path, rows[i].path), "'%s'", test.target.path);
		health_test_fini(&test);
	}
}
END_TEST

START_TEST(completes_the_configuration)
{
	static const struct {
		struct health_config config;
		const char *error;
	} rows[] = {
		{ { .interval_ns = 1 }, "healthcheck: interval cannot be less than 1ms" },
		{ { .interval_ns = -SECOND }, "healthcheck: interval cannot be less than 1ms" },
		{ { .timeout_ns = MS - 1 }, "healthcheck: timeout cannot be less than 1ms" },
		{ { .start_period_ns = 5 }, "healthcheck: start period cannot be less than 1ms" },
		{ { .start_interval_ns = 5 },
		  "healthcheck: start interval cannot be less than 1ms" },
		{ { .retries = -1 }, "healthcheck: retries cannot be negative" },
	};
	struct health_config config = { 0 };
	struct error err = { 0 };

	ck_assert_int_eq(health_config_complete(&config, &err), 0);
	ck_assert_int_eq(config.interval_ns, 30 * SECOND);
	ck_assert_int_eq(config.timeout_ns, 30 * SECOND);
	ck_assert_int_eq(config.start_period_ns, 0);
	ck_assert_int_eq(config.start_interval_ns, 5 * SECOND);
	ck_assert_int_eq(config.retries, 3);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		config = rows[i].config;
		ck_assert_int_eq(health_config_complete(&config, &err), -EINVAL);
		ck_assert_str_eq(err.msg, rows[i].error);
	}
}
END_TEST

/* ---- the state -------------------------------------------------------------------------------- */

/*
 * A container's life: what each probe finds is said by letters (p passes, f fails), what it took is
 * @took.  Returns the moments at which probes began, and what came of each, as one line.
 */
static void live(const struct health_config *config, const char *finds, int64_t took,
		 struct str *ret)
{
	struct health h = { .config = config };
	int64_t now = 0;

	health_start(&h);
	for (; *finds; finds++) {
		struct health_result result = { .exit_code = *finds == 'p' ? 0 : 1 };
		struct health_verdict verdict;
		int64_t begin = now + health_delay(&h, now);

		now = begin + took;
		verdict = health_probed(&h, begin, now, &result);
		str_addf(ret, "%s%lld:%s%d%s%s", ret->len ? " " : "", (long long)(begin / MS),
			 health_state_name(h.state), h.failing_streak,
			 verdict.is_changed ? "!" : "",
			 verdict.action == HEALTH_ACT_NONE ? "" : "kill");
	}
	health_fini(&h);
}

START_TEST(keeps_dockers_clock)
{
	static const struct {
		int64_t interval, start_period, start_interval, took; /* ms; 0: the default */
		int retries;
		const char *finds, *wanted;
	} rows[] = {
		/* The first probe comes after the interval, the next one after the end of the last. */
		{ 0, 0, 0, 100, 0, "pp", "30000:healthy0! 60100:healthy0" },
		/* Three failures in a row; one success is enough to come back. */
		{ 1000, 0, 0, 0, 0, "fffpff",
		  "1000:starting1 2000:starting2 3000:unhealthy3!kill 4000:healthy0! 5000:healthy1 "
		  "6000:healthy2" },
		{ 1000, 0, 0, 0, 0, "pffpfff",
		  "1000:healthy0! 2000:healthy1 3000:healthy2 4000:healthy0 5000:healthy1 "
		  "6000:healthy2 7000:unhealthy3!kill" },
		/* It stays so, told once, and counts on. */
		{ 1000, 0, 0, 0, 1, "fff", "1000:unhealthy1!kill 2000:unhealthy2 3000:unhealthy3" },
		/* In the start period: by start_interval, failures are free, a success ends it. */
		{ 10000, 12000, 0, 0, 1, "fff",
		  "5000:starting0 10000:starting0 15000:unhealthy1!kill" },
		{ 10000, 12000, 0, 0, 2, "fpff",
		  "5000:starting0 10000:healthy0! 20000:healthy1 30000:unhealthy2!kill" },
		{ 10000, 3000, 1000, 0, 1, "fff",
		  "1000:starting0 2000:starting0 3000:unhealthy1!kill" },
		/* A healthy one's failures count in the start period too. */
		{ 1000, 60000, 1000, 0, 1, "pf", "1000:healthy0! 2000:unhealthy1!kill" },
		/* What began in the start period is free, however long it took. */
		{ 1000, 2500, 1000, 900, 1, "fff",
		  "1000:starting0 2900:unhealthy1!kill 4800:unhealthy2" },
		/* Never more often than every 100 ms. */
		{ 1, 0, 0, 0, 9, "ff", "100:starting1 200:starting2" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct health_config config = {
			.interval_ns = rows[i].interval * MS,
			.start_period_ns = rows[i].start_period * MS,
			.start_interval_ns = rows[i].start_interval * MS,
			.retries = rows[i].retries,
			.has_docker_clock = true,
			.action = HEALTH_ACT_KILL,
		};
		auto_str struct str told = { 0 };
		struct error err;

		ck_assert_int_eq(health_config_complete(&config, &err), 0);
		live(&config, rows[i].finds, rows[i].took * MS, &told);
		ck_assert_str_eq(told.text, rows[i].wanted);
	}
}
END_TEST

START_TEST(looks_earlier_than_docker)
{
	static const struct {
		int64_t interval, start_period, start_interval, took;
		int retries;
		const char *finds, *wanted;
	} rows[] = {
		{ 0, 0, 0, 10, 0, "pp", "0:healthy0! 30010:healthy0" },
		/* 20, 40, 80 ... up to the start interval; none of these failures counts. */
		{ 0, 0, 0, 0, 1, "fffffffffffffp",
		  "0:starting0 20:starting0 60:starting0 140:starting0 300:starting0 620:starting0 "
		  "1260:starting0 2540:starting0 5100:starting0 10100:starting0 15100:starting0 "
		  "20100:starting0 25100:starting0 30000:healthy0!" },
		{ 1000, 0, 0, 0, 2, "fffffff",
		  "0:starting0 20:starting0 60:starting0 140:starting0 300:starting0 620:starting0 "
		  "1000:starting1" },
		/* Those on docker's clock do. */
		{ 100, 0, 100, 0, 2, "ffffffff",
		  "0:starting0 20:starting0 60:starting0 100:starting1 200:unhealthy2!kill "
		  "300:unhealthy3 400:unhealthy4 500:unhealthy5" },
		/* One that is at it when docker would look is followed at once by one that counts. */
		{ 1000, 0, 0, 1500, 1, "fff", "0:starting0 1500:unhealthy1!kill 4000:unhealthy2" },
		{ 5000, 300, 200, 0, 1, "ffffffff",
		  "0:starting0 20:starting0 60:starting0 140:starting0 200:starting0 400:unhealthy1!kill "
		  "5400:unhealthy2 10400:unhealthy3" },
		{ 1000, 0, 0, 0, 3, "ffpfff",
		  "0:starting0 20:starting0 60:healthy0! 1060:healthy1 2060:healthy2 "
		  "3060:unhealthy3!kill" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct health_config config = {
			.interval_ns = rows[i].interval * MS,
			.start_period_ns = rows[i].start_period * MS,
			.start_interval_ns = rows[i].start_interval * MS,
			.retries = rows[i].retries,
			.action = HEALTH_ACT_KILL,
		};
		auto_str struct str told = { 0 };
		struct error err;

		ck_assert_int_eq(health_config_complete(&config, &err), 0);
		live(&config, rows[i].finds, rows[i].took * MS, &told);
		ck_assert_str_eq(told.text, rows[i].wanted);
	}
}
END_TEST

/*
 * Whatever happens: never unhealthy sooner than with docker's clock, and never healthy later, unless
 * the service is well for a moment only.  (Probes take no time here: one that is at it when docker
 * would look delays us by as much.)
 */
START_TEST(is_never_harsher_than_docker)
{
	unsigned int seed = 1;

	for (int round = 0; round < 2000; round++) {
		int64_t verdicts[2][2]; /* by clock: when first healthy, unhealthy */
		int64_t ready, ends;
		struct health_config config = { 0 };
		struct error err;

		seed = seed * 1103515245 + 12345;
		config.interval_ns = (int64_t)(100 + seed % 977) * MS;
		config.start_interval_ns = (int64_t)(100 + seed % 307) * MS;
		config.start_period_ns = (int64_t)(seed % 3 ? seed % 2003 + 1 : 0) * MS;
		config.retries = (int)(seed >> 16) % 4;
		ready = (int64_t)(seed % 6007) * MS;
		ends = seed % 2 ? INT64_MAX : ready + (int64_t)(seed >> 8) % 5003 * MS;
		ck_assert_int_eq(health_config_complete(&config, &err), 0);
		for (int clock = 0; clock < 2; clock++) {
			struct health h = { .config = &config };
			int64_t now = 0;

			config.has_docker_clock = clock;
			verdicts[clock][0] = verdicts[clock][1] = INT64_MAX;
			health_start(&h);
			while (now < 20 * SECOND) {
				int64_t begin = now + health_delay(&h, now);
				struct health_result r = { 0 };
				bool is_well = begin >= ready && begin < ends;

				r.exit_code = is_well ? 0 : 1;
				now = begin;
				(void)health_probed(&h, begin, now, &r);
				if (h.state == HEALTH_HEALTHY && now < verdicts[clock][0])
					verdicts[clock][0] = now;
				if (h.state == HEALTH_UNHEALTHY && now < verdicts[clock][1])
					verdicts[clock][1] = now;
			}
			health_fini(&h);
		}
		ck_assert_msg(ends < INT64_MAX || verdicts[0][0] <= verdicts[1][0],
			      "healthy later, round %d", round);
		/* Docker may never have seen a service that was well for a moment. */
		if (verdicts[0][0] > verdicts[0][1])
			ck_assert_msg(verdicts[0][1] >= verdicts[1][1],
				      "unhealthy sooner, round %d", round);
	}
}
END_TEST

START_TEST(starts_again_and_resumes)
{
	struct health_config config = { .interval_ns = SECOND,
					.retries = 1,
					.action = HEALTH_ACT_STOP };
	struct health h = { .config = &config };
	struct health_result failed = { .exit_code = 1 };
	struct health_verdict verdict;
	struct error err;

	ck_assert_int_eq(health_config_complete(&config, &err), 0);
	health_start(&h);
	verdict = health_probed(&h, 1 * SECOND, 1 * SECOND, &failed);
	ck_assert(verdict.is_changed && verdict.action == HEALTH_ACT_STOP);
	ck_assert_int_eq(h.state, HEALTH_UNHEALTHY);

	health_start(&h);
	ck_assert_int_eq(h.state, HEALTH_STARTING);
	ck_assert_int_eq(h.failing_streak, 0);
	ck_assert_uint_eq(h.n_log, 1);
	ck_assert_int_eq(health_delay(&h, 0), 0);

	failed = (struct health_result){ .exit_code = 1 };
	(void)health_probed(&h, SECOND, SECOND, &failed);
	ck_assert_int_eq(h.state, HEALTH_UNHEALTHY);
	health_resume(&h, 100 * SECOND);
	ck_assert_int_eq(h.state, HEALTH_UNHEALTHY);
	ck_assert_int_eq(health_delay(&h, 100 * SECOND), SECOND);
	health_fini(&h);
}
END_TEST

START_TEST(shows_the_last_five)
{
	struct health_config config = { .retries = 10 };
	struct health h = { .config = &config };
	auto_json json_t *json = NULL;
	auto_free char *text = NULL;
	struct error err;

	ck_assert_int_eq(health_config_complete(&config, &err), 0);
	health_start(&h);
	for (int i = 0; i < 7; i++) {
		struct health_result result = {
			.begin_ns = i * SECOND,
			.end_ns = i * SECOND + MS,
			.exit_code = i == 6 ? -1 : i,
			.output = xasprintf("%d\xff", i),
		};

		(void)health_probed(&h, i * 30 * SECOND, i * 30 * SECOND, &result);
		ck_assert_ptr_null(result.output);
	}
	json = health_to_json(&h);
	text = json_to_text(json, JSON_COMPACT);
	ck_assert_str_eq(text,
			 "{\"Status\":\"healthy\",\"FailingStreak\":6,\"Log\":["
			 "{\"Start\":\"1970-01-01T00:00:02Z\",\"End\":\"1970-01-01T00:00:02.001Z\","
			 "\"ExitCode\":2,\"Output\":\"2\\\\xff\"},"
			 "{\"Start\":\"1970-01-01T00:00:03Z\",\"End\":\"1970-01-01T00:00:03.001Z\","
			 "\"ExitCode\":3,\"Output\":\"3\\\\xff\"},"
			 "{\"Start\":\"1970-01-01T00:00:04Z\",\"End\":\"1970-01-01T00:00:04.001Z\","
			 "\"ExitCode\":4,\"Output\":\"4\\\\xff\"},"
			 "{\"Start\":\"1970-01-01T00:00:05Z\",\"End\":\"1970-01-01T00:00:05.001Z\","
			 "\"ExitCode\":5,\"Output\":\"5\\\\xff\"},"
			 "{\"Start\":\"1970-01-01T00:00:06Z\",\"End\":\"1970-01-01T00:00:06.001Z\","
			 "\"ExitCode\":-1,\"Output\":\"6\\\\xff\"}]}");
	health_fini(&h);
}
END_TEST

START_TEST(is_none_without_a_check)
{
	struct health h = { 0 };
	auto_json json_t *json = NULL;
	auto_free char *text = NULL;

	health_start(&h);
	health_resume(&h, SECOND);
	ck_assert_int_eq(h.state, HEALTH_NONE);
	json = health_to_json(&h);
	text = json_to_text(json, JSON_COMPACT);
	ck_assert_str_eq(text, "{\"Status\":\"none\",\"FailingStreak\":0,\"Log\":[]}");
}
END_TEST

START_TEST(an_image_fills_what_is_not_said)
{
	struct image_healthcheck image = { .interval_ns = SECOND, .retries = 7 };
	struct health_config asked = { .timeout_ns = 2 * SECOND, .action = HEALTH_ACT_KILL }, got;
	struct error err;

	strv_add(&image.test, "CMD-SHELL");
	strv_add(&image.test, "of the image");
	ck_assert(!health_config_is_set(&(struct health_config){ 0 }));
	ck_assert(health_config_is_set(&asked));
	ck_assert_int_eq(health_config_resolve(&asked, &image, &got, &err), 0);
	ck_assert_int_eq(got.test.kind, HEALTH_TEST_SHELL);
	ck_assert_str_eq(got.test.args.items[0], "of the image");
	ck_assert_int_eq(got.interval_ns, SECOND);
	ck_assert_int_eq(got.timeout_ns, 2 * SECOND);
	ck_assert_int_eq(got.start_interval_ns, 5 * SECOND);
	ck_assert_int_eq(got.retries, 7);
	ck_assert_int_eq(got.action, HEALTH_ACT_KILL);
	health_config_fini(&got);

	ck_assert_int_eq(parse((const char *const[]){ "TCP", "80", NULL }, &asked.test, &err), 0);
	ck_assert_int_eq(health_config_resolve(&asked, &image, &got, &err), 0);
	ck_assert_int_eq(got.test.kind, HEALTH_TEST_TCP);
	ck_assert_str_eq(got.test.target.authority, "localhost:80");
	health_config_fini(&got);
	ck_assert_int_eq(health_config_resolve(&asked, NULL, &got, &err), 0);
	ck_assert_int_eq(got.retries, 3);
	health_config_fini(&got);

	health_test_fini(&asked.test);
	asked.test.kind = HEALTH_TEST_NONE;
	ck_assert_int_eq(health_config_resolve(&asked, &image, &got, &err), 0);
	ck_assert_int_eq(got.test.kind, HEALTH_TEST_NONE);
	health_config_fini(&got);

	asked.test.kind = HEALTH_TEST_INHERIT;
	strv_fini(&image.test);
	strv_add(&image.test, "PING");
	ck_assert_int_eq(health_config_resolve(&asked, &image, &got, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.msg, "unknown kind 'PING'"));
	strv_fini(&image.test);
}
END_TEST

static void probed(struct health *health, int exit_code, const char *output)
{
	struct health_result result = { 1, 2, exit_code, xstrdup(output) };

	(void)health_probed(health, 0, 1, &result);
}

START_TEST(others_read_what_was_found)
{
	const struct health_config config = { .interval_ns = SECOND,
					      .retries = 1,
					      .has_docker_clock = true };
	const char *id = "0123456789ab";
	struct health h = { .config = &config };
	struct engine_dirs dirs;
	struct error err;
	struct temp temp;

	temp_make(&temp);
	dirs = (struct engine_dirs){ .data = temp.path, .state = temp.path };
	ck_assert_ptr_null(health_state_read(&dirs, id));
	ck_assert_int_eq(health_state_of(NULL), HEALTH_NONE);
	health_start(&h);
	for (int i = 0; i < 3; i++) {
		static const char *const outputs[] = { "", "two\nlines", "\xff\x1b[1m" };
		static const char *const reasons[] = { "exit status 4", "two", "\\xff\\x1b[1m" };
		auto_json json_t *state = NULL;
		auto_free char *reason = NULL;

		probed(&h, 4, outputs[i]);
		ck_assert_int_eq(health_state_write(&dirs, id, &h, &err), 0);
		state = health_state_read(&dirs, id);
		ck_assert_int_eq(health_state_of(state), HEALTH_UNHEALTHY);
		reason = health_state_reason(state);
		ck_assert_str_eq(reason, reasons[i]);
	}
	health_state_remove(&dirs, id);
	health_state_remove(&dirs, id);
	ck_assert_ptr_null(health_state_read(&dirs, id));
	health_fini(&h);
	temp_remove(&temp);
}
END_TEST

TEST_MAIN("engine/health", parses_kinds, parses_targets, completes_the_configuration,
	  keeps_dockers_clock, looks_earlier_than_docker, is_never_harsher_than_docker,
	  starts_again_and_resumes, shows_the_last_five, is_none_without_a_check,
	  an_image_fills_what_is_not_said, others_read_what_was_found)
