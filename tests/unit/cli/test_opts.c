/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "cli/opts.h"
#include "tests/unit/test.h"

enum explain { EXPLAIN_NO, EXPLAIN_TEXT, EXPLAIN_JSON };

struct options {
	bool is_interactive, has_tty, is_removed, is_checked;
	bool has_swap;
	char *name, *hostname;
	struct strv env;
	uint64_t memory, shares;
	int64_t swap, cpus, interval;
	int timeout, explain;
	int sum; /* of --add */
};

static int add(const char *text, void *field, struct error *err)
{
	int *sum = field;

	if (strcmp(text, "bad") == 0)
		return err_set(err, EINVAL, "parse '%s': it is bad", text);
	*sum += (int)strlen(text);
	return 0;
}

static const struct enum_name explain_names[] = {
	{ "text", EXPLAIN_TEXT },
	{ "json", EXPLAIN_JSON },
	{ NULL },
};

#define FIELD(member) OPT_FIELD(struct options, member)

static const struct opt table[] = {
	{ .kind = OPT_HEADING, .help = "Options" },
	{ "interactive", 'i', OPT_FLAG, FIELD(is_interactive), NULL, "Keep stdin open" },
	{ "tty", 't', OPT_FLAG, FIELD(has_tty), NULL, "Give the container a terminal" },
	{ "rm", 0, OPT_FLAG, FIELD(is_removed), NULL, "Remove the container at its end" },
	{ "no-healthcheck", 0, OPT_FLAG, FIELD(is_checked), NULL, "No probes" },
	{ "name", 0, OPT_STRING, FIELD(name), "NAME", "Name of the container" },
	{ "hostname", 'h', OPT_STRING, FIELD(hostname), "NAME",
	  "Host name inside; the first twelve letters of the container's id unless something is "
	  "given here" },
	{ "env", 'e', OPT_LIST, FIELD(env), "NAME[=VALUE]", "Set a variable" },
	{ "add", 0, OPT_PARSE, FIELD(sum), "TEXT", "Add the length", .parse = add },
	{ .kind = OPT_HEADING, .help = "Limits" },
	{ "memory", 'm', OPT_SIZE, FIELD(memory), "SIZE", "Memory" },
	{ "memory-swap", 0, OPT_INT64, FIELD(swap), "N", "Memory and swap",
	  .present = OPT_HAS(struct options, has_swap) },
	{ "cpus", 0, OPT_CPUS, FIELD(cpus), "NUMBER", "CPUs" },
	{ "cpu-shares", 'c', OPT_UINT64, FIELD(shares), "N", "Weight" },
	{ "interval-between-two-probes", 0, OPT_DURATION, FIELD(interval), "DURATION", "Wait" },
	{ "timeout", 0, OPT_INT, FIELD(timeout), "SECONDS", "Patience", .min = 1, .max = 60 },
	{ "explain", 0, OPT_ENUM, FIELD(explain), "text|json", "Show each step",
	  .names = explain_names, .optional = "text" },
	{ "secret", 0, OPT_FLAG, FIELD(has_tty), NULL, NULL },
	OPTS_END,
};

static void options_fini(struct options *o)
{
	free(o->name);
	free(o->hostname);
	strv_fini(&o->env);
}

/* Words are given in one text, separated by a blank; "_" is an empty word. */
static int parse(const char *line, bool stops, struct options *o, struct strv *args,
		 struct error *err)
{
	auto_strv struct strv words = { 0 };

	strv_split(&words, line, ' ');
	for (size_t i = 0; i < words.n; i++) {
		if (strcmp(words.items[i], "_") == 0)
			words.items[i][0] = '\0';
	}
	return opts_parse(table, stops, *line ? (int)words.n : 0, strv_items(&words), o, args, err);
}

/* What was understood, as one text. */
static char *dump(const struct options *o, const struct strv *args)
{
	struct str s = { 0 };

	if (o->is_interactive)
		str_add(&s, "interactive ");
	if (o->has_tty)
		str_add(&s, "tty ");
	if (o->is_removed)
		str_add(&s, "rm ");
	if (o->is_checked)
		str_add(&s, "no-healthcheck ");
	if (o->name)
		str_addf(&s, "name=%s ", o->name);
	if (o->hostname)
		str_addf(&s, "hostname=%s ", o->hostname);
	for (size_t i = 0; i < o->env.n; i++)
		str_addf(&s, "env=%s ", o->env.items[i]);
	if (o->memory)
		str_addf(&s, "memory=%lu ", o->memory);
	if (o->has_swap)
		str_addf(&s, "swap=%ld ", o->swap);
	if (o->cpus)
		str_addf(&s, "cpus=%ld ", o->cpus);
	if (o->shares)
		str_addf(&s, "shares=%lu ", o->shares);
	if (o->interval)
		str_addf(&s, "interval=%ld ", o->interval);
	if (o->timeout)
		str_addf(&s, "timeout=%d ", o->timeout);
	if (o->explain)
		str_addf(&s, "explain=%d ", o->explain);
	if (o->sum)
		str_addf(&s, "sum=%d ", o->sum);
	for (size_t i = 0; i < args->n; i++)
		str_addf(&s, "[%s]", args->items[i]);
	return str_take(&s);
}

START_TEST(understands)
{
	static const struct {
		const char *line, *expected;
		bool stops;
	} rows[] = {
		{ "", "" },
		{ "-i -t", "interactive tty " },
		{ "-it a b", "interactive tty [a][b]" },
		{ "-ti -- -i", "interactive tty [-i]" },
		{ "-ithbox", "interactive tty hostname=box " },
		{ "-h box", "hostname=box " },
		{ "-h=box", "hostname=box " },
		{ "--hostname=a=b", "hostname=a=b " },
		{ "--hostname= x", "hostname= [x]" },
		{ "--name _ x", "name= [x]" },
		{ "--name a --name b", "name=b " },
		{ "--name -i", "name=-i " },
		{ "-eA=1 -e B=2 --env C --env=D=", "env=A=1 env=B=2 env=C env=D= " },
		{ "-e=A=1", "env=A=1 " },
		{ "--rm --rm=false", "" },
		{ "--rm=1", "rm " },
		{ "--rm --no-rm", "" },
		{ "-i=false -t=true", "tty " },
		{ "--no-healthcheck", "no-healthcheck " },
		{ "--no-no-healthcheck", "" },
		{ "-m64m -c 5 --cpus .5", "memory=67108864 cpus=500000000 shares=5 " },
		{ "--memory-swap -1", "swap=-1 " },
		{ "--timeout 60 --interval-between-two-probes=1m",
		  "interval=60000000000 timeout=60 " },
		{ "--explain x", "explain=1 [x]" },
		{ "--explain=json", "explain=2 " },
		{ "--add ab --add=c", "sum=3 " },
		{ "--secret", "tty " },
		{ "a -i b", "interactive [a][b]" },
		{ "a -i b", "[a][-i][b]", true },
		{ "-i a -- b --nope", "interactive [a][--][b][--nope]", true },
		{ "-i -- a -- b", "interactive [a][--][b]", true },
		{ "- _", "[-][]" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_strv struct strv args = { 0 };
		auto_free char *got = NULL;
		struct options o = { 0 };
		struct error err = { 0 };
		int rc = parse(rows[i].line, rows[i].stops, &o, &args, &err);

		ck_assert_msg(rc == 0, "%s: %s", rows[i].line, err.msg);
		got = dump(&o, &args);
		ck_assert_str_eq(got, rows[i].expected);
		options_fini(&o);
	}
}
END_TEST

START_TEST(refuses)
{
	static const struct {
		const char *line, *error;
	} rows[] = {
		{ "--memroy 5", "unknown option '--memroy': did you mean '--memory'?" },
		{ "--interactve", "unknown option '--interactve': did you mean '--interactive'?" },
		{ "--inter", "unknown option '--inter': did you mean '--interactive'?" },
		{ "--nmae=x", "unknown option '--nmae': did you mean '--name'?" },
		{ "--rmm", "unknown option '--rmm': did you mean '--rm'?" },
		{ "--frobnicate", "unknown option '--frobnicate'" },
		{ "--secrets", "unknown option '--secrets'" },
		{ "--no-name", "unknown option '--no-name'" },
		{ "--=x", "unknown option '--'" },
		{ "-x", "unknown option '-x'" },
		{ "-ix", "unknown option '-x'" },
		{ "--name", "option '--name' needs a value: NAME" },
		{ "-it -e", "option '-e' needs a value: NAME[=VALUE]" },
		{ "--no-rm=true", "option '--no-rm' takes no value" },
		{ "--rm=maybe", "option '--rm': parse 'maybe': neither true nor false" },
		{ "-m 5x", "option '-m': parse size '5x': not a size like 512k, 64m or 1.5g" },
		{ "--timeout 0", "option '--timeout': parse number '0': must be from 1 to 60" },
		{ "--timeout 61", "option '--timeout': parse number '61': must be from 1 to 60" },
		{ "--explain=xml", "option '--explain': 'xml' is none of text, json" },
		{ "--explain=", "option '--explain': '' is none of text, json" },
		{ "--add bad", "option '--add': parse 'bad': it is bad" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_strv struct strv args = { 0 };
		struct options o = { 0 };
		struct error err = { 0 };
		int rc = parse(rows[i].line, false, &o, &args, &err);

		ck_assert_str_eq(err.msg, rows[i].error);
		ck_assert_int_lt(rc, 0);
		options_fini(&o);
	}
}
END_TEST

START_TEST(asks_for_help)
{
	static const struct opt plain[] = {
		{ "quiet", 'q', OPT_FLAG, FIELD(has_tty), NULL, "Say less" },
		OPTS_END,
	};
	char *const help[] = { (char[]){ "-qh" }, NULL };
	auto_strv struct strv args = { 0 };
	struct options o = { 0 };
	struct error err = { 0 };

	ck_assert_int_eq(parse("-i --help --nope", true, &o, &args, &err), OPTS_HELP);
	ck_assert_int_eq(parse("image --help", true, &o, &args, &err), 0);
	ck_assert_int_eq(opts_parse(plain, false, 1, help, &o, &args, &err), OPTS_HELP);
}
END_TEST

START_TEST(prints_help)
{
	static const char expected[] =
		"\n"
		"Options:\n"
		"  -i, --interactive          Keep stdin open\n"
		"  -t, --tty                  Give the container a terminal\n"
		"      --rm                   Remove the container at its end\n"
		"      --no-healthcheck       No probes\n"
		"      --name NAME            Name of the container\n"
		"  -h, --hostname NAME        Host name inside; the first twelve letters of the\n"
		"                             container's id unless something is given here\n"
		"  -e, --env NAME[=VALUE]     Set a variable\n"
		"      --add TEXT             Add the length\n"
		"\n"
		"Limits:\n"
		"  -m, --memory SIZE          Memory\n"
		"      --memory-swap N        Memory and swap\n"
		"      --cpus NUMBER          CPUs\n"
		"  -c, --cpu-shares N         Weight\n"
		"      --interval-between-two-probes DURATION\n"
		"                             Wait\n"
		"      --timeout SECONDS      Patience\n"
		"      --explain[=text|json]  Show each step\n";
	struct str help = { 0 };

	opts_help(table, &help);
	ck_assert_str_eq(help.text, expected);
	str_fini(&help);
}
END_TEST

START_TEST(wraps_lines)
{
	static const struct {
		const char *left, *help, *expected;
	} rows[] = {
		{ "  a", "short", "  a   short\n" },
		{ "  abcd", "short", "  abcd\n      short\n" },
		{ "  a", "", "  a" },
		{ "  a",
		  "0123456789012345678901234567890123456789012345678901234567890123456789 34567890",
		  "  a   0123456789012345678901234567890123456789012345678901234567890123456789\n"
		  "      34567890\n" },
		{ "  a",
		  "01234567890123456789012345678901234567890123456789012345678901234567890123456789 x",
		  "  a   01234567890123456789012345678901234567890123456789012345678901234567890123456789\n"
		  "      x\n" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str line = { 0 };

		opts_help_line(&line, rows[i].left, rows[i].help, 6);
		ck_assert_str_eq(line.text, rows[i].expected);
		str_fini(&line);
	}
}
END_TEST

TEST_MAIN("cli/opts", understands, refuses, asks_for_help, prints_help, wraps_lines)
