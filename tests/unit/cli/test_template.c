/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "cli/template.h"
#include "tests/unit/test.h"

static const char document[] =
	"{\"Name\": \"web\", \"Pid\": 7, \"Up\": true, \"None\": null, \"Empty\": \"\", "
	"\"Args\": [\"a\", \"b c\"], \"Mixed\": [1, \"x\"], \"Nothing\": [], "
	"\"Nets\": {\"one\": {\"IP\": \"10.0.0.2\"}, \"two\": {\"IP\": \"10.0.1.2\"}}, "
	"\"Labels\": {\"a.b\": \"c\", \"dash-ed\": \"d\"}, \"Evil\": \"x\\u001b[2J\\ny\", "
	"\"Ports\": {\"80/tcp\": [{\"HostPort\": \"8080\"}], \"81/tcp\": null}}";

static int render(const char *text, struct str *ret, struct error *err)
{
	auto_json json_t *value = json_loads(document, 0, NULL);
	auto_json json_t *methods = json_loads("{\"Label\": {\"tier\": \"db\"}}", 0, NULL);
	auto_template struct template *t = NULL;
	int rc = template_parse(text, &t, err);

	ck_assert_ptr_nonnull(value);
	return rc < 0 ? rc : template_render(t, value, methods, ret, err);
}

START_TEST(renders)
{
	static const struct {
		const char *text, *expected;
	} rows[] = {
		{ "", "" },
		{ "plain \\t\\n\\x }} {", "plain \t\n\\x }} {" },
		{ "{{.Name}}", "web" },
		{ "{{ .Name }}{{.Pid}}{{.Up}}{{.None}}", "web7truenull" },
		{ "a {{- .Name -}} b", "awebb" },
		{ "a {{.Name -}}  \n  b", "a webb" },
		{ "{{.Args}} {{.Mixed}} {{.Nets.one}}",
		  "a, b c [1, \"x\"] {\"IP\": \"10.0.0.2\"}" },
		{ "{{.Labels.dash-ed}}", "d" },
		{ "{{.Evil}}", "x\\x1b[2J\\x0ay" },
		{ "{{print .Evil}}", "x\\x1b[2J\ny" },
		{ "{{json .Name}} {{json .Args}} {{json .None}}", "\"web\" [\"a\", \"b c\"] null" },
		{ "{{\"a\\tb\\\"\"}}{{`\\n`}}", "a\tb\"\\n" },
		{ "{{5}} {{-5}} {{true}} {{nil}}", "5 -5 true null" },

		/* functions */
		{ "{{len .Name}}{{len .Args}}{{len .Nets}}", "322" },
		{ "{{index .Labels \"a.b\"}}{{index .Labels \"nope\"}}", "c" },
		{ "{{index .Args 1}}", "b c" },
		{ "{{(index .Ports \"80/tcp\" 0).HostPort}}", "8080" },
		{ "{{(index (index .Ports \"80/tcp\") 0).HostPort}}", "8080" },
		{ "{{join .Args \"\\n\"}}", "a\nb c" },
		{ "{{join .Mixed \"-\"}}", "1-x" },
		{ "{{split \"a,b,,c\" \",\"}}", "a, b, , c" },
		{ "{{.Name | upper}}{{\"ABC\" | lower}}{{title .Name}}", "WEBabcWeb" },
		{ "{{slice .Name 1}}{{slice .Name 0 2}}{{truncate .Name 2}}{{truncate .Name 9}}",
		  "ebweweweb" },
		{ "{{print \"a\" 5 .Up}}{{println}}{{println .Name 1}}", "a5true\nweb 1\n" },
		{ "{{printf \"%s=%d%% %q %v\" .Name 5 .Name .Args}}", "web=5% \"web\" a, b c" },
		{ "{{.Args | len | printf \"%d!\"}}", "2!" },
		{ "{{.Label \"tier\"}}/{{.Label \"nope\"}}", "db/" },

		/* conditions */
		{ "{{if .Up}}yes{{end}}{{if .None}}no{{end}}{{if .Empty}}no{{else}}empty{{end}}",
		  "yesempty" },
		{ "{{if .Nope}}no{{else if .Nothing}}no{{else if .Args}}args{{else}}no{{end}}",
		  "args" },
		{ "{{if .Nope.Nope}}no{{end}}{{if not .Nope}}yes{{end}}", "yes" },
		{ "{{if and .Nope (eq .Nope.Status \"x\")}}no{{else}}none{{end}}", "none" },
		{ "{{if or .Nope .Up}}yes{{end}}{{or .Empty .Name}}{{and .Name .Pid}}", "yesweb7" },
		{ "{{eq .Name \"web\"}}{{eq .Pid 7}}{{eq .Pid 7 8}}{{eq .Pid 8 9}}{{ne .Pid 7}}",
		  "truetruetruefalsefalse" },
		{ "{{eq .Name 7}}", "false" },
		{ "{{lt 1 2}}{{le 2 2}}{{gt \"b\" \"a\"}}{{ge 1 2}}", "truetruetruefalse" },
		{ "{{with .Nets.one}}{{.IP}} {{$.Name}}{{end}}{{with .Nope}}no{{else}}-{{end}}",
		  "10.0.0.2 web-" },
		{ "{{with $n := .Nets.two}}{{$n.IP}}{{end}}", "10.0.1.2" },
		{ "{{if $n := .Name}}{{$n}}{{end}}", "web" },

		/* loops */
		{ "{{range .Args}}<{{.}}>{{end}}", "<a><b c>" },
		{ "{{range .Nets}}{{.IP}} {{end}}", "10.0.0.2 10.0.1.2 " },
		{ "{{range $i, $a := .Args}}{{$i}}{{$a}}{{$.Pid}}{{end}}", "0a71b c7" },
		{ "{{range $k, $v := .Nets}}{{$k}}:{{$v.IP}};{{end}}",
		  "one:10.0.0.2;two:10.0.1.2;" },
		{ "{{range $a := .Args}}{{$a}}{{.}}{{end}}", "aab cb c" },
		{ "{{range .Nothing}}no{{else}}nothing{{end}}{{range .None}}no{{end}}", "nothing" },
		{ "{{range $p, $c := .Ports}}{{$p}}{{range $c}} {{.HostPort}}{{end}};{{end}}",
		  "80/tcp 8080;81/tcp;" },

		/* variables */
		{ "{{$x := .Name}}{{$x}}{{$y := len $x}}{{$y}}", "web3" },
		{ "{{$x := 1}}{{range .Args}}{{$x := .}}{{$x}}{{end}}{{$x}}", "ab c1" },
		{ "{{if .Up}}{{$x := 2}}{{$x}}{{end}}", "2" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_str struct str text = { 0 };
		struct error err = { 0 };

		ck_assert_msg(render(rows[i].text, &text, &err) == 0, "%s: %s", rows[i].text,
			      err.msg);
		ck_assert_msg(strcmp(text.text ? text.text : "", rows[i].expected) == 0,
			      "%s: '%s', not '%s'", rows[i].text, text.text, rows[i].expected);
	}
}
END_TEST

START_TEST(refuses)
{
	static const struct {
		const char *text;
		int code;
		const char *error;
	} rows[] = {
		{ "{{.Nope}}", ENOENT, "there is no '.Nope'" },
		{ "{{.Name.x}}", ENOENT, "there is no '.Name.x'" },
		{ "{{len .Nope}}", ENOENT, "there is no '.Nope'" },
		{ "{{range .Args}}{{.IP}}{{end}}", ENOENT, "there is no '.IP'" },
		{ "{{.Nope \"x\"}}", ENOENT, "there is no '.Nope' with an argument" },
		{ "{{.Name", EINVAL, "'{{' without '}}'" },
		{ "{{}}", EINVAL, "'{{}}' is not understood" },
		{ "{{ }}", EINVAL, "'{{ }}' is not understood" },
		{ "{{Name}}", EINVAL, "'{{Name}}' is not understood" },
		{ "{{nosuch .Name}}", EINVAL, "'{{nosuch .Name}}' is not understood" },
		{ "{{.a..b}}", EINVAL, "'{{.a..b}}' is not understood" },
		{ "{{.a.}}", EINVAL, "'{{.a.}}' is not understood" },
		{ "{{.Name | }}", EINVAL, "'{{.Name | }}' is not understood" },
		{ "{{| upper}}", EINVAL, "'{{| upper}}' is not understood" },
		{ "{{(.Name}}", EINVAL, "'{{(.Name}}' is not understood" },
		{ "{{.Name)}}", EINVAL, "'{{.Name)}}' is not understood" },
		{ "{{\"x}}", EINVAL, "'{{\"x}}' is not understood" },
		{ "{{\"\\q\"}}", EINVAL, "'{{\"\\q\"}}' is not understood" },
		{ "{{1x}}", EINVAL, "'{{1x}}' is not understood" },
		{ "{{1.5}}", EINVAL, "'{{1.5}}' is not understood" },
		{ "{{99999999999999999999}}", EINVAL,
		  "'{{99999999999999999999}}' is not understood" },
		{ "{{.Name.Name\"x\"}}", EINVAL, "'{{.Name.Name\"x\"}}' is not understood" },
		{ "{{json}}", EINVAL, "'json' takes at least 1 arguments" },
		{ "{{json .Name .Pid}}", EINVAL, "'json' takes at most 1 arguments" },
		{ "{{index .Args 2}}", EINVAL, "'index' cannot do this: [\"a\", \"b c\"] 2" },
		{ "{{index .Args -1}}", EINVAL, "'index' cannot do this: [\"a\", \"b c\"] -1" },
		{ "{{index .Pid 0}}", EINVAL, "'index' cannot do this: 7 0" },
		{ "{{slice .Name 2 1}}", EINVAL, "'slice' cannot do this: \"web\" 2 1" },
		{ "{{slice .Name 9}}", EINVAL, "'slice' cannot do this: \"web\" 9" },
		{ "{{join .Name \",\"}}", EINVAL, "'join' cannot do this: \"web\" \",\"" },
		{ "{{split .Name \"\"}}", EINVAL, "'split' cannot do this: \"web\" \"\"" },
		{ "{{upper .Pid}}", EINVAL, "'upper' cannot do this: 7" },
		{ "{{len .Pid}}", EINVAL, "'len' cannot do this: 7" },
		{ "{{lt .Pid .Name}}", EINVAL, "'lt' cannot do this: 7 \"web\"" },
		{ "{{printf \"%x\" 1}}", EINVAL, "'printf' cannot do this: \"%x\" 1" },
		{ "{{printf \"%s\"}}", EINVAL, "'printf' cannot do this: \"%s\"" },
		{ "{{printf \"%\"}}", EINVAL, "'printf' cannot do this: \"%\"" },
		{ "{{printf \"\" 1}}", EINVAL, "'printf' cannot do this: \"\" 1" },
		{ "{{.Nets.one .Name}}", EINVAL, "a value takes no arguments" },
		{ "{{if .Up}}", EINVAL, "a block without '{{end}}'" },
		{ "{{if .Up}}{{else}}", EINVAL, "a block without '{{end}}'" },
		{ "{{if .Up}}{{else}}{{else}}{{end}}", EINVAL, "a block without '{{end}}'" },
		{ "{{if}}{{end}}", EINVAL, "'{{if}}' is not understood" },
		{ "{{if $a, $b := .Args}}{{end}}", EINVAL,
		  "'{{if $a, $b := .Args}}' is not understood" },
		{ "{{end}}", EINVAL, "'{{end}}' without a block" },
		{ "{{else}}", EINVAL, "'{{else}}' without a block" },
		{ "{{end .Name}}", EINVAL, "'{{end .Name}}' is not understood" },
		{ "{{range .Name}}{{end}}", EINVAL, "'range' needs a collection" },
		{ "{{$x}}", EINVAL, "there is no variable '$x'" },
		{ "{{if .Up}}{{$x := 1}}{{end}}{{$x}}", EINVAL, "there is no variable '$x'" },
		{ "{{$x := }}", EINVAL, "'{{$x := }}' is not understood" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_str struct str text = { 0 };
		struct error err = { 0 };
		int rc = render(rows[i].text, &text, &err);

		ck_assert_msg(rc == -rows[i].code, "%s: %d, %s", rows[i].text, rc, err.msg);
		ck_assert_str_eq(err.msg, rows[i].error);
	}
}
END_TEST

START_TEST(does_not_nest_without_end)
{
	static const char *const units[] = { "{{if .Up}}", "{{(", "(",
					     "{{if .Up}}{{else if .Up}}" };

	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		auto_str struct str text = { 0 };
		auto_str struct str out = { 0 };
		struct error err = { 0 };

		str_add(&text, "{{");
		str_add(&text, i == 2 ? "" : ".Name}}");
		for (int n = 0; n < 10000; n++)
			str_add(&text, units[i]);
		str_add(&text, "}}");
		ck_assert_int_eq(render(text.text, &out, &err), -EINVAL);
	}
}
END_TEST

TEST_MAIN("cli/template", renders, refuses, does_not_nest_without_end)
