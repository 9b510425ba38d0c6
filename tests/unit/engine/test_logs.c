/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/str.h"
#include "engine/logs.h"
#include "tests/unit/base/temp.h"
#include "tests/unit/test.h"

static struct temp temp;

static struct log_writer *open_log(uint64_t max_size, int max_files)
{
	const struct log_limits limits = { .max_size = max_size, .max_files = max_files };
	struct log_writer *w = NULL;
	struct error err = { 0 };

	ck_assert_msg(log_writer_open(&temp.dir, &limits, &w, &err) == 0, "%s", err.msg);
	return w;
}

static void put(struct log_writer *w, enum log_stream stream, const char *text)
{
	struct error err = { 0 };

	ck_assert_msg(log_write(w, stream, text, strlen(text), &err) == 0, "%s", err.msg);
}

/* Messages as "o:text" and "e:text", joined by '|'; newlines shown as "$". */
static int note(void *arg, const struct log_entry *entry, struct error *err)
{
	struct str *out = arg;

	(void)err;
	str_addf(out, "%s%c:", out->len ? "|" : "", entry->stream == LOG_STDOUT ? 'o' : 'e');
	for (size_t i = 0; i < entry->len; i++)
		str_add_len(out, entry->data[i] == '\n' ? "$" : &entry->data[i], 1);
	return 0;
}

static char *read_log(const struct log_query *query)
{
	struct str out = { 0 };
	const struct log_sink sink = { .message = note, .arg = &out };
	struct error err = { 0 };

	ck_assert_msg(log_read(&temp.dir, query, &sink, &err) == 0, "%s", err.msg);
	return str_take(&out);
}

static void expect(const struct log_query *query, const char *wanted)
{
	auto_free char *text = read_log(query);

	ck_assert_str_eq(text, wanted);
}

static const struct log_query all = { .tail = -1, .end_fd = -1 };

static off_t size_of(const char *name)
{
	struct stat st;

	return fstatat(temp.dir.fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ? -1 : st.st_size;
}

START_TEST(splits_into_messages)
{
	struct log_writer *w;
	struct error err;

	temp_make(&temp);
	expect(&all, "");
	w = open_log(1 << 20, 5);
	put(w, LOG_STDOUT, "one\ntwo\n\nth");
	put(w, LOG_STDERR, "bad\n");
	expect(&all, "o:one$|o:two$|o:$|e:bad$");
	put(w, LOG_STDOUT, "ree\nlast");
	expect(&all, "o:one$|o:two$|o:$|e:bad$|o:three$");
	ck_assert_int_eq(log_finish(w, LOG_STDOUT, &err), 0);
	ck_assert_int_eq(log_finish(w, LOG_STDERR, &err), 0);
	ck_assert_int_eq(log_finish(w, LOG_STDOUT, &err), 0);
	expect(&all, "o:one$|o:two$|o:$|e:bad$|o:three$|o:last");
	log_writer_free(w);

	/* A restarted container's log goes on. */
	w = open_log(1 << 20, 5);
	put(w, LOG_STDOUT, "again\n");
	expect(&(struct log_query){ .tail = 2, .end_fd = -1 }, "o:last|o:again$");
	log_writer_free(w);
	log_writer_free(NULL);
	temp_remove(&temp);
}
END_TEST

struct piece {
	size_t len;
	bool is_whole;
	int64_t time_ns;
};

struct pieces {
	struct piece items[8];
	size_t n;
};

static int note_piece(void *arg, const struct log_entry *entry, struct error *err)
{
	struct pieces *pieces = arg;

	(void)err;
	ck_assert_uint_lt(pieces->n, ARRAY_LEN(pieces->items));
	pieces->items[pieces->n++] =
		(struct piece){ entry->len, entry->len && entry->data[entry->len - 1] == '\n',
				entry->time_ns };
	return 0;
}

/* However it arrives, a long line is cut at 16 KiB, and its pieces have one time. */
START_TEST(cuts_long_lines)
{
	static const struct {
		size_t len; /* without the newline */
		size_t pieces[4];
	} rows[] = {
		{ 16383, { 16384 } },
		{ 16384, { 16384, 1 } },
		{ 16385, { 16384, 2 } },
		{ 40000, { 16384, 16384, 7233 } },
	};
	static char text[65536];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		for (size_t step = 1000; step <= sizeof(text); step += 7919) {
			struct pieces pieces = { .n = 0 };
			const struct log_sink sink = { .message = note_piece, .arg = &pieces };
			struct log_writer *w;
			struct error err;
			size_t n = 0;

			temp_make(&temp);
			w = open_log(1 << 20, 5);
			memset(text, 'x', rows[i].len);
			text[rows[i].len] = '\n';
			for (size_t at = 0; at <= rows[i].len; at += step)
				ck_assert_int_eq(log_write(w, LOG_STDOUT, text + at,
							   MIN(step, rows[i].len + 1 - at), &err),
						 0);
			ck_assert_int_eq(log_read(&temp.dir, &all, &sink, &err), 0);
			while (n < 4 && rows[i].pieces[n])
				n++;
			ck_assert_uint_eq(pieces.n, n);
			for (size_t j = 0; j < n; j++) {
				ck_assert_uint_eq(pieces.items[j].len, rows[i].pieces[j]);
				ck_assert_int_eq(pieces.items[j].is_whole, j + 1 == n);
				ck_assert_int_eq(pieces.items[j].time_ns, pieces.items[0].time_ns);
			}
			log_writer_free(w);
			temp_remove(&temp);
		}
	}
}
END_TEST

START_TEST(rotates)
{
	struct log_writer *w;
	auto_free char *text = NULL;
	char name[32];

	temp_make(&temp);
	w = open_log(1000, 3);
	for (int i = 0; i < 100; i++) {
		char line[32];

		(void)snprintf(line, sizeof(line), "line %d\n", i);
		put(w, LOG_STDOUT, line);
		for (int n = 0; n < 3; n++) {
			(void)snprintf(name, sizeof(name), n ? LOG_FILE ".%d" : LOG_FILE, n);
			ck_assert_int_lt(size_of(name), 1100);
		}
		ck_assert_int_eq(size_of(LOG_FILE ".3"), -1);
		ck_assert_int_eq(size_of(LOG_FILE ".new"), -1);
	}
	text = read_log(&all);
	ck_assert(!str_starts(text, "o:line 0$"));
	ck_assert(str_ends(text, "|o:line 97$|o:line 98$|o:line 99$"));
	ck_assert_int_gt(size_of(LOG_FILE ".2"), 900);
	log_writer_free(w);

	/* Fewer files than before. */
	w = open_log(1000, 2);
	ck_assert_int_eq(size_of(LOG_FILE ".2"), -1);
	ck_assert_int_gt(size_of(LOG_FILE ".1"), 900);
	log_writer_free(w);
	w = open_log(1000, 1);
	ck_assert_int_eq(size_of(LOG_FILE ".1"), -1);
	for (int i = 0; i < 100; i++) {
		put(w, LOG_STDOUT, "one file alone\n");
		ck_assert_int_lt(size_of(LOG_FILE), 1100);
	}
	ck_assert_int_eq(size_of(LOG_FILE ".1"), -1);
	log_writer_free(w);
	temp_remove(&temp);
}
END_TEST

START_TEST(reads_the_tail)
{
	struct log_writer *w;

	temp_make(&temp);
	w = open_log(300, 9);
	for (int i = 0; i < 20; i++) {
		char line[32];

		(void)snprintf(line, sizeof(line), "%d\n", i);
		put(w, LOG_STDOUT, line);
	}
	/* Every count: within a file, at its edge, beyond. */
	for (int64_t tail = 0; tail < 25; tail++) {
		auto_str struct str wanted = { 0 };

		for (int i = (int)MAX(20 - tail, 0); i < 20; i++)
			str_addf(&wanted, "%so:%d$", wanted.len ? "|" : "", i);
		expect(&(struct log_query){ .tail = tail, .end_fd = -1 },
		       wanted.text ? wanted.text : "");
	}
	log_writer_free(w);
	temp_remove(&temp);
}
END_TEST

static void put_file(const char *name, const char *text)
{
	struct error err;

	ck_assert_int_eq(
		file_replace_at(&temp.dir, name, text, strlen(text), 0600, FILE_FAST, &err), 0);
}

#define LINE(text, second)                                                                   \
	"{\"log\":\"" text "\\n\",\"stream\":\"stdout\",\"time\":\"1970-01-01T00:00:" second \
	"Z\"}\n"

START_TEST(reads_between_times)
{
	static const struct {
		int64_t since, until; /* s */
		const char *wanted;
	} rows[] = {
		{ 0, 0, "o:a$|o:b$|o:c$|o:d$" },
		{ 20, 0, "o:b$|o:c$|o:d$" },
		{ 21, 0, "o:c$|o:d$" },
		{ 0, 30, "o:a$|o:b$|o:c$" },
		{ 20, 29, "o:b$" },
		{ 50, 0, "" },
		{ 1, 5, "" },
	};

	temp_make(&temp);
	put_file(LOG_FILE ".1", LINE("a", "10") LINE("b", "20"));
	put_file(LOG_FILE, LINE("c", "30") LINE("d", "40"));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		expect(&(struct log_query){ .since_ns = rows[i].since * 1000000000,
					    .until_ns = rows[i].until * 1000000000,
					    .tail = -1,
					    .end_fd = -1 },
		       rows[i].wanted);
	temp_remove(&temp);
}
END_TEST

START_TEST(passes_over_what_is_torn)
{
	struct log_writer *w;
	auto_str struct str text = { 0 };

	temp_make(&temp);
	put_file(LOG_FILE ".1", LINE("a", "10") "{\"log\":\"half");
	str_add(&text, "nonsense\n" LINE("b", "20"));
	for (size_t i = 0; i < LOG_LINE_MAX * 2; i++)
		str_add_len(&text, "x", 1);
	str_add(&text, "\n" LINE("c", "30") "{\"log\":\"torn");
	put_file(LOG_FILE, text.text);
	expect(&all, "o:a$|o:b$|o:c$");
	expect(&(struct log_query){ .tail = 1, .end_fd = -1 }, "o:c$");

	/* Who goes on writing closes the torn line first. */
	w = open_log(1 << 20, 5);
	put(w, LOG_STDERR, "d\n");
	expect(&all, "o:a$|o:b$|o:c$|e:d$");
	log_writer_free(w);
	temp_remove(&temp);
}
END_TEST

START_TEST(follows_no_links)
{
	const struct log_limits limits = { .max_size = 1000, .max_files = 2 };
	struct log_writer *w = NULL;
	struct error err;
	struct str out = { 0 };
	const struct log_sink sink = { .message = note, .arg = &out };

	temp_make(&temp);
	put_file("secret", LINE("secret", "10"));
	ck_assert_int_eq(symlinkat("secret", temp.dir.fd, LOG_FILE), 0);
	ck_assert_int_eq(log_writer_open(&temp.dir, &limits, &w, &err), -ELOOP);
	ck_assert_int_eq(log_read(&temp.dir, &all, &sink, &err), -ELOOP);
	ck_assert_uint_eq(out.len, 0);
	ck_assert_int_eq(unlinkat(temp.dir.fd, LOG_FILE, 0), 0);
	ck_assert_int_eq(mkfifoat(temp.dir.fd, LOG_FILE, 0600), 0);
	ck_assert_int_lt(log_writer_open(&temp.dir, &limits, &w, &err), 0);
	ck_assert_int_eq(log_read(&temp.dir, &all, &sink, &err), 0);
	temp_remove(&temp);
}
END_TEST

/* Writes in a process whose files cannot grow beyond @limit; what the last log_write() returned. */
static int write_limited(struct log_writer *w, rlim_t limit, const char *const texts[])
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		const struct rlimit small = { .rlim_cur = limit, .rlim_max = limit };
		struct error err;
		int rc = setrlimit(RLIMIT_FSIZE, &small);

		(void)signal(SIGXFSZ, SIG_IGN);
		for (size_t i = 0; texts[i]; i++)
			rc = log_write(w, LOG_STDOUT, texts[i], strlen(texts[i]), &err);
		_exit(-rc);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return -WEXITSTATUS(status);
}

/* A limit on files' sizes stands in for a full disk. */
START_TEST(loses_output_on_a_full_disk_and_goes_on)
{
	struct log_writer *w;

	temp_make(&temp);
	w = open_log(1 << 20, 5);
	/* Told once; no half line is left. */
	ck_assert_int_eq(write_limited(w, 250, (const char *[]){ "1\n", "2\n", NULL }), 0);
	ck_assert_int_eq(write_limited(w, 250, (const char *[]){ "lost\n", NULL }), 0);
	log_writer_free(w);
	w = open_log(1 << 20, 5);
	ck_assert_int_eq(write_limited(w, 250, (const char *[]){ "lost\n", NULL }), -EFBIG);
	ck_assert_int_eq(
		write_limited(w, 250, (const char *[]){ "lost\n", "lost\n", "lost\n", NULL }), 0);
	expect(&all, "o:1$|o:2$|o:lost$");
	put(w, LOG_STDOUT, "later\n");
	expect(&all, "o:1$|o:2$|o:lost$|o:later$");
	log_writer_free(w);
	temp_remove(&temp);
}
END_TEST

/* ---- following -------------------------------------------------------------------------------- */

/* How far the writer may be ahead of the reader, in lines. */
#define WINDOW 20

/*
 * Writes lines 0 to n - 1 in another process, in pieces of all sizes; the pid.  @pace: gives a byte
 * for each line that has been read, or -1: nobody is waited for.
 */
static pid_t write_elsewhere(int n, uint64_t max_size, int max_files, int pace)
{
	pid_t pid = fork();
	struct log_writer *w;
	auto_str struct str text = { 0 };
	struct error err;
	int lines = 0;

	ck_assert_int_ge(pid, 0);
	if (pid)
		return pid;
	w = open_log(max_size, max_files);
	for (int i = 0; i < n; i++)
		str_addf(&text, "%d\n", i);
	for (size_t at = 0, step = 1; at < text.len; at += step, step = step % 97 + 1) {
		size_t len = MIN(step, text.len - at);
		char byte;

		(void)log_write(w, LOG_STDOUT, text.text + at, len, &err);
		for (size_t i = at; i < at + len; i++) {
			if (text.text[i] == '\n' && ++lines > WINDOW && pace >= 0)
				(void)!read(pace, &byte, 1);
		}
	}
	log_writer_free(w);
	_exit(0);
}

struct counted {
	int next;
	int gaps;
	int pace; /* gets a byte for each */
};

static int count(void *arg, const struct log_entry *entry, struct error *err)
{
	struct counted *c = arg;
	char text[16] = { 0 };
	int number;

	(void)err;
	memcpy(text, entry->data, MIN(entry->len, sizeof(text) - 1));
	number = atoi(text);
	ck_assert_msg(number >= c->next, "%d comes behind %d", number, c->next - 1);
	c->gaps += number > c->next;
	c->next = number + 1;
	(void)!write(c->pace, "x", 1);
	return 0;
}

static void follow_to_the_end(int n, uint64_t max_size, int max_files, bool is_paced,
			      struct counted *ret)
{
	const struct log_sink sink = { .message = count, .arg = ret };
	struct log_query query = { .tail = -1, .is_followed = true };
	struct error err = { 0 };
	int ends[2], pace[2];
	pid_t pid;

	temp_make(&temp);
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(pace, O_CLOEXEC), 0);
	ck_assert_int_eq(fcntl(pace[1], F_SETFL, O_NONBLOCK), 0);
	*ret = (struct counted){ .pace = pace[1] };
	pid = write_elsewhere(n, max_size, max_files, is_paced ? pace[0] : -1);
	/* The end of the pipe is the end of the writer. */
	close_fd(&ends[1]);
	query.end_fd = ends[0];
	ck_assert_msg(log_read(&temp.dir, &query, &sink, &err) == 0, "%s", err.msg);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	ck_assert_int_eq(ret->next, n);
	close_fd(&ends[0]);
	close_fd(&pace[0]);
	close_fd(&pace[1]);
	temp_remove(&temp);
}

START_TEST(follows_over_rotations)
{
	struct counted c;

	/* Not too fast for the reader: nothing is missed. */
	follow_to_the_end(3000, 2000, 4, true, &c);
	ck_assert_int_eq(c.gaps, 0);
	follow_to_the_end(20000, 1 << 20, 2, false, &c);
	ck_assert_int_eq(c.gaps, 0);
	/* Too fast: what is missed is missed, but all is in order and the end is reached. */
	follow_to_the_end(20000, 500, 2, false, &c);
}
END_TEST

static int stop_at_three(void *arg, const struct log_entry *entry, struct error *err)
{
	int *left = arg;

	(void)entry;
	return --*left == 0 ? err_set(err, EPIPE, "enough") : 0;
}

START_TEST(stops_when_told)
{
	int left = 3;
	const struct log_sink sink = { .message = stop_at_three, .arg = &left };
	const struct log_query query = { .tail = -1, .is_followed = true, .end_fd = -1 };
	struct log_query until = { .tail = -1, .is_followed = true, .end_fd = -1 };
	struct error err;
	struct log_writer *w;
	int64_t begun;

	temp_make(&temp);
	w = open_log(1000, 2);
	put(w, LOG_STDOUT, "1\n2\n3\n4\n");
	ck_assert_int_eq(log_read(&temp.dir, &query, &sink, &err), -EPIPE);
	ck_assert_int_eq(left, 0);

	/* Until a moment that is still to come. */
	begun = clock_boot_ns();
	until.until_ns = clock_real_ns() + 150000000;
	expect(&until, "o:1$|o:2$|o:3$|o:4$");
	ck_assert_int_ge(clock_boot_ns() - begun, 140000000);
	log_writer_free(w);
	temp_remove(&temp);
}
END_TEST

/* ---- text and collectors ---------------------------------------------------------------------- */

START_TEST(prints_text)
{
	struct log_printer printer = { .has_timestamps = true, .prefix = "web | " };
	const struct log_sink sink = log_printer_sink(&printer);
	struct error err;
	char text[1000] = { 0 };
	int out[2], errors[2];

	temp_make(&temp);
	put_file(
		LOG_FILE,
		LINE("a",
		     "10.5") "{\"log\":\"b\",\"stream\":\"stdout\",\"time\":\"1970-01-01T00:00:11Z\"}\n"
			     "{\"log\":\"bad\\n\",\"stream\":\"stderr\",\"time\":\"1970-01-01T00:00:11Z\"}\n" LINE(
				     "b", "12"));
	ck_assert_int_eq(pipe2(out, O_CLOEXEC | O_NONBLOCK), 0);
	ck_assert_int_eq(pipe2(errors, O_CLOEXEC | O_NONBLOCK), 0);
	printer.fds[LOG_STDOUT] = out[1];
	printer.fds[LOG_STDERR] = errors[1];
	ck_assert_int_eq(log_read(&temp.dir, &all, &sink, &err), 0);
	ck_assert_int_gt(read(out[0], text, sizeof(text) - 1), 0);
	ck_assert_str_eq(text, "web | 1970-01-01T00:00:10.500000000Z a\n"
			       "web | 1970-01-01T00:00:11.000000000Z bb\n");
	memset(text, 0, sizeof(text));
	ck_assert_int_gt(read(errors[0], text, sizeof(text) - 1), 0);
	ck_assert_str_eq(text, "web | 1970-01-01T00:00:11.000000000Z bad\n");
	log_printer_fini(&printer);
	for (int i = 0; i < 2; i++) {
		close_fd(&out[i]);
		close_fd(&errors[i]);
	}
	temp_remove(&temp);
}
END_TEST

static void on_end(void *arg)
{
	loop_stop(arg, 7);
}

START_TEST(collects_on_a_loop)
{
	struct error err = { 0 };
	auto_loop struct loop *loop = loop_new(&err);
	struct log_writer *w;
	struct log_collector *c;
	int ends[2];

	temp_make(&temp);
	w = open_log(1 << 20, 5);
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	ck_assert_int_eq(write(ends[1], "a\nb", 3), 3);
	c = log_collect(w, loop, ends[0], LOG_STDERR, on_end, loop, &err);
	ck_assert_ptr_nonnull(c);
	close_fd(&ends[1]);
	ck_assert_int_eq(loop_run(loop, &err), 7);
	expect(&all, "e:a$|e:b");
	log_collector_free(c);

	/* Somebody may still have the other end open. */
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	ck_assert_int_eq(write(ends[1], "c\nd", 3), 3);
	c = log_collect(w, loop, ends[0], LOG_STDOUT, on_end, loop, &err);
	log_collect_drain(c);
	expect(&all, "e:a$|e:b|o:c$|o:d");
	log_collector_free(c);
	close_fd(&ends[1]);
	log_collector_free(NULL);
	log_writer_free(w);
	temp_remove(&temp);
}
END_TEST

TEST_MAIN("engine/logs", splits_into_messages, cuts_long_lines, rotates, reads_the_tail,
	  reads_between_times, passes_over_what_is_torn, follows_no_links,
	  loses_output_on_a_full_disk_and_goes_on, follows_over_rotations, stops_when_told,
	  prints_text, collects_on_a_loop)
