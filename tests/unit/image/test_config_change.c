/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/macros.h"
#include "base/mem.h"
#include "base/str.h"
#include "image/config_change.h"
#include "tests/unit/test.h"

/* What lines make of a config; texts of JSON with keys in order. */
static const struct {
	const char *before, *change, *after;
} good[] = {
	{ "{}", "CMD [\"a\", \"b c\"]", "{\"Cmd\":[\"a\",\"b c\"]}" },
	{ "{}", "cmd echo $HOME 'x'", "{\"Cmd\":[\"/bin/sh\",\"-c\",\"echo $HOME 'x'\"]}" },
	{ "{}", "CMD [a, b", "{\"Cmd\":[\"/bin/sh\",\"-c\",\"[a, b\"]}" },
	{ "{}", "CMD [\"a\", 1]", "{\"Cmd\":[\"/bin/sh\",\"-c\",\"[\\\"a\\\", 1]\"]}" },
	{ "{}", "CMD []", "{\"Cmd\":[]}" },
	{ "{\"Cmd\":[\"old\"]}", "ENTRYPOINT [\"e\"]", "{\"Entrypoint\":[\"e\"]}" },
	{ "{\"Env\":[\"A=1\",\"B=2\"]}", "ENV A=x B=$A", "{\"Env\":[\"A=x\",\"B=1\"]}" },
	{ "{\"Env\":[\"A=1\"]}", "ENV P=/x:${A}y:$Az:$ Q='$A' R=\\$A S=\"$A b\" T=",
	  "{\"Env\":[\"A=1\",\"P=/x:1y::$\",\"Q=$A\",\"R=$A\",\"S=1 b\",\"T=\"]}" },
	{ "{\"Env\":null}", "ENV old form  of it", "{\"Env\":[\"old=form of it\"]}" },
	{ "{}", "ENV A=b\\ c D=\"e\"'f'g", "{\"Env\":[\"A=b c\",\"D=efg\"]}" },
	{ "{}", "EXPOSE 80 53/udp 8000-8002/sctp",
	  "{\"ExposedPorts\":{\"53/udp\":{},\"80/tcp\":{},\"8000/sctp\":{},\"8001/sctp\":{},"
	  "\"8002/sctp\":{}}}" },
	{ "{\"Labels\":{\"a\":\"b\"}}", "LABEL a=c \"x y\"=\"z = w\"",
	  "{\"Labels\":{\"a\":\"c\",\"x y\":\"z = w\"}}" },
	{ "{}", "USER nobody:12", "{\"User\":\"nobody:12\"}" },
	{ "{}", "VOLUME [\"/a\", \"/b c\"]", "{\"Volumes\":{\"/a\":{},\"/b c\":{}}}" },
	{ "{\"Volumes\":{\"/z\":{}}}", "VOLUME /a /b",
	  "{\"Volumes\":{\"/a\":{},\"/b\":{},\"/z\":{}}}" },
	{ "{\"WorkingDir\":\"/a\"}", " WORKDIR  b/../c \t", "{\"WorkingDir\":\"/a/c\"}" },
	{ "{}", "WORKDIR x", "{\"WorkingDir\":\"/x\"}" },
	{ "{}", "STOPSIGNAL SIGQUIT", "{\"StopSignal\":\"SIGQUIT\"}" },
	{ "{\"Healthcheck\":{\"Retries\":9}}",
	  "HEALTHCHECK --timeout=1m --start-period=2s CMD [\"t\"]",
	  "{\"Healthcheck\":{\"StartPeriod\":2000000000,\"Test\":[\"CMD\",\"t\"],\"Timeout\":60000000000}}" },
	{ "{}", "HEALTHCHECK CMD curl x || exit 1",
	  "{\"Healthcheck\":{\"Test\":[\"CMD-SHELL\",\"curl x || exit 1\"]}}" },
	{ "{}", "HEALTHCHECK none", "{\"Healthcheck\":{\"Test\":[\"NONE\"]}}" },
};

START_TEST(changes)
{
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		auto_json json_t *config = json_loads(good[i].before, 0, NULL);
		auto_strv struct strv lines = { 0 };
		auto_free char *text = NULL;
		struct error err = { 0 };

		strv_add(&lines, good[i].change);
		ck_assert_msg(config_change_all(config, &lines, &err) == 0, "%s", err.msg);
		text = json_to_text(config, JSON_COMPACT | JSON_SORT_KEYS);
		ck_assert_str_eq(text, good[i].after);
	}
}
END_TEST

/* The command of a change stays, whatever entry point comes behind it. */
START_TEST(keeps_a_command_that_was_asked_for)
{
	auto_json json_t *config = json_loads("{\"Cmd\":[\"old\"]}", 0, NULL);
	auto_strv struct strv lines = { 0 };
	auto_free char *text = NULL;
	struct error err = { 0 };

	strv_add(&lines, "CMD [\"new\"]");
	strv_add(&lines, "ENTRYPOINT [\"e\"]");
	ck_assert_int_eq(config_change_all(config, &lines, &err), 0);
	text = json_to_text(config, JSON_COMPACT | JSON_SORT_KEYS);
	ck_assert_str_eq(text, "{\"Cmd\":[\"new\"],\"Entrypoint\":[\"e\"]}");
}
END_TEST

static const struct {
	const char *change, *why;
} bad[] = {
	{ "RUN ls", "are known" },
	{ "", "are known" },
	{ "CMDX x", "are known" },
	{ "CMD", "change 'CMD': nothing is behind it" },
	{ "USER  ", "nothing is behind it" },
	{ "USER a b", "it takes one word" },
	{ "USER \"\"", "it takes one word" },
	{ "WORKDIR $NOTHING", "it takes one word" },
	{ "ENV A", "'A' is not NAME=VALUE" },
	{ "ENV A=b C", "'C' is not NAME=VALUE" },
	{ "ENV =b", "is not NAME=VALUE" },
	{ "ENV A=\"b", "a \" without its other end" },
	{ "ENV A=${B:-c}", "only ${NAME} is known" },
	{ "ENV A=${B", "only ${NAME} is known" },
	{ "LABEL 'x=y", "a ' without its other end" },
	{ "EXPOSE 0", "'0' is no port" },
	{ "EXPOSE 70000", "is no port" },
	{ "EXPOSE 80/icmp", "is no port" },
	{ "EXPOSE 90-80", "is no port" },
	{ "EXPOSE -", "is no port" },
	{ "VOLUME a", "volume 'a' is no absolute path" },
	{ "STOPSIGNAL NONSENSE", "NONSENSE" },
	{ "HEALTHCHECK true", "it takes CMD and a command, or NONE" },
	{ "HEALTHCHECK CMD", "it takes CMD" },
	{ "HEALTHCHECK --interval=x CMD true", "x" },
	{ "HEALTHCHECK --often CMD true", "unknown option '--often'" },
};

START_TEST(says_what_is_wrong)
{
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		auto_json json_t *config = json_object_new();
		auto_strv struct strv lines = { 0 };
		struct error err = { 0 };

		strv_add(&lines, bad[i].change);
		ck_assert_msg(config_change_all(config, &lines, &err) == -EINVAL, "%s: %s",
			      bad[i].change, err.msg);
		ck_assert_msg(strstr(err.msg, bad[i].why), "%s: %s", bad[i].change, err.msg);
		ck_assert_ptr_nonnull(strstr(err.msg, "change '"));
	}
}
END_TEST

TEST_MAIN("image/config_change", changes, keeps_a_command_that_was_asked_for, says_what_is_wrong)
