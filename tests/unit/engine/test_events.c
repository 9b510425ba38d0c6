/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "engine/events.h"
#include "engine/record.h"
#include "tests/unit/base/temp.h"
#include "tests/unit/test.h"

static struct temp temp;
static struct engine_dirs dirs;
static struct record record;

static void begin(void)
{
	temp_make(&temp);
	dirs = (struct engine_dirs){ .data = temp.path, .state = temp.path };
	memset(record.id, 'a', RECORD_ID_LEN);
	record.name = xstrdup("web");
	record.image = xstrdup("busybox:1");
}

static void end(void)
{
	record_fini(&record);
	temp_remove(&temp);
}

static int collect(void *arg, const json_t *event, struct error *err)
{
	struct strv *lines = arg;
	auto_free char *line = json_to_text(event, JSON_COMPACT);

	(void)err;
	strv_add(lines, line);
	return 0;
}

static void read_past(int64_t since, int64_t until, struct strv *lines)
{
	const struct events_query query = { .since_ns = since, .until_ns = until };
	struct error err;

	ck_assert_msg(events_read(&dirs, &query, collect, lines, &err) == 0, "%s", err.msg);
}

START_TEST(an_event_has_dockers_form)
{
	auto_strv struct strv lines = { 0 };

	begin();
	strv_add(&record.labels, "app=shop");
	strv_add(&record.labels, "bare");
	event_add(&dirs, &record, "die", 1700000000123456789,
		  (const char *const[]){ "exitCode", "3", NULL });
	read_past(1, clock_real_ns(), &lines);
	ck_assert_uint_eq(lines.n, 1);
	ck_assert_str_eq(
		lines.items[0],
		"{\"status\":\"die\",\"id\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"aaaaaaaa\",\"from\":\"busybox:1\",\"Type\":\"container\",\"Action\":\"die\",\"Actor\":"
		"{\"ID\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\","
		"\"Attributes\":{\"app\":\"shop\",\"bare\":\"\",\"image\":\"busybox:1\",\"name\":\"web\","
		"\"exitCode\":\"3\"}},\"scope\":\"local\",\"time\":1700000000,"
		"\"timeNano\":1700000000123456789}");
	end();
}
END_TEST

START_TEST(those_of_a_time_are_read)
{
	auto_strv struct strv lines = { 0 };

	begin();
	for (int64_t at = 10; at <= 50; at += 10)
		event_add(&dirs, &record, "start", at, NULL);
	read_past(20, 40, &lines);
	ck_assert_uint_eq(lines.n, 3);
	ck_assert_ptr_nonnull(strstr(lines.items[0], "\"timeNano\":20}"));
	ck_assert_ptr_nonnull(strstr(lines.items[2], "\"timeNano\":40}"));
	end();
}
END_TEST

static void put(const char *name, const char *text)
{
	auto_free char *path = xasprintf("%s/events", temp.path);
	const struct dir dir = { .fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
				 .path = path };
	struct error err;

	ck_assert_int_ge(dir.fd, 0);
	ck_assert_int_eq(file_replace_at(&dir, name, text, strlen(text), 0600, FILE_FAST, &err), 0);
	(void)close(dir.fd);
}

START_TEST(torn_and_strange_lines_are_left_out)
{
	auto_strv struct strv lines = { 0 };

	begin();
	event_add(&dirs, &record, "start", 5, NULL);
	put("log", "{\"timeNano\":1,\"x\n{\"timeNano\":2}\n\n[]\n7\n{\"timeNano\":\"3\"}\n"
		   "{\"timeNano\":4}\n{\"timeNano\":5}");
	read_past(1, clock_real_ns(), &lines);
	ck_assert_uint_eq(lines.n, 2);
	ck_assert_str_eq(lines.items[0], "{\"timeNano\":2}");
	ck_assert_str_eq(lines.items[1], "{\"timeNano\":4}");
	end();
}
END_TEST

/* Several at the same time, and more than fits: lines are whole, and no more than two files. */
START_TEST(many_write_at_once)
{
	enum { WRITERS = 4, EACH = 400 };
	auto_strv struct strv lines = { 0 };
	auto_free char *filler = xcalloc(1, 1200);
	struct strv names = { 0 };
	struct error err;

	begin();
	memset(filler, 'x', 1199);
	for (int i = 0; i < WRITERS; i++) {
		if (fork() == 0) {
			for (int j = 0; j < EACH; j++)
				event_add(&dirs, &record, "start", 0,
					  (const char *const[]){ "filler", filler, NULL });
			_exit(0);
		}
	}
	while (wait(NULL) > 0)
		;
	ck_assert_int_eq(dir_names_at(&temp.dir, "events", &names, &err), 0);
	ck_assert_uint_eq(names.n, 2);
	for (size_t i = 0; i < names.n; i++) {
		auto_free char *name = xasprintf("events/%s", names.items[i]);
		struct stat st;

		ck_assert_int_eq(fstatat(temp.dir.fd, name, &st, 0), 0);
		ck_assert_int_lt(st.st_size, EVENTS_MAX + WRITERS * 4096);
	}
	read_past(1, clock_real_ns(), &lines);
	ck_assert_uint_gt(lines.n, EVENTS_MAX / 2000);
	for (size_t i = 0; i < lines.n; i++)
		ck_assert_ptr_nonnull(strstr(lines.items[i], filler));
	strv_fini(&names);
	end();
}
END_TEST

enum { EVENTS = 1500 };

/* Ends the reading with the last one that there will be, however long that takes. */
static int collect_all(void *arg, const json_t *event, struct error *err)
{
	struct strv *lines = arg;
	int rc = collect(lines, event, err);

	return rc == 0 && lines->n == EVENTS ? err_set(err, EPIPE, "no more") : rc;
}

/* A reader that follows hears of all, over a rotation. */
START_TEST(a_follower_misses_nothing)
{
	const struct events_query query = { .since_ns = 1,
					    .until_ns = clock_real_ns() + 30000000000 };
	auto_strv struct strv lines = { 0 };
	auto_free char *filler = xcalloc(1, 1200);
	struct error err;
	pid_t writer;

	begin();
	memset(filler, 'x', 1199);
	writer = fork();
	if (writer == 0) {
		for (int i = 1; i <= EVENTS; i++) {
			event_add(&dirs, &record, "start", i,
				  (const char *const[]){ "filler", filler, NULL });
			(void)usleep(500);
		}
		_exit(0);
	}
	ck_assert_int_eq(events_read(&dirs, &query, collect_all, &lines, &err), -EPIPE);
	ck_assert_int_eq(waitpid(writer, NULL, 0), writer);
	ck_assert_uint_eq(lines.n, EVENTS);
	end();
}
END_TEST

static int refuse(void *arg, const json_t *event, struct error *err)
{
	(void)event;
	(*(int *)arg)++;
	return err_set(err, EPIPE, "no more");
}

START_TEST(who_has_enough_is_left_alone)
{
	const struct events_query query = { .since_ns = 1 };
	struct error err;
	int calls = 0;

	begin();
	event_add(&dirs, &record, "start", 5, NULL);
	event_add(&dirs, &record, "die", 6, NULL);
	ck_assert_int_eq(events_read(&dirs, &query, refuse, &calls, &err), -EPIPE);
	ck_assert_int_eq(calls, 1);
	end();
}
END_TEST

TEST_MAIN("engine/events", an_event_has_dockers_form, those_of_a_time_are_read,
	  torn_and_strange_lines_are_left_out, many_write_at_once, a_follower_misses_nothing,
	  who_has_enough_is_left_alone)
