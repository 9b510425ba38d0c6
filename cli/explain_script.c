/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/error.h"
#include "base/macros.h"
#include "base/mem.h"
#include "cli/explain_internal.h"

/*
 * Two shells take the parts of the two processes: the script itself that of the host, and the one
 * that `unshare` starts that of the container's init.  They do the steps in the order of the
 * records, one at a time: whoever has the turn works, the other waits at a FIFO.
 *
 *	host                                    init (script in a here-document, written first)
 *	unshare ... sh "$dir/init" &
 *	read -r PID                       <---  turn "$pid"
 *	ip link set eth0 netns "$PID"
 *	turn                              --->  mount ...
 *	ip addr add ...                   <---  turn
 *	echo >&7 (go)                     --->  exec setpriv ... env -i ... COMMAND
 *	wait
 *
 * The pid is the host's: /proc is the host's until init mounts its own, so /proc/self/stat begins
 * with the number in the host's pid namespace.
 *
 * After pivot_root the container's root has whatever tools the image has, maybe none.  So init's
 * working directory is the host's /usr/bin by then (it stays alive though its mount is detached),
 * and the dynamic loader is called with relative paths: "$host/mount" is the host's mount(8).  The
 * last tool, env -C, leaves that directory, so that nothing of the host is in the command's hands.
 */
struct script {
	struct explain_names names; /* the container's pid; none before the clone */
	bool has_cloned;
	bool has_pivoted; /* init */
	bool has_exec;
	bool is_inits_turn;
	bool takes_networks;  /* they are its own, to be made and to be taken back */
	int made;             /* steps of the host that can be undone */
	const char *phase[2]; /* the last heading, by who */
	struct str before;    /* host, up to and with the clone */
	struct str host;      /* host, after it */
	struct str init;   /* and before it unshares what it can only unshare once in its cgroup */
	struct str first;  /* then this is what came before */
	struct str undo;   /* the last one first */
	struct strv wraps; /* complete prefixes of the final command, words quoted already */
	char *workdir;
};

static void script_fini(struct script *s)
{
	str_fini(&s->before);
	str_fini(&s->host);
	str_fini(&s->init);
	str_fini(&s->first);
	str_fini(&s->undo);
	strv_fini(&s->wraps);
	free(s->workdir);
}

static void add_heading(struct script *s, const struct step_record *record, struct str *out)
{
	const char **last = &s->phase[record->who == STEP_INIT && s->has_cloned];
	auto_free char *shown = str_escape(record->phase);

	if (*last && strcmp(*last, record->phase) == 0)
		return;
	*last = record->phase;
	str_addf(out, "\n# %s\n", *shown ? shown : "begin");
}

/* A word that is no line of @text. */
static char *end_mark(const char *word, const char *text)
{
	auto_strv struct strv lines = { 0 };
	struct str mark = { 0 };

	strv_split(&lines, text, '\n');
	str_add(&mark, word);
	while (strv_has(&lines, mark.text))
		str_add(&mark, "_");
	return str_take(&mark);
}

void explain_here_document(const char *word, const char *text, struct str *out)
{
	auto_free char *mark = end_mark(word, text);

	str_addf(out, " <<'%s'\n%s%s%s\n", mark, text, str_ends(text, "\n") || !*text ? "" : "\n",
		 mark);
}

static bool is_command(const struct step_record *record, const char *first, const char *second)
{
	char *const *argv = record->argv;

	return argv[0] && strcmp(argv[0], first) == 0 &&
	       (!second || (argv[1] && strcmp(argv[1], second) == 0));
}

/* The bridge of a network: many containers share it. */
static bool makes_bridge(const struct step_record *record)
{
	char *const *argv = record->argv;
	size_t n = 0;

	while (argv[n])
		n++;
	return record->kind == STEP_RUN && is_command(record, "ip", "link") && n >= 6 &&
	       str_eq(argv[2], "add") && str_eq(argv[n - 2], "type") &&
	       str_eq(argv[n - 1], "bridge");
}

/* The directory of the engine's container: if it is there, then so is the container. */
static bool makes_place(const struct step_record *record)
{
	return record->kind == STEP_RUN && str_eq(record->phase, "record") &&
	       is_command(record, "mkdir", NULL) && record->argv[1] && !record->argv[2];
}

/* What takes a step back, as the words of a command; false if there is nothing obvious. */
static bool reverse(const struct script *s, const struct step_record *record, struct str *ret)
{
	const struct explain_names *names = &s->names;
	char *const *argv = record->argv;
	size_t n = 0;

	while (argv[n])
		n++;
	if (makes_place(record)) {
		str_add(ret, "rm -rf --one-file-system ");
		explain_quote(argv[1], names, ret);
		return true;
	}
	if (is_command(record, "mkdir", NULL) && n >= 2) {
		str_add(ret, s->takes_networks ? "rmdir " : "remove ");
		explain_quote(argv[n - 1], names, ret);
		return true;
	}
	if (is_command(record, "mount", NULL) && n >= 3 && !str_starts(argv[1], "--make-") &&
	    !(strcmp(argv[1], "-o") == 0 && str_starts(argv[2], "remount"))) {
		str_add(ret, "umount -l ");
		explain_quote(argv[n - 1], names, ret);
		return true;
	}
	if (is_command(record, "ip", "link") && n >= 4 && strcmp(argv[2], "add") == 0 &&
	    (s->takes_networks || !makes_bridge(record))) {
		bool is_named = strcmp(argv[3], "name") == 0 || strcmp(argv[3], "dev") == 0;

		str_add(ret, "ip link del ");
		explain_quote(argv[is_named && n > 4 ? 4 : 3], names, ret);
		return true;
	}
	if (is_command(record, "nft", "add") && n >= 4 && strcmp(argv[2], "element") == 0) {
		str_add(ret, "nft delete element ");
		explain_words(argv + 3, names, ret);
		return true;
	}
	return false;
}

static void add_deletion(const char *words, struct str *ret)
{
	str_add(ret, ret->len ? "; nft delete element " : "nft delete element ");
	explain_quote(words, NULL, ret);
}

/*
 * The elements that a ruleset text adds; tables and chains are shared and stay.  Those that its sets
 * begin with are of networks.
 */
static void reverse_ruleset(const char *input, bool takes_networks, struct str *ret)
{
	static const char add[] = "add element ", table[] = "table ",
			  elements[] = "\t\telements = ";
	auto_strv struct strv lines = { 0 };
	const char *in = "";
	const char *set = NULL;

	strv_split(&lines, input, '\n');
	for (size_t i = 0; i < lines.n; i++) {
		const char *line = lines.items[i];

		if (str_starts(line, add))
			add_deletion(line + strlen(add), ret);
		else if (str_starts(line, table))
			in = line + strlen(table);
		else if (str_starts(line, "\tset ") || str_starts(line, "\tmap "))
			set = line + strlen("\tset ");
		if (takes_networks && set && str_starts(line, elements)) {
			auto_free char *words =
				xasprintf("%.*s %.*s %s", (int)strcspn(in, "{\n") - 1, in,
					  (int)strcspn(set, " "), set, line + strlen(elements));

			add_deletion(words, ret);
		}
	}
}

static void add_undo(struct script *s, const struct step_record *record, struct str *out)
{
	auto_str struct str back = { 0 };
	auto_free char *earlier = NULL;

	if (record->kind == STEP_INPUT)
		reverse_ruleset(record->input ? record->input : "", s->takes_networks, &back);
	else if (record->kind == STEP_RUN)
		(void)reverse(s, record, &back);
	if (!back.len)
		return;
	s->made++;
	str_addf(out, "made=%d\n", s->made);

	earlier = str_take(&s->undo);
	str_addf(&s->undo, "\t[ \"$made\" -lt %d ] || { %s; }\n%s", s->made, back.text, earlier);
}

/* Steps that failed, or that no command does. */
static bool add_comment(const struct step_record *record, struct str *out)
{
	auto_str struct str command = { 0 };
	auto_free char *shown = NULL;

	if (record->kind != STEP_NOTE && record->rc >= 0)
		return false;
	explain_command(record, NULL, &command);
	shown = str_escape(command.text ? command.text : "");
	if (record->kind == STEP_NOTE)
		str_addf(out, "%s\n", shown);
	else
		str_addf(out, "# failed: %s: %s\n", shown, err_text(-record->rc));
	return true;
}

/* A container that is there already is nobody's to touch. */
static void add_place(const struct step_record *record, const struct explain_names *names,
		      struct str *out)
{
	auto_free char *parent = xstrdup(record->argv[1]);

	*strrchr(parent, '/') = '\0';
	str_add(out, "mkdir -p ");
	explain_quote(parent, names, out);
	str_add(out, "\nmkdir ");
	explain_quote(record->argv[1], names, out);
}

/* Directories and bridges may be there: the run that was recorded has made some of them. */
static void add_command(const struct script *s, const struct step_record *record,
			const struct explain_names *names, struct str *out)
{
	size_t at = out->len;

	if (makes_place(record) && strchr(record->argv[1], '/')) {
		add_place(record, names, out);
	} else if (record->kind == STEP_RUN && is_command(record, "mkdir", NULL) &&
		   record->argv[1] && strcmp(record->argv[1], "-p") != 0) {
		str_add(out, "mkdir -p ");
		explain_words(record->argv + 1, names, out);
	} else if (record->kind == STEP_RUN && is_command(record, "ln", "-s")) {
		str_add(out, "ln -sfn ");
		explain_words(record->argv + 2, names, out);
	} else if (makes_bridge(record) && !s->takes_networks) {
		str_add(out, "ip link show ");
		explain_quote(record->argv[3], names, out);
		str_add(out, " >/dev/null 2>&1 || ");
		explain_words(record->argv, names, out);
	} else {
		explain_command(record, names, out);
	}
	if (record->kind == STEP_INPUT) {
		explain_here_document("EOF", record->input ? record->input : "", out);
		return;
	}
	if (out->len > at)
		str_add(out, "\n");
}

static void start_init(struct script *s, const struct step_record *record)
{
	struct str *out = &s->before;

	s->names.pid = record->argv[0];
	s->has_cloned = true;
	str_add(out, "(\n\tstatus=0\n\t");
	explain_words(record->argv + 1, NULL, out);
	str_add(out, " sh \"$dir/init\" \"$dir\" <&3 3<&- 7>&- 8<&- || status=$?\n"
		     "\techo ended >&8\n"
		     "\texit \"$status\"\n"
		     ") &\n"
		     "child=$!\n"
		     "read -r PID <&8\n"
		     "[ \"$PID\" != ended ] || finish\n");
}

/* Passes the turn to @record's side. */
static void take_turns(struct script *s, const struct step_record *record)
{
	bool is_init = record->who == STEP_INIT;

	if (is_init == s->is_inits_turn)
		return;
	s->is_inits_turn = is_init;
	if (is_init)
		return;
	/* Init had the turn: the host gave it away and waits until it comes back. */
	str_add(&s->host, "turn\n");
	str_add(&s->init, "turn\n");
}

static void host_step(struct script *s, const struct step_record *record)
{
	struct str *out = s->has_cloned ? &s->host : &s->before;

	/* What follows the command's start takes the container down, as the script's cleanup does. */
	if (s->has_exec)
		return;
	if (s->has_cloned)
		take_turns(s, record);
	add_heading(s, record, out);
	if (add_comment(record, out))
		return;
	if (record->kind == STEP_CLONE && !s->has_cloned && record->argv[0] && record->argv[1]) {
		start_init(s, record);
		return;
	}
	add_command(s, record, &s->names, out);
	add_undo(s, record, out);
}

/* setpriv and prlimit do several things in one call, and setpriv in the order that works. */
static void add_wrap(struct script *s, const struct step_record *record)
{
	auto_str struct str words = { 0 };
	auto_free char *prefix = xasprintf("%s ", record->argv[0]);

	for (size_t i = 0; i < s->wraps.n; i++) {
		if (!str_starts(s->wraps.items[i], prefix))
			continue;
		str_addf(&words, "%s ", s->wraps.items[i]);
		explain_words(record->argv + 1, NULL, &words);
		free(s->wraps.items[i]);
		s->wraps.items[i] = str_take(&words);
		return;
	}
	explain_words(record->argv, NULL, &words);
	strv_take(&s->wraps, str_take(&words));
}

static void add_exec(struct script *s, const struct step_record *record)
{
	const char *tool = s->has_pivoted ? "$host/" : "";
	bool has_env = false;

	str_add(&s->init, "exec 5>&- 6<&-\nexec ");
	for (size_t i = 0; i < s->wraps.n; i++) {
		const char *wrap = s->wraps.items[i];
		bool is_env = str_starts(wrap, "env ");

		if (is_env && s->has_pivoted) {
			str_addf(&s->init, "%senv -C ", tool);
			explain_quote(s->workdir ? s->workdir : "/", NULL, &s->init);
			wrap += strlen("env");
		} else {
			str_add(&s->init, tool);
		}
		str_addf(&s->init, "%s \\\n\t", wrap);
		has_env |= is_env;
	}
	if (s->has_pivoted && !has_env) {
		str_addf(&s->init, "%senv -C ", tool);
		explain_quote(s->workdir ? s->workdir : "/", NULL, &s->init);
		str_add(&s->init, " \\\n\t");
	}
	explain_words(record->argv, NULL, &s->init);
	str_add(&s->init, "\n");
	s->has_exec = true;
}

/* The old root lands on top of the new one; "." would be the host's /usr/bin by now. */
static void add_pivot(struct script *s, const struct step_record *record)
{
	const char *root =
		str_eq(record->argv[1], ".") && s->workdir ? s->workdir : record->argv[1];

	str_add(&s->init, "keep_host_tools\npivot_root ");
	explain_quote(root ? root : ".", NULL, &s->init);
	str_add(&s->init, " ");
	explain_quote(root ? root : ".", NULL, &s->init);
	str_add(&s->init, "\n");
	s->has_pivoted = true;
	free(take_ptr(s->workdir));
}

/* unshare(1) is another program: what follows is the script that it runs. */
static void add_unshare(struct script *s, const struct step_record *record)
{
	str_add(&s->init, "exec ");
	explain_words(record->argv, NULL, &s->init);
	str_add(&s->init, " sh \"$dir/init-2\" \"$dir\"\n");
	s->first = s->init;
	s->init = (struct str){ 0 };
	s->phase[1] = NULL;
}

static void init_run(struct script *s, const struct step_record *record)
{
	if (is_command(record, "unshare", NULL) && !s->first.len && !s->has_pivoted) {
		add_unshare(s, record);
		return;
	}
	if (is_command(record, "cd", NULL) && record->argv[1]) {
		free(s->workdir);
		s->workdir = xstrdup(record->argv[1]);
		if (s->has_pivoted)
			return;
	}
	if (is_command(record, "pivot_root", NULL)) {
		add_pivot(s, record);
		return;
	}
	if (s->has_pivoted && is_command(record, "umount", "-l") && str_eq(record->argv[2], ".")) {
		str_add(&s->init, "$host/umount -l /\n");
		return;
	}
	if (s->has_pivoted && record->kind != STEP_WRITE)
		str_add(&s->init, "$host/");
	add_command(s, record, NULL, &s->init);
}

static void init_step(struct script *s, const struct step_record *record)
{
	if (s->has_exec)
		return;
	take_turns(s, record);
	if (record->kind == STEP_WRAP && record->rc >= 0 && record->argv[0]) {
		add_wrap(s, record);
		return;
	}
	add_heading(s, record, &s->init);
	if (add_comment(record, &s->init) || !record->argv[0])
		return;
	if (record->kind == STEP_EXEC)
		add_exec(s, record);
	else
		init_run(s, record);
}

static const char init_head[] = "set -eu\n"
				"dir=$1\n"
				"turn() {\n"
				"\techo \"${1:-}\" >&5\n"
				"\tread -r _ <&6\n"
				"}\n";

static const char init_begin[] = "exec 6<\"$dir/to-init\" 5>\"$dir/to-host\"\n"
				 "read -r pid _ </proc/self/stat\n"
				 "turn \"$pid\"\n";

static const char init_tools[] =
	"# Behind pivot_root there are the image's tools, if any; \"$host/mount\" is the host's still.\n"
	"keep_host_tools() {\n"
	"\tcd /usr/bin\n"
	"\tloader=$(ldd ./env | sed -n 's|^[[:space:]]*\\(/[^ ]*\\) (0x.*|\\1|p')\n"
	"\tlibs=$(ldd ./env ./mount ./setpriv |\n"
	"\t\tsed -n 's|.* => /\\([^ ]*\\)/[^/]* (0x.*|../../\\1|p' | sort -u | tr '\\n' :)\n"
	"\thost=\"../..$(readlink -f \"$loader\") --library-path $libs .\"\n"
	"}\n";

static void add_file(const char *name, bool is_first, bool has_tools, const struct str *steps,
		     struct str *ret)
{
	auto_str struct str text = { 0 };

	str_add(&text, init_head);
	if (has_tools)
		str_add(&text, init_tools);
	if (is_first)
		str_add(&text, init_begin);
	if (steps->len)
		str_add(&text, steps->text);
	str_addf(ret, "cat >\"$dir/%s\"", name);
	explain_here_document("INIT", text.text, ret);
}

static void add_init_script(const struct script *s, struct str *ret)
{
	bool is_split = s->first.len;

	str_add(ret, "\n# What the container's first process does, in its namespaces.\n");
	if (is_split)
		add_file("init", true, false, &s->first, ret);
	add_file(is_split ? "init-2" : "init", !is_split, s->has_pivoted, &s->init, ret);
}

static const char head[] = "#!/bin/sh\n"
			   "# Builds by hand the container that minictr has made.  Needs root.\n"
			   "# What no command does stands in a comment.\n"
			   "set -eu\n"
			   "\n";

static const char head_of_part[] = "set -eu\n"
				   "state=$STATE\n"
				   "unset STATE\n"
				   "tell() {\n"
				   "\t[ -s \"$state\" ] || echo \"$1\" >\"$state\"\n"
				   "}\n";

static const char begin[] = "PID=\n"
			    "made=0\n"
			    "dir=$(mktemp -d)\n"
			    "remove() { # a cgroup is busy for a moment after its last process\n"
			    "\ttries=0\n"
			    "\tuntil rmdir \"$1\"; do\n"
			    "\t\t[ -e \"$1/cgroup.procs\" ] && [ \"$tries\" -lt 50 ] || return\n"
			    "\t\t! ls -d \"$1\"/*/ >/dev/null || return # others' below it\n"
			    "\t\ttries=$((tries + 1))\n"
			    "\t\tsleep 0.1\n"
			    "\tdone\n"
			    "}\n"
			    "cleanup() {\n"
			    "\tset +e\n"
			    "\t[ -z \"$PID\" ] || { kill -KILL \"$PID\"; wait; }\n";

static const char traps[] = "\trm -rf \"$dir\"\n"
			    "}\n"
			    "trap 'cleanup 2>/dev/null' EXIT\n"
			    "trap 'exit 130' INT\n"
			    "trap 'exit 143' TERM\n";

static const char pipes[] = "\n"
			    "mkfifo \"$dir/to-init\" \"$dir/to-host\"\n"
			    "exec 3<&0 7<>\"$dir/to-init\" 8<>\"$dir/to-host\"\n"
			    "finish() {\n"
			    "\tstatus=0\n"
			    "\twait \"$child\" || status=$?\n"
			    "\tPID=\n"
			    "\texit \"$status\"\n"
			    "}\n"
			    "turn() {\n"
			    "\techo >&7\n"
			    "\tread -r word <&8\n"
			    "\t[ \"$word\" != ended ] || finish\n"
			    "}\n";

static void read_steps(struct script *s, const struct step_record *records, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (records[i].who == STEP_INIT && s->has_cloned)
			init_step(s, &records[i]);
		else
			host_step(s, &records[i]);
	}
}

static void write_script(const struct script *s, bool is_part, struct str *ret)
{
	str_add(ret, is_part ? head_of_part : head);
	str_add(ret, begin);
	if (s->undo.len)
		str_add(ret, s->undo.text);
	if (is_part)
		str_add(ret, "\ttell ended\n");
	str_add(ret, traps);
	if (s->has_cloned) {
		str_add(ret, pipes);
		add_init_script(s, ret);
	}
	if (s->before.len)
		str_add(ret, s->before.text);
	if (s->host.len)
		str_add(ret, s->host.text);
	if (s->has_cloned)
		str_addf(ret, "\n# Go, and end as the container does.\necho >&7\n%sfinish\n",
			 is_part ? "tell up\n" : "");
}

void explain_script(const struct step_record *records, size_t n, struct str *ret)
{
	struct script s = { 0 };

	read_steps(&s, records, n);
	write_script(&s, false, ret);
	script_fini(&s);
}

void explain_script_part(const struct step_record *records, size_t n, struct str *ret)
{
	struct script s = { 0 };

	read_steps(&s, records, n);
	write_script(&s, true, ret);
	script_fini(&s);
}

void explain_script_host(const struct step_record *records, size_t n, struct str *ret_steps,
			 struct str *ret_undo)
{
	struct script s = { .takes_networks = true };

	read_steps(&s, records, n);
	if (s.before.len)
		str_add(ret_steps, s.before.text);
	if (s.undo.len)
		str_add(ret_undo, s.undo.text);
	script_fini(&s);
}
