/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "compose/ready.h"
#include "tests/unit/test.h"

#define PROBE(code, output)                                                                                   \
	"{\"Start\": \"2026-11-25T10:00:00.1Z\", \"End\": \"2026-11-25T10:00:00.125Z\", \"ExitCode\": " #code \
	", \"Output\": \"" output "\"}"
#define HEALTH(status, log) "{\"Status\": \"" status "\", \"FailingStreak\": 1, \"Log\": [" log "]}"

static struct list_entry container(enum list_status status, const char *health, int exit_code)
{
	struct list_entry entry = { .status = status, .record.exit_code = exit_code };

	entry.record.name = xstrdup("a");
	entry.record.has_ended = status == LIST_EXITED || status == LIST_RESTARTING;
	if (health) {
		entry.health = json_loads(health, 0, NULL);
		ck_assert_ptr_nonnull(entry.health);
	}
	return entry;
}

START_TEST(what_is_ready)
{
	static const struct {
		enum list_status status;
		const char *health;
		int exit_code;
		enum fact as_healthy, as_running;
		const char *why; /* as_healthy is FACT_FALSE */
	} cases[] = {
		{ LIST_RUNNING, HEALTH("healthy", PROBE(0, "")), 0, FACT_TRUE, FACT_TRUE, NULL },
		{ LIST_PAUSED, HEALTH("healthy", PROBE(0, "")), 0, FACT_TRUE, FACT_TRUE, NULL },
		{ LIST_RUNNING, HEALTH("starting", ""), 0, FACT_UNKNOWN, FACT_UNKNOWN, NULL },
		{ LIST_RUNNING, NULL, 0, FACT_FALSE, FACT_TRUE,
		  "container 'a' has no healthcheck" },
		{ LIST_RUNNING, HEALTH("unhealthy", PROBE(7, "no\\n\\u001b[2J")), 0, FACT_FALSE,
		  FACT_FALSE, "container 'a' is unhealthy: no" },
		{ LIST_RUNNING, HEALTH("unhealthy", PROBE(7, "\\u001b[2J")), 0, FACT_FALSE,
		  FACT_FALSE, "container 'a' is unhealthy: \\x1b[2J" },
		{ LIST_RUNNING, HEALTH("unhealthy", PROBE(7, "")), 0, FACT_FALSE, FACT_FALSE,
		  "container 'a' is unhealthy: exit status 7" },
		{ LIST_CREATED, NULL, 0, FACT_UNKNOWN, FACT_UNKNOWN, NULL },
		{ LIST_RESTARTING, HEALTH("healthy", ""), 1, FACT_UNKNOWN, FACT_UNKNOWN, NULL },
		{ LIST_EXITED, HEALTH("healthy", ""), 0, FACT_FALSE, FACT_TRUE,
		  "container 'a' has ended with exit status 0" },
		{ LIST_EXITED, NULL, 0, FACT_FALSE, FACT_TRUE,
		  "container 'a' has ended with exit status 0" },
		{ LIST_EXITED, NULL, 3, FACT_FALSE, FACT_FALSE,
		  "container 'a' has ended with exit status 3" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_list_entry struct list_entry entry =
			container(cases[i].status, cases[i].health, cases[i].exit_code);
		struct error why = { 0 };

		ck_assert_int_eq(ready_judge(&entry, READY_HEALTHY, &why), cases[i].as_healthy);
		ck_assert_str_eq(why.msg, cases[i].why ? cases[i].why : "");
		ck_assert_int_eq(ready_judge(&entry, READY_HEALTHY_OR_RUNNING, &why),
				 cases[i].as_running);
	}
}
END_TEST

START_TEST(why_it_could_not_be_started_counts_most)
{
	auto_list_entry struct list_entry entry = container(LIST_EXITED, NULL, 127);
	struct error why = { 0 };

	entry.record.failure = xstrdup("no such program");
	ck_assert_int_eq(ready_judge(&entry, READY_HEALTHY, &why), FACT_FALSE);
	ck_assert_str_eq(why.msg, "container 'a' could not be started: no such program");
}
END_TEST

START_TEST(what_it_lacks)
{
	static const struct {
		enum list_status status;
		const char *health, *lack;
	} cases[] = {
		{ LIST_RUNNING, HEALTH("starting", ""), "container 'a' is starting" },
		{ LIST_RUNNING, HEALTH("starting", PROBE(1, "not yet")),
		  "container 'a' is starting: not yet" },
		{ LIST_RESTARTING, NULL,
		  "container 'a' is restarting, its last exit status was 5" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_list_entry struct list_entry entry =
			container(cases[i].status, cases[i].health, 5);
		auto_free char *lack = ready_lack(&entry);

		ck_assert_str_eq(lack, cases[i].lack);
	}
}
END_TEST

START_TEST(the_last_probes_are_shown)
{
	static const struct {
		const char *health, *text;
	} cases[] = {
		{ NULL, "" },
		{ HEALTH("starting", ""), "" },
		{ HEALTH("unhealthy", PROBE(1, "first")), "a: its last probes:\n"
							  "  exit status 1 after 25 ms: first\n" },
		{ HEALTH("unhealthy", PROBE(1, "1") "," PROBE(2, "2") "," PROBE(3, "") "," PROBE(
					      -1, "it took longer than 1s")),
		  "a: its last probes:\n"
		  "  exit status 2 after 25 ms: 2\n"
		  "  exit status 3 after 25 ms\n"
		  "  no answer after 25 ms: it took longer than 1s\n" },
		{ HEALTH("unhealthy", PROBE(1, "a\\n\\nb\\u0007\\nc\\nd\\ne\\nf\\n")),
		  "a: its last probes:\n"
		  "  exit status 1 after 25 ms: a\n"
		  "    b\\x07\n    c\n    d\n    e\n" },
		/* What nobody of ours has written. */
		{ HEALTH("unhealthy", "{}, 7, {\"Start\": \"x\", \"End\": \"y\"}"),
		  "a: its last probes:\n  exit status 0\n  exit status 0\n  exit status 0\n" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		auto_list_entry struct list_entry entry =
			container(LIST_RUNNING, cases[i].health, 0);
		auto_str struct str text = { 0 };
		auto_free char *got = NULL;

		ready_render_probes(&entry, &text);
		got = str_take(&text);
		ck_assert_str_eq(got, cases[i].text);
	}
}
END_TEST

TEST_MAIN("compose/ready", what_is_ready, why_it_could_not_be_started_counts_most, what_it_lacks,
	  the_last_probes_are_shown)
