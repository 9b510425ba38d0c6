/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "tests/unit/base/temp.h"
#include "tests/unit/test.h"

struct limits {
	int64_t memory;
	uint64_t hard;
	uint32_t uid;
	int score;
	bool has_score;
	double share;
};

struct mount {
	char *destination;
	struct strv options;
};

struct config {
	char *version;
	bool terminal;
	bool has_terminal;
	struct strv args;
	struct strv annotations;
	struct limits limits;
	struct mount *mounts;
	size_t n_mounts;
	struct mount *volumes; /* by destination */
	size_t n_volumes;
};

static const struct json_field limits_fields[] = {
	JSON_FIELD(struct limits, memory, JSON_FIELD_INT64, "memory"),
	JSON_FIELD(struct limits, hard, JSON_FIELD_UINT64, "hard"),
	JSON_FIELD(struct limits, uid, JSON_FIELD_UINT32, "uid"),
	JSON_FIELD_SET(struct limits, score, JSON_FIELD_INT, "score", has_score),
	JSON_FIELD(struct limits, share, JSON_FIELD_DOUBLE, "share"),
	JSON_FIELDS_END,
};

static const struct json_field mount_fields[] = {
	JSON_FIELD_NEEDED(struct mount, destination, JSON_FIELD_STRING, "destination"),
	JSON_FIELD(struct mount, options, JSON_FIELD_STRINGS, "options"),
	JSON_FIELDS_END,
};

static int read_mounts(struct json_reader *reader, const json_t *value, void *field,
		       struct error *err)
{
	struct config *config = container_of(field, struct config, mounts);

	return json_read_array(reader, value, sizeof(*config->mounts), mount_fields,
			       (void **)&config->mounts, &config->n_mounts, err);
}

static const struct json_field volume_fields[] = {
	JSON_FIELD(struct mount, options, JSON_FIELD_STRINGS, "options"),
	JSON_FIELDS_END,
};

static int read_volumes(struct json_reader *reader, const json_t *value, void *field,
			struct error *err)
{
	struct config *config = container_of(field, struct config, volumes);

	return json_read_map(reader, value, sizeof(*config->volumes),
			     offsetof(struct mount, destination), volume_fields,
			     (void **)&config->volumes, &config->n_volumes, err);
}

static const struct json_field config_fields[] = {
	JSON_FIELD_NEEDED(struct config, version, JSON_FIELD_STRING, "version"),
	JSON_FIELD_SET(struct config, terminal, JSON_FIELD_BOOL, "terminal", has_terminal),
	JSON_FIELD(struct config, args, JSON_FIELD_STRINGS, "args"),
	JSON_FIELD(struct config, annotations, JSON_FIELD_PAIRS, "annotations"),
	JSON_FIELD_TABLE(struct config, limits, "limits", limits_fields),
	JSON_FIELD_BY(struct config, mounts, "mounts", read_mounts),
	JSON_FIELD_BY(struct config, volumes, "volumes", read_volumes),
	JSON_FIELDS_END,
};

static void mounts_free(struct mount *mounts, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(mounts[i].destination);
		strv_fini(&mounts[i].options);
	}
	free(mounts);
}

static void config_fini(struct config *config)
{
	free(config->version);
	strv_fini(&config->args);
	strv_fini(&config->annotations);
	mounts_free(config->mounts, config->n_mounts);
	mounts_free(config->volumes, config->n_volumes);
	*config = (struct config){ 0 };
}

static int read_config(const char *text, struct config *config, struct error *err)
{
	auto_json_doc struct json_doc doc = { 0 };
	int rc = json_doc_parse(&doc, "config.json", text, strlen(text), err);

	return rc < 0 ? rc : json_read(&doc, config_fields, config, err);
}

START_TEST(fills_a_struct)
{
	struct config config = { 0 };
	struct error err = { 0 };
	int rc = read_config(
		"{ \"version\": \"1.0\", \"unknown\": [{}], \"terminal\": false,\n"
		"  \"args\": [\"a\", \"\"], \"annotations\": {\"k\": \"v\", \"e\": \"\"},\n"
		"  \"limits\": { \"memory\": -1, \"hard\": 18446744073709551615,\n"
		"    \"uid\": 4294967295, \"score\": -1000, \"share\": 2 },\n"
		"  \"mounts\": [{ \"destination\": \"/a\" },\n"
		"    { \"destination\": \"/b\", \"options\": [\"ro\"] }],\n"
		"  \"volumes\": { \"/c\": {}, \"/d\": { \"options\": [\"rw\"] } } }",
		&config, &err);

	ck_assert_msg(rc == 0, "%s", err.msg);
	ck_assert_str_eq(config.version, "1.0");
	ck_assert(config.has_terminal && !config.terminal);
	ck_assert_uint_eq(config.args.n, 2);
	ck_assert_str_eq(config.args.items[1], "");
	ck_assert_str_eq(config.annotations.items[0], "k=v");
	ck_assert_str_eq(config.annotations.items[1], "e=");
	ck_assert_int_eq(config.limits.memory, -1);
	ck_assert_uint_eq(config.limits.hard, UINT64_MAX);
	ck_assert_uint_eq(config.limits.uid, UINT32_MAX);
	ck_assert(config.limits.has_score && config.limits.score == -1000);
	ck_assert(config.limits.share == 2.0);
	ck_assert_uint_eq(config.n_mounts, 2);
	ck_assert_str_eq(config.mounts[1].destination, "/b");
	ck_assert_str_eq(config.mounts[1].options.items[0], "ro");
	ck_assert_uint_eq(config.n_volumes, 2);
	ck_assert_str_eq(config.volumes[0].destination, "/c");
	ck_assert_str_eq(config.volumes[1].destination, "/d");
	ck_assert_str_eq(config.volumes[1].options.items[0], "rw");
	config_fini(&config);
}
END_TEST

START_TEST(keeps_what_is_absent_or_null)
{
	struct config config = { .version = xstrdup("old"), .limits.score = 7 };
	struct error err = { 0 };

	strv_add(&config.args, "kept");
	ck_assert_int_eq(
		read_config("{\"version\":\"new\",\"args\":null,\"limits\":{\"score\":null}}",
			    &config, &err),
		0);
	ck_assert_str_eq(config.version, "new");
	ck_assert_str_eq(config.args.items[0], "kept");
	ck_assert(!config.limits.has_score && config.limits.score == 7);
	config_fini(&config);
}
END_TEST

START_TEST(keeps_integers_of_64_bits_exact)
{
	static const struct {
		const char *text;
		uint64_t value;
	} numbers[] = {
		{ "0", 0 },
		{ "9223372036854775807", INT64_MAX },
		{ "9223372036854775808", (uint64_t)INT64_MAX + 1 },
		{ "18446744073709551614", UINT64_MAX - 1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		struct config config = { 0 };
		struct error err = { 0 };
		auto_free char *text = xasprintf(
			"{\"version\":\"\\\"9223372036854775809\",\"limits\":{\"hard\":%s}}",
			numbers[i].text);
		int rc = read_config(text, &config, &err);

		ck_assert_msg(rc == 0, "%s", err.msg);
		ck_assert_uint_eq(config.limits.hard, numbers[i].value);
		ck_assert_str_eq(config.version, "\"9223372036854775809");
		config_fini(&config);
	}
}
END_TEST

static const struct {
	const char *text;
	const char *error;
} bad[] = {
	/* not JSON */
	{ "", "config.json:1:1: '[' or '{' expected near end of file" },
	{ "{\n \"version\": \"1\",\n}", "config.json:3:1: string or '}' expected near '}'" },
	{ "{} x", "config.json:1:4: end of file expected near 'x'" },
	{ "5", "config.json:1:1: '[' or '{' expected near '5'" },
	{ "{\"a\":1,\n\"a\":2}", "config.json:2:3: duplicate object key near '\"a\"'" },
	{ "{\"version\":\"\xff\"}", "config.json:1:12: unable to decode byte 0xff near '\"'" },
	{ "{\"version\":\"a\\u0000b\"}", "config.json:1:21: a string has a NUL in it" },
	/* the wrong type */
	{ "[]", "config.json:1:1: expected an object, got an array" },
	{ "{\n  \"version\": 5}", "config.json:2:14: version: expected a string, got a number" },
	{ "{\"\xc3\xa4\": 1, \"version\": {}}",
	  "config.json:1:21: version: expected a string, got an object" },
	{ "{\"x\": true, \"version\": true}",
	  "config.json:1:24: version: expected a string, got true" },
	{ "{\"version\":\"\",\"terminal\":\"yes\"}",
	  "config.json:1:26: terminal: expected true or false, got a string" },
	{ "{\"version\":\"\",\"args\":\"a\"}",
	  "config.json:1:22: args: expected an array of strings, got a string" },
	{ "{\"version\":\"\",\"a\\\"]b\":[null,{\"x\":[[null]]}],\n\"args\":[\"a\",null]}",
	  "config.json:2:13: args[1]: expected a string, got null" },
	{ "{\"version\":\"\",\"annotations\":{\"a.b\":false}}",
	  "config.json:1:36: annotations.a.b: expected a string, got false" },
	{ "{\"version\":\"\",\"annotations\":{\"a=b\":\"\"}}",
	  "config.json:1:36: annotations.a=b: a key must not be empty or have a '='" },
	{ "{\"version\":\"\",\"annotations\":[]}",
	  "config.json:1:29: annotations: expected an object, got an array" },
	{ "{\"version\":\"\",\"volumes\":[]}",
	  "config.json:1:25: volumes: expected an object, got an array" },
	{ "{\"version\":\"\",\"volumes\":{\"/\":{},\"/a\":{\"options\":3}}}",
	  "config.json:1:49: volumes./a.options: expected an array of strings, got a number" },
	{ "{\"version\":\"\",\"mounts\":{}}",
	  "config.json:1:24: mounts: expected an array, got an object" },
	{ "{\"version\":\"\",\"mounts\":[{\"destination\":\"/\"},\n3]}",
	  "config.json:2:1: mounts[1]: expected an object, got a number" },
	{ "{\"version\":\"\",\"mounts\":[{\"destination\":\"/\", \"options\":[\"a\", \"b\"]},\n"
	  " {\"destination\":\"/\", \"options\":[\"a\", 7]}]}",
	  "config.json:2:38: mounts[1].options[1]: expected a string, got a number" },
	/* out of range */
	{ "{\"version\":\"\",\"limits\":{\"uid\":-1}}",
	  "config.json:1:31: limits.uid: must be from 0 to 4294967295, got -1" },
	{ "{\"version\":\"\",\"limits\":{\"uid\":4294967296}}",
	  "config.json:1:31: limits.uid: must be from 0 to 4294967295, got 4294967296" },
	{ "{\"version\":\"\",\"limits\":{\"score\":2147483648}}",
	  "config.json:1:33: limits.score: must be from -2147483648 to 2147483647, got 2147483648" },
	{ "{\"version\":\"\",\"limits\":{\"memory\":9223372036854775808}}",
	  "config.json:1:34: limits.memory: must be from -9223372036854775808 to "
	  "9223372036854775807, got 9223372036854775808" },
	{ "{\"version\":\"\",\"limits\":{\"hard\":18446744073709551616}}",
	  "config.json:1:32: limits.hard: must be from 0 to 18446744073709551615, got "
	  "18446744073709551616" },
	{ "{\"version\":\"\",\"limits\":{\"memory\":-9223372036854775809}}",
	  "config.json:1:34: limits.memory: must be from -9223372036854775808 to "
	  "9223372036854775807, got -9223372036854775809" },
	{ "{\"version\":\"\",\"limits\":{\"memory\":1.5}}",
	  "config.json:1:34: limits.memory: expected a whole number, got 1.5" },
	{ "{\"version\":\"\",\"limits\":{\"share\":\"1\"}}",
	  "config.json:1:33: limits.share: expected a number, got a string" },
	/* missing */
	{ "{\"args\":[]}", "config.json:1:1: version: missing" },
	{ "{\"version\":null}", "config.json:1:12: version: missing" },
	{ "{\"version\":\"\",\"mounts\":[{\"destination\":\"/\"}, {}]}",
	  "config.json:1:46: mounts[1].destination: missing" },
	/* for the terminal */
	{ "{\"version\":\"\",\"annotations\":{\"\x1b\x1b\":1}}",
	  "config.json:1:30: control character 0x1b near '\"'" },
	{ "{\"version\":\"\",\"annotations\":{\"\\u001b[2J\":1}}",
	  "config.json:1:42: annotations.\\x1b[2J: expected a string, got a number" },
};

START_TEST(names_the_place_of_what_is_wrong)
{
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct config config = { 0 };
		struct error err = { 0 };
		int rc = read_config(bad[i].text, &config, &err);

		ck_assert_str_eq(err.msg, bad[i].error);
		ck_assert_int_eq(rc, -EINVAL);
		ck_assert_int_eq(err.code, EINVAL);
		config_fini(&config);
	}
}
END_TEST

static char *nested(size_t depth, size_t tail)
{
	struct str text = { 0 };

	str_add(&text, "{\"[[[[\\\"\":\n");
	for (size_t i = 1; i < depth; i++)
		str_add(&text, "[");
	for (size_t i = 1; i < depth; i++)
		str_add(&text, "]");
	str_add(&text, tail ? "}" : "");
	return str_take(&text);
}

START_TEST(limits_the_depth)
{
	auto_free char *good = nested(JSON_MAX_DEPTH, 1);
	auto_free char *deep = nested(JSON_MAX_DEPTH + 1, 1);
	auto_json_doc struct json_doc doc = { 0 };
	struct error err = { 0 };

	ck_assert_int_eq(json_doc_parse(&doc, "d", good, strlen(good), &err), 0);
	json_doc_fini(&doc);
	ck_assert_int_eq(json_doc_parse(&doc, "d", deep, strlen(deep), &err), -EINVAL);
	ck_assert_str_eq(err.msg, "d:2:128: nested too deep");
	ck_assert_ptr_null(doc.root);
}
END_TEST

START_TEST(refuses_nul_bytes)
{
	static const char text[] = "{\n\"u\": 12\0,\"s\":\"\"}";
	auto_json_doc struct json_doc doc = { 0 };
	struct error err = { 0 };

	ck_assert_int_eq(json_doc_parse(&doc, "d", text, sizeof(text) - 1, &err), -EINVAL);
	ck_assert_str_eq(err.msg, "d:2:8: a NUL byte");
}
END_TEST

START_TEST(limits_the_size)
{
	auto_json_doc struct json_doc doc = { 0 };
	struct error err = { 0 };

	ck_assert_int_eq(json_doc_parse(&doc, "d", "", JSON_MAX_SIZE + 1, &err), -EFBIG);
	ck_assert_str_eq(err.msg, "d: larger than 8 MiB");
}
END_TEST

START_TEST(loads_a_file)
{
	static const char text[] = "{\n\"version\": [] }";
	auto_json_doc struct json_doc doc = { 0 };
	struct config config = { 0 };
	struct error err = { 0 };
	struct temp temp;

	temp_make(&temp);
	ck_assert_int_eq(json_doc_load(&doc, temp.dir.fd, "c.json", &err), -ENOENT);
	ck_assert_str_eq(err.msg, "read 'c.json': no such file or directory");

	ck_assert_int_eq(
		file_replace_at(&temp.dir, "c.json", text, strlen(text), 0600, FILE_FAST, &err), 0);
	ck_assert_int_eq(json_doc_load(&doc, temp.dir.fd, "c.json", &err), 0);
	ck_assert_int_eq(json_read(&doc, config_fields, &config, &err), -EINVAL);
	ck_assert_str_eq(err.msg, "c.json:2:12: version: expected a string, got an array");
	config_fini(&config);
	temp_remove(&temp);
}
END_TEST

START_TEST(finds_values)
{
	static const char text[] =
		"{\"a\": [true, {\"b\": true}],\r\n \"c\" : true , \"d\":-1.5e3}";
	static const struct {
		const char *path;
		int line, column;
	} places[] = {
		{ "a[0]", 1, 8 },    { "a[1].b", 1, 20 }, { "c", 2, 8 },
		{ "nowhere", 1, 8 }, { NULL, 1, 8 },
	};
	auto_json_doc struct json_doc doc = { 0 };
	auto_json json_t *other = json_object_new();
	struct error err = { 0 };
	int line = 0;
	int column = 0;

	ck_assert_int_eq(json_doc_parse(&doc, "d", text, strlen(text), &err), 0);
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		ck_assert(json_doc_place(&doc, json_true(), places[i].path, &line, &column));
		ck_assert_int_eq(line, places[i].line);
		ck_assert_int_eq(column, places[i].column);
	}
	ck_assert(json_doc_place(&doc, json_object_get(doc.root, "d"), NULL, &line, &column));
	ck_assert_int_eq(column, 19);
	ck_assert(!json_doc_place(&doc, other, NULL, &line, &column));

	ck_assert_int_eq(json_doc_error(&doc, json_object_get(doc.root, "c"), "c", &err, "%s is %d",
					"it", 5),
			 -EINVAL);
	ck_assert_str_eq(err.msg, "d:2:8: c: it is 5");
}
END_TEST

START_TEST(reports_without_text)
{
	const struct json_doc doc = { .name = (char[]){ 'd', '\0' } };
	struct error err = { 0 };

	(void)json_doc_error(&doc, NULL, NULL, &err, "wrong");
	ck_assert_str_eq(err.msg, "d: wrong");
}
END_TEST

START_TEST(writes)
{
	auto_json json_t *object = json_object_new();
	auto_strv struct strv list = { 0 };
	auto_free char *text = NULL;
	json_t *array = json_array_new();

	strv_add(&list, "x");
	json_put_string(object, "s", "a\nb");
	json_put_string(object, "none", NULL);
	json_put_string(object, "broken", "a\xff");
	json_put_string(object, "\xff", "key");
	json_put_int(object, "i", INT64_MIN);
	json_put_bool(object, "b", true);
	json_put_strings(object, "l", &list);
	json_add(array, json_text("t"));
	json_put(object, "a", array);
	text = json_to_text(object, JSON_COMPACT);
	ck_assert_str_eq(text,
			 "{\"s\":\"a\\nb\",\"broken\":\"a\\\\xff\",\"\\\\xff\":\"key\","
			 "\"i\":-9223372036854775808,\"b\":true,\"l\":[\"x\"],\"a\":[\"t\"]}");
}
END_TEST

TEST_MAIN("base/json", fills_a_struct, keeps_what_is_absent_or_null,
	  keeps_integers_of_64_bits_exact, names_the_place_of_what_is_wrong, limits_the_depth,
	  refuses_nul_bytes, limits_the_size, loads_a_file, finds_values, reports_without_text,
	  writes)
