/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/proc.h"
#include "cli/explain.h"
#include "cli/explain_internal.h"
#include "tests/unit/base/temp.h"
#include "tests/unit/test.h"

#define WORDS(...) ((char *[]){ __VA_ARGS__, NULL })
#define HOST(phase_, ns_, ...)                                                      \
	{                                                                           \
		.who = STEP_HOST, .kind = STEP_RUN, .ns = (ns_), .phase = (phase_), \
		.argv = WORDS(__VA_ARGS__)                                          \
	}
#define INIT(phase_, ns_, ...)                                                      \
	{                                                                           \
		.who = STEP_INIT, .kind = STEP_RUN, .ns = (ns_), .phase = (phase_), \
		.argv = WORDS(__VA_ARGS__)                                          \
	}
#define KIND(who_, kind_, phase_, ns_, ...)                                              \
	{                                                                                \
		.who = (who_), .kind = (kind_), .ns = (ns_), .is_announced = (ns_) == 0, \
		.phase = (phase_), .argv = WORDS(__VA_ARGS__)                            \
	}

/* Literals are char arrays; the records want them without const, and nobody writes to them. */
#ifdef __clang__
#	pragma clang diagnostic ignored "-Wincompatible-pointer-types-discards-qualifiers"
#else
#	pragma GCC diagnostic ignored "-Wdiscarded-qualifiers"
#endif

static char nft_input[] = "add table inet minictr\n"
			  "add element inet minictr published { tcp . 8080 : 10.88.0.2 . 80 }\n"
			  "EOF\n";

/* A whole run, as the engine and the runtime record it. */
static struct step_record whole[] = {
	HOST("cgroup", 31200, "mkdir", "/sys/fs/cgroup/memory/minictr/web"),
	KIND(STEP_HOST, STEP_WRITE, "cgroup", 9100, "67108864",
	     "/sys/fs/cgroup/memory/minictr/web/memory.limit_in_bytes"),
	KIND(STEP_HOST, STEP_CLONE, "namespaces", 412000, "4711", "unshare", "--user", "--mount",
	     "--pid", "--net", "--fork"),
	KIND(STEP_HOST, STEP_WRITE, "namespaces", 12000, "0 1000 1\n", "/proc/4711/uid_map"),
	KIND(STEP_INIT, STEP_WRITE, "cgroup", 8000, "0", "/sys/fs/cgroup/memory/minictr/web/tasks"),
	INIT("namespaces", 7000, "unshare", "--cgroup"),
	INIT("rootfs", 58000, "mount", "-t", "proc", "-o", "nosuid,noexec,nodev", "proc",
	     "/run/web/rootfs/proc"),
	INIT("rootfs", 4000, "ln", "-s", "/proc/self/fd", "/run/web/rootfs/dev/fd"),
	INIT("rootfs", 4000, "cd", "/run/web/rootfs"),
	INIT("rootfs", 44000, "pivot_root", ".", "."),
	INIT("rootfs", 21000, "umount", "-l", "."),
	INIT("rootfs", 7000, "mount", "-o", "remount,bind,ro", "/proc/sys"),
	HOST("network", 1900000, "ip", "link", "add", "mc0", "type", "veth", "peer", "name", "eth0",
	     "netns", "4711"),
	HOST("network", 84000, "nsenter", "--net=/proc/4711/ns/net", "ip", "addr", "add",
	     "10.88.0.2/16", "dev", "eth0"),
	{ .who = STEP_HOST,
	  .kind = STEP_INPUT,
	  .ns = 730000,
	  .phase = "network",
	  .argv = WORDS("nft", "-f", "-"),
	  .input = nft_input },
	INIT("identity", 3000, "hostname", "web"),
	KIND(STEP_INIT, STEP_WRAP, "credentials", 2000, "prlimit", "--nofile=1024:2048"),
	KIND(STEP_INIT, STEP_WRAP, "credentials", 2000, "setpriv", "--bounding-set=-all,+chown"),
	KIND(STEP_INIT, STEP_WRAP, "credentials", 2000, "setpriv", "--reuid=1000", "--regid=1000",
	     "--clear-groups"),
	KIND(STEP_INIT, STEP_NOTE, "seccomp", 0, "seccomp: load filter, 74 syscalls"),
	INIT("exec", 1000, "cd", "/srv"),
	KIND(STEP_INIT, STEP_WRAP, "exec", 0, "env", "-i", "PATH=/bin", "GREETING=it's\na \"$x\""),
	KIND(STEP_INIT, STEP_EXEC, "exec", 0, "nginx", "-g", "daemon off;", ""),
	HOST("state", 9000, "rmdir", "/sys/fs/cgroup/memory/minictr/web"),
};

static char table_input[] = "table inet minictr {\n"
			    "\tset networks {\n"
			    "\t\ttype ifname\n"
			    "\t\telements = { \"mc-1\" }\n"
			    "\t}\n"
			    "\tset networks_internal {\n"
			    "\t\ttype ifname\n"
			    "\t}\n"
			    "}\n";

/* Of a stack: its networks, and a container that is looked after by the engine. */
static struct step_record networks[] = {
	{ .who = STEP_HOST,
	  .kind = STEP_INPUT,
	  .ns = 730000,
	  .phase = "network",
	  .argv = WORDS("nft", "-f", "-"),
	  .input = table_input },
	HOST("network", 90000, "ip", "link", "add", "mc-1", "type", "bridge"),
	HOST("network", 40000, "nft", "add", "element", "inet", "minictr", "networks",
	     "{ \"mc-2\" }"),
};
static struct step_record short_one[] = {
	HOST("record", 31200, "mkdir", "/var/lib/minictr/containers/job"),
	HOST("files", 31200, "mkdir", "/var/lib/minictr/containers/job/upper"),
	HOST("network", 90000, "ip", "link", "add", "minictr0", "type", "bridge"),
	KIND(STEP_HOST, STEP_CLONE, "namespaces", 412000, "17", "unshare", "--mount", "--fork"),
	KIND(STEP_INIT, STEP_EXEC, "exec", 0, "echo", "CONTAINER"),
};

/* One that stopped at a step that failed. */
static struct step_record failed[] = {
	HOST("cgroup", 31200, "mkdir", "/sys/fs/cgroup/minictr/web"),
	{ .who = STEP_HOST,
	  .kind = STEP_WRITE,
	  .ns = 9100,
	  .rc = -22,
	  .phase = "cgroup",
	  .argv = WORDS("x\\y\033[2J", "/sys/fs/cgroup/minictr/web/memory.max") },
};

/* The first line that differs is enough to find it; UPDATE_GOLDEN=1 writes the files anew. */
static void expect_golden(const char *name, const char *text)
{
	const char *data = getenv("TEST_DATA");
	auto_free char *path = NULL;
	auto_free char *expected = NULL;
	auto_strv struct strv got_lines = { 0 };
	auto_strv struct strv lines = { 0 };
	struct error err = { 0 };

	ck_assert_msg(data, "TEST_DATA is not set: run by meson test");
	path = xasprintf("%s/explain/%s", data, name);
	if (getenv("UPDATE_GOLDEN")) {
		const struct dir here = { .fd = AT_FDCWD, .path = "." };

		ck_assert_int_eq(
			file_replace_at(&here, path, text, strlen(text), 0644, FILE_FAST, &err), 0);
	}
	ck_assert_msg(file_read(path, 1 << 20, &expected, NULL, &err) == 0, "%s", err.msg);
	strv_split(&got_lines, text, '\n');
	strv_split(&lines, expected, '\n');
	for (size_t i = 0; i < got_lines.n && i < lines.n; i++)
		ck_assert_str_eq(got_lines.items[i], lines.items[i]);
	ck_assert_uint_eq(got_lines.n, lines.n);
}

static char *render(enum explain_form form, const struct step_record *records, size_t n)
{
	struct str text = { 0 };

	explain_render(form, records, n, &text);
	return str_take(&text);
}

START_TEST(renders_text)
{
	auto_free char *text = render(EXPLAIN_TEXT, whole, ARRAY_LEN(whole));

	expect_golden("whole.txt", text);
}
END_TEST

START_TEST(renders_json)
{
	auto_free char *text = render(EXPLAIN_JSON, whole, ARRAY_LEN(whole));

	expect_golden("whole.json", text);
}
END_TEST

static void check_syntax(const char *script)
{
	char *argv[] = { "sh", "-n", NULL };
	const struct helper helper = { .argv = argv, .input = script, .timeout_ms = 10000 };
	struct error err = { 0 };

	ck_assert_msg(helper_run(&helper, &err) == 0, "%s", err.msg);
}

START_TEST(renders_a_script)
{
	auto_free char *text = render(EXPLAIN_SCRIPT, whole, ARRAY_LEN(whole));

	expect_golden("whole.sh", text);
	check_syntax(text);
}
END_TEST

START_TEST(renders_a_failure)
{
	auto_free char *text = render(EXPLAIN_TEXT, failed, ARRAY_LEN(failed));
	auto_free char *script = render(EXPLAIN_SCRIPT, failed, ARRAY_LEN(failed));

	expect_golden("failed.txt", text);
	expect_golden("failed.sh", script);
	check_syntax(script);
}
END_TEST

static void expect_parts(enum explain_form form, const char *name)
{
	const struct explain_part parts[] = {
		{ NULL, networks, ARRAY_LEN(networks), false },
		{ "job", short_one, ARRAY_LEN(short_one), true },
		{ "web", whole, ARRAY_LEN(whole), false },
		{ "old", NULL, 0, false },
	};
	auto_str struct str text = { 0 };

	explain_render_parts(form, parts, ARRAY_LEN(parts), &text);
	expect_golden(name, text.text);
	if (form == EXPLAIN_SCRIPT)
		check_syntax(text.text);
}

START_TEST(renders_several)
{
	auto_str struct str text = { 0 };

	expect_parts(EXPLAIN_TEXT, "parts.txt");
	expect_parts(EXPLAIN_JSON, "parts.json");
	expect_parts(EXPLAIN_SCRIPT, "parts.sh");
	explain_render_parts(EXPLAIN_SCRIPT, NULL, 0, &text);
	check_syntax(text.text);
	text.len = 0;
	explain_render_parts(EXPLAIN_TEXT, NULL, 0, &text);
	ck_assert_str_eq(text.text, "container  steps       time\ntotal          0       0 ns\n");
}
END_TEST

START_TEST(renders_nothing)
{
	auto_free char *text = render(EXPLAIN_TEXT, NULL, 0);
	auto_free char *json = render(EXPLAIN_JSON, NULL, 0);
	auto_free char *script = render(EXPLAIN_SCRIPT, NULL, 0);
	auto_free char *none = render(EXPLAIN_NONE, whole, ARRAY_LEN(whole));

	ck_assert_str_eq(text, "phase  who   command                              time\n"
			       "\nphase  steps       time\ntotal      0       0 ns\n");
	ck_assert_str_eq(json, "[]\n");
	ck_assert_str_eq(none, "");
	check_syntax(script);
}
END_TEST

/* The shell itself is asked what it read. */
START_TEST(quotes)
{
	static const struct {
		const char *word, *pid, *expected;
	} rows[] = {
		{ "plain-1.2/x=y:z,@%+", NULL, "plain-1.2/x=y:z,@%+" },
		{ "", NULL, "''" },
		{ "two words", NULL, "'two words'" },
		{ "it's", NULL, "'it'\\''s'" },
		{ "'", NULL, "''\\'''" },
		{ "$(touch x)`y`\\", NULL, "'$(touch x)`y`\\'" },
		{ "a\nb", NULL, "'a\nb'" },
		{ "*", NULL, "'*'" },
		{ "~", NULL, "'~'" },
		{ "\033[2J %s\\", NULL, "\"$(printf '\\033\\1332J\\040\\045s\\134')\"" },
		{ "4711", "4711", "\"$PID\"" },
		{ "/proc/4711/ns/net", "4711", "/proc/\"$PID\"/ns/net" },
		{ "--net=/proc/4711", "4711", "--net=/proc/\"$PID\"" },
		{ "/proc/4711/fd:/proc/4711/x y", "4711",
		  "/proc/\"$PID\"/fd:/proc/\"$PID\"'/x y'" },
		{ "/proc/47110/ns", "4711", "/proc/47110/ns" },
		{ "14711", "4711", "14711" },
		{ "4711", NULL, "4711" },
		{ "4711", "", "4711" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_str struct str text = { 0 };
		auto_str struct str read_back = { 0 };
		char *argv[] = { "sh", "-c", NULL, NULL };
		struct helper helper = { .argv = argv, .timeout_ms = 10000, .output = &read_back };
		struct error err = { 0 };
		auto_free char *command = NULL;

		explain_quote(rows[i].word, &(struct explain_names){ .pid = rows[i].pid }, &text);
		ck_assert_str_eq(text.text, rows[i].expected);
		command = argv[2] = xasprintf("PID=4711; printf %%s %s", text.text);
		ck_assert_int_eq(helper_run(&helper, &err), 0);
		ck_assert_str_eq(read_back.text ? read_back.text : "", rows[i].word);
	}
}
END_TEST

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

START_TEST(names_stand_for_long_words)
{
	struct step_record records[] = {
		HOST("cgroup", 1, "mkdir", "/sys/fs/cgroup/minictr/" ID),
		INIT("rootfs", 1, "cd", "/srv/" ID "/rootfs"),
		INIT("rootfs", 1, "pivot_root", ".", "."),
		INIT("exec", 1, "cd", "/work"),
	};
	static const struct {
		const char *word, *expected;
	} rows[] = {
		{ "/srv/" ID "/rootfs", "$ROOT" },
		{ "/srv/" ID "/rootfs/etc/x y", "$ROOT'/etc/x y'" },
		{ "upperdir=/srv/" ID "/rootfs", "upperdir=$ROOT" },
		{ "/srv/" ID "/rootfs2", "/srv/$ID/rootfs2" },
		{ "/mnt/srv/" ID "/rootfs", "/mnt/srv/$ID/rootfs" },
		{ ID, "$ID" },
		{ "/work", "/work" },
	};
	struct explain_names names = { .pid = "1" };

	explain_find_names(records, ARRAY_LEN(records), &names);
	ck_assert_ptr_null(names.pid);
	ck_assert_str_eq(names.id, ID);
	ck_assert_str_eq(names.root, "/srv/" ID "/rootfs");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_str struct str text = { 0 };

		explain_quote(rows[i].word, &names, &text);
		ck_assert_str_eq(text.text, rows[i].expected);
	}
	explain_find_names(records, 1, &names);
	ck_assert_ptr_null(names.root);
}
END_TEST

/* The script of records that need no privilege runs, in both shells, and takes turns. */
START_TEST(runs_a_script)
{
	struct step_record records[] = {
		HOST("files", 1, "mkdir", ""),
		KIND(STEP_HOST, STEP_CLONE, "namespaces", 1, "4711", "env"),
		KIND(STEP_HOST, STEP_WRITE, "files", 1, "1 host", ""),
		KIND(STEP_INIT, STEP_WRITE, "files", 1, "2 init", ""),
		KIND(STEP_HOST, STEP_WRITE, "files", 1, "3 host", ""),
		KIND(STEP_HOST, STEP_WRITE, "files", 1, "4711", ""),
		KIND(STEP_INIT, STEP_WRAP, "exec", 0, "env", "GREETING=it's me"),
		KIND(STEP_INIT, STEP_EXEC, "exec", 0, "sh", "-c",
		     "cat ./1 ./2 ./3; echo \"$GREETING\"; test $$ = \"$(cat ./pid)\" && exit 7"),
	};
	auto_free char *script = NULL;
	auto_str struct str output = { 0 };
	char *argv[] = { "sh", NULL, NULL };
	struct helper helper = { .argv = argv, .timeout_ms = 20000, .output = &output };
	struct error err = { 0 };
	struct temp temp;
	auto_strv struct strv names = { 0 };

	temp_make(&temp);
	ck_assert_int_eq(chdir(temp.path), 0);
	strv_addf(&names, "%s/made", temp.path);
	for (const char *const *name = (const char *const[]){ "1", "2", "3", "pid", NULL }; *name;
	     name++)
		strv_addf(&names, "%s/%s", temp.path, *name);
	records[0].argv[1] = names.items[0];
	for (size_t i = 0; i < 4; i++)
		records[i + 2].argv[1] = names.items[i + 1];

	script = render(EXPLAIN_SCRIPT, records, ARRAY_LEN(records));
	ck_assert_int_eq(file_replace_at(&temp.dir, "script", script, strlen(script), 0600,
					 FILE_FAST, &err),
			 0);
	argv[1] = "script";
	ck_assert_msg(helper_run(&helper, &err) == 7, "%s", err.msg);
	ck_assert_str_eq(output.text, "1 host\n2 init\n3 host\nit's me\n");
	ck_assert_int_lt(access(names.items[0], F_OK), 0);
	temp_remove(&temp);
}
END_TEST

START_TEST(reads_records)
{
	auto_fd int fd = -1;
	auto_str struct str text = { 0 };
	struct error err = { 0 };
	char *argv[] = { "true", NULL };

	ck_assert_int_eq(explain_read(EXPLAIN_JSON, -1, &text, &err), -9);
	ck_assert_str_eq(err.msg, "read the recorded steps: bad file descriptor");

	fd = explain_begin(&err);
	ck_assert_int_ge(fd, 0);
	ck_assert(step_is_on());
	step_phase("exec");
	step_end_argv(NULL, 0, STEP_EXEC, argv, NULL);
	step_record_to(-1);
	ck_assert_int_eq(explain_read(EXPLAIN_JSON, fd, &text, &err), 0);
	ck_assert_str_eq(text.text, "[\n"
				    "  {\n"
				    "    \"phase\": \"exec\",\n"
				    "    \"who\": \"host\",\n"
				    "    \"kind\": \"exec\",\n"
				    "    \"command\": \"exec true\",\n"
				    "    \"argv\": [\n"
				    "      \"true\"\n"
				    "    ],\n"
				    "    \"duration_ns\": null\n"
				    "  }\n"
				    "]\n");
}
END_TEST

TEST_MAIN("cli/explain", renders_text, renders_json, renders_a_script, renders_a_failure,
	  renders_several, renders_nothing, quotes, names_stand_for_long_words, runs_a_script,
	  reads_records)
