/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/lock.h"
#include "base/mem.h"
#include "base/path.h"
#include "engine/record.h"
#include "tests/unit/base/temp.h"
#include "tests/unit/test.h"

static struct temp temp;
static struct engine_dirs dirs;

static void begin(void)
{
	temp_make(&temp);
	dirs = (struct engine_dirs){ .data = temp.path, .state = temp.path };
}

/* A container named @name (NULL: made up), claimed by this process. */
static void claim(const char *name, struct record *record, struct record_place *place)
{
	struct error err;

	*record = (struct record){ .name = xstrdup(name), .is_removed_at_end = true };
	ck_assert_int_eq(record_make_id(record->id, &err), 0);
	ck_assert_int_eq(record_begin(record, &err), 0);
	ck_assert_msg(record_claim(&dirs, record, place, &err) == 0, "%s", err.msg);
}

static bool exists(const char *name)
{
	auto_free char *path = xasprintf("containers/%s", name);
	struct stat st;

	return fstatat(temp.dir.fd, path, &st, 0) == 0;
}

START_TEST(ids_are_64_digits)
{
	char one[RECORD_ID_LEN + 1], other[RECORD_ID_LEN + 1];
	struct error err;

	ck_assert_int_eq(record_make_id(one, &err), 0);
	ck_assert_int_eq(record_make_id(other, &err), 0);
	ck_assert_uint_eq(strspn(one, "0123456789abcdef"), RECORD_ID_LEN);
	ck_assert_str_ne(one, other);
}
END_TEST

START_TEST(what_is_written_is_read)
{
	struct record_place place = RECORD_NO_PLACE;
	struct record record, got = { 0 };
	struct error err;

	begin();
	claim("web", &record, &place);
	record.image = xstrdup("busybox:1");
	record.image_id = xstrdup("sha256:1234");
	strv_add(&record.layers, "layer");
	strv_add(&record.command, "sh");
	strv_add(&record.command, "two words");
	strv_add(&record.labels, "a=b");
	strv_add(&record.networks, "bridge");
	strv_add(&record.addresses, "10.88.0.2");
	record.ports = xcalloc(1, sizeof(*record.ports));
	record.n_ports = 1;
	record.ports[0] = (struct port_mapping){ "127.0.0.1", 8080, 80, 2, IPPROTO_UDP };
	record.memory = 67108864;
	record.stop_signal = xstrdup("SIGQUIT");
	record.stop_timeout = 3;
	record.options.image = xstrdup("busybox:1");
	record.is_stopped = record.is_restarting = true;
	record.restart_count = 4;
	record.started_ns = 4;
	record.failure = xstrdup("no such command");
	record.has_ended = record.is_oom_killed = true;
	record.exit_code = 137;
	record.ended_ns = 5;
	ck_assert_int_eq(record_write(&place, &record, &err), 0);

	ck_assert_msg(record_read(&place, &got, &err) == 0, "%s", err.msg);
	ck_assert_str_eq(got.id, record.id);
	ck_assert_str_eq(got.name, "web");
	ck_assert_str_eq(got.image, "busybox:1");
	ck_assert_str_eq(got.image_id, "sha256:1234");
	ck_assert(strv_has(&got.layers, "layer"));
	ck_assert_str_eq(got.command.items[1], "two words");
	ck_assert_str_eq(got.labels.items[0], "a=b");
	ck_assert(got.networks.n == 1 && strv_has(&got.networks, "bridge"));
	ck_assert(strv_has(&got.addresses, "10.88.0.2"));
	ck_assert_uint_eq(got.n_ports, 1);
	ck_assert_mem_eq(&got.ports[0], &record.ports[0], sizeof(got.ports[0]));
	ck_assert_uint_eq(got.memory, 67108864);
	ck_assert_str_eq(got.stop_signal, "SIGQUIT");
	ck_assert_int_eq(got.stop_timeout, 3);
	ck_assert(got.is_removed_at_end && got.has_ended && got.is_oom_killed);
	ck_assert_str_eq(got.options.image, "busybox:1");
	ck_assert(got.is_stopped && got.is_restarting);
	ck_assert_int_eq(got.restart_count, 4);
	ck_assert_int_eq(got.started_ns, 4);
	ck_assert_str_eq(got.failure, "no such command");
	ck_assert_int_eq(got.exit_code, 137);
	ck_assert_int_eq(got.ended_ns, 5);
	ck_assert_int_eq(got.created_ns, record.created_ns);
	ck_assert_int_eq(got.supervisor, getpid());
	ck_assert_uint_eq(got.supervisor_start, record.supervisor_start);
	ck_assert_str_eq(got.boot_id, record.boot_id);
	record_fini(&got);
	record_fini(&record);
	record_place_close(&place);
	temp_remove(&temp);
}
END_TEST

START_TEST(a_new_name_is_free_and_counts)
{
	struct record_place one_place = RECORD_NO_PLACE, other_place = RECORD_NO_PLACE;
	struct record one, other, got;
	struct error err;

	begin();
	claim("one", &one, &one_place);
	claim("other", &other, &other_place);
	ck_assert_int_eq(record_write(&one_place, &one, &err), 0);
	ck_assert_int_eq(record_write(&other_place, &other, &err), 0);
	ck_assert_int_eq(record_rename(&dirs, &one_place, &one, "other", &err), -EEXIST);
	ck_assert_ptr_nonnull(strstr(err.msg, "the name 'other' is in use by container"));
	ck_assert_str_eq(one.name, "one");
	ck_assert_int_eq(record_rename(&dirs, &one_place, &one, "third", &err), 0);
	ck_assert(!exists("one") && exists("third"));
	ck_assert_int_eq(record_read(&one_place, &got, &err), 0);
	ck_assert_str_eq(got.name, "third");
	record_fini(&got);
	record_fini(&one);
	record_fini(&other);
	record_place_close(&one_place);
	record_place_close(&other_place);
	temp_remove(&temp);
}
END_TEST

START_TEST(a_torn_or_strange_record_is_named)
{
	static const struct {
		const char *text, *wanted;
	} rows[] = {
		{ "{\"id\":", "record.json:1:" },
		{ "{\"id\":\"abc\",\"name\":\"web\"}", "'abc' is no id" },
		{ "[]", "record.json:1:1: " },
	};
	struct record_place place = RECORD_NO_PLACE;
	struct record record, got;
	struct error err;

	begin();
	claim("web", &record, &place);
	ck_assert_int_eq(record_read(&place, &got, &err), -ENOENT);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		ck_assert_int_eq(file_replace_at(&place.dir, "record.json", rows[i].text,
						 strlen(rows[i].text), 0600, FILE_FAST, &err),
				 0);
		ck_assert_int_eq(record_read(&place, &got, &err), -EINVAL);
		ck_assert_ptr_nonnull(strstr(err.msg, rows[i].wanted));
		ck_assert_ptr_nonnull(strstr(err.msg, "/containers/web"));
	}
	/* What a crash of the machine makes of a file that was not synced. */
	ck_assert_int_eq(file_replace_at(&place.dir, "record.json", "", 0, 0600, FILE_FAST, &err),
			 0);
	ck_assert_int_eq(record_read(&place, &got, &err), -ENOENT);
	record_fini(&record);
	record_place_close(&place);
	temp_remove(&temp);
}
END_TEST

START_TEST(a_name_has_one_owner)
{
	struct record_place first = RECORD_NO_PLACE, second = RECORD_NO_PLACE;
	struct record record, other = { .name = xstrdup("web") };
	auto_free char *wanted = NULL;
	struct error err;

	begin();
	claim("web", &record, &first);
	ck_assert_int_eq(record_claim(&dirs, &other, &second, &err), -EEXIST);
	ck_assert_str_eq(err.msg, "the name 'web' is in use");
	ck_assert_int_eq(record_write(&first, &record, &err), 0);
	ck_assert_int_eq(record_claim(&dirs, &other, &second, &err), -EEXIST);
	wanted = xasprintf("the name 'web' is in use by container %.12s", record.id);
	ck_assert_str_eq(err.msg, wanted);

	ck_assert_int_eq(record_remove(&dirs, "web", &err), 0);
	ck_assert_int_eq(record_remove(&dirs, "web", &err), 0);
	ck_assert_int_eq(record_claim(&dirs, &other, &second, &err), 0);
	record_fini(&record);
	record_fini(&other);
	record_place_close(&first);
	record_place_close(&second);
	temp_remove(&temp);
}
END_TEST

START_TEST(many_claim_at_once)
{
	int winners = 0;

	begin();
	for (int i = 0; i < 8; i++) {
		if (fork() == 0) {
			struct record_place place = RECORD_NO_PLACE;
			struct record record = { .name = xstrdup("web") };
			struct error err;

			_exit(record_claim(&dirs, &record, &place, &err) == 0 ? 0 : 1);
		}
	}
	for (int i = 0; i < 8; i++) {
		int status = 0;

		(void)wait(&status);
		winners += WIFEXITED(status) && WEXITSTATUS(status) == 0;
	}
	ck_assert_int_eq(winners, 1);
	temp_remove(&temp);
}
END_TEST

START_TEST(names_are_made_up)
{
	struct record_place places[3] = { RECORD_NO_PLACE, RECORD_NO_PLACE, RECORD_NO_PLACE };
	struct record records[3];
	struct strv names = { 0 };
	struct error err;

	begin();
	for (size_t i = 0; i < 3; i++) {
		claim(NULL, &records[i], &places[i]);
		ck_assert(is_valid_name(records[i].name));
	}
	ck_assert_int_eq(record_list(&dirs, &names, &err), 0);
	ck_assert_uint_eq(names.n, 3);
	for (size_t i = 0; i < 3; i++) {
		ck_assert(strv_has(&names, records[i].name));
		record_fini(&records[i]);
		record_place_close(&places[i]);
	}
	strv_fini(&names);
	temp_remove(&temp);
}
END_TEST

START_TEST(finds_by_name_id_and_beginning)
{
	struct record_place places[2] = { RECORD_NO_PLACE, RECORD_NO_PLACE };
	struct record records[2];
	struct error err;
	char *name = NULL;

	begin();
	claim("one", &records[0], &places[0]);
	claim("two", &records[1], &places[1]);
	memset(records[0].id, 'a', RECORD_ID_LEN);
	memset(records[1].id, 'a', RECORD_ID_LEN);
	records[1].id[5] = 'b';
	for (size_t i = 0; i < 2; i++)
		ck_assert_int_eq(record_write(&places[i], &records[i], &err), 0);

	static const struct {
		const char *text;
		int wanted;
		const char *name;
	} rows[] = {
		{ "one", 1, "one" },    { "two", 1, "two" },
		{ "aaaaaa", 1, "one" }, { "aaaaab", 1, "two" },
		{ "aaa", -EINVAL },     { "three", 0 },
		{ "aaaaac", 0 },        { "..", 0 },
		{ "one/../two", 0 },    { "", 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		ck_assert_int_eq(record_find(&dirs, rows[i].text, &name, &err), rows[i].wanted);
		if (rows[i].wanted != 1)
			continue;
		ck_assert_str_eq(name, rows[i].name);
		free(take_ptr(name));
	}
	ck_assert_int_eq(record_find(&dirs, records[1].id, &name, &err), 1);
	ck_assert_str_eq(name, "two");
	free(name);
	for (size_t i = 0; i < 2; i++) {
		record_fini(&records[i]);
		record_place_close(&places[i]);
	}
	temp_remove(&temp);
}
END_TEST

START_TEST(sweeps_what_the_dead_left)
{
	struct record_place living = RECORD_NO_PLACE, dead = RECORD_NO_PLACE,
			    recorded = RECORD_NO_PLACE;
	struct record record;
	struct error err;

	begin();
	claim("living", &record, &living);
	record_fini(&record);
	claim("recorded", &record, &recorded);
	ck_assert_int_eq(record_write(&recorded, &record, &err), 0);
	record_place_close(&recorded);
	record_fini(&record);
	claim("dead", &record, &dead);
	ck_assert_int_eq(file_replace_at(&dead.dir, ".tmp-1-1", "x", 1, 0600, FILE_FAST, &err), 0);
	record_place_close(&dead);
	record_fini(&record);

	ck_assert_int_eq(record_sweep(&dirs, &err), 0);
	ck_assert(exists("living"));
	ck_assert(exists("recorded"));
	ck_assert(!exists("dead"));
	record_place_close(&living);
	temp_remove(&temp);
}
END_TEST

/* A creator between making and locking its directory keeps sweepers away from it. */
START_TEST(sweeping_waits_for_creators)
{
	auto_free char *path = NULL;
	struct record_place place = RECORD_NO_PLACE;
	struct record record;
	auto_fd int fd = -1;
	struct error err;
	pid_t sweeper;

	begin();
	claim("first", &record, &place);
	record_place_close(&place);
	record_fini(&record);
	path = path_join(temp.path, "containers");
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_eq(lock_fd(fd, LOCK_SHARED, path, &err), 0);
	sweeper = fork();
	if (sweeper == 0) {
		close_fd(&fd);
		_exit(record_sweep(&dirs, &err) == 0 ? 0 : 1);
	}
	(void)usleep(50000);
	ck_assert_int_eq(waitpid(sweeper, NULL, WNOHANG), 0);
	ck_assert(exists("first"));
	close_fd(&fd);
	ck_assert_int_eq(waitpid(sweeper, NULL, 0), sweeper);
	ck_assert(!exists("first"));
	temp_remove(&temp);
}
END_TEST

START_TEST(images_have_users)
{
	struct record_place place = RECORD_NO_PLACE, begun = RECORD_NO_PLACE;
	struct record record, other;
	char *user;
	struct error err;

	begin();
	claim("begun", &other, &begun);
	claim("web", &record, &place);
	record.image_id = xstrdup("sha256:1");
	ck_assert_int_eq(record_write(&place, &record, &err), 0);
	user = record_image_user(&dirs, "sha256:1");
	ck_assert_str_eq(user, "web");
	free(user);
	ck_assert_ptr_null(record_image_user(&dirs, "sha256:2"));

	/* One that cannot be read may be of any image. */
	ck_assert_int_eq(file_replace_at(&place.dir, "record.json", "{", 1, 0600, FILE_FAST, &err),
			 0);
	user = record_image_user(&dirs, "sha256:2");
	ck_assert_str_eq(user, "web");
	free(user);
	record_fini(&record);
	record_fini(&other);
	record_place_close(&place);
	record_place_close(&begun);
	temp_remove(&temp);
}
END_TEST

TEST_MAIN("engine/record", ids_are_64_digits, what_is_written_is_read,
	  a_new_name_is_free_and_counts, a_torn_or_strange_record_is_named, a_name_has_one_owner,
	  many_claim_at_once, names_are_made_up, finds_by_name_id_and_beginning,
	  sweeps_what_the_dead_left, sweeping_waits_for_creators, images_have_users)
