/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/proc.h"
#include "runtime/state.h"
#include "tests/unit/base/temp.h"
#include "tests/unit/test.h"

/* ---- the directory ---------------------------------------------------------------------------- */

START_TEST(directories_are_made_once)
{
	struct error err = { 0 };
	auto_free char *root = NULL;
	struct temp temp;
	struct stat st;
	int fd;

	temp_make(&temp);
	root = path_join(temp.path, "deep/root");
	ck_assert_int_eq(state_open_dir(root, "box", &err), -ENOENT);
	ck_assert_str_eq(err.msg, "container does not exist");
	fd = state_make_dir(root, "box", &err);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0700);
	ck_assert_int_eq(stat(root, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0700);
	ck_assert_int_eq(state_make_dir(root, "box", &err), -EEXIST);
	ck_assert_str_eq(err.msg, "container with given ID already exists");
	ck_assert_int_eq(state_remove_dir(root, "box", &err), 0);
	ck_assert_int_eq(state_open_dir(root, "box", &err), -ENOENT);
	close_fd(&fd);
	temp_remove(&temp);
}
END_TEST

/* Somebody who takes a directory as soon as it is there, and writes his record into it. */
static _Noreturn void take_again_and_again(const char *root)
{
	auto_free char *path = path_join(root, "box");

	for (;;) {
		auto_fd int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		auto_fd int file = -1;

		if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
			file = openat(fd, STATE_FILE, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	}
}

START_TEST(who_makes_one_has_it_alone)
{
	enum { ROUNDS = 2000 };
	struct error err = { 0 };
	struct temp temp;
	pid_t taker;

	temp_make(&temp);
	taker = fork();
	ck_assert_int_ge(taker, 0);
	if (taker == 0)
		take_again_and_again(temp.path);
	for (int i = 0; i < ROUNDS; i++) {
		auto_fd int fd = state_make_dir(temp.path, "box", &err);

		if (fd >= 0)
			ck_assert_int_lt(faccessat(fd, STATE_FILE, F_OK, 0), 0);
		else
			ck_assert_int_eq(fd, -EEXIST);
		while (state_remove_dir(temp.path, "box", &err) < 0)
			;
	}
	ck_assert_int_eq(kill(taker, SIGKILL), 0);
	ck_assert_int_eq(waitpid(taker, NULL, 0), taker);
	temp_remove(&temp);
}
END_TEST

START_TEST(ids_are_checked)
{
	static const char *const ids[] = { "", ".", "..", "a/b", "/a", "-a", "a b", "a\n" };
	struct error err = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		ck_assert_msg(state_open_dir("/tmp", ids[i], &err) == -EINVAL, "'%s'", ids[i]);
		ck_assert_str_eq(err.msg, "invalid container ID format");
		ck_assert_int_eq(state_lock_dir("/tmp", ids[i], &err), -EINVAL);
	}
}
END_TEST

/* Locks in another process, which has no part in @held; its exit status tells what it got. */
static pid_t lock_elsewhere(const char *root, int held)
{
	pid_t pid = fork();
	struct error err = { 0 };

	if (pid != 0)
		return pid;
	close_fd(&held);
	_exit(state_lock_dir(root, "box", &err) == -ENOENT &&
			      strcmp(err.msg, "container does not exist") == 0
		      ? 0
		      : 1);
}

static bool is_waiting(pid_t pid)
{
	int status;

	(void)nanosleep(&(struct timespec){ .tv_nsec = 100000000 }, NULL);
	return waitpid(pid, &status, WNOHANG) == 0;
}

/* Who waits for the lock of a container that is deleted must not go on with its old directory, even
 * if another one of that name is there by then. */
START_TEST(a_deleted_one_cannot_be_locked)
{
	struct error err = { 0 };
	struct temp temp;
	int status = -1;
	pid_t pid;
	int fd;

	temp_make(&temp);
	fd = state_make_dir(temp.path, "box", &err);
	ck_assert_int_ge(fd, 0);
	pid = lock_elsewhere(temp.path, fd);
	ck_assert(is_waiting(pid));
	ck_assert_int_eq(state_remove_dir(temp.path, "box", &err), 0);
	ck_assert_int_eq(mkdirat(temp.dir.fd, "box", 0700), 0);
	close_fd(&fd);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	temp_remove(&temp);
}
END_TEST

START_TEST(the_lock_ends_with_its_descriptor)
{
	struct error err = { 0 };
	struct temp temp;
	int first, second;

	temp_make(&temp);
	first = state_make_dir(temp.path, "box", &err);
	ck_assert_int_ge(first, 0);
	close_fd(&first);
	second = state_lock_dir(temp.path, "box", &err);
	ck_assert_int_ge(second, 0);
	close_fd(&second);
	temp_remove(&temp);
}
END_TEST

/* ---- the record ------------------------------------------------------------------------------- */

static void fill(struct state_record *r)
{
	*r = (struct state_record){ .is_created = true };
	r->state = (struct container_state){
		.id = xstrdup("box"),
		.bundle = xstrdup("/srv/bundle \"x\""),
		.rootfs = xstrdup("/srv/bundle/rootfs"),
		.cgroup_path = xstrdup("minictr/box"),
		.owner = xstrdup("root"),
		.pid = 4711,
		.start_time = UINT64_MAX / 2,
		.created_ns = 1700000000000000001,
	};
	strv_add(&r->state.annotations, "key=value=x");
	memcpy(r->boot_id, "01234567-89ab-cdef-0123-456789abcdef", sizeof(r->boot_id));
	r->poststop.items = xcalloc(1, sizeof(*r->poststop.items));
	r->poststop.n = 1;
	r->poststop.items[0].path = xstrdup("/bin/true");
	strv_add(&r->poststop.items[0].args, "true");
	strv_add(&r->poststop.items[0].env, "A=b");
	r->poststop.items[0].timeout = 7;
}

START_TEST(records_survive_writing)
{
	struct state_record written, read;
	struct error err = { 0 };
	struct temp temp;
	struct stat st;

	temp_make(&temp);
	fill(&written);
	written.is_created = false;
	ck_assert_int_eq(state_read(&temp.dir, &read, &err), -ENOENT);
	ck_assert_int_eq(state_write(&temp.dir, &written, &err), 0);
	ck_assert_int_eq(state_write(&temp.dir, &written, &err), -EEXIST);
	ck_assert_int_eq(state_read(&temp.dir, &read, &err), 0);
	ck_assert(!read.is_created);
	state_record_fini(&read);
	written.is_created = true;
	ck_assert_int_eq(state_write(&temp.dir, &written, &err), 0);
	ck_assert_int_eq(fstatat(temp.dir.fd, STATE_FILE, &st, 0), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	ck_assert_msg(state_read(&temp.dir, &read, &err) == 0, "%s", err.msg);
	ck_assert_str_eq(read.state.id, "box");
	ck_assert_str_eq(read.state.bundle, "/srv/bundle \"x\"");
	ck_assert_str_eq(read.state.rootfs, "/srv/bundle/rootfs");
	ck_assert_str_eq(read.state.cgroup_path, "minictr/box");
	ck_assert_str_eq(read.state.owner, "root");
	ck_assert_str_eq(read.boot_id, written.boot_id);
	ck_assert(read.is_created);
	ck_assert_int_eq(read.state.pid, 4711);
	ck_assert_uint_eq(read.state.start_time, UINT64_MAX / 2);
	ck_assert_int_eq(read.state.created_ns, 1700000000000000001);
	ck_assert_str_eq(read.state.annotations.items[0], "key=value=x");
	ck_assert_uint_eq(read.poststart.n, 0);
	ck_assert_uint_eq(read.poststop.n, 1);
	ck_assert_str_eq(read.poststop.items[0].path, "/bin/true");
	ck_assert_str_eq(read.poststop.items[0].args.items[0], "true");
	ck_assert_str_eq(read.poststop.items[0].env.items[0], "A=b");
	ck_assert_int_eq(read.poststop.items[0].timeout, 7);
	state_record_fini(&written);
	state_record_fini(&read);
	temp_remove(&temp);
}
END_TEST

START_TEST(bad_records_are_refused)
{
	static const char *const texts[] = {
		"\n",
		"{\n",
		"{}\n",
		"[]\n",
		"{\"id\": 5}\n",
		"{\"id\": \"box\"}\n{}\n",
		"{\"id\": \"box\", \"pid\": \"1\"}\n",
		"{\"id\": \"box\", \"startTime\": -1}\n",
		"{\"id\": \"box\", \"poststop\": [{}]}\n",
	};
	struct error err = { 0 };
	struct temp temp;

	temp_make(&temp);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct state_record record = { 0 };

		ck_assert_int_eq(file_replace_at(&temp.dir, STATE_FILE, texts[i], strlen(texts[i]),
						 0600, FILE_FAST, &err),
				 0);
		ck_assert_msg(state_read(&temp.dir, &record, &err) == -EINVAL, "%s", texts[i]);
		ck_assert_msg(str_starts(err.msg, "read state of '"), "%s", err.msg);
	}
	temp_remove(&temp);
}
END_TEST

START_TEST(a_torn_line_does_not_count)
{
	static const char *const texts[] = {
		"",
		"{\"id\": \"box\"",
		"{\"id\": \"box\"}",
		"{\"id\": \"box\"}\n",
		"{\"id\": \"box\"}\n{",
		"{\"id\": \"other\"}\n{\"id\": \"box\"}\n{\"id\": \"cut\"}"
	};
	struct error err = { 0 };
	struct temp temp;

	temp_make(&temp);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct state_record record = { 0 };
		int rc;

		ck_assert_int_eq(file_replace_at(&temp.dir, STATE_FILE, texts[i], strlen(texts[i]),
						 0600, FILE_FAST, &err),
				 0);
		rc = state_read(&temp.dir, &record, &err);
		ck_assert_msg(rc == (strchr(texts[i], '\n') ? 0 : -ENOENT), "%s: %d", texts[i], rc);
		if (rc == 0)
			ck_assert_str_eq(record.state.id, "box");
		state_record_fini(&record);
	}
	temp_remove(&temp);
}
END_TEST

/* ---- the status ------------------------------------------------------------------------------- */

static void check_status(const struct temp *temp, const struct state_record *r,
			 enum container_status wanted, bool has_pidfd, const char *what)
{
	int pidfd = 5;
	enum container_status got = state_status(&temp->dir, r, &pidfd);

	ck_assert_msg(got == wanted, "%s: %s, wanted %s", what, container_status_name(got),
		      container_status_name(wanted));
	ck_assert_msg((pidfd >= 0) == has_pidfd, "%s: pidfd %d", what, pidfd);
	close_fd(&pidfd);
}

START_TEST(the_status_is_that_of_the_process)
{
	struct state_record r = { .is_created = true };
	struct error err = { 0 };
	struct temp temp;
	pid_t pid;

	temp_make(&temp);
	pid = fork();
	if (pid == 0) {
		(void)pause();
		_exit(0);
	}
	r.state.pid = pid;
	proc_boot_id(r.boot_id);
	ck_assert_int_eq(proc_start_time(pid, &r.state.start_time, &err), 0);

	check_status(&temp, &r, CONTAINER_RUNNING, true, "a living process");
	ck_assert_int_eq(mkfifoat(temp.dir.fd, STATE_FIFO, 0600), 0);
	check_status(&temp, &r, CONTAINER_CREATED, true, "one at the gate");
	ck_assert_int_eq(unlinkat(temp.dir.fd, STATE_FIFO, 0), 0);
	r.is_created = false;
	check_status(&temp, &r, CONTAINER_CREATING, false, "one that is being made");
	r.is_created = true;

	/* The number belongs to somebody else by now. */
	r.state.start_time++;
	check_status(&temp, &r, CONTAINER_STOPPED, false, "another start time");
	r.state.start_time--;
	r.boot_id[0] = r.boot_id[0] == '0' ? '1' : '0';
	check_status(&temp, &r, CONTAINER_STOPPED, false, "another boot");
	proc_boot_id(r.boot_id);

	/* Ended, and not waited for yet. */
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitid(P_PID, (id_t)pid, &(siginfo_t){ 0 }, WEXITED | WNOWAIT), 0);
	check_status(&temp, &r, CONTAINER_STOPPED, false, "a zombie");
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	check_status(&temp, &r, CONTAINER_STOPPED, false, "nobody");
	ck_assert_int_eq(state_status(&temp.dir, &r, NULL), CONTAINER_STOPPED);
	temp_remove(&temp);
}
END_TEST

/* ---- the document ----------------------------------------------------------------------------- */

START_TEST(the_document_is_runcs)
{
	struct state_record r;
	auto_free char *running = NULL;
	auto_free char *stopped = NULL;

	fill(&r);
	r.state.status = CONTAINER_RUNNING;
	running = state_json(&r.state, 2);
	ck_assert_str_eq(running, "{\n"
				  "  \"ociVersion\": \"1.3.0\",\n"
				  "  \"id\": \"box\",\n"
				  "  \"pid\": 4711,\n"
				  "  \"status\": \"running\",\n"
				  "  \"bundle\": \"/srv/bundle \\\"x\\\"\",\n"
				  "  \"rootfs\": \"/srv/bundle/rootfs\",\n"
				  "  \"created\": \"2023-11-14T22:13:20.000000001Z\",\n"
				  "  \"annotations\": {\n"
				  "    \"key\": \"value=x\"\n"
				  "  },\n"
				  "  \"owner\": \"root\"\n"
				  "}");
	strv_fini(&r.state.annotations);
	r.state.status = CONTAINER_STOPPED;
	stopped = state_json(&r.state, 0);
	ck_assert_str_eq(
		stopped,
		"{\"ociVersion\":\"1.3.0\",\"id\":\"box\",\"pid\":0,\"status\":\"stopped\","
		"\"bundle\":\"/srv/bundle \\\"x\\\"\",\"rootfs\":\"/srv/bundle/rootfs\","
		"\"created\":\"2023-11-14T22:13:20.000000001Z\",\"owner\":\"root\"}");
	state_record_fini(&r);
}
END_TEST

START_TEST(times_are_as_go_writes_them)
{
	static const struct {
		int64_t ns;
		const char *text;
	} rows[] = {
		{ 0, "1970-01-01T00:00:00Z" },
		{ 1, "1970-01-01T00:00:00.000000001Z" },
		{ 100000000, "1970-01-01T00:00:00.1Z" },
		{ 1230000000, "1970-01-01T00:00:01.23Z" },
		{ 951782400000000000, "2000-02-29T00:00:00Z" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char id[] = "x";
		const struct container_state state = { .id = id, .created_ns = rows[i].ns };
		auto_free char *json = state_json(&state, 0);
		auto_free char *wanted = xasprintf("\"created\":\"%s\"", rows[i].text);

		ck_assert_msg(strstr(json, wanted) != NULL, "%s: wanted %s", json, wanted);
	}
}
END_TEST

TEST_MAIN("runtime/state", directories_are_made_once, who_makes_one_has_it_alone, ids_are_checked,
	  a_deleted_one_cannot_be_locked, the_lock_ends_with_its_descriptor,
	  records_survive_writing, a_torn_line_does_not_count, bad_records_are_refused,
	  the_status_is_that_of_the_process, the_document_is_runcs, times_are_as_go_writes_them)
